//! What editors want of a schema beyond what a validator needs: hover text, messages, flat enums.

use serde_json::{Map as JsonMap, Value as Json, json};

use crate::settings::{MAP_TEXT_TYPES, TEXT_TYPES};

/// Page that describes each setting under a heading of its own.
const REFERENCE: &str = "https://github.com/runai-step/runai-step/blob/main/docs/settings.md";
/// Our own annotations that only the check reads.
const INTERNAL: [&str; 3] = ["x-alias", "x-text", "x-unknown-keys"];

/// The schema of a settings type for people. `api` is the member of the request that the value becomes.
pub(super) fn decorated(schema: JsonMap<String, Json>, api: &str) -> Json {
    Decorator { words: true }.value(schema, api, None)
}

/// The schema of a body, which programs write: flat, but without words of ours.
pub(super) fn plain(schema: JsonMap<String, Json>) -> Json {
    Decorator { words: false }.value(schema, "", None)
}

/// Says in the schema of a map which keys it has: whatever is wrong with the map, that is what to write.
pub(super) fn name_keys(schema: &mut Json) {
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Json::as_str).collect();
    let keys = schema["properties"].as_object().into_iter().flatten();
    let mut keys: Vec<String> = keys
        .filter(|(key, property)| *key != "$schema" && property["doNotSuggest"] != true)
        .map(|(key, _)| if required.contains(&key.as_str()) { format!("{key} (required)") } else { key.clone() })
        .collect();
    keys.sort_unstable_by_key(|key| (!key.ends_with(')'), key.clone()));
    schema["errorMessage"] = format!("Write a map with no other keys than these: {}.", keys.join(", ")).into();
}

struct Decorator {
    words: bool,
}

impl Decorator {
    /// `anchor` is the heading of the reference page that the value is described under.
    fn value(&self, mut schema: JsonMap<String, Json>, api: &str, anchor: Option<&str>) -> Json {
        let own = schema.get("x-api").and_then(Json::as_str).unwrap_or_default();
        let api = if own.is_empty() || api.is_empty() { format!("{api}{own}") } else { format!("{api}.{own}") };
        schema.remove("format");
        flatten_null(&mut schema);
        flatten_enum(&mut schema, self.words);
        if schema.get("default").is_some_and(Json::is_null) {
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
        if !api.is_empty() && schema.contains_key("x-api") {
            schema.insert("x-api".to_owned(), api.into());
        }
        let mut schema = Json::Object(schema);
        if self.words && schema["additionalProperties"] == false {
            name_keys(&mut schema);
        }
        schema
    }

    fn children(&self, schema: &mut JsonMap<String, Json>, api: &str, anchor: Option<&str>) {
        if let Some(Json::Object(properties)) = schema.get_mut("properties") {
            let mut aliases = Vec::new();
            for (name, property) in properties.iter_mut() {
                let alias = property["x-alias"].as_str().map(str::to_owned);
                let Json::Object(own) = property.take() else { continue };
                *property = self.value(own, api, Some(anchor.unwrap_or(name)));
                aliases.extend(alias.map(|alias| (name.clone(), alias, property.clone())));
            }
            let mut conditions = Vec::new();
            for (name, alias, mut property) in aliases {
                property["doNotSuggest"] = json!(true);
                properties.insert(alias.clone(), property);
                conditions.push(json!({
                    "if": {"properties": {&name: true}, "required": [name]},
                    "then": {
                        "properties": {&alias: false},
                        "errorMessage": format!("`{name}` and `{alias}` are two spellings of one key: keep one of them."),
                    },
                }));
            }
            if !conditions.is_empty() {
                schema.insert("allOf".to_owned(), conditions.into());
            }
        }
        for key in ["items", "additionalProperties", "propertyNames"] {
            let Some(child @ Json::Object(_)) = schema.get_mut(key) else { continue };
            let Json::Object(child) = child.take() else { continue };
            let below = if key == "items" && !api.is_empty() { format!("{api}[]") } else { String::new() };
            let child = self.value(child, &below, anchor);
            schema.insert(key.to_owned(), child);
        }
    }
}

/// An option beside null becomes one schema that also allows null.
fn flatten_null(schema: &mut JsonMap<String, Json>) {
    let Some(Json::Array(options)) = schema.remove("anyOf") else { return };
    let option = options.into_iter().find(|option| option["type"] != "null");
    let Some(Json::Object(option)) = option else { return };
    // What is said about the field counts more than what is said about its type.
    for (key, value) in option {
        schema.entry(key).or_insert(value);
    }
    // An enum has no type yet.
    let of = schema.remove("type").unwrap_or_else(|| "string".into());
    schema.insert("type".to_owned(), json!([of, "null"]));
}

/// Documented variants become one list of values beside one of their descriptions.
fn flatten_enum(schema: &mut JsonMap<String, Json>, words: bool) {
    let Some(Json::Array(variants)) = schema.remove("oneOf") else { return };
    let mut values = Vec::new();
    let mut descriptions = Vec::new();
    for variant in variants {
        match variant["enum"].as_array() {
            Some(several) => values.extend(several.iter().cloned()),
            None => values.push(variant["const"].clone()),
        }
        descriptions.resize(values.len(), variant["description"].clone());
    }
    let of = schema.entry("type").or_insert_with(|| "string".into());
    if of.is_array() {
        values.push(Json::Null);
        descriptions.push("Not set.".into());
    }
    schema.insert("enum".to_owned(), values.into());
    if words {
        schema.insert("markdownEnumDescriptions".to_owned(), descriptions.into());
    }
}

fn describe(schema: &mut JsonMap<String, Json>, api: &str, anchor: Option<&str>) {
    let Some(description) = schema.get("description").and_then(Json::as_str) else { return };
    // Lines are those of the source code; paragraphs are meant.
    let description =
        description.split("\n\n").map(|paragraph| paragraph.replace('\n', " ")).collect::<Vec<_>>().join("\n\n");
    let mut text = description.clone();
    let mut facts = Vec::new();
    if let Some(unit) = schema.get("x-unit").and_then(Json::as_str) {
        facts.push(format!("Unit: {unit}"));
    }
    if let Some(default) = schema.get("default") {
        facts.push(format!("Default: `{default}`"));
    }
    if schema.contains_key("x-api") {
        facts.push(format!("Sent as `{api}`"));
    }
    if let Some(anchor) = anchor {
        facts.push(format!("[Reference]({REFERENCE}#{anchor})"));
    }
    if !facts.is_empty() {
        text = format!("{text}\n\n{}", facts.join(" · "));
    }
    schema.insert("description".to_owned(), description.into());
    schema.insert("markdownDescription".to_owned(), text.into());
}

/// What a validator says of a pattern or a type means little to people: what to write in place of it.
fn say_what_to_write(schema: &mut JsonMap<String, Json>) {
    let form = schema.get("x-text").and_then(Json::as_str);
    let message = match TEXT_TYPES.iter().chain(MAP_TEXT_TYPES).find(|text| Some(text.name) == form) {
        Some(text) => format!("Not {}: {}.", text.expected, text.help),
        // Allowed values are named anyway.
        None if schema.contains_key("enum") => return,
        None => match type_of(schema) {
            Some("array") => "Write a list: `[one, two]`, or a line with `-` for each item.".to_owned(),
            Some("boolean") => "Write `true` or `false`, without quotes.".to_owned(),
            Some("integer") => "Write a whole number, without quotes and without a unit.".to_owned(),
            Some("number") => "Write a number, without quotes and without a unit.".to_owned(),
            Some("string") => "Write a text; a number needs quotes to be one.".to_owned(),
            _ => return,
        },
    };
    if schema.contains_key("pattern") {
        schema.insert("patternErrorMessage".to_owned(), message.clone().into());
    }
    schema.insert("errorMessage".to_owned(), message.into());
}

/// The type of a value that is not null, if it has just one.
fn type_of(schema: &JsonMap<String, Json>) -> Option<&str> {
    match schema.get("type")? {
        Json::String(name) => Some(name),
        Json::Array(names) => match names.as_slice() {
            [Json::String(name), Json::String(null)] if null == "null" => Some(name),
            _ => None,
        },
        _ => None,
    }
}

/// A map that only warns of keys that it does not know: so do editors, of what is deprecated.
fn discourage_unknown_keys(schema: &mut JsonMap<String, Json>) {
    if schema.contains_key("x-unknown-keys") {
        let keys = schema.get("properties").and_then(Json::as_object).into_iter().flatten();
        let keys: Vec<_> = keys.map(|(key, _)| format!("`{key}`")).collect();
        let message = format!("This key is not known and has no effect: known are {}.", keys.join(", "));
        schema.insert("additionalProperties".to_owned(), json!({"deprecationMessage": message}));
    }
}
