//! The events of a fleet.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use crate::lifecycle::Outcome;

use crate::error::Error;
use crate::watch::Event;

/// An event of a [`Fleet`](crate::Fleet).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum FleetEvent {
    /// An outage began. Polling continues, and no workload is touched.
    OutageBegan {
        /// The extent of the outage.
        scope: OutageScope,
        /// The error of the last poll.
        error: Error,
    },
    /// An outage ended.
    OutageEnded {
        /// The extent of the outage.
        scope: OutageScope,
        /// How long it lasted.
        lasted: Duration,
    },
    /// Lists of a project fail or omit workloads, which are now polled individually. This costs more requests. Reported
    /// once per project.
    PollingIndividually {
        /// The project's id.
        project_id: String,
    },
    /// Polls or actions are refused for a permanent reason. The fleet keeps retrying, less often.
    Refused {
        /// The refusal.
        error: Error,
        /// The affected workloads.
        workload_ids: Vec<String>,
    },
    /// An event of one workload.
    Workload {
        /// The event. [`Event::Ended`] is the last one.
        event: Event,
        /// The workload.
        workload_id: String,
    },
}

/// The extent of an outage.
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

/// Counts the outcomes of a fleet, in the order of [`Outcome::ALL`].
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
    fn tallies_outcomes() {
        let counted = tally([Outcome::Succeeded, Outcome::Failed, Outcome::Succeeded]);
        assert_eq!(counted, [(Outcome::Failed, 1), (Outcome::Succeeded, 2)]);
    }
}
