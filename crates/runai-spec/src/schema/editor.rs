//! Adds hover texts and error messages for editors to a schema, and flattens enums.

use runai_syntax::Tree;

use super::{Schema, from_template};
use crate::settings::{MAP_TEXT_TYPES, TEXT_TYPES};

/// The reference page, whose headings are names of settings.
const REFERENCE: &str = "https://github.com/runai-step/runai-step/blob/main/docs/settings.md";
/// Annotations that only the core uses.
const INTERNAL: [&str; 3] = ["x-alias", "x-text", "x-unknown-keys"];

/// Converts the schema of a settings type for editors. `api` is the member of the request.
pub(super) fn decorated(schema: Schema, api: &str) -> Schema {
    Decorator { with_texts: true }.value(schema, api, None)
}

/// Flattens the schema of a body, without adding texts.
pub(super) fn plain(schema: Schema) -> Schema {
    Decorator { with_texts: false }.value(schema, "", None)
}

/// Adds an error message to the schema of a map that lists its keys.
pub(super) fn name_keys(schema: &mut Schema) {
    let required = schema.get("required").map(Tree::items).unwrap_or_default();
    let is_required = |key: &str| required.iter().any(|required| required.as_str() == Some(key));
    let keys = schema.get("properties").map(Tree::entries).unwrap_or_default().iter();
    let mut keys: Vec<String> = keys
        .filter(|(key, property)| key != "$schema" && property.get("doNotSuggest").is_none())
        .map(|(key, _)| if is_required(key) { format!("{key} (required)") } else { key.to_string() })
        .collect();
    keys.sort_unstable_by_key(|key| (!key.ends_with(')'), key.clone()));
    schema.set("errorMessage", format!("Write a map with these keys only: {}.", keys.join(", ")));
}

struct Decorator {
    with_texts: bool,
}

impl Decorator {
    /// Converts a schema. `anchor` is the value's heading in the reference page.
    fn value(&self, mut schema: Schema, api: &str, anchor: Option<&str>) -> Schema {
        let own = schema.text_of("x-api");
        let api = if own.is_empty() || api.is_empty() { format!("{api}{own}") } else { format!("{api}.{own}") };
        schema.remove("format");
        flatten_null(&mut schema);
        flatten_enum(&mut schema, self.with_texts);
        if matches!(schema.get("default"), Some(Tree::Null)) {
            schema.remove("default");
        }
        self.children(&mut schema, &api, anchor);
        if self.with_texts {
            describe(&mut schema, &api, anchor);
            add_error_message(&mut schema);
            deprecate_unknown_keys(&mut schema);
        }
        for key in INTERNAL {
            schema.remove(key);
        }
        if !api.is_empty() && schema.get("x-api").is_some() {
            schema.set("x-api", api);
        }
        if self.with_texts && matches!(schema.get("additionalProperties"), Some(Tree::Bool(false))) {
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
                conditions.push(from_template(SPELLINGS, &[("NAME", &name), ("ALIAS", &alias)]));
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

/// The condition for a key with a second spelling.
const SPELLINGS: &str = r#"{
    "if": {"properties": {"NAME": true}, "required": ["NAME"]},
    "then": {
        "properties": {"ALIAS": false},
        "errorMessage": "`NAME` and `ALIAS` are two spellings of the same key: keep one of them."
    }
}"#;

fn take(schema: &mut Schema) -> Schema {
    std::mem::replace(schema, Tree::Null)
}

/// Converts a choice of a schema and null to one schema that also allows null.
fn flatten_null(schema: &mut Schema) {
    let Some(Tree::List(options)) = schema.remove("anyOf") else { return };
    let option = options.into_iter().find(|option| option.text_of("type") != "null");
    let (Some(Tree::Map(option)), Tree::Map(own)) = (option, &mut *schema) else { return };
    // Annotations of the field override those of its type.
    for (key, value) in option {
        if !own.iter().any(|(known, _)| *known == key) {
            own.push((key, value));
        }
    }
    // Enums have no type here.
    let of = schema.remove("type").unwrap_or_else(|| "string".into());
    schema.set("type", Tree::List(vec![of, "null".into()]));
}

/// Converts documented variants to a list of values and a list of descriptions.
fn flatten_enum(schema: &mut Schema, with_texts: bool) {
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
    if with_texts {
        schema.set("markdownEnumDescriptions", Tree::List(descriptions));
    }
}

fn describe(schema: &mut Schema, api: &str, anchor: Option<&str>) {
    let Some(description) = schema.get("description").and_then(Tree::as_str) else { return };
    // Joins the lines of each paragraph.
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

/// Adds an error message, because a validator's message about a pattern or type does not say what to write.
fn add_error_message(schema: &mut Schema) {
    let form = schema.text_of("x-text");
    let message = match TEXT_TYPES.iter().chain(MAP_TEXT_TYPES).find(|text| text.name == form) {
        Some(text) => format!("Not {}: {}.", text.expected, text.help),
        // Editors list the allowed values.
        None if schema.get("enum").is_some() => return,
        None => match type_of(schema) {
            Some("array") => "Write a list: `[one, two]`, or one line with `-` per item.".to_owned(),
            Some("boolean") => "Write `true` or `false`, without quotes.".to_owned(),
            Some("integer") => "Write an integer, without quotes and without a unit.".to_owned(),
            Some("number") => "Write a number, without quotes and without a unit.".to_owned(),
            Some("string") => "Write a string. Quote numbers and booleans.".to_owned(),
            _ => return,
        },
    };
    if schema.get("pattern").is_some() {
        schema.set("patternErrorMessage", message.clone());
    }
    schema.set("errorMessage", message);
}

/// Returns the only type of a value other than null.
fn type_of(schema: &Schema) -> Option<&str> {
    match schema.get("type")? {
        Tree::List(names) => match names.as_slice() {
            [name, null] if null.as_str() == Some("null") => name.as_str(),
            _ => None,
        },
        name => name.as_str(),
    }
}

/// Marks unknown keys as deprecated in maps where they are only warnings, so that editors warn, too.
fn deprecate_unknown_keys(schema: &mut Schema) {
    if schema.get("x-unknown-keys").is_some() {
        let keys = schema.get("properties").map(Tree::entries).unwrap_or_default().iter();
        let keys: Vec<_> = keys.map(|(key, _)| format!("`{key}`")).collect();
        let message = format!("This key is unknown and has no effect. Write one of {}.", keys.join(", "));
        schema.set("additionalProperties", Tree::Map(vec![("deprecationMessage".into(), message.into())]));
    }
}
