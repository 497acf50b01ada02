//! The schema of a ZenML run configuration. It is more permissive than that of the settings, because pydantic converts values
//! and `${VAR}` may replace any value.

use runai_syntax::Tree;

use super::{Schema, below, from_template, settings};
use crate::zenml::keys::{Key, RUN_KEYS, SETTING_KEY_PATTERN, STEP_KEYS, Type};

/// The pattern of a placeholder.
const PLACEHOLDER: &str = r"\$\{[A-Za-z0-9_]+\}";
/// The pattern of strings that pydantic converts to integers.
const INTEGER: &str = r"^\s*[-+]?[0-9]+(_[0-9]+)*(\.0+)?\s*$";
/// The pattern of strings that pydantic converts to floats.
const NUMBER: &str = r"^\s*[-+]?([0-9][0-9_]*\.?[0-9_]*|\.[0-9_]+|[iI][nN][fF]([iI][nN][iI][tT][yY])?|[nN][aA][nN])([eE][-+]?[0-9]+)?\s*$";

/// Returns the schema. Blocks of Run:ai step operators are checked in full; for other sections only types are checked.
pub(super) fn run_configuration() -> Schema {
    let mut block = settings();
    loosen(&mut block);
    let known: Schema = block
        .get("properties")
        .map(Tree::entries)
        .unwrap_or_default()
        .iter()
        .map(|(key, _)| Tree::from(key.to_string()))
        .collect();
    let mut schema = from_template(RUN_CONFIGURATION, &[("SETTING_KEY", &SETTING_KEY_PATTERN.replace('\\', "\\\\"))]);
    // A block without any Run:ai setting may belong to another flavor.
    *below(&mut schema, &["definitions", "block_of_any_flavor", "if", "not", "propertyNames", "not", "enum"]) = known;
    below(&mut schema, &["definitions"]).set("block", block);
    add(below(&mut schema, &["properties"]), &RUN_KEYS);
    add(below(&mut schema, &["definitions", "step", "properties"]), &STEP_KEYS);
    schema
}

const RUN_CONFIGURATION: &str = r##"{
    "title": "ZenML run configuration with Run:ai settings",
    "description": "Settings of the Run:ai step operator belong below `step_operator`, `step_operator.runai` or `step_operator:<name>`.",
    "type": "object",
    "properties": {
        "settings": {"$ref": "#/definitions/blocks"},
        "steps": {"type": ["object", "null"], "additionalProperties": {"$ref": "#/definitions/step"}}
    },
    "patternProperties": {"^step_operator[.:]": false},
    "definitions": {
        "step": {
            "type": "object",
            "properties": {"settings": {"$ref": "#/definitions/step_blocks"}},
            "patternProperties": {"^step_operator[.:]": false}
        },
        "step_blocks": {"type": "object", "allOf": [{"$ref": "#/definitions/blocks"}]},
        "blocks": {
            "type": ["object", "null"],
            "propertyNames": {
                "pattern": "SETTING_KEY",
                "errorMessage": "Write `step_operator`, `step_operator.runai` or `step_operator:<name>`, or the key of another component."
            },
            "additionalProperties": {"type": "object"},
            "patternProperties": {
                "^step_operator\\.runai$": {"$ref": "#/definitions/block"},
                "^step_operator(:|$)": {"$ref": "#/definitions/block_of_any_flavor"}
            }
        },
        "block_of_any_flavor": {
            "type": "object",
            "if": {"not": {"propertyNames": {"not": {"enum": []}}}},
            "then": {"$ref": "#/definitions/block"}
        }
    }
}"##;

/// Adds the schemas of keys that have none yet.
fn add(properties: &mut Schema, keys: &'static [Key]) {
    for key in keys {
        if properties.get(key.name).is_some() {
            continue;
        }
        let json = match key.of {
            Type::Anything => "{}",
            Type::Bool | Type::BoolOrText => r#"{"type": ["boolean", "integer", "number", "string"]}"#,
            Type::Map => r#"{"type": "object"}"#,
            Type::TextMap => r#"{"type": "object", "additionalProperties": {"type": "string"}}"#,
            Type::OneOf(_) | Type::Text => r#"{"type": "string"}"#,
            Type::Texts => r#"{"type": "array", "items": {"type": ["string", "object"]}}"#,
        };
        let mut schema = from_template(json, &[]);
        if let Type::OneOf(values) = key.of {
            let null = key.nullable.then_some(Tree::Null);
            schema.set("enum", values.iter().map(|value| Tree::from(*value)).chain(null).collect::<Tree<'static>>());
        }
        if key.nullable && schema.get("type").is_some() {
            let mut types = match schema.remove("type") {
                Some(Tree::List(types)) => types,
                Some(of) => vec![of],
                None => Vec::new(),
            };
            types.push("null".into());
            schema.set("type", Tree::List(types));
        }
        properties.set(key.name, schema);
    }
}

/// Allows strings where pydantic converts them, and placeholders everywhere.
fn loosen(schema: &mut Schema) {
    for key in ["properties", "definitions"] {
        if let Some(Tree::Map(properties)) = schema.get_mut(key) {
            for (_, property) in properties {
                loosen(property);
            }
        }
    }
    for key in ["items", "additionalProperties", "propertyNames"] {
        if let Some(child @ Tree::Map(_)) = schema.get_mut(key) {
            loosen(child);
        }
    }
    let types: Vec<String> = match schema.get("type") {
        Some(Tree::List(types)) => types.iter().filter_map(Tree::as_str).map(str::to_owned).collect(),
        Some(of) => of.as_str().map(str::to_owned).into_iter().collect(),
        None => return loosen_text(schema),
    };
    let has = |name: &str| types.iter().any(|of| of == name);
    let (more, pattern): (&[&str], &str) = if has("integer") {
        (&["boolean", "string"], INTEGER)
    } else if has("number") {
        (&["boolean", "string"], NUMBER)
    } else if has("boolean") {
        (&["integer", "number", "string"], "")
    } else if has("string") {
        return loosen_text(schema);
    } else {
        return;
    };
    let all = types.iter().map(String::as_str).chain(more.iter().copied()).map(|of| Tree::from(of.to_owned()));
    schema.set("type", all.collect::<Tree<'static>>());
    if !pattern.is_empty() {
        schema.set("pattern", format!("{pattern}|{PLACEHOLDER}"));
    }
}

fn loosen_text(schema: &mut Schema) {
    for key in ["maxLength", "minLength"] {
        schema.remove(key);
    }
    let pattern = schema.text_of("pattern").to_owned();
    if !pattern.is_empty() {
        schema.set("pattern", format!("{pattern}|{PLACEHOLDER}"));
    }
    if let Some(values) = schema.remove("enum") {
        let mut options = from_template(r#"{"anyOf": [{"enum": []}, {"type": "string", "pattern": ""}]}"#, &[]);
        if let Some(Tree::List(options)) = options.get_mut("anyOf") {
            options[0].set("enum", values);
            options[1].set("pattern", PLACEHOLDER);
        }
        if let Some(options) = options.remove("anyOf") {
            schema.set("anyOf", options);
        }
    }
}
