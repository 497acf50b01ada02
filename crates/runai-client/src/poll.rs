//! One poll of a workload, and what it shows.

use std::time::Duration;

use http::StatusCode;
use runai_api::wire::Workload;
use runai_api::wire::requests::ListParams;

use crate::client::{Client, Dated};
use crate::error::Error;
use crate::lifecycle::{Observation, Snapshot};
use crate::time::rfc3339;

/// What one poll gave.
pub(crate) struct Poll {
    pub(crate) observation: Observation,
    pub(crate) workload: Option<Workload>,
    /// Why the control plane did not speak about the workload.
    pub(crate) error: Option<Error>,
}

impl Poll {
    /// The workload as an answer with this `Date` shows it.
    pub(crate) fn at(workload: Workload, date: Option<Duration>) -> Self {
        let snapshot = snapshot(&workload, date);
        let is_deleted = workload.deleted_at.is_some();
        let observation = if is_deleted { Observation::Deleted(snapshot) } else { Observation::Seen(snapshot) };
        Self { observation, workload: Some(workload), error: None }
    }

    /// The control plane did not speak about the workload.
    pub(crate) const fn blind(error: Error) -> Self {
        Self { observation: Observation::Unavailable, workload: None, error: Some(error) }
    }

    const fn missing() -> Self {
        Self { observation: Observation::Missing, workload: None, error: None }
    }
}

/// What is known of a workload that is polled.
#[derive(Clone, Debug, Default)]
pub(crate) struct Target {
    pub(crate) id: String,
    /// Deleted workloads are listed by it.
    pub(crate) name: Option<String>,
    pub(crate) project_id: Option<String>,
}

/// Polls one workload.
///
/// One that is not found is looked for in the lists. It counts as missing only if both lists are answered without it,
/// and if its project, where that is known, answers too: a proxy or a broken service says 404 for everything.
pub(crate) async fn poll(client: &Client, target: &Target) -> Result<Poll, Error> {
    match client.dated_workload(&target.id).await {
        Ok(Dated { value, date }) if value.id == target.id => return Ok(Poll::at(value, date)),
        Ok(_) => {
            return Ok(Poll::blind(Error::UnexpectedResponse {
                call: "GET /api/v1/workloads/{id}".to_owned(),
                status: StatusCode::OK,
                problem: "is about another workload".to_owned(),
            }));
        }
        // Whoever said so: the lists tell whether it is true.
        Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => {}
        Err(error) => return Err(error),
    }
    // Where not even a list is found, it is the control plane that is missing.
    let blind = |error: Error| match error.status() {
        Some(StatusCode::NOT_FOUND) => Ok(Poll::blind(error)),
        _ => Err(error),
    };
    match listed(client, target, true).await {
        // What happened before its deletion does not depend on the time.
        Ok(Some(workload)) => {
            let observation = Observation::Deleted(snapshot(&workload, None));
            return Ok(Poll { observation, workload: Some(workload), error: None });
        }
        Ok(None) => {}
        Err(error) => return blind(error),
    }
    let Some(project_id) = &target.project_id else { return Ok(Poll::missing()) };
    match listed(client, target, false).await {
        Ok(Some(workload)) => return Ok(Poll::at(workload, None)),
        Ok(None) => {}
        Err(error) => return blind(error),
    }
    match client.project(project_id).await {
        Ok(project) if project.id == *project_id => Ok(Poll::missing()),
        Ok(_) => Ok(Poll::blind(Error::ProjectNotFound { name: project_id.clone(), nearest: Vec::new() })),
        Err(error) => blind(error),
    }
}

/// The record of the workload in the list of the deleted or of the live ones.
async fn listed(client: &Client, target: &Target, deleted: bool) -> Result<Option<Workload>, Error> {
    let known = [("projectId", target.project_id.as_deref()), ("name", target.name.as_deref())];
    let known = known.into_iter().filter_map(|(member, value)| Some((member, value?)));
    let params =
        known.fold(ListParams::default().deleted(deleted), |params, (member, value)| params.equals(member, value));
    let workloads = client.workloads(&params).await?;
    Ok(workloads.into_iter().find(|workload| workload.id == target.id))
}

fn snapshot(workload: &Workload, date: Option<Duration>) -> Snapshot {
    let seconds = |figure: Option<i64>| u64::try_from(figure?).ok().map(Duration::from_secs);
    Snapshot {
        phase: workload.phase.clone(),
        phase_updated_at: workload.phase_updated_at.as_deref().and_then(rfc3339),
        created_at: rfc3339(&workload.created_at),
        is_completed: workload.completed_at.as_ref().is_some_and(|at| !at.is_empty()),
        server_time: date,
        total_pending: seconds(workload.total_pending_time_seconds),
        total_running: seconds(workload.total_running_time_seconds),
    }
}
