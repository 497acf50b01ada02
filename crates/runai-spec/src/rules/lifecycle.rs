//! Rules of parallelism, timeouts and templates.

use super::{Example, RuleContext, rules};
use crate::fix::Applicability::{DisplayOnly, Unsafe};
use crate::settings::StepSettings;

rules! {
    /// `parallelism` must not exceed `completions`.
    PARALLELISM_ABOVE_COMPLETIONS {
        code: "parallelism-above-completions",
        severity: Error,
        summary: "`parallelism` above `completions`",
        valid: Example::Yaml("parallelism: 2\ncompletions: 4\n"),
        invalid: Example::Yaml("parallelism: 4\ncompletions: 2\n"),
    }

    /// Each pod runs the whole command. This is not distributed training: use it only for steps that may run several times.
    REPEATED_STEP {
        code: "repeated-step",
        severity: Warning,
        summary: "step that runs several times",
        valid: Example::Yaml("parallelism: 1\n"),
        invalid: Example::Yaml("parallelism: 2\n"),
    }

    /// `workload_template_id` must be a UUID. Template names are not supported.
    TEMPLATE_ID_NOT_UUID {
        code: "template-id-not-uuid",
        severity: Warning,
        summary: "workload template id that is not a UUID",
        valid: Example::Yaml("workload_template_id: 550e8400-e29b-41d4-a716-446655440000\n"),
        invalid: Example::Yaml("workload_template_id: my-template\n"),
    }

    /// The step times out before its grace period could pass.
    TIMEOUT_BELOW_GRACE_PERIOD {
        code: "timeout-below-grace-period",
        severity: Warning,
        summary: "timeout below grace period",
        valid: Example::Yaml("workload_timeout: 3600\ntermination_grace_period_seconds: 60\n"),
        invalid: Example::Yaml("workload_timeout: 30\ntermination_grace_period_seconds: 60\n"),
    }
}

pub(crate) fn check(settings: &StepSettings, context: &mut RuleContext<'_, '_>) {
    pods(settings, context);
    if let Some(id) = settings.workload_template_id.as_deref()
        && !is_uuid(id)
        && !context.is_invalid(&["workload_template_id"])
    {
        context
            .report(
                &TEMPLATE_ID_NOT_UUID,
                "workload_template_id",
                format!("`workload_template_id` is `{id}`, not a UUID"),
            )
            .with_help("write the id that the console or the API shows; template names are not supported");
    }
    if let (Some(timeout), Some(grace)) = (settings.workload_timeout, settings.termination_grace_period_seconds)
        && timeout < grace
        && !context.is_invalid(&["workload_timeout", "termination_grace_period_seconds"])
    {
        let origin = context.origin("termination_grace_period_seconds", "workload_timeout");
        context
            .report(
                &TIMEOUT_BELOW_GRACE_PERIOD,
                "workload_timeout",
                format!(
                    "`workload_timeout` is `{timeout}` seconds, less than `termination_grace_period_seconds`, which is \
                     `{grace}`{origin}"
                ),
            )
            .with_help("raise the timeout or lower the grace period")
            .with_related("termination_grace_period_seconds", format!("the grace period is `{grace}` seconds"))
            .with_value("workload_timeout", grace, Unsafe)
            .with_value("termination_grace_period_seconds", timeout, Unsafe);
    }
}

fn pods(settings: &StepSettings, context: &mut RuleContext<'_, '_>) {
    if context.is_invalid(&["parallelism", "completions"]) {
        return;
    }
    if let (Some(parallelism), Some(completions)) = (settings.parallelism, settings.completions)
        && parallelism > completions
    {
        let origin = context.origin("completions", "parallelism");
        context
            .report(
                &PARALLELISM_ABOVE_COMPLETIONS,
                "parallelism",
                format!("`parallelism` is `{parallelism}`, more than `completions`, which is `{completions}`{origin}"),
            )
            .with_help(format!("lower `parallelism` to `{completions}`, or raise `completions`"))
            .with_related("completions", format!("`completions` is `{completions}`"))
            .with_value("parallelism", completions, Unsafe)
            .with_value("completions", parallelism, Unsafe);
    }
    let mut repeats = [("parallelism", settings.parallelism), ("completions", settings.completions)]
        .into_iter()
        .filter_map(|(key, pods)| Some((key, pods.filter(|pods| *pods > 1)?)));
    if let Some((key, pods)) = repeats.next() {
        let found = context
            .report(&REPEATED_STEP, key, format!("`{key}` is `{pods}`: the step runs several times"))
            .with_help("check that the command may run several times; pods do not share the work of one step");
        // If both settings are above 1, removing one of them would not help.
        if repeats.next().is_none() {
            found.with_removal(key, DisplayOnly);
        }
    }
}

/// Eight, four, four, four and twelve hexadecimal digits, with dashes between them.
pub(crate) fn is_uuid(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12])
        && parts.iter().all(|part| part.bytes().all(|byte| byte.is_ascii_hexdigit()))
}
