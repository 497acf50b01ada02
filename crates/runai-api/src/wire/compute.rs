//! Compute resources of a workload.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{list, pattern};

/// `spec.compute`: GPUs, CPU and memory of each pod of the workload.
///
/// Amounts of memory are Kubernetes quantities (`4G`, `512Mi`); CPU is counted in cores.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Compute {
    /// Maximum number of CPU cores of a pod.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub cpu_core_limit: Option<f64>,
    /// Guaranteed number of CPU cores of a pod.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub cpu_core_request: Option<f64>,
    /// Maximum memory of a pod; a pod that exceeds it is killed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = pattern::QUANTITY))]
    pub cpu_memory_limit: Option<String>,
    /// Guaranteed memory of a pod.
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
    /// Maximum GPU memory of a pod on each device, at least `gpuMemoryRequest`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = pattern::QUANTITY))]
    pub gpu_memory_limit: Option<String>,
    /// GPU memory on each device; required if and only if the request type is `memory`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = pattern::QUANTITY))]
    pub gpu_memory_request: Option<String>,
    /// Maximum portion of each device, at least `gpuPortionRequest`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub gpu_portion_limit: Option<f64>,
    /// Portion of each device, 0 to 1; required if and only if the request type is `portion`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub gpu_portion_request: Option<f64>,
    /// The type of GPU request: portions or memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpu_request_type: Option<GpuRequestType>,
    /// Whether `/dev/shm` is a large memory-backed file system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub large_shm_request: Option<bool>,
}

impl Compute {
    /// Returns whether all members are missing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// An amount of one resource of a device plugin.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ExtendedResource {
    /// Excludes the item of the policy's defaults.
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
    /// GPU memory on each device; only for a single device.
    Memory,
    /// A portion of each device.
    Portion,
}
