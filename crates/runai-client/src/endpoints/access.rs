//! Who may do what.

use runai_api::permissions::RoleCreationRequest;
use runai_api::request::ApiRequest;
use runai_api::wire::requests::PAGE_LIMIT;
use serde::Deserialize;
use serde_json::Value;

use super::nullable;
use super::page::{LenientPage, Listed};
use crate::client::Client;
use crate::error::Error;

impl Client {
    /// What the credentials may do, anywhere.
    pub async fn permissions(&self) -> Result<Vec<GrantedPermission>, Error> {
        self.list(&ApiRequest::get("/api/v1/authorization/permissions")).await
    }

    /// The roles of these credentials, and where each holds; the first 500.
    pub async fn access_rules(&self) -> Result<Vec<AccessRule>, Error> {
        let request = ApiRequest::get("/api/v1/authorization/me/access-rules").query("limit", PAGE_LIMIT.to_string());
        let page: AccessRules = self.send(&request).await?;
        Ok(page.access_rules.items)
    }

    /// The sets that roles are made of. Takes permission to view roles; control plane 2.24 and later.
    pub async fn permission_sets(&self) -> Result<Vec<PermissionSetInfo>, Error> {
        self.list(&ApiRequest::get("/api/v1/authorization/permission-sets")).await
    }

    /// All roles. Takes permission to view them; control plane 2.24 and later.
    pub async fn roles(&self) -> Result<Vec<RoleInfo>, Error> {
        self.list(&ApiRequest::get("/api/v2/authorization/roles")).await
    }

    /// Creates a role, such as [`Permissions::role_request`](runai_api::permissions::Permissions::role_request) returns.
    /// The client never sends the request twice.
    pub async fn create_role(&self, role: &RoleCreationRequest) -> Result<RoleInfo, Error> {
        // Strings and lists cannot fail to serialize.
        let body = serde_json::to_value(role).unwrap_or_default();
        self.send(&ApiRequest::post("/api/v2/authorization/roles").json(&body)).await
    }
}

/// A permission that the credentials have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct GrantedPermission {
    /// `create`, `read`, `update`, `delete`, `sync`.
    #[serde(deserialize_with = "nullable")]
    pub actions: Vec<String>,
    /// What the control plane's pages call the thing.
    #[serde(deserialize_with = "nullable")]
    pub display_name: String,
    /// The thing, as the API calls it, such as `trainings`.
    #[serde(deserialize_with = "nullable")]
    pub resource_type: String,
}

/// A role that the credentials have somewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct AccessRule {
    /// The role's name.
    #[serde(deserialize_with = "nullable")]
    pub role_name: String,
    /// Id of what it holds in.
    #[serde(deserialize_with = "nullable")]
    pub scope_id: String,
    /// Name of what it holds in.
    #[serde(deserialize_with = "nullable")]
    pub scope_name: String,
    /// `system`, `tenant`, `cluster`, `department` or `project`.
    #[serde(deserialize_with = "nullable")]
    pub scope_type: String,
}

/// A set of permissions that roles are made of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct PermissionSetInfo {
    /// The set's id, which a role names.
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
    /// What it is for.
    #[serde(deserialize_with = "nullable")]
    pub description: String,
    /// The role's id.
    #[serde(deserialize_with = "text")]
    pub id: String,
    /// The role's name.
    #[serde(deserialize_with = "nullable")]
    pub name: String,
}

/// The list is in a member of the same name once more.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AccessRules {
    access_rules: LenientPage<AccessRule>,
}

impl Listed for AccessRule {
    const MEMBER: &'static str = "accessRules";
}

/// An id that some versions write as a number.
fn text<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Null => String::new(),
        Value::String(text) => text,
        other => other.to_string(),
    })
}
