//! `/api/v1/org-unit/projects`.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
};
use runai_spec::wire::{
    Project, ProjectEffective, ProjectList, ProjectNodePool, ProjectResources, ProjectStatus, ProjectTotals,
    ResourceQuota,
};

use super::{
    Refusal,
    list::{ListQuery, Listed},
};
use crate::{
    app::App,
    clock::rfc3339,
    state::{DEPARTMENT_ID, NODE_POOL, ProjectFacts, State as Facts, namespace},
};

/// A page of projects.
pub(super) async fn list(State(app): State<Arc<App>>, query: ListQuery) -> Result<Json<ProjectList>, Refusal> {
    let projects: Vec<Project> =
        app.with_state(|state, _| state.projects().iter().map(|it| project(it, state)).collect());
    let (projects, next) = query.page(projects.into_iter())?;
    Ok(Json(ProjectList { next, projects }))
}

/// One project.
pub(super) async fn read(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Json<Project>, Refusal> {
    app.with_state(|state, _| state.project(&id).map(|it| Json(project(it, state))))
        .ok_or_else(|| Refusal::not_found("project", &id))
}

impl Listed for Project {
    const FIELDS: &'static [&'static str] = &["clusterId", "createdAt", "name", "parentId", "phase"];

    fn field(&self, name: &str) -> Option<String> {
        match name {
            "clusterId" => Some(self.cluster_id.clone()),
            "createdAt" => self.created_at.clone(),
            "name" => Some(self.name.clone()),
            "parentId" => self.parent_id.clone(),
            "phase" => self.status.phase.clone(),
            _ => None,
        }
    }
}

fn project(facts: &ProjectFacts, state: &Facts) -> Project {
    let node = state.node();
    let gpus = f64::from(node.gpus);
    let millicores = node.cpu_cores * 1000.0;
    let megabytes = node.memory / 1e6;
    let all = |amount| ResourceQuota { deserved: Some(amount), ..ResourceQuota::default() };
    Project {
        cluster_id: state.cluster().uuid.clone(),
        created_at: Some(rfc3339(facts.created_at)),
        description: Some(String::new()),
        effective: Some(ProjectEffective { default_node_pools: vec![NODE_POOL.to_owned()] }),
        enforce_runai_scheduler: Some(false),
        id: facts.id.clone(),
        name: facts.name.clone(),
        parent_id: Some(DEPARTMENT_ID.to_owned()),
        // Every project is entitled to all there is: quotas are not simulated.
        resources: vec![ProjectResources {
            cpu: Some(all(millicores)),
            gpu: all(gpus),
            memory: Some(ResourceQuota { units: Some("MB".to_owned()), ..all(megabytes) }),
            node_pool: Some(ProjectNodePool { id: "1".to_owned(), name: Some(NODE_POOL.to_owned()) }),
        }],
        status: ProjectStatus {
            namespace: Some(namespace(&facts.name)),
            phase: Some("Ready".to_owned()),
            ..ProjectStatus::default()
        },
        total_resources: Some(ProjectTotals {
            cpu_quota: Some(millicores),
            gpu_quota: Some(gpus),
            memory_quota: Some(megabytes),
        }),
        updated_at: Some(rfc3339(facts.created_at)),
    }
}
