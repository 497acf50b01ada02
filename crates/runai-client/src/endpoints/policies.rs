//! The policy that holds for training workloads.

use runai_api::policy::EffectivePolicy;
use runai_api::request::ApiRequest;
use serde::Deserialize;

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

#[derive(Default, Deserialize)]
#[serde(default)]
struct PolicyAnswer {
    effective: Option<EffectivePolicy>,
}
