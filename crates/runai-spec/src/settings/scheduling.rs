//! Where and when a step may run.

use runai_api::wire::TolerationOperator;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use validator::Validate;

use super::fields::fields;

/// What a taint does to the pods that do not tolerate it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum TolerationEffect {
    /// Running pods are evicted.
    NoExecute,
    /// New pods are kept off.
    NoSchedule,
    /// New pods are kept off if there is another place.
    PreferNoSchedule,
}

/// A taint that the step tolerates (a Kubernetes toleration).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(default)]
#[schemars(extend("x-unknown-keys" = "warn"))]
pub struct Toleration {
    /// Key of the taint. May only be left out with `operator: Exists`, which then tolerates every taint.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["nvidia.com/gpu"], "x-api" = "key"))]
    pub key: Option<String>,

    /// How key and value are compared; Kubernetes' default is `Equal`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-api" = "operator"))]
    pub operator: Option<TolerationOperator>,

    /// Value of the taint; not with `operator: Exists`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["a100"], "x-api" = "value"))]
    pub value: Option<String>,

    /// Effect of the taint; every effect without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-api" = "effect"))]
    pub effect: Option<TolerationEffect>,

    /// Name of this entry, by which a policy of the project can refer to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[validate(length(min = 1))]
    #[schemars(extend("x-api" = "name"))]
    pub name: Option<String>,

    /// Whether to leave out an entry of this name that a policy adds by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-api" = "exclude"))]
    pub exclude: Option<bool>,
}

fields!(Toleration { key, operator, value, effect, name, exclude });
