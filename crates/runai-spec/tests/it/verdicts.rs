//! What is refused and what is warned of, and that nothing else is: small texts, each with the codes of what is found in it.

use std::fs;
use std::path::Path;

use runai_spec::rules::Severity;
use runai_spec::{Kind, Resolver, Source};
use runai_syntax::{Format, convert};
use serde_json::Value;

use crate::lines;

/// Checks every case of a file of `tests/fixtures/verdicts`.
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
fn settings_get_their_verdicts() {
    check("settings.yaml", Format::Yaml, Some(Kind::Settings));
}

#[test]
fn documents_of_every_kind_get_their_verdicts() {
    check("detected.yaml", Format::Yaml, None);
}

#[test]
fn run_configurations_get_their_verdicts() {
    check("zenml.yaml", Format::Yaml, None);
}

#[test]
fn json_gets_its_verdicts() {
    check("json.yaml", Format::Json, Some(Kind::Settings));
}

#[test]
fn toml_gets_its_verdicts() {
    check("toml.yaml", Format::Toml, Some(Kind::Settings));
}
