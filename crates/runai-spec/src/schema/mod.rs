//! JSON Schemas (draft-07) for editors and browsers, generated from the types that the core validates with.
//!
//! [`text`] returns the contents of a file in `schemas/`. JSON Schema cannot express all rules (unique mount paths, limits
//! below requests, …). A test compares the schemas with the core, and lists these rules.

mod conditions;
mod editor;
mod reference;
mod snippets;
mod zenml;

use runai_syntax::Tree;
use serde_json::Value as Json;

use crate::generated::{self, GeneratedSchema};

pub use reference::reference;

/// The names of the schemas.
pub const NAMES: [&str; 5] = ["step", "settings", "operator", "zenml-run", "training-request"];

/// The URL prefix of each `$id`.
const BASE: &str = "https://raw.githubusercontent.com/runai-step/runai-step/main/schemas/";

/// Returns the schema `name` as a value.
///
/// ```
/// let schema = runai_spec::schema::value("settings").unwrap();
/// assert_eq!(schema["properties"]["gpu_devices_request"]["minimum"], 0);
/// ```
#[must_use]
pub fn value(name: &str) -> Option<Json> {
    tree(name).map(|schema| (&schema).into())
}

/// Returns the schema `name` as formatted JSON, as in `schemas/`.
#[must_use]
pub fn text(name: &str) -> Option<String> {
    tree(name).map(|mut schema| {
        sort(&mut schema);
        schema.to_json_pretty() + "\n"
    })
}

/// A schema in JSON.
type Schema = Tree<'static>;

fn tree(name: &str) -> Option<Schema> {
    let schema = match name {
        "step" => step(),
        "settings" => settings(),
        "operator" => operator(),
        "zenml-run" => zenml::run_configuration(),
        "training-request" => training_request(),
        _ => return None,
    };
    Some(headed(name, schema))
}

/// Returns the names and contents of the files in this crate's `src/generated`, for `cargo xtask schema`.
pub fn declarations() -> impl Iterator<Item = (&'static str, String)> {
    generated::files()
}

/// Sorts the keys of all maps.
fn sort(value: &mut Schema) {
    match value {
        Tree::Map(map) => {
            map.sort_by(|(one, _), (two, _)| one.cmp(two));
            for (_, value) in map {
                sort(value);
            }
        }
        Tree::List(items) => items.iter_mut().for_each(sort),
        _ => {}
    }
}

/// Parses a part of a schema, after replacing some texts in it.
fn from_template(json: &'static str, replacements: &[(&str, &str)]) -> Schema {
    if replacements.is_empty() {
        return Tree::from_json(json).unwrap_or_else(|error| unreachable!("a test reads it: {error}"));
    }
    let text = replacements.iter().fold(json.to_owned(), |text, (from, to)| text.replace(from, to));
    Tree::from_json(&text).unwrap_or_else(|error| unreachable!("a test reads it: {error}")).into_owned()
}

/// Returns the part at a path of keys, which must exist.
fn below<'s>(schema: &'s mut Schema, path: &[&str]) -> &'s mut Schema {
    let part = |place: &'s mut Schema, key: &&str| place.get_mut(key);
    path.iter().try_fold(schema, part).unwrap_or_else(|| unreachable!("the declarations have {path:?}"))
}

fn step() -> Schema {
    let mut schema = editor::decorated(GeneratedSchema::Step.schema(), "");
    let mut settings = settings();
    let place = below(&mut schema, &["properties", "settings"]);
    settings.set("description", place.text_of("description").to_owned());
    settings.set("type", from_template(NULLABLE, &[]));
    *place = settings;
    schema
}

const NULLABLE: &str = r#"["object", "null"]"#;

fn settings() -> Schema {
    let mut schema = editor::decorated(GeneratedSchema::Settings.schema(), "");
    conditions::add_to_settings(&mut schema);
    snippets::add_to_settings(&mut schema);
    schema
}

/// Returns the operator's keys and all step settings.
fn operator() -> Schema {
    let mut schema = editor::decorated(GeneratedSchema::Operator.schema(), "");
    let mut settings = settings();
    if let Some(conditions) = settings.remove("allOf") {
        schema.set("allOf", conditions);
    }
    if let (Some(Tree::Map(own)), Some(Tree::Map(more))) = (schema.get_mut("properties"), settings.remove("properties"))
    {
        own.extend(more);
    }
    editor::name_keys(&mut schema);
    schema
}

fn training_request() -> Schema {
    let mut schema = editor::plain(GeneratedSchema::Request.schema());
    conditions::require_in_request(&mut schema);
    schema
}

/// Adds `$schema` and `$id`, and the property `$schema` that editors use.
fn headed(name: &str, mut schema: Schema) -> Schema {
    schema.set("$schema", "http://json-schema.org/draft-07/schema#");
    schema.set("$id", format!("{BASE}{name}.schema.json"));
    if name != "training-request" {
        let key = r#"{"description": "JSON Schema of this file, for editors.", "doNotSuggest": true}"#;
        below(&mut schema, &["properties"]).set("$schema", from_template(key, &[]));
    }
    schema
}
