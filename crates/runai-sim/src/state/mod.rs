//! What the control plane knows, and how it changes: pure, time comes in as a value.
//!
//! Every change that time brings is an event with its own moment. [`State::advance`] applies those that are due, in
//! order, each at its moment, so that it makes no difference how often anyone looks.

mod lifecycle;
mod place;
mod request;
mod versions;
mod workload;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use runai_api::wire::{TrainingCreationRequest, TrainingSpec};

use self::{request::completions, versions::Versions};
pub(crate) use self::{
    request::{is_preemptible, priority, priority_class},
    versions::View,
    workload::{DesiredPhase, Phase, Record, What, Workload},
};
use crate::{
    clock::later,
    scheduler::{Cluster, PendingReason, Placement, Scheduler},
    script::Script,
    world::{Behaviour, Node, Policy, Project, Template, WorkloadType},
};

/// The control plane of one tenant with one cluster.
pub(crate) struct State {
    /// What happens to workloads whose name fits.
    pub(crate) behaviours: Vec<Behaviour>,
    cluster: ClusterFacts,
    /// Moments at which a workload goes on by itself.
    due: BTreeSet<(Timestamp, usize)>,
    by_id: HashMap<String, usize>,
    /// Workloads of every project by their name, the deleted ones too.
    ever_by_name: HashMap<String, Vec<usize>>,
    /// What was asked for and happens later, by its moment and in the order of the requests.
    late: BTreeMap<(Timestamp, u64), LateEffect>,
    late_count: u64,
    /// Whether pods are real processes, which report their own end.
    exec: bool,
    orders: Vec<Order>,
    pub(crate) policy: Option<Policy>,
    projects: Vec<ProjectFacts>,
    scheduler: Scheduler,
    /// Whether what the API leaves open is refused.
    pub(crate) strict: bool,
    pub(crate) templates: Vec<Template>,
    versions: Versions,
    workloads: Vec<Workload>,
}

/// A change that happens later than it was asked for.
pub(crate) type LateEffect = Box<dyn FnOnce(&mut State, Timestamp) + Send>;

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
pub(crate) enum InjectedFailure {
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
            ever_by_name: HashMap::new(),
            late: BTreeMap::new(),
            late_count: 0,
            exec: setup.exec,
            orders: Vec::new(),
            policy: setup.policy,
            projects: setup.projects.iter().enumerate().map(facts).collect(),
            cluster: setup.cluster,
            scheduler: Scheduler::new(Cluster::new(setup.nodes), setup.projects),
            strict: setup.strict,
            templates: setup.templates,
            versions: Versions::default(),
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

    /// The workload with this id as it was at `at`, or as it is now, unless it was deleted by then or not there yet.
    pub(crate) fn view_of(&self, id: &str, at: Option<Timestamp>) -> Option<View<'_>> {
        let view = self.view(*self.by_id.get(id)?, at)?;
        view.workload.deleted_at.is_none().then_some(view)
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
    pub(crate) fn pending_reason(&self, index: usize) -> Option<&PendingReason> {
        self.scheduler.pending_reason(index)
    }

    /// Why the workload is in its phase, for people.
    pub(crate) fn message(&self, index: usize) -> &str {
        self.pending_reason(index)
            .map_or(self.workloads[index].message.as_str(), |pending_reason| pending_reason.message.as_str())
    }

    /// Whether a workload of the project that was created by `until` has this name now.
    pub(crate) fn is_taken(&self, project: usize, name: &str, until: Timestamp) -> bool {
        self.named(name).any(|(_, it)| it.project == project && it.deleted_at.is_none() && it.created_at <= until)
    }

    /// The moment of the next event.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        let own = self.due.first().map(|(due, _)| *due);
        let late = self.late.first_key_value().map(|((due, _), _)| *due);
        own.into_iter().chain(late).min()
    }

    /// Lets `effect` happen at `due`, as if it was asked for then.
    pub(crate) fn at(&mut self, due: Timestamp, effect: LateEffect) {
        self.late.insert((due, self.late_count), effect);
        self.late_count += 1;
    }

    /// Orders given since this was last asked.
    pub(crate) fn take_orders(&mut self) -> Vec<Order> {
        std::mem::take(&mut self.orders)
    }

    /// Lets all events happen that are due at `now`.
    pub(crate) fn advance(&mut self, now: Timestamp) {
        while let Some(at) = self.next_due().filter(|at| *at <= now) {
            if let Some((_, index)) = self.due.first().copied().filter(|(due, _)| *due == at) {
                self.workloads[index].due = None;
                self.due.pop_first();
                self.step(index, at);
                self.schedule(at);
            } else if let Some((_, effect)) = self.late.pop_first() {
                effect(self, at);
            }
        }
    }

    /// Takes in a workload that was checked before; gives its index.
    pub(crate) fn submit(&mut self, submission: Submission, now: Timestamp) -> usize {
        let Submission { kind, names, project, request, script, scripted, stored, warnings } = submission;
        let index = self.workloads.len();
        let facts = &self.projects[project];
        let (project_id, project_name) = (facts.id.clone(), facts.facts.name.clone());
        self.by_id.insert(names.id.clone(), index);
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
            kind,
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
            stored: stored.map(Arc::new),
            submitted_by: names.submitted_by,
            succeeded: 0,
            due: None,
            ending: None,
            leaving: false,
            never_stops: false,
            next_record: 0,
            pending: Duration::ZERO,
            pods: BTreeMap::new(),
            running: Duration::ZERO,
            runs: 0,
            script,
            scripted: scripted || !self.exec,
        };
        workload.record(now, What::Phase { message: String::new(), phase: Phase::Creating });
        for warning in warnings {
            workload.warn(now, "Accepted", warning);
        }
        self.workloads.push(workload);
        self.set_due(index, Some(later(now, SETTING_UP)));
        index
    }

    /// Suspends a workload that has not ended; gives `None` if there is no such workload. If it `never_stops`, it stays
    /// in the phase Stopping until it is deleted.
    pub(crate) fn suspend(&mut self, id: &str, never_stops: bool, now: Timestamp) -> Option<()> {
        let index = self.index(id)?;
        self.workloads[index].never_stops |= never_stops;
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
    pub(crate) fn inject(&mut self, id: &str, failure: InjectedFailure, now: Timestamp) -> Option<()> {
        let index = self.index(id)?;
        if matches!(self.workloads[index].phase, Phase::Initializing | Phase::Running) {
            match failure {
                InjectedFailure::Fail(how) => self.fail(index, how, now),
                InjectedFailure::Preempt => self.preempt(index, "preempted", now),
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

    /// Whether a node is of this type.
    pub(crate) fn has_node_type(&self, node_type: &str) -> bool {
        self.scheduler.cluster().nodes().iter().any(|node| node.facts.node_type.as_deref() == Some(node_type))
    }
}

/// A submission that was checked.
pub(crate) struct Submission {
    pub(crate) kind: WorkloadType,
    pub(crate) names: Names,
    /// The project, by its index.
    pub(crate) project: usize,
    /// What is asked for, with template and policy worked in.
    pub(crate) request: TrainingCreationRequest,
    pub(crate) script: Script,
    /// Whether it follows its script also where commands really run.
    pub(crate) scripted: bool,
    /// What is shown as its specification, where that is not the one that it has.
    pub(crate) stored: Option<TrainingSpec>,
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

/// The namespace that Run:ai makes for a project.
pub(crate) fn namespace(project: &str) -> String {
    format!("runai-{project}")
}

/// The department that every project belongs to.
pub(crate) const DEPARTMENT: &str = "default";
pub(crate) const DEPARTMENT_ID: &str = "1";

/// The tenant that everything belongs to.
pub(crate) const TENANT: i64 = 1;

/// How long Creating, Initializing and Resuming take: long enough to be seen, short enough not to be waited for.
const SETTING_UP: Duration = Duration::from_millis(100);
