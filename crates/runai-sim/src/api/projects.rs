//! `/api/v1/org-unit/projects`.

use std::{borrow::Cow, sync::Arc};

use axum::{
    Extension, Json,
    extract::{Path, State},
};
use runai_api::wire::{
    Project, ProjectEffective, ProjectList, ProjectNodePool, ProjectResources, ProjectStatus, ProjectTotals,
    QuotaStatus, QuotaUse, ResourceQuota,
};

use super::{
    ApiError, Caller,
    list::{ListItem, ListQuery},
};
use crate::{
    app::App,
    clock::rfc3339,
    roles::{Action, Resource},
    scheduler::Amounts,
    state::{DEPARTMENT, DEPARTMENT_ID, ProjectFacts, State as SimState, namespace},
};

/// Returns a page of projects.
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    query: ListQuery,
) -> Result<Json<ProjectList>, ApiError> {
    caller.require(Resource::Project, Action::Read)?;
    let projects: Vec<Project> = app.with_state(|state, _| {
        let seen = state.projects().iter().filter(|it| caller.has_access_to(&it.facts.name));
        seen.map(|it| project(it, state)).collect()
    });
    let (projects, next) = query.page(projects.into_iter())?;
    Ok(Json(ProjectList { next, projects }))
}

/// Returns a project.
pub(super) async fn read(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Project>, ApiError> {
    caller.require(Resource::Project, Action::Read)?;
    app.with_state(|state, _| {
        let found = state.project(&id).ok_or_else(|| ApiError::not_found("project", &id))?;
        caller.require_in(&found.facts.name, Resource::Project, Action::Read)?;
        Ok(Json(project(found, state)))
    })
}

impl ListItem for Project {
    const FIELDS: &'static [&'static str] = &[
        "name",
        "clusterId",
        "departmentId",
        "parentId",
        "parentName",
        "phase",
        "totalGpuQuota",
        "gpuAllocated",
        "createdAt",
        "avgGpuAllocation24h",
        "avgGpuUtilization24h",
        "avgGpuMemoryUtilization24h",
        "avgGpuAllocation7d",
        "avgGpuUtilization7d",
        "avgGpuMemoryUtilization7d",
        "avgGpuAllocation30d",
        "avgGpuUtilization30d",
        "avgGpuMemoryUtilization30d",
    ];

    fn field(&self, name: &str) -> Option<Cow<'_, str>> {
        let number = |number: Option<f64>| number.map(|number| Cow::from(number.to_string()));
        match name {
            "clusterId" => Some(Cow::from(&self.cluster_id)),
            "createdAt" => self.created_at.as_deref().map(Cow::from),
            "departmentId" | "parentId" => self.parent_id.as_deref().map(Cow::from),
            "gpuAllocated" => number(self.status.quota_status.as_ref()?.allocated.as_ref()?.gpu),
            "name" => Some(Cow::from(&self.name)),
            "parentName" => Some(Cow::from(DEPARTMENT)),
            "phase" => self.status.phase.as_deref().map(Cow::from),
            "totalGpuQuota" => number(self.total_resources.as_ref()?.gpu_quota),
            _ => None,
        }
    }
}

fn project(facts: &ProjectFacts, state: &SimState) -> Project {
    let pools = state.pools();
    let mut default_node_pools = facts.facts.default_node_pools.clone();
    if default_node_pools.is_empty() {
        default_node_pools = pools.to_vec();
    }
    let resources: Vec<ProjectResources> = (0..pools.len()).map(|pool| resources(facts, state, pool)).collect();
    let total = |of: fn(&ProjectResources) -> Option<f64>| Some(resources.iter().filter_map(of).sum());
    Project {
        cluster_id: state.cluster().uuid.clone(),
        created_at: Some(rfc3339(facts.created_at)),
        description: Some(String::new()),
        effective: Some(ProjectEffective { default_node_pools }),
        enforce_runai_scheduler: Some(false),
        id: facts.id.clone(),
        name: facts.facts.name.clone(),
        parent_id: Some(DEPARTMENT_ID.to_owned()),
        status: ProjectStatus {
            namespace: Some(namespace(&facts.facts.name)),
            phase: Some("Ready".to_owned()),
            quota_status: Some(quota_status(facts, state)),
            ..ProjectStatus::default()
        },
        total_resources: Some(ProjectTotals {
            cpu_quota: total(|it| it.cpu.as_ref()?.deserved),
            gpu_quota: total(|it| it.gpu.deserved),
            memory_quota: total(|it| it.memory.as_ref()?.deserved),
        }),
        resources,
        updated_at: Some(rfc3339(facts.created_at)),
    }
}

/// Returns the quota of a project in a node pool; the default is the whole pool.
fn resources(facts: &ProjectFacts, state: &SimState, pool: usize) -> ProjectResources {
    let name = &state.pools()[pool];
    let quota = facts.facts.quotas.get(name).cloned().unwrap_or_default();
    let nodes = || state.scheduler().cluster().nodes_of(pool).map(|node| &node.facts);
    let gpus: f64 = nodes().map(|node| f64::from(node.gpus)).sum();
    let cores: f64 = nodes().map(|node| node.cpu_cores).sum();
    let memory: f64 = nodes().map(|node| node.memory).sum();
    let share = |deserved: f64, limit: Option<f64>| ResourceQuota {
        deserved: Some(deserved),
        limit,
        over_quota_weight: Some(quota.over_quota_weight),
        units: None,
    };
    ProjectResources {
        cpu: Some(share(quota.cpu_cores.unwrap_or(cores) * MILLI, quota.cpu_core_limit.map(|limit| limit * MILLI))),
        gpu: share(quota.gpus.unwrap_or(gpus), quota.gpu_limit),
        memory: Some(ResourceQuota { units: Some("MB".to_owned()), ..share(memory / MEGA, None) }),
        node_pool: Some(ProjectNodePool { id: format!("{}", pool + 1), name: Some(name.clone()) }),
    }
}

fn quota_status(facts: &ProjectFacts, state: &SimState) -> QuotaStatus {
    let usages = || (0..state.pools().len()).map(|pool| state.scheduler().usage(facts.index, pool));
    let sum = |amounts: Amounts| {
        Some(QuotaUse {
            cpu: Some(amounts.cpu_cores * MILLI),
            gpu: Some(amounts.gpus),
            memory: Some(amounts.memory / MEGA),
        })
    };
    QuotaStatus {
        allocated: sum(usages().map(|usage| usage.all).fold(Amounts::default(), Amounts::plus)),
        allocated_non_preemptible: sum(usages()
            .map(|usage| usage.non_preemptible)
            .fold(Amounts::default(), Amounts::plus)),
        requested: None,
    }
}

/// The API uses millicores and megabytes.
const MILLI: f64 = 1000.0;
const MEGA: f64 = 1e6;
