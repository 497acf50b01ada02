//! JSON Schemas (draft-07) for editors and browsers, made from the very types that the core checks with.
//!
//! [`text`] gives the bytes that `schemas/` holds and `runai-step schema` prints. What JSON Schema has no word for (unique
//! mount paths, limits below requests, …) is left to the core; a test holds both together and names each such rule.

mod conditions;
mod editor;
mod reference;
mod snippets;
mod zenml;

use runai_syntax::Tree;
use serde_json::Value as Json;

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
    tree(name).map(|schema| (&schema).into())
}

/// The schema `name` as its file in `schemas/` holds it, or nothing if there is none of that name.
#[must_use]
pub fn text(name: &str) -> Option<String> {
    tree(name).map(|mut schema| {
        sort(&mut schema);
        schema.to_json_pretty() + "\n"
    })
}

/// A schema on its way from the declarations to editors.
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

/// The names and contents of the files in this crate's `src/declared`, from which all schemas are made: for
/// `cargo xtask schema`, which writes them.
pub fn declarations() -> impl Iterator<Item = (&'static str, String)> {
    declared::files()
}

/// Brings the keys of all maps in order.
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

/// A part of a schema that is written in JSON, with other words in some places.
fn written(json: &'static str, words: &[(&str, &str)]) -> Schema {
    if words.is_empty() {
        return Tree::from_json(json).unwrap_or_else(|error| unreachable!("a test reads it: {error}"));
    }
    let text = words.iter().fold(json.to_owned(), |text, (place, word)| text.replace(place, word));
    Tree::from_json(&text).unwrap_or_else(|error| unreachable!("a test reads it: {error}")).into_owned()
}

/// The part at a path of keys, all of which are declared.
fn below<'s>(schema: &'s mut Schema, path: &[&str]) -> &'s mut Schema {
    let part = |place: &'s mut Schema, key: &&str| place.get_mut(key);
    path.iter().try_fold(schema, part).unwrap_or_else(|| unreachable!("the declarations have {path:?}"))
}

fn step() -> Schema {
    let mut schema = editor::decorated(Declared::Step.schema(), "");
    let mut settings = settings();
    let place = below(&mut schema, &["properties", "settings"]);
    settings.set("description", place.text_of("description").to_owned());
    settings.set("type", written(NULLABLE, &[]));
    *place = settings;
    schema
}

const NULLABLE: &str = r#"["object", "null"]"#;

fn settings() -> Schema {
    let mut schema = editor::decorated(Declared::Settings.schema(), "");
    conditions::add_to_settings(&mut schema);
    snippets::add_to_settings(&mut schema);
    schema
}

/// The operator's own keys, and every setting as the default of all steps.
fn operator() -> Schema {
    let mut schema = editor::decorated(Declared::Operator.schema(), "");
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
    let mut schema = editor::plain(Declared::Request.schema());
    conditions::require_in_request(&mut schema);
    schema
}

/// The schema with what says which one it is, and with the key that names a schema to editors.
fn headed(name: &str, mut schema: Schema) -> Schema {
    schema.set("$schema", "http://json-schema.org/draft-07/schema#");
    schema.set("$id", format!("{BASE}{name}.schema.json"));
    if name != "training-request" {
        let key = r#"{"description": "Schema of this file, for editors.", "doNotSuggest": true}"#;
        below(&mut schema, &["properties"]).set("$schema", written(key, &[]));
    }
    schema
}
