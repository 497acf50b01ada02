//! `check --format sarif`, validated with the standard's own schema.

use runai_spec::rules;
use serde_json::Value;

use crate::Scratch;

/// Its origin is in `tests/data/README.md`.
const SCHEMA: &str = include_str!("../data/sarif-2.1.0-rtm.5.json");

/// The schema without a pattern that is not a regular expression. The errata of the standard repair it.
fn schema() -> Value {
    let mut schema: Value = serde_json::from_str(SCHEMA).unwrap();
    for definition in ["run", "toolComponent"] {
        let language = &mut schema["definitions"][definition]["properties"]["language"];
        assert!(language.as_object_mut().unwrap().remove("pattern").is_some());
    }
    schema
}

/// Runs `check` on files, validates the whole log, and returns its results.
fn results(scratch: &Scratch, args: &[&str]) -> Vec<Value> {
    let output = scratch.command(&[&["check", "--format", "sarif"], args].concat()).output().unwrap();
    let log: Value = serde_json::from_slice(&output.stdout).unwrap();
    let validator = jsonschema::draft4::options().should_validate_formats(true).build(&schema()).unwrap();
    let violations: Vec<_> =
        validator.iter_errors(&log).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(violations.is_empty(), "{}", violations.join("\n"));
    regions_have_a_start(&log);
    log["runs"][0]["results"].as_array().unwrap().clone()
}

/// The constraint that the errata of the standard add to the schema.
fn regions_have_a_start(value: &Value) {
    const STARTS: [&str; 3] = ["startLine", "charOffset", "byteOffset"];

    match value {
        Value::Array(items) => items.iter().for_each(regions_have_a_start),
        Value::Object(members) => {
            for (name, member) in members {
                if name == "region" || name == "deletedRegion" {
                    assert!(STARTS.iter().any(|start| member.get(start).is_some()), "{member}");
                }
                regions_have_a_start(member);
            }
        }
        _ => {}
    }
}

fn with_tag<'r>(results: &'r [Value], tag: &str) -> Vec<&'r Value> {
    let has_tag = |result: &&Value| {
        result["properties"]["tags"].as_array().is_some_and(|tags| tags.iter().any(|other| other == tag))
    };
    results.iter().filter(has_tag).collect()
}

#[test]
fn every_rule_conforms() {
    let scratch = Scratch::new();
    let mut names = Vec::new();
    for rule in rules::all() {
        let name = format!("{}.yaml", rule.code);
        scratch.write(&name, rule.invalid.bytes());
        names.push(name);
    }
    let results = results(&scratch, &names.iter().map(String::as_str).collect::<Vec<_>>());
    // Some rules need more than a file: an environment, or another kind of file.
    let reported = rules::all().filter(|rule| results.iter().any(|result| result["ruleId"] == rule.code)).count();
    assert!(reported * 10 > rules::all().count() * 9, "{reported} rules are reported");
    for member in ["fixes", "relatedLocations"] {
        assert!(results.iter().any(|result| result.get(member).is_some()), "no result has `{member}`");
    }
    for tag in ["deprecated", "secret", "unnecessary"] {
        assert!(!with_tag(&results, tag).is_empty(), "no result has the tag `{tag}`");
    }
}

#[test]
fn related_files_conform() {
    let scratch = Scratch::new();
    scratch.write("runai step.toml", "cpu_core_limit = 1\nclient_secret = \"canary\"\n");
    scratch.write("ä 1/%41#é.yaml", "\u{feff}image: a\r\ncommand: [b]\r\nsettings: {cpu_core_request: 4}\r\n");
    scratch.write("empty.yaml", "").write("broken.json", "{\"a\": \"🚀\", ");
    let files = ["--config", "runai step.toml", "ä 1/%41#é.yaml", "empty.yaml", "broken.json"];
    let results = results(&scratch, &files);
    let limit = results.iter().find(|result| result["ruleId"] == "limit-below-request").unwrap();
    let uri = |location: &Value| location["physicalLocation"]["artifactLocation"]["uri"].clone();
    assert_eq!(uri(&limit["locations"][0]), "runai%20step.toml");
    assert_eq!(uri(&limit["relatedLocations"][0]), "%C3%A4%201/%2541%23%C3%A9.yaml");
    assert!(!with_tag(&results, "secret").is_empty());
}

#[test]
fn valid_files_have_no_results() {
    let scratch = Scratch::new();
    scratch.write("a.yaml", "gpu_portion_request: 0.5\n");
    assert_eq!(results(&scratch, &["a.yaml"]), [] as [Value; 0]);
}
