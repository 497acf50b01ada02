//! The policy of training workloads.

use runai_api::policy::EffectivePolicy;
use runai_api::request::ApiRequest;
use serde::Deserialize;

use crate::client::Client;
use crate::error::Error;

impl Client {
    /// Returns the effective policy of a project's trainings, merged from those of project, department, cluster and
    /// tenant.
    ///
    /// Needs permission to view policies; submitting does not.
    pub async fn effective_policy(&self, project_id: &str) -> Result<EffectivePolicy, Error> {
        let request =
            ApiRequest::get("/api/v2/policy/trainings").query("scope", "project").query("projectId", project_id);
        let response: Option<PolicyResponse> = self.send(&request).await?;
        Ok(response.unwrap_or_default().effective.unwrap_or_default())
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PolicyResponse {
    effective: Option<EffectivePolicy>,
}
