//! Small texts with the exact codes of their diagnostics.

use std::fs;
use std::path::Path;

use runai_spec::rules::Severity;
use runai_spec::{Kind, Resolver, Source};
use runai_syntax::{Format, convert};
use serde_json::Value;

use crate::lines;

/// Checks every case in a file of `tests/fixtures/verdicts`.
fn check(file: &str, format: Format, kind: Option<Kind>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/verdicts").join(file);
    let cases = convert(&fs::read_to_string(path).unwrap(), Format::Yaml, Format::Json).unwrap();
    let cases: Vec<Value> = serde_json::from_str(&cases).unwrap();
    assert!(!cases.is_empty());
    for case in cases {
        let text = case["text"].as_str().unwrap();
        let resolver = Resolver::new(Source { name: "test", text, format });
        let report = kind.map_or(resolver.clone(), |kind| resolver.kind(kind)).resolve().report();
        let found = |severity| {
            let of = report.diagnostics.iter().filter(|found| found.severity == severity);
            let mut codes: Vec<_> = of.map(|found| found.code).collect();
            codes.sort_unstable();
            codes
        };
        let wanted =
            |key: &str| -> Vec<_> { case[key].as_array().into_iter().flatten().filter_map(Value::as_str).collect() };
        assert_eq!(found(Severity::Error), wanted("errors"), "{text}\n{}", lines(&report));
        assert_eq!(found(Severity::Warning), wanted("warnings"), "{text}\n{}", lines(&report));
        assert_eq!(found(Severity::Note), wanted("notes"), "{text}\n{}", lines(&report));
        assert_eq!(report.ok, case["errors"].is_null(), "{text}");
    }
}

#[test]
fn checks_settings() {
    check("settings.yaml", Format::Yaml, Some(Kind::Settings));
}

#[test]
fn checks_detected_kinds() {
    check("detected.yaml", Format::Yaml, None);
}

#[test]
fn checks_run_configurations() {
    check("zenml.yaml", Format::Yaml, None);
}

#[test]
fn checks_json() {
    check("json.yaml", Format::Json, Some(Kind::Settings));
}

#[test]
fn checks_toml() {
    check("toml.yaml", Format::Toml, Some(Kind::Settings));
}
