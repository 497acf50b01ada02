//! The policy that holds for training workloads.

use std::fmt;

use runai_spec::request::ApiRequest;
use serde::Deserialize;
use serde_json::Value;

use super::nullable;
use crate::client::Client;
use crate::error::Error;

impl Client {
    /// What the policies of the project, its department, its cluster and the tenant come to for its trainings.
    ///
    /// Takes permission to view policies, which submitting does not.
    pub async fn effective_policy(&self, project_id: &str) -> Result<EffectivePolicy, Error> {
        let request =
            ApiRequest::get("/api/v2/policy/trainings").query("scope", "project").query("projectId", project_id);
        let answer: Option<PolicyAnswer> = self.send(&request).await?;
        Ok(answer.unwrap_or_default().effective.unwrap_or_default())
    }
}

/// The defaults and rules that hold for trainings of a project, in the API's own shape.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct EffectivePolicy {
    /// Values for members that a submission does not give.
    pub defaults: Value,
    /// Rules by member, such as `{"compute": {"gpuDevicesRequest": {"max": 4}}}`, each with its `sourceOfRule`.
    pub rules: Value,
}

/// Whose policy a rule comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct PolicySource {
    /// UUID of the cluster, if it is the cluster's.
    pub cluster_id: Option<String>,
    /// Id of the department, if it is the department's.
    pub department_id: Option<String>,
    /// Id of the project, if it is the project's.
    pub project_id: Option<Value>,
    /// `system`, `tenant`, `cluster`, `department` or `project`.
    #[serde(deserialize_with = "nullable")]
    pub scope: String,
}

impl fmt::Display for PolicySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = match self.scope.as_str() {
            "cluster" => self.cluster_id.clone(),
            "department" => self.department_id.clone(),
            "project" => self.project_id.as_ref().map(|id| id.as_str().map_or_else(|| id.to_string(), str::to_owned)),
            _ => None,
        };
        match (self.scope.as_str(), id) {
            ("", _) => f.write_str("the policy"),
            (scope, None) => write!(f, "the {scope}'s policy"),
            (scope, Some(id)) => write!(f, "the policy of {scope} {id}"),
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PolicyAnswer {
    effective: Option<EffectivePolicy>,
}
