//! Workloads as people name them: by id, or by a name that only one has.

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

/// Workloads that are compared with one that does not exist, the newest first.
const MOST_COMPARED: usize = 500;

/// What is shown of a workload.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Line {
    pub(crate) id: String,
    pub(crate) name: String,
    /// As the control plane spells it.
    pub(crate) phase: String,
    /// What the phase means.
    pub(crate) stage: Stage,
    /// Why it is in this phase, in the most telling words that the control plane has.
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

impl From<Workload> for Line {
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

/// The workload that `word` means: its id, or its name if no other workload has it.
///
/// # Errors
/// There is none, or there are several; or the control plane cannot be asked.
pub(crate) async fn find(connection: &Connection, word: &str) -> Result<Workload, Failure> {
    let client = connection.client();
    if uuid::Uuid::try_parse(word).is_ok() {
        return match client.workload(word).await {
            Ok(workload) => Ok(workload),
            Err(error) if error.is_not_found() => Err(gone(client, word).await),
            Err(error) => Err(error.into()),
        };
    }
    // Anything else would be read as more than one filter, and no workload can be called so.
    let is_name = word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    let mut found = Vec::new();
    if is_name {
        found = client.workloads(&ListParams::default().equals("name", word)).await?;
    }
    found.retain(|workload| workload.name == word);
    if found.len() > 1
        && let Some(project) = &connection.project_name
    {
        let ours = |workload: &Workload| workload.project_name.as_ref() == Some(project);
        if found.iter().filter(|workload| ours(workload)).count() == 1 {
            found.retain(ours);
        }
    }
    match found.len() {
        // The answer for one has more in it than the list.
        1 => Ok(client.workload(&found[0].id).await?),
        0 => Err(gone(client, word).await),
        _ => {
            let each: Vec<_> = found
                .iter()
                .map(|workload| format!("{} in {}", workload.id, workload.project_name.as_deref().unwrap_or("?")))
                .collect();
            let message = format!("{} workloads are called `{word}`", found.len());
            Err(Failure::usage(message).hint(format!("give the id: {}", each.join(", "))))
        }
    }
}

/// Why there is no such workload. A failure to find that out gives no reason.
async fn gone(client: &Client, word: &str) -> Failure {
    let newest = ListParams::default().newest_first();
    let deleted =
        client.list_workloads(&newest.clone().deleted(true)).take(MOST_COMPARED).filter_map(|one| ready(one.ok()));
    let meant = deleted.filter(|workload| ready(workload.id == word || workload.name == word));
    if let Some(workload) = pin!(meant).next().await {
        let message = format!("workload `{}` has been deleted; its last phase was {}", workload.name, workload.phase);
        return Failure::new(Exit::NotFound, message).hint("`runai-step list --deleted` shows it");
    }
    let names = client.list_workloads(&newest).take(MOST_COMPARED).filter_map(|one| ready(one.ok()));
    let names: Vec<String> = names.map(|workload| workload.name).collect().await;
    let near = nearest(word, names.iter().map(String::as_str));
    let failure = Failure::new(Exit::NotFound, format!("there is no workload `{word}`"));
    if near.is_empty() {
        return failure.hint("`runai-step list` shows those that there are");
    }
    failure.hint(format!("did you mean `{}`?", near.join("`, `")))
}

/// The failure of something that was asked for a workload.
pub(crate) fn about(word: &str, error: &Error) -> Failure {
    Failure::from(error).about(word)
}
