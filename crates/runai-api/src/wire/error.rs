//! Responses without a resource: errors and accepted requests.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{list, nullable};

/// The body of a response with an error status.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ErrorBody {
    /// The HTTP status.
    #[serde(deserialize_with = "nullable")]
    pub code: i64,
    /// The refused members of a submission, each with a reason.
    #[serde(deserialize_with = "list", skip_serializing_if = "Vec::is_empty")]
    pub compliance_issues: Vec<ComplianceIssue>,
    /// Details of the error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<String>,
    /// The error message.
    #[serde(deserialize_with = "nullable")]
    pub message: String,
}

/// One refused member of a submission.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ComplianceIssue {
    /// The reason of the refusal.
    #[serde(deserialize_with = "nullable")]
    pub details: String,
    /// The member's path inside the spec, such as `compute.gpuDevicesRequest`.
    #[serde(deserialize_with = "nullable")]
    pub field: String,
    /// The kind of policy rule that it violates: `min`, `max`, `step`, `options`, `required`, `canEdit`, `canAdd`,
    /// `locked`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
}

/// The response to an accepted request without a resource, such as a suspension.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct HttpResponse {
    /// The HTTP status.
    #[serde(deserialize_with = "nullable")]
    pub code: i64,
    /// The message.
    #[serde(deserialize_with = "nullable")]
    pub message: String,
}
