//! Scheduling of a workload: tolerations, affinity and preemption.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::list;

/// Lets the workload run on nodes with a matching taint.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Toleration {
    /// The effect of the taint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effect: Option<TolerationEffect>,
    /// Excludes the toleration of the policy's defaults.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude: Option<bool>,
    /// The taint's key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Identifies the item for policy rules.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub name: Option<String>,
    /// How key and value are compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operator: Option<TolerationOperator>,
    /// Seconds for which the taint is tolerated, at least 1; only with the effect `NoExecute`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub seconds: Option<i64>,
    /// The taint's value; in Kubernetes only with the operator `Equal`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// The effect of a taint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum TolerationEffect {
    /// Every effect.
    Any,
    /// Pods are evicted.
    NoExecute,
    /// Pods are not scheduled.
    NoSchedule,
    /// Pods are scheduled elsewhere if possible.
    PreferNoSchedule,
}

/// How a toleration compares with a taint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum TolerationOperator {
    /// Key and value are the same.
    Equal,
    /// The key is the same, whatever the value.
    Exists,
}

/// Whether a workload may be preempted by one of higher priority.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Preemptibility {
    /// The workload is never preempted, and runs only within the project's quota.
    NonPreemptible,
    /// The workload may be preempted, and may run over quota.
    Preemptible,
    /// A part of the workload's resources is never preempted. Since control plane 3.0.
    SemiPreemptible,
}

/// Labels that a node must have.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct NodeAffinityRequired {
    /// Terms of which one must match.
    #[serde(deserialize_with = "list", skip_serializing_if = "Vec::is_empty")]
    pub node_selector_terms: Vec<NodeSelectorTerm>,
}

/// Conditions on a node's labels, all of which must match.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct NodeSelectorTerm {
    /// The conditions.
    #[serde(deserialize_with = "list", skip_serializing_if = "Vec::is_empty")]
    pub match_expressions: Vec<MatchExpression>,
}

/// One condition on a node's label.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct MatchExpression {
    /// The label's key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// How the label is compared with the values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operator: Option<MatchExpressionOperator>,
    /// The values: some for `In` and `NotIn`, none for `Exists` and `DoesNotExist`, one whole number for `Gt` and `Lt`.
    #[serde(deserialize_with = "list", skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
}

/// How a node's label is compared with values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum MatchExpressionOperator {
    /// The node has no such label.
    DoesNotExist,
    /// The node has such a label.
    Exists,
    /// The label is a number greater than the value.
    Gt,
    /// The label is one of the values.
    In,
    /// The label is a number less than the value.
    Lt,
    /// The label is none of the values.
    NotIn,
}

/// Places the workload's pods near those of others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct PodAffinity {
    /// The node label that defines the topology, such as a zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Whether the affinity is required or preferred.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<PodAffinityType>,
}

/// Whether an affinity is required or preferred.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum PodAffinityType {
    /// The affinity is preferred.
    Preferred,
    /// The affinity is required.
    Required,
}
