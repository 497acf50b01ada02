//! Detects the kind of a document.

use std::fmt;
use std::str::FromStr;

use runai_syntax::{Map, Node, Value};
use serde::{Deserialize, Serialize};

use crate::setting_schema;
use crate::zenml::keys::{is_run_key, selects_step_operator};

/// A kind of document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// An operator file: the connection to a control plane, and defaults for every step.
    Operator,
    /// A settings file: only the settings of a step.
    Settings,
    /// A step file: image, command, environment, settings.
    Step,
    /// A ZenML run configuration, whose `step_operator` blocks contain settings.
    Zenml,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Operator, Self::Settings, Self::Step, Self::Zenml];

    /// Returns the name: `step`, `settings`, `operator` or `zenml`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Settings => "settings",
            Self::Step => "step",
            Self::Zenml => "zenml",
        }
    }

    /// Detects the kind by the document's keys and its file name.
    pub(crate) fn of(root: &Map<'_>, name: &str) -> Self {
        let has = |keys: &[&str]| keys.iter().any(|key| root.get(key).is_some());
        if has(&["image", "command"]) {
            Self::Step
        } else if has(&OPERATOR_KEYS) {
            Self::Operator
        } else if !is_runai_file_name(name) && is_run_configuration(root) {
            Self::Zenml
        } else {
            Self::Settings
        }
    }
}

/// Returns whether a file name has a part `runai` before its ending, such as `train.runai.yaml`. Such a file is never a
/// ZenML file.
fn is_runai_file_name(name: &str) -> bool {
    let file = name.rsplit(['/', '\\']).next().unwrap_or(name);
    file.split('.').rev().skip(1).any(|part| part.eq_ignore_ascii_case("runai"))
}

/// Returns whether the document is a ZenML run configuration.
///
/// A run configuration has a `steps` map, has a step operator's block below `settings`, or has only keys of a run
/// configuration and no step setting below `settings`.
fn is_run_configuration(root: &Map<'_>) -> bool {
    let settings = root.get("settings").and_then(Node::as_map);
    let names_step_operator = |map: &Map<'_>| map.0.iter().any(|entry| selects_step_operator(&entry.key));
    if root.get("steps").is_some_and(|steps| steps.as_map().is_some()) || settings.is_some_and(names_step_operator) {
        return true;
    }
    let setting_schema::Kind::Struct(step) = &setting_schema::STEP_SETTINGS.kind else { return false };
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

/// The error of parsing an unknown [`Kind`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownKind;

impl fmt::Display for UnknownKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected `step`, `settings`, `operator` or `zenml`")
    }
}

impl std::error::Error for UnknownKind {}

/// Keys that only operator files have. Operator files also accept all settings.
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
