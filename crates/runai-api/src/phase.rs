//! Phases of a workload, and what each means for someone who waits.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a phase of the control plane means for someone who waits for the end of a step. The set is closed: a phase that
/// a later control plane adds is [`Stage::Unknown`], so the lifecycle handles each stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Waiting for resources or being set up; `pending_timeout` counts.
    Queued,
    /// Its pods run; `workload_timeout` counts.
    Running,
    /// On its way to an end that is not known yet.
    Ending,
    /// Ended well.
    Succeeded,
    /// Ended badly.
    Failed,
    /// Suspended by someone; can be resumed.
    Stopped,
    /// A phase that the control plane does not know, or that we do not know yet. Never an error.
    Unknown,
}

impl Stage {
    /// What the control plane's word `phase` means. Understands the API's fourteen phases and the older words
    /// `succeeded`, `success` and `error`, in any case; everything else is [`Stage::Unknown`].
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

    /// Whether nothing more happens in this stage unless someone acts.
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
    fn a_stage_is_written_and_known_by_its_word() {
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
    fn every_phase_of_the_api_has_its_stage() {
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
