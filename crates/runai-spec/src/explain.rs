//! Explanations of rules and settings.

use runai_syntax::Tree;
use serde::Serialize;

use crate::generated::GeneratedSchema;
use crate::rules::{self, Rule, Severity};
use crate::setting_schema::{Field, Kind, OPERATOR_FILE, Range, STEP_FILE, STEP_SETTINGS, SettingSchema, StructSchema};
use crate::suggest::nearest;

/// The explanation of a rule or setting.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase", tag = "type")]
pub enum Explanation {
    /// A rule, by its code.
    Rule {
        /// The code.
        code: &'static str,
        /// The severity of its diagnostics.
        severity: Severity,
        /// The problem in a few words.
        summary: &'static str,
        /// The documentation, in Markdown.
        docs: String,
        /// A valid document, or its description.
        valid: &'static str,
        /// A document that violates the rule, or its description.
        invalid: &'static str,
    },
    /// A setting, by its path.
    Setting {
        /// The path: `gpu_portion_request`, `pvc_mounts.path`.
        path: String,
        /// The description, in Markdown.
        description: String,
        /// The valid values, in words.
        value: String,
        /// The default.
        #[serde(skip_serializing_if = "Option::is_none")]
        default: Option<Tree<'static>>,
        /// The unit of a number or amount.
        #[serde(skip_serializing_if = "Option::is_none")]
        unit: Option<String>,
        /// The member of the API's request.
        #[serde(skip_serializing_if = "Option::is_none")]
        api: Option<String>,
        /// An example value.
        example: Tree<'static>,
        /// Names of the nested settings.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        fields: Vec<String>,
    },
}

/// Explains a rule by code, or a setting by path.
///
/// ```
/// use runai_spec::explain::{Explanation, explain};
/// assert!(matches!(explain("unknown-key"), Ok(Explanation::Rule { .. })));
/// assert!(matches!(explain("pvc_mounts.path"), Ok(Explanation::Setting { .. })));
/// assert_eq!(explain("unknown-keys").unwrap_err().as_deref(), Some("unknown-key"));
/// ```
///
/// # Errors
///
/// Unknown words: the error is the nearest known code or path, if there is one.
pub fn explain(word: &str) -> Result<Explanation, Option<String>> {
    if let Some(rule) = rules::by_code(word) {
        return Ok(explain_rule(rule));
    }
    let settings = settings();
    if let Some((path, field)) = settings.iter().find(|(path, _)| path == word) {
        return Ok(explain_setting(path, field));
    }
    // A nested setting is found by its name if the name is unique.
    let mut inner = settings.iter().filter(|(path, _)| path.rsplit('.').next() == Some(word));
    if let (Some((path, field)), None) = (inner.next(), inner.next()) {
        return Ok(explain_setting(path, field));
    }
    let words = rules::all().map(|rule| rule.code).chain(settings.iter().map(|(path, _)| path.as_str()));
    Err(nearest(word, words).map(str::to_owned))
}

/// Returns the paths of all settings: those of the step file, of a step, and of the operator file, in that order.
#[must_use]
pub fn setting_paths() -> Vec<String> {
    settings().into_iter().map(|(path, _)| path).collect()
}

fn explain_rule(rule: &'static Rule) -> Explanation {
    Explanation::Rule {
        code: rule.code,
        severity: rule.severity,
        summary: rule.summary,
        docs: rule.docs(),
        valid: rule.valid.text(),
        invalid: rule.invalid.text(),
    }
}

fn explain_setting(path: &str, field: &Field) -> Explanation {
    let fields =
        structure(&field.schema).map(|inner| inner.fields().iter().map(|field| field.name.to_owned()).collect());
    let schema = generated_schema(path);
    let default = schema.get("default").filter(|default| !matches!(default, Tree::Null));
    Explanation::Setting {
        path: path.to_owned(),
        description: schema.text_of("description").to_owned(),
        value: valid_values(&field.schema),
        default: default.cloned(),
        unit: field.schema.unit.map(str::to_owned),
        api: field.api.map(str::to_owned),
        example: field.schema.example(),
        fields: fields.unwrap_or_default(),
    }
}

/// Returns the schema of the setting at a path of [`setting_paths`].
fn generated_schema(path: &str) -> Tree<'static> {
    let mut schemas = [GeneratedSchema::Step, GeneratedSchema::Settings, GeneratedSchema::Operator]
        .into_iter()
        .map(GeneratedSchema::schema);
    let below = |schema: Tree<'static>| {
        path.split('.').try_fold(schema, |mut schema, name| {
            while let Some(item) = schema.remove("items") {
                schema = item;
            }
            schema.remove("properties")?.remove(name)
        })
    };
    schemas.find_map(below).unwrap_or(Tree::Null)
}

fn settings() -> Vec<(String, &'static Field)> {
    let mut found: Vec<(String, &'static Field)> = Vec::new();
    for schema in [&STEP_FILE, &STEP_SETTINGS, &OPERATOR_FILE] {
        collect(schema, "", &mut found);
    }
    found
}

fn collect(schema: &'static SettingSchema, prefix: &str, found: &mut Vec<(String, &'static Field)>) {
    let Some(structure) = structure(schema) else { return };
    for field in structure.fields() {
        let path = if prefix.is_empty() { field.name.to_owned() } else { format!("{prefix}.{}", field.name) };
        if found.iter().any(|(known, _)| *known == path) {
            continue;
        }
        found.push((path.clone(), field));
        // Step settings have paths without the prefix `settings.`.
        if path != "settings" {
            collect(&field.schema, &path, found);
        }
    }
}

/// Returns the struct of a value, or of a list's items.
fn structure(schema: &SettingSchema) -> Option<&StructSchema> {
    match &schema.kind {
        Kind::Struct(structure) => Some(structure),
        Kind::List { item, .. } => structure(item),
        _ => None,
    }
}

/// Describes the valid values.
fn valid_values(schema: &SettingSchema) -> String {
    let or_null = if schema.nullable { ", or null" } else { "" };
    let kind = match &schema.kind {
        Kind::Bool => "a boolean".to_owned(),
        Kind::Enum(values) => format!("one of {}", values.join(", ")),
        Kind::Int(range) => format!("an integer{}", bounds(range)),
        Kind::Number(range) => format!("a number{}", bounds(range)),
        Kind::List { item, .. } => format!("a list, each item {}", valid_values(item)),
        Kind::Map { value, .. } => format!("a map, each value {}", valid_values(value)),
        Kind::ScalarText => "a string, number or boolean".to_owned(),
        Kind::String(string) => match (string.text, string.min_length, string.max_length) {
            (Some(text), ..) => text.expected.to_owned(),
            (None, 1.., Some(max)) => format!("a string of 1 to {max} characters"),
            (None, 1.., None) => "a non-empty string".to_owned(),
            _ => "a string".to_owned(),
        },
        Kind::Struct(_) => "a map".to_owned(),
    };
    kind + or_null
}

fn bounds(range: &Range) -> String {
    match (range.min, range.exclusive_min, range.max) {
        (Some(min), _, Some(max)) => format!(" from {min} to {max}"),
        (Some(min), _, None) => format!(", at least {min}"),
        (None, Some(min), _) => format!(" above {min}"),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn explains_every_setting_and_rule() {
        for path in setting_paths() {
            match explain(&path) {
                Ok(Explanation::Setting { description, .. }) => assert!(!description.is_empty(), "{path}"),
                other => panic!("{path}: {other:?}"),
            }
        }
        for rule in rules::all() {
            assert!(matches!(explain(rule.code), Ok(Explanation::Rule { .. })), "{}", rule.code);
        }
    }

    #[test]
    fn finds_nested_setting_by_unique_name() {
        assert!(
            matches!(explain("run_as_uid"), Ok(Explanation::Setting { path, .. }) if path == "security_context.run_as_uid")
        );
        assert_eq!(explain("mount_path").ok(), None);
    }
}
