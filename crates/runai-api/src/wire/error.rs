//! What the control plane answers when there is no resource to show.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{list, nullable};

/// The body of an answer with an error status.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ErrorBody {
    /// The HTTP status once more.
    #[serde(deserialize_with = "nullable")]
    pub code: i64,
    /// Which members of a submission are refused, and why.
    #[serde(deserialize_with = "list", skip_serializing_if = "Vec::is_empty")]
    pub compliance_issues: Vec<ComplianceIssue>,
    /// More about the error, if there is more to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<String>,
    /// What is wrong, for people.
    #[serde(deserialize_with = "nullable")]
    pub message: String,
}

/// One refused member of a submission.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ComplianceIssue {
    /// Why it is refused, for people.
    #[serde(deserialize_with = "nullable")]
    pub details: String,
    /// The member's path inside the spec, such as `compute.gpuDevicesRequest`.
    #[serde(deserialize_with = "nullable")]
    pub field: String,
    /// The kind of policy rule that it breaks: `min`, `max`, `step`, `options`, `required`, `canEdit`, `canAdd`,
    /// `locked`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
}

/// The body of an accepted request that has no resource to show, such as a suspension.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct HttpResponse {
    /// The HTTP status once more.
    #[serde(deserialize_with = "nullable")]
    pub code: i64,
    /// What was done, for people.
    #[serde(deserialize_with = "nullable")]
    pub message: String,
}
