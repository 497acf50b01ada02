//! How a wait ends, and why a waiter stops a workload.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How a wait ended. A closed list: every end has an exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Outcome {
    /// Stopped because the user of this waiter asked for it.
    Cancelled,
    /// The workload failed.
    Failed,
    /// Stopped because its present wait in the queue was longer than `pending_timeout`.
    PendingTimeout,
    /// Stopped by someone else.
    Stopped,
    /// The workload completed.
    Succeeded,
    /// The workload ended, in a phase that is not known.
    UnknownEnd,
    /// Deleted by someone before it ended, or never there.
    Vanished,
    /// Stopped because it ran longer than `workload_timeout`.
    WorkloadTimeout,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 8] = [
        Self::Cancelled,
        Self::Failed,
        Self::PendingTimeout,
        Self::Stopped,
        Self::Succeeded,
        Self::UnknownEnd,
        Self::Vanished,
        Self::WorkloadTimeout,
    ];

    /// Whether `delete_on_failure` deletes a workload that ends so: a failed or a timed-out one, nothing else.
    #[must_use]
    pub const fn is_cleaned_up(self) -> bool {
        matches!(self, Self::Failed | Self::PendingTimeout | Self::WorkloadTimeout)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
            Self::PendingTimeout => "pending timeout",
            Self::Stopped => "stopped",
            Self::Succeeded => "succeeded",
            Self::UnknownEnd => "unknown end",
            Self::Vanished => "vanished",
            Self::WorkloadTimeout => "workload timeout",
        })
    }
}

/// Why this waiter stops a workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum SuspendReason {
    /// Its user asked for it.
    Cancelled,
    /// Its present wait in the queue was longer than `pending_timeout`.
    PendingTimeout,
    /// It ran longer than `workload_timeout`.
    WorkloadTimeout,
}

impl SuspendReason {
    /// The outcome of a workload that was stopped for this reason.
    #[must_use]
    pub const fn outcome(self) -> Outcome {
        match self {
            Self::Cancelled => Outcome::Cancelled,
            Self::PendingTimeout => Outcome::PendingTimeout,
            Self::WorkloadTimeout => Outcome::WorkloadTimeout,
        }
    }
}

impl fmt::Display for SuspendReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.outcome().fmt(f)
    }
}
