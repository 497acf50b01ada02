//! What editors want of a schema beyond what a validator needs: hover text, messages, flat enums.

use runai_syntax::Tree;

use super::{Schema, written};
use crate::settings::{MAP_TEXT_TYPES, TEXT_TYPES};

/// Page that describes each setting under a heading of its own.
const REFERENCE: &str = "https://github.com/runai-step/runai-step/blob/main/docs/settings.md";
/// Our own annotations that only the check reads.
const INTERNAL: [&str; 3] = ["x-alias", "x-text", "x-unknown-keys"];

/// The schema of a settings type for people. `api` is the member of the request that the value becomes.
pub(super) fn decorated(schema: Schema, api: &str) -> Schema {
    Decorator { words: true }.value(schema, api, None)
}

/// The schema of a body, which programs write: flat, but without words of ours.
pub(super) fn plain(schema: Schema) -> Schema {
    Decorator { words: false }.value(schema, "", None)
}

/// Says in the schema of a map which keys it has: whatever is wrong with the map, that is what to write.
pub(super) fn name_keys(schema: &mut Schema) {
    let required = schema.get("required").map(Tree::items).unwrap_or_default();
    let is_required = |key: &str| required.iter().any(|required| required.as_str() == Some(key));
    let keys = schema.get("properties").map(Tree::entries).unwrap_or_default().iter();
    let mut keys: Vec<String> = keys
        .filter(|(key, property)| key != "$schema" && property.get("doNotSuggest").is_none())
        .map(|(key, _)| if is_required(key) { format!("{key} (required)") } else { key.to_string() })
        .collect();
    keys.sort_unstable_by_key(|key| (!key.ends_with(')'), key.clone()));
    schema.set("errorMessage", format!("Write a map with no other keys than these: {}.", keys.join(", ")));
}

struct Decorator {
    words: bool,
}

impl Decorator {
    /// `anchor` is the heading of the reference page that the value is described under.
    fn value(&self, mut schema: Schema, api: &str, anchor: Option<&str>) -> Schema {
        let own = schema.text_of("x-api");
        let api = if own.is_empty() || api.is_empty() { format!("{api}{own}") } else { format!("{api}.{own}") };
        schema.remove("format");
        flatten_null(&mut schema);
        flatten_enum(&mut schema, self.words);
        if matches!(schema.get("default"), Some(Tree::Null)) {
            schema.remove("default");
        }
        self.children(&mut schema, &api, anchor);
        if self.words {
            describe(&mut schema, &api, anchor);
            say_what_to_write(&mut schema);
            discourage_unknown_keys(&mut schema);
        }
        for key in INTERNAL {
            schema.remove(key);
        }
        if !api.is_empty() && schema.get("x-api").is_some() {
            schema.set("x-api", api);
        }
        if self.words && matches!(schema.get("additionalProperties"), Some(Tree::Bool(false))) {
            name_keys(&mut schema);
        }
        schema
    }

    fn children(&self, schema: &mut Schema, api: &str, anchor: Option<&str>) {
        if let Some(Tree::Map(properties)) = schema.get_mut("properties") {
            let mut aliases = Vec::new();
            for (name, property) in properties.iter_mut() {
                let alias = property.text_of("x-alias").to_owned();
                *property = self.value(take(property), api, Some(anchor.unwrap_or(name)));
                if !alias.is_empty() {
                    aliases.push((name.clone(), alias, property.clone()));
                }
            }
            let mut conditions = Vec::new();
            for (name, alias, mut property) in aliases {
                property.set("doNotSuggest", true);
                conditions.push(written(SPELLINGS, &[("NAME", &name), ("ALIAS", &alias)]));
                properties.push((alias.into(), property));
            }
            if !conditions.is_empty() {
                schema.set("allOf", Tree::List(conditions));
            }
        }
        for key in ["items", "additionalProperties", "propertyNames"] {
            let Some(child @ Tree::Map(_)) = schema.get_mut(key) else { continue };
            let below = if key == "items" && !api.is_empty() { format!("{api}[]") } else { String::new() };
            *child = self.value(take(child), &below, anchor);
        }
    }
}

/// What holds for a key with a second spelling.
const SPELLINGS: &str = r#"{
    "if": {"properties": {"NAME": true}, "required": ["NAME"]},
    "then": {
        "properties": {"ALIAS": false},
        "errorMessage": "`NAME` and `ALIAS` are two spellings of one key: keep one of them."
    }
}"#;

fn take(schema: &mut Schema) -> Schema {
    std::mem::replace(schema, Tree::Null)
}

/// An option beside null becomes one schema that also allows null.
fn flatten_null(schema: &mut Schema) {
    let Some(Tree::List(options)) = schema.remove("anyOf") else { return };
    let option = options.into_iter().find(|option| option.text_of("type") != "null");
    let (Some(Tree::Map(option)), Tree::Map(own)) = (option, &mut *schema) else { return };
    // What is said about the field counts more than what is said about its type.
    for (key, value) in option {
        if !own.iter().any(|(known, _)| *known == key) {
            own.push((key, value));
        }
    }
    // An enum has no type yet.
    let of = schema.remove("type").unwrap_or_else(|| "string".into());
    schema.set("type", Tree::List(vec![of, "null".into()]));
}

/// Documented variants become one list of values beside one of their descriptions.
fn flatten_enum(schema: &mut Schema, words: bool) {
    let Some(Tree::List(variants)) = schema.remove("oneOf") else { return };
    let mut values = Vec::new();
    let mut descriptions = Vec::new();
    for mut variant in variants {
        match variant.get("enum") {
            Some(several) => values.extend(several.items().iter().cloned()),
            None => values.push(variant.remove("const").unwrap_or(Tree::Null)),
        }
        descriptions.resize(values.len(), variant.remove("description").unwrap_or(Tree::Null));
    }
    if schema.get("type").is_none() {
        schema.set("type", "string");
    }
    if matches!(schema.get("type"), Some(Tree::List(_))) {
        values.push(Tree::Null);
        descriptions.push("Not set.".into());
    }
    schema.set("enum", Tree::List(values));
    if words {
        schema.set("markdownEnumDescriptions", Tree::List(descriptions));
    }
}

fn describe(schema: &mut Schema, api: &str, anchor: Option<&str>) {
    let Some(description) = schema.get("description").and_then(Tree::as_str) else { return };
    // Lines are those of the source code; paragraphs are meant.
    let description =
        description.split("\n\n").map(|paragraph| paragraph.replace('\n', " ")).collect::<Vec<_>>().join("\n\n");
    let mut text = description.clone();
    let mut facts = Vec::new();
    if let Some(unit) = schema.get("x-unit").and_then(Tree::as_str) {
        facts.push(format!("Unit: {unit}"));
    }
    if let Some(default) = schema.get("default") {
        facts.push(format!("Default: `{default}`"));
    }
    if schema.get("x-api").is_some() {
        facts.push(format!("Sent as `{api}`"));
    }
    if let Some(anchor) = anchor {
        facts.push(format!("[Reference]({REFERENCE}#{anchor})"));
    }
    if !facts.is_empty() {
        text = format!("{text}\n\n{}", facts.join(" · "));
    }
    schema.set("description", description);
    schema.set("markdownDescription", text);
}

/// What a validator says of a pattern or a type means little to people: what to write in place of it.
fn say_what_to_write(schema: &mut Schema) {
    let form = schema.text_of("x-text");
    let message = match TEXT_TYPES.iter().chain(MAP_TEXT_TYPES).find(|text| text.name == form) {
        Some(text) => format!("Not {}: {}.", text.expected, text.help),
        // Allowed values are named anyway.
        None if schema.get("enum").is_some() => return,
        None => match type_of(schema) {
            Some("array") => "Write a list: `[one, two]`, or a line with `-` for each item.".to_owned(),
            Some("boolean") => "Write `true` or `false`, without quotes.".to_owned(),
            Some("integer") => "Write a whole number, without quotes and without a unit.".to_owned(),
            Some("number") => "Write a number, without quotes and without a unit.".to_owned(),
            Some("string") => "Write a text; a number needs quotes to be one.".to_owned(),
            _ => return,
        },
    };
    if schema.get("pattern").is_some() {
        schema.set("patternErrorMessage", message.clone());
    }
    schema.set("errorMessage", message);
}

/// The type of a value that is not null, if it has just one.
fn type_of(schema: &Schema) -> Option<&str> {
    match schema.get("type")? {
        Tree::List(names) => match names.as_slice() {
            [name, null] if null.as_str() == Some("null") => name.as_str(),
            _ => None,
        },
        name => name.as_str(),
    }
}

/// A map that only warns of keys that it does not know: so do editors, of what is deprecated.
fn discourage_unknown_keys(schema: &mut Schema) {
    if schema.get("x-unknown-keys").is_some() {
        let keys = schema.get("properties").map(Tree::entries).unwrap_or_default().iter();
        let keys: Vec<_> = keys.map(|(key, _)| format!("`{key}`")).collect();
        let message = format!("This key is not known and has no effect: known are {}.", keys.join(", "));
        schema.set("additionalProperties", Tree::Map(vec![("deprecationMessage".into(), message.into())]));
    }
}
