//! A workload, and what is remembered of it.

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
    /// Whether a workload in this phase has a place on nodes, or may have it until its pods have gone.
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

/// Something that happened to a workload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) at: Timestamp,
    /// Counts the records of the workload.
    pub(crate) number: u64,
    pub(crate) what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
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
    pub(crate) records: VecDeque<Record>,
    pub(crate) request: Request,
    pub(crate) requested_name: String,
    /// What it asks for.
    pub(crate) spec: Arc<TrainingSpec>,
    /// What is shown instead of `spec`, where the control plane stores another form of it.
    pub(crate) stored: Option<Arc<TrainingSpec>>,
    pub(crate) submitted_by: String,
    /// Pods that have succeeded since the workload was last started.
    pub(crate) succeeded: u32,
    pub(super) due: Option<Timestamp>,
    /// How it ends once its pods have gone.
    pub(super) ending: Option<String>,
    /// Whether it was pushed aside and its pods have not gone yet.
    pub(super) leaving: bool,
    /// Whether it stays in the phase Stopping.
    pub(super) never_stops: bool,
    pub(super) next_record: u64,
    pub(super) pending: Duration,
    /// Runs whose processes live, by the place that each has.
    pub(super) pods: BTreeMap<u32, usize>,
    pub(super) running: Duration,
    pub(super) runs: u32,
    pub(super) script: Script,
    /// Whether it follows its script; else its pods are real processes.
    pub(super) scripted: bool,
}

impl Workload {
    /// What each of its pods asks for.
    pub(crate) fn demand(&self) -> &Demand {
        &self.request.demand
    }

    /// The specification that the API shows.
    pub(crate) fn shown_spec(&self) -> &TrainingSpec {
        self.stored.as_deref().unwrap_or(&self.spec)
    }

    /// Time in the phase Pending until `now`, over all its visits.
    pub(crate) fn total_pending(&self, now: Timestamp) -> Duration {
        self.pending + self.current(Phase::Pending, now)
    }

    /// Time in the phase Running until `now`, over all its visits.
    pub(crate) fn total_running(&self, now: Timestamp) -> Duration {
        self.running + self.current(Phase::Running, now)
    }

    /// Remembers an event.
    pub(crate) fn note(&mut self, at: Timestamp, reason: &'static str, message: impl Into<Cow<'static, str>>) {
        self.record(at, What::Event { message: message.into(), reason, warning: false });
    }

    /// Remembers an event that is a warning.
    pub(crate) fn warn(&mut self, at: Timestamp, reason: &'static str, message: impl Into<Cow<'static, str>>) {
        self.record(at, What::Event { message: message.into(), reason, warning: true });
    }

    pub(super) fn record(&mut self, at: Timestamp, what: What) {
        if self.records.len() == MAX_RECORDS {
            self.records.pop_front();
        }
        self.records.push_back(Record { at, number: self.next_record, what });
        self.next_record += 1;
    }

    fn current(&self, phase: Phase, now: Timestamp) -> Duration {
        if self.phase == phase { between(self.phase_since, now) } else { Duration::ZERO }
    }
}

/// The most that is remembered of one workload; the oldest goes first.
const MAX_RECORDS: usize = 500;
