//! The step file and the settings of a step.

use runai_api::wire::{GpuRequestType, Preemptibility};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use validator::Validate;

use super::fields::{Setting, fields};
use super::{
    Annotations, ConfigMapMount, Environment, ExtendedResources, ExternalUrl, HostPathMount, Labels, Memory, NfsMount,
    Port, PvcMount, S3Mount, SecretMount, SecurityContext, Toleration,
};

/// One step: an image, a command, its environment, and the settings it runs with on a Run:ai cluster.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Run:ai step file")]
pub struct StepFile {
    /// Name of the step, the base of the workload's name.
    ///
    /// Brought into the form that Kubernetes asks for: lowercase letters, digits and dashes, a letter first, 63
    /// characters at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["train-resnet"], "x-api" = "name"))]
    pub name: Option<String>,

    /// Container image that the step runs in, with its registry and tag or digest.
    #[validate(length(min = 1))]
    #[schemars(extend("examples" = ["registry.example.com/ml/train:1.4.2"], "x-api" = "spec.image"))]
    pub image: String,

    /// Command to run, one list item a token; no shell splits or expands it.
    ///
    /// With more than three tokens the first three become the API's `command` and the rest its `args`.
    #[validate(length(min = 1))]
    #[schemars(extend("examples" = [["python", "-m", "train", "--epochs", "10"]], "x-api" = "spec.command"))]
    pub command: Vec<String>,

    /// Environment variables of the container. Values are strings; numbers and booleans are taken as their text.
    ///
    /// They are part of the request in plain text: put secrets into a Kubernetes Secret and mount it with
    /// `secret_mounts`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = [{"WANDB_MODE": "offline"}], "x-api" = "spec.environmentVariables"))]
    pub environment: Option<Environment>,

    /// Settings of the step: GPU, CPU, memory, scheduling, storage, security, network and lifecycle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(nested)]
    pub settings: Option<StepSettings>,
}

fields!(StepFile { name, image, command, environment, settings });

/// Settings of one step, as in ZenML 0.98's `RunAIStepOperatorSettings`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(default, deny_unknown_fields)]
#[schemars(title = "Run:ai step settings")]
pub struct StepSettings {
    /// Number of GPU devices. `0` asks for none (a CPU-only step); more than one is for steps that use several.
    #[validate(range(min = 0))]
    #[schemars(extend("x-api" = "spec.compute.gpuDevicesRequest", "x-group" = "gpu", "x-unit" = "devices"))]
    pub gpu_devices_request: i64,

    /// Fraction of each device, from `0.0` to `1.0`: `0.5` shares the device with others, `1.0` is a whole one.
    ///
    /// Only sent with `gpu_request_type: portion`.
    #[validate(range(min = 0.0, max = 1.0))]
    #[schemars(extend("examples" = [0.5], "x-api" = "spec.compute.gpuPortionRequest", "x-group" = "gpu", "x-unit" = "devices"))]
    pub gpu_portion_request: f64,

    /// What a share of a GPU is measured in: `portion` (a fraction of the device) or `memory` (an amount of it).
    #[schemars(extend("x-api" = "spec.compute.gpuRequestType", "x-group" = "gpu"))]
    pub gpu_request_type: GpuRequestType,

    /// GPU memory on each device, with a unit: `20Gi`. Needed with `gpu_request_type: memory`, and only sent then.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["20Gi"], "x-api" = "spec.compute.gpuMemoryRequest", "x-group" = "gpu", "x-unit" = "bytes"))]
    pub gpu_memory_request: Option<Memory>,

    /// Fraction of each device that the step may grow to while nobody else wants it; at least `gpu_portion_request`.
    ///
    /// Dynamic fractions have to be enabled by the administrator.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[validate(range(min = 0.0, max = 1.0))]
    #[schemars(extend("examples" = [0.8], "x-api" = "spec.compute.gpuPortionLimit", "x-group" = "gpu", "x-unit" = "devices"))]
    pub gpu_portion_limit: Option<f64>,

    /// GPU memory that the step may grow to while nobody else wants it; at least `gpu_memory_request`.
    ///
    /// Dynamic fractions have to be enabled by the administrator.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["40Gi"], "x-api" = "spec.compute.gpuMemoryLimit", "x-group" = "gpu", "x-unit" = "bytes"))]
    pub gpu_memory_limit: Option<Memory>,

    /// CPU cores that are guaranteed, at least `0.1`.
    #[validate(range(min = 0.1))]
    #[schemars(extend("examples" = [8.0], "x-api" = "spec.compute.cpuCoreRequest", "x-group" = "cpu", "x-unit" = "cores"))]
    pub cpu_core_request: f64,

    /// CPU cores that the step may use at most; at least `cpu_core_request`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[validate(range(min = 0.1))]
    #[schemars(extend("examples" = [16.0], "x-api" = "spec.compute.cpuCoreLimit", "x-group" = "cpu", "x-unit" = "cores"))]
    pub cpu_core_limit: Option<f64>,

    /// Memory that is guaranteed, with a unit: `4G` is 4 × 10⁹ bytes, `4Gi` is 4 × 2³⁰.
    #[schemars(extend("examples" = ["32G"], "x-api" = "spec.compute.cpuMemoryRequest", "x-group" = "cpu", "x-unit" = "bytes"))]
    pub cpu_memory_request: Memory,

    /// Memory that the step may use at most before it is killed; at least `cpu_memory_request`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["64G"], "x-api" = "spec.compute.cpuMemoryLimit", "x-group" = "cpu", "x-unit" = "bytes"))]
    pub cpu_memory_limit: Option<Memory>,

    /// Names of node pools in the order in which the scheduler shall try them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = [["a100-pool", "v100-pool"]], "x-api" = "spec.nodePools", "x-group" = "scheduling"))]
    pub node_pools: Option<Vec<String>>,

    /// Label of the nodes that the step may run on; `node_pools` is the usual way.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[validate(length(min = 1))]
    #[schemars(extend("examples" = ["A100"], "x-api" = "spec.nodeType", "x-group" = "scheduling"))]
    pub node_type: Option<String>,

    /// Whether the step may be stopped to make room. `preemptible` may use more than the project's quota,
    /// `non-preemptible` stays within it. `semi-preemptible` needs control plane 3.0.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-api" = "spec.preemptibility", "x-group" = "scheduling"))]
    pub preemptibility: Option<Preemptibility>,

    /// Priority in the project's queue: `very-low`, `low`, `medium-low`, `medium`, `medium-high`, `high` or
    /// `very-high`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[validate(length(min = 1))]
    #[schemars(extend("examples" = ["low"], "x-api" = "spec.priorityClass", "x-group" = "scheduling"))]
    pub priority_class: Option<String>,

    /// Taints that the step tolerates, so that it may run on nodes which others are kept off.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[validate(nested)]
    #[schemars(extend(
        "examples" = [[{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]],
        "x-api" = "spec.tolerations",
        "x-group" = "scheduling",
    ))]
    pub tolerations: Option<Vec<Toleration>>,

    /// Further resources of the node by their Kubernetes name, such as network cards: name to quantity.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = [{"rdma/hca": "1"}], "x-api" = "spec.compute.extendedResources", "x-group" = "scheduling"))]
    pub extended_resources: Option<ExtendedResources>,

    /// A large `/dev/shm`, which `PyTorch` data loaders with several workers need.
    #[schemars(extend("x-api" = "spec.compute.largeShmRequest", "x-group" = "cpu"))]
    pub large_shm_request: bool,

    /// Times that a failed pod is tried again before the workload counts as failed; the API's default is 6.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[validate(range(min = 0))]
    #[schemars(extend("examples" = [0], "x-api" = "spec.backoffLimit", "x-group" = "lifecycle", "x-unit" = "tries"))]
    pub backoff_limit: Option<i64>,

    /// Seconds between the signal to end and the kill; Kubernetes' default is 30.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[validate(range(min = 0))]
    #[schemars(extend(
        "examples" = [120],
        "x-api" = "spec.terminationGracePeriodSeconds",
        "x-group" = "lifecycle",
        "x-unit" = "seconds",
    ))]
    pub termination_grace_period_seconds: Option<i64>,

    /// Whether a preempted step ends instead of waiting for its turn again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-api" = "spec.terminateAfterPreemption", "x-group" = "lifecycle"))]
    pub terminate_after_preemption: Option<bool>,

    /// Working directory inside the container; the image's own without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[validate(length(min = 1))]
    #[schemars(extend("examples" = ["/workspace"], "x-api" = "spec.workingDir", "x-group" = "lifecycle"))]
    pub working_dir: Option<String>,

    /// Kubernetes labels of the workload's pods.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = [{"team": "ml-research"}], "x-api" = "spec.labels", "x-group" = "metadata"))]
    pub labels: Option<Labels>,

    /// Kubernetes annotations of the workload's pods.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = [{"prometheus.io/scrape": "true"}], "x-api" = "spec.annotations", "x-group" = "metadata"))]
    pub annotations: Option<Annotations>,

    /// Persistent volume claims to mount.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[validate(nested)]
    #[schemars(extend(
        "examples" = [[{"claim_name": "training-datasets", "path": "/mnt/datasets", "read_only": true}]],
        "x-api" = "spec.storage.pvc",
        "x-group" = "storage",
    ))]
    pub pvc_mounts: Option<Vec<PvcMount>>,

    /// `ConfigMap`s to mount as files.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[validate(nested)]
    #[schemars(extend(
        "examples" = [[{"config_map": "training-config", "mount_path": "/etc/training"}]],
        "x-api" = "spec.storage.configMapVolume",
        "x-group" = "storage",
    ))]
    pub config_map_mounts: Option<Vec<ConfigMapMount>>,

    /// Secrets to mount as files.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[validate(nested)]
    #[schemars(extend(
        "examples" = [[{"secret": "hf-token", "mount_path": "/etc/secrets"}]],
        "x-api" = "spec.storage.secretVolume",
        "x-group" = "storage",
    ))]
    pub secret_mounts: Option<Vec<SecretMount>>,

    /// NFS exports to mount.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[validate(nested)]
    #[schemars(extend(
        "examples" = [[{"server": "nfs.example.com", "path": "/exports/data", "mount_path": "/mnt/nfs"}]],
        "x-api" = "spec.storage.nfs",
        "x-group" = "storage",
    ))]
    pub nfs_mounts: Option<Vec<NfsMount>>,

    /// S3 buckets to mount.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[validate(nested)]
    #[schemars(extend(
        "examples" = [[{"bucket": "my-bucket", "path": "/mnt/s3"}]],
        "x-api" = "spec.storage.s3",
        "x-group" = "storage",
    ))]
    pub s3_mounts: Option<Vec<S3Mount>>,

    /// Folders of the node to mount. Many clusters forbid them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[validate(nested)]
    #[schemars(extend(
        "examples" = [[{"path": "/var/data", "mount_path": "/mnt/host"}]],
        "x-api" = "spec.storage.hostPath",
        "x-group" = "storage",
    ))]
    pub host_path_mounts: Option<Vec<HostPathMount>>,

    /// Id (a UUID) of an existing workload template, which Run:ai merges under the request. Names are not resolved.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[validate(length(min = 1))]
    #[schemars(extend(
        "examples" = ["550e8400-e29b-41d4-a716-446655440000"],
        "x-api" = "templateId",
        "x-group" = "lifecycle",
    ))]
    pub workload_template_id: Option<String>,

    /// User, groups, capabilities and other security options of the container.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[validate(nested)]
    #[schemars(extend(
        "examples" = [{"uid_gid_source": "custom", "run_as_uid": 1000, "run_as_gid": 1000}],
        "x-api" = "spec.security",
        "x-group" = "security",
    ))]
    pub security_context: Option<SecurityContext>,

    /// Ports of the container to make reachable.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[validate(nested)]
    #[schemars(extend(
        "examples" = [[{"container": 8888, "service_type": "ClusterIP"}]],
        "x-api" = "spec.ports",
        "x-group" = "network",
    ))]
    pub ports: Option<Vec<Port>>,

    /// Ports of the container to give a URL, for tools such as a debugger or a notebook.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[validate(nested)]
    #[schemars(extend(
        "examples" = [[{"container": 8888, "authorization_type": "authenticatedUsers"}]],
        "x-api" = "spec.exposedUrls",
        "x-group" = "network",
    ))]
    pub external_urls: Option<Vec<ExternalUrl>>,

    /// Pods that run at the same time, each with the whole command; at most `completions`.
    ///
    /// This is not distributed training: with more than one pod the step runs several times.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[validate(range(min = 1))]
    #[schemars(extend("examples" = [2], "x-api" = "spec.parallelism", "x-group" = "lifecycle", "x-unit" = "pods"))]
    pub parallelism: Option<i64>,

    /// Pods that have to succeed before the workload counts as completed; at least `parallelism`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[validate(range(min = 1))]
    #[schemars(extend("examples" = [4], "x-api" = "spec.completions", "x-group" = "lifecycle", "x-unit" = "pods"))]
    pub completions: Option<i64>,

    /// Seconds that the step may run before it is suspended; without it, for ever.
    ///
    /// Counts all runs, also those before a preemption. A restarted waiter continues the count.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[validate(range(min = 1))]
    #[schemars(extend("examples" = [7200], "x-group" = "lifecycle", "x-unit" = "seconds"))]
    pub workload_timeout: Option<i64>,

    /// Seconds that the step may wait for resources before it is suspended; without it, for ever.
    ///
    /// Counts the present wait in the queue, not the sum over preemptions. A restarted waiter continues the count.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[validate(range(min = 1))]
    #[schemars(extend("examples" = [900], "x-group" = "lifecycle", "x-unit" = "seconds"))]
    pub pending_timeout: Option<i64>,
}

fields!(StepSettings {
    gpu_devices_request = 1,
    gpu_portion_request = 1.0,
    gpu_request_type,
    gpu_memory_request,
    gpu_portion_limit,
    gpu_memory_limit,
    cpu_core_request = 1.0,
    cpu_core_limit,
    cpu_memory_request = Memory::default(),
    cpu_memory_limit,
    node_pools,
    node_type,
    preemptibility,
    priority_class,
    tolerations,
    extended_resources,
    large_shm_request,
    backoff_limit,
    termination_grace_period_seconds,
    terminate_after_preemption,
    working_dir,
    labels,
    annotations,
    pvc_mounts,
    config_map_mounts,
    secret_mounts,
    nfs_mounts,
    s3_mounts,
    host_path_mounts,
    workload_template_id,
    security_context,
    ports,
    external_urls,
    parallelism,
    completions,
    workload_timeout,
    pending_timeout,
});

impl Default for StepSettings {
    /// The defaults of the reference: one whole GPU, one core, 4 GB of memory.
    fn default() -> Self {
        Self::absent()
    }
}
