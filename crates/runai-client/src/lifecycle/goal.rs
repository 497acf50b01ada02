//! What the waiter wants to reach.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Outcome, SuspendReason};

/// What a waiter is about to bring about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Goal {
    /// Only watch.
    #[default]
    Follow,
    /// Stop it and see it stopped.
    Stop {
        why: SuspendReason,
        /// Whether a suspend was sent since the last failure.
        #[serde(rename = "asked")]
        is_asked: bool,
        /// Whether a suspend that failed may have taken effect.
        #[serde(default)]
        may_be_reached: bool,
        /// Whether the workload was seen on its way to a stop.
        #[serde(default)]
        takes_effect: bool,
        /// `phaseUpdatedAt` of the snapshot that the decision is based on.
        #[serde(default)]
        decided_at: Option<Duration>,
    },
    /// Delete it and see it gone.
    Delete {
        outcome: Outcome,
        #[serde(rename = "asked")]
        is_asked: bool,
    },
}

impl Goal {
    pub(super) const fn stop(why: SuspendReason, decided_at: Option<Duration>) -> Self {
        Self::Stop { why, is_asked: false, may_be_reached: false, takes_effect: false, decided_at }
    }

    pub(super) const fn asked(self) -> Self {
        match self {
            Self::Follow => Self::Follow,
            Self::Stop { why, may_be_reached, takes_effect, decided_at, .. } => {
                Self::Stop { why, is_asked: true, may_be_reached, takes_effect, decided_at }
            }
            Self::Delete { outcome, .. } => Self::Delete { outcome, is_asked: true },
        }
    }

    /// Whether a suspend or a delete may have reached the control plane. What is about to be sent counts, because a
    /// process may die in between.
    pub(super) const fn is_sent(self) -> bool {
        match self {
            Self::Follow => false,
            Self::Stop { is_asked, may_be_reached, .. } => is_asked || may_be_reached,
            Self::Delete { is_asked, .. } => is_asked,
        }
    }
}
