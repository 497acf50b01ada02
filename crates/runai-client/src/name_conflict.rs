//! Recognizes refusals because of a workload name that exists already. The API does not document their text.

use runai_api::wire::ComplianceIssue;

/// Whether the body of a 400 or 422 reports a taken name.
pub(crate) fn is_about_the_name(message: &str, details: Option<&str>, issues: &[ComplianceIssue]) -> bool {
    if issues.is_empty() {
        return is_conflict_of_a_workload(message) || details.is_some_and(is_conflict_of_a_workload);
    }
    issues.iter().any(|issue| matches!(issue.field.as_str(), "name" | "metadata.name") && !is_form(&issue.details))
}

/// Whether a text reports a conflict, and names no part of a specification that could conflict.
fn is_conflict_of_a_workload(text: &str) -> bool {
    let text = without_quotes(&text.to_ascii_lowercase());
    CONFLICTS.iter().any(|words| text.contains(words))
        && !text.split_whitespace().any(|word| PARTS.contains(&word.trim_matches(|c: char| !c.is_alphanumeric())))
}

/// Whether a text reports an invalid form of the name.
fn is_form(details: &str) -> bool {
    let details = details.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|words| details.contains(words));
    says(&FORMS) && !says(&CONFLICTS)
}

/// Removes quoted text: it may be a user's word, such as a workload named `mount`.
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

const CONFLICTS: [&str; 8] =
    ["already been used", "already exist", "already used", "conflict", "duplicate", "in use", "taken", "unique"];

const FORMS: [&str; 10] = [
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

const PARTS: [&str; 28] = [
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
    fn words_about_a_name_that_is_taken_are_recognised() {
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
            assert!(is_about_the_name(text, None, &[]), "{text}");
            assert!(is_about_the_name("bad request", Some(text), &[]), "{text}");
        }
        assert!(is_about_the_name("refused", None, &[issue("name", "")]));
        assert!(is_about_the_name(
            "refused",
            None,
            &[issue("spec.image", "x"), issue("metadata.name", "must be unique")]
        ));
    }

    #[test]
    fn a_refusal_of_another_part_is_no_conflict_of_names() {
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
            assert!(!is_about_the_name(text, None, &[]), "{text}");
        }
        for (message, issue) in [
            ("duplicate", issue("storage.pvc", "duplicate mount path")),
            ("already exists", issue("ports[0].container", "duplicate port")),
            ("refused", issue("name", "must match the pattern ^[a-z]+$")),
            ("refused", issue("spec.labels.name", "must be unique")),
        ] {
            assert!(!is_about_the_name(message, None, std::slice::from_ref(&issue)), "{issue:?}");
        }
    }
}
