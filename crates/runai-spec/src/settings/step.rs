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

/// A step to run on a Run:ai cluster: image, command, environment and settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Run:ai step file")]
pub struct StepFile {
    /// Name of the step, from which the workload's name is derived.
    ///
    /// It is converted to a valid workload name: lowercase letters, digits and dashes, starting with a letter, up to 63
    /// characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["train-resnet"], "x-api" = "name"))]
    pub name: Option<String>,

    /// Container image of the step, with registry and tag or digest.
    #[validate(length(min = 1))]
    #[schemars(extend("examples" = ["registry.example.com/ml/train:1.4.2"], "x-api" = "spec.image"))]
    pub image: String,

    /// Command to run, as a list of tokens. No shell splits or expands them.
    ///
    /// If there are more than three tokens, the first three are sent as the API's `command` and the rest as `args`.
    #[validate(length(min = 1))]
    #[schemars(extend("examples" = [["python", "-m", "train", "--epochs", "10"]], "x-api" = "spec.command"))]
    pub command: Vec<String>,

    /// Environment variables of the container. Values are strings; numbers and booleans keep their source text.
    ///
    /// They are sent as plain text. Store secrets in a Kubernetes Secret, and mount it with `secret_mounts`.
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
    /// Number of GPU devices; `0` for a CPU-only step.
    #[validate(range(min = 0))]
    #[schemars(extend("x-api" = "spec.compute.gpuDevicesRequest", "x-group" = "gpu", "x-unit" = "devices"))]
    pub gpu_devices_request: i64,

    /// Fraction of each device, from `0.0` to `1.0`: `0.5` is half a device, `1.0` a whole one.
    ///
    /// Only sent with `gpu_request_type: portion`.
    #[validate(range(min = 0.0, max = 1.0))]
    #[schemars(extend("examples" = [0.5], "x-api" = "spec.compute.gpuPortionRequest", "x-group" = "gpu", "x-unit" = "devices"))]
    pub gpu_portion_request: f64,

    /// How a GPU is shared: by `portion` (a fraction of the device) or by `memory` (an amount of its memory).
    #[schemars(extend("x-api" = "spec.compute.gpuRequestType", "x-group" = "gpu"))]
    pub gpu_request_type: GpuRequestType,

    /// GPU memory on each device, with a unit: `20Gi`. Required by `gpu_request_type: memory`, otherwise not sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["20Gi"], "x-api" = "spec.compute.gpuMemoryRequest", "x-group" = "gpu", "x-unit" = "bytes"))]
    pub gpu_memory_request: Option<Memory>,

    /// Maximum fraction of each device, if the device is otherwise idle; at least `gpu_portion_request`.
    ///
    /// An administrator must enable dynamic GPU fractions.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[validate(range(min = 0.0, max = 1.0))]
    #[schemars(extend("examples" = [0.8], "x-api" = "spec.compute.gpuPortionLimit", "x-group" = "gpu", "x-unit" = "devices"))]
    pub gpu_portion_limit: Option<f64>,

    /// Maximum GPU memory, if the device is otherwise idle; at least `gpu_memory_request`.
    ///
    /// An administrator must enable dynamic GPU fractions.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["40Gi"], "x-api" = "spec.compute.gpuMemoryLimit", "x-group" = "gpu", "x-unit" = "bytes"))]
    pub gpu_memory_limit: Option<Memory>,

    /// Guaranteed CPU cores, at least `0.1`.
    #[validate(range(min = 0.1))]
    #[schemars(extend("examples" = [8.0], "x-api" = "spec.compute.cpuCoreRequest", "x-group" = "cpu", "x-unit" = "cores"))]
    pub cpu_core_request: f64,

    /// Maximum CPU cores; at least `cpu_core_request`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[validate(range(min = 0.1))]
    #[schemars(extend("examples" = [16.0], "x-api" = "spec.compute.cpuCoreLimit", "x-group" = "cpu", "x-unit" = "cores"))]
    pub cpu_core_limit: Option<f64>,

    /// Guaranteed memory, with a unit: `4G` is 4 × 10⁹ bytes, `4Gi` is 4 × 2³⁰ bytes.
    #[schemars(extend("examples" = ["32G"], "x-api" = "spec.compute.cpuMemoryRequest", "x-group" = "cpu", "x-unit" = "bytes"))]
    pub cpu_memory_request: Memory,

    /// Maximum memory, above which the step is killed; at least `cpu_memory_request`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["64G"], "x-api" = "spec.compute.cpuMemoryLimit", "x-group" = "cpu", "x-unit" = "bytes"))]
    pub cpu_memory_limit: Option<Memory>,

    /// Node pools, in the order in which the scheduler tries them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = [["a100-pool", "v100-pool"]], "x-api" = "spec.nodePools", "x-group" = "scheduling"))]
    pub node_pools: Option<Vec<String>>,

    /// Label of the nodes that the step may run on. Prefer `node_pools`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[validate(length(min = 1))]
    #[schemars(extend("examples" = ["A100"], "x-api" = "spec.nodeType", "x-group" = "scheduling"))]
    pub node_type: Option<String>,

    /// Whether the scheduler may preempt the step. `preemptible` steps may exceed the project's quota, `non-preemptible`
    /// steps may not. `semi-preemptible` requires control plane 3.0.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-api" = "spec.preemptibility", "x-group" = "scheduling"))]
    pub preemptibility: Option<Preemptibility>,

    /// Priority in the project's queue: `very-low`, `low`, `medium-low`, `medium`, `medium-high`, `high` or
    /// `very-high`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[validate(length(min = 1))]
    #[schemars(extend("examples" = ["low"], "x-api" = "spec.priorityClass", "x-group" = "scheduling"))]
    pub priority_class: Option<String>,

    /// Tolerations, which allow the step to run on nodes with matching taints.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[validate(nested)]
    #[schemars(extend(
        "examples" = [[{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]],
        "x-api" = "spec.tolerations",
        "x-group" = "scheduling",
    ))]
    pub tolerations: Option<Vec<Toleration>>,

    /// Quantities of other node resources by their Kubernetes name, such as network cards.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = [{"rdma/hca": "1"}], "x-api" = "spec.compute.extendedResources", "x-group" = "scheduling"))]
    pub extended_resources: Option<ExtendedResources>,

    /// Whether to mount a large `/dev/shm`, which `PyTorch` data loaders with several workers require.
    #[schemars(extend("x-api" = "spec.compute.largeShmRequest", "x-group" = "cpu"))]
    pub large_shm_request: bool,

    /// Number of retries of a failed pod before the workload fails; the API's default is 6.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[validate(range(min = 0))]
    #[schemars(extend("examples" = [0], "x-api" = "spec.backoffLimit", "x-group" = "lifecycle", "x-unit" = "tries"))]
    pub backoff_limit: Option<i64>,

    /// Seconds between the termination signal and the kill; Kubernetes' default is 30.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[validate(range(min = 0))]
    #[schemars(extend(
        "examples" = [120],
        "x-api" = "spec.terminationGracePeriodSeconds",
        "x-group" = "lifecycle",
        "x-unit" = "seconds",
    ))]
    pub termination_grace_period_seconds: Option<i64>,

    /// Whether a preempted step is terminated instead of being queued again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-api" = "spec.terminateAfterPreemption", "x-group" = "lifecycle"))]
    pub terminate_after_preemption: Option<bool>,

    /// Working directory in the container. Default: the image's.
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

    /// Directories of the node to mount. Many clusters forbid them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[validate(nested)]
    #[schemars(extend(
        "examples" = [[{"path": "/var/data", "mount_path": "/mnt/host"}]],
        "x-api" = "spec.storage.hostPath",
        "x-group" = "storage",
    ))]
    pub host_path_mounts: Option<Vec<HostPathMount>>,

    /// UUID of an existing workload template, whose values the request overrides. Names are not supported.
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

    /// Ports of the container to expose.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[validate(nested)]
    #[schemars(extend(
        "examples" = [[{"container": 8888, "service_type": "ClusterIP"}]],
        "x-api" = "spec.ports",
        "x-group" = "network",
    ))]
    pub ports: Option<Vec<Port>>,

    /// External URLs of container ports, for tools such as a debugger or a notebook.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[validate(nested)]
    #[schemars(extend(
        "examples" = [[{"container": 8888, "authorization_type": "authenticatedUsers"}]],
        "x-api" = "spec.exposedUrls",
        "x-group" = "network",
    ))]
    pub external_urls: Option<Vec<ExternalUrl>>,

    /// Number of pods that run at the same time; at most `completions`. Each pod runs the whole command.
    ///
    /// This is not distributed training: with several pods, the step runs several times.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[validate(range(min = 1))]
    #[schemars(extend("examples" = [2], "x-api" = "spec.parallelism", "x-group" = "lifecycle", "x-unit" = "pods"))]
    pub parallelism: Option<i64>,

    /// Number of pods that must succeed to complete the workload; at least `parallelism`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[validate(range(min = 1))]
    #[schemars(extend("examples" = [4], "x-api" = "spec.completions", "x-group" = "lifecycle", "x-unit" = "pods"))]
    pub completions: Option<i64>,

    /// Seconds of running time before the step is suspended. Default: no limit.
    ///
    /// Running time before a preemption, or before a restart of the client, counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[validate(range(min = 1))]
    #[schemars(extend("examples" = [7200], "x-group" = "lifecycle", "x-unit" = "seconds"))]
    pub workload_timeout: Option<i64>,

    /// Seconds of waiting for resources before the step is suspended. Default: no limit.
    ///
    /// Only the current wait counts, not those before a preemption. It continues over a restart of the client.
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
    /// The defaults of the reference implementation: one whole GPU, one core, 4 GB of memory.
    fn default() -> Self {
        Self::default_value()
    }
}
