//! The table of deliberate differences, and the disagreements that each entry explains.

use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::{
    case::{CaseKind, as_raw},
    compare::{About, Disagreement, ZENML_ANNOTATIONS},
};

/// A deliberate difference.
pub(crate) struct Difference {
    /// Its name in the table.
    pub(crate) id: &'static str,
    /// Whether it explains a disagreement.
    explains: fn(&Disagreement<'_>) -> bool,
}

/// Every deliberate difference. `docs/conformance.md` lists the reasons; a test compares the two.
pub(crate) static DIFFERENCES: [Difference; 23] = [
    Difference { id: "beyond-64-bits", explains: |it| rejected_value(it, "out-of-range").is_some_and(is_large) },
    Difference { id: "both-spellings", explains: |it| code(it) == Some("both-spellings") },
    Difference {
        id: "empty-template-or-priority",
        explains: |it| {
            at(it, "empty-value").is_some_and(|key| matches!(key, "priority_class" | "workload_template_id"))
        },
    },
    Difference {
        id: "environment-null",
        explains: |it| of_environment(it) && rejected_value(it, "wrong-type") == Some(&Value::Null),
    },
    Difference { id: "environment-text", explains: environment_text },
    Difference {
        id: "existing-pvc-null",
        explains: |it| {
            at(it, "wrong-type") == Some("existing_pvc") && rejected_value(it, "wrong-type") == Some(&Value::Null)
        },
    },
    Difference { id: "gpu-fields-iff", explains: gpu_fields },
    Difference { id: "judged-merged", explains: judged_merged },
    Difference { id: "label-syntax", explains: |it| code(it) == Some("invalid-label") },
    Difference { id: "limit-below-request", explains: |it| code(it) == Some("limit-below-request") },
    Difference { id: "merge-by-key", explains: merged_by_key },
    Difference { id: "misplaced-block", explains: |it| code(it) == Some("misplaced-block") },
    Difference {
        id: "no-coercion",
        explains: |it| {
            it.case.kind != CaseKind::Run
                && !of_step_file(it)
                && rejected_value(it, "wrong-type").is_some_and(|value| !value.is_null())
        },
    },
    Difference { id: "not-finite", explains: |it| rejected_value(it, "out-of-range").is_some_and(is_infinite) },
    Difference { id: "operator-required-keys", explains: required_keys },
    Difference { id: "semi-preemptible", explains: semi_preemptible },
    Difference { id: "step-file", explains: |it| of_step_file(it) && code(it) != Some("unknown-key") },
    Difference { id: "toleration-value-with-exists", explains: |it| code(it) == Some("toleration-value-with-exists") },
    Difference { id: "toleration-without-key", explains: |it| code(it) == Some("toleration-without-key") },
    Difference { id: "unknown-key", explains: |it| code(it) == Some("unknown-key") },
    Difference { id: "unused-block", explains: unused_block },
    Difference { id: "users-and-groups", explains: |it| code(it) == Some("users-and-groups") },
    Difference {
        id: "zenml-annotations",
        explains: |it| matches!(&it.about, About::Body { path, .. } if path == ZENML_ANNOTATIONS),
    },
];

/// Returns the entries that explain a disagreement; there must be exactly one.
pub(crate) fn explanations(disagreement: &Disagreement<'_>) -> Vec<usize> {
    (0..DIFFERENCES.len()).filter(|index| (DIFFERENCES[*index].explains)(disagreement)).collect()
}

/// Fails unless the table in the documentation and the one here have the same entries.
pub(crate) fn check_table(path: &Path) -> Result<()> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |"));
    let mut documented = Vec::new();
    for (id, rest) in rows {
        if rest.split('|').map(str::trim).filter(|cell| !cell.is_empty()).count() < 2 {
            bail!("`{id}` in `{}` has no difference or no reason", path.display());
        }
        documented.push(id);
    }
    let known: Vec<&str> = DIFFERENCES.iter().map(|difference| difference.id).collect();
    if documented != known {
        bail!("`{}` lists {documented:?}, the test knows {known:?}", path.display());
    }
    Ok(())
}

/// Returns the code of the core's error.
fn code<'d>(it: &'d Disagreement<'_>) -> Option<&'d str> {
    match &it.about {
        About::CoreRejects(found) => Some(&found.code),
        _ => None,
    }
}

/// Returns the value that only the core rejects, with this code.
fn rejected_value<'d>(it: &'d Disagreement<'_>, code: &str) -> Option<&'d Value> {
    match &it.about {
        About::CoreRejects(found) if found.code == code => found.value.as_ref(),
        _ => None,
    }
}

/// Returns the key whose value only the core rejects, with this code.
fn at<'d>(it: &'d Disagreement<'_>, code: &str) -> Option<&'d str> {
    match &it.about {
        About::CoreRejects(found) if found.code == code => found.path.rsplit('/').next(),
        _ => None,
    }
}

fn of_environment(it: &Disagreement<'_>) -> bool {
    let About::CoreRejects(found) = &it.about else { return false };
    it.case.kind == CaseKind::Step && found.path.starts_with("/environment/")
}

/// Returns whether the disagreement is about the keys of a step file other than its settings.
fn of_step_file(it: &Disagreement<'_>) -> bool {
    let About::CoreRejects(found) = &it.about else { return false };
    let mut parts = found.path.split('/').skip(1);
    let around = match (parts.next(), parts.next()) {
        (Some("command" | "image" | "name"), _) | (Some("environment" | "settings"), None) => true,
        // A variable with an empty name.
        (Some("environment"), Some("")) => found.code == "empty-value",
        _ => false,
    };
    it.case.kind == CaseKind::Step && around
}

/// Python prints booleans and numbers differently.
fn environment_text(it: &Disagreement<'_>) -> bool {
    let About::Body { path, core: Some(Value::String(core)), .. } = &it.about else { return false };
    let source_text = |value: &Value| match value {
        Value::String(_) => as_raw(value).map(str::to_owned),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        _ => None,
    };
    let written = it.case.document["environment"].as_object();
    it.case.kind == CaseKind::Step
        && path.starts_with("/spec/environmentVariables/")
        && path.ends_with("/value")
        && written.is_some_and(|map| map.values().any(|value| source_text(value).as_ref() == Some(core)))
}

fn gpu_fields(it: &Disagreement<'_>) -> bool {
    let About::Body { path, core: None, body, .. } = &it.about else { return false };
    let Some(member) = path.strip_prefix("/spec/compute/") else { return false };
    let compute = &body["spec"]["compute"];
    if compute["gpuDevicesRequest"] == 0 {
        return member == "gpuRequestType" || member.starts_with("gpuPortion") || member.starts_with("gpuMemory");
    }
    match compute["gpuRequestType"].as_str() {
        Some("memory") => member.starts_with("gpuPortion"),
        Some("portion") => member.starts_with("gpuMemory"),
        _ => false,
    }
}

/// ZenML validates a step's settings before it merges them. Such errors have no location, because they are about several
/// settings.
fn judged_merged(it: &Disagreement<'_>) -> bool {
    let About::ReferenceRejects("settings", error) = &it.about else { return false };
    it.case.kind == CaseKind::Merged && error.loc.is_empty() && error.kind == "value_error"
}

/// Without a request, the SDK's models do not validate the settings.
fn unused_block(it: &Disagreement<'_>) -> bool {
    const OF_REQUESTS: [&str; 6] =
        ["empty-value", "invalid-mode", "invalid-name", "invalid-quantity", "relative-path", "too-long"];
    let About::CoreRejects(found) = &it.about else { return false };
    it.case.kind == CaseKind::Run
        && OF_REQUESTS.contains(&found.code.as_str())
        && !at(it, "empty-value").is_some_and(|key| matches!(key, "priority_class" | "workload_template_id"))
        && it.case.paths.iter().any(|block| found.path.strip_prefix(block).is_some_and(|rest| rest.starts_with('/')))
}

fn semi_preemptible(it: &Disagreement<'_>) -> bool {
    let About::ReferenceRejects(_, error) = &it.about else { return false };
    error.loc.first().is_some_and(|key| key == "preemptibility") && error.kind == "literal_error"
}

fn merged_by_key(it: &Disagreement<'_>) -> bool {
    const MAPS: [(&str, &str); 4] = [
        ("annotations", "/spec/annotations"),
        ("extended_resources", "/spec/compute/extendedResources"),
        ("labels", "/spec/labels"),
        ("security_context", "/spec/security"),
    ];
    let Some(operator) = &it.case.operator else { return false };
    let both = |key: &str| operator[key].is_object() && it.case.document[key].is_object();
    match &it.about {
        About::Body { path, .. } if path != ZENML_ANNOTATIONS => {
            MAPS.iter().any(|(key, member)| both(key) && path.starts_with(member))
        }
        // A null removes an entry of the operator's map.
        About::ReferenceRejects(_, error) => match error.loc.as_slice() {
            [key, entry] => {
                let has = |map: &Value| map[key].get(entry).is_some();
                it.case.document[key][entry].is_null() && has(&it.case.document) && has(operator)
            }
            _ => false,
        },
        _ => false,
    }
}

fn required_keys(it: &Disagreement<'_>) -> bool {
    const REQUIRED: [&str; 4] = ["client_id", "client_secret", "project_name", "runai_base_url"];
    let About::ReferenceRejects("config", error) = &it.about else { return false };
    // Missing or null.
    let absent = |key: &String| it.case.operator.as_ref().is_none_or(|operator| operator[key].is_null());
    error.loc.first().is_some_and(|key| REQUIRED.contains(&key.as_str()) && absent(key))
}

fn is_large(value: &Value) -> bool {
    as_raw(value).is_some_and(|number| {
        let whole = number.strip_prefix('-').unwrap_or(number).bytes().all(|byte| byte.is_ascii_digit());
        whole && number.parse::<i64>().is_err()
    })
}

fn is_infinite(value: &Value) -> bool {
    !is_large(value) && as_raw(value).and_then(|number| number.parse::<f64>().ok()).is_some_and(f64::is_infinite)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_documentation() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        check_table(&root.join("docs/conformance.md")).unwrap();
    }

    #[test]
    fn entries_are_sorted_and_unique() {
        assert!(DIFFERENCES.windows(2).all(|pair| pair[0].id < pair[1].id));
    }
}
