//! What the control plane knows, and how it changes: pure, time comes in as a value.
//!
//! Every change that time brings is an event with its own moment. [`State::advance`] applies those that are due, in
//! order, each at its moment, so that it makes no difference how often anyone looks.

mod workload;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use runai_spec::wire::{Preemptibility, TrainingCreationRequest, TrainingSpec};

pub(crate) use self::workload::{DesiredPhase, Phase, Record, What, Workload};
use crate::{
    clock::later,
    scheduler::{Cluster, Decision, Demand, Placement, Request, Scheduler, Stuck, Wishes},
    script::Script,
    world::{Behaviour, End, Node, Policy, Project, Template},
};

/// The control plane of one tenant with one cluster.
pub(crate) struct State {
    /// What happens to workloads whose name fits.
    pub(crate) behaviours: Vec<Behaviour>,
    cluster: ClusterFacts,
    /// Moments at which a workload goes on by itself.
    due: BTreeSet<(Timestamp, usize)>,
    by_id: HashMap<String, usize>,
    /// Workloads that are not deleted, by project and name.
    by_name: HashMap<(usize, String), usize>,
    /// Workloads of every project by their name, the deleted ones too.
    ever_by_name: HashMap<String, Vec<usize>>,
    /// Whether pods are real processes, which report their own end.
    exec: bool,
    orders: Vec<Order>,
    pub(crate) policy: Option<Policy>,
    projects: Vec<ProjectFacts>,
    scheduler: Scheduler,
    /// Whether what the API leaves open is refused.
    pub(crate) strict: bool,
    pub(crate) templates: Vec<Template>,
    workloads: Vec<Workload>,
}

/// The cluster.
#[derive(Clone, Debug)]
pub(crate) struct ClusterFacts {
    pub(crate) created_at: Timestamp,
    pub(crate) name: String,
    pub(crate) uuid: String,
}

/// A project.
#[derive(Clone, Debug)]
pub(crate) struct ProjectFacts {
    pub(crate) created_at: Timestamp,
    pub(crate) facts: Project,
    pub(crate) id: String,
    pub(crate) index: usize,
}

/// Something that must be done to a real process.
#[derive(Clone, Debug)]
pub(crate) enum Order {
    /// Start a pod of a workload.
    Start(PodOrder),
    /// End a pod of a workload, politely for at most its grace period.
    Stop(PodId),
    /// Drop what a workload leaves behind on the disk.
    TidyUp(String),
}

/// A pod that must be started.
#[derive(Clone, Debug)]
pub(crate) struct PodOrder {
    pub(crate) pod: PodId,
    /// Which of the pods that run side by side it is.
    pub(crate) slot: usize,
    pub(crate) spec: Arc<TrainingSpec>,
    pub(crate) workload_name: String,
}

/// One run of a workload's command.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct PodId {
    /// Counts the runs of the workload, so that a late report is not taken for that of a later run.
    pub(crate) run: u32,
    pub(crate) workload_id: String,
}

/// How a pod ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PodEnd {
    /// It ended badly; the text says how.
    Failed(String),
    /// It could not even start; the text says why.
    NotStarted(String),
    Succeeded,
}

/// What someone does to a workload from outside the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mishap {
    Fail(String),
    Preempt,
}

/// What a state is made of.
pub(crate) struct Setup {
    pub(crate) behaviours: Vec<Behaviour>,
    pub(crate) cluster: ClusterFacts,
    pub(crate) exec: bool,
    pub(crate) nodes: Vec<Node>,
    pub(crate) policy: Option<Policy>,
    pub(crate) projects: Vec<Project>,
    pub(crate) strict: bool,
    pub(crate) templates: Vec<Template>,
}

impl State {
    pub(crate) fn new(setup: Setup) -> Self {
        let facts = |(index, facts): (usize, &Project)| ProjectFacts {
            created_at: setup.cluster.created_at,
            facts: facts.clone(),
            id: format!("{}", index + 1),
            index,
        };
        Self {
            behaviours: setup.behaviours,
            due: BTreeSet::new(),
            by_id: HashMap::new(),
            by_name: HashMap::new(),
            ever_by_name: HashMap::new(),
            exec: setup.exec,
            orders: Vec::new(),
            policy: setup.policy,
            projects: setup.projects.iter().enumerate().map(facts).collect(),
            cluster: setup.cluster,
            scheduler: Scheduler::new(Cluster::new(setup.nodes), setup.projects),
            strict: setup.strict,
            templates: setup.templates,
            workloads: Vec::new(),
        }
    }

    pub(crate) fn cluster(&self) -> &ClusterFacts {
        &self.cluster
    }

    pub(crate) fn projects(&self) -> &[ProjectFacts] {
        &self.projects
    }

    pub(crate) fn project(&self, id: &str) -> Option<&ProjectFacts> {
        self.projects.iter().find(|project| project.id == id)
    }

    pub(crate) fn scheduler(&self) -> &Scheduler {
        &self.scheduler
    }

    /// Names of the node pools.
    pub(crate) fn pools(&self) -> &[String] {
        self.scheduler.cluster().pools()
    }

    /// Whether pods are real processes.
    pub(crate) fn exec(&self) -> bool {
        self.exec
    }

    /// All workloads in the order of their creation, the deleted ones too.
    pub(crate) fn workloads(&self) -> &[Workload] {
        &self.workloads
    }

    /// All workloads of this name in the order of their creation, in every project, the deleted ones too.
    pub(crate) fn named(&self, name: &str) -> impl Iterator<Item = (usize, &Workload)> {
        let indexes = self.ever_by_name.get(name).map(Vec::as_slice).unwrap_or_default();
        indexes.iter().map(|index| (*index, &self.workloads[*index]))
    }

    /// The workload with this id, unless it was deleted.
    pub(crate) fn workload(&self, id: &str) -> Option<&Workload> {
        self.index(id).map(|index| &self.workloads[index])
    }

    /// The workload with this id, also if it was deleted.
    pub(crate) fn workload_ever(&self, id: &str) -> Option<(usize, &Workload)> {
        self.by_id.get(id).map(|index| (*index, &self.workloads[*index]))
    }

    /// Where the workload was placed, as long as it holds that.
    pub(crate) fn placement(&self, index: usize) -> Option<&Placement> {
        self.scheduler.placement(index)
    }

    /// Why the workload waits for resources, if it does.
    pub(crate) fn stuck(&self, index: usize) -> Option<&Stuck> {
        self.scheduler.stuck(index)
    }

    /// Why the workload is in its phase, for people.
    pub(crate) fn message(&self, index: usize) -> &str {
        self.stuck(index).map_or(self.workloads[index].message.as_str(), |stuck| stuck.message.as_str())
    }

    /// Whether a workload of the project has this name now.
    pub(crate) fn is_taken(&self, project: usize, name: &str) -> bool {
        self.by_name.contains_key(&(project, name.to_owned()))
    }

    /// The moment of the next event.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.due.first().map(|(due, _)| *due)
    }

    /// Orders given since this was last asked.
    pub(crate) fn take_orders(&mut self) -> Vec<Order> {
        std::mem::take(&mut self.orders)
    }

    /// Lets all events happen that are due at `now`.
    pub(crate) fn advance(&mut self, now: Timestamp) {
        while let Some((at, index)) = self.due.first().copied().filter(|(at, _)| *at <= now) {
            self.workloads[index].due = None;
            self.due.pop_first();
            self.step(index, at);
            self.schedule(at);
        }
    }

    /// Takes in a workload that was checked before; gives its index.
    pub(crate) fn submit(&mut self, submission: Submission, now: Timestamp) -> usize {
        let Submission { names, project, request, script, warnings } = submission;
        let index = self.workloads.len();
        let facts = &self.projects[project];
        let (project_id, project_name) = (facts.id.clone(), facts.facts.name.clone());
        self.by_id.insert(names.id.clone(), index);
        self.by_name.insert((project, names.name.clone()), index);
        self.ever_by_name.entry(names.name.clone()).or_default().push(index);
        let spec = request.spec;
        let mut workload = Workload {
            completed_at: None,
            completions: completions(&spec),
            created_at: now,
            deleted_at: None,
            desired: DesiredPhase::Running,
            failures: 0,
            id: names.id,
            message: String::new(),
            name: names.name,
            phase: Phase::Creating,
            phase_since: now,
            project,
            project_id,
            project_name,
            records: VecDeque::new(),
            request: self.wanted(project, &spec),
            requested_name: request.name,
            spec: Arc::new(spec),
            submitted_by: names.submitted_by,
            succeeded: 0,
            due: None,
            ending: None,
            leaving: false,
            next_record: 0,
            pending: Duration::ZERO,
            pods: BTreeMap::new(),
            running: Duration::ZERO,
            runs: 0,
            script,
        };
        workload.record(now, What::Phase { message: String::new(), phase: Phase::Creating });
        for warning in warnings {
            workload.warn(now, "Accepted", warning);
        }
        self.workloads.push(workload);
        self.set_due(index, Some(later(now, SETTING_UP)));
        index
    }

    /// Suspends a workload that has not ended; gives `None` if there is no such workload.
    pub(crate) fn suspend(&mut self, id: &str, now: Timestamp) -> Option<()> {
        let index = self.index(id)?;
        match self.workloads[index].phase {
            Phase::Completed | Phase::Failed | Phase::Deleting | Phase::Stopped | Phase::Terminating => {}
            Phase::Stopping => self.workloads[index].desired = DesiredPhase::Stopped,
            _ => {
                let workload = &mut self.workloads[index];
                workload.desired = DesiredPhase::Stopped;
                workload.note(now, "Suspended", "the workload is suspended");
                self.wind_down(index, Phase::Stopping, String::new(), now);
            }
        }
        self.schedule(now);
        Some(())
    }

    /// Resumes a suspended workload; gives `None` if there is no such workload.
    pub(crate) fn resume(&mut self, id: &str, now: Timestamp) -> Option<()> {
        let index = self.index(id)?;
        match self.workloads[index].phase {
            Phase::Stopped => self.set_up_again(index, now),
            // It is resumed once it has stopped.
            Phase::Stopping => self.workloads[index].desired = DesiredPhase::Running,
            _ => {}
        }
        Some(())
    }

    /// Deletes a workload; gives `None` if there is no such workload.
    pub(crate) fn delete(&mut self, id: &str, now: Timestamp) -> Option<()> {
        let index = self.index(id)?;
        if self.workloads[index].phase != Phase::Deleting {
            self.workloads[index].desired = DesiredPhase::Deleted;
            self.wind_down(index, Phase::Deleting, String::new(), now);
        }
        self.schedule(now);
        Some(())
    }

    /// Lets something happen to a workload that runs; gives `None` if there is no such workload.
    pub(crate) fn strike(&mut self, id: &str, mishap: Mishap, now: Timestamp) -> Option<()> {
        let index = self.index(id)?;
        if matches!(self.workloads[index].phase, Phase::Initializing | Phase::Running) {
            match mishap {
                Mishap::Fail(how) => self.fail(index, how, now),
                Mishap::Preempt => self.preempt(index, "preempted", now),
            }
        }
        self.schedule(now);
        Some(())
    }

    /// Remembers an event of a pod.
    pub(crate) fn note_pod(&mut self, pod: &PodId, reason: &'static str, message: String, now: Timestamp) {
        if let Some(index) = self.index(&pod.workload_id) {
            self.workloads[index].note(now, reason, message);
        }
    }

    /// Takes in that a pod has ended.
    pub(crate) fn pod_ended(&mut self, pod: &PodId, end: PodEnd, now: Timestamp) {
        let Some(index) = self.index(&pod.workload_id) else { return };
        let workload = &mut self.workloads[index];
        let Some(slot) = workload.pods.remove(&pod.run) else { return };
        match (workload.phase, end) {
            (Phase::Running, PodEnd::Succeeded) => {
                workload.succeeded += 1;
                workload.note(now, "Completed", format!("{} completed", pod_name(workload, slot)));
                let busy = u32::try_from(workload.pods.len()).unwrap_or(u32::MAX);
                if workload.succeeded.saturating_add(busy) < workload.completions {
                    self.start_pod(index, slot);
                } else if busy == 0 {
                    self.finish(index, Phase::Completed, String::new(), now);
                }
            }
            (Phase::Running, PodEnd::NotStarted(why)) => self.fail(index, why, now),
            (Phase::Running, PodEnd::Failed(how)) => {
                let limit = workload.spec.backoff_limit.unwrap_or(0);
                if workload.failures < limit {
                    workload.failures += 1;
                    workload.message = format!("{how}, retry {} of {limit}", workload.failures);
                    let message = workload.message.clone();
                    workload.warn(now, "BackOff", message);
                    self.start_pod(index, slot);
                } else {
                    self.fail(index, how, now);
                }
            }
            _ if workload.pods.is_empty() => self.step(index, now),
            _ => {}
        }
        self.schedule(now);
    }

    fn index(&self, id: &str) -> Option<usize> {
        self.by_id.get(id).copied().filter(|index| self.workloads[*index].deleted_at.is_none())
    }

    /// What happens to a workload when its time in its phase is over, or when its last pod has gone.
    fn step(&mut self, index: usize, at: Timestamp) {
        let workload = &mut self.workloads[index];
        match workload.phase {
            Phase::Creating | Phase::Resuming => {
                let pending = workload.script.pending;
                if pending.is_zero() {
                    self.enter(index, Phase::Pending, String::new(), at);
                    self.enqueue(index);
                } else {
                    self.enter(index, Phase::Pending, format!("held back by {}", Script::PENDING), at);
                    self.set_due(index, Some(later(at, pending)));
                }
            }
            Phase::Pending => {
                if workload.leaving {
                    workload.leaving = false;
                    self.scheduler.forget(index);
                }
                self.enqueue(index);
            }
            Phase::Initializing if workload.script.end == End::ImagePullError => {
                let image = workload.spec.image.as_deref().unwrap_or_default();
                workload.message = format!("ImagePullBackOff: the image `{image}` cannot be pulled");
                let message = workload.message.clone();
                workload.warn(at, "Failed", message);
            }
            Phase::Initializing => {
                self.enter(index, Phase::Running, String::new(), at);
                let pods = self.workloads[index].request.pods as usize;
                for slot in 0..pods {
                    let name = pod_name(&self.workloads[index], slot);
                    self.workloads[index].note(at, "Started", format!("{name} started"));
                    if self.exec {
                        self.start_pod(index, slot);
                    }
                }
                self.set_running_due(index, at);
            }
            Phase::Running => self.running_is_over(index, at),
            Phase::Stopping => {
                self.scheduler.forget(index);
                self.workloads[index].leaving = false;
                if self.workloads[index].desired == DesiredPhase::Running {
                    self.set_up_again(index, at);
                } else {
                    self.tidy_up(index);
                    self.enter(index, Phase::Stopped, String::new(), at);
                }
            }
            Phase::Terminating => {
                let how = workload.ending.take().unwrap_or_default();
                self.finish(index, Phase::Failed, how, at);
            }
            Phase::Completed | Phase::Deleting | Phase::Failed => {
                self.scheduler.forget(index);
                self.tidy_up(index);
                let workload = &mut self.workloads[index];
                workload.desired = DesiredPhase::Deleted;
                workload.deleted_at = Some(at);
                self.by_name.remove(&(workload.project, workload.name.clone()));
            }
            Phase::Stopped => {}
        }
    }

    /// What a script says about a workload that runs, when its time has come.
    fn running_is_over(&mut self, index: usize, at: Timestamp) {
        let workload = &mut self.workloads[index];
        let ran = crate::clock::between(workload.phase_since, at);
        if workload.script.preempt_after.is_some_and(|after| after <= ran) {
            workload.script.preempt_after = None;
            return self.preempt(index, "preempted as the scenario says", at);
        }
        if self.exec {
            return;
        }
        let message = workload.script.message.clone();
        match workload.script.end {
            End::Completed | End::ImagePullError => {
                workload.succeeded = workload.succeeded.saturating_add(workload.request.pods);
                if workload.succeeded < workload.completions {
                    let due = later(at, workload.script.running);
                    return self.set_due(index, Some(due));
                }
                self.finish(index, Phase::Completed, message, at);
            }
            End::Failed | End::OutOfMemory => {
                if workload.script.end == End::OutOfMemory {
                    let name = pod_name(workload, 0);
                    workload.warn(at, "OOMKilled", format!("{name} used more memory than it may"));
                }
                self.finish(index, Phase::Failed, message, at);
            }
            End::Stopped => {
                workload.desired = DesiredPhase::Stopped;
                self.wind_down(index, Phase::Stopping, String::new(), at);
            }
        }
    }

    fn set_running_due(&mut self, index: usize, at: Timestamp) {
        let script = &self.workloads[index].script;
        let end = (!self.exec).then_some(script.running);
        let first = [end, script.preempt_after].into_iter().flatten().min();
        self.set_due(index, first.map(|first| later(at, first)));
    }

    /// Lets a workload wait for resources.
    fn enqueue(&mut self, index: usize) {
        self.scheduler.enqueue(index, self.workloads[index].request.clone());
    }

    /// Carries out what the scheduler decides.
    fn schedule(&mut self, at: Timestamp) {
        loop {
            let decisions = self.scheduler.pass();
            if decisions.is_empty() {
                return;
            }
            for decision in decisions {
                match decision {
                    Decision::Evict(index, why) => self.preempt(index, &why, at),
                    Decision::Start(index) => self.set_up(index, at),
                    Decision::Wait(index) => {
                        let message = self.message(index).to_owned();
                        if !message.is_empty() {
                            self.workloads[index].warn(at, "FailedScheduling", message);
                        }
                    }
                }
            }
        }
    }

    fn set_up(&mut self, index: usize, at: Timestamp) {
        self.enter(index, Phase::Initializing, String::new(), at);
        if let Some(placement) = self.scheduler.placement(index) {
            let nodes = self.scheduler.cluster().nodes();
            let workload = &self.workloads[index];
            let texts: Vec<String> = placement
                .pods
                .iter()
                .enumerate()
                .map(|(slot, pod)| format!("{} goes to {}", pod_name(workload, slot), nodes[pod.node].facts.name))
                .collect();
            for text in texts {
                self.workloads[index].note(at, "Scheduled", text);
            }
        }
        let image = self.workloads[index].spec.image.clone();
        if let Some(image) = image {
            self.workloads[index].note(at, "Pulling", format!("pulling the image `{image}`"));
        }
        self.set_due(index, Some(later(at, SETTING_UP)));
    }

    /// Pushes a workload aside: it waits again once its pods have gone.
    fn preempt(&mut self, index: usize, why: &str, at: Timestamp) {
        self.workloads[index].warn(at, "Preempted", why.to_owned());
        if self.workloads[index].spec.terminate_after_preemption == Some(true) {
            return self.fail(index, why.to_owned(), at);
        }
        self.workloads[index].leaving = true;
        self.wind_down(index, Phase::Pending, why.to_owned(), at);
    }

    /// Lets a workload fail once its pods have gone.
    fn fail(&mut self, index: usize, how: String, at: Timestamp) {
        if self.workloads[index].pods.is_empty() {
            return self.finish(index, Phase::Failed, how, at);
        }
        self.workloads[index].ending = Some(how.clone());
        self.wind_down(index, Phase::Terminating, how, at);
    }

    fn start_pod(&mut self, index: usize, slot: usize) {
        let workload = &mut self.workloads[index];
        workload.runs += 1;
        workload.pods.insert(workload.runs, slot);
        self.orders.push(Order::Start(PodOrder {
            pod: PodId { run: workload.runs, workload_id: workload.id.clone() },
            slot,
            spec: Arc::clone(&workload.spec),
            workload_name: workload.name.clone(),
        }));
    }

    /// Ends what runs; the workload stays in `phase` until that is done.
    fn wind_down(&mut self, index: usize, phase: Phase, message: String, at: Timestamp) {
        if self.scheduler.placement(index).is_some() {
            // So that nobody else sends it away meanwhile.
            self.scheduler.leaves(index);
        } else {
            self.scheduler.forget(index);
        }
        self.enter(index, phase, message, at);
        let workload = &mut self.workloads[index];
        if workload.pods.is_empty() {
            return self.set_due(index, Some(later(at, WINDING_DOWN)));
        }
        let pods: Vec<(u32, usize)> = workload.pods.iter().map(|(run, slot)| (*run, *slot)).collect();
        for (run, slot) in pods {
            let name = pod_name(workload, slot);
            workload.note(at, "Killing", format!("{name} is asked to end"));
            self.orders.push(Order::Stop(PodId { run, workload_id: workload.id.clone() }));
        }
    }

    fn set_up_again(&mut self, index: usize, at: Timestamp) {
        let workload = &mut self.workloads[index];
        workload.desired = DesiredPhase::Running;
        workload.failures = 0;
        workload.succeeded = 0;
        workload.note(at, "Resumed", "the workload is resumed");
        self.enter(index, Phase::Resuming, String::new(), at);
        self.set_due(index, Some(later(at, SETTING_UP)));
    }

    fn finish(&mut self, index: usize, phase: Phase, message: String, at: Timestamp) {
        self.scheduler.forget(index);
        self.tidy_up(index);
        if phase == Phase::Failed {
            self.workloads[index].warn(at, "Failed", message.clone());
        } else {
            self.workloads[index].note(at, "Completed", "the workload has completed");
        }
        self.enter(index, phase, message, at);
        let workload = &mut self.workloads[index];
        workload.completed_at = Some(at);
        let kept = workload.spec.auto_deletion_time_after_completion_seconds.unwrap_or(KEPT_SECONDS);
        self.set_due(index, Some(later(at, Duration::from_secs(kept.unsigned_abs()))));
    }

    fn tidy_up(&mut self, index: usize) {
        if self.exec {
            self.orders.push(Order::TidyUp(self.workloads[index].id.clone()));
        }
    }

    fn enter(&mut self, index: usize, phase: Phase, message: String, at: Timestamp) {
        self.set_due(index, None);
        let workload = &mut self.workloads[index];
        workload.pending = workload.total_pending(at);
        workload.running = workload.total_running(at);
        workload.phase = phase;
        workload.phase_since = at;
        workload.record(at, What::Phase { message: message.clone(), phase });
        workload.message = message;
    }

    fn set_due(&mut self, index: usize, due: Option<Timestamp>) {
        let former = std::mem::replace(&mut self.workloads[index].due, due);
        if let Some(former) = former {
            self.due.remove(&(former, index));
        }
        if let Some(due) = due {
            self.due.insert((due, index));
        }
    }

    /// What the workload will ask the scheduler for. Node pools and node types that are not there do not count.
    fn wanted(&self, project: usize, spec: &TrainingSpec) -> Request {
        let pools = self.pools();
        let known = |names: &[String]| -> Vec<usize> {
            let mut found: Vec<usize> = Vec::new();
            for index in names.iter().filter_map(|name| pools.iter().position(|pool| pool == name)) {
                if !found.contains(&index) {
                    found.push(index);
                }
            }
            found
        };
        let mut wanted = known(&spec.node_pools);
        if wanted.is_empty() {
            wanted = known(&self.projects[project].facts.default_node_pools);
        }
        if wanted.is_empty() {
            wanted = (0..pools.len()).collect();
        }
        let node_type = spec.node_type.clone().filter(|it| self.has_node_type(it));
        Request {
            demand: Demand::new(spec),
            pods: parallelism(spec).min(completions(spec)),
            pools: wanted,
            preemptible: is_preemptible(spec),
            priority: priority(priority_class(spec)).unwrap_or(DEFAULT_PRIORITY),
            project,
            wishes: Wishes::new(node_type, &spec.tolerations),
        }
    }

    /// Whether a node is of this type.
    pub(crate) fn has_node_type(&self, node_type: &str) -> bool {
        self.scheduler.cluster().nodes().iter().any(|node| node.facts.node_type.as_deref() == Some(node_type))
    }
}

/// A submission that was checked.
pub(crate) struct Submission {
    pub(crate) names: Names,
    /// The project, by its index.
    pub(crate) project: usize,
    /// What is asked for, with template and policy worked in.
    pub(crate) request: TrainingCreationRequest,
    pub(crate) script: Script,
    /// What was accepted though it may not be meant.
    pub(crate) warnings: Vec<String>,
}

/// What the control plane adds to a submission.
pub(crate) struct Names {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) submitted_by: String,
}

/// The name of a pod, by the place that it has.
pub(crate) fn pod_name(workload: &Workload, slot: usize) -> String {
    format!("{}-{slot}", workload.name)
}

/// How many pods run side by side.
fn parallelism(spec: &TrainingSpec) -> u32 {
    spec.parallelism.and_then(|it| u32::try_from(it).ok()).unwrap_or(1).max(1)
}

/// How many pods must succeed: each of those that run side by side, where nothing is said.
fn completions(spec: &TrainingSpec) -> u32 {
    spec.completions.and_then(|it| u32::try_from(it).ok()).unwrap_or_else(|| parallelism(spec)).max(1)
}

/// The priority class, `low` where none is given.
pub(crate) fn priority_class(spec: &TrainingSpec) -> &str {
    spec.priority_class.as_deref().filter(|class| !class.is_empty()).unwrap_or("low")
}

/// The numbers behind Run:ai's own priority classes.
pub(crate) fn priority(class: &str) -> Option<i64> {
    Some(match class {
        "very-low" => 25,
        "low" => 40,
        "medium-low" => 65,
        "medium" => 80,
        "medium-high" => 90,
        "high" => 125,
        "very-high" => 150,
        _ => return None,
    })
}

/// Whether others may push the workload aside; the priority class decides where the spec does not.
pub(crate) fn is_preemptible(spec: &TrainingSpec) -> bool {
    match spec.preemptibility {
        Some(preemptibility) => preemptibility == Preemptibility::Preemptible,
        None => priority(priority_class(spec)).is_none_or(|priority| priority < NON_PREEMPTIBLE),
    }
}

/// The namespace that Run:ai makes for a project.
pub(crate) fn namespace(project: &str) -> String {
    format!("runai-{project}")
}

/// The department that every project belongs to.
pub(crate) const DEPARTMENT: &str = "default";
pub(crate) const DEPARTMENT_ID: &str = "1";

/// The tenant that everything belongs to.
pub(crate) const TENANT: i64 = 1;

/// Of a priority class that Run:ai does not have by itself: as `low`.
const DEFAULT_PRIORITY: i64 = 40;

/// From this priority on a workload is not pushed aside unless it says otherwise.
const NON_PREEMPTIBLE: i64 = 100;

/// How long Creating, Initializing and Resuming take: long enough to be seen, short enough not to be waited for.
const SETTING_UP: Duration = Duration::from_millis(100);

/// How long Stopping and Deleting take when no process has to end.
const WINDING_DOWN: Duration = Duration::from_millis(100);

/// Finished workloads are kept for 30 days, as the API says.
const KEPT_SECONDS: i64 = 30 * 24 * 60 * 60;
