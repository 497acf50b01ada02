//! The keys of a ZenML 0.98 run configuration, with the types of their values.

use runai_syntax::Map;

use crate::setting_schema;
use crate::suggest::{Names, nearest};

/// The type of a value. Only the outermost type is checked, except in blocks of step operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    Anything,
    Bool,
    /// `true`, `false` or the name of a stack component.
    BoolOrText,
    Map,
    /// A map whose values are strings.
    TextMap,
    Text,
    /// A list of strings, or of maps for `tags`.
    Texts,
    /// One of these strings.
    OneOf(&'static [&'static str]),
}

/// A key and its value.
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) of: Type,
    /// Whether `null` is valid and means "not set".
    pub(crate) nullable: bool,
}

const fn key(name: &'static str, of: Type) -> Key {
    Key { name, of, nullable: true }
}

const fn required(name: &'static str, of: Type) -> Key {
    Key { name, of, nullable: false }
}

/// The fields of `PipelineRunConfiguration`.
pub(crate) static RUN_KEYS: [Key; 30] = [
    key("build", Type::Anything),
    key("cache_policy", Type::Anything),
    key("cleanup_hook_source", Type::Anything),
    key("enable_artifact_metadata", Type::Bool),
    key("enable_artifact_visualization", Type::Bool),
    key("enable_cache", Type::Bool),
    key("enable_heartbeat", Type::Bool),
    key("enable_pipeline_logs", Type::Bool),
    key("enable_step_logs", Type::Bool),
    key("end_hook_source", Type::Anything),
    key("environment", Type::Map),
    key("execution_mode", Type::OneOf(&["fail_fast", "stop_on_failure", "continue_on_failure"])),
    key("extra", Type::Map),
    key("failure_hook_source", Type::Anything),
    key("init_hook_kwargs", Type::Map),
    key("init_hook_source", Type::Anything),
    key("model", Type::Map),
    key("parameters", Type::Map),
    key("pause_hook_source", Type::Anything),
    key("resume_hook_source", Type::Anything),
    key("retry", Type::Map),
    key("run_name", Type::Text),
    key("schedule", Type::Map),
    key("secrets", Type::Texts),
    key("settings", Type::Map),
    key("start_hook_source", Type::Anything),
    key("steps", Type::Map),
    key("substitutions", Type::TextMap),
    key("success_hook_source", Type::Anything),
    key("tags", Type::Texts),
];

/// The fields of `StepConfigurationUpdate`. Fields that are not optional in `StepConfiguration` reject `null`.
pub(crate) static STEP_KEYS: [Key; 23] = [
    required("cache_policy", Type::Anything),
    key("enable_artifact_metadata", Type::Bool),
    key("enable_artifact_visualization", Type::Bool),
    key("enable_cache", Type::Bool),
    key("enable_step_logs", Type::Bool),
    key("end_hook_source", Type::Anything),
    required("environment", Type::TextMap),
    key("experiment_tracker", Type::BoolOrText),
    required("extra", Type::Map),
    key("failure_hook_source", Type::Anything),
    key("group", Type::Anything),
    required("heartbeat_healthy_threshold", Type::Anything),
    key("model", Type::Map),
    required("outputs", Type::Map),
    required("parameters", Type::Map),
    key("retry", Type::Map),
    key("runtime", Type::OneOf(&["inline", "isolated"])),
    required("secrets", Type::Texts),
    required("settings", Type::Map),
    key("start_hook_source", Type::Anything),
    key("step_operator", Type::BoolOrText),
    required("substitutions", Type::TextMap),
    key("success_hook_source", Type::Anything),
];

/// Other flavors of step operators in ZenML 0.98's integrations.
pub(crate) const OTHER_FLAVORS: [&str; 9] =
    ["azureml", "baseten", "databricks", "kubernetes", "modal", "sagemaker", "spark", "ssh", "vertex"];
pub(crate) const RUNAI_FLAVOR: &str = "runai";
/// Settings that do not belong to a stack component.
const GENERAL_SETTINGS: [&str; 3] = ["deployment", "docker", "resources"];
/// Types of stack components.
const COMPONENT_TYPES: [&str; 15] = [
    "alerter",
    "annotator",
    "artifact_store",
    "container_registry",
    "data_validator",
    "deployer",
    "experiment_tracker",
    "feature_store",
    "image_builder",
    "log_store",
    "model_deployer",
    "model_registry",
    "orchestrator",
    "sandbox",
    STEP_OPERATOR,
];
/// The keys of a settings map, as a regular expression. A test compares it with [`is_setting_key`].
pub(crate) const SETTING_KEY_PATTERN: &str = concat!(
    r"^(docker|resources|deployment)$|^(alerter|annotator|artifact_store|container_registry|data_validator|deployer|",
    r"experiment_tracker|feature_store|image_builder|log_store|model_deployer|model_registry|orchestrator|sandbox|",
    r"step_operator)(:.+|\.[^:]+)?$|\$\{[A-Za-z0-9_]+\}",
);
pub(crate) const STEP_OPERATOR: &str = "step_operator";

pub(crate) fn is_run_key(key: &str) -> bool {
    RUN_KEYS.iter().any(|known| known.name == key)
}

/// The step operators that a key of a settings map selects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Selector<'k> {
    /// `step_operator`: the stack's default one.
    Default,
    /// `step_operator.<flavor>`
    Flavor(&'k str),
    /// `step_operator:<name>`
    Name(&'k str),
}

impl<'k> Selector<'k> {
    /// Parses a key. Returns `None` if it does not select a step operator.
    pub(crate) fn of(key: &'k str) -> Option<Self> {
        let rest = key.strip_prefix(STEP_OPERATOR)?;
        match rest.split_at_checked(1) {
            None => rest.is_empty().then_some(Self::Default),
            Some((_, "")) => None,
            // As in ZenML, `step_operator.a:b` is not the flavor `a:b`.
            Some((":", name)) => Some(Self::Name(name)),
            Some((".", flavor)) if !flavor.contains(':') => Some(Self::Flavor(flavor)),
            Some(_) => None,
        }
    }

    /// Whether the key may select a Run:ai step operator.
    pub(crate) fn may_be_runai(self) -> bool {
        !matches!(self, Self::Flavor(flavor) if flavor != RUNAI_FLAVOR)
    }
}

/// Whether the key of a settings map selects a step operator.
pub(crate) fn selects_step_operator(key: &str) -> bool {
    Selector::of(key).is_some()
}

/// Whether ZenML accepts the key of a settings map, by `validate_setting_keys`.
pub(crate) fn is_setting_key(key: &str) -> bool {
    let component = |of: &&str| {
        key.strip_prefix(*of).is_some_and(|rest| {
            // ZenML finds no component type in `step_operator.a:b`.
            let selects = rest.starts_with(':') || rest.starts_with('.') && !rest.contains(':');
            rest.is_empty() || selects && rest.len() > 1 && !rest.contains('\n')
        })
    };
    GENERAL_SETTINGS.contains(&key) || COMPONENT_TYPES.iter().any(component)
}

/// Returns the valid key of a settings map that is nearest to `key`.
pub(crate) fn nearest_setting_key(key: &str) -> Option<String> {
    let at = key.find(['.', ':']).unwrap_or(key.len());
    let (of, selector) = key.split_at(at);
    let of = of.replace('-', "_");
    let known = COMPONENT_TYPES.into_iter().chain(GENERAL_SETTINGS);
    let near = nearest(&of, known)?;
    let with_selector = format!("{near}{selector}");
    Some(if is_setting_key(&with_selector) { with_selector } else { near.to_owned() })
}

/// Returns the known flavor that is nearest to `flavor`.
pub(crate) fn nearest_flavor(flavor: &str) -> Option<&'static str> {
    let bare = |flavor: &str| flavor.to_ascii_lowercase().replace(['-', '_', ':', ' '], "");
    let all = || std::iter::once(RUNAI_FLAVOR).chain(OTHER_FLAVORS);
    all().find(|known| bare(flavor) == *known).or_else(|| nearest(flavor, all()))
}

/// Whether a block has settings of another flavor: none of Run:ai's, and either one of another flavor's or none that
/// resembles one of Run:ai's.
pub(crate) fn is_of_other_flavor(block: &Map<'_>) -> bool {
    let setting_schema::Kind::Struct(settings) = &setting_schema::STEP_SETTINGS.kind else { return false };
    let keys = || block.0.iter().map(|entry| &*entry.key);
    if block.0.is_empty() || keys().any(|key| settings.field(key).is_some()) {
        return false;
    }
    let known = Names::new(settings.fields().iter().map(|field| field.name));
    keys().any(|key| OTHER_SETTINGS.contains(&key)) || !keys().any(|key| known.nearest(key).is_some())
}

/// Settings that only other flavors of step operators have.
const OTHER_SETTINGS: [&str; 34] = [
    "accelerator",
    "accelerator_count",
    "accelerator_type",
    "active_deadline_seconds",
    "boot_disk_size_gb",
    "boot_disk_type",
    "compute_name",
    "compute_target_name",
    "custom_job_parameters",
    "deploy_mode",
    "estimator_args",
    "experiment_name",
    "gpu",
    "idle_time_before_shutdown_minutes",
    "input_data_s3_uri",
    "instance_type",
    "job_name_prefix",
    "machine_type",
    "max_instances",
    "min_instances",
    "modal_environment",
    "node_count",
    "node_selectors",
    "node_selector_constraint",
    "persistent_resource_id",
    "pod_count",
    "pod_settings",
    "pod_startup_timeout",
    "privileged",
    "service_account",
    "service_account_name",
    "spark_version",
    "submit_kwargs",
    "ttl_seconds_after_finished",
];

/// Whether a string is a reference to a ZenML secret: `{{name.key}}`.
pub(crate) fn is_secret_reference(text: &str) -> bool {
    let Some(inner) = text.strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}")) else { return false };
    let inner = inner.trim();
    !inner.contains(char::is_whitespace)
        && inner.char_indices().any(|(at, c)| c == '.' && at > 0 && at + 1 < inner.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_sorted() {
        assert!(RUN_KEYS.windows(2).all(|pair| pair[0].name < pair[1].name));
        assert!(STEP_KEYS.windows(2).all(|pair| pair[0].name < pair[1].name));
    }

    #[test]
    fn checks_setting_keys() {
        for key in ["docker", "resources", "step_operator", "step_operator.runai", "step_operator:a b", "alerter.slack"]
        {
            assert!(is_setting_key(key), "{key}");
        }
        for key in [
            "step-operator.runai",
            "step_operators",
            "step_operator.",
            "step_operator:",
            "step_operator.a:b",
            "gpu",
            "",
        ] {
            assert!(!is_setting_key(key), "{key}");
        }
        assert_eq!(nearest_setting_key("step-operator.runai").as_deref(), Some("step_operator.runai"));
        assert_eq!(nearest_setting_key("step_operators").as_deref(), Some("step_operator"));
    }

    #[test]
    fn finds_nearest_flavor() {
        assert_eq!(nearest_flavor("run_ai"), Some("runai"));
        assert_eq!(nearest_flavor("Run:AI"), Some("runai"));
        assert_eq!(nearest_flavor("sagemakr"), Some("sagemaker"));
        assert_eq!(nearest_flavor("slurm"), None);
    }

    #[test]
    fn recognizes_secret_references() {
        for text in ["{{runai_secret.client_id}}", "{{ a.b }}"] {
            assert!(is_secret_reference(text), "{text}");
        }
        for text in ["{{a}}", "{{.b}}", "{{a.}}", "{a.b}", "{{a b.c}}", "x{{a.b}}"] {
            assert!(!is_secret_reference(text), "{text}");
        }
    }
}
