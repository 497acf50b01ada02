//! What a fleet reports.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use crate::lifecycle::Outcome;

use crate::error::Error;
use crate::watch::Event;

/// What happens to a [`Fleet`](crate::Fleet).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum FleetEvent {
    /// Something cannot be seen any more. No workload is touched, and all are polled again and again.
    OutageBegan {
        /// What cannot be seen.
        scope: OutageScope,
        /// What the last poll met.
        error: Error,
    },
    /// It can be seen again.
    OutageEnded {
        /// What could not be seen.
        scope: OutageScope,
        /// How long it could not.
        lasted: Duration,
    },
    /// The lists of a project do not work, or do not show all workloads: they are polled one by one, which costs more
    /// requests. Reported once a project.
    PollingIndividually {
        /// The project's id.
        project_id: String,
    },
    /// Something is refused for a reason that waiting does not mend; it is tried again all the same, less often.
    Refused {
        /// Why.
        error: Error,
        /// The workloads that it is about.
        workload_ids: Vec<String>,
    },
    /// Something happened to one workload.
    Workload {
        /// What happened. Nothing comes after [`Event::Ended`].
        event: Event,
        /// The workload.
        workload_id: String,
    },
}

/// What cannot be seen in an outage.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OutageScope {
    /// The whole control plane.
    ControlPlane,
    /// The workloads of one project.
    Project {
        /// The project's id.
        project_id: String,
    },
}

impl fmt::Display for OutageScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ControlPlane => f.write_str("the control plane"),
            Self::Project { project_id } => write!(f, "project {project_id}"),
        }
    }
}

/// Returns how many outcomes there are of each kind, in the order of [`Outcome::ALL`]; for a summary of a fleet.
#[must_use]
pub fn tally(outcomes: impl IntoIterator<Item = Outcome>) -> Vec<(Outcome, usize)> {
    let mut counts: HashMap<Outcome, usize> = HashMap::new();
    for outcome in outcomes {
        *counts.entry(outcome).or_default() += 1;
    }
    Outcome::ALL.into_iter().filter_map(|outcome| Some((outcome, counts.remove(&outcome)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_are_counted_in_their_order() {
        let counted = tally([Outcome::Succeeded, Outcome::Failed, Outcome::Succeeded]);
        assert_eq!(counted, [(Outcome::Failed, 1), (Outcome::Succeeded, 2)]);
    }
}
