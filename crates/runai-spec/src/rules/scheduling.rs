//! Rules of node pools, priorities and tolerations.

use runai_api::wire::{Preemptibility, TolerationOperator};
use rustc_hash::FxHashMap;

use super::{Example, RuleContext, rules};
use crate::diagnostic::Tag;
use crate::fix::Applicability::{DisplayOnly, Unsafe};
use crate::settings::StepSettings;
use crate::suggest::nearest;

/// The priority classes of the API, lowest first.
pub const PRIORITY_CLASSES: [&str; 7] = ["very-low", "low", "medium-low", "medium", "medium-high", "high", "very-high"];

/// Priority classes of older control planes.
const OLD_PRIORITY_CLASSES: [&str; 4] = ["build", "inference", "interactive-preemptible", "train"];

rules! {
    /// `semi-preemptible` requires control plane 3.0. Older versions reject the request, and so does ZenML 0.98.
    SEMI_PREEMPTIBLE {
        code: "semi-preemptible",
        severity: Warning,
        summary: "`semi-preemptible`, which requires control plane 3.0",
        valid: Example::Yaml("preemptibility: preemptible\n"),
        invalid: Example::Yaml("preemptibility: semi-preemptible\n"),
    }

    /// A toleration with `operator: Exists` matches every value of the taint. Kubernetes rejects a `value` with it.
    TOLERATION_VALUE_WITH_EXISTS {
        code: "toleration-value-with-exists",
        severity: Error,
        summary: "toleration with `Exists` and a value",
        valid: Example::Yaml("tolerations:\n  - {key: gpu, operator: Exists}\n"),
        invalid: Example::Yaml("tolerations:\n  - {key: gpu, operator: Exists, value: a100}\n"),
    }

    /// A toleration without a key tolerates every taint. Kubernetes allows this only with `operator: Exists`.
    TOLERATION_WITHOUT_KEY {
        code: "toleration-without-key",
        severity: Error,
        summary: "toleration without a key must use `Exists`",
        valid: Example::Yaml("tolerations:\n  - {operator: Exists}\n"),
        invalid: Example::Yaml("tolerations:\n  - {effect: NoSchedule}\n"),
    }

    /// Without a `value`, `operator: Equal` matches only taints with an empty value. Usually `Exists` is intended.
    EQUAL_WITHOUT_VALUE {
        code: "equal-without-value",
        severity: Warning,
        summary: "toleration with `Equal` and no value",
        valid: Example::Yaml("tolerations:\n  - {key: gpu, operator: Equal, value: a100}\n"),
        invalid: Example::Yaml("tolerations:\n  - {key: gpu, operator: Equal}\n"),
    }

    /// The API's priority classes are `very-low`, `low`, `medium-low`, `medium`, `medium-high`, `high` and `very-high`. Names
    /// such as `train` and `build` belong to older versions.
    UNKNOWN_PRIORITY_CLASS {
        code: "unknown-priority-class",
        severity: Warning,
        summary: "unknown priority class",
        valid: Example::Yaml("priority_class: high\n"),
        invalid: Example::Yaml("priority_class: train\n"),
    }

    /// The list contains the same node pool twice. The second entry has no effect.
    REPEATED_NODE_POOL {
        code: "repeated-node-pool",
        severity: Warning,
        summary: "duplicate node pool",
        valid: Example::Yaml("node_pools: [a100, v100]\n"),
        invalid: Example::Yaml("node_pools: [a100, a100]\n"),
    }
}

pub(crate) fn check(settings: &StepSettings, context: &mut RuleContext<'_, '_>) {
    tolerations(settings, context);
    if settings.preemptibility == Some(Preemptibility::SemiPreemptible) && !context.is_invalid(&["preemptibility"]) {
        context
            .report(
                &SEMI_PREEMPTIBLE,
                "preemptibility",
                "`preemptibility` is `semi-preemptible`, which control planes before 3.0 reject".to_owned(),
            )
            .with_help("write `preemptible` or `non-preemptible` for an older control plane")
            .with_value("preemptibility", "preemptible", Unsafe)
            .with_value("preemptibility", "non-preemptible", Unsafe);
    }
    if let Some(class) = settings.priority_class.as_deref()
        && !PRIORITY_CLASSES.contains(&class)
        && !context.is_invalid(&["priority_class"])
    {
        let near = nearest(class, PRIORITY_CLASSES);
        let known = PRIORITY_CLASSES.map(|class| format!("`{class}`")).join(", ");
        let help = match near {
            Some(near) => format!("did you mean `{near}`? The priority classes are {known}"),
            None => format!("write one of {known}"),
        };
        let reported = context
            .report(&UNKNOWN_PRIORITY_CLASS, "priority_class", format!("unknown priority class `{class}`"))
            .with_help(help);
        let reported =
            if OLD_PRIORITY_CLASSES.contains(&class) { reported.with_tag(Tag::Deprecated) } else { reported };
        match near {
            Some(near) => reported.with_value("priority_class", near, Unsafe),
            None => reported.with_removal("priority_class", DisplayOnly),
        };
    }
    let mut seen = FxHashMap::default();
    for (index, pool) in settings.node_pools.iter().flatten().enumerate() {
        if context.is_invalid(&[format_args!("node_pools/{index}")]) {
            continue;
        }
        let first = *seen.entry(pool).or_insert(index);
        if first != index {
            let path = format!("node_pools/{index}");
            context
                .report(&REPEATED_NODE_POOL, &path, format!("`node_pools` contains `{pool}` twice"))
                .with_help("remove it")
                .with_related(&format!("node_pools/{first}"), format!("`{pool}` is here first"))
                .with_tag(Tag::Unnecessary)
                .with_removal(&path, Unsafe);
        }
    }
}

fn tolerations(settings: &StepSettings, context: &mut RuleContext<'_, '_>) {
    for (index, toleration) in settings.tolerations.iter().flatten().enumerate() {
        let member = |key: &str| format!("tolerations/{index}/{key}");
        // A toleration of the wrong type was replaced. If one member is invalid, the others are still checked.
        let is_invalid = |context: &RuleContext<'_, '_>, keys: &[&str]| {
            keys.iter().any(|key| context.is_invalid(&[format_args!("tolerations/{index}/{key}")]))
        };
        if context.item_is_invalid(format_args!("tolerations/{index}")) {
            continue;
        }
        let operator = toleration.operator;
        if let Some(value) = &toleration.value
            && operator == Some(TolerationOperator::Exists)
            && !is_invalid(context, &["value", "operator"])
        {
            context
                .report(
                    &TOLERATION_VALUE_WITH_EXISTS,
                    member("value"),
                    format!("`tolerations[{index}].value` is `{value}`, but the operator is `Exists`"),
                )
                .with_help("remove the value, or write `operator: Equal`")
                .with_related(&member("operator"), "the operator is `Exists`")
                .with_removal(&member("value"), Unsafe)
                .with_value(&member("operator"), "Equal", Unsafe);
        }
        if toleration.key.is_none()
            && operator != Some(TolerationOperator::Exists)
            && !is_invalid(context, &["key", "operator"])
        {
            let found = if operator.is_some() { "is `Equal`" } else { "is not `Exists`" };
            let reported = context
                .report(
                    &TOLERATION_WITHOUT_KEY,
                    format_args!("tolerations/{index}"),
                    format!("`tolerations[{index}]` has no `key`, and its operator {found}"),
                )
                .with_help("add the `key` of the taint, or `operator: Exists` to tolerate every taint");
            if toleration.value.is_none() {
                reported.with_value(&member("operator"), "Exists", Unsafe);
            }
        }
        if operator == Some(TolerationOperator::Equal)
            && toleration.value.is_none()
            && !is_invalid(context, &["value", "operator"])
        {
            context
                .report(
                    &EQUAL_WITHOUT_VALUE,
                    member("operator"),
                    format!("`tolerations[{index}].operator` is `Equal`, but `value` is not set"),
                )
                .with_help("add the `value` of the taint, or write `operator: Exists`")
                .with_value(&member("operator"), "Exists", Unsafe);
        }
    }
}
