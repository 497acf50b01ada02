//! `/api/v1/clusters`.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Path, State},
};
use jiff::Timestamp;
use runai_api::wire::{Cluster, ClusterStatus};
use serde::Deserialize;

use super::{ApiError, Caller, Query};
use crate::{
    app::App,
    clock::rfc3339,
    roles::{Action, Resource},
    state::{ClusterFacts, TENANT},
};

/// Returns all clusters as an array.
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Query(query): Query<ClusterQuery>,
) -> Result<Json<Vec<Cluster>>, ApiError> {
    caller.require(Resource::Cluster, Action::Read)?;
    Ok(Json(vec![app.with_state(|state, now| cluster(state.cluster(), now, query.full()))?]))
}

/// Returns a cluster.
pub(super) async fn read(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(uuid): Path<String>,
    Query(query): Query<ClusterQuery>,
) -> Result<Json<Cluster>, ApiError> {
    caller.require(Resource::Cluster, Action::Read)?;
    let cluster = app.with_state(|state, now| cluster(state.cluster(), now, query.full()))?;
    if cluster.uuid == uuid { Ok(Json(cluster)) } else { Err(ApiError::not_found("cluster", &uuid)) }
}

#[derive(Deserialize)]
pub(super) struct ClusterQuery {
    /// Has no effect: no cluster is being deleted.
    #[serde(rename = "includeRequestedForDelete")]
    _include_requested_for_delete: Option<bool>,
    verbosity: Option<String>,
}

impl ClusterQuery {
    fn full(&self) -> Result<bool, ApiError> {
        match self.verbosity.as_deref() {
            None | Some("full") => Ok(true),
            Some("metadata") => Ok(false),
            Some(other) => {
                Err(ApiError::bad_request(format!("invalid `verbosity` `{other}`: must be metadata or full")))
            }
        }
    }
}

fn cluster(facts: &ClusterFacts, now: Timestamp, full: Result<bool, ApiError>) -> Result<Cluster, ApiError> {
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
