//! Workloads of any type as the control plane reports them, with their events and history.
//!
//! Contains only the members that are needed to follow a workload.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ExtendedResource, list, nullable};

/// A page of `GET /api/v1/workloads`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct WorkloadList {
    /// Offset of the next page; missing on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<i64>,
    /// The workloads of this page.
    #[serde(deserialize_with = "list")]
    pub workloads: Vec<Workload>,
}

/// A workload: an item of [`WorkloadList`], and the response of `GET /api/v1/workloads/{id}`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Workload {
    /// The supported actions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actions_support: Option<ActionsSupport>,
    /// The allocated resources.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allocated_resources: Option<AllocatedResources>,
    /// Arguments of the command.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arguments: Option<String>,
    /// The workload category for reports.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// UUID of the cluster.
    #[serde(deserialize_with = "nullable")]
    pub cluster_id: String,
    /// The container's entry point.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// When the workload completed or failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<String>,
    /// Kubernetes conditions.
    #[serde(deserialize_with = "list")]
    pub conditions: Vec<Condition>,
    /// When the workload was created.
    #[serde(deserialize_with = "nullable")]
    pub created_at: String,
    /// The current node pools.
    #[serde(deserialize_with = "list", skip_serializing_if = "Vec::is_empty")]
    pub current_node_pools: Vec<String>,
    /// When the workload was deleted, if it was; always present in the API, possibly null.
    pub deleted_at: Option<String>,
    /// Id of the department.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub department_id: Option<String>,
    /// Name of the department.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub department_name: Option<String>,
    /// Environment variables with a literal value.
    #[serde(deserialize_with = "nullable", skip_serializing_if = "IndexMap::is_empty")]
    pub environment_variables: IndexMap<String, String>,
    /// UUID of the workload.
    #[serde(deserialize_with = "nullable")]
    pub id: String,
    /// Images of the containers.
    #[serde(deserialize_with = "list", skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<String>,
    /// The Kubernetes phase.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub k8s_phase: Option<String>,
    /// When the Kubernetes phase last changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub k8s_phase_updated_at: Option<String>,
    /// The type of workload, such as `Training`.
    #[serde(rename = "type", deserialize_with = "nullable")]
    pub kind: String,
    /// The workload's name.
    #[serde(deserialize_with = "nullable")]
    pub name: String,
    /// The project's Kubernetes namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Why the workload is pending, by node pool; only in the response for a single workload.
    #[serde(deserialize_with = "list", skip_serializing_if = "Vec::is_empty")]
    pub pending_scheduling_messages: Vec<PendingSchedulingMessage>,
    /// The current phase; see [`Stage`](crate::phase::Stage).
    #[serde(deserialize_with = "nullable")]
    pub phase: String,
    /// The message of the phase.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase_message: Option<String>,
    /// Why the workload is in this phase: `NonPreemptibleOverQuota`, `OverLimit`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase_reason: Option<String>,
    /// When the workload entered this phase.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase_updated_at: Option<String>,
    /// Whether the workload may be preempted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preemptible: Option<bool>,
    /// The priority as a number; always present in the API, possibly null.
    pub priority: Option<i64>,
    /// The priority class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority_class_name: Option<String>,
    /// Id of the project.
    #[serde(deserialize_with = "nullable")]
    pub project_id: String,
    /// Name of the project.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project_name: Option<String>,
    /// Requested node pools, in order of preference.
    #[serde(deserialize_with = "list", skip_serializing_if = "Vec::is_empty")]
    pub requested_node_pools: Vec<String>,
    /// Pods that were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requested_pods: Option<RequestedPods>,
    /// Pods that run now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub running_pods: Option<i64>,
    /// Where it was submitted: `CLI`, `Control-plane`, `Other`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Who submitted the workload.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub submitted_by: Option<String>,
    /// Number of the tenant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<i64>,
    /// Seconds in the phase Pending so far, over all its visits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_pending_time_seconds: Option<i64>,
    /// Seconds in the phase Running so far, over all its visits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_running_time_seconds: Option<i64>,
    /// When anything about the workload last changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<String>,
    /// URLs that the workload is reached under.
    #[serde(deserialize_with = "list", skip_serializing_if = "Vec::is_empty")]
    pub urls: Vec<String>,
    /// What the whole workload asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workload_requested_resources: Option<RequestedResources>,
}

impl Workload {
    /// Returns the most specific reason of the workload's phase.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        let messages: Vec<String> = self
            .pending_scheduling_messages
            .iter()
            .map(|message| {
                let words =
                    message.user_message.as_deref().filter(|words| !words.is_empty()).unwrap_or(&message.reason);
                if message.node_pool.is_empty() { words.to_owned() } else { format!("{}: {words}", message.node_pool) }
            })
            .collect();
        let given = |words: &Option<String>| words.clone().filter(|words| !words.is_empty());
        if messages.is_empty() {
            given(&self.phase_message).or_else(|| given(&self.phase_reason))
        } else {
            Some(messages.join("; "))
        }
    }
}

/// The actions that a workload supports.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ActionsSupport {
    /// Deletion.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delete: Option<bool>,
    /// Suspension and resumption.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suspend: Option<bool>,
}

/// The resources allocated to a workload.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct AllocatedResources {
    /// CPU cores.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu: Option<f64>,
    /// Memory, a Kubernetes quantity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_memory: Option<String>,
    /// Device-plugin resources other than GPUs.
    #[serde(deserialize_with = "list", skip_serializing_if = "Vec::is_empty")]
    pub extended_resources: Vec<ExtendedResource>,
    /// GPU devices, as a fraction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpu: Option<f64>,
    /// GPU memory, a Kubernetes quantity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpu_memory: Option<String>,
}

/// The resources requested by a workload.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct RequestedResources {
    /// CPU cores.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu: Option<ResourceCores>,
    /// Memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_memory: Option<ResourceQuantity>,
    /// Device-plugin resources other than GPUs.
    #[serde(deserialize_with = "list", skip_serializing_if = "Vec::is_empty")]
    pub extended_resources: Vec<ExtendedResource>,
    /// GPU devices, as a fraction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpu: Option<ResourceCores>,
    /// GPU memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpu_memory: Option<ResourceQuantity>,
    /// `portion` or `memory`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpu_request_type: Option<String>,
}

/// Request and limit, as numbers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ResourceCores {
    /// The limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<f64>,
    /// The request, which is guaranteed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<f64>,
}

/// Request and limit, as Kubernetes quantities.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ResourceQuantity {
    /// The limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<String>,
    /// The request, which is guaranteed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
}

/// The requested pods of a workload.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct RequestedPods {
    /// Number of pods that must succeed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completions: Option<i64>,
    /// Number of pods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<i64>,
    /// Maximum number of concurrent pods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parallelism: Option<i64>,
}

/// A Kubernetes condition.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Condition {
    /// The type of condition, such as `Failed`.
    #[serde(rename = "type", deserialize_with = "nullable")]
    pub kind: String,
    /// When the status last changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_transition_time: Option<String>,
    /// The message of the condition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The reason of a condition of type `Failed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// `True`, `False` or `Unknown`.
    #[serde(deserialize_with = "nullable")]
    pub status: String,
}

/// Why a workload is pending in one node pool.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct PendingSchedulingMessage {
    /// The node pool.
    #[serde(deserialize_with = "nullable")]
    pub node_pool: String,
    /// Whose quota is exceeded: `PROJECT` or `DEPARTMENT`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub org_type: Option<String>,
    /// `NonPreemptibleOverQuota` or `OverLimit`.
    #[serde(deserialize_with = "nullable")]
    pub phase_reason: String,
    /// The scheduler's reason.
    #[serde(deserialize_with = "nullable")]
    pub reason: String,
    /// The message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_message: Option<String>,
}

/// A page of `GET /api/v1/workloads/{id}/events`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct EventList {
    /// The events of this page.
    #[serde(deserialize_with = "list")]
    pub events: Vec<Event>,
    /// Offset of the next page; missing on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<i64>,
}

/// A Kubernetes event about a workload.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Event {
    /// UUID of the cluster.
    #[serde(deserialize_with = "nullable")]
    pub cluster_id: String,
    /// The time of the event.
    #[serde(deserialize_with = "nullable")]
    pub created_at: String,
    /// UUID of the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The object of the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub involved_object: Option<InvolvedObject>,
    /// The type of event: `Normal`, `Warning`.
    #[serde(rename = "type", deserialize_with = "nullable")]
    pub kind: String,
    /// The message.
    #[serde(deserialize_with = "nullable")]
    pub message: String,
    /// The reason, as a single word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The component that reported it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// The Kubernetes object that an event is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct InvolvedObject {
    /// The kind of object, such as `Pod`.
    #[serde(deserialize_with = "nullable")]
    pub kind: String,
    /// The object's name.
    #[serde(deserialize_with = "nullable")]
    pub name: String,
    /// The object's namespace.
    #[serde(deserialize_with = "nullable")]
    pub namespace: String,
    /// The object's UUID.
    #[serde(deserialize_with = "nullable")]
    pub uid: String,
}

/// A page of `GET /api/v1/workloads/{id}/history`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct HistoryList {
    /// Offset of the next page; missing on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<i64>,
    /// The records of this page.
    #[serde(deserialize_with = "list")]
    pub records: Vec<HistoryRecord>,
}

/// A record of a workload's history.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct HistoryRecord {
    /// The metadata of the record.
    #[serde(deserialize_with = "nullable")]
    pub meta: HistoryMeta,
    /// The content of the record.
    #[serde(deserialize_with = "nullable")]
    pub spec: HistorySpec,
}

/// The time and the kind of a record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct HistoryMeta {
    /// The time of the event.
    #[serde(deserialize_with = "nullable")]
    pub creation_timestamp: String,
    /// `Event` or `PhaseUpdate`.
    #[serde(rename = "type", deserialize_with = "nullable")]
    pub kind: String,
}

/// The content of a record: one of the two.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct HistorySpec {
    /// A Kubernetes event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<Event>,
    /// A new phase.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase_update: Option<PhaseUpdate>,
}

/// A new phase of a workload.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct PhaseUpdate {
    /// The phase.
    #[serde(deserialize_with = "nullable")]
    pub phase: String,
    /// The message.
    #[serde(deserialize_with = "nullable")]
    pub phase_message: String,
}
