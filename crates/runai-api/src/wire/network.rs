//! Ports, URLs and probes of a workload.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{list, pattern};

/// A port that the container listens on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Port {
    /// The container's port, 1 to 65535.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65535))]
    pub container: Option<i64>,
    /// Excludes the port of the policy's defaults.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude: Option<bool>,
    /// The external port; the default is chosen by the system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external: Option<i64>,
    /// Identifies the item for policy rules.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub name: Option<String>,
    /// The type of Kubernetes service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_type: Option<PortServiceType>,
    /// A name for the tool behind the port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_name: Option<String>,
    /// The kind of tool behind the port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_type: Option<String>,
}

/// The type of Kubernetes service of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum PortServiceType {
    /// Reachable inside the cluster.
    #[serde(rename = "ClusterIP")]
    ClusterIp,
    /// Reachable through a load balancer of the cloud.
    LoadBalancer,
    /// Reachable on a port of every node.
    NodePort,
}

/// A port of the container that is exposed as a URL.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ExposedUrl {
    /// Who may open the URL; the default depends on the lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization_type: Option<AuthorizationType>,
    /// Groups that may open the URL; the API refuses it together with `authorizedUsers`.
    #[serde(deserialize_with = "list", skip_serializing_if = "Vec::is_empty")]
    pub authorized_groups: Vec<String>,
    /// Users or service accounts that may open the URL.
    #[serde(deserialize_with = "list", skip_serializing_if = "Vec::is_empty")]
    pub authorized_users: Vec<String>,
    /// The container's port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container: Option<i64>,
    /// Excludes the URL of the policy's defaults.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude: Option<bool>,
    /// Identifies the item for policy rules.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub name: Option<String>,
    /// A name for the tool behind the URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_name: Option<String>,
    /// The kind of tool behind the URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_type: Option<String>,
    /// The URL; the default is chosen by the system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// Who may open an exposed URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum AuthorizationType {
    /// All authenticated users.
    AuthenticatedUsers,
    /// Members of the listed groups.
    AuthorizedGroups,
    /// The listed users.
    AuthorizedUsers,
}

/// A link that belongs to the workload, such as its page in an experiment tracker.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct RelatedUrl {
    /// Excludes the link of the policy's defaults.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude: Option<bool>,
    /// Identifies the item for policy rules.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The kind of service behind the link, such as `wandb`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The URL of the link.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// Checks of the container's health.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Probes {
    /// Checks whether the container can receive traffic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub readiness: Option<Probe>,
}

/// A Kubernetes probe of the container.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Probe {
    /// Consecutive failures before the container counts as not ready, at least 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub failure_threshold: Option<i64>,
    /// The action of the probe.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handler: Option<ProbeHandler>,
    /// Seconds from the container's start to the first check, at least 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub initial_delay_seconds: Option<i64>,
    /// Seconds between checks, at least 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub period_seconds: Option<i64>,
    /// Consecutive successes before the container counts as ready again, at least 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub success_threshold: Option<i64>,
    /// Timeout of a check in seconds, at least 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub timeout_seconds: Option<i64>,
}

/// The action of a probe.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ProbeHandler {
    /// An HTTP `GET`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_get: Option<ProbeHttpGet>,
}

/// The HTTP `GET` of a probe.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ProbeHttpGet {
    /// The host; the default is the pod's address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The path; the default is `/`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = pattern::PROBE_PATH))]
    pub path: Option<String>,
    /// The port, 1 to 65535.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65535))]
    pub port: Option<i64>,
    /// The scheme; the default is `HTTP`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheme: Option<ProbeScheme>,
}

/// The scheme of a probe's URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum ProbeScheme {
    /// Without TLS.
    Http,
    /// With TLS.
    Https,
}
