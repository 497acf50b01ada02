//! `/api/v2/policy/trainings`.

use std::sync::Arc;

use axum::{Extension, Json, extract::State};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{ApiError, Caller, Query};
use crate::{
    app::App,
    clock::rfc3339,
    policy::with_source,
    roles::{Action, Resource},
    state::TENANT,
};

/// Returns the policy for training workloads: the tenant's policy for every scope.
pub(super) async fn policy(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Query(query): Query<PolicyQuery>,
) -> Result<Json<Value>, ApiError> {
    caller.require(Resource::Policies, Action::Read)?;
    let scope = query.scope.as_deref().unwrap_or_default();
    if let Some(id) = query.cluster_id.as_ref().filter(|id| Uuid::parse_str(id).is_err()) {
        return Err(ApiError::bad_request(format!("invalid `clusterId` `{id}`: not a UUID")));
    }
    let missing = |name: &str, value: &Option<String>| {
        if value.is_some() {
            Ok(())
        } else {
            Err(ApiError::bad_request(format!("`{name}` is required for this scope")))
        }
    };
    match scope {
        "tenant" => {}
        "cluster" => missing("clusterId", &query.cluster_id)?,
        "department" => missing("departmentId", &query.department_id)?,
        "project" => missing("projectId", &query.project_id)?,
        other => {
            let message = format!("invalid `scope` `{other}`: must be tenant, cluster, department or project");
            return Err(ApiError::bad_request(message));
        }
    }
    app.with_state(|state, _| {
        if let Some(id) = query.project_id.as_ref().filter(|_| scope == "project") {
            let project = state.project(id).ok_or_else(|| ApiError::not_found("project", id))?;
            caller.require_in(&project.facts.name, Resource::Policies, Action::Read)?;
        }
        let created = rfc3339(state.cluster().created_at);
        let nothing = || json!({"defaults": {}, "rules": {}});
        let Some(policy) = &state.policy else {
            return Ok(Json(json!({"effective": nothing(), "effectiveUpdatedAt": created})));
        };
        let or_empty = |value: &Value| if value.is_null() { json!({}) } else { value.clone() };
        let (defaults, rules) = (or_empty(&policy.defaults), or_empty(&policy.rules));
        let effective = json!({"defaults": defaults, "rules": with_source(&rules)});
        let mut body = json!({"effective": effective, "effectiveUpdatedAt": created});
        if scope == "tenant" {
            body["policy"] = json!({"defaults": defaults, "rules": rules});
            body["meta"] = json!({
                "id": "5100cafe-0000-4000-8000-00000000000a",
                "tenantId": TENANT,
                "scope": "tenant",
                "name": "sim-policy",
                "createdBy": "system",
                "createdAt": created,
                "updatedBy": "system",
                "updatedAt": created
            });
        }
        Ok(Json(body))
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PolicyQuery {
    cluster_id: Option<String>,
    department_id: Option<String>,
    project_id: Option<String>,
    scope: Option<String>,
}
