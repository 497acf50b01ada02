//! Projects, clusters and node pools.
//!
//! Contains only the members that a submission or a preflight uses.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{list, nullable};

/// A page of `GET /api/v1/org-unit/projects`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ProjectList {
    /// Offset of the next page; missing on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<i64>,
    /// The projects of this page.
    #[serde(deserialize_with = "list")]
    pub projects: Vec<Project>,
}

/// A project, whose quota a workload uses.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Project {
    /// UUID of the project's cluster.
    #[serde(deserialize_with = "nullable")]
    pub cluster_id: String,
    /// When the project was created.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<String>,
    /// The project's description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Defaults of the project's workloads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effective: Option<ProjectEffective>,
    /// Whether all pods of the namespace go through Run:ai's scheduler.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enforce_runai_scheduler: Option<bool>,
    /// The project's id, a number in a string.
    #[serde(deserialize_with = "nullable")]
    pub id: String,
    /// The project's name.
    #[serde(deserialize_with = "nullable")]
    pub name: String,
    /// Id of the department.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<String>,
    /// Quota by node pool.
    #[serde(deserialize_with = "list")]
    pub resources: Vec<ProjectResources>,
    /// The project's phase and resource usage.
    #[serde(deserialize_with = "nullable")]
    pub status: ProjectStatus,
    /// Quota over all node pools.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_resources: Option<ProjectTotals>,
    /// When the project was last changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<String>,
}

/// Defaults of a project's workloads.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ProjectEffective {
    /// Default node pools, in order of preference.
    #[serde(deserialize_with = "list", skip_serializing_if = "Vec::is_empty")]
    pub default_node_pools: Vec<String>,
}

/// The phase and resource usage of a project.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ProjectStatus {
    /// The project's Kubernetes namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// `Creating`, `Updating`, `Deleting`, `Deleted`, `Initializing`, `Ready`, `NotReady`, `Unknown`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
    /// The reason of the phase.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase_message: Option<String>,
    /// Resource usage over all node pools.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quota_status: Option<QuotaStatus>,
}

/// The resource usage of a project.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct QuotaStatus {
    /// Resources allocated to its workloads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allocated: Option<QuotaUse>,
    /// Resources allocated to its non-preemptible workloads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allocated_non_preemptible: Option<QuotaUse>,
    /// Resources requested by its workloads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requested: Option<QuotaUse>,
}

/// Amounts of the three resources that have a quota.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct QuotaUse {
    /// Thousandths of a CPU core.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu: Option<f64>,
    /// GPU devices, as a fraction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpu: Option<f64>,
    /// Megabytes of memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<f64>,
}

/// A project's quota in one node pool.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ProjectResources {
    /// Thousandths of a CPU core.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu: Option<ResourceQuota>,
    /// GPU devices, as a fraction.
    #[serde(deserialize_with = "nullable")]
    pub gpu: ResourceQuota,
    /// Memory, in the unit of `units`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<ResourceQuota>,
    /// The node pool.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_pool: Option<ProjectNodePool>,
}

/// The node pool that a quota is for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ProjectNodePool {
    /// The node pool's id.
    #[serde(deserialize_with = "nullable")]
    pub id: String,
    /// The node pool's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Quota of one resource.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ResourceQuota {
    /// The quota: resources that the project is entitled to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deserved: Option<f64>,
    /// Maximum that the project can use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<f64>,
    /// The project's weight for resources over quota.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub over_quota_weight: Option<f64>,
    /// Units of an amount of memory: `Mib`, `MB`, `GB`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub units: Option<String>,
}

/// A project's quota over all node pools.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ProjectTotals {
    /// Thousandths of a CPU core.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_quota: Option<f64>,
    /// GPU devices, as a fraction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpu_quota: Option<f64>,
    /// Megabytes of memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_quota: Option<f64>,
}

/// A cluster. The response of `GET /api/v1/clusters` is an array of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Cluster {
    /// When the cluster was created.
    #[serde(deserialize_with = "nullable")]
    pub created_at: String,
    /// The URL of the cluster's services.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// When the cluster last reported.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_liveness: Option<String>,
    /// The cluster's name.
    #[serde(deserialize_with = "nullable")]
    pub name: String,
    /// The connection status; only in verbose responses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<ClusterStatus>,
    /// Number of the tenant.
    #[serde(deserialize_with = "nullable")]
    pub tenant_id: i64,
    /// UUID of the cluster.
    #[serde(deserialize_with = "nullable")]
    pub uuid: String,
    /// Version of Run:ai on the cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// The connection status of a cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ClusterStatus {
    /// `WaitingToConnect`, `Connected`, `Disconnected`, `MissingPrerequisites`, `ServiceIssues`, `Unknown`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
}

/// A page of `GET /api/v1/node-pools`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct NodePoolList {
    /// Offset of the next page; the API does not document it for node pools.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<i64>,
    /// The node pools of this page.
    #[serde(rename = "nodepools", deserialize_with = "list")]
    pub node_pools: Vec<NodePool>,
}

/// A group of nodes with a common label.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct NodePool {
    /// UUID of the cluster.
    #[serde(deserialize_with = "nullable")]
    pub cluster_id: String,
    /// Name of the cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster_name: Option<String>,
    /// The node pool's id.
    #[serde(deserialize_with = "nullable")]
    pub id: String,
    /// Whether this is the default node pool.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_default: Option<bool>,
    /// Key of the label that nodes of the pool have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label_key: Option<String>,
    /// Value of the label that nodes of the pool have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label_value: Option<String>,
    /// The node pool's name.
    #[serde(deserialize_with = "nullable")]
    pub name: String,
    /// `Creating`, `Updating`, `Deleting`, `Empty`, `Unschedulable`, `Ready`, `Deleted`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
    /// The reason of the phase.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase_message: Option<String>,
}
