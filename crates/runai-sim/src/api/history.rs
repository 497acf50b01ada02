//! `/api/v1/workloads/{id}/events` and `/history`.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Path, State},
};
use runai_api::wire::{
    Event, EventList, HistoryList, HistoryMeta, HistoryRecord, HistorySpec, InvolvedObject, PhaseUpdate,
};
use uuid::Uuid;

use super::{ApiError, Caller, list::ListQuery};
use crate::{
    app::App,
    clock::rfc3339,
    roles::{Action, Resource},
    state::{EntryKind, HistoryEntry, State as SimState, Workload, namespace},
};

/// Returns a page of a workload's events, newest first by default.
pub(super) async fn events(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    query: ListQuery,
) -> Result<Json<EventList>, ApiError> {
    app.with_state(|state, _| {
        let workload = find(state, &caller, &id)?;
        let events = workload.records.iter().filter_map(|record| event(state, workload, record));
        let (events, next) = match query.descending {
            Some(false) => query.paginate(events),
            _ => query.paginate(events.rev()),
        };
        Ok(Json(EventList { events, next }))
    })
}

/// Returns a page of a workload's history, newest first.
pub(super) async fn history(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    query: ListQuery,
) -> Result<Json<HistoryList>, ApiError> {
    app.with_state(|state, _| {
        let workload = find(state, &caller, &id)?;
        let (records, next) =
            query.paginate(workload.records.iter().rev().map(|record| history_of(state, workload, record)));
        Ok(Json(HistoryList { next, records }))
    })
}

/// Returns a workload, even if it was deleted.
fn find<'a>(state: &'a SimState, caller: &Caller, id: &str) -> Result<&'a Workload, ApiError> {
    caller.require(Resource::Workloads, Action::Read)?;
    let (_, workload) = state.workload_or_deleted(id).ok_or_else(|| ApiError::not_found("workload", id))?;
    caller.require_in(&workload.project_name, Resource::Workloads, Action::Read)?;
    Ok(workload)
}

fn event(state: &SimState, workload: &Workload, record: &HistoryEntry) -> Option<Event> {
    let EntryKind::Event { message, reason, warning } = &record.kind else { return None };
    // Event ids are unique and stable.
    let own = workload.id.parse::<Uuid>().unwrap_or_default();
    let id = Uuid::from_u128(own.as_u128() ^ u128::from(record.number + 1));
    Some(Event {
        cluster_id: state.cluster().uuid.clone(),
        created_at: rfc3339(record.at),
        id: Some(id.to_string()),
        involved_object: Some(InvolvedObject {
            kind: workload.kind.resource_kind().to_owned(),
            name: workload.name.clone(),
            namespace: namespace(&workload.project_name),
            uid: workload.id.clone(),
        }),
        kind: if *warning { "Warning" } else { "Normal" }.to_owned(),
        message: message.clone().into_owned(),
        reason: Some((*reason).to_owned()),
        source: Some("runai-sim".to_owned()),
    })
}

fn history_of(state: &SimState, workload: &Workload, record: &HistoryEntry) -> HistoryRecord {
    let (kind, spec) = match &record.kind {
        EntryKind::Event { .. } => {
            ("Event", HistorySpec { event: event(state, workload, record), ..HistorySpec::default() })
        }
        EntryKind::Phase { message, phase } => {
            let update = PhaseUpdate { phase: phase.as_str().to_owned(), phase_message: message.clone() };
            ("PhaseUpdate", HistorySpec { phase_update: Some(update), ..HistorySpec::default() })
        }
    };
    HistoryRecord { meta: HistoryMeta { creation_timestamp: rfc3339(record.at), kind: kind.to_owned() }, spec }
}
