//! `/api/v1/workloads`.

use std::{borrow::Cow, sync::Arc};

use axum::{
    Extension, Json,
    extract::{Path, State},
};
use jiff::Timestamp;
use runai_api::wire::{
    ActionsSupport, AllocatedResources, Condition, PendingSchedulingMessage, RequestedPods, RequestedResources,
    ResourceCores, ResourceQuantity, TrainingSpec, Workload as Item, WorkloadList,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    ApiError, Body, Caller,
    faults::Injected,
    list::{ListItem, ListQuery},
    trainings::Change,
};
use crate::{
    app::App,
    clock::rfc3339,
    roles::{Action, Resource},
    scheduler::{PendingReason, Placement, PoolReason},
    state::{
        DEPARTMENT, DEPARTMENT_ID, Phase, State as SimState, TENANT, View, is_preemptible, namespace, priority,
        priority_class,
    },
};

/// Returns a page of workloads.
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    injected: Injected,
    query: ListQuery,
) -> Result<Json<WorkloadList>, ApiError> {
    caller.require(Resource::Workloads, Action::Read)?;
    app.with_state(|state, now| {
        let (workloads, next) = query.page(entries(state, &caller, &query, injected.visible_at(now), now))?;
        Ok(Json(WorkloadList { next, workloads: workloads.iter().map(Entry::item).collect() }))
    })
}

/// Returns the number of workloads.
pub(super) async fn count(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    injected: Injected,
    query: ListQuery,
) -> Result<Json<Count>, ApiError> {
    caller.require(Resource::Workloads, Action::Read)?;
    app.with_state(|state, now| {
        Ok(Json(Count { count: query.count(entries(state, &caller, &query, injected.visible_at(now), now))? }))
    })
}

/// Returns a workload.
pub(super) async fn read(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    injected: Injected,
) -> Result<Json<Item>, ApiError> {
    caller.require(Resource::Workloads, Action::Read)?;
    app.with_state(|state, now| {
        let shows = injected.visible_at(now);
        let view = state.view_of(&id, shows).ok_or_else(|| ApiError::not_found("workload", &id))?;
        caller.require_in(&view.workload.project_name, Resource::Workloads, Action::Read)?;
        let entry = Entry { now: shows.unwrap_or(now), state, view };
        Ok(Json(Item { pending_scheduling_messages: entry.pending_messages(), ..entry.item() }))
    })
}

/// Suspends, resumes or deletes several workloads.
pub(super) async fn batch(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    injected: Injected,
    Body(request, _): Body<BatchRequest>,
) -> Result<Json<BatchResponse>, ApiError> {
    if request.ids.len() > MAX_BATCH {
        let count = request.ids.len();
        return Err(ApiError::bad_request(format!("too many ids: {count}, at most {MAX_BATCH} are allowed")));
    }
    if let Some(id) = request.ids.iter().find(|id| Uuid::parse_str(id).is_err()) {
        return Err(ApiError::bad_request(format!("`{id}` is not a UUID")));
    }
    let change = match request.action {
        BatchAction::Delete => Change::Delete,
        BatchAction::Resume => Change::Resume,
        BatchAction::Suspend => Change::Suspend,
    };
    let nothing = BatchResponse { failed: Vec::new(), id: Uuid::new_v4().to_string(), succeeded: Vec::new() };
    app.effect(injected.effect, nothing, move |state, now| {
        let (mut failed, mut succeeded) = (Vec::new(), Vec::new());
        for id in request.ids {
            match change.make(state, &caller, None, &id, &injected, now) {
                Ok(()) => succeeded.push(id),
                Err(refusal) => {
                    failed.push(BatchFailure { code: refusal.body.code, id, message: refusal.body.message });
                }
            }
        }
        Ok(BatchResponse { failed, id: Uuid::new_v4().to_string(), succeeded })
    })
    .map(Json)
}

#[derive(Deserialize)]
pub(super) struct BatchRequest {
    action: BatchAction,
    ids: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum BatchAction {
    Delete,
    Resume,
    Suspend,
}

#[derive(Serialize)]
pub(super) struct BatchResponse {
    failed: Vec<BatchFailure>,
    id: String,
    succeeded: Vec<String>,
}

#[derive(Serialize)]
struct BatchFailure {
    code: i64,
    id: String,
    message: String,
}

#[derive(Serialize)]
pub(super) struct Count {
    count: usize,
}

fn entries<'a>(
    state: &'a SimState,
    caller: &'a Caller,
    query: &'a ListQuery,
    shows: Option<Timestamp>,
    now: Timestamp,
) -> impl Iterator<Item = Entry<'a>> {
    let deleted = query.deleted;
    // A filter by name uses the index.
    let (some, all) = match query.only_name() {
        Some(name) => (Some(state.named(name)), None),
        None => (None, Some(state.workloads().iter().enumerate())),
    };
    let workloads = some.into_iter().flatten().chain(all.into_iter().flatten());
    let views = workloads.filter_map(move |(index, _)| state.view(index, shows));
    let seen = views.filter(move |view| {
        view.workload.deleted_at.is_some() == deleted && caller.has_access_to(&view.workload.project_name)
    });
    seen.map(move |view| Entry { now: shows.unwrap_or(now), state, view })
}

/// A workload at a point in time.
struct Entry<'a> {
    now: Timestamp,
    state: &'a SimState,
    view: View<'a>,
}

impl ListItem for Entry<'_> {
    /// The fields of the API description, which do not include the id. Fields that are not simulated have no value.
    const FIELDS: &'static [&'static str] = &[
        "type",
        "name",
        "clusterId",
        "projectId",
        "projectName",
        "departmentId",
        "departmentName",
        "createdAt",
        "deletedAt",
        "submittedBy",
        "phase",
        "completedAt",
        "nodepool",
        "distributedFramework",
        "allocatedGPU",
        "idleGpus",
        "idleAllocatedGpus",
        "phaseUpdatedAt",
        "category",
        "priority",
        "totalPendingTimeSeconds",
        "totalRunningTimeSeconds",
        "priorityClassName",
        "guaranteedRuntimeEndsAt",
        "aiApplicationId",
        "aiApplicationName",
    ];

    fn field(&self, name: &str) -> Option<Cow<'_, str>> {
        let workload = self.view.workload;
        let time = |time: Timestamp| Cow::from(rfc3339(time));
        Some(match name {
            "allocatedGPU" => Cow::from(self.view.placement().map_or(0.0, Placement::gpus).to_string()),
            "category" => Cow::from(category(&workload.spec)),
            "clusterId" => Cow::from(&self.state.cluster().uuid),
            "completedAt" => time(workload.completed_at?),
            "createdAt" => time(workload.created_at),
            "deletedAt" => time(workload.deleted_at?),
            "departmentId" => Cow::from(DEPARTMENT_ID),
            "departmentName" => Cow::from(DEPARTMENT),
            "name" => Cow::from(&workload.name),
            "nodepool" => Cow::from(&self.state.pools()[self.view.placement()?.pool]),
            "phase" => Cow::from(workload.phase.as_str()),
            "phaseUpdatedAt" => time(workload.phase_since),
            "priority" => Cow::from(priority(priority_class(&workload.spec))?.to_string()),
            "priorityClassName" => Cow::from(priority_class(&workload.spec)),
            "projectId" => Cow::from(&workload.project_id),
            "projectName" => Cow::from(&workload.project_name),
            "submittedBy" => Cow::from(&workload.submitted_by),
            "totalPendingTimeSeconds" => Cow::from(workload.total_pending(self.now).as_secs().to_string()),
            "totalRunningTimeSeconds" => Cow::from(workload.total_running(self.now).as_secs().to_string()),
            "type" => Cow::from(workload.kind.as_str()),
            _ => return None,
        })
    }
}

impl Entry<'_> {
    pub(super) fn item(&self) -> Item {
        let workload = self.view.workload;
        let spec = workload.shown_spec();
        let seconds = |duration: std::time::Duration| i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
        let literals = spec.environment_variables.iter().filter_map(|it| it.name.clone().zip(it.value.clone()));
        let placement = self.view.placement();
        let pods = i64::from(workload.request.pods);
        Item {
            actions_support: Some(ActionsSupport { delete: Some(true), suspend: Some(workload.kind.can_suspend()) }),
            allocated_resources: Some(self.allocated()),
            arguments: spec.args.clone(),
            category: Some(category(spec).to_owned()),
            cluster_id: self.state.cluster().uuid.clone(),
            command: spec.command.clone(),
            completed_at: workload.completed_at.map(rfc3339),
            conditions: self.conditions(),
            created_at: rfc3339(workload.created_at),
            current_node_pools: placement.iter().map(|placement| self.state.pools()[placement.pool].clone()).collect(),
            deleted_at: workload.deleted_at.map(rfc3339),
            department_id: Some(DEPARTMENT_ID.to_owned()),
            department_name: Some(DEPARTMENT.to_owned()),
            environment_variables: literals.collect(),
            id: workload.id.clone(),
            images: spec.image.iter().cloned().collect(),
            k8s_phase: Some(workload.phase.as_str().to_owned()),
            k8s_phase_updated_at: Some(rfc3339(workload.phase_since)),
            kind: workload.kind.as_str().to_owned(),
            name: workload.name.clone(),
            namespace: Some(namespace(&workload.project_name)),
            phase: workload.phase.as_str().to_owned(),
            phase_message: Some(self.view.message().to_owned()).filter(|message| !message.is_empty()),
            phase_reason: self
                .view
                .pending_reason()
                .and_then(PendingReason::quota_reason)
                .map(|reason| reason.as_str().to_owned()),
            phase_updated_at: Some(rfc3339(workload.phase_since)),
            preemptible: Some(is_preemptible(spec)),
            priority: priority(priority_class(spec)),
            priority_class_name: Some(priority_class(spec).to_owned()),
            project_id: workload.project_id.clone(),
            project_name: Some(workload.project_name.clone()),
            requested_node_pools: spec.node_pools.clone(),
            requested_pods: Some(RequestedPods {
                completions: Some(i64::from(workload.completions)),
                number: Some(pods),
                parallelism: Some(pods),
            }),
            running_pods: Some(if workload.phase == Phase::Running { pods } else { 0 }),
            source: Some("Control-plane".to_owned()),
            submitted_by: Some(workload.submitted_by.clone()),
            tenant_id: Some(TENANT),
            total_pending_time_seconds: Some(seconds(workload.total_pending(self.now))),
            total_running_time_seconds: Some(seconds(workload.total_running(self.now))),
            updated_at: Some(rfc3339(workload.deleted_at.unwrap_or(workload.phase_since))),
            urls: spec.exposed_urls.iter().filter_map(|url| url.url.clone()).collect(),
            workload_requested_resources: Some(self.requested()),
            ..Item::default()
        }
    }

    /// Returns the exceeded quotas by node pool.
    fn pending_messages(&self) -> Vec<PendingSchedulingMessage> {
        let Some(pending_reason) = self.view.pending_reason() else { return Vec::new() };
        let message = |it: &PoolReason| {
            let reason = it.quota?;
            Some(PendingSchedulingMessage {
                node_pool: self.state.pools()[it.pool].clone(),
                org_type: Some("PROJECT".to_owned()),
                phase_reason: reason.as_str().to_owned(),
                reason: it.message.clone(),
                user_message: Some(it.message.clone()),
            })
        };
        pending_reason.pools.iter().filter_map(message).collect()
    }

    fn conditions(&self) -> Vec<Condition> {
        let workload = self.view.workload;
        let (kind, reason) = match workload.phase {
            Phase::Completed => ("Complete", None),
            Phase::Failed => ("Failed", Some("BackoffLimitExceeded")),
            Phase::Pending => match self.view.pending_reason() {
                Some(pending_reason) => {
                    ("Unschedulable", Some(pending_reason.quota_reason().map_or("Resources", |it| it.as_str())))
                }
                None => return Vec::new(),
            },
            Phase::Stopped => ("Suspended", None),
            _ => return Vec::new(),
        };
        vec![Condition {
            kind: kind.to_owned(),
            last_transition_time: Some(rfc3339(workload.phase_since)),
            message: Some(self.view.message().to_owned()),
            reason: reason.map(str::to_owned),
            status: "True".to_owned(),
        }]
    }

    fn allocated(&self) -> AllocatedResources {
        let placement = self.view.placement();
        AllocatedResources {
            cpu: Some(placement.map_or(0.0, Placement::cpu_cores)),
            gpu: Some(placement.map_or(0.0, Placement::gpus)),
            ..AllocatedResources::default()
        }
    }

    fn requested(&self) -> RequestedResources {
        let workload = self.view.workload;
        let Some(compute) = &workload.shown_spec().compute else { return RequestedResources::default() };
        let memory = |request: &Option<String>, limit: &Option<String>| {
            Some(ResourceQuantity { limit: limit.clone(), request: request.clone() })
        };
        let pool = self.view.placement().map(|placement| placement.pool);
        let pool = pool.or_else(|| workload.request.pools.first().copied());
        let gpu_memory = pool.map_or(0.0, |pool| self.state.scheduler().cluster().gpu_memory(pool));
        RequestedResources {
            cpu: Some(ResourceCores { limit: compute.cpu_core_limit, request: compute.cpu_core_request }),
            cpu_memory: memory(&compute.cpu_memory_request, &compute.cpu_memory_limit),
            extended_resources: compute.extended_resources.clone(),
            gpu: Some(ResourceCores {
                limit: compute.gpu_portion_limit,
                request: Some(workload.demand().gpus(gpu_memory)),
            }),
            gpu_memory: memory(&compute.gpu_memory_request, &compute.gpu_memory_limit),
            gpu_request_type: compute
                .gpu_request_type
                .and_then(|it| serde_json::to_value(it).ok()?.as_str().map(str::to_owned)),
        }
    }
}

fn category(spec: &TrainingSpec) -> &str {
    spec.category.as_deref().unwrap_or("Train")
}

/// Maximum number of ids in a batch, as in the API description.
const MAX_BATCH: usize = 100;
