//! The observations of a caller.

use std::time::Duration;

/// The result of a poll.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Observation {
    /// The workload is deleted; this is its record.
    Deleted(Snapshot),
    /// The project exists, but lists the workload neither as live nor as deleted.
    Missing,
    /// The control plane reported nothing about the workload: no response, an error, or a response that is not the
    /// API's.
    Unavailable,
    /// The workload exists.
    Seen(Snapshot),
}

/// The state of a workload in a response. All timestamps are since the Unix epoch, on the control plane's clock.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Snapshot {
    /// The API's `phase`.
    pub phase: String,
    /// The API's `phaseUpdatedAt`.
    pub phase_updated_at: Option<Duration>,
    /// The API's `createdAt`.
    pub created_at: Option<Duration>,
    /// Whether the API's `completedAt` is set.
    pub is_completed: bool,
    /// The response's `Date` header.
    pub server_time: Option<Duration>,
    /// The API's `totalPendingTimeSeconds`.
    pub total_pending: Option<Duration>,
    /// The API's `totalRunningTimeSeconds`.
    pub total_running: Option<Duration>,
}

impl Snapshot {
    /// Returns a snapshot with only a phase.
    #[must_use]
    pub fn of_phase(phase: impl Into<String>) -> Self {
        Self { phase: phase.into(), ..Self::default() }
    }
}
