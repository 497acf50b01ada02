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
    /// `semi-preemptible` came with control plane 3.0. Older ones refuse the request, and so does ZenML 0.98.
    SEMI_PREEMPTIBLE {
        code: "semi-preemptible",
        severity: Warning,
        summary: "`preemptibility` that older control planes refuse",
        valid: Example::Yaml("preemptibility: preemptible\n"),
        invalid: Example::Yaml("preemptibility: semi-preemptible\n"),
    }

    /// With `operator: Exists` a toleration matches whatever the taint's value is, so it has none of its own; Kubernetes
    /// refuses the pod.
    TOLERATION_VALUE_WITH_EXISTS {
        code: "toleration-value-with-exists",
        severity: Error,
        summary: "a toleration with `Exists` has a value",
        valid: Example::Yaml("tolerations:\n  - {key: gpu, operator: Exists}\n"),
        invalid: Example::Yaml("tolerations:\n  - {key: gpu, operator: Exists, value: a100}\n"),
    }

    /// A toleration without a key tolerates every taint, which Kubernetes allows with `operator: Exists` only.
    TOLERATION_WITHOUT_KEY {
        code: "toleration-without-key",
        severity: Error,
        summary: "a toleration without a key is not `Exists`",
        valid: Example::Yaml("tolerations:\n  - {operator: Exists}\n"),
        invalid: Example::Yaml("tolerations:\n  - {effect: NoSchedule}\n"),
    }

    /// `operator: Equal` compares the taint's value with an empty one if none is given. `Exists` is meant more often.
    EQUAL_WITHOUT_VALUE {
        code: "equal-without-value",
        severity: Warning,
        summary: "a toleration with `Equal` has no value",
        valid: Example::Yaml("tolerations:\n  - {key: gpu, operator: Equal, value: a100}\n"),
        invalid: Example::Yaml("tolerations:\n  - {key: gpu, operator: Equal}\n"),
    }

    /// The priority class is none of the API's: `very-low`, `low`, `medium-low`, `medium`, `medium-high`, `high`,
    /// `very-high`. Names such as `train` and `build` are those of older versions.
    UNKNOWN_PRIORITY_CLASS {
        code: "unknown-priority-class",
        severity: Warning,
        summary: "the priority class is not known",
        valid: Example::Yaml("priority_class: high\n"),
        invalid: Example::Yaml("priority_class: train\n"),
    }

    /// The same node pool stands in the list twice; the second one is never tried.
    REPEATED_NODE_POOL {
        code: "repeated-node-pool",
        severity: Warning,
        summary: "a node pool stands in the list twice",
        valid: Example::Yaml("node_pools: [a100, v100]\n"),
        invalid: Example::Yaml("node_pools: [a100, a100]\n"),
    }
}

pub(crate) fn check(settings: &StepSettings, context: &mut RuleContext<'_, '_>) {
    tolerations(settings, context);
    if settings.preemptibility == Some(Preemptibility::SemiPreemptible) && !context.broken(&["preemptibility"]) {
        context
            .report(
                &SEMI_PREEMPTIBLE,
                "preemptibility",
                "`preemptibility` is `semi-preemptible`, which control planes before 3.0 refuse".to_owned(),
            )
            .with_help("write `preemptible` or `non-preemptible` for an older control plane")
            .with_value("preemptibility", "preemptible", Unsafe)
            .with_value("preemptibility", "non-preemptible", Unsafe);
    }
    if let Some(class) = settings.priority_class.as_deref()
        && !PRIORITY_CLASSES.contains(&class)
        && !context.broken(&["priority_class"])
    {
        let near = nearest(class, PRIORITY_CLASSES);
        let known = PRIORITY_CLASSES.map(|class| format!("`{class}`")).join(", ");
        let help = match near {
            Some(near) => format!("did you mean `{near}`? The API knows {known}"),
            None => format!("the API knows {known}"),
        };
        let reported = context
            .report(
                &UNKNOWN_PRIORITY_CLASS,
                "priority_class",
                format!("`priority_class` is `{class}`, which the API does not know"),
            )
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
        if context.broken(&[format_args!("node_pools/{index}")]) {
            continue;
        }
        let first = *seen.entry(pool).or_insert(index);
        if first != index {
            let path = format!("node_pools/{index}");
            context
                .report(&REPEATED_NODE_POOL, &path, format!("`node_pools` has `{pool}` a second time"))
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
        // A toleration that is wrong as a whole was replaced; one member that is wrong leaves the others to check.
        let broken = |context: &RuleContext<'_, '_>, keys: &[&str]| {
            keys.iter().any(|key| context.broken(&[format_args!("tolerations/{index}/{key}")]))
        };
        if context.item_broken(format_args!("tolerations/{index}")) {
            continue;
        }
        let operator = toleration.operator;
        if let Some(value) = &toleration.value
            && operator == Some(TolerationOperator::Exists)
            && !broken(context, &["value", "operator"])
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
            && !broken(context, &["key", "operator"])
        {
            let found = if operator.is_some() { "is `Equal`" } else { "is not `Exists`" };
            let reported = context
                .report(
                    &TOLERATION_WITHOUT_KEY,
                    format_args!("tolerations/{index}"),
                    format!("`tolerations[{index}]` has no `key`, but its operator {found}"),
                )
                .with_help("add the `key` of the taint, or `operator: Exists` to tolerate every taint");
            if toleration.value.is_none() {
                reported.with_value(&member("operator"), "Exists", Unsafe);
            }
        }
        if operator == Some(TolerationOperator::Equal)
            && toleration.value.is_none()
            && !broken(context, &["value", "operator"])
        {
            context
                .report(
                    &EQUAL_WITHOUT_VALUE,
                    member("operator"),
                    format!("`tolerations[{index}].operator` is `Equal`, but there is no value to compare with"),
                )
                .with_help("add the `value` of the taint, or write `operator: Exists`")
                .with_value(&member("operator"), "Exists", Unsafe);
        }
    }
}
