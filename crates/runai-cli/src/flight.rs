//! A workload that is followed, and what there is to tell once it has ended.

use std::future::ready;
use std::time::Instant;

use futures_util::stream::StreamExt as _;
use runai_client::{Client, StepOperator};
use runai_spec::wait::Outcome;

use crate::board::End;

/// Warnings of Kubernetes that a failure is told with.
const MOST_WARNINGS: usize = 3;
/// Events that are looked through for warnings.
const MOST_EVENTS: usize = 50;

/// A workload that is followed.
pub(crate) struct Flying {
    /// The place of what was asked for.
    pub(crate) at: usize,
    pub(crate) name: String,
    pub(crate) since: Instant,
}

impl Flying {
    /// That leaving it does not stop it.
    pub(crate) fn goes_on(&self) -> String {
        let name = &self.name;
        format!("{name} goes on: `runai-step wait {name}` follows it, `runai-step cancel {name}` stops it")
    }
}

/// What there is to tell about a workload that has ended.
pub(crate) async fn end(operator: StepOperator, id: String, flown: Flying, outcome: Outcome) -> (String, Flying, End) {
    let took = flown.since.elapsed();
    let (mut why, mut events) = (None, Vec::new());
    if outcome == Outcome::Failed {
        why = operator.status(&id).await.ok().and_then(|workload| workload.phase_message);
        events = warnings(operator.client(), &id).await;
        events.retain(|event| why.as_ref() != Some(event));
    }
    (id, flown, End { outcome, why, events, took })
}

/// What Kubernetes warned about, the newest last. Only ever beside something else, so that a failure to ask tells nothing.
pub(crate) async fn warnings(client: &Client, id: &str) -> Vec<String> {
    let events = client.list_events(id).take(MOST_EVENTS).filter_map(|event| ready(event.ok()));
    let warnings = events.filter(|event| ready(event.kind == "Warning")).map(|event| event.message);
    let mut warnings: Vec<String> = warnings.take(MOST_WARNINGS).collect().await;
    warnings.reverse();
    warnings.dedup();
    warnings
}
