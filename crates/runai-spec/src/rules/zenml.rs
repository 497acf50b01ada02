//! Rules of ZenML run configurations, in addition to those of the settings in their blocks.

use runai_api::wire::Preemptibility;
use runai_syntax::{Node, Value};

use super::{Example, RuleContext, rules};
use crate::fix::Applicability::Unsafe;
use crate::settings::StepSettings;
use crate::zenml::keys::is_secret_reference;

rules! {
    /// ZenML replaces `${NAME}` in any value by a variable of its environment. Checks without that environment skip the value.
    /// Rendering and submitting substitute the variables and check the resulting value.
    ENVIRONMENT_PLACEHOLDER {
        code: "environment-placeholder",
        severity: Note,
        summary: "unchecked value with a placeholder",
        valid: Example::Yaml("steps:\n  train:\n    settings:\n      step_operator: {gpu_devices_request: 1}\n"),
        invalid: Example::Yaml("steps:\n  train:\n    settings:\n      step_operator:\n        gpu_devices_request: ${NUM_GPUS}\n"),
    }

    /// A placeholder names an environment variable that is not set. ZenML fails, too. The variables are those of the process
    /// that renders or submits; in this example `RUNAI_STEP_UNSET` is not set.
    MISSING_VARIABLE {
        code: "missing-variable",
        severity: Error,
        summary: "placeholder of an unset variable",
        valid: Example::Yaml("steps:\n  train:\n    settings:\n      step_operator: {gpu_devices_request: 1}\n"),
        invalid: Example::Substituted("steps:\n  train:\n    settings:\n      step_operator:\n        gpu_devices_request: ${RUNAI_STEP_UNSET}\n"),
    }

    /// A key of a `settings` map must be `docker`, `resources`, `deployment`, or a stack component: `step_operator`,
    /// `step_operator.runai` (by flavor) or `step_operator:my-operator` (by name). ZenML rejects all other keys.
    INVALID_SETTING_KEY {
        code: "invalid-setting-key",
        severity: Error,
        summary: "invalid key in `settings`",
        valid: Example::Yaml("settings:\n  step_operator.runai: {gpu_devices_request: 1}\n"),
        invalid: Example::Yaml("steps: {}\nsettings:\n  step-operator.runai: {gpu_devices_request: 1}\n"),
    }

    /// Settings of a step operator belong below `settings:` of the pipeline or of a step. Elsewhere ZenML ignores them or
    /// rejects the file.
    MISPLACED_BLOCK {
        code: "misplaced-block",
        severity: Error,
        summary: "step operator settings outside `settings`",
        valid: Example::Yaml("steps:\n  train:\n    settings:\n      step_operator.runai: {gpu_devices_request: 1}\n"),
        invalid: Example::Yaml("steps:\n  train:\n    step_operator.runai: {gpu_devices_request: 1}\n"),
    }

    /// Two keys of one `settings` map refer to the same step operator. ZenML rejects the file.
    CONFLICTING_BLOCKS {
        code: "conflicting-blocks",
        severity: Error,
        summary: "two blocks for one step operator",
        valid: Example::Yaml("settings:\n  step_operator: {gpu_devices_request: 1}\n"),
        invalid: Example::Yaml("settings:\n  step_operator: {gpu_devices_request: 1}\n  step_operator.runai: {cpu_core_request: 2}\n"),
    }

    /// ZenML 0.98 ignores a block whose flavor is not that of a step operator in the stack. The flavor of Run:ai's step
    /// operator is `runai`.
    UNKNOWN_FLAVOR {
        code: "unknown-flavor",
        severity: Warning,
        summary: "unknown flavor of a step operator",
        valid: Example::Yaml("settings:\n  step_operator.runai: {gpu_devices_request: 1}\n"),
        invalid: Example::Yaml("settings:\n  step_operator.run_ai: {gpu_devices_request: 1}\n"),
    }

    /// ZenML ignores unknown keys of a run configuration and of its steps.
    IGNORED_KEY {
        code: "ignored-key",
        severity: Warning,
        summary: "key that ZenML ignores",
        valid: Example::Yaml("steps:\n  train:\n    settings: {}\n"),
        invalid: Example::Yaml("steps:\n  train:\n    setting: {}\n"),
    }

    /// A `null` in a step's block does not unset the value of the pipeline's block or of the operator's configuration: ZenML
    /// 0.98 ignores it when it merges them.
    INEFFECTIVE_NULL {
        code: "ineffective-null",
        severity: Warning,
        summary: "`null` without effect",
        valid: Example::Yaml(
            "settings:\n  step_operator: {node_type: A100}\nsteps:\n  train:\n    settings:\n      step_operator: {node_type: T4}\n",
        ),
        invalid: Example::Yaml(
            "settings:\n  step_operator: {node_type: A100}\nsteps:\n  train:\n    settings:\n      step_operator: {node_type: null}\n",
        ),
    }

    /// `{{name.key}}` refers to a secret in ZenML's secret store. Only ZenML can resolve it: here it is sent unchanged.
    SECRET_REFERENCE {
        code: "secret-reference",
        severity: Warning,
        summary: "reference to a ZenML secret",
        valid: Example::Yaml("settings:\n  step_operator: {node_type: A100}\n"),
        invalid: Example::Yaml("settings:\n  step_operator: {node_type: \"{{cluster.node_type}}\"}\n"),
    }
}

/// Rejects `semi-preemptible`, which ZenML 0.98 does not know.
pub(crate) fn check_preemptibility(settings: &StepSettings, context: &mut RuleContext<'_, '_>) {
    if settings.preemptibility == Some(Preemptibility::SemiPreemptible) {
        let message = "`preemptibility` is `semi-preemptible`, which ZenML 0.98 rejects".to_owned();
        context
            .report(&super::value::UNKNOWN_VALUE, "preemptibility", message)
            .with_help("write `preemptible` or `non-preemptible`")
            .with_value("preemptibility", "preemptible", Unsafe)
            .with_value("preemptibility", "non-preemptible", Unsafe);
    }
}

/// The help text of [`SECRET_REFERENCE`].
pub(crate) const REFERENCE_HELP: &str = "write the value itself or a placeholder; only ZenML resolves its secrets";

/// Reports references to secrets among the settings of a block.
pub(crate) fn check_references(root: &Node<'_>, context: &mut RuleContext<'_, '_>) {
    for entry in root.as_map().into_iter().flat_map(|map| &map.0) {
        if let Value::String(text) = &entry.value.value
            && is_secret_reference(&text.text)
        {
            let message = format!("`{}` refers to a ZenML secret, which is not resolved here", entry.key);
            context.report(&SECRET_REFERENCE, &entry.key, message).with_help(REFERENCE_HELP);
        }
    }
}
