//! What kind of document a text is.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::document::{Map, Node};

/// The kinds of documents that are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// How to reach a control plane, and defaults for every step.
    Operator,
    /// The settings of a step alone.
    Settings,
    /// A step: image, command, environment, settings.
    Step,
    /// A ZenML run configuration, whose `step_operator` blocks hold settings.
    Zenml,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Operator, Self::Settings, Self::Step, Self::Zenml];

    /// The word for it: `step`, `settings`, `operator`, `zenml`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Settings => "settings",
            Self::Step => "step",
            Self::Zenml => "zenml",
        }
    }

    /// The kind that the keys of a document speak for.
    pub(crate) fn of(root: &Map<'_>) -> Self {
        let has = |keys: &[&str]| keys.iter().any(|key| root.get(key).is_some());
        let names_step_operator = |settings: &Node<'_>| {
            settings.as_map().is_some_and(|map| map.0.iter().any(|entry| is_block_key(&entry.key)))
        };
        if has(&["image", "command"]) {
            Self::Step
        } else if has(&OPERATOR_KEYS) {
            Self::Operator
        } else if has(&["steps"]) || root.get("settings").is_some_and(names_step_operator) {
            Self::Zenml
        } else {
            Self::Settings
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(word: &str) -> Result<Self, UnknownKind> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word).ok_or(UnknownKind)
    }
}

/// A word that is none of the kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownKind;

impl fmt::Display for UnknownKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected `step`, `settings`, `operator` or `zenml`")
    }
}

impl std::error::Error for UnknownKind {}

/// Keys that only an operator file has. A test holds them together with the declaration.
pub const OPERATOR_KEYS: [&str; 10] = [
    "client_id",
    "client_secret",
    "client_secret_file",
    "cluster_name",
    "delete_on_failure",
    "image_pull_secret_name",
    "monitoring_interval",
    "project_name",
    "runai_base_url",
    "token_command",
];

/// Whether the key of a ZenML settings map names a block for the Run:ai step operator: `step_operator`,
/// `step_operator.runai`, or `step_operator:<name of the component>`.
pub(crate) fn is_block_key(key: &str) -> bool {
    key == "step_operator" || key == "step_operator.runai" || key.starts_with("step_operator:")
}
