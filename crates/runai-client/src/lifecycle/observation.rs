//! What the caller observes.

use std::time::Duration;

/// What one poll of the control plane showed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Observation {
    /// The workload is listed as deleted; this is its record.
    Deleted(Snapshot),
    /// The project answers, and lists the workload neither as live nor as deleted.
    Missing,
    /// The control plane did not speak about this workload: no answer, an error, or an answer that is not the API's.
    Unavailable,
    /// The workload as it is.
    Seen(Snapshot),
}

/// A workload as one answer showed it. All moments are times since the Unix epoch on the control plane's clock.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Snapshot {
    /// The API's `phase`, as it came.
    pub phase: String,
    /// The API's `phaseUpdatedAt`.
    pub phase_updated_at: Option<Duration>,
    /// The API's `createdAt`.
    pub created_at: Option<Duration>,
    /// Whether the API's `completedAt` is set.
    pub is_completed: bool,
    /// The answer's `Date` header.
    pub server_time: Option<Duration>,
    /// The API's `totalPendingTimeSeconds`.
    pub total_pending: Option<Duration>,
    /// The API's `totalRunningTimeSeconds`.
    pub total_running: Option<Duration>,
}

impl Snapshot {
    /// Returns a snapshot of which only the phase is known.
    #[must_use]
    pub fn of_phase(phase: impl Into<String>) -> Self {
        Self { phase: phase.into(), ..Self::default() }
    }
}
