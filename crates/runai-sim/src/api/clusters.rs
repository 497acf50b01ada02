//! `/api/v1/clusters`.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Path, State},
};
use jiff::Timestamp;
use runai_api::wire::{Cluster, ClusterStatus};
use serde::Deserialize;

use super::{Caller, Query, Refusal};
use crate::{
    app::App,
    clock::rfc3339,
    roles::{Action, Resource},
    state::{ClusterFacts, TENANT},
};

/// All clusters, in a bare array.
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Query(query): Query<ClusterQuery>,
) -> Result<Json<Vec<Cluster>>, Refusal> {
    caller.may(Resource::Cluster, Action::Read)?;
    Ok(Json(vec![app.with_state(|state, now| cluster(state.cluster(), now, query.full()))?]))
}

/// One cluster.
pub(super) async fn read(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(uuid): Path<String>,
    Query(query): Query<ClusterQuery>,
) -> Result<Json<Cluster>, Refusal> {
    caller.may(Resource::Cluster, Action::Read)?;
    let cluster = app.with_state(|state, now| cluster(state.cluster(), now, query.full()))?;
    if cluster.uuid == uuid { Ok(Json(cluster)) } else { Err(Refusal::not_found("cluster", &uuid)) }
}

#[derive(Deserialize)]
pub(super) struct ClusterQuery {
    /// There is none that was asked to go.
    #[serde(rename = "includeRequestedForDelete")]
    _include_requested_for_delete: Option<bool>,
    verbosity: Option<String>,
}

impl ClusterQuery {
    fn full(&self) -> Result<bool, Refusal> {
        match self.verbosity.as_deref() {
            None | Some("full") => Ok(true),
            Some("metadata") => Ok(false),
            Some(other) => Err(Refusal::bad_request(format!("`verbosity` is `{other}`, must be metadata or full"))),
        }
    }
}

fn cluster(facts: &ClusterFacts, now: Timestamp, full: Result<bool, Refusal>) -> Result<Cluster, Refusal> {
    let full = full?;
    Ok(Cluster {
        created_at: rfc3339(facts.created_at),
        last_liveness: Some(rfc3339(now)).filter(|_| full),
        name: facts.name.clone(),
        status: Some(ClusterStatus { state: Some("Connected".to_owned()) }).filter(|_| full),
        tenant_id: TENANT,
        uuid: facts.uuid.clone(),
        version: Some("2.24.0".to_owned()),
        ..Cluster::default()
    })
}
