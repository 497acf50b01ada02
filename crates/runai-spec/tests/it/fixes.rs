//! Every fix solves its problem, results in valid syntax and adds no error; a safe one keeps the request body.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use runai_spec::explain::setting_paths;
use runai_spec::rules::{self, Example, Severity};
use runai_spec::{Applicability, Context, Diagnostic, Fix, Kind, Report, Resolution, Resolver, Source, Tag};
use runai_syntax::{Format, convert};
use serde_json::Value;

use crate::{lines, resolve};

/// A text with its format and kind.
#[derive(Clone, Copy)]
struct Case<'t> {
    name: &'t str,
    text: &'t str,
    format: Format,
    kind: Option<Kind>,
    operator: Option<&'t str>,
}

impl<'t> Case<'t> {
    fn yaml(text: &'t str) -> Self {
        Self { name: "test.yaml", text, format: Format::Yaml, kind: None, operator: None }
    }

    fn resolve(self) -> Resolution<'t> {
        let mut resolver = Resolver::new(Source { name: self.name, text: self.text, format: self.format });
        if let Some(kind) = self.kind {
            resolver = resolver.kind(kind);
        }
        if let Some(text) = self.operator {
            resolver = resolver.operator(Source { name: "runai-step.yaml", text, format: Format::Yaml });
        }
        resolver.resolve()
    }
}

fn apply(text: &str, fix: &Fix) -> String {
    let mut changed = text.to_owned();
    for edit in fix.edits.iter().rev() {
        changed.replace_range(edit.offset..edit.end_offset, &edit.insert);
    }
    changed
}

/// Rules about several settings, which only apply if each setting is valid.
const OF_SEVERAL: [&str; 5] = [
    "duplicate-mount-path",
    "limit-below-request",
    "missing-gpu-memory",
    "parallelism-above-completions",
    "toleration-without-key",
];
/// Rules about syntax.
const OF_TEXTS: [&str; 2] = ["duplicate-key", "syntax"];

fn errors(report: &Report) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    let errors = report.diagnostics.iter().filter(|found| found.severity == Severity::Error);
    errors.for_each(|found| *counts.entry(found.code).or_default() += 1);
    counts
}

fn body(resolution: &Resolution<'_>) -> Option<String> {
    Some(resolution.step()?.body(&Context::default()))
}

/// Applies every fix of a text, and returns the number of fixes.
fn check(case: Case<'_>) -> usize {
    let before = case.resolve();
    let report = before.report();
    let mut count = 0;
    for found in &report.diagnostics {
        for fix in &found.fixes {
            count += 1;
            check_fix(case, &before, &report, found, fix);
        }
    }
    count
}

fn check_fix(case: Case<'_>, before: &Resolution<'_>, report: &Report, found: &Diagnostic, fix: &Fix) {
    const VERBS: [&str; 7] = ["Write", "Rename", "Replace", "Use", "Change", "Add", "Remove"];
    assert!(VERBS.iter().any(|verb| fix.title.starts_with(&format!("{verb} "))), "{}", fix.title);
    assert!(!fix.edits.is_empty() && fix.edits.iter().all(|edit| edit.path == case.name), "{fix:?}");
    assert!(fix.edits.windows(2).all(|pair| pair[0].end_offset <= pair[1].offset), "{fix:?}");
    let text = apply(case.text, fix);
    let resolution = Case { text: &text, ..case }.resolve();
    let after = resolution.report();
    let shown = || format!("{}\n{fix:?}\n{}\n--- after\n{text}\n{}", found.message, case.text, lines(&after));
    let of = |report: &Report, code| report.diagnostics.iter().filter(|other| other.code == code).count();
    let moved = after.diagnostics.iter().find(|other| OF_TEXTS.contains(&other.code));
    if OF_TEXTS.contains(&found.code) {
        assert!(moved.is_none_or(|other| other.offset > found.offset), "{}", shown());
        return;
    }
    assert!(moved.is_none(), "{}", shown());
    if fix.applicability == Applicability::DisplayOnly {
        return;
    }
    assert!(of(&after, found.code) < of(report, found.code), "the problem stays: {}", shown());
    let known = errors(report);
    for (code, count) in errors(&after) {
        let is_known = known.get(code).is_some_and(|before| count <= *before);
        assert!(is_known || OF_SEVERAL.contains(&code), "a new error, {code}: {}", shown());
    }
    if fix.applicability == Applicability::Safe
        && let Some(body_before) = body(before)
    {
        assert_eq!(body(&resolution), Some(body_before), "another body: {}", shown());
    }
}

#[test]
fn fixes_solve_rule_examples() {
    let mut fixed = 0;
    for rule in rules::all() {
        let Example::Yaml(text) = rule.invalid else { continue };
        for format in [Format::Yaml, Format::Json, Format::Toml] {
            let converted = match format {
                Format::Yaml => Ok(text.to_owned()),
                _ => convert(text, Format::Yaml, format),
            };
            let Ok(text) = converted else { continue };
            fixed += check(Case { format, ..Case::yaml(&text) });
        }
    }
    assert!(fixed > 120, "{fixed}");
}

/// Rules without computable fixes, because the text does not contain the intended value.
const WITHOUT_FIX: [&str; 17] = [
    "conflicting-blocks",
    "duplicate-merge",
    "empty-document",
    "environment-placeholder",
    "foreign-file",
    "literal-placeholder",
    "local-image",
    "missing-variable",
    "not-utf8",
    "secret-reference",
    "several-documents",
    "syntax",
    "template-id-not-uuid",
    "too-deep",
    "too-large",
    "too-long",
    "too-many-aliases",
];

#[test]
fn rules_with_solutions_have_fixes() {
    for rule in rules::all() {
        let report = rule.invalid.check();
        let has_fix = report.diagnostics.iter().any(|found| found.code == rule.code && !found.fixes.is_empty());
        assert_eq!(has_fix, !WITHOUT_FIX.contains(&rule.code), "{}:\n{}", rule.code, lines(&report));
    }
}

#[test]
fn fixes_solve_fixtures() {
    let mut fixed = 0;
    for folder in ["invalid", "valid"] {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(folder);
        for path in fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()) {
            let name = path.file_name().unwrap().to_str().unwrap();
            let is_fixture = path.extension().is_some_and(|extension| extension != "snap");
            let Some(text) = fs::read_to_string(&path).ok().filter(|_| is_fixture) else { continue };
            fixed += check(Case { name, text: &text, format: Format::of_path(name), kind: None, operator: None });
        }
    }
    assert!(fixed > 100, "{fixed}");
}

#[test]
fn fixes_solve_verdicts() {
    let mut fixed = 0;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/verdicts");
    for path in fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()) {
        let stem = path.file_stem().unwrap().to_str().unwrap();
        let kind = Kind::ALL.into_iter().find(|kind| kind.as_str() == stem);
        let cases = convert(&fs::read_to_string(&path).unwrap(), Format::Yaml, Format::Json).unwrap();
        let cases: Vec<Value> = serde_json::from_str(&cases).unwrap();
        let format = match stem {
            "json" => Format::Json,
            "toml" => Format::Toml,
            _ => Format::Yaml,
        };
        for text in cases.iter().filter_map(|case| case["text"].as_str()) {
            fixed += check(Case { format, kind, ..Case::yaml(text) });
        }
    }
    assert!(fixed > 300, "{fixed}");
}

const WRONG: [&str; 48] = [
    "yes",
    "no",
    "\"true\"",
    "true",
    "1",
    "0",
    "2",
    "-1",
    "0644",
    "644",
    "420",
    "0o644",
    "\"2\"",
    "\"0.5\"",
    "0.5",
    "1.5",
    "1e3",
    "\"1e3\"",
    "1_000",
    "0x10",
    "500m",
    "1h30m",
    "90s",
    "8589934592",
    "1500",
    "8GB",
    "8 GiB",
    "8gb",
    "8g",
    "512k",
    "8",
    "2P",
    "\"8 Gi\"",
    "abc",
    "Abc_Def",
    "a b",
    "a, b",
    "\"\"",
    "null",
    "[]",
    "[1]",
    "[a, a]",
    "{}",
    "{a: b}",
    "2024-01-01",
    "99999999999999999999",
    "\u{201c}abc\u{201d}",
    "a/b/",
];

#[test]
fn fixes_solve_invalid_values() {
    let mut fixed = 0;
    for path in setting_paths().iter().filter(|path| !path.contains('.') && !path.contains('[')) {
        for wrong in WRONG {
            let text = format!(
                "# a comment\nimage: a/b:1\ncommand: [x]\nsettings:\n  {path}: {wrong} # why\n  labels: {{a: b}}\n"
            );
            if path != "labels" {
                fixed += check(Case::yaml(&text));
            }
        }
    }
    assert!(fixed > 600, "{fixed}");
}

#[test]
fn fixes_solve_misspelled_keys() {
    let mut fixed = 0;
    let sample = |path: &str| match path {
        "gpu_request_type" => "portion",
        "labels" => "{a: b}",
        _ => "1",
    };
    for path in setting_paths().iter().filter(|path| !path.contains('.') && !path.contains('[')) {
        for wrong in [
            path.to_uppercase(),
            path.replace('_', "-"),
            path.replace('_', ""),
            format!("{path}s"),
            path[1..].to_owned(),
        ] {
            for value in [sample(path), "\"2\"", "yes"] {
                let text = format!("image: a/b:1\ncommand: [x]\nsettings:\n  {wrong}: {value}\n");
                fixed += check(Case::yaml(&text));
            }
            let text = format!("{{\"{wrong}\": {}}}", if path == "labels" { "{\"a\": \"b\"}" } else { "1" });
            fixed += check(Case { format: Format::Json, kind: Some(Kind::Settings), ..Case::yaml(&text) });
            let text = format!("image = \"a/b:1\"\ncommand = [\"x\"]\n\n[settings]\n{wrong} = 1\n");
            fixed += check(Case { format: Format::Toml, ..Case::yaml(&text) });
        }
    }
    assert!(fixed > 600, "{fixed}");
}

/// Returns the first fix of the first diagnostic of a text, and the fixed text.
fn first(text: &str) -> (String, Applicability, String) {
    let report = resolve(text).report();
    let fix = report.diagnostics.iter().flat_map(|found| &found.fixes).next();
    let fix = fix.unwrap_or_else(|| panic!("no fix:\n{}", lines(&report)));
    (fix.title.clone(), fix.applicability, apply(text, fix))
}

#[test]
fn fixes_have_expected_results() {
    use Applicability::{Safe, Unsafe};
    for (text, title, applicability, fixed) in [
        ("gpu_portion: 0.5\n", "Rename `gpu_portion` to `gpu_portion_request`", Safe, "gpu_portion_request: 0.5\n"),
        (
            "gpuDevicesRequest: \"2\" # two\n",
            "Rename `gpuDevicesRequest` to `gpu_devices_request`",
            Safe,
            "gpu_devices_request: 2 # two\n",
        ),
        ("large_shm_request: yes\n", "Change `large_shm_request` to `true`", Safe, "large_shm_request: true\n"),
        ("workload_timeout: 0644\n", "Change `workload_timeout` to `420`", Unsafe, "workload_timeout: 420\n"),
        ("gpu_devices_request: \"4\"\n", "Change `gpu_devices_request` to `4`", Safe, "gpu_devices_request: 4\n"),
        ("node_type: 100\n", "Change `node_type` to `\"100\"`", Safe, "node_type: \"100\"\n"),
        ("cpu_memory_request: 8GiB\n", "Change `cpu_memory_request` to `8Gi`", Safe, "cpu_memory_request: 8Gi\n"),
        (
            "preemptibility: nonpreemptible\n",
            "Change `preemptibility` to `non-preemptible`",
            Safe,
            "preemptibility: non-preemptible\n",
        ),
        (
            "image: a/b\ncommand: python train.py --name 'a b'\n",
            "Change `command` to `[python, train.py, --name, a b]`",
            Safe,
            "image: a/b\ncommand: [python, train.py, --name, a b]\n",
        ),
        (
            "cpu_memory_request: 8Gi\ncpu_memory_limit: 8G\n",
            "Change `cpu_memory_limit` to `8Gi`",
            Unsafe,
            "cpu_memory_request: 8Gi\ncpu_memory_limit: 8Gi\n",
        ),
        (
            "image: a/b\ncommand: [x]\nnode_type: A100\n",
            "Write `node_type` below `settings`",
            Safe,
            "image: a/b\ncommand: [x]\nsettings:\n  node_type: A100\n",
        ),
        (
            "gpu_devices_request: 1 # one\nnode_type: A100\ngpu_devices_request: 2 # two\n",
            "Remove the first `gpu_devices_request`",
            Unsafe,
            "node_type: A100\ngpu_devices_request: 2 # two\n",
        ),
        (
            "{node_type: A100, labels: {a: b, a: c}}\n",
            "Remove the first `a`",
            Unsafe,
            "{node_type: A100, labels: {a: c}}\n",
        ),
        (
            "labels:\n\tteam: ml\n\torg: a\n",
            "Replace tabs in the indentation by spaces",
            Safe,
            "labels:\n  team: ml\n  org: a\n",
        ),
        (
            "image: a/b\ncommand:\n  - |\n    if x:\n    \ty\nsettings:\n  labels:\n  \ta: b\n",
            "Replace tabs in the indentation by spaces",
            Safe,
            "image: a/b\ncommand:\n  - |\n    if x:\n    \ty\nsettings:\n  labels:\n    a: b\n",
        ),
        (
            "image: a/b\ncommand: [x]\nsettings:\n  gpu_portion_request:0.5\n  node_type: A100\n",
            "Write `gpu_portion_request: 0.5`",
            Safe,
            "image: a/b\ncommand: [x]\nsettings:\n  gpu_portion_request: 0.5\n  node_type: A100\n",
        ),
        (
            "steps: {}\nsettings:\n  step-operator.runai: {gpu_devices_request: 1}\n",
            "Rename `step-operator.runai` to `step_operator.runai`",
            Safe,
            "steps: {}\nsettings:\n  step_operator.runai: {gpu_devices_request: 1}\n",
        ),
        (
            "image: a/b\ncommand: [x]\nenvironment: [A=b, C=1]\n",
            "Change `environment`",
            Safe,
            "image: a/b\ncommand: [x]\nenvironment:\n  A: b\n  C: \"1\"\n",
        ),
    ] {
        let found = first(text);
        let title_fits = found.0 == title || title == "Change `environment`" && found.0.starts_with(title);
        assert!(title_fits, "{found:?}");
        assert_eq!((found.1, found.2.as_str()), (applicability, fixed), "{text}");
    }
}

#[test]
fn limits_work_for_large_texts() {
    let report = |ports: usize| {
        let entries: Vec<_> = (0..ports).map(|index| format!("  - {{container: \"{index}\"}}\n")).collect();
        resolve(&format!("ports:\n{}", entries.concat())).report()
    };
    let large = report(20_000);
    assert!(large.diagnostics.iter().filter(|found| found.code == "wrong-type").count() > 10_000);
    // The work for fixes is limited: only the first diagnostics have fixes.
    let smaller = report(2_000);
    assert!(smaller.diagnostics.iter().any(|found| !found.fixes.is_empty()));
    assert!(smaller.diagnostics.iter().any(|found| found.code == "wrong-type" && found.fixes.is_empty()));
}

/// Returns the source texts of a diagnostic's related places.
#[test]
fn reports_related_places() {
    for (text, operator, related) in [
        ("cpu_memory_request: 8Gi\ncpu_memory_limit: 8G\n", None, &[("test.yaml", "8Gi")][..]),
        ("gpu_devices_request: 1\ngpu_devices_request: 2\n", None, &[("test.yaml", "gpu_devices_request")]),
        ("node_pools: [a, b, a]\n", None, &[("test.yaml", "a")]),
        (
            "external_urls:\n  - {container: 1, authorized_users: [ada], authorized_groups: [ml]}\n",
            None,
            &[("test.yaml", "[ada]")],
        ),
        ("cpu_memory_limit: 8G\n", Some("cpu_memory_request: 8Gi\n"), &[("runai-step.yaml", "8Gi")]),
    ] {
        let report = Case { operator, ..Case::yaml(text) }.resolve().report();
        let found = report.diagnostics.iter().flat_map(|found| &found.related).map(|related| {
            let source = if related.path == "test.yaml" { text } else { operator.unwrap() };
            (related.path.as_str(), &source[related.offset..related.end_offset])
        });
        assert_eq!(found.collect::<Vec<_>>(), related, "{text}");
    }
}

#[test]
fn fixes_never_contain_secrets() {
    for text in [
        "image: a/b\ncommand: [x]\nenvironment: {API_KEY: \"canary\u{a0}\"}\n",
        "node_type: A100\nimage: a/b\ncommand: [x]\nenvironment: {API_KEY: canary}\nsettings: {}\n",
        "image: a/b\ncommand: [x]\nenvironment: [API_KEY=canary]\n",
        "runai_base_url: https://ada:canary@my-org.run.ai\n",
        "client_secret: 123canary\u{a0}\n",
    ] {
        let report = resolve(text).report();
        let fixes: Vec<_> = report.diagnostics.iter().flat_map(|found| &found.fixes).collect();
        assert!(!report.diagnostics.is_empty() && !format!("{fixes:?}").contains("canary"), "{fixes:?}");
    }
}

/// Mutations of a valid text: a line with another value or key, repeated, without the space, or indented by tabs.
fn mutations(text: &str, at: usize) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let line = lines[at];
    let with = |line: String| {
        let mut lines: Vec<_> = lines.iter().map(|line| (*line).to_owned()).collect();
        lines[at] = line;
        lines.join("\n") + "\n"
    };
    let indent = line.len() - line.trim_start().len();
    let mut found = vec![with(format!("{}{}", "\t".repeat(indent / 2), line.trim_start()))];
    if let Some((key, value)) = line.split_once(": ") {
        let wrong = WRONG[(at * 7 + line.len()) % WRONG.len()];
        found.extend([
            with(format!("{key}: {wrong}")),
            with(format!("{key}:{value}")),
            with(format!("{key}s: {value}")),
            with(format!("{}: {value}", key.replace('_', "-"))),
            with(format!("{line}\n{key}: {wrong}")),
            with(format!("{key}: \u{201c}{value}\u{201d}")),
        ]);
    }
    found
}

#[test]
fn fixes_solve_mutated_fixtures() {
    let mut fixed = 0;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/valid");
    for path in fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()) {
        let name = path.file_name().unwrap().to_str().unwrap();
        let is_yaml = path.extension().is_some_and(|extension| extension == "yaml");
        let Some(text) = fs::read_to_string(&path).ok().filter(|text| is_yaml && text.len() < 4000) else { continue };
        for at in 0..text.lines().count() {
            for text in mutations(&text, at).into_iter().skip(at % 3).step_by(3) {
                fixed += check(Case { name, ..Case::yaml(&text) });
            }
        }
    }
    for rule in rules::all() {
        let Example::Yaml(text) = rule.valid else { continue };
        for at in 0..text.lines().count() {
            for text in mutations(text, at).into_iter().skip((at + text.len()) % 7).step_by(7) {
                fixed += check(Case::yaml(&text));
            }
        }
    }
    assert!(fixed > 200, "{fixed}");
}

/// Returns the texts that the display-only fixes result in.
#[test]
fn placeholder_fixes_are_display_only() {
    for (text, title, fixed) in [
        (
            "image: a/b\ncommand: [x]\nenvironment: {HF_TOKEN: abc, A: b}\n",
            "Replace `HF_TOKEN` by a mount of a Secret",
            "image: a/b\ncommand: [x]\nenvironment: {A: b}\nsettings:\n  secret_mounts:\n    - secret: hf-token\n      mount_path: /etc/secrets\n",
        ),
        (
            "command: [x]\n",
            "Add `image: registry.example.com/ml/train:1.4.2`",
            "command: [x]\nimage: registry.example.com/ml/train:1.4.2\n",
        ),
        ("workload_timeout: soon\n", "Remove `workload_timeout`", "{}\n"),
        ("preemptibility: 5\n", "Change `preemptibility` to `preemptible`", "preemptibility: preemptible\n"),
    ] {
        let report = resolve(text).report();
        let fixes = report.diagnostics.iter().flat_map(|found| &found.fixes);
        let fix = fixes.clone().find(|fix| fix.title == title);
        let fix = fix.unwrap_or_else(|| panic!("{title}: {:?}", fixes.map(|fix| &fix.title).collect::<Vec<_>>()));
        assert_eq!((fix.applicability, apply(text, fix).as_str()), (Applicability::DisplayOnly, fixed));
    }
}

#[test]
fn diagnostics_have_tags() {
    for (text, tag) in [
        ("gpu_memory_limit: 2G\n", Tag::Unnecessary),
        ("priority_class: train\n", Tag::Deprecated),
        ("client_id: a\nclient_secret: not-a-real-secret\n", Tag::Secret),
    ] {
        assert_eq!(resolve(text).report().diagnostics[0].tags, [tag], "{text}");
    }
}
