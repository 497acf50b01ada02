//! Tests of the JSON Schemas, and comparisons with the core.

use std::collections::BTreeSet;
use std::env;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use jsonschema::Validator;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use runai_spec::rules::{self, Example, Severity};
use runai_spec::{Context, Kind, Resolver, Source, schema};
use runai_syntax::{Format, convert};
use serde_json::{Value, json};

use crate::lines;
use crate::properties::{any_document, invalid_values, put, valid_document};

/// Errors of the core that a schema cannot express, and the reasons.
const BEYOND_A_SCHEMA: [(&str, &str); 5] = [
    ("conflicting-blocks", "whether two blocks are for one step operator depends on what is in them"),
    ("duplicate-mount-path", "a schema compares no values of different members"),
    ("limit-below-request", "a schema compares no values of different members, and no amounts with units"),
    ("parallelism-above-completions", "a schema compares no values of different members"),
    ("out-of-range", "a schema's numbers have no width: a number beyond 64 bits is one like any other"),
];

static STEP: LazyLock<Validator> = LazyLock::new(|| compiled("step"));
static SETTINGS: LazyLock<Validator> = LazyLock::new(|| compiled("settings"));
static OPERATOR: LazyLock<Validator> = LazyLock::new(|| compiled("operator"));
static ZENML: LazyLock<Validator> = LazyLock::new(|| compiled("zenml-run"));
static BODY: LazyLock<Validator> = LazyLock::new(|| compiled("training-request"));

fn compiled(name: &str) -> Validator {
    jsonschema::draft7::new(&schema::value(name).unwrap()).unwrap()
}

fn of_kind(kind: Kind) -> &'static Validator {
    match kind {
        Kind::Operator => &OPERATOR,
        Kind::Settings => &SETTINGS,
        Kind::Step => &STEP,
        Kind::Zenml => &ZENML,
    }
}

#[test]
fn generated_files_are_up_to_date() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files: Vec<_> = schema::NAMES
        .iter()
        .map(|name| (root.join(format!("schemas/{name}.schema.json")), schema::text(name).unwrap()))
        .collect();
    files.push((root.join("docs/settings.md"), schema::reference()));
    files.push((root.join("docs/rules.md"), rules::reference()));
    files.extend(
        schema::declarations().map(|(name, text)| (root.join("crates/runai-spec/src/generated").join(name), text)),
    );
    for (path, expected) in files {
        let found = fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n");
        assert!(found == expected, "{} is out of date: run `cargo xtask schema`", path.display());
    }
    assert_eq!(schema::text("no-such-schema"), None);
}

#[test]
fn schemas_are_valid() {
    for name in schema::NAMES {
        let schema = schema::value(name).unwrap();
        if let Err(error) = jsonschema::draft7::meta::validate(&schema) {
            panic!("{name}: {error} at {}", error.instance_path());
        }
        assert_eq!(schema["$id"].as_str().unwrap().rsplit('/').next(), Some(format!("{name}.schema.json").as_str()));
    }
}

#[test]
fn settings_have_descriptions() {
    let settings = schema::value("operator").unwrap();
    for (name, property) in settings["properties"].as_object().unwrap() {
        if name == "$schema" {
            continue;
        }
        let hover = property["markdownDescription"].as_str().unwrap_or_default();
        assert!(hover.contains(&format!("settings.md#{name})")), "{name}: {hover}");
        assert!(property["x-group"].is_string(), "{name}");
        assert!(property.get("anyOf").is_none() && property.get("format").is_none(), "{name}");
        let described = property["markdownEnumDescriptions"].as_array().map(Vec::len);
        assert_eq!(described, property["enum"].as_array().map(Vec::len), "{name}");
        assert!(property.get("pattern").is_none() || property["patternErrorMessage"].is_string(), "{name}");
    }
}

/// Checks with the rules' examples and the fixtures that the list of exceptions is minimal.
#[test]
fn schema_exceptions_are_minimal() {
    for rule in rules::all().filter(|rule| rule.severity == Severity::Error) {
        let Example::Yaml(text) = rule.invalid else { continue };
        // Syntax errors and duplicate keys never reach a schema.
        let (Some(kind), Some(value)) = (Resolver::new(source(text)).resolve().kind(), value_of(text, Format::Yaml))
        else {
            continue;
        };
        let listed = BEYOND_A_SCHEMA.iter().any(|(code, _)| *code == rule.code);
        let accepted = of_kind(kind).is_valid(&value);
        if rule.code != "out-of-range" {
            assert_eq!(accepted, listed, "{}: {text}", rule.code);
        }
    }
    let beyond = "gpu_devices_request: 99999999999999999999\n";
    assert!(!Resolver::new(source(beyond)).kind(Kind::Settings).resolve().report().ok);
    assert!(SETTINGS.is_valid(&value_of(beyond, Format::Yaml).unwrap()));
}

#[test]
fn schema_and_core_agree_on_fixtures() {
    let mut judged = 0;
    for folder in ["valid", "invalid"] {
        for path in files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(folder)) {
            let Ok(text) = fs::read_to_string(&path) else { continue };
            let format = Format::of_path(path.to_str().unwrap());
            let Some(value) = value_of(&text, format) else { continue };
            let resolution = Resolver::new(Source { name: "fixture", text: &text, format }).resolve();
            let Some(kind) = resolution.kind() else { continue };
            agree(kind, &value, &errors(&resolution.report()), &text);
            judged += 1;
        }
    }
    assert!(judged > 20, "{judged}");
}

#[test]
fn negative_files_fail_at_expected_place() {
    for (kind, document, path, keyword) in [
        (Kind::Settings, json!({"gpu_device_request": 1}), "", "additionalProperties"),
        (Kind::Settings, json!({"cpu_memory_request": "4 gigs"}), "/cpu_memory_request", "pattern"),
        (Kind::Settings, json!({"gpu_portion_request": 1.5}), "/gpu_portion_request", "maximum"),
        (Kind::Settings, json!({"gpu_request_type": "portions"}), "/gpu_request_type", "enum"),
        (Kind::Settings, json!({"gpu_request_type": "memory"}), "/gpu_request_type", "const"),
        (Kind::Settings, json!({"pvc_mounts": [{"path": "data"}]}), "/pvc_mounts/0/path", "pattern"),
        (Kind::Settings, json!({"pvc_mounts": [{}]}), "/pvc_mounts/0", "required"),
        (Kind::Settings, json!({"tolerations": [{"operator": "Equal"}]}), "/tolerations/0/operator", "const"),
        (
            Kind::Settings,
            json!({"tolerations": [{"key": "a", "operator": "Exists", "value": "b"}]}),
            "/tolerations/0/value",
            "type",
        ),
        (
            Kind::Settings,
            json!({"external_urls": [{"container": 1, "authorized_users": ["a"], "authorized_groups": ["b"]}]}),
            "/external_urls/0/authorized_groups",
            "enum",
        ),
        (Kind::Step, json!({"image": "a", "command": "python"}), "/command", "type"),
        (
            Kind::Step,
            json!({"image": "a", "command": ["b"], "settings": {"ports": [{"container": 0}]}}),
            "/settings/ports/0/container",
            "minimum",
        ),
        (Kind::Operator, json!({"runai_base_url": "my-org.run.ai"}), "/runai_base_url", "pattern"),
        (Kind::Operator, json!({"parallelism": 0}), "/parallelism", "minimum"),
        (
            Kind::Zenml,
            json!({"steps": {"a": {"settings": {"step_operator.runai": {"node_typ": "A100"}}}}}),
            "/steps/a/settings/step_operator.runai",
            "additionalProperties",
        ),
    ] {
        let errors: Vec<_> = of_kind(kind)
            .iter_errors(&document)
            .map(|error| (error.instance_path().as_str().to_owned(), error.kind().keyword().to_owned()))
            .collect();
        assert_eq!(errors, [(path.to_owned(), keyword.to_owned())], "{document}");
    }
}

/// The test files that `SchemaStore` requires for an entry of its catalog.
#[test]
fn catalog_test_files_have_expected_verdicts() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/schemastore");
    for (below, right) in [("test", true), ("negative_test", false)] {
        let files = files(&folder.join(below).join("runai-step"));
        assert!(files.len() >= 3);
        for path in files {
            let text = fs::read_to_string(&path).unwrap();
            let value = value_of(&text, Format::of_path(path.to_str().unwrap())).unwrap();
            assert_eq!(STEP.is_valid(&value), right, "{}", path.display());
        }
    }
    let catalog: Value = serde_json::from_str(&fs::read_to_string(folder.join("catalog.json")).unwrap()).unwrap();
    assert_eq!(catalog[0]["url"], schema::value("step").unwrap()["$id"]);
}

#[test]
fn schema_allows_other_zenml_sections() {
    let document = json!({
        "settings": {"docker": {"parent_image": "a"}, "step_operator:mine": {"instance_type": "a"}},
        "steps": {"train": {"parameters": {"a": 1}, "settings": {"step_operator": {"gpu_portion_request": "${SHARE}"}}}, "b": {}},
        "model": {"name": "m"},
    });
    assert!(ZENML.is_valid(&document));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn schema_and_core_agree((kind, document) in any_document()) {
        let text = document.to_string();
        let resolution = Resolver::new(Source { name: "test", text: &text, format: Format::Json }).kind(kind).resolve();
        agree(kind, &document, &errors(&resolution.report()), &text);
    }

    #[test]
    fn schema_and_core_agree_on_mutations(
        (kind, document) in valid_document(),
        at in any::<Index>(),
        breakage in any::<Index>(),
    ) {
        let mut document = document;
        let invalid_values = invalid_values(&document, at);
        let (pointer, wrong) = breakage.get(&invalid_values).clone();
        put(&mut document, &pointer, wrong);
        let text = document.to_string();
        let resolution = Resolver::new(Source { name: "test", text: &text, format: Format::Json }).kind(kind).resolve();
        agree(kind, &document, &errors(&resolution.report()), &text);
    }

    #[test]
    fn schema_accepts_every_body((kind, document) in valid_document()) {
        let text = document.to_string();
        let resolution = Resolver::new(Source { name: "test", text: &text, format: Format::Json }).kind(kind).resolve();
        let Some(step) = resolution.step() else { return Ok(()) };
        let body = serde_json::to_value(step.render(&Context::default())).unwrap();
        let wrong: Vec<_> = BODY.iter_errors(&body).map(|error| format!("{error} at {}", error.instance_path())).collect();
        prop_assert!(wrong.is_empty(), "{:?}\n{:#}", wrong, body);
    }
}

/// Writes documents and verdicts for validators in other languages to the path in `RUNAI_STEP_CASES`.
#[test]
#[ignore = "run by `cargo xtask test ide`"]
fn write_cases() {
    let path = env::var("RUNAI_STEP_CASES").expect("where to write");
    let mut file = BufWriter::new(File::create(path).unwrap());
    let mut runner = TestRunner::deterministic();
    for strategy in [any_document().boxed(), valid_document().boxed()] {
        for _ in 0..2000 {
            let (kind, document) = strategy.new_tree(&mut runner).unwrap().current();
            let schema = if kind == Kind::Zenml { "zenml-run" } else { kind.as_str() };
            let accepted = of_kind(kind).is_valid(&document);
            writeln!(file, "{}", json!({"schema": schema, "document": document, "accepted": accepted})).unwrap();
        }
    }
}

/// Asserts that schema and core accept the same documents, except for errors that a schema cannot express. The schema of run
/// configurations is more permissive, because pydantic converts strings.
fn agree(kind: Kind, document: &Value, errors: &BTreeSet<&str>, text: &str) {
    let wrong: Vec<_> =
        of_kind(kind).iter_errors(document).map(|error| format!("{error} at `{}`", error.instance_path())).collect();
    let beyond = |code: &str| BEYOND_A_SCHEMA.iter().any(|(listed, _)| *listed == code);
    // PyYAML reads a number with an unsigned exponent as a string.
    if kind == Kind::Zenml && text.contains("1e300") {
        return;
    }
    if errors.is_empty() {
        assert!(wrong.is_empty(), "only the schema of a {kind} refuses this: {wrong:?}\n{text}");
    } else if kind != Kind::Zenml && errors.iter().any(|code| !beyond(code)) {
        assert!(!wrong.is_empty(), "only the core refuses this {kind}, for {errors:?}\n{text}");
    }
}

fn errors(report: &runai_spec::Report) -> BTreeSet<&'static str> {
    let found = report.diagnostics.iter().filter(|found| found.severity == Severity::Error).map(|found| found.code);
    let found: BTreeSet<_> = found.collect();
    assert_eq!(found.is_empty(), report.ok, "{}", lines(report));
    found
}

/// Parses a text to JSON.
fn value_of(text: &str, format: Format) -> Option<Value> {
    let json = convert(text, format, Format::Json).ok()?;
    serde_json::from_str(&json).ok()
}

fn source(text: &str) -> Source<'_> {
    Source { name: "test", text, format: Format::Yaml }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| {
        path.extension().is_some_and(|ending| ["json", "toml", "yaml"].iter().any(|known| ending == *known))
    });
    files.sort();
    files
}
