//! `/api/v1/node-pools`.

use std::{borrow::Cow, sync::Arc};

use axum::{Extension, Json, extract::State};
use serde::Serialize;

use super::{
    ApiError, Caller,
    list::{ListItem, ListQuery},
};
use crate::{
    app::App,
    clock::rfc3339,
    roles::{Action, Resource},
    state::TENANT,
    world::DEFAULT_NODE_POOL,
};

/// Returns a page of node pools.
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    query: ListQuery,
) -> Result<Json<NodePools>, ApiError> {
    caller.require(Resource::Nodepools, Action::Read)?;
    let pools = app.with_state(|state, _| {
        let cluster = state.cluster();
        let created = rfc3339(cluster.created_at);
        let pool = |(index, name): (usize, &String)| NodePool {
            cluster_id: cluster.uuid.clone(),
            cluster_name: cluster.name.clone(),
            created_at: created.clone(),
            created_by: "system",
            id: format!("{}", index + 1),
            is_default: name == DEFAULT_NODE_POOL,
            label_key: "run.ai/node-pool",
            label_value: name.clone(),
            name: name.clone(),
            phase: "Ready",
            status: Status {
                nodes: state.scheduler().cluster().nodes_of(index).map(|node| node.facts.name.clone()).collect(),
            },
            tenant_id: TENANT,
            updated_at: created.clone(),
            updated_by: "system",
        };
        state.pools().iter().enumerate().map(pool).collect::<Vec<_>>()
    });
    let (nodepools, next) = query.page(pools.into_iter())?;
    Ok(Json(NodePools { next, nodepools }))
}

#[derive(Serialize)]
pub(super) struct NodePools {
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<i64>,
    nodepools: Vec<NodePool>,
}

/// A node pool with all members that the API requires.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NodePool {
    cluster_id: String,
    cluster_name: String,
    created_at: String,
    created_by: &'static str,
    id: String,
    is_default: bool,
    label_key: &'static str,
    label_value: String,
    name: String,
    phase: &'static str,
    status: Status,
    tenant_id: i64,
    updated_at: String,
    updated_by: &'static str,
}

#[derive(Serialize)]
struct Status {
    nodes: Vec<String>,
}

impl ListItem for NodePool {
    const FIELDS: &'static [&'static str] = &[
        "name",
        "clusterId",
        "phase",
        "createdAt",
        "updatedAt",
        "gpuNetworkAccelerationDetection",
        "networkTopologyName",
        "gpuNetworkAccelerationDetected",
        "gpuNetworkAccelerationLabelKey",
        "swapEnabled",
        "nodeLevelSchedulerEnabled",
    ];

    fn field(&self, name: &str) -> Option<Cow<'_, str>> {
        Some(match name {
            "name" => Cow::from(&self.name),
            "clusterId" => Cow::from(&self.cluster_id),
            "phase" => Cow::from(self.phase),
            "createdAt" => Cow::from(&self.created_at),
            "updatedAt" => Cow::from(&self.updated_at),
            _ => return None,
        })
    }
}
