//! JSON Schemas (draft-07) for editors and browsers, made from the very types that the core checks with.
//!
//! [`text`] gives the bytes that `schemas/` holds and `runai-step schema` prints. What JSON Schema has no word for (unique
//! mount paths, limits below requests, …) is left to the core; a test holds both together and names each such rule.

mod conditions;
mod editor;
mod reference;
mod snippets;

use serde_json::{Value as Json, json};

use crate::declared::{self, Declared};

pub use reference::reference;

/// Names of the schemas, in the order of their use.
pub const NAMES: [&str; 5] = ["step", "settings", "operator", "zenml-run", "training-request"];

/// Where the schemas can be fetched: the beginning of each `$id`.
const BASE: &str = "https://raw.githubusercontent.com/runai-step/runai-step/main/schemas/";

/// The schema `name` as a value, or nothing if there is none of that name.
///
/// ```
/// let schema = runai_spec::schema::value("settings").unwrap();
/// assert_eq!(schema["properties"]["gpu_devices_request"]["minimum"], 0);
/// ```
#[must_use]
pub fn value(name: &str) -> Option<Json> {
    let schema = match name {
        "step" => step(),
        "settings" => settings(),
        "operator" => operator(),
        "zenml-run" => zenml_run(),
        "training-request" => training_request(),
        _ => return None,
    };
    Some(headed(name, schema))
}

/// The schema `name` as its file in `schemas/` holds it, or nothing if there is none of that name.
#[must_use]
pub fn text(name: &str) -> Option<String> {
    value(name).map(|schema| format!("{:#}\n", sorted(schema)))
}

/// The names and contents of the files in this crate's `src/declared`, from which all schemas are made: for
/// `cargo xtask schema`, which writes them.
pub fn declarations() -> impl Iterator<Item = (&'static str, String)> {
    declared::files()
}

/// With the keys of all maps in order, whether `serde_json` was built to keep them as they came or not.
fn sorted(value: Json) -> Json {
    match value {
        Json::Object(map) => {
            let mut entries: Vec<_> = map.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            entries.sort_by(|(a, _), (b, _)| a.cmp(b));
            Json::Object(entries.into_iter().collect())
        }
        Json::Array(items) => items.into_iter().map(sorted).collect(),
        other => other,
    }
}

fn step() -> Json {
    let mut schema = editor::decorated(Declared::Step.schema(), "");
    let title = schema["properties"]["settings"]["description"].clone();
    let mut settings = settings();
    settings["description"] = title;
    settings["type"] = json!(["object", "null"]);
    schema["properties"]["settings"] = settings;
    schema
}

fn settings() -> Json {
    let mut schema = editor::decorated(Declared::Settings.schema(), "");
    conditions::add_to_settings(&mut schema);
    snippets::add_to_settings(&mut schema);
    schema
}

/// The operator's own keys, and every setting as the default of all steps.
fn operator() -> Json {
    let mut schema = editor::decorated(Declared::Operator.schema(), "");
    let mut settings = settings();
    for key in ["properties", "allOf"] {
        match (settings[key].take(), &mut schema[key]) {
            (Json::Object(more), Json::Object(own)) => own.extend(more),
            (more, own) => *own = more,
        }
    }
    editor::name_keys(&mut schema);
    schema
}

/// A run configuration of ZenML: the blocks for the step operator are checked, and everything else stays open.
fn zenml_run() -> Json {
    let mut block = settings();
    block["type"] = json!(["object", "null"]);
    let blocks = json!({
        "type": ["object", "null"],
        "patternProperties": {r"^step_operator(\.runai$|:|$)": {"$ref": "#/definitions/block"}},
    });
    json!({
        "title": "ZenML run configuration with Run:ai settings",
        "description": "Settings for the Run:ai step operator below `step_operator`, `step_operator.runai` or `step_operator:<name>`.",
        "type": "object",
        "properties": {
            "settings": {"$ref": "#/definitions/blocks"},
            "steps": {
                "type": ["object", "null"],
                "additionalProperties": {
                    "type": ["object", "null"],
                    "properties": {"settings": {"$ref": "#/definitions/blocks"}},
                },
            },
        },
        "definitions": {"block": block, "blocks": blocks},
    })
}

fn training_request() -> Json {
    let mut schema = editor::plain(Declared::Request.schema());
    conditions::require_in_request(&mut schema);
    schema
}

/// The schema with what says which one it is, and with the key that names a schema to editors.
fn headed(name: &str, mut schema: Json) -> Json {
    schema["$schema"] = json!("http://json-schema.org/draft-07/schema#");
    schema["$id"] = json!(format!("{BASE}{name}.schema.json"));
    if name != "training-request" {
        schema["properties"]["$schema"] =
            json!({"description": "Schema of this file, for editors.", "doNotSuggest": true});
    }
    schema
}
