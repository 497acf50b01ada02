//! Conversions keep values, and format them.

use proptest::prelude::*;
use runai_syntax::{ConvertError, Format, convert};
use serde_json::{Value, json};

use crate::tricky::tricky_text;

const STEP: &str = "\
name: train
image: python:3.12-slim
command: [python3, -m, train, --epochs, \"20\"]
environment: {SEED: 7, RATE: 1.50, DEBUG: true, MODE: \"0644\"}
settings:
  cpu_core_request: 8.0
  node_pools: []
  labels: {\"app.kubernetes.io/name\": train}
  tolerations:
    - key: nvidia.com/gpu
      operator: Exists
  pvc_mounts:
    - path: /data
      claim_info: {size: 50Gi}
";

fn converted(text: &str, from: Format, to: Format) -> String {
    convert(text, from, to).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

#[test]
fn formats_step_in_every_format() {
    insta::assert_snapshot!("step.yaml", converted(STEP, Format::Yaml, Format::Yaml));
    insta::assert_snapshot!("step.json", converted(STEP, Format::Yaml, Format::Json));
    insta::assert_snapshot!("step.toml", converted(STEP, Format::Yaml, Format::Toml));
}

#[test]
fn short_list_is_on_one_line() {
    // A line has at most 100 characters, four of which are the indentation.
    for (length, fits) in [(41, true), (42, false)] {
        let pool = "p".repeat(length);
        let text = json!({"settings": {"node_pools": [pool, pool, "pq"]}}).to_string();
        let list = format!("    \"node_pools\": [\"{pool}\", \"{pool}\", \"pq\"]\n");
        assert_eq!(converted(&text, Format::Json, Format::Json).contains(&list), fits, "{length}");
    }
}

#[test]
fn quotes_ambiguous_strings() {
    let quoted = [
        "",
        " ",
        "~",
        "null",
        "Null",
        "true",
        "False",
        "yes",
        "NO",
        "on",
        "off",
        "y",
        "N",
        "1",
        "-1",
        "+1",
        "0644",
        "0o7",
        "0x1F",
        "0b1",
        "1_000",
        "1.5",
        ".5",
        "5.",
        "1e3",
        "1E+3",
        ".inf",
        "-.INF",
        ".nan",
        "1:30",
        "190:20:30",
        "2024-01-02",
        "2024-01-02T03:04:05Z",
        "<<",
        "=",
        "a: b",
        "a:",
        "a #b",
        "#a",
        "- a",
        "-",
        "---",
        "? a",
        "*a",
        "&a",
        "!a",
        "|",
        ">",
        "%a",
        "@a",
        "`a",
        "'a",
        "\"a",
        "[a",
        "{a",
        ",a",
        "a\tb",
        "é\u{85}",
        "\u{feff}",
        "a\u{2028}b",
        " a",
        "a ",
    ];
    let plain = [
        "a",
        "8Gi",
        "20G",
        "python:3.12-slim",
        "registry.example.com/ml/train:1.4.2",
        "-m",
        "--epochs",
        "a:b",
        "a#b",
        "https://example.com",
        "550e8400-e29b-41d4-a716-446655440000",
        "nvidia.com/gpu",
        "it's",
        "é",
        "日本",
        "/data",
    ];
    for text in quoted.into_iter().chain(plain) {
        let yaml = converted(&json!({ "a": text }).to_string(), Format::Json, Format::Yaml);
        assert_eq!(yaml.starts_with("a: \""), quoted.contains(&text), "{text:?}: {yaml}");
    }
}

#[test]
fn reports_unsupported_values() {
    let cases = [
        ("a: {b: [1, null]}\n", Format::Yaml, Format::Toml, "`/a/b/1` is null, which TOML does not support"),
        ("a: .inf\n", Format::Yaml, Format::Json, "`/a` is a number that is not finite, which JSON does not support"),
        ("[1]", Format::Json, Format::Toml, "the document is not a map, which TOML does not support"),
        ("a: [\n", Format::Yaml, Format::Json, "line 2: "),
    ];
    for (text, from, to, message) in cases {
        let error = convert(text, from, to).unwrap_err();
        assert!(error.to_string().starts_with(message), "{error}");
        assert!(!error.help().is_empty());
        assert_eq!(error.code() == "unreadable", matches!(error, ConvertError::Unreadable { .. }));
    }
}

fn any_document() -> impl Strategy<Value = Value> {
    let text = prop_oneof![any::<String>(), tricky_text(), "[ -~]{0,12}", "[a-z0-9.:_-]{0,8}", "[a-z \t\n#:]{0,12}"];
    let leaf = prop_oneof![
        text.clone().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        // The test's parser loses the last digit of other numbers.
        any::<i32>().prop_map(|number| Value::from(f64::from(number) / 16.0)),
        any::<bool>().prop_map(Value::from),
    ];
    let any = leaf.prop_recursive(4, 48, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map("[a-z_.\" é]{0,6}", inner, 0..5).prop_map(|map| json!(map)),
        ]
    });
    prop::collection::btree_map(prop_oneof![text, "[a-z_]{1,6}".prop_map(String::from)], any, 1..5)
        .prop_map(|map| json!(map))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn round_trips_through_all_formats(document in any_document()) {
        let json = document.to_string();
        let yaml = converted(&json, Format::Json, Format::Yaml);
        let toml = converted(&yaml, Format::Yaml, Format::Toml);
        let again = converted(&toml, Format::Toml, Format::Json);
        prop_assert_eq!(serde_json::from_str::<Value>(&again).unwrap(), document, "{}\n{}", yaml, toml);
        // Formatted texts do not change.
        prop_assert_eq!(converted(&yaml, Format::Yaml, Format::Yaml), yaml);
        prop_assert_eq!(converted(&toml, Format::Toml, Format::Toml), toml);
    }
}
