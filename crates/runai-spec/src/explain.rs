//! What there is to say about a rule or a setting.

use runai_syntax::Tree;
use serde::Serialize;

use crate::declared::Declared;
use crate::rules::{self, Rule, Severity};
use crate::shape::{Field, Kind, OPERATOR_FILE, Range, STEP_FILE, STEP_SETTINGS, Shape, StructShape};
use crate::suggest::nearest;

/// A rule or a setting, explained.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase", tag = "type")]
pub enum Explanation {
    /// A rule, by its code.
    Rule {
        /// Its code.
        code: &'static str,
        /// Whether breaking it is an error.
        severity: Severity,
        /// What is wrong, in a few words.
        summary: &'static str,
        /// Why the rule is there and what to do, in Markdown.
        docs: String,
        /// A text that keeps it.
        valid: &'static str,
        /// A text that breaks it.
        invalid: &'static str,
    },
    /// A setting, by its path.
    Setting {
        /// Its path: `gpu_portion_request`, `pvc_mounts.path`.
        path: String,
        /// What it is for, in Markdown.
        description: String,
        /// What its value may be, in words.
        value: String,
        /// Its default, if it has one.
        #[serde(skip_serializing_if = "Option::is_none")]
        default: Option<Tree<'static>>,
        /// Unit of a number or amount.
        #[serde(skip_serializing_if = "Option::is_none")]
        unit: Option<String>,
        /// Member of the API's request that it becomes.
        #[serde(skip_serializing_if = "Option::is_none")]
        api: Option<String>,
        /// A value that it may have.
        example: Tree<'static>,
        /// Settings inside it.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        fields: Vec<String>,
    },
}

/// Explains a rule by its code, or a setting by its path.
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
/// The nearest word that can be explained, if one is near.
pub fn explain(word: &str) -> Result<Explanation, Option<String>> {
    if let Some(rule) = rules::by_code(word) {
        return Ok(explain_rule(rule));
    }
    let settings = settings();
    if let Some((path, field)) = settings.iter().find(|(path, _)| path == word) {
        return Ok(explain_setting(path, field));
    }
    // A setting inside another is meant by its own name if only one has it.
    let mut inner = settings.iter().filter(|(path, _)| path.rsplit('.').next() == Some(word));
    if let (Some((path, field)), None) = (inner.next(), inner.next()) {
        return Ok(explain_setting(path, field));
    }
    let words = rules::all().map(|rule| rule.code).chain(settings.iter().map(|(path, _)| path.as_str()));
    Err(nearest(word, words).map(str::to_owned))
}

/// Paths of all settings: those of the step file, of a step, and of the operator file, in that order.
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
        structure(&field.shape).map(|inner| inner.fields().iter().map(|field| field.name.to_owned()).collect());
    let schema = declared(path);
    let default = schema.get("default").filter(|default| !matches!(default, Tree::Null));
    Explanation::Setting {
        path: path.to_owned(),
        description: schema.text_of("description").to_owned(),
        value: words(&field.shape),
        default: default.cloned(),
        unit: field.shape.unit.map(str::to_owned),
        api: field.api.map(str::to_owned),
        example: field.shape.example(),
        fields: fields.unwrap_or_default(),
    }
}

/// The schema of the setting at a path of [`setting_paths`].
fn declared(path: &str) -> Tree<'static> {
    let mut schemas = [Declared::Step, Declared::Settings, Declared::Operator].into_iter().map(Declared::schema);
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
    for shape in [&STEP_FILE, &STEP_SETTINGS, &OPERATOR_FILE] {
        collect(shape, "", &mut found);
    }
    found
}

fn collect(shape: &'static Shape, prefix: &str, found: &mut Vec<(String, &'static Field)>) {
    let Some(structure) = structure(shape) else { return };
    for field in structure.fields() {
        let path = if prefix.is_empty() { field.name.to_owned() } else { format!("{prefix}.{}", field.name) };
        if found.iter().any(|(known, _)| *known == path) {
            continue;
        }
        found.push((path.clone(), field));
        // The settings of a step are known by their own names, not as `settings.gpu_portion_request`.
        if path != "settings" {
            collect(&field.shape, &path, found);
        }
    }
}

/// The struct that a value, or each item of a list, is.
fn structure(shape: &Shape) -> Option<&StructShape> {
    match &shape.kind {
        Kind::Struct(structure) => Some(structure),
        Kind::List { item, .. } => structure(item),
        _ => None,
    }
}

/// What a value may be, in words.
fn words(shape: &Shape) -> String {
    let or_null = if shape.nullable { ", or null" } else { "" };
    let kind = match &shape.kind {
        Kind::Bool => "a boolean".to_owned(),
        Kind::Enum(values) => format!("one of {}", values.join(", ")),
        Kind::Int(range) => format!("a whole number{}", range_words(range)),
        Kind::Number(range) => format!("a number{}", range_words(range)),
        Kind::List { item, .. } => match words(item).strip_prefix("a ") {
            Some(item) => format!("a list, each item a {item}"),
            None => format!("a list, each item {}", words(item)),
        },
        Kind::Map { value, .. } => format!("a map, each value {}", words(value)),
        Kind::ScalarText => "a string; numbers and booleans are taken as their text".to_owned(),
        Kind::String(string) => match (string.text, string.min_length, string.max_length) {
            (Some(text), ..) => text.expected.to_owned(),
            (None, 1.., Some(max)) => format!("a string of 1 to {max} characters"),
            (None, 1.., None) => "a string that is not empty".to_owned(),
            _ => "a string".to_owned(),
        },
        Kind::Struct(_) => "a map".to_owned(),
    };
    kind + or_null
}

fn range_words(range: &Range) -> String {
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
    fn every_setting_and_rule_can_be_explained_and_says_something() {
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
    fn a_name_that_only_one_setting_has_inside_needs_no_path() {
        assert!(
            matches!(explain("run_as_uid"), Ok(Explanation::Setting { path, .. }) if path == "security_context.run_as_uid")
        );
        assert_eq!(explain("mount_path").ok(), None);
    }
}
