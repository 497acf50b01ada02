//! `/api/v1/authorization/…` and `/api/v2/authorization/roles`.
//!
//! Version 2 roles and permission sets are not in the API description of control plane 2.24. They follow the
//! documentation of the next version.

use std::sync::{Arc, PoisonError};

use axum::{Extension, Json, extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{ApiError, Body, Caller, list::ListQuery};
use crate::{
    app::App,
    clock::rfc3339,
    roles::{Action, Resource, Role},
    state::TENANT,
};

/// Returns the caller's permissions.
pub(super) async fn permissions(Extension(caller): Extension<Caller>) -> Json<Vec<Permission>> {
    Json(permissions_of(&caller.account().role))
}

/// Returns the caller's access rules: its role in each of its projects.
pub(super) async fn my_access_rules(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    query: ListQuery,
) -> Json<Value> {
    let account = caller.account();
    let rules: Vec<Value> = app.with_state(|state, _| {
        let rule = |id: usize, scope: &str, scope_id: &str, scope_name: &str| {
            json!({
                "id": id,
                "tenantId": TENANT,
                "subjectId": account.client_id,
                "subjectType": "service-account",
                "roleId": role_id(&account.role),
                "roleName": account.role.name(),
                "scopeType": scope,
                "scopeId": scope_id,
                "scopeName": scope_name,
                "clusterId": state.cluster().uuid
            })
        };
        if account.projects.is_empty() {
            return vec![rule(1, "tenant", &TENANT.to_string(), "tenant")];
        }
        let own = state.projects().iter().filter(|project| account.has_access_to(&project.facts.name));
        own.enumerate().map(|(index, it)| rule(index + 1, "project", &it.id, &it.facts.name)).collect()
    });
    let found: Vec<Value> =
        rules.into_iter().filter(|rule| query.matches_search(rule["scopeName"].as_str().unwrap_or_default())).collect();
    let total = found.len();
    let (page, _) = query.paginate(found.into_iter());
    let shown = page.len();
    Json(json!({"accessRules": {"totalRecords": total, "displayRecords": shown, "accessRules": page}}))
}

/// Returns all permission sets.
pub(super) async fn permission_sets(
    Extension(caller): Extension<Caller>,
) -> Result<Json<Vec<PermissionSet>>, ApiError> {
    caller.require(Resource::Roles, Action::Read)?;
    Ok(Json(SETS.iter().map(|name| PermissionSet { id: (*name).to_owned(), name: (*name).to_owned() }).collect()))
}

/// Returns all roles.
pub(super) async fn roles(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Vec<Value>>, ApiError> {
    caller.require(Resource::Roles, Action::Read)?;
    let own = app.roles.lock().unwrap_or_else(PoisonError::into_inner);
    let predefined =
        PREDEFINED.iter().map(|role| json!({"id": role_id(role), "name": role.name(), "kind": "predefined"}));
    Ok(Json(predefined.chain(own.iter().cloned()).collect()))
}

/// Returns the predefined roles with their permissions, like control planes before 3.0.
pub(super) async fn roles_v1(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Vec<Value>>, ApiError> {
    caller.require(Resource::Roles, Action::Read)?;
    let created = app.with_state(|state, _| rfc3339(state.cluster().created_at));
    let role = |role: &Role| {
        json!({
            "id": role_id(role),
            "name": role.name(),
            "description": "",
            "permissions": permissions_of(role),
            "custom": false,
            "effectiveEnabled": true,
            "createdBy": "system",
            "createdAt": created,
            "updatedAt": created
        })
    };
    Ok(Json(PREDEFINED.iter().map(role).collect()))
}

/// Creates a role. Accounts cannot use it: their roles are set when the simulator starts.
pub(super) async fn create_role(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Body(request, _): Body<RoleRequest>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    caller.require(Resource::Roles, Action::Create)?;
    if request.name.is_empty() {
        return Err(ApiError::bad_request("the role has no name"));
    }
    if let Some(set) = request.permission_sets.iter().find(|set| !SETS.contains(&set.id.as_str())) {
        return Err(ApiError::bad_request(format!("unknown permission set `{}`", set.id)));
    }
    let mut own = app.roles.lock().unwrap_or_else(PoisonError::into_inner);
    let taken = own.iter().any(|role| role["name"] == request.name.as_str())
        || PREDEFINED.iter().any(|role| role.name() == request.name);
    if taken {
        return Err(ApiError::new(StatusCode::CONFLICT, format!("role `{}` already exists", request.name)));
    }
    let role = json!({
        "id": 100 + own.len(),
        "name": request.name,
        "description": request.description,
        "kind": "custom",
        "permissionSets": request.permission_sets,
        "createdBy": caller.name(),
        "createdAt": rfc3339(app.clock.now())
    });
    own.push(role.clone());
    Ok((StatusCode::CREATED, Json(role)))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Permission {
    actions: Vec<&'static str>,
    display_name: &'static str,
    group_id: &'static str,
    resource_type: &'static str,
}

#[derive(Serialize, Deserialize)]
pub(super) struct PermissionSet {
    id: String,
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RoleRequest {
    #[serde(default)]
    description: String,
    name: String,
    permission_sets: Vec<PermissionSet>,
}

fn permissions_of(role: &Role) -> Vec<Permission> {
    let permission = |(resource, actions): (Resource, Vec<Action>)| Permission {
        actions: actions.into_iter().map(Action::as_str).collect(),
        display_name: resource.display_name(),
        group_id: resource.group(),
        resource_type: resource.as_str(),
    };
    role.permissions().into_iter().map(permission).collect()
}

fn role_id(role: &Role) -> usize {
    PREDEFINED.iter().position(|it| it == role).map_or(99, |index| index + 1)
}

const PREDEFINED: [Role; 5] =
    [Role::Administrator, Role::AiPractitioner, Role::L1Researcher, Role::L2Researcher, Role::MlEngineer];

const SETS: [&str; 12] = [
    "accountReadAccess",
    "clustersReadAccess",
    "dataAndStorageReadAccess",
    "inferenceEditAccess",
    "nodesReadAccess",
    "policyReadAccess",
    "projectReadAccess",
    "settingsReadAccess",
    "templatesEditAccess",
    "trainingEditAccess",
    "workloadReadAccess",
    "workspaceEditAccess",
];
