//! `/api/v1/workloads/{id}/pods`.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Path, State},
};
use jiff::Timestamp;
use runai_api::wire::AllocatedResources;
use serde::Serialize;
use uuid::Uuid;

use super::{ApiError, Caller, list::ListQuery};
use crate::{
    app::App,
    clock::rfc3339,
    roles::{Action, Resource},
    state::{Phase, State as SimState, TENANT, Workload, pod_name, priority_class},
};

/// Returns a page of a workload's pods.
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    query: ListQuery,
) -> Result<Json<Pods>, ApiError> {
    caller.require(Resource::Workloads, Action::Read)?;
    app.with_state(|state, now| {
        let found = state.workload_or_deleted(&id).filter(|(_, it)| it.deleted_at.is_none() || query.deleted);
        let (index, workload) = found.ok_or_else(|| ApiError::not_found("workload", &id))?;
        caller.require_in(&workload.project_name, Resource::Workloads, Action::Read)?;
        let pods = pods(state, index, workload, now);
        let (pods, next) = query.paginate(pods.into_iter().filter(|pod| query.matches_search(&pod.name)));
        Ok(Json(Pods { next, pods }))
    })
}

#[derive(Serialize)]
pub(super) struct Pods {
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<i64>,
    pods: Vec<Pod>,
}

/// A pod with all members that the API requires.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Pod {
    allocated_resources: AllocatedResources,
    cluster_id: String,
    completed_at: Option<String>,
    containers: Vec<Container>,
    created_at: String,
    current_node_pool: Option<String>,
    id: String,
    k8s_phase: &'static str,
    k8s_phase_updated_at: String,
    name: String,
    node_name: Option<String>,
    priority_class_name: String,
    project_id: String,
    project_name: String,
    requested_node_pools: Vec<String>,
    tenant_id: i64,
    updated_at: String,
    workload_id: String,
    workload_name: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Container {
    image: String,
    name: &'static str,
    started_at: Option<String>,
}

/// Returns the pods of a workload; a suspended workload has none.
fn pods(state: &SimState, index: usize, workload: &Workload, now: Timestamp) -> Vec<Pod> {
    let k8s_phase = match workload.phase {
        Phase::Creating | Phase::Resuming | Phase::Stopped => return Vec::new(),
        Phase::Completed => "Succeeded",
        Phase::Failed => "Failed",
        Phase::Running | Phase::Stopping | Phase::Terminating | Phase::Deleting => "Running",
        Phase::Initializing | Phase::Pending => "Pending",
    };
    let placement = state.placement(index);
    let own = workload.id.parse::<Uuid>().unwrap_or_default();
    let pod = |slot: usize| {
        let place = placement.and_then(|placement| placement.pods.get(slot));
        let node = place.map(|pod| &state.scheduler().cluster().nodes()[pod.node]);
        let started = !workload.total_running(now).is_zero();
        #[expect(clippy::cast_precision_loss, reason = "no node has that many devices")]
        let gpus = place.map(|pod| pod.devices.len() as f64 * pod.portion);
        Pod {
            allocated_resources: AllocatedResources {
                cpu: place.map(|pod| pod.cpu_cores),
                gpu: gpus,
                ..AllocatedResources::default()
            },
            cluster_id: state.cluster().uuid.clone(),
            completed_at: workload.completed_at.map(rfc3339),
            containers: vec![Container {
                image: workload.spec.image.clone().unwrap_or_default(),
                name: "training",
                started_at: started.then(|| rfc3339(workload.phase_since)),
            }],
            created_at: rfc3339(workload.created_at),
            current_node_pool: node.map(|node| node.facts.node_pool.clone()),
            id: Uuid::from_u128(own.as_u128() ^ ((slot as u128 + 1) << 64)).to_string(),
            k8s_phase,
            k8s_phase_updated_at: rfc3339(workload.phase_since),
            name: pod_name(workload, slot),
            node_name: node.map(|node| node.facts.name.clone()),
            priority_class_name: priority_class(&workload.spec).to_owned(),
            project_id: workload.project_id.clone(),
            project_name: workload.project_name.clone(),
            requested_node_pools: workload.spec.node_pools.clone(),
            tenant_id: TENANT,
            updated_at: rfc3339(workload.phase_since),
            workload_id: workload.id.clone(),
            workload_name: workload.name.clone(),
        }
    };
    (0..workload.request.pods as usize).map(pod).collect()
}
