//! Tolerations.

use runai_api::wire::TolerationOperator;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use validator::Validate;

use super::fields::fields;

/// The effect of a taint on pods that do not tolerate it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum TolerationEffect {
    /// Evicts running pods.
    NoExecute,
    /// Rejects new pods.
    NoSchedule,
    /// Rejects new pods if another node is available.
    PreferNoSchedule,
}

/// A Kubernetes toleration.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(default)]
#[schemars(extend("x-unknown-keys" = "warn"))]
pub struct Toleration {
    /// Key of the taint. Without a key, `operator: Exists` is required, and every taint is tolerated.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["nvidia.com/gpu"], "x-api" = "key"))]
    pub key: Option<String>,

    /// How the value is compared; Kubernetes' default is `Equal`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-api" = "operator"))]
    pub operator: Option<TolerationOperator>,

    /// Value of the taint; not with `operator: Exists`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["a100"], "x-api" = "value"))]
    pub value: Option<String>,

    /// Effect of the taint. Default: every effect.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-api" = "effect"))]
    pub effect: Option<TolerationEffect>,

    /// Name by which a policy can refer to this toleration.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[validate(length(min = 1))]
    #[schemars(extend("x-api" = "name"))]
    pub name: Option<String>,

    /// Whether to exclude the toleration of this name that a policy adds by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-api" = "exclude"))]
    pub exclude: Option<bool>,
}

fields!(Toleration { key, operator, value, effect, name, exclude });
