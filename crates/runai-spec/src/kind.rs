//! What kind of document a text is.

use std::fmt;
use std::str::FromStr;

use runai_syntax::{Map, Node, Value};
use serde::{Deserialize, Serialize};

use crate::shape;
use crate::zenml::keys::{is_run_key, selects_step_operator};

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

    /// Returns the kind of a document by its keys and by the name of its file.
    pub(crate) fn of(root: &Map<'_>, name: &str) -> Self {
        let has = |keys: &[&str]| keys.iter().any(|key| root.get(key).is_some());
        if has(&["image", "command"]) {
            Self::Step
        } else if has(&OPERATOR_KEYS) {
            Self::Operator
        } else if !is_own_name(name) && is_run_configuration(root) {
            Self::Zenml
        } else {
            Self::Settings
        }
    }
}

/// Whether a file of this name belongs to this program whatever its keys are: `train.runai.yaml`.
fn is_own_name(name: &str) -> bool {
    let file = name.rsplit(['/', '\\']).next().unwrap_or(name);
    file.split('.').rev().skip(1).any(|part| part.eq_ignore_ascii_case("runai"))
}

/// Whether the keys are those of a ZenML run configuration: a `steps` map, a block for a step operator, or no other keys
/// than a run configuration has and no setting of a step among its settings.
fn is_run_configuration(root: &Map<'_>) -> bool {
    let settings = root.get("settings").and_then(Node::as_map);
    let names_step_operator = |map: &Map<'_>| map.0.iter().any(|entry| selects_step_operator(&entry.key));
    if root.get("steps").is_some_and(|steps| steps.as_map().is_some()) || settings.is_some_and(names_step_operator) {
        return true;
    }
    let shape::Kind::Struct(step) = &shape::STEP_SETTINGS.kind else { return false };
    let is_setting = |map: &Map<'_>| map.0.iter().any(|entry| step.field(&entry.key).is_some());
    let mut keys = root.0.iter().map(|entry| &*entry.key).filter(|key| *key != "$schema").peekable();
    keys.peek().is_some()
        && keys.all(is_run_key)
        && root.get("steps").is_none_or(|steps| steps.value == Value::Null)
        && !settings.is_some_and(is_setting)
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
