//! The state of the control plane and its transitions. Pure: time is an argument.
//!
//! Every timed change is an event with a timestamp. [`State::advance`] applies due events in order, each at its own
//! time, so the result does not depend on how often the state is read.

mod existing;
mod lifecycle;
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
    workload::{DesiredPhase, EntryKind, HistoryEntry, Phase, Workload},
};
use crate::{
    clock::later,
    scheduler::{Cluster, PendingReason, Placement, Scheduler},
    script::Script,
    world::{Behaviour, Node, Policy, Project, Template, WorkloadType},
};

/// The control plane of one tenant with one cluster.
pub(crate) struct State {
    /// Behaviours of workloads by name.
    pub(crate) behaviours: Vec<Behaviour>,
    cluster: ClusterFacts,
    /// Times of the next event of each workload.
    due: BTreeSet<(Timestamp, usize)>,
    by_id: HashMap<String, usize>,
    /// Workloads of all projects by name, including deleted ones.
    by_name: HashMap<String, Vec<usize>>,
    /// Scheduled late effects, by time and order of the requests.
    late: BTreeMap<(Timestamp, u64), LateEffect>,
    late_count: u64,
    /// Whether pods are local processes, which report their own end.
    exec: bool,
    commands: Vec<ProcessCommand>,
    pub(crate) policy: Option<Policy>,
    projects: Vec<ProjectFacts>,
    scheduler: Scheduler,
    /// Whether to reject requests that the API description leaves undefined.
    pub(crate) strict: bool,
    pub(crate) templates: Vec<Template>,
    versions: Versions,
    workloads: Vec<Workload>,
}

/// A change that takes effect after its request.
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

/// A command for the process runner.
#[derive(Clone, Debug)]
pub(crate) enum ProcessCommand {
    /// Start a pod of a workload.
    Start(PodLaunch),
    /// Stop a pod of a workload with its grace period.
    Stop(PodId),
    /// Delete the ephemeral volumes of a workload.
    CleanUp(String),
}

/// A pod to start.
#[derive(Clone, Debug)]
pub(crate) struct PodLaunch {
    pub(crate) pod: PodId,
    /// Index among the parallel pods.
    pub(crate) slot: usize,
    pub(crate) spec: Arc<TrainingSpec>,
    pub(crate) workload_name: String,
}

/// A run of a workload's command.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct PodId {
    /// Number of the run, so that a late report is not attributed to a later run.
    pub(crate) run: u32,
    pub(crate) workload_id: String,
}

/// How a pod ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PodEnd {
    /// It failed with this message.
    Failed(String),
    /// It could not start, with this message.
    NotStarted(String),
    Succeeded,
}

/// A failure injected through `/sim`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum InjectedFailure {
    Fail(String),
    Preempt,
}

/// The configuration of a state.
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
            late: BTreeMap::new(),
            late_count: 0,
            exec: setup.exec,
            commands: Vec::new(),
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

    /// Returns the names of the node pools.
    pub(crate) fn pools(&self) -> &[String] {
        self.scheduler.cluster().pools()
    }

    /// Whether pods are local processes.
    pub(crate) fn exec(&self) -> bool {
        self.exec
    }

    /// Returns all workloads in order of creation, including deleted ones.
    pub(crate) fn workloads(&self) -> &[Workload] {
        &self.workloads
    }

    /// Returns all workloads with this name in order of creation, in all projects, including deleted ones.
    pub(crate) fn named(&self, name: &str) -> impl Iterator<Item = (usize, &Workload)> {
        let indexes = self.by_name.get(name).map(Vec::as_slice).unwrap_or_default();
        indexes.iter().map(|index| (*index, &self.workloads[*index]))
    }

    /// Returns the workload with this id, unless it was deleted.
    pub(crate) fn workload(&self, id: &str) -> Option<&Workload> {
        self.index(id).map(|index| &self.workloads[index])
    }

    /// Returns the workload with this id at `at` or now, unless it was deleted or not yet created.
    pub(crate) fn view_of(&self, id: &str, at: Option<Timestamp>) -> Option<View<'_>> {
        let view = self.view(*self.by_id.get(id)?, at)?;
        view.workload.deleted_at.is_none().then_some(view)
    }

    /// Returns the workload with this id, even if it was deleted.
    pub(crate) fn workload_or_deleted(&self, id: &str) -> Option<(usize, &Workload)> {
        self.by_id.get(id).map(|index| (*index, &self.workloads[*index]))
    }

    /// Returns the placement of the workload while it has resources.
    pub(crate) fn placement(&self, index: usize) -> Option<&Placement> {
        self.scheduler.placement(index)
    }

    /// Returns why the workload is pending, if it waits for resources.
    pub(crate) fn pending_reason(&self, index: usize) -> Option<&PendingReason> {
        self.scheduler.pending_reason(index)
    }

    /// Returns the message of the workload's phase.
    pub(crate) fn message(&self, index: usize) -> &str {
        self.pending_reason(index)
            .map_or(self.workloads[index].message.as_str(), |pending_reason| pending_reason.message.as_str())
    }

    /// Whether an existing workload of the project, created by `until`, has this name.
    pub(crate) fn is_taken(&self, project: usize, name: &str, until: Timestamp) -> bool {
        self.named(name).any(|(_, it)| it.project == project && it.deleted_at.is_none() && it.created_at <= until)
    }

    /// Returns the time of the next event.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        let own = self.due.first().map(|(due, _)| *due);
        let late = self.late.first_key_value().map(|((due, _), _)| *due);
        own.into_iter().chain(late).min()
    }

    /// Schedules `effect` at `due`.
    pub(crate) fn at(&mut self, due: Timestamp, effect: LateEffect) {
        self.late.insert((due, self.late_count), effect);
        self.late_count += 1;
    }

    /// Returns the commands since the last call.
    pub(crate) fn take_commands(&mut self) -> Vec<ProcessCommand> {
        std::mem::take(&mut self.commands)
    }

    /// Applies all events that are due at `now`.
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

    /// Creates a workload from a valid submission and returns its index.
    pub(crate) fn submit(&mut self, submission: Submission, now: Timestamp) -> usize {
        let Submission { kind, names, project, request, script, scripted, stored, warnings } = submission;
        let index = self.workloads.len();
        let facts = &self.projects[project];
        let (project_id, project_name) = (facts.id.clone(), facts.facts.name.clone());
        self.by_id.insert(names.id.clone(), index);
        self.by_name.entry(names.name.clone()).or_default().push(index);
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
            request: self.scheduler_request(project, &spec),
            requested_name: request.name,
            spec: Arc::new(spec),
            stored: stored.map(Arc::new),
            submitted_by: names.submitted_by,
            succeeded: 0,
            due: None,
            ending: None,
            preempting: false,
            stuck_stopping: false,
            next_record: 0,
            pending: Duration::ZERO,
            pods: BTreeMap::new(),
            running: Duration::ZERO,
            runs: 0,
            script,
            scripted: scripted || !self.exec,
        };
        workload.record(now, EntryKind::Phase { message: String::new(), phase: Phase::Creating });
        for warning in warnings {
            workload.warn(now, "Accepted", warning);
        }
        self.workloads.push(workload);
        self.set_due(index, Some(later(now, SETUP_DELAY)));
        index
    }

    /// Suspends a workload that has not ended; `None` if it does not exist. With `stuck_stopping`, it stays in the
    /// phase Stopping until it is deleted.
    pub(crate) fn suspend(&mut self, id: &str, stuck_stopping: bool, now: Timestamp) -> Option<()> {
        let index = self.index(id)?;
        self.workloads[index].stuck_stopping |= stuck_stopping;
        match self.workloads[index].phase {
            Phase::Completed | Phase::Failed | Phase::Deleting | Phase::Stopped | Phase::Terminating => {}
            Phase::Stopping => self.workloads[index].desired = DesiredPhase::Stopped,
            _ => {
                let workload = &mut self.workloads[index];
                workload.desired = DesiredPhase::Stopped;
                workload.note(now, "Suspended", "the workload is suspended");
                self.terminate_pods(index, Phase::Stopping, String::new(), now);
            }
        }
        self.schedule(now);
        Some(())
    }

    /// Resumes a suspended workload; `None` if it does not exist.
    pub(crate) fn resume(&mut self, id: &str, now: Timestamp) -> Option<()> {
        let index = self.index(id)?;
        match self.workloads[index].phase {
            Phase::Stopped => self.restart(index, now),
            // Resumes after it has stopped.
            Phase::Stopping => self.workloads[index].desired = DesiredPhase::Running,
            _ => {}
        }
        Some(())
    }

    /// Deletes a workload; `None` if it does not exist.
    pub(crate) fn delete(&mut self, id: &str, now: Timestamp) -> Option<()> {
        let index = self.index(id)?;
        if self.workloads[index].phase != Phase::Deleting {
            self.workloads[index].desired = DesiredPhase::Deleted;
            self.terminate_pods(index, Phase::Deleting, String::new(), now);
        }
        self.schedule(now);
        Some(())
    }

    /// Injects a failure into a running workload; `None` if it does not exist.
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

    /// Records an event of a pod.
    pub(crate) fn note_pod(&mut self, pod: &PodId, reason: &'static str, message: String, now: Timestamp) {
        if let Some(index) = self.index(&pod.workload_id) {
            self.workloads[index].note(now, reason, message);
        }
    }

    /// Handles the end of a pod.
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

/// A valid submission.
pub(crate) struct Submission {
    pub(crate) kind: WorkloadType,
    pub(crate) names: Names,
    /// The project, by its index.
    pub(crate) project: usize,
    /// The request with template and policy applied.
    pub(crate) request: TrainingCreationRequest,
    pub(crate) script: Script,
    /// Whether it follows its script even with `Exec`.
    pub(crate) scripted: bool,
    /// The specification that the API shows, if it differs.
    pub(crate) stored: Option<TrainingSpec>,
    /// Accepted values that may be mistakes.
    pub(crate) warnings: Vec<String>,
}

/// Values that the control plane adds to a submission.
pub(crate) struct Names {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) submitted_by: String,
}

/// Returns the name of a pod.
pub(crate) fn pod_name(workload: &Workload, slot: usize) -> String {
    format!("{}-{slot}", workload.name)
}

/// Returns the namespace that Run:ai creates for a project.
pub(crate) fn namespace(project: &str) -> String {
    format!("runai-{project}")
}

/// The department of all projects.
pub(crate) const DEPARTMENT: &str = "default";
pub(crate) const DEPARTMENT_ID: &str = "1";

/// The only tenant.
pub(crate) const TENANT: i64 = 1;

/// Duration of the phases Creating, Initializing and Resuming.
const SETUP_DELAY: Duration = Duration::from_millis(100);
