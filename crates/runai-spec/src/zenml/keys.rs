//! The keys of a ZenML 0.98 run configuration, and what their values may be.

use runai_syntax::Map;

use crate::shape;
use crate::suggest::{Names, nearest};

/// What a value may be, as far as it is checked here: what stands deeper in other parts of a run configuration than the
/// step operator's blocks is ZenML's own business.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    Anything,
    Bool,
    /// `true`, `false` or the name of a stack component.
    BoolOrText,
    Map,
    /// A map whose values are texts.
    TextMap,
    Text,
    /// A list of texts; the tags of a run may be maps as well.
    Texts,
    /// One of these texts.
    OneOf(&'static [&'static str]),
}

/// A key and its value.
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) of: Type,
    /// Whether `null` stands for "not set".
    pub(crate) nullable: bool,
}

const fn key(name: &'static str, of: Type) -> Key {
    Key { name, of, nullable: true }
}

const fn required(name: &'static str, of: Type) -> Key {
    Key { name, of, nullable: false }
}

/// Fields of `PipelineRunConfiguration`.
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

/// Fields of `StepConfigurationUpdate`. Those that are not optional in a step's own configuration take no `null`.
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

/// Flavors of step operators that ZenML 0.98 has integrations for, beside Run:ai's.
pub(crate) const OTHER_FLAVORS: [&str; 9] =
    ["azureml", "baseten", "databricks", "kubernetes", "modal", "sagemaker", "spark", "ssh", "vertex"];
pub(crate) const RUNAI_FLAVOR: &str = "runai";
/// Settings that are no stack component's.
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
/// The keys of a settings map, as a regular expression. A test holds it and [`is_setting_key`] together.
pub(crate) const SETTING_KEY_PATTERN: &str = concat!(
    r"^(docker|resources|deployment)$|^(alerter|annotator|artifact_store|container_registry|data_validator|deployer|",
    r"experiment_tracker|feature_store|image_builder|log_store|model_deployer|model_registry|orchestrator|sandbox|",
    r"step_operator)(:.+|\.[^:]+)?$|\$\{[A-Za-z0-9_]+\}",
);
pub(crate) const STEP_OPERATOR: &str = "step_operator";

pub(crate) fn is_run_key(key: &str) -> bool {
    RUN_KEYS.iter().any(|known| known.name == key)
}

/// Which step operator a key of a settings map names.
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
    /// The step operator that `key` selects, unless it is the key of something else.
    pub(crate) fn of(key: &'k str) -> Option<Self> {
        let rest = key.strip_prefix(STEP_OPERATOR)?;
        match rest.split_at_checked(1) {
            None => rest.is_empty().then_some(Self::Default),
            Some((_, "")) => None,
            // A colon anywhere decides, as in ZenML: `step_operator.a:b` is not the flavor `a:b`.
            Some((":", name)) => Some(Self::Name(name)),
            Some((".", flavor)) if !flavor.contains(':') => Some(Self::Flavor(flavor)),
            Some(_) => None,
        }
    }

    /// Whether the key may name a Run:ai step operator.
    pub(crate) fn may_be_runai(self) -> bool {
        !matches!(self, Self::Flavor(flavor) if flavor != RUNAI_FLAVOR)
    }
}

/// Whether the key of a settings map names a block that may be for a Run:ai step operator.
pub(crate) fn selects_step_operator(key: &str) -> bool {
    Selector::of(key).is_some()
}

/// Whether ZenML takes the key of a settings map: `validate_setting_keys`.
pub(crate) fn is_setting_key(key: &str) -> bool {
    let component = |of: &&str| {
        key.strip_prefix(*of).is_some_and(|rest| {
            // `step_operator.a:b` has the form of a key, but ZenML finds no component type in it.
            let selects = rest.starts_with(':') || rest.starts_with('.') && !rest.contains(':');
            rest.is_empty() || selects && rest.len() > 1 && !rest.contains('\n')
        })
    };
    GENERAL_SETTINGS.contains(&key) || COMPONENT_TYPES.iter().any(component)
}

/// The key of a settings map that was probably meant.
pub(crate) fn nearest_setting_key(key: &str) -> Option<String> {
    let at = key.find(['.', ':']).unwrap_or(key.len());
    let (of, selector) = key.split_at(at);
    let of = of.replace('-', "_");
    let known = COMPONENT_TYPES.into_iter().chain(GENERAL_SETTINGS);
    let near = nearest(&of, known)?;
    let with_selector = format!("{near}{selector}");
    Some(if is_setting_key(&with_selector) { with_selector } else { near.to_owned() })
}

/// The flavor that was probably meant.
pub(crate) fn nearest_flavor(flavor: &str) -> Option<&'static str> {
    let bare = |flavor: &str| flavor.to_ascii_lowercase().replace(['-', '_', ':', ' '], "");
    let all = || std::iter::once(RUNAI_FLAVOR).chain(OTHER_FLAVORS);
    all().find(|known| bare(flavor) == *known).or_else(|| nearest(flavor, all()))
}

/// Whether a block under a key that any flavor may have holds the settings of another flavor: none of Run:ai's, and one of
/// another's or nothing that looks like one of Run:ai's.
pub(crate) fn is_of_other_flavor(block: &Map<'_>) -> bool {
    let shape::Kind::Struct(settings) = &shape::STEP_SETTINGS.kind else { return false };
    let keys = || block.0.iter().map(|entry| &*entry.key);
    if block.0.is_empty() || keys().any(|key| settings.field(key).is_some()) {
        return false;
    }
    let known = Names::new(settings.fields().iter().map(|field| field.name));
    keys().any(|key| OTHER_SETTINGS.contains(&key)) || !keys().any(|key| known.nearest(key).is_some())
}

/// Settings that only step operators of other flavors have.
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

/// Whether a text is a reference to a secret of ZenML: `{{name.key}}`.
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
    fn keys_are_in_order() {
        assert!(RUN_KEYS.windows(2).all(|pair| pair[0].name < pair[1].name));
        assert!(STEP_KEYS.windows(2).all(|pair| pair[0].name < pair[1].name));
    }

    #[test]
    fn setting_keys_are_those_that_zenml_takes() {
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
    fn flavors_are_found_in_spite_of_dashes() {
        assert_eq!(nearest_flavor("run_ai"), Some("runai"));
        assert_eq!(nearest_flavor("Run:AI"), Some("runai"));
        assert_eq!(nearest_flavor("sagemakr"), Some("sagemaker"));
        assert_eq!(nearest_flavor("slurm"), None);
    }

    #[test]
    fn references_to_secrets_have_a_name_and_a_key() {
        for text in ["{{runai_secret.client_id}}", "{{ a.b }}"] {
            assert!(is_secret_reference(text), "{text}");
        }
        for text in ["{{a}}", "{{.b}}", "{{a.}}", "{a.b}", "{{a b.c}}", "x{{a.b}}"] {
            assert!(!is_secret_reference(text), "{text}");
        }
    }
}
