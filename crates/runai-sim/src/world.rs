//! Types that describe the simulated world: nodes, projects and quotas, service accounts, templates, policies,
//! behaviours and existing workloads.
//!
//! A [`Scenario`] contains all of them. They can be built in Rust or deserialized from a scenario file.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;

use crate::{
    faults::Fault,
    roles::{Resource, Role},
    scheduler::quantity,
};

/// A node of the cluster.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Node {
    /// CPU cores.
    pub cpu_cores: f64,
    /// Memory of each GPU, in bytes; scenario files also accept `80Gi`.
    #[serde(deserialize_with = "bytes")]
    pub gpu_memory: f64,
    /// Number of GPUs.
    pub gpus: u32,
    /// Memory of the node, in bytes; scenario files also accept `1Ti`.
    #[serde(deserialize_with = "bytes")]
    pub memory: f64,
    /// The node's name; `node-1`, `node-2`, … if empty.
    pub name: String,
    /// The node's pool.
    pub node_pool: String,
    /// The node type, which a workload can request with `spec.nodeType`.
    pub node_type: Option<String>,
    /// The node's taints.
    pub taints: Vec<Taint>,
}

impl Default for Node {
    /// Eight GPUs of 80 GiB, 96 cores, 1 TiB, in the node pool `default`.
    fn default() -> Self {
        const GIB: f64 = 1024.0 * 1024.0 * 1024.0;
        Self {
            cpu_cores: 96.0,
            gpu_memory: 80.0 * GIB,
            gpus: 8,
            memory: 1024.0 * GIB,
            name: String::new(),
            node_pool: DEFAULT_NODE_POOL.to_owned(),
            node_type: None,
            taints: Vec::new(),
        }
    }
}

/// A taint of a node; its effect is `NoSchedule`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Taint {
    /// The key.
    pub key: String,
    /// The value; may be empty.
    pub value: String,
}

/// A project.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Project {
    /// Default node pools in order of preference; all node pools if empty.
    pub default_node_pools: Vec<String>,
    /// Its name.
    pub name: String,
    /// Quotas by node pool; a pool without an entry has the default [`Quota`], which is the whole pool.
    pub quotas: BTreeMap<String, Quota>,
}

impl Project {
    /// Returns a project that may use the whole of every node pool.
    #[must_use]
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// Sets the quota in a node pool.
    #[must_use]
    pub fn quota(mut self, node_pool: impl Into<String>, quota: Quota) -> Self {
        self.quotas.insert(node_pool.into(), quota);
        self
    }
}

/// The quota and limits of a project in a node pool.
///
/// Usage above the quota must be preemptible. Usage above a limit is not scheduled.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Quota {
    /// Maximum number of CPU cores; unlimited by default.
    pub cpu_core_limit: Option<f64>,
    /// Quota of CPU cores; all cores of the pool by default.
    pub cpu_cores: Option<f64>,
    /// Maximum number of GPU devices, may be fractional; unlimited by default.
    pub gpu_limit: Option<f64>,
    /// Quota of GPU devices, may be fractional; all devices of the pool by default.
    pub gpus: Option<f64>,
    /// Weight of the project when projects share resources beyond their quotas; 1 by default.
    pub over_quota_weight: f64,
}

impl Default for Quota {
    fn default() -> Self {
        Self { cpu_core_limit: None, cpu_cores: None, gpu_limit: None, gpus: None, over_quota_weight: 1.0 }
    }
}

/// A service account.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Account {
    /// The client id. Token requests with the grant type `app_token` use it as the application id.
    pub client_id: String,
    /// The client secret. With [`Exec`](crate::Exec), it grants the right to run commands and must have at least 24
    /// characters.
    pub client_secret: String,
    /// Names of the projects where `role` applies; all projects if empty.
    #[serde(default)]
    pub projects: Vec<String>,
    /// The role.
    pub role: Role,
}

/// A workload template.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Template {
    /// Its id, a UUID.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The spec (`TrainingSpecSpec` of the API). Values of a submission override its values.
    pub spec: Value,
}

/// A policy for training workloads, in the format of the API.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Policy {
    /// Default values of a submission.
    pub defaults: Value,
    /// Rules for the members of a spec, such as `{"compute": {"gpuDevicesRequest": {"max": 4}}}`.
    pub rules: Value,
}

/// A script for workloads whose name matches a pattern.
///
/// Its values override the environment variables that script a workload, such as `RUNAI_SIM_RUNNING`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Behaviour {
    /// How the workloads end.
    pub end: Option<End>,
    /// Message of the final phase.
    pub message: Option<String>,
    /// The pattern for workload names, where `*` matches any text.
    pub name: String,
    /// Minimum number of seconds in the phase Pending.
    pub pending: Option<f64>,
    /// Running time in seconds after which each workload is preempted once; no preemption by default.
    pub preempt_after: Option<f64>,
    /// Seconds in the phase Running.
    pub running: Option<f64>,
}

/// How a workload ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum End {
    /// It succeeds.
    #[default]
    Completed,
    /// It fails.
    Failed,
    /// It does not end: its image cannot be pulled, and it stays Initializing.
    ImagePullError,
    /// Its container is killed for using too much memory.
    OutOfMemory,
    /// Another user suspends it.
    Stopped,
}

/// The type of a workload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum WorkloadType {
    /// Distributed training.
    Distributed,
    /// Inference, which cannot be suspended.
    Inference,
    /// Training, the only type that clients can submit to the simulator.
    #[default]
    Training,
    /// A workspace.
    Workspace,
}

impl WorkloadType {
    /// Returns the name in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Distributed => "Distributed",
            Self::Inference => "Inference",
            Self::Training => "Training",
            Self::Workspace => "Workspace",
        }
    }

    /// Returns the kind of its Kubernetes resource.
    pub(crate) const fn resource_kind(self) -> &'static str {
        match self {
            Self::Distributed => "DistributedWorkload",
            Self::Inference => "InferenceWorkload",
            Self::Training => "TrainingWorkload",
            Self::Workspace => "InteractiveWorkload",
        }
    }

    /// Returns the resource on which a caller needs permissions to access such a workload.
    pub(crate) const fn permission(self) -> Resource {
        match self {
            Self::Distributed | Self::Training => Resource::Trainings,
            Self::Inference => Resource::Inferences,
            Self::Workspace => Resource::Workspaces,
        }
    }

    /// Whether workloads of this type can be suspended and resumed.
    pub(crate) const fn can_suspend(self) -> bool {
        !matches!(self, Self::Inference)
    }
}

/// A workload of another user, of any type. It never runs a command, not even with [`Exec`](crate::Exec).
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct ExistingWorkload {
    /// How the workload ends.
    pub end: End,
    /// Requested number of whole GPUs.
    pub gpus: u32,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: WorkloadType,
    /// Its name.
    pub name: String,
    /// The name of its project; the first project if empty.
    pub project: String,
    /// Seconds in the phase Running; one year by default.
    pub running: Option<f64>,
}

/// Why a workload of another user cannot be added.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid workload `{name}`: {why}")]
pub struct WorkloadError {
    pub(crate) name: String,
    pub(crate) why: String,
}

/// The content of a scenario file.
///
/// Every member is optional; a missing member does not change the [`Builder`](crate::Builder).
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Scenario {
    /// Service accounts in addition to the default account.
    pub accounts: Vec<Account>,
    /// Behaviours of workloads; the first matching behaviour applies.
    pub behaviours: Vec<Behaviour>,
    /// Faults that are active from the start.
    pub faults: Vec<Fault>,
    /// Adds [`Fault::hostile`] with this seed to the faults.
    pub hostile: Option<u64>,
    /// Nodes, which replace those of the builder.
    pub nodes: Vec<Node>,
    /// The tenant's policy for training workloads.
    pub policy: Option<Policy>,
    /// Projects, which replace those of the builder.
    pub projects: Vec<Project>,
    /// Whether to reject requests that the API description leaves undefined, instead of adding a warning event.
    pub strict: Option<bool>,
    /// Workload templates.
    pub templates: Vec<Template>,
    /// Lifetime of tokens, in seconds.
    pub token_lifetime: Option<f64>,
    /// Workloads of other users that exist from the start.
    pub workloads: Vec<ExistingWorkload>,
}

impl Scenario {
    /// Reads a scenario from JSON.
    ///
    /// # Errors
    /// The text is not a valid scenario.
    pub fn from_json(text: &str) -> Result<Self, ScenarioError> {
        let mut json = serde_json::Deserializer::from_str(text);
        let scenario = serde_path_to_error::deserialize(&mut json).map_err(|error| ScenarioError(error.to_string()))?;
        json.end().map_err(|error| ScenarioError(error.to_string()))?;
        Ok(scenario)
    }

    /// Reads a scenario from TOML.
    ///
    /// # Errors
    /// The text is not a valid scenario.
    pub fn from_toml(text: &str) -> Result<Self, ScenarioError> {
        toml::from_str(text).map_err(|error| ScenarioError(error.to_string()))
    }
}

/// Why a scenario is invalid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid scenario: {0}")]
pub struct ScenarioError(String);

/// Whether `text` matches `pattern`, where `*` matches any text.
pub(crate) fn pattern_matches(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(start) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let end = parts.pop().unwrap_or_default();
    for part in parts {
        match text.find(part) {
            Some(at) => text = &text[at + part.len()..],
            None => return false,
        }
    }
    text.ends_with(end)
}

/// Deserializes a number of bytes, or a quantity such as `80Gi`.
fn bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Amount {
        Number(f64),
        Text(String),
    }
    match Amount::deserialize(deserializer)? {
        Amount::Number(number) if number >= 0.0 => Ok(number),
        Amount::Number(number) => Err(D::Error::custom(format!("{number} is less than 0"))),
        Amount::Text(text) => quantity(&text)
            .ok_or_else(|| D::Error::custom(format!("invalid quantity `{text}`: use a value such as `80Gi`"))),
    }
}

/// The default node pool of nodes.
pub(crate) const DEFAULT_NODE_POOL: &str = "default";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::{FaultKind, KINDS};

    #[test]
    fn pattern_star_matches_any_text() {
        for (pattern, text, expected) in [
            ("fit", "fit", true),
            ("fit", "fit-1", false),
            ("*", "", true),
            ("fit-*", "fit-1", true),
            ("fit-*", "a-fit-1", false),
            ("*-1", "fit-1", true),
            ("*a*b*", "xxaxxbxx", true),
            ("*a*b*", "xxbxxaxx", false),
            ("a*a", "a", false),
        ] {
            assert_eq!(pattern_matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn busy_cluster_scenario_is_valid() {
        let scenario = Scenario::from_toml(include_str!("../scenarios/busy-cluster.toml")).unwrap();
        assert_eq!((scenario.nodes.len(), scenario.faults.len(), scenario.behaviours.len()), (2, 2, 2));
        assert_eq!(scenario.accounts[0].role, Role::LeastPrivilege);
    }

    #[test]
    fn documented_scenario_is_valid() {
        let page = include_str!("../../../docs/simulator.md").replace("\r\n", "\n");
        let (text, _) = page.split_once("```toml\n").and_then(|(_, rest)| rest.split_once("```\n")).unwrap();
        let scenario = Scenario::from_toml(text).unwrap();
        assert_eq!((scenario.nodes[0].name.as_str(), scenario.projects.len()), ("a100-1", 2));
        assert_eq!(scenario.behaviours[0].end, Some(End::OutOfMemory));
        assert_eq!(scenario.faults[0].times, Some(3));
        assert_eq!(scenario.workloads[0].kind, WorkloadType::Workspace);
    }

    #[test]
    fn every_fault_kind_is_documented() {
        let page = include_str!("../../../docs/simulator.md");
        let (_, page) = page.split_once("\n## Faults\n").unwrap();
        let (page, _) = page.split_once("\n## ").unwrap();
        let mut shown = Vec::new();
        for line in page.lines().filter(|line| line.starts_with("| `")) {
            let cell = line.split('|').nth(1).unwrap();
            for code in cell.split('`').skip(1).step_by(2).filter(|code| code.starts_with(['"', '{'])) {
                let kind: FaultKind = serde_json::from_str(code).unwrap();
                let name = serde_json::to_value(&kind).unwrap();
                let name = name.as_str().or_else(|| name.as_object()?.keys().next().map(String::as_str));
                shown.push(name.unwrap().to_owned());
            }
        }
        shown.sort();
        shown.dedup();
        assert_eq!(shown, KINDS);
    }

    #[test]
    fn hostile_scenario_is_valid() {
        let scenario = Scenario::from_toml(include_str!("../scenarios/hostile.toml")).unwrap();
        assert_eq!((scenario.hostile, scenario.workloads.len()), (Some(7), 2));
    }

    #[test]
    fn json_and_toml_scenarios_are_equal() {
        let json = r#"{
            "nodes": [{"name": "big", "gpus": 2, "gpuMemory": "40Gi", "nodePool": "a100"}],
            "projects": [{"name": "vision", "quotas": {"a100": {"gpus": 1}}}],
            "behaviours": [{"name": "bad-*", "end": "outOfMemory", "running": 2.5}]
        }"#;
        let toml = "
            [[nodes]]
            name = 'big'
            gpus = 2
            gpuMemory = '40Gi'
            nodePool = 'a100'
            [[projects]]
            name = 'vision'
            quotas.a100.gpus = 1.0
            [[behaviours]]
            name = 'bad-*'
            end = 'outOfMemory'
            running = 2.5
        ";
        let scenario = Scenario::from_json(json).unwrap();
        assert_eq!(Scenario::from_toml(toml).unwrap(), scenario);
        assert!((scenario.nodes[0].gpu_memory - 40.0 * 1024.0 * 1024.0 * 1024.0).abs() < 1.0);
        assert_eq!(scenario.behaviours[0].end, Some(End::OutOfMemory));
        let error = Scenario::from_json(r#"{"nodes": [{"gpu": 2}]}"#).unwrap_err().to_string();
        assert!(error.contains("nodes[0]") && error.contains("unknown field `gpu`"), "{error}");
        assert!(Scenario::from_json(r#"{"nodes": [{"gpuMemory": "lots"}]}"#).is_err());
    }
}
