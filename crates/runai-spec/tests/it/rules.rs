//! Tests of the rule registry.

use std::collections::BTreeSet;

use runai_spec::rules::{self, Example, Severity};
use runai_spec::{Report, Resolver, Source};
use runai_syntax::Format;

use crate::lines;

fn check(example: &Example) -> Report {
    example.check()
}

#[test]
fn examples_match_their_rules() {
    for rule in rules::all() {
        let report = check(&rule.valid);
        assert!(report.ok, "{} calls this right:\n{}", rule.code, lines(&report));
        assert!(report.diagnostics.iter().all(|found| found.code != rule.code), "{}", rule.code);
        if matches!(rule.valid, Example::Yaml(_)) {
            assert_eq!(rule.valid.bytes(), rule.valid.text().as_bytes(), "{}", rule.code);
        }
        let report = check(&rule.invalid);
        let of_rule: Vec<_> = report.diagnostics.iter().filter(|found| found.code == rule.code).collect();
        assert!(!of_rule.is_empty(), "{} is not broken by its example:\n{}", rule.code, lines(&report));
        for found in of_rule {
            assert_eq!(found.severity, rule.severity, "{}", rule.code);
        }
        let stray =
            report.diagnostics.iter().find(|found| found.severity == Severity::Error && found.code != rule.code);
        assert_eq!(stray, None, "{} has an example with another error", rule.code);
    }
}

#[test]
fn codes_are_unique_kebab_case() {
    let codes: Vec<_> = rules::all().map(|rule| rule.code).collect();
    assert_eq!(codes.iter().collect::<BTreeSet<_>>().len(), codes.len());
    for code in codes {
        assert!(code.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'), "{code}");
        assert!(rules::by_code(code).is_some());
    }
}

#[test]
fn summaries_and_docs_have_uniform_style() {
    for rule in rules::all() {
        assert!(!rule.summary.ends_with('.') && rule.summary.len() < 80, "{}: {}", rule.code, rule.summary);
        let docs = rule.docs();
        assert!(docs.ends_with('.') || docs.ends_with("`{}`."), "{}: {docs}", rule.code);
    }
}

#[test]
fn messages_are_headlines() {
    for rule in rules::all() {
        for found in check(&rule.invalid).diagnostics {
            assert!(!found.message.ends_with('.'), "{}", found.message);
            assert!(!found.message.contains('\n'), "{}", found.message);
        }
    }
}

/// Edge cases of rules: settings, and the codes and pointers of all diagnostics.
#[test]
fn rules_report_edge_cases() {
    const SHORT_LAST_PART: &str = "123e4567-e89b-12d3-a456-42661417400";
    let template = |id: &str| format!("workload_template_id: {id}\n");
    let mounts = |one: &str, two: &str| {
        let mount = |path| format!("{{server: s, path: /export, mount_path: {path}}}");
        format!("nfs_mounts: [{}, {}]\n", mount(one), mount(two))
    };
    let silent = &[][..];
    for (settings, said) in [
        (template(&format!("{SHORT_LAST_PART}0")), silent),
        (template(SHORT_LAST_PART), &[("template-id-not-uuid", "/workload_template_id")]),
        (template(&format!("{SHORT_LAST_PART}g")), &[("template-id-not-uuid", "/workload_template_id")]),
        ("gpu_request_type: memory\ngpu_memory_request: 2G\ngpu_portion_limit: null\n".to_owned(), silent),
        (
            "gpu_request_type: memory\ngpu_memory_request: 2G\ngpu_portion_limit: 1.0\n".to_owned(),
            &[("ignored-gpu-setting", "/gpu_portion_limit")],
        ),
        (mounts("/data//a", "/data//b"), silent),
        (mounts("/data//a", "/data/a/"), &[("similar-mount-paths", "/nfs_mounts/1/mount_path")]),
        ("gpu_memory_limit: null\n".to_owned(), silent),
        ("gpu_memory_limit: 2G\n".to_owned(), &[("ignored-gpu-setting", "/gpu_memory_limit")]),
    ] {
        let source = Source { name: "settings.yaml", text: &settings, format: Format::Yaml };
        let report = Resolver::new(source).resolve().report();
        let found: Vec<_> = report.diagnostics.iter().map(|found| (found.code, found.path.as_str())).collect();
        assert_eq!(found, said, "{settings}");
    }
}

#[test]
fn reports_unusable_names() {
    let message = |name: &str| {
        let text = format!("name: {name:?}\nimage: train:4\ncommand: [train]\n");
        let source = Source { name: "step.yaml", text: &text, format: Format::Yaml };
        Resolver::new(source).resolve().report().diagnostics[0].message.clone()
    };
    assert_eq!(message("!!!"), "`name` is `!!!`, which contains no character of a workload name");
    assert_eq!(message("Train!"), "`name` is `Train!`; the workload's name will begin with `train`");
}
