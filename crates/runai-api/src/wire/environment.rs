//! Environment variables of a workload's containers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::pattern;

/// An environment variable with exactly one of five sources.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct EnvironmentVariable {
    /// Takes the value from a key of a `ConfigMap`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config_map: Option<EnvironmentVariableConfigMap>,
    /// A description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Excludes the variable of the policy's defaults.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude: Option<bool>,
    /// The variable's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub name: Option<String>,
    /// Takes the value from a field of the pod.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod_field_ref: Option<EnvironmentVariablePodFieldRef>,
    /// Takes the value from a key of a Secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<EnvironmentVariableSecret>,
    /// Takes the value from a credential of the submitting user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_credential: Option<EnvironmentVariableUserCredential>,
    /// The value itself; may be empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

impl EnvironmentVariable {
    /// Returns a variable with a literal value.
    #[must_use]
    pub fn literal(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: Some(name.into()), value: Some(value.into()), ..Self::default() }
    }
}

/// A key of a `ConfigMap` in the project's namespace.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct EnvironmentVariableConfigMap {
    /// The key inside the `ConfigMap`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub key: Option<String>,
    /// The `ConfigMap`'s name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1), regex(pattern = pattern::OBJECT_NAME))]
    pub name: Option<String>,
}

/// A field of the pod, as the Kubernetes downward API names it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct EnvironmentVariablePodFieldRef {
    /// The field's path, such as `metadata.name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub path: Option<String>,
}

/// A key of a Secret in the project's namespace.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct EnvironmentVariableSecret {
    /// The key inside the Secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub key: Option<String>,
    /// The Secret's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1), regex(pattern = pattern::OBJECT_NAME))]
    pub name: Option<String>,
}

/// A key of a credential that belongs to the submitting user alone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct EnvironmentVariableUserCredential {
    /// The key inside the credential.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub key: Option<String>,
    /// The credential's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub name: Option<String>,
}
