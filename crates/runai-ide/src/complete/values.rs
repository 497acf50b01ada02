//! Allowed values, units, defaults, examples, and names of the cluster.

use runai_spec::PRIORITY_CLASSES;
use runai_syntax::{Format, Tree, emit};
use serde_json::Value as Json;

use super::{Completion, CompletionKind, Request};
use crate::facts::Name;
use crate::schema::SchemaNode;

const NAMES: u32 = 0;
const CHOICES: u32 = 1;
const DEFAULT: u32 = 2;
const EXAMPLES: u32 = 3;

impl Request<'_> {
    pub(super) fn values(&self, node: SchemaNode) -> Vec<Completion> {
        let mut found = self.names();
        // Where a list is empty, its items are completed.
        let is_list_start = node.type_name() == Some("array");
        let node = if is_list_start { node.items().unwrap_or(node) } else { node };
        for (choice, meaning) in node.choices() {
            let snippet = self.value_text(&Tree::from(choice));
            let mut completion = self.completion(choice, CompletionKind::Choice, snippet, CHOICES);
            completion.documentation = meaning.map(str::to_owned);
            found.push(completion);
        }
        if node.type_name() == Some("boolean") {
            for value in [true, false] {
                let snippet = value.to_string();
                let mut completion = self.completion(&snippet, CompletionKind::Choice, snippet.clone(), CHOICES);
                completion.detail = (node.default() == Some(&Json::Bool(value))).then(|| "default".to_owned());
                found.push(completion);
            }
        }
        found.extend(self.with_units(node));
        let examples = node.default().map(|value| (value, DEFAULT)).into_iter();
        let examples = examples.chain(node.examples().iter().map(|value| (value, EXAMPLES)));
        for (value, rank) in examples.filter(|(value, _)| !value.is_object() && !value.is_array()) {
            let text = value.to_string();
            let Ok(tree) = Tree::from_json(&text) else { continue };
            let label = value.as_str().map_or_else(|| text.clone(), str::to_owned);
            if found.iter().any(|other| other.label == label) {
                continue;
            }
            let mut completion = self.completion(&label, CompletionKind::Value, self.value_text(&tree), rank);
            completion.detail = Some(if rank == DEFAULT { "default" } else { "example" }.to_owned());
            found.push(completion);
        }
        if is_list_start {
            found.retain(|completion| completion.kind != CompletionKind::Value);
            if !self.place.flow {
                for completion in &mut found {
                    completion.snippet = format!("[{}]", completion.snippet);
                }
            }
        }
        found
    }

    /// The names that the facts have for the setting; without facts, the priority classes that every control plane has.
    fn names(&self) -> Vec<Completion> {
        let Some(path) = self.path() else { return Vec::new() };
        let mut names = self.document.facts.as_deref().map(|facts| facts.names(&path)).unwrap_or_default();
        if names.is_empty() && path == "priority_class" {
            names.extend(PRIORITY_CLASSES.map(|text| Name { text, detail: None }));
        }
        names
            .into_iter()
            .map(|name| {
                let snippet = self.value_text(&Tree::from(name.text));
                let mut completion = self.completion(name.text, CompletionKind::Name, snippet, NAMES);
                completion.detail = name.detail;
                completion
            })
            .collect()
    }

    /// The number at the cursor with the units of the setting's default and examples.
    fn with_units(&self, node: SchemaNode) -> Vec<Completion> {
        let typed = self.typed().trim_matches(['"', '\'']);
        let number = typed.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let is_number = !number.is_empty() && number.parse::<f64>().is_ok();
        if node.text("x-unit") != Some("bytes") || !is_number {
            return Vec::new();
        }
        UNITS
            .iter()
            .enumerate()
            .map(|(index, (unit, size))| {
                let text = format!("{number}{unit}");
                let rank = CHOICES + u32::try_from(index).unwrap_or_default();
                let mut completion =
                    self.completion(&text, CompletionKind::Value, self.value_text(&Tree::from(&*text)), rank);
                completion.detail = Some((*size).to_owned());
                completion
            })
            .collect()
    }

    /// A scalar as it is written in the language of the text.
    fn value_text(&self, value: &Tree<'_>) -> String {
        let text = match (value, self.format()) {
            (Tree::Text(text), _) if self.typed().starts_with('"') => emit::quoted(text),
            (Tree::Text(_), Format::Yaml) => emit::yaml::flow(value),
            _ => self.scalar(value),
        };
        text.replace('\\', "\\\\").replace('$', "\\$").replace('}', "\\}")
    }
}

/// Units of memory and what they count.
const UNITS: [(&str, &str); 4] =
    [("Gi", "× 2³⁰ bytes"), ("G", "× 10⁹ bytes"), ("Mi", "× 2²⁰ bytes"), ("M", "× 10⁶ bytes")];
