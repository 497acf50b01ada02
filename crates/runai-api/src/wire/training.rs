//! Training workloads: requests and the stored records.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Compute, EnvironmentVariable, ExposedUrl, NodeAffinityRequired, PodAffinity, Port, Preemptibility, Probes,
    RelatedUrl, Security, Storage, Toleration, list, nullable, pattern,
};

/// The body of `POST /api/v1/workloads/trainings`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct TrainingCreationRequest {
    /// UUID of the cluster that runs the workload.
    #[serde(deserialize_with = "nullable")]
    pub cluster_id: String,
    /// The workload's name: 1 to 63 lowercase letters, digits and dashes, unique in its project.
    #[serde(deserialize_with = "nullable")]
    #[schemars(length(min = 1))]
    pub name: String,
    /// Id of the project that owns the workload.
    #[serde(deserialize_with = "nullable")]
    pub project_id: String,
    /// The specification of the workload.
    #[serde(deserialize_with = "nullable")]
    pub spec: TrainingSpec,
    /// UUID of a workload template whose values the spec overrides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template_id: Option<String>,
    /// Whether the control plane adds random characters to the name; the default is false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub use_given_name_as_prefix: Option<bool>,
}

/// The specification of a training workload: the API's `TrainingSpecSpec`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct TrainingSpec {
    /// Annotations of the workload's pods.
    #[serde(deserialize_with = "list", skip_serializing_if = "Vec::is_empty")]
    pub annotations: Vec<Annotation>,
    /// Arguments of the command: one string, which is split like a shell command.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub args: Option<String>,
    /// Seconds after which a finished workload is deleted; the default is 30 days.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_deletion_time_after_completion_seconds: Option<i64>,
    /// Number of retries of a failed pod before the workload fails; the control plane's default is 6.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backoff_limit: Option<i64>,
    /// The workload category for reports.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// The container's entry point: one string, which is split like a shell command.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub command: Option<String>,
    /// Number of pods that must succeed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completions: Option<i64>,
    /// GPUs, CPU and memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compute: Option<Compute>,
    /// Whether the container gets a home directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub create_home_dir: Option<bool>,
    /// Environment variables of the container.
    #[serde(deserialize_with = "list", skip_serializing_if = "Vec::is_empty")]
    pub environment_variables: Vec<EnvironmentVariable>,
    /// Ports that are exposed as URLs.
    #[serde(deserialize_with = "list", skip_serializing_if = "Vec::is_empty")]
    pub exposed_urls: Vec<ExposedUrl>,
    /// The container image; required unless a template gives it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub image: Option<String>,
    /// When the image is pulled; the default is `Always` for the tag `latest`, else `IfNotPresent`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_pull_policy: Option<ImagePullPolicy>,
    /// Secrets with the registry's credentials.
    #[serde(deserialize_with = "list", skip_serializing_if = "Vec::is_empty")]
    pub image_pull_secrets: Vec<ImagePullSecret>,
    /// Labels of the workload's pods.
    #[serde(deserialize_with = "list", skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<Label>,
    /// Labels that a node must have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_affinity_required: Option<NodeAffinityRequired>,
    /// Names of node pools, in order of preference.
    #[serde(deserialize_with = "list", skip_serializing_if = "Vec::is_empty")]
    pub node_pools: Vec<String>,
    /// The administrator's label for a group of nodes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub node_type: Option<String>,
    /// Maximum number of concurrent pods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parallelism: Option<i64>,
    /// Places the workload's pods near those of others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod_affinity: Option<PodAffinity>,
    /// Ports that the container listens on.
    #[serde(deserialize_with = "list", skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<Port>,
    /// Whether the workload may be preempted; the default depends on the priority class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preemptibility: Option<Preemptibility>,
    /// The priority class: `very-low` to `very-high`, or one that an administrator added.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority_class: Option<String>,
    /// Checks of the container's health.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probes: Option<Probes>,
    /// Links that belong to the workload.
    #[serde(deserialize_with = "list", skip_serializing_if = "Vec::is_empty")]
    pub related_urls: Vec<RelatedUrl>,
    /// When a pod is restarted; the default is the framework's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restart_policy: Option<RestartPolicy>,
    /// User, group and privileges of the container.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub security: Option<Security>,
    /// Whether the container has a standard input.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stdin: Option<bool>,
    /// The volumes of the container.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage: Option<Storage>,
    /// Whether the workload terminates when it is preempted, instead of waiting in the queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub terminate_after_preemption: Option<bool>,
    /// Seconds between the termination signal and the kill signal; 0 kills immediately.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub termination_grace_period_seconds: Option<i64>,
    /// Taints that the workload tolerates.
    #[serde(deserialize_with = "list", skip_serializing_if = "Vec::is_empty")]
    pub tolerations: Vec<Toleration>,
    /// Whether the container has a terminal; needs `stdin`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tty: Option<bool>,
    /// The container's working directory; the default is the image's.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub working_dir: Option<String>,
}

/// An annotation of the workload's pods.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Annotation {
    /// Excludes the annotation of the policy's defaults.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude: Option<bool>,
    /// The whole key, 1 to 63 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub name: Option<String>,
    /// The value; may be empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// A label of the workload's pods.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Label {
    /// Excludes the label of the policy's defaults.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude: Option<bool>,
    /// The whole key, 1 to 63 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub name: Option<String>,
    /// The value; may be empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

impl Label {
    /// Returns the value of the label `name`; excluded labels are ignored.
    #[must_use]
    pub fn value_of<'a>(labels: &'a [Self], name: &str) -> Option<&'a str> {
        let label = labels.iter().find(|label| label.name.as_deref() == Some(name) && label.exclude != Some(true))?;
        label.value.as_deref()
    }
}

/// When an image is pulled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum ImagePullPolicy {
    /// Before every start.
    Always,
    /// When the node does not have it.
    IfNotPresent,
    /// Never; the node must have it.
    Never,
}

/// A Secret with a registry's credentials.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ImagePullSecret {
    /// Excludes the secret of the policy's defaults.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude: Option<bool>,
    /// The Secret's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = pattern::OBJECT_NAME))]
    pub name: Option<String>,
    /// Whether the Secret belongs to the submitting user alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_credential: Option<bool>,
}

/// When a pod is restarted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum RestartPolicy {
    /// After every end.
    Always,
    /// Never.
    Never,
    /// After a failure.
    OnFailure,
}

/// A stored training workload: the response to its creation and to `GET /api/v1/workloads/trainings/{id}`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Training {
    /// The current phase; see [`Stage`](crate::phase::Stage).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actual_phase: Option<String>,
    /// UUID of the cluster.
    #[serde(deserialize_with = "nullable")]
    pub cluster_id: String,
    /// When the workload was created.
    #[serde(deserialize_with = "nullable")]
    pub created_at: String,
    /// Who created the workload.
    #[serde(deserialize_with = "nullable")]
    pub created_by: String,
    /// When the workload was deleted, if it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<String>,
    /// Id of the department that the project belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub department_id: Option<String>,
    /// The desired phase: `Running`, `Stopped` or `Deleted`.
    #[serde(deserialize_with = "nullable")]
    pub desired_phase: String,
    /// The workload's name.
    #[serde(deserialize_with = "nullable")]
    pub name: String,
    /// Id of the project.
    #[serde(deserialize_with = "nullable")]
    pub project_id: String,
    /// The requested name; differs from `name` if it was a prefix.
    #[serde(deserialize_with = "nullable")]
    pub requested_name: String,
    /// The stored specification, which may have values of a later API; see [`Training::spec`].
    #[serde(skip_serializing_if = "Value::is_null")]
    pub spec: Value,
    /// UUID of the workload.
    #[serde(deserialize_with = "nullable")]
    pub workload_id: String,
}

impl Training {
    /// Returns the specification as the API's type.
    ///
    /// # Errors
    /// The specification has a value that this version of the API does not know.
    pub fn spec(&self) -> Result<TrainingSpec, serde_json::Error> {
        Option::deserialize(&self.spec).map(Option::unwrap_or_default)
    }
}
