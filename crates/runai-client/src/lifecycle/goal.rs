//! The goal of a waiter.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Outcome, SuspendReason};

/// The goal of a waiter. The serialized names are part of the receipt format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Goal {
    /// Follow the workload.
    #[default]
    Follow,
    /// Suspend the workload and confirm that it has stopped.
    #[serde(rename = "stop")]
    Suspend {
        why: SuspendReason,
        /// Whether a suspend was requested since the last failure.
        #[serde(rename = "asked")]
        is_requested: bool,
        /// Whether a failed suspend may have taken effect.
        #[serde(rename = "may_be_reached", default)]
        may_have_taken_effect: bool,
        /// Whether a poll showed the workload stopping.
        #[serde(rename = "takes_effect", default)]
        is_stopping: bool,
        /// `phaseUpdatedAt` at the time of the decision.
        #[serde(default)]
        decided_at: Option<Duration>,
    },
    /// Delete the workload and confirm that it is gone.
    Delete {
        outcome: Outcome,
        #[serde(rename = "asked")]
        is_requested: bool,
    },
}

impl Goal {
    pub(super) const fn suspend(why: SuspendReason, decided_at: Option<Duration>) -> Self {
        Self::Suspend { why, is_requested: false, may_have_taken_effect: false, is_stopping: false, decided_at }
    }

    pub(super) const fn requested(self) -> Self {
        match self {
            Self::Follow => Self::Follow,
            Self::Suspend { why, may_have_taken_effect, is_stopping, decided_at, .. } => {
                Self::Suspend { why, is_requested: true, may_have_taken_effect, is_stopping, decided_at }
            }
            Self::Delete { outcome, .. } => Self::Delete { outcome, is_requested: true },
        }
    }

    /// Returns whether a suspend or a delete may have been sent. It is recorded before the send, because the process
    /// may die in between.
    pub(super) const fn may_be_sent(self) -> bool {
        match self {
            Self::Follow => false,
            Self::Suspend { is_requested, may_have_taken_effect, .. } => is_requested || may_have_taken_effect,
            Self::Delete { is_requested, .. } => is_requested,
        }
    }
}
