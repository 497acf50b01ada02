//! Phases of a workload, and their stages.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The stage of a workload: a group of phases. The set is closed: phases of later control planes are
/// [`Stage::Unknown`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Waiting for resources or initializing; `pending_timeout` counts.
    Queued,
    /// Pods are running; `workload_timeout` counts.
    Running,
    /// Stopping; the outcome is not known yet.
    Ending,
    /// Completed successfully.
    Succeeded,
    /// Failed.
    Failed,
    /// Suspended; can be resumed.
    Stopped,
    /// The phase `Unknown`, or one that this crate does not know. Never an error.
    Unknown,
}

impl Stage {
    /// Returns the stage of a phase. Recognizes the API's fourteen phases and the older `succeeded`, `success` and
    /// `error`, in any case; any other text is [`Stage::Unknown`].
    ///
    /// ```
    /// use runai_api::phase::Stage;
    /// assert_eq!(Stage::of_phase("Initializing"), Stage::Queued);
    /// assert_eq!(Stage::of_phase("Hibernating"), Stage::Unknown);
    /// ```
    #[must_use]
    pub fn of_phase(phase: &str) -> Self {
        match phase.to_ascii_lowercase().as_str() {
            "creating" | "pending" | "initializing" | "resuming" => Self::Queued,
            "running" | "updating" | "degraded" => Self::Running,
            "stopping" | "terminating" | "deleting" => Self::Ending,
            "completed" | "succeeded" | "success" => Self::Succeeded,
            "failed" | "error" => Self::Failed,
            "stopped" => Self::Stopped,
            _ => Self::Unknown,
        }
    }

    /// Returns whether the workload stays in this stage unless someone acts.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Stopped)
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Ending => "ending",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
            Self::Unknown => "unknown",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn displays_and_serializes_stages() {
        for (stage, word, is_final) in [
            (Stage::Queued, "queued", false),
            (Stage::Running, "running", false),
            (Stage::Ending, "ending", false),
            (Stage::Succeeded, "succeeded", true),
            (Stage::Failed, "failed", true),
            (Stage::Stopped, "stopped", true),
            (Stage::Unknown, "unknown", false),
        ] {
            assert_eq!(stage.to_string(), word);
            assert_eq!(serde_json::to_string(&stage).unwrap(), format!("\"{word}\""));
            assert_eq!(stage.is_final(), is_final, "{word}");
        }
    }

    #[test]
    fn maps_all_phases() {
        for (stage, phases) in [
            (Stage::Queued, &["Creating", "Pending", "Initializing", "Resuming"][..]),
            (Stage::Running, &["Running", "Updating", "Degraded"]),
            (Stage::Ending, &["Stopping", "Terminating", "Deleting"]),
            (Stage::Succeeded, &["Completed", "succeeded", "SUCCESS"]),
            (Stage::Failed, &["Failed", "error"]),
            (Stage::Stopped, &["Stopped"]),
            (Stage::Unknown, &["Unknown", "", "Hibernating", "Completed "]),
        ] {
            for phase in phases {
                assert_eq!(Stage::of_phase(phase), stage, "{phase:?}");
            }
        }
    }
}
