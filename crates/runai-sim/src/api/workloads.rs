//! `/api/v1/workloads`.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
};
use jiff::Timestamp;
use runai_spec::wire::{
    ActionsSupport, AllocatedResources, Preemptibility, RequestedResources, ResourceCores, ResourceQuantity,
    TrainingSpec, Workload as Item, WorkloadList,
};

use super::{
    Refusal,
    list::{ListQuery, Listed},
};
use crate::{
    app::App,
    clock::rfc3339,
    state::{DEPARTMENT, DEPARTMENT_ID, NODE_POOL, Phase, State as Facts, TENANT, Workload, namespace},
};

/// A page of workloads.
pub(super) async fn list(State(app): State<Arc<App>>, query: ListQuery) -> Result<Json<WorkloadList>, Refusal> {
    app.with_state(|state, now| {
        let workloads = state.workloads().iter().filter(|it| it.deleted_at.is_some() == query.deleted);
        let (workloads, next) = query.page(workloads.map(|workload| Entry { now, state, workload }))?;
        Ok(Json(WorkloadList { next, workloads: workloads.iter().map(Entry::item).collect() }))
    })
}

/// One workload.
pub(super) async fn read(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Json<Item>, Refusal> {
    app.with_state(|state, now| state.workload(&id).map(|workload| Json(Entry { now, state, workload }.item())))
        .ok_or_else(|| Refusal::not_found("workload", &id))
}

/// A workload as it is now.
struct Entry<'a> {
    now: Timestamp,
    state: &'a Facts,
    workload: &'a Workload,
}

impl Listed for Entry<'_> {
    /// The API's list, as far as the simulator knows the values; an id is not among them.
    const FIELDS: &'static [&'static str] = &[
        "category",
        "clusterId",
        "completedAt",
        "createdAt",
        "deletedAt",
        "departmentId",
        "departmentName",
        "name",
        "phase",
        "phaseUpdatedAt",
        "priorityClassName",
        "projectId",
        "projectName",
        "submittedBy",
        "totalPendingTimeSeconds",
        "totalRunningTimeSeconds",
        "type",
    ];

    fn field(&self, name: &str) -> Option<String> {
        let workload = self.workload;
        match name {
            "category" => Some(category(&workload.spec).to_owned()),
            "clusterId" => Some(self.state.cluster().uuid.clone()),
            "completedAt" => workload.completed_at.map(rfc3339),
            "createdAt" => Some(rfc3339(workload.created_at)),
            "deletedAt" => workload.deleted_at.map(rfc3339),
            "departmentId" => Some(DEPARTMENT_ID.to_owned()),
            "departmentName" => Some(DEPARTMENT.to_owned()),
            "name" => Some(workload.name.clone()),
            "phase" => Some(workload.phase.as_str().to_owned()),
            "phaseUpdatedAt" => Some(rfc3339(workload.phase_since)),
            "priorityClassName" => Some(priority_class(&workload.spec).to_owned()),
            "projectId" => Some(workload.project_id.clone()),
            "projectName" => Some(workload.project_name.clone()),
            "submittedBy" => Some(workload.submitted_by.clone()),
            "totalPendingTimeSeconds" => Some(workload.total_pending(self.now).as_secs().to_string()),
            "totalRunningTimeSeconds" => Some(workload.total_running(self.now).as_secs().to_string()),
            "type" => Some("Training".to_owned()),
            _ => None,
        }
    }
}

impl Entry<'_> {
    fn item(&self) -> Item {
        let workload = self.workload;
        let spec = &workload.spec;
        let priority = priority(priority_class(spec));
        let seconds = |duration: std::time::Duration| i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
        let literals = spec.environment_variables.iter().filter_map(|it| it.name.clone().zip(it.value.clone()));
        Item {
            actions_support: Some(ActionsSupport { delete: Some(true), suspend: Some(true) }),
            allocated_resources: Some(allocated(workload)),
            arguments: spec.args.clone(),
            category: Some(category(spec).to_owned()),
            cluster_id: self.state.cluster().uuid.clone(),
            command: spec.command.clone(),
            completed_at: workload.completed_at.map(rfc3339),
            created_at: rfc3339(workload.created_at),
            current_node_pools: workload.placement.iter().map(|_| NODE_POOL.to_owned()).collect(),
            deleted_at: workload.deleted_at.map(rfc3339),
            department_id: Some(DEPARTMENT_ID.to_owned()),
            department_name: Some(DEPARTMENT.to_owned()),
            environment_variables: literals.collect(),
            id: workload.id.clone(),
            images: spec.image.iter().cloned().collect(),
            k8s_phase: Some(workload.phase.as_str().to_owned()),
            k8s_phase_updated_at: Some(rfc3339(workload.phase_since)),
            kind: "Training".to_owned(),
            name: workload.name.clone(),
            namespace: Some(namespace(&workload.project_name)),
            phase: workload.phase.as_str().to_owned(),
            phase_message: Some(workload.message.clone()).filter(|message| !message.is_empty()),
            phase_updated_at: Some(rfc3339(workload.phase_since)),
            preemptible: Some(match spec.preemptibility {
                Some(preemptibility) => preemptibility == Preemptibility::Preemptible,
                None => priority.is_none_or(|priority| priority < NON_PREEMPTIBLE),
            }),
            priority,
            priority_class_name: Some(priority_class(spec).to_owned()),
            project_id: workload.project_id.clone(),
            project_name: Some(workload.project_name.clone()),
            requested_node_pools: spec.node_pools.clone(),
            running_pods: Some(i64::from(workload.phase == Phase::Running)),
            source: Some("Control-plane".to_owned()),
            submitted_by: Some(workload.submitted_by.clone()),
            tenant_id: Some(TENANT),
            total_pending_time_seconds: Some(seconds(workload.total_pending(self.now))),
            total_running_time_seconds: Some(seconds(workload.total_running(self.now))),
            updated_at: Some(rfc3339(workload.deleted_at.unwrap_or(workload.phase_since))),
            workload_requested_resources: Some(requested(workload)),
            ..Item::default()
        }
    }
}

fn allocated(workload: &Workload) -> AllocatedResources {
    let held = workload.placement.is_some();
    let amount = |amount: f64| Some(if held { amount } else { 0.0 });
    AllocatedResources {
        cpu: amount(workload.demand.cpu_cores),
        gpu: amount(workload.demand.gpus()),
        ..AllocatedResources::default()
    }
}

fn requested(workload: &Workload) -> RequestedResources {
    let Some(compute) = &workload.spec.compute else { return RequestedResources::default() };
    let memory = |request: &Option<String>, limit: &Option<String>| {
        Some(ResourceQuantity { limit: limit.clone(), request: request.clone() })
    };
    RequestedResources {
        cpu: Some(ResourceCores { limit: compute.cpu_core_limit, request: compute.cpu_core_request }),
        cpu_memory: memory(&compute.cpu_memory_request, &compute.cpu_memory_limit),
        extended_resources: compute.extended_resources.clone(),
        gpu: Some(ResourceCores { limit: compute.gpu_portion_limit, request: Some(workload.demand.gpus()) }),
        gpu_memory: memory(&compute.gpu_memory_request, &compute.gpu_memory_limit),
        gpu_request_type: compute
            .gpu_request_type
            .and_then(|it| serde_json::to_value(it).ok()?.as_str().map(str::to_owned)),
    }
}

fn category(spec: &TrainingSpec) -> &str {
    spec.category.as_deref().unwrap_or("Train")
}

fn priority_class(spec: &TrainingSpec) -> &str {
    spec.priority_class.as_deref().filter(|class| !class.is_empty()).unwrap_or("low")
}

/// The numbers behind Run:ai's own priority classes.
fn priority(class: &str) -> Option<i64> {
    Some(match class {
        "very-low" => 25,
        "low" => 40,
        "medium-low" => 65,
        "medium" => 80,
        "medium-high" => 90,
        "high" => 125,
        "very-high" => 150,
        _ => return None,
    })
}

/// From this priority on a workload is not pushed aside unless it says otherwise.
const NON_PREEMPTIBLE: i64 = 100;
