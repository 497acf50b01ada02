//! Finds workloads by id or unique name.

use std::future::ready;
use std::pin::pin;

use futures_util::stream::StreamExt as _;
use runai_api::phase::Stage;
use runai_api::wire::Workload;
use runai_client::{Client, Error, ListParams, nearest};
use serde::Serialize;

use crate::config::connect::Connection;
use crate::exit::Exit;
use crate::failure::Failure;

/// Workloads, newest first, that are searched for a name similar to an unknown one.
const MAX_COMPARED: usize = 500;

/// The fields of a workload that are shown.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct WorkloadSummary {
    pub(crate) id: String,
    pub(crate) name: String,
    /// The phase as the API spells it.
    pub(crate) phase: String,
    /// The meaning of the phase.
    pub(crate) stage: Stage,
    /// The reason for the phase, from the most specific message of the control plane.
    pub(crate) reason: Option<String>,
    pub(crate) project: Option<String>,
    pub(crate) node_pools: Vec<String>,
    pub(crate) created_at: String,
    pub(crate) completed_at: Option<String>,
    pub(crate) deleted_at: Option<String>,
    pub(crate) pending_seconds: Option<i64>,
    pub(crate) running_seconds: Option<i64>,
    pub(crate) urls: Vec<String>,
}

impl From<Workload> for WorkloadSummary {
    fn from(workload: Workload) -> Self {
        Self {
            reason: workload.reason(),
            stage: Stage::of_phase(&workload.phase),
            id: workload.id,
            name: workload.name,
            phase: workload.phase,
            project: workload.project_name,
            node_pools: workload.current_node_pools,
            created_at: workload.created_at,
            completed_at: workload.completed_at,
            deleted_at: workload.deleted_at,
            pending_seconds: workload.total_pending_time_seconds,
            running_seconds: workload.total_running_time_seconds,
            urls: workload.urls,
        }
    }
}

/// Finds the workload whose id is `selector`, or whose unique name it is.
///
/// # Errors
/// The workload is unknown or ambiguous, or the request fails.
pub(crate) async fn find(connection: &Connection, selector: &str) -> Result<Workload, Failure> {
    let client = connection.client();
    if uuid::Uuid::try_parse(selector).is_ok() {
        return match client.workload(selector).await {
            Ok(workload) => Ok(workload),
            Err(error) if error.is_not_found() => Err(unknown_workload(client, selector).await),
            Err(error) => Err(error.into()),
        };
    }
    // Other characters would change the filter, and cannot be part of a name.
    let is_name = selector.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    let mut found = Vec::new();
    if is_name {
        found = client.workloads(&ListParams::default().equals("name", selector)).await?;
    }
    found.retain(|workload| workload.name == selector);
    if found.len() > 1
        && let Some(project) = &connection.project_name
    {
        let ours = |workload: &Workload| workload.project_name.as_ref() == Some(project);
        if found.iter().filter(|workload| ours(workload)).count() == 1 {
            found.retain(ours);
        }
    }
    match found.len() {
        // A single workload has more fields than a list entry.
        1 => Ok(client.workload(&found[0].id).await?),
        0 => Err(unknown_workload(client, selector).await),
        _ => {
            let each: Vec<_> = found
                .iter()
                .map(|workload| format!("{} in {}", workload.id, workload.project_name.as_deref().unwrap_or("?")))
                .collect();
            let message = format!("{} workloads have the name `{selector}`", found.len());
            Err(Failure::usage(message).hint(format!("use an ID: {}", each.join(", "))))
        }
    }
}

/// Returns a failure for an unknown workload, with a hint if a deleted or similar one is found.
async fn unknown_workload(client: &Client, selector: &str) -> Failure {
    let newest = ListParams::default().newest_first();
    let deleted =
        client.list_workloads(&newest.clone().deleted(true)).take(MAX_COMPARED).filter_map(|one| ready(one.ok()));
    let meant = deleted.filter(|workload| ready(workload.id == selector || workload.name == selector));
    if let Some(workload) = pin!(meant).next().await {
        let message = format!("workload `{}` was deleted; its last phase was `{}`", workload.name, workload.phase);
        return Failure::new(Exit::NotFound, message).hint("show it with `runai-step list --deleted`");
    }
    let names = client.list_workloads(&newest).take(MAX_COMPARED).filter_map(|one| ready(one.ok()));
    let names: Vec<String> = names.map(|workload| workload.name).collect().await;
    let near = nearest(selector, names.iter().map(String::as_str));
    let failure = Failure::new(Exit::NotFound, format!("unknown workload `{selector}`"));
    if near.is_empty() {
        return failure.hint("list workloads with `runai-step list`");
    }
    failure.hint(format!("did you mean `{}`?", near.join("`, `")))
}

/// Converts the error of a request about a workload.
pub(crate) fn about(selector: &str, error: &Error) -> Failure {
    Failure::from(error).about(selector)
}
