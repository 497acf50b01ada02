//! The table of deliberate differences, and what each entry of it explains.

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
    /// Whether it is the reason of a disagreement.
    explains: fn(&Disagreement<'_>) -> bool,
}

/// Every deliberate difference. The table says why; a test holds the two together.
pub(crate) static DIFFERENCES: [Difference; 23] = [
    Difference { id: "beyond-64-bits", explains: |it| refused(it, "out-of-range").is_some_and(is_large) },
    Difference { id: "both-spellings", explains: |it| code(it) == Some("both-spellings") },
    Difference {
        id: "empty-template-or-priority",
        explains: |it| {
            at(it, "empty-value").is_some_and(|key| matches!(key, "priority_class" | "workload_template_id"))
        },
    },
    Difference {
        id: "environment-null",
        explains: |it| of_environment(it) && refused(it, "wrong-type") == Some(&Value::Null),
    },
    Difference { id: "environment-text", explains: environment_text },
    Difference {
        id: "existing-pvc-null",
        explains: |it| at(it, "wrong-type") == Some("existing_pvc") && refused(it, "wrong-type") == Some(&Value::Null),
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
                && refused(it, "wrong-type").is_some_and(|value| !value.is_null())
        },
    },
    Difference { id: "not-finite", explains: |it| refused(it, "out-of-range").is_some_and(is_infinite) },
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

/// The entries that explain a disagreement: exactly one, if all is well.
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
            bail!("`{id}` in `{}` says not both what differs and why", path.display());
        }
        documented.push(id);
    }
    let known: Vec<&str> = DIFFERENCES.iter().map(|difference| difference.id).collect();
    if documented != known {
        bail!("`{}` lists {documented:?}, the test knows {known:?}", path.display());
    }
    Ok(())
}

/// The code of our error.
fn code<'d>(it: &'d Disagreement<'_>) -> Option<&'d str> {
    match &it.about {
        About::OursRefuses(found) => Some(&found.code),
        _ => None,
    }
}

/// The value that only we refuse, with this code.
fn refused<'d>(it: &'d Disagreement<'_>, code: &str) -> Option<&'d Value> {
    match &it.about {
        About::OursRefuses(found) if found.code == code => found.value.as_ref(),
        _ => None,
    }
}

/// The key whose value only we refuse, with this code.
fn at<'d>(it: &'d Disagreement<'_>, code: &str) -> Option<&'d str> {
    match &it.about {
        About::OursRefuses(found) if found.code == code => found.path.rsplit('/').next(),
        _ => None,
    }
}

fn of_environment(it: &Disagreement<'_>) -> bool {
    let About::OursRefuses(found) = &it.about else { return false };
    it.case.kind == CaseKind::Step && found.path.starts_with("/environment/")
}

/// Whether the disagreement is about what stands around the settings in a step file.
fn of_step_file(it: &Disagreement<'_>) -> bool {
    let About::OursRefuses(found) = &it.about else { return false };
    let mut parts = found.path.split('/').skip(1);
    let around = match (parts.next(), parts.next()) {
        (Some("command" | "image" | "name"), _) | (Some("environment" | "settings"), None) => true,
        // Its name is empty.
        (Some("environment"), Some("")) => found.code == "empty-value",
        _ => false,
    };
    it.case.kind == CaseKind::Step && around
}

/// Python writes booleans and numbers in its own way.
fn environment_text(it: &Disagreement<'_>) -> bool {
    let About::Body { path, ours: Some(Value::String(ours)), .. } = &it.about else { return false };
    let source_text = |value: &Value| match value {
        Value::String(_) => as_raw(value).map(str::to_owned),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        _ => None,
    };
    let written = it.case.document["environment"].as_object();
    it.case.kind == CaseKind::Step
        && path.starts_with("/spec/environmentVariables/")
        && path.ends_with("/value")
        && written.is_some_and(|map| map.values().any(|value| source_text(value).as_ref() == Some(ours)))
}

fn gpu_fields(it: &Disagreement<'_>) -> bool {
    let About::Body { path, ours: None, body, .. } = &it.about else { return false };
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

/// The peer judges a step's settings by themselves before it merges them. What it then finds has no place: it is about
/// several settings.
fn judged_merged(it: &Disagreement<'_>) -> bool {
    let About::PeerRefuses("settings", error) = &it.about else { return false };
    it.case.kind == CaseKind::Merged && error.loc.is_empty() && error.kind == "value_error"
}

/// What only the SDK's models refuse is not refused where no request is made.
fn unused_block(it: &Disagreement<'_>) -> bool {
    const OF_REQUESTS: [&str; 6] =
        ["empty-value", "invalid-mode", "invalid-name", "invalid-quantity", "relative-path", "too-long"];
    let About::OursRefuses(found) = &it.about else { return false };
    it.case.kind == CaseKind::Run
        && OF_REQUESTS.contains(&found.code.as_str())
        && !at(it, "empty-value").is_some_and(|key| matches!(key, "priority_class" | "workload_template_id"))
        && it.case.paths.iter().any(|block| found.path.strip_prefix(block).is_some_and(|rest| rest.starts_with('/')))
}

fn semi_preemptible(it: &Disagreement<'_>) -> bool {
    let About::PeerRefuses(_, error) = &it.about else { return false };
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
        // A null takes an entry of the operator's map out.
        About::PeerRefuses(_, error) => match error.loc.as_slice() {
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
    let About::PeerRefuses("config", error) = &it.about else { return false };
    // Not set at all, or set to nothing.
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
    fn the_table_in_the_documentation_is_this_one() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        check_table(&root.join("docs/conformance.md")).unwrap();
    }

    #[test]
    fn entries_are_in_order_and_have_one_name_each() {
        assert!(DIFFERENCES.windows(2).all(|pair| pair[0].id < pair[1].id));
    }
}
