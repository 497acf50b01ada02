//! Following a suggestion in a help text solves the diagnostic and adds no error.

use std::collections::BTreeSet;

use runai_spec::explain::setting_paths;
use runai_spec::rules::Severity;
use runai_spec::{Diagnostic, Report};

use crate::{lines, resolve};

/// Returns the suggested texts of a help. Texts after "such as" are examples.
fn suggestions(help: &str) -> Vec<&str> {
    const BEGINNINGS: [&str; 4] = ["write `", "write a list: `", "quote it: `", "after the `:`: `"];
    let starts = BEGINNINGS.iter().filter_map(|beginning| Some(help.find(beginning)? + beginning.len() - 1));
    let Some(start) = starts.min() else { return Vec::new() };
    let suggested = help[start..].split("such as").next().unwrap_or_default();
    // The reason follows a semicolon.
    let suggested = suggested.split("; ").next().unwrap_or_default();
    let mut parts = suggested.split('`');
    let mut found = Vec::new();
    let mut before = parts.next().unwrap_or_default();
    while let (Some(text), Some(after)) = (parts.next(), parts.next()) {
        let is_alternative = found.is_empty() || before.trim_end().ends_with("or");
        if !is_alternative {
            break;
        }
        found.push(text);
        before = after;
    }
    found
}

fn errors(report: &Report) -> BTreeSet<(&'static str, String)> {
    let errors = report.diagnostics.iter().filter(|found| found.severity == Severity::Error);
    errors.map(|found| (found.code, found.path.clone())).collect()
}

fn applied(text: &str, found: &Diagnostic, suggestion: &str) -> String {
    format!("{}{suggestion}{}", &text[..found.offset], &text[found.end_offset..])
}

/// Rules about several settings.
const OF_SEVERAL: [&str; 3] = ["limit-below-request", "missing-gpu-memory", "parallelism-above-completions"];

/// Applies every suggestion for a text, and returns the number of suggestions.
fn check(text: &str) -> usize {
    let report = resolve(text).report();
    let before = errors(&report);
    let mut count = 0;
    for found in report.diagnostics.iter().filter(|found| found.severity == Severity::Error) {
        let help = found.help.as_deref().unwrap_or_default();
        for suggestion in suggestions(help) {
            let text = applied(text, found, suggestion);
            let after = resolve(&text).report();
            let mut left = errors(&after);
            // Rules about several settings may report new errors.
            left.retain(|(code, _)| !OF_SEVERAL.contains(code));
            assert!(
                !left.contains(&(found.code, found.path.clone())) && left.is_subset(&before),
                "{help}\n{text}\n{}",
                lines(&after)
            );
            count += 1;
        }
    }
    count
}

const WRONG: [&str; 60] = [
    "yes",
    "no",
    "on",
    "off",
    "true",
    "\"true\"",
    "\"false\"",
    "1",
    "0",
    "2",
    "-1",
    "0644",
    "644",
    "420",
    "400",
    "0o644",
    "493",
    "\"2\"",
    "\"0.5\"",
    "0.5",
    "1.5",
    "1e3",
    "\"1e3\"",
    "1_000",
    "0x10",
    "500m",
    "1500m",
    "250m",
    "1h",
    "1h30m",
    "90s",
    "10m",
    "8589934592",
    "1000000",
    "1500",
    "8GB",
    "8GiB",
    "8gb",
    "8g",
    "512k",
    "512K",
    "8",
    "2P",
    "1Ei",
    "\"8 Gi\"",
    "4Gb",
    "abc",
    "a b",
    "a, b",
    "a,b",
    "\"\"",
    "null",
    "[]",
    "[1]",
    "[a]",
    "{}",
    "{a: b}",
    "2024-01-01",
    "99999999999999999999",
    "portions",
];

#[test]
fn suggestions_solve_invalid_values() {
    let mut count = 0;
    for path in setting_paths().iter().filter(|path| !path.contains('.') && !path.contains('[')) {
        for wrong in WRONG {
            count += check(&format!("{path}: {wrong}\n"));
        }
    }
    assert!(count > 300, "{count}");
}

#[test]
fn suggestions_solve_invalid_mounts() {
    let mut count = 0;
    for wrong in WRONG {
        count += check(&format!("secret_mounts: [{{secret: a, mount_path: /a, default_mode: {wrong}}}]\n"));
        count += check(&format!("pvc_mounts: [{{path: /a, existing_pvc: false, claim_info: {{size: {wrong}}}}}]\n"));
        count += check(&format!("ports: [{{container: {wrong}}}]\n"));
        count += check(&format!("labels: {{a: {wrong}}}\n"));
        count += check(&format!("tolerations: [{{key: a, operator: {wrong}, value: b}}]\n"));
    }
    assert!(count > 40, "{count}");
}

#[test]
fn splits_command_like_a_shell() {
    for (command, suggested) in [
        ("python train.py", "[python, train.py]"),
        (
            "bash -c \"cd /workspace && python train.py --lr 1e-3\"",
            "[bash, -c, \"cd /workspace && python train.py --lr 1e-3\"]",
        ),
        ("cd /w && python train.py", "[bash, -c, \"cd /w && python train.py\"]"),
        (
            "python train.py --lr 1e-3 --name 'a b' --yes no",
            "[python, train.py, --lr, \"1e-3\", --name, a b, --yes, \"no\"]",
        ),
        ("python train.py | tee log", "[bash, -c, \"python train.py | tee log\"]"),
        ("echo $HOME", "[bash, -c, \"echo $HOME\"]"),
    ] {
        let text = format!("image: a/b\ncommand: {command}\n");
        let report = resolve(&text).report();
        let help = report.diagnostics[0].help.clone().unwrap();
        let suggestion = help.strip_prefix("write a list: `").and_then(|rest| rest.strip_suffix('`')).unwrap();
        let fixed = applied(&text, &report.diagnostics[0], suggestion);
        let (ours, expected) = (resolve(&fixed), format!("image: a/b\ncommand: {suggested}\n"));
        assert!(ours.report().ok, "{fixed}");
        assert_eq!(ours.step().unwrap().command(), resolve(&expected).step().unwrap().command(), "{help}");
    }
}

/// A suggestion keeps the meaning that the value has in Kubernetes.
#[test]
fn suggestions_keep_the_meaning() {
    for (text, suggestion) in [
        ("cpu_memory_request: 8589934592\n", "8Gi"),
        ("cpu_memory_request: 1e9\n", "1G"),
        ("cpu_memory_request: \"4000000000\"\n", "4G"),
        ("cpu_core_request: 500m\n", "0.5"),
        ("cpu_core_request: 1500m\n", "1.5"),
        ("workload_timeout: 1h\n", "3600"),
        ("workload_timeout: 1h30m\n", "5400"),
        ("pending_timeout: 10m\n", "600"),
        ("secret_mounts: [{secret: a, mount_path: /a, default_mode: 420}]\n", "\"0644\""),
        ("secret_mounts: [{secret: a, mount_path: /a, default_mode: 256}]\n", "\"0400\""),
        ("secret_mounts: [{secret: a, mount_path: /a, default_mode: 644}]\n", "\"0644\""),
        ("secret_mounts: [{secret: a, mount_path: /a, default_mode: 0o755}]\n", "\"0755\""),
    ] {
        let report = resolve(text).report();
        let error = report.diagnostics.iter().find(|found| found.severity == Severity::Error).unwrap();
        let help = error.help.as_deref().unwrap();
        assert_eq!(suggestions(help).first(), Some(&suggestion), "{text}{help}");
    }
    let report = resolve("preemptibility: true\n").report();
    assert!(report.diagnostics[0].help.as_deref().unwrap().starts_with("write one of `non-preemptible`"));
}
