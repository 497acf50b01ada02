//! Active workloads and the report of their end.

use std::future::ready;
use std::time::Duration;

use futures_util::stream::StreamExt as _;
use runai_client::lifecycle::Outcome;
use runai_client::{Client, ListParams, StepOperator};
use tokio::time::Instant;

/// Maximum number of Kubernetes warnings in the report of a failure.
const MAX_WARNINGS: usize = 3;
/// Maximum number of events that are searched for warnings.
const MAX_EVENTS: usize = 50;

/// A workload that is followed.
#[derive(Clone, Debug)]
pub(crate) struct ActiveWorkload {
    /// Its items: several if the user named the workload more than once.
    pub(crate) items: Vec<usize>,
    pub(crate) name: String,
    pub(crate) since: Instant,
    /// Until when a duplicate may appear, because the submission was resent.
    pub(crate) duplicate_until: Option<Instant>,
}

/// How a workload ended.
#[derive(Clone, Debug)]
pub(crate) struct End {
    pub(crate) outcome: Outcome,
    /// The failure message; for an unknown end, the phase.
    pub(crate) why: Option<String>,
    /// The last Kubernetes warnings.
    pub(crate) events: Vec<String>,
    /// Time since the submission, or since the command attached.
    pub(crate) took: Duration,
}

/// Collects the details of an ended workload.
pub(crate) async fn end(
    operator: StepOperator,
    id: String,
    workload: ActiveWorkload,
    outcome: Outcome,
) -> (String, ActiveWorkload, End) {
    let took = workload.since.elapsed();
    let (mut why, mut events) = (None, Vec::new());
    if outcome == Outcome::Failed {
        why = operator.status(&id).await.ok().and_then(|workload| workload.phase_message);
        events = warnings(operator.client(), &id).await;
        events.retain(|event| why.as_ref() != Some(event));
    }
    if outcome == Outcome::UnknownEnd {
        why = operator.status(&id).await.ok().map(|workload| workload.phase);
    }
    (id, workload, End { outcome, why, events, took })
}

/// Returns Kubernetes warnings about a workload, newest last. Ignores errors: warnings are additional information.
pub(crate) async fn warnings(client: &Client, id: &str) -> Vec<String> {
    let events = client.list_events(id, &ListParams::default()).take(MAX_EVENTS).filter_map(|event| ready(event.ok()));
    let warnings = events.filter(|event| ready(event.kind == "Warning")).map(|event| event.message);
    let mut warnings: Vec<String> = warnings.take(MAX_WARNINGS).collect().await;
    warnings.reverse();
    warnings.dedup();
    warnings
}
