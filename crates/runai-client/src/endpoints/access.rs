//! Permissions, roles and access rules.

use runai_api::permissions::RoleCreationRequest;
use runai_api::request::ApiRequest;
use runai_api::wire::requests::PAGE_LIMIT;
use serde::Deserialize;
use serde_json::Value;

use super::nullable;
use super::page::{LenientPage, ListItem};
use crate::client::Client;
use crate::error::Error;

impl Client {
    /// Returns the permissions of the credentials, in any scope.
    pub async fn permissions(&self) -> Result<Vec<GrantedPermission>, Error> {
        self.list(&ApiRequest::get("/api/v1/authorization/permissions")).await
    }

    /// Returns the roles of the credentials and their scopes; the first 500.
    pub async fn access_rules(&self) -> Result<Vec<AccessRule>, Error> {
        let request = ApiRequest::get("/api/v1/authorization/me/access-rules").query("limit", PAGE_LIMIT.to_string());
        let page: AccessRules = self.send(&request).await?;
        Ok(page.access_rules.items)
    }

    /// Returns the permission sets of roles. Needs permission to view roles; control plane 2.24 and later.
    pub async fn permission_sets(&self) -> Result<Vec<PermissionSetInfo>, Error> {
        self.list(&ApiRequest::get("/api/v1/authorization/permission-sets")).await
    }

    /// Returns all roles. Needs permission to view roles; control plane 2.24 and later.
    pub async fn roles(&self) -> Result<Vec<RoleInfo>, Error> {
        self.list(&ApiRequest::get("/api/v2/authorization/roles")).await
    }

    /// Creates a role, such as [`Permissions::role_request`](runai_api::permissions::Permissions::role_request)
    /// returns. The client never sends the request twice.
    pub async fn create_role(&self, role: &RoleCreationRequest) -> Result<RoleInfo, Error> {
        // Strings and lists always serialize.
        let body = serde_json::to_value(role).unwrap_or_default();
        self.send(&ApiRequest::post("/api/v2/authorization/roles").json(&body)).await
    }
}

/// A permission of the credentials.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct GrantedPermission {
    /// `create`, `read`, `update`, `delete`, `sync`.
    #[serde(deserialize_with = "nullable")]
    pub actions: Vec<String>,
    /// The resource type, as the control plane's UI names it.
    #[serde(deserialize_with = "nullable")]
    pub display_name: String,
    /// The resource type, as the API names it, such as `trainings`.
    #[serde(deserialize_with = "nullable")]
    pub resource_type: String,
}

/// A role of the credentials in a scope.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct AccessRule {
    /// The role's name.
    #[serde(deserialize_with = "nullable")]
    pub role_name: String,
    /// The scope's id.
    #[serde(deserialize_with = "nullable")]
    pub scope_id: String,
    /// The scope's name.
    #[serde(deserialize_with = "nullable")]
    pub scope_name: String,
    /// `system`, `tenant`, `cluster`, `department` or `project`.
    #[serde(deserialize_with = "nullable")]
    pub scope_type: String,
}

/// A permission set of roles.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct PermissionSetInfo {
    /// The set's id, which roles refer to.
    #[serde(deserialize_with = "text")]
    pub id: String,
    /// The set's name.
    #[serde(deserialize_with = "nullable")]
    pub name: String,
}

/// A role.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct RoleInfo {
    /// The role's purpose.
    #[serde(deserialize_with = "nullable")]
    pub description: String,
    /// The role's id.
    #[serde(deserialize_with = "text")]
    pub id: String,
    /// The role's name.
    #[serde(deserialize_with = "nullable")]
    pub name: String,
}

/// The response: the list is nested in two members of the same name.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AccessRules {
    access_rules: LenientPage<AccessRule>,
}

impl ListItem for AccessRule {
    const MEMBER: &'static str = "accessRules";
}

/// Deserializes an id that some versions write as a number.
fn text<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Null => String::new(),
        Value::String(text) => text,
        other => other.to_string(),
    })
}
