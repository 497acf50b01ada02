//! `/api/v1/clusters`.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
};
use runai_spec::wire::{Cluster, ClusterStatus};

use super::Refusal;
use crate::{
    app::App,
    clock::rfc3339,
    state::{ClusterFacts, TENANT},
};

/// All clusters, in a bare array.
pub(super) async fn list(State(app): State<Arc<App>>) -> Json<Vec<Cluster>> {
    Json(vec![app.with_state(|state, _| cluster(state.cluster()))])
}

/// One cluster.
pub(super) async fn read(State(app): State<Arc<App>>, Path(uuid): Path<String>) -> Result<Json<Cluster>, Refusal> {
    let cluster = app.with_state(|state, _| cluster(state.cluster()));
    if cluster.uuid == uuid { Ok(Json(cluster)) } else { Err(Refusal::not_found("cluster", &uuid)) }
}

fn cluster(facts: &ClusterFacts) -> Cluster {
    Cluster {
        created_at: rfc3339(facts.created_at),
        name: facts.name.clone(),
        status: Some(ClusterStatus { state: Some("Connected".to_owned()) }),
        tenant_id: TENANT,
        uuid: facts.uuid.clone(),
        version: Some("2.24.0".to_owned()),
        ..Cluster::default()
    }
}
