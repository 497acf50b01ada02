//! A workload and its records.

use std::{borrow::Cow, collections::BTreeMap, collections::VecDeque, sync::Arc, time::Duration};

use jiff::Timestamp;
use runai_api::wire::TrainingSpec;

use crate::{
    clock::between,
    scheduler::{Demand, Request},
    script::Script,
    world::WorkloadType,
};

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
    Terminating,
}

impl Phase {
    /// Whether a workload in this phase may have resources on nodes.
    pub(super) const fn holds_resources(self) -> bool {
        !matches!(self, Self::Completed | Self::Creating | Self::Failed | Self::Pending | Self::Stopped)
    }

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
            Self::Terminating => "Terminating",
        }
    }
}

/// The phase requested by the owner of a workload.
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

/// A record in the history of a workload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HistoryEntry {
    pub(crate) at: Timestamp,
    /// Number of the record within its workload.
    pub(crate) number: u64,
    pub(crate) kind: EntryKind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum EntryKind {
    Event { message: Cow<'static, str>, reason: &'static str, warning: bool },
    Phase { message: String, phase: Phase },
}

/// A workload.
#[derive(Clone, Debug)]
pub(crate) struct Workload {
    pub(crate) completed_at: Option<Timestamp>,
    /// How many pods must succeed.
    pub(crate) completions: u32,
    pub(crate) created_at: Timestamp,
    pub(crate) deleted_at: Option<Timestamp>,
    pub(crate) desired: DesiredPhase,
    /// Failed pods since the workload was last started.
    pub(crate) failures: i64,
    pub(crate) id: String,
    pub(crate) kind: WorkloadType,
    pub(crate) message: String,
    pub(crate) name: String,
    pub(crate) phase: Phase,
    pub(crate) phase_since: Timestamp,
    /// The project, by its index.
    pub(crate) project: usize,
    pub(crate) project_id: String,
    pub(crate) project_name: String,
    pub(crate) records: VecDeque<HistoryEntry>,
    pub(crate) request: Request,
    pub(crate) requested_name: String,
    /// Its specification.
    pub(crate) spec: Arc<TrainingSpec>,
    /// The specification that the API shows, if the control plane stores another form.
    pub(crate) stored: Option<Arc<TrainingSpec>>,
    pub(crate) submitted_by: String,
    /// Pods that have succeeded since the workload was last started.
    pub(crate) succeeded: u32,
    pub(super) due: Option<Timestamp>,
    /// Failure message after its pods have ended.
    pub(super) ending: Option<String>,
    /// Whether it was preempted and its pods have not ended.
    pub(super) preempting: bool,
    /// Whether it stays in the phase Stopping.
    pub(super) stuck_stopping: bool,
    pub(super) next_record: u64,
    pub(super) pending: Duration,
    /// Slots of running pods, by run.
    pub(super) pods: BTreeMap<u32, usize>,
    pub(super) running: Duration,
    pub(super) runs: u32,
    pub(super) script: Script,
    /// Whether it follows its script; otherwise its pods are local processes.
    pub(super) scripted: bool,
}

impl Workload {
    /// Returns the resource request of each pod.
    pub(crate) fn demand(&self) -> &Demand {
        &self.request.demand
    }

    /// Returns the specification that the API shows.
    pub(crate) fn shown_spec(&self) -> &TrainingSpec {
        self.stored.as_deref().unwrap_or(&self.spec)
    }

    /// Returns the total time in the phase Pending until `now`.
    pub(crate) fn total_pending(&self, now: Timestamp) -> Duration {
        self.pending + self.current(Phase::Pending, now)
    }

    /// Returns the total time in the phase Running until `now`.
    pub(crate) fn total_running(&self, now: Timestamp) -> Duration {
        self.running + self.current(Phase::Running, now)
    }

    /// Records an event.
    pub(crate) fn note(&mut self, at: Timestamp, reason: &'static str, message: impl Into<Cow<'static, str>>) {
        self.record(at, EntryKind::Event { message: message.into(), reason, warning: false });
    }

    /// Records a warning event.
    pub(crate) fn warn(&mut self, at: Timestamp, reason: &'static str, message: impl Into<Cow<'static, str>>) {
        self.record(at, EntryKind::Event { message: message.into(), reason, warning: true });
    }

    pub(super) fn record(&mut self, at: Timestamp, kind: EntryKind) {
        if self.records.len() == MAX_RECORDS {
            self.records.pop_front();
        }
        self.records.push_back(HistoryEntry { at, number: self.next_record, kind });
        self.next_record += 1;
    }

    fn current(&self, phase: Phase, now: Timestamp) -> Duration {
        if self.phase == phase { between(self.phase_since, now) } else { Duration::ZERO }
    }
}

/// Maximum number of records per workload; the oldest are dropped first.
const MAX_RECORDS: usize = 500;
