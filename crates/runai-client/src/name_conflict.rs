//! Recognizes error bodies that report a taken workload name. The API does not document their text.

use runai_api::wire::ComplianceIssue;

/// Returns whether the body of a 400 or 422 reports a taken name.
pub(crate) fn reports_taken_name(message: &str, details: Option<&str>, issues: &[ComplianceIssue]) -> bool {
    if issues.is_empty() {
        return is_workload_conflict(message) || details.is_some_and(is_workload_conflict);
    }
    issues
        .iter()
        .any(|issue| matches!(issue.field.as_str(), "name" | "metadata.name") && !is_syntax_problem(&issue.details))
}

/// Returns whether a text reports a conflict without naming a part of the spec that could conflict.
fn is_workload_conflict(text: &str) -> bool {
    let text = without_quotes(&text.to_ascii_lowercase());
    CONFLICT_WORDS.iter().any(|words| text.contains(words))
        && !text.split_whitespace().any(|word| SPEC_PARTS.contains(&word.trim_matches(|c: char| !c.is_alphanumeric())))
}

/// Returns whether a text reports an invalid syntax of the name.
fn is_syntax_problem(details: &str) -> bool {
    let details = details.to_ascii_lowercase();
    let contains = |words: &[&str]| words.iter().any(|words| details.contains(words));
    contains(&SYNTAX_WORDS) && !contains(&CONFLICT_WORDS)
}

/// Removes quoted text: it may be the user's, such as a workload named `mount`.
fn without_quotes(text: &str) -> String {
    let mut rest = text;
    let mut kept = String::new();
    while let Some(begin) = rest.find(['"', '`', '\'']) {
        let quote = &rest[begin..=begin];
        let Some(length) = rest[begin + 1..].find(quote) else { break };
        kept.push_str(&rest[..begin]);
        rest = &rest[begin + length + 2..];
    }
    kept + rest
}

const CONFLICT_WORDS: [&str; 8] =
    ["already been used", "already exist", "already used", "conflict", "duplicate", "in use", "taken", "unique"];

const SYNTAX_WORDS: [&str; 10] = [
    "at least",
    "at most",
    "characters",
    "invalid",
    "length",
    "lowercase",
    "must match",
    "pattern",
    "regular expression",
    "too long",
];

const SPEC_PARTS: [&str; 28] = [
    "annotation",
    "annotations",
    "claim",
    "claims",
    "configmap",
    "container",
    "env",
    "image",
    "label",
    "labels",
    "mount",
    "mountpath",
    "mounts",
    "path",
    "paths",
    "port",
    "ports",
    "pvc",
    "secret",
    "secrets",
    "storage",
    "toleration",
    "tolerations",
    "url",
    "urls",
    "variable",
    "variables",
    "volume",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn issue(field: &str, details: &str) -> ComplianceIssue {
        ComplianceIssue { field: field.into(), details: details.into(), ..ComplianceIssue::default() }
    }

    #[test]
    fn recognizes_taken_names() {
        for text in [
            "Workload with this name already exists",
            "a workload named 'mount' already exists in project `env`",
            "name fit-1 is already in use",
            "The name is already taken",
            "duplicate name",
            "name must be unique",
            "name conflict",
            "ERROR: duplicate key value violates unique constraint \"workloads_name_key\"",
        ] {
            assert!(reports_taken_name(text, None, &[]), "{text}");
            assert!(reports_taken_name("bad request", Some(text), &[]), "{text}");
        }
        assert!(reports_taken_name("refused", None, &[issue("name", "")]));
        assert!(reports_taken_name(
            "refused",
            None,
            &[issue("spec.image", "x"), issue("metadata.name", "must be unique")]
        ));
    }

    #[test]
    fn ignores_other_conflicts() {
        for text in [
            "duplicate mount path /data",
            "port 8080 is already in use",
            "environment variable names must be unique",
            "volume 'fit' already exists",
            "pvc name conflict",
            "invalid image",
            "the name is too long",
            "",
        ] {
            assert!(!reports_taken_name(text, None, &[]), "{text}");
        }
        for (message, issue) in [
            ("duplicate", issue("storage.pvc", "duplicate mount path")),
            ("already exists", issue("ports[0].container", "duplicate port")),
            ("refused", issue("name", "must match the pattern ^[a-z]+$")),
            ("refused", issue("spec.labels.name", "must be unique")),
        ] {
            assert!(!reports_taken_name(message, None, std::slice::from_ref(&issue)), "{issue:?}");
        }
    }
}
