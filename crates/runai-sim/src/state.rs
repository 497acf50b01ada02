//! What the control plane knows, and how it changes: pure, time comes in as a value.
//!
//! Every change that time brings is an event with its own moment. [`State::advance`] applies those that are due, in
//! order, each at its moment, so that it makes no difference how often anyone looks.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use runai_spec::wire::{TrainingCreationRequest, TrainingSpec};

use crate::{
    check::Script,
    clock::{between, later},
    scheduler::{Demand, Node, Occupancy, Placement},
};

/// The control plane of one tenant with one cluster of one node.
pub(crate) struct State {
    cluster: ClusterFacts,
    /// Moments at which a workload goes on by itself.
    due: BTreeSet<(Timestamp, usize)>,
    by_id: HashMap<String, usize>,
    /// Whether pods are real processes, which report their own end.
    exec: bool,
    occupancy: Occupancy,
    orders: Vec<Order>,
    projects: Vec<ProjectFacts>,
    /// Workloads that wait for resources, the longest waiting first.
    queue: Vec<usize>,
    /// How many of the queue, from its head, are known not to fit what is free now.
    tried: usize,
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
    pub(crate) id: String,
    pub(crate) name: String,
}

/// Something that must be done to a real process.
#[derive(Clone, Debug)]
pub(crate) enum Order {
    /// Start the pod of a workload.
    Start(PodOrder),
    /// End the pod of a workload, politely for at most its grace period.
    Stop(PodId),
}

/// A pod that must be started.
#[derive(Clone, Debug)]
pub(crate) struct PodOrder {
    pub(crate) pod: PodId,
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

/// A phase of a workload, as the API names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Completed,
    Creating,
    Deleting,
    Failed,
    Initializing,
    Pending,
    Resuming,
    Running,
    Stopped,
    Stopping,
}

impl Phase {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "Completed",
            Self::Creating => "Creating",
            Self::Deleting => "Deleting",
            Self::Failed => "Failed",
            Self::Initializing => "Initializing",
            Self::Pending => "Pending",
            Self::Resuming => "Resuming",
            Self::Running => "Running",
            Self::Stopped => "Stopped",
            Self::Stopping => "Stopping",
        }
    }
}

/// The phase that a workload's owner asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DesiredPhase {
    Deleted,
    Running,
    Stopped,
}

impl DesiredPhase {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Deleted => "Deleted",
            Self::Running => "Running",
            Self::Stopped => "Stopped",
        }
    }
}

/// A workload.
#[derive(Clone, Debug)]
pub(crate) struct Workload {
    pub(crate) completed_at: Option<Timestamp>,
    pub(crate) created_at: Timestamp,
    pub(crate) deleted_at: Option<Timestamp>,
    pub(crate) demand: Demand,
    pub(crate) desired: DesiredPhase,
    pub(crate) id: String,
    pub(crate) message: String,
    pub(crate) name: String,
    pub(crate) phase: Phase,
    pub(crate) phase_since: Timestamp,
    pub(crate) placement: Option<Placement>,
    pub(crate) project_id: String,
    pub(crate) project_name: String,
    pub(crate) requested_name: String,
    pub(crate) spec: Arc<TrainingSpec>,
    pub(crate) submitted_by: String,
    due: Option<Timestamp>,
    /// Failed runs since the workload was last started.
    failures: i64,
    pending: Duration,
    /// The number of the run whose process lives.
    pod: Option<u32>,
    running: Duration,
    runs: u32,
    script: Script,
}

impl Workload {
    /// Time in the phase Pending until `now`, over all its visits.
    pub(crate) fn total_pending(&self, now: Timestamp) -> Duration {
        self.pending + self.current(Phase::Pending, now)
    }

    /// Time in the phase Running until `now`, over all its visits.
    pub(crate) fn total_running(&self, now: Timestamp) -> Duration {
        self.running + self.current(Phase::Running, now)
    }

    fn current(&self, phase: Phase, now: Timestamp) -> Duration {
        if self.phase == phase { between(self.phase_since, now) } else { Duration::ZERO }
    }
}

impl State {
    pub(crate) fn new(cluster: ClusterFacts, projects: Vec<ProjectFacts>, node: Node, exec: bool) -> Self {
        Self {
            cluster,
            due: BTreeSet::new(),
            by_id: HashMap::new(),
            exec,
            occupancy: Occupancy::new(node),
            orders: Vec::new(),
            projects,
            queue: Vec::new(),
            tried: 0,
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

    pub(crate) fn node(&self) -> &Node {
        self.occupancy.node()
    }

    /// Whether pods are real processes.
    pub(crate) fn exec(&self) -> bool {
        self.exec
    }

    /// All workloads in the order of their creation, the deleted ones too.
    pub(crate) fn workloads(&self) -> &[Workload] {
        &self.workloads
    }

    /// The workload with this id, unless it was deleted.
    pub(crate) fn workload(&self, id: &str) -> Option<&Workload> {
        self.index(id).map(|index| &self.workloads[index])
    }

    /// Whether a workload of the project has this name now.
    pub(crate) fn is_taken(&self, project_id: &str, name: &str) -> bool {
        let clash = |it: &Workload| it.deleted_at.is_none() && it.project_id == project_id && it.name == name;
        self.workloads.iter().any(clash)
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

    /// Takes in a workload that was checked before.
    pub(crate) fn submit(
        &mut self,
        request: TrainingCreationRequest,
        names: Names,
        script: Script,
        now: Timestamp,
    ) -> &Workload {
        let index = self.workloads.len();
        let project_name = self.project(&request.project_id).map(|project| project.name.clone()).unwrap_or_default();
        self.by_id.insert(names.id.clone(), index);
        self.workloads.push(Workload {
            completed_at: None,
            created_at: now,
            deleted_at: None,
            demand: Demand::new(&request.spec, self.node()),
            desired: DesiredPhase::Running,
            id: names.id,
            message: String::new(),
            name: names.name,
            phase: Phase::Creating,
            phase_since: now,
            placement: None,
            project_id: request.project_id,
            project_name,
            requested_name: request.name,
            spec: Arc::new(request.spec),
            submitted_by: names.submitted_by,
            due: None,
            failures: 0,
            pending: Duration::ZERO,
            pod: None,
            running: Duration::ZERO,
            runs: 0,
            script,
        });
        self.set_due(index, Some(later(now, SETTING_UP)));
        &self.workloads[index]
    }

    /// Suspends a workload that has not ended; gives `None` if there is no such workload.
    pub(crate) fn suspend(&mut self, id: &str, now: Timestamp) -> Option<()> {
        let index = self.index(id)?;
        match self.workloads[index].phase {
            Phase::Completed | Phase::Failed | Phase::Deleting | Phase::Stopped => {}
            Phase::Stopping => self.workloads[index].desired = DesiredPhase::Stopped,
            _ => {
                self.workloads[index].desired = DesiredPhase::Stopped;
                self.wind_down(index, Phase::Stopping, now);
            }
        }
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
            self.wind_down(index, Phase::Deleting, now);
        }
        Some(())
    }

    /// Takes in that a pod has ended.
    pub(crate) fn pod_ended(&mut self, pod: &PodId, end: PodEnd, now: Timestamp) {
        let Some(index) = self.index(&pod.workload_id) else { return };
        let workload = &mut self.workloads[index];
        if workload.pod != Some(pod.run) {
            return;
        }
        workload.pod = None;
        match (workload.phase, end) {
            (Phase::Running, PodEnd::Succeeded) => self.finish(index, Phase::Completed, String::new(), now),
            (Phase::Running, PodEnd::NotStarted(why)) => self.finish(index, Phase::Failed, why, now),
            (Phase::Running, PodEnd::Failed(how)) => {
                let limit = workload.spec.backoff_limit.unwrap_or(0);
                if workload.failures < limit {
                    workload.failures += 1;
                    workload.message = format!("{how}, retry {} of {limit}", workload.failures);
                    self.start_pod(index);
                } else {
                    self.finish(index, Phase::Failed, how, now);
                }
            }
            _ => self.step(index, now),
        }
        self.schedule(now);
    }

    fn index(&self, id: &str) -> Option<usize> {
        self.by_id.get(id).copied().filter(|index| self.workloads[*index].deleted_at.is_none())
    }

    /// What happens to a workload when its time in its phase is over.
    fn step(&mut self, index: usize, at: Timestamp) {
        let workload = &mut self.workloads[index];
        match workload.phase {
            Phase::Creating | Phase::Resuming => {
                let pending = workload.script.pending;
                if pending.is_zero() {
                    self.enter(index, Phase::Pending, String::new(), at);
                    self.queue.push(index);
                } else {
                    self.enter(index, Phase::Pending, format!("held back by {}", Script::PENDING), at);
                    self.set_due(index, Some(later(at, pending)));
                }
            }
            Phase::Pending => self.queue.push(index),
            Phase::Initializing => {
                self.enter(index, Phase::Running, String::new(), at);
                if self.exec {
                    self.start_pod(index);
                } else {
                    let due = later(at, self.workloads[index].script.running);
                    self.set_due(index, Some(due));
                }
            }
            Phase::Running => match workload.script.result {
                ScriptedEnd::Completed => self.finish(index, Phase::Completed, String::new(), at),
                ScriptedEnd::Failed => {
                    self.finish(index, Phase::Failed, format!("failed as {} says", Script::RESULT), at);
                }
                ScriptedEnd::Stopped => {
                    workload.desired = DesiredPhase::Stopped;
                    self.wind_down(index, Phase::Stopping, at);
                }
            },
            Phase::Stopping => {
                self.release(index);
                if self.workloads[index].desired == DesiredPhase::Running {
                    self.set_up_again(index, at);
                } else {
                    self.enter(index, Phase::Stopped, String::new(), at);
                }
            }
            Phase::Completed | Phase::Deleting | Phase::Failed => {
                self.release(index);
                self.workloads[index].desired = DesiredPhase::Deleted;
                self.workloads[index].deleted_at = Some(at);
            }
            Phase::Stopped => {}
        }
    }

    /// Starts waiting workloads that fit, the longest waiting first; one that does not fit does not hold up others.
    fn schedule(&mut self, at: Timestamp) {
        for index in self.queue.split_off(self.tried) {
            match self.occupancy.place(self.workloads[index].demand) {
                Ok(placement) => {
                    self.workloads[index].placement = Some(placement);
                    self.enter(index, Phase::Initializing, String::new(), at);
                    self.set_due(index, Some(later(at, SETTING_UP)));
                }
                Err(why) => {
                    self.workloads[index].message = why;
                    self.queue.push(index);
                }
            }
        }
        self.tried = self.queue.len();
    }

    fn start_pod(&mut self, index: usize) {
        let workload = &mut self.workloads[index];
        workload.runs += 1;
        workload.pod = Some(workload.runs);
        self.orders.push(Order::Start(PodOrder {
            pod: PodId { run: workload.runs, workload_id: workload.id.clone() },
            spec: Arc::clone(&workload.spec),
            workload_name: workload.name.clone(),
        }));
    }

    /// Ends what runs; the workload stays in `phase` until that is done.
    fn wind_down(&mut self, index: usize, phase: Phase, at: Timestamp) {
        if let Some(place) = self.queue.iter().position(|waiting| *waiting == index) {
            self.queue.remove(place);
            self.tried -= usize::from(place < self.tried);
        }
        self.enter(index, phase, String::new(), at);
        let workload = &self.workloads[index];
        if let Some(run) = workload.pod {
            self.orders.push(Order::Stop(PodId { run, workload_id: workload.id.clone() }));
        } else {
            self.set_due(index, Some(later(at, WINDING_DOWN)));
        }
    }

    fn set_up_again(&mut self, index: usize, at: Timestamp) {
        self.workloads[index].desired = DesiredPhase::Running;
        self.workloads[index].failures = 0;
        self.enter(index, Phase::Resuming, String::new(), at);
        self.set_due(index, Some(later(at, SETTING_UP)));
    }

    fn finish(&mut self, index: usize, phase: Phase, message: String, at: Timestamp) {
        self.release(index);
        self.enter(index, phase, message, at);
        let workload = &mut self.workloads[index];
        workload.completed_at = Some(at);
        let kept = workload.spec.auto_deletion_time_after_completion_seconds.unwrap_or(KEPT_SECONDS);
        self.set_due(index, Some(later(at, Duration::from_secs(kept.unsigned_abs()))));
    }

    fn release(&mut self, index: usize) {
        if let Some(placement) = self.workloads[index].placement.take() {
            self.occupancy.release(&placement);
            self.tried = 0;
        }
    }

    fn enter(&mut self, index: usize, phase: Phase, message: String, at: Timestamp) {
        self.set_due(index, None);
        let workload = &mut self.workloads[index];
        workload.pending = workload.total_pending(at);
        workload.running = workload.total_running(at);
        workload.phase = phase;
        workload.phase_since = at;
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
}

/// What the control plane adds to a submission.
pub(crate) struct Names {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) submitted_by: String,
}

/// How a scripted workload ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ScriptedEnd {
    #[default]
    Completed,
    Failed,
    Stopped,
}

/// The namespace that Run:ai makes for a project.
pub(crate) fn namespace(project: &str) -> String {
    format!("runai-{project}")
}

/// The department that every project belongs to.
pub(crate) const DEPARTMENT: &str = "default";
pub(crate) const DEPARTMENT_ID: &str = "1";

/// The node pool that every node belongs to.
pub(crate) const NODE_POOL: &str = "default";

/// The tenant that everything belongs to.
pub(crate) const TENANT: i64 = 1;

/// How long Creating, Initializing and Resuming take: long enough to be seen, short enough not to be waited for.
const SETTING_UP: Duration = Duration::from_millis(100);

/// How long Stopping and Deleting take when no process has to end.
const WINDING_DOWN: Duration = Duration::from_millis(100);

/// Finished workloads are kept for 30 days, as the API says.
const KEPT_SECONDS: i64 = 30 * 24 * 60 * 60;
