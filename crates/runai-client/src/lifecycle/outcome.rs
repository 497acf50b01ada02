//! The outcomes of a wait, and the reasons of a suspend.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The outcome of a wait. Each one has an exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Outcome {
    /// The user cancelled the workload.
    Cancelled,
    /// The workload failed.
    Failed,
    /// The current wait in the queue exceeded `pending_timeout`.
    PendingTimeout,
    /// Someone else stopped the workload.
    Stopped,
    /// The workload completed.
    Succeeded,
    /// The workload ended in an unknown phase.
    UnknownEnd,
    /// The workload was deleted before it ended, or never existed.
    Vanished,
    /// The time in running phases exceeded `workload_timeout`.
    WorkloadTimeout,
}

impl Outcome {
    /// All outcomes.
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

    /// Returns whether `delete_on_failure` deletes a workload with this outcome: a failed or timed-out one.
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

/// Why a waiter suspends a workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum SuspendReason {
    /// The user cancelled the workload.
    Cancelled,
    /// The current wait in the queue exceeded `pending_timeout`.
    PendingTimeout,
    /// The time in running phases exceeded `workload_timeout`.
    WorkloadTimeout,
}

impl SuspendReason {
    /// Returns the outcome of a workload that was suspended for this reason.
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
