//! Polls a workload.

use std::time::Duration;

use http::StatusCode;
use runai_api::wire::Workload;
use runai_api::wire::requests::ListParams;

use crate::client::{Client, Dated};
use crate::error::Error;
use crate::lifecycle::{Observation, Snapshot};
use crate::time::rfc3339;

/// The result of a poll.
pub(crate) struct Poll {
    pub(crate) observation: Observation,
    pub(crate) workload: Option<Workload>,
    /// The error of an outage.
    pub(crate) error: Option<Error>,
}

impl Poll {
    /// Returns a poll that shows `workload`, in a response with this `Date`.
    pub(crate) fn at(workload: Workload, date: Option<Duration>) -> Self {
        let snapshot = snapshot(&workload, date);
        let is_deleted = workload.deleted_at.is_some();
        let observation = if is_deleted { Observation::Deleted(snapshot) } else { Observation::Seen(snapshot) };
        Self { observation, workload: Some(workload), error: None }
    }

    /// Returns a poll that failed.
    pub(crate) const fn outage(error: Error) -> Self {
        Self { observation: Observation::Unavailable, workload: None, error: Some(error) }
    }

    const fn missing() -> Self {
        Self { observation: Observation::Missing, workload: None, error: None }
    }
}

/// The identity of a polled workload.
#[derive(Clone, Debug, Default)]
pub(crate) struct Target {
    pub(crate) id: String,
    /// The name, which filters lists.
    pub(crate) name: Option<String>,
    pub(crate) project_id: Option<String>,
}

/// Polls a workload.
///
/// After a 404 the lists of live and deleted workloads are searched. The workload is missing only if both lists succeed
/// without it and its project, if known, exists: a proxy or a broken service returns 404 for everything.
pub(crate) async fn poll(client: &Client, target: &Target) -> Result<Poll, Error> {
    match client.dated_workload(&target.id).await {
        Ok(Dated { value, date }) if value.id == target.id => return Ok(Poll::at(value, date)),
        Ok(_) => {
            return Ok(Poll::outage(Error::UnexpectedResponse {
                call: "GET /api/v1/workloads/{id}".to_owned(),
                status: StatusCode::OK,
                problem: "is about another workload".to_owned(),
            }));
        }
        // The lists show whether the 404 is true.
        Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => {}
        Err(error) => return Err(error),
    }
    // If even the list returns 404, it is an outage.
    let list_error = |error: Error| match error.status() {
        Some(StatusCode::NOT_FOUND) => Ok(Poll::outage(error)),
        _ => Err(error),
    };
    match listed(client, target, true).await {
        // The record of a deleted workload does not change, so the date is not needed.
        Ok(Some(workload)) => {
            let observation = Observation::Deleted(snapshot(&workload, None));
            return Ok(Poll { observation, workload: Some(workload), error: None });
        }
        Ok(None) => {}
        Err(error) => return list_error(error),
    }
    let Some(project_id) = &target.project_id else { return Ok(Poll::missing()) };
    match listed(client, target, false).await {
        Ok(Some(workload)) => return Ok(Poll::at(workload, None)),
        Ok(None) => {}
        Err(error) => return list_error(error),
    }
    match client.project(project_id).await {
        Ok(project) if project.id == *project_id => Ok(Poll::missing()),
        Ok(_) => Ok(Poll::outage(Error::ProjectNotFound { name: project_id.clone(), nearest: Vec::new() })),
        Err(error) => list_error(error),
    }
}

/// Returns the workload from the list of deleted or of live ones.
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
