//! `/api/v1/workload-templates`.

use std::{borrow::Cow, sync::Arc};

use axum::{
    Extension, Json,
    extract::{Path, State},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    ApiError, Caller, Query,
    list::{ListItem, ListQuery},
};
use crate::{
    app::App,
    clock::rfc3339,
    roles::{Action, Resource},
    state::{State as SimState, TENANT},
    world::Template,
};

/// Returns a page of templates; all are for training workloads.
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Query(_): Query<Compliance>,
    query: ListQuery,
) -> Result<Json<Value>, ApiError> {
    caller.require(Resource::Templates, Action::Read)?;
    app.with_state(|state, _| {
        let created = rfc3339(state.cluster().created_at);
        let templates = state.templates.iter().map(|template| Entry { created: &created, template });
        let (page, next) = query.page(templates)?;
        let entries: Vec<Value> = page.iter().map(|entry| shown(entry.template, state)).collect();
        let mut body = json!({"entries": entries});
        if let Some(next) = next {
            body["pagination"] = json!({"nextOffset": next});
        }
        Ok(Json(body))
    })
}

/// Returns a template.
pub(super) async fn read(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    caller.require(Resource::Templates, Action::Read)?;
    app.with_state(|state, _| {
        let template = state.templates.iter().find(|template| template.id == id);
        let template = template.ok_or_else(|| ApiError::not_found("template", &id))?;
        Ok(Json(shown(template, state)))
    })
}

/// Compliance filters: validated, but without effect.
#[derive(Deserialize)]
pub(super) struct Compliance {
    #[serde(rename = "complyToProject")]
    _project: Option<i32>,
    #[serde(rename = "complyToReplicaType")]
    _replica_type: Option<ReplicaType>,
    #[serde(rename = "complyToWorkloadType")]
    _workload_type: Option<WorkloadType>,
}

#[derive(Deserialize)]
enum ReplicaType {
    Master,
    Worker,
}

#[derive(Deserialize)]
enum WorkloadType {
    Distributed,
    Inference,
    Training,
    Workspace,
}

struct Entry<'a> {
    created: &'a str,
    template: &'a Template,
}

impl ListItem for Entry<'_> {
    const FIELDS: &'static [&'static str] = &[
        "name",
        "workloadType",
        "runnable",
        "scopeType",
        "clusterId",
        "projectId",
        "departmentId",
        "createdAt",
        "updatedAt",
        "createdBy",
        "updatedBy",
    ];

    fn field(&self, name: &str) -> Option<Cow<'_, str>> {
        Some(match name {
            "createdAt" => Cow::from(self.created),
            "createdBy" => Cow::from("system"),
            "name" => Cow::from(&self.template.name),
            "scopeType" => Cow::from("tenant"),
            "workloadType" => Cow::from("Training"),
            _ => return None,
        })
    }
}

fn shown(template: &Template, state: &SimState) -> Value {
    json!({
        "meta": {
            "id": template.id,
            "name": template.name,
            "workloadType": "Training",
            "scopeType": "tenant",
            "scopeId": TENANT.to_string(),
            "createdBy": "system",
            "createdAt": rfc3339(state.cluster().created_at)
        },
        "spec": template.spec
    })
}
