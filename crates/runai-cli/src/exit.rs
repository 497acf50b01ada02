//! Exit codes.

use std::process::ExitCode;

use runai_client::Error;
use runai_client::lifecycle::Outcome;

/// The exit codes of `runai-step`, a stable interface for scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Success.
    Success = 0,
    /// A file has errors, or does not parse.
    Invalid = 1,
    /// Invalid usage, an unreadable file, or missing configuration.
    Usage = 2,
    /// Not authenticated, or not permitted.
    Denied = 3,
    /// Unknown step, workload, rule or setting, or a workload that vanished.
    NotFound = 4,
    /// Rejected by the control plane.
    Refused = 5,
    /// The control plane cannot be reached.
    Unreachable = 6,
    /// The workload failed, or ended in an unknown phase.
    Failed = 7,
    /// The workload ran into a timeout.
    TimedOut = 8,
    /// The workload was stopped by someone else.
    Stopped = 9,
    /// A bug of this program. Rust uses the same code for a panic.
    Internal = 101,
    /// Interrupted with Ctrl-C.
    Interrupted = 130,
}

impl Exit {
    /// Returns the first of `exits` that is not success.
    pub(crate) fn first_failure(exits: impl IntoIterator<Item = Self>) -> Self {
        exits.into_iter().find(|exit| *exit != Self::Success).unwrap_or(Self::Success)
    }
}

impl From<Outcome> for Exit {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Cancelled => Self::Interrupted,
            Outcome::PendingTimeout | Outcome::WorkloadTimeout => Self::TimedOut,
            Outcome::Stopped => Self::Stopped,
            Outcome::Succeeded => Self::Success,
            Outcome::Vanished => Self::NotFound,
            // Unknown outcomes count as failures.
            _ => Self::Failed,
        }
    }
}

impl From<&Error> for Exit {
    fn from(error: &Error) -> Self {
        if matches!(error, Error::UnprovenDeletion { .. }) {
            // Still unknown: repeating the command may find out.
            Self::Unreachable
        } else if error.is_configuration() {
            Self::Usage
        } else if error.is_auth() {
            Self::Denied
        } else if error.is_not_found() {
            Self::NotFound
        } else if error.is_unreachable() {
            Self::Unreachable
        } else {
            Self::Refused
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
