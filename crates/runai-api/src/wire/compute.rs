//! What a workload asks of a node.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{list, pattern};

/// `spec.compute`: GPUs, CPU and memory of each pod of the workload.
///
/// Amounts of memory are Kubernetes quantities (`4G`, `512Mi`); CPU is counted in cores.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Compute {
    /// The most CPU cores that a pod may use.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub cpu_core_limit: Option<f64>,
    /// CPU cores that a pod is guaranteed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub cpu_core_request: Option<f64>,
    /// The most memory that a pod may use; beyond it the pod is killed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = pattern::QUANTITY))]
    pub cpu_memory_limit: Option<String>,
    /// Memory that a pod is guaranteed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = pattern::QUANTITY))]
    pub cpu_memory_request: Option<String>,
    /// Device-plugin resources other than GPUs.
    #[serde(deserialize_with = "list", skip_serializing_if = "Vec::is_empty")]
    pub extended_resources: Vec<ExtendedResource>,
    /// Number of GPU devices, 0 for none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub gpu_devices_request: Option<i64>,
    /// The most memory that a pod may use on each device, not below `gpuMemoryRequest`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = pattern::QUANTITY))]
    pub gpu_memory_limit: Option<String>,
    /// Memory on each device; required by the API if and only if the request type is `memory`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = pattern::QUANTITY))]
    pub gpu_memory_request: Option<String>,
    /// The most of each device that a pod may use, not below `gpuPortionRequest`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub gpu_portion_limit: Option<f64>,
    /// Part of each device, 0 to 1; required by the API if and only if the request type is `portion`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub gpu_portion_request: Option<f64>,
    /// Whether the other GPU members are portions or amounts of memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpu_request_type: Option<GpuRequestType>,
    /// Whether `/dev/shm` is a large memory-backed file system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub large_shm_request: Option<bool>,
}

impl Compute {
    /// Whether no member is given, so that the object can be left out.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// An amount of one resource of a device plugin.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ExtendedResource {
    /// Drops the item that the policy's defaults would add.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude: Option<bool>,
    /// A Kubernetes quantity.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1), regex(pattern = pattern::QUANTITY))]
    pub quantity: Option<String>,
    /// The resource's name, such as `rdma/hca`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub resource: Option<String>,
}

/// The unit of a GPU request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum GpuRequestType {
    /// An amount of memory on each device; the API allows it for a single device.
    Memory,
    /// A part of each device.
    Portion,
}
