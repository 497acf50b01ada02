//! A changing document returns the same results as the functions on its text.

use std::fs;
use std::path::Path;

use runai_spec::inactive::inactive;
use runai_spec::permissions::permissions;
use runai_spec::{Context, Document, Kind, Location, Resolver, Source};
use runai_syntax::{Edit, Format, Tree, convert};

const STEP: &str = "image: a\ncommand: [b]\nsettings:\n  gpu_portion_request: 0.5 # half\n";

fn yaml(text: &str) -> Source<'_> {
    Source { name: "test.yaml", text, format: Format::Yaml }
}

/// Returns the fixtures with their names and formats.
fn fixtures() -> Vec<(String, String, Format)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut found = Vec::new();
    for kind in ["valid", "invalid"] {
        for entry in fs::read_dir(folder.join(kind)).unwrap() {
            let path = entry.unwrap().path();
            let format = match path.extension().and_then(|extension| extension.to_str()) {
                Some("json") => Format::Json,
                Some("toml") => Format::Toml,
                Some("yaml") => Format::Yaml,
                _ => continue,
            };
            let Ok(text) = fs::read_to_string(&path) else { continue };
            found.push((path.file_name().unwrap().to_str().unwrap().to_owned(), text, format));
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    assert!(found.len() > 40, "{}", found.len());
    found
}

/// Compares a document with the functions on its text.
fn check(document: &Document, operator: Option<Source<'_>>) {
    let source = document.source();
    let mut resolver = Resolver::new(source);
    if let Some(operator) = operator {
        resolver = resolver.operator(operator);
    }
    let resolution = resolver.resolve();
    let context = Context::default();
    assert_eq!(*document.report(), resolution.report(), "{}", source.text);
    assert_eq!(document.kind(), resolution.kind());
    let body = resolution.step().map(|step| step.body(&context));
    assert_eq!(document.body().map(str::to_owned), body, "{}", source.text);
    assert_eq!(*document.permissions(), permissions(&resolution));
    assert_eq!(document.source_map().cloned(), resolution.source_map(None, &context));
    assert_eq!(document.values().ok().map(str::to_owned), convert(source.text, source.format, Format::Json).ok());
    if let Some(step) = resolution.step() {
        assert_eq!(document.inactive()[0].settings, inactive(step.settings()));
    }
    let reports = resolution.reports();
    let other = operator.and_then(|operator| reports.iter().skip(1).find(|found| found.name == operator.name));
    assert_eq!(document.operator_report(), other.map(|found| &found.report));
}

#[test]
fn agrees_with_functions() {
    let operator =
        Source { name: "runai-step.yaml", text: "cpu_core_request: 9\nlabels: {1: 2}\n", format: Format::Yaml };
    for (name, text, format) in fixtures() {
        let document = Document::new(Source { name: &name, text: &text, format });
        check(&document, None);
        check(&document.with_operator(Some(operator)), Some(operator));
    }
}

#[test]
fn updates_after_text_changes() {
    let mut document = Document::new(yaml(STEP));
    for (_, text, format) in fixtures() {
        if format == Format::Yaml {
            document.set_text(&text);
            assert_eq!(document.text(), text);
            check(&document, None);
        }
    }
    // Every prefix of a step file, as it is typed.
    let mut document = Document::new(yaml(""));
    for (at, character) in STEP.char_indices() {
        assert!(document.apply(&[Edit { from: at, to: at, insert: character.to_string() }]));
        check(&document, None);
    }
    assert!(document.report().ok && document.text() == STEP);
}

#[test]
fn caches_results_until_change() {
    let mut document = Document::new(yaml(STEP));
    let (report, map) = (std::ptr::from_ref(document.report()), std::ptr::from_ref(document.source_map().unwrap()));
    let body = document.body().unwrap().as_ptr();
    document.set_text(STEP);
    document.set_context(Context::default());
    assert!(std::ptr::eq(report, document.report()) && std::ptr::eq(body, document.body().unwrap().as_ptr()));
    assert!(std::ptr::eq(map, document.source_map().unwrap()));
    let name = Context { name: Some("train-1".to_owned()), ..Context::default() };
    document.set_context(name);
    assert!(std::ptr::eq(report, document.report()), "the context says nothing about the text");
    assert!(document.body().unwrap().contains("\"name\": \"train-1\""));
    document.set_operator(Some(Source { name: "operator", text: "cpu_core_request: 7\n", format: Format::Yaml }));
    assert!(document.body().unwrap().contains("\"cpuCoreRequest\": 7"));
}

#[test]
fn applies_edits_and_fixes() {
    let mut document = Document::new(yaml(&STEP.replace("gpu_portion_request", "gpu_portion")));
    let fix = document.fix("unknown-key", "/settings/gpu_portion").unwrap().clone();
    assert_eq!(document.fix("unknown-key", "/settings"), None);
    assert!(document.apply_fix(&fix));
    assert_eq!(document.text(), STEP);
    let edits = document.edit("/settings/gpu_portion_request", Some(&Tree::from(0.25))).unwrap();
    assert!(document.apply(&edits));
    assert_eq!(document.text(), STEP.replace("0.5", "0.25"));
    let Some(Location::Written { offset, end_offset }) = document.locate("/settings/gpu_portion_request") else {
        panic!("it is written");
    };
    assert_eq!(&document.text()[offset..end_offset], "0.25");
    assert!(matches!(document.locate("/settings/labels/a"), Some(Location::Insertion { .. })));
}

#[test]
fn rejects_invalid_edits() {
    let text = "name: é\n";
    let mut document = Document::new(yaml(text));
    let edit = |from, to| Edit { from, to, insert: String::new() };
    for edits in [vec![edit(7, 8)], vec![edit(3, 2)], vec![edit(0, 99)], vec![edit(4, 5), edit(1, 2)]] {
        assert!(!document.apply(&edits), "{edits:?}");
        assert_eq!(document.text(), text);
    }
}

#[test]
fn returns_inactive_settings_despite_errors() {
    let found = |document: &Document| -> Vec<_> {
        document.inactive()[0].settings.iter().map(|found| found.path.clone()).collect()
    };
    let mut document = Document::new(yaml("image: a\ncommand: [a]\nsettings: {gpu_request_type: memory}\n"));
    assert!(!document.report().ok && document.body().is_none());
    assert!(found(&document).contains(&"/gpu_portion_request".to_owned()));
    document.set_text("gpu_devices_request: 0\nruns: 1\n");
    assert!(found(&document).contains(&"/gpu_request_type".to_owned()));
    let document = document.with_kind(Some(Kind::Operator));
    assert!(found(&document).contains(&"/gpu_request_type".to_owned()), "an operator file");
}

#[test]
fn selects_step_by_name() {
    let text = "steps:\n  a: {settings: {step_operator.runai: {gpu_devices_request: 0}}}\n  b: {settings: \
                {step_operator.runai: {gpu_devices_request: 2}}}\n";
    let mut document = Document::new(Source { name: "run.yaml", text, format: Format::Yaml });
    let steps: Vec<_> = document.inactive().iter().map(|found| found.step.clone().unwrap()).collect();
    assert_eq!(steps, ["a", "b"]);
    assert!(document.body().unwrap().contains("\"gpuDevicesRequest\": 0"));
    document.set_step(Some("b".to_owned()));
    assert!(document.body().unwrap().contains("\"gpuDevicesRequest\": 2"));
    assert!(document.source_map().is_some());
    document.set_step(Some("c".to_owned()));
    assert_eq!(document.body(), None);
}
