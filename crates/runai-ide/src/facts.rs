//! What is known of a cluster without a connection to it.

use runai_api::policy::EffectivePolicy;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// Names and limits of a control plane, without any secret: what `runai-step snapshot` writes.
///
/// Completion offers the names, and diagnostics compare requests with the policy.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClusterFacts {
    /// Names of the clusters.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub clusters: Vec<String>,
    /// The projects with their quotas.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub projects: Vec<ProjectFacts>,
    /// The node pools.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub node_pools: Vec<NodePoolFacts>,
    /// Names of the priority classes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub priority_classes: Vec<String>,
    /// The workload templates.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub templates: Vec<TemplateFacts>,
    /// Names of the persistent volume claims.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub claims: Vec<String>,
    /// The effective policy of the project's trainings, in the API's shape: `defaults` and `rules`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<Json>,
}

/// A project.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProjectFacts {
    /// Its name.
    pub name: String,
    /// Its quota of GPUs over all node pools.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpu_quota: Option<f64>,
    /// Its quota by node pool.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub quotas: Vec<QuotaFacts>,
}

/// The quota of a project in a node pool.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct QuotaFacts {
    /// Name of the node pool.
    pub node_pool: String,
    /// GPUs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpus: Option<f64>,
}

/// A node pool.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct NodePoolFacts {
    /// Its name.
    pub name: String,
    /// Its phase, such as `Ready`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
}

/// A workload template.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TemplateFacts {
    /// Its UUID.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// A name that completion offers.
pub(crate) struct Name<'f> {
    pub(crate) text: &'f str,
    pub(crate) detail: Option<String>,
}

impl ClusterFacts {
    /// Reads the facts of a JSON text.
    ///
    /// # Errors
    ///
    /// Why the text is not such a file.
    pub fn from_json(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    /// The policy, if it has the API's shape.
    pub(crate) fn effective_policy(&self) -> Option<EffectivePolicy> {
        serde_json::from_value(self.policy.clone()?).ok()
    }

    /// The names that a setting can have, by its path without indexes.
    pub(crate) fn names(&self, path: &str) -> Vec<Name<'_>> {
        match path {
            "cluster_name" => self.clusters.iter().map(|name| Name { text: name, detail: None }).collect(),
            "node_pools" => {
                self.node_pools.iter().map(|pool| Name { text: &pool.name, detail: pool.phase.clone() }).collect()
            }
            "priority_class" => self.priority_classes.iter().map(|name| Name { text: name, detail: None }).collect(),
            "project_name" => self
                .projects
                .iter()
                .map(|project| Name {
                    text: &project.name,
                    detail: project.gpu_quota.map(|quota| format!("{quota} GPUs")),
                })
                .collect(),
            "pvc_mounts.claim_name" => self.claims.iter().map(|name| Name { text: name, detail: None }).collect(),
            "workload_template_id" => self
                .templates
                .iter()
                .map(|template| Name { text: &template.id, detail: Some(template.name.clone()) })
                .collect(),
            _ => Vec::new(),
        }
    }
}
