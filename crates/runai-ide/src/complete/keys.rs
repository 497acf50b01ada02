//! Keys by what is missing, and the beginnings that the schema offers.

use runai_syntax::{Format, Tree, emit};
use serde_json::{Map, Value as Json};

use super::{Completion, CompletionKind, Request, detail};
use crate::scan::join;
use crate::schema::SchemaNode;

const REQUIRED: u32 = 0;
const WITH_DEFAULT: u32 = 1;
const OTHER: u32 = 2;
const SNIPPETS: u32 = 3;

/// Escapes what a snippet would take for a tab stop.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('$', "\\$").replace('}', "\\}")
}

/// Returns the text that a snippet writes if nobody types into its tab stops.
///
/// ```
/// assert_eq!(runai_ide::plain_text("size: ${1:50Gi}\\$$0"), "size: 50Gi$");
/// ```
#[must_use]
pub fn plain_text(snippet: &str) -> String {
    let mut plain = String::with_capacity(snippet.len());
    let mut chars = snippet.chars().peekable();
    let mut open = 0_usize;
    while let Some(c) = chars.next() {
        match c {
            '\\' => plain.extend(chars.next()),
            '$' if chars.peek() == Some(&'{') => {
                chars.next();
                while chars.next_if(char::is_ascii_digit).is_some() {}
                chars.next_if_eq(&':');
                open += 1;
            }
            '$' => while chars.next_if(char::is_ascii_digit).is_some() {},
            '}' if open > 0 => open -= 1,
            c => plain.push(c),
        }
    }
    plain
}

impl Request<'_> {
    pub(super) fn keys(&self, node: SchemaNode) -> Vec<Completion> {
        let parent = &self.place.parent;
        let is_written = |key: &str| {
            let pointer = join(parent, key);
            // The key at the cursor may be replaced by itself.
            self.outline.entries.iter().any(|entry| entry.pointer == pointer && entry.key != self.place.word)
        };
        let mut found = Vec::new();
        for (key, property) in node.keys().filter(|(key, _)| !is_written(key)) {
            let rank = match property.default() {
                _ if node.requires(key) => REQUIRED,
                Some(_) => WITH_DEFAULT,
                None => OTHER,
            };
            let snippet = self.key_snippet(key, property);
            let mut completion = self.completion(key, CompletionKind::Key, snippet, rank);
            completion.detail = detail(property);
            completion.documentation = property.text("markdownDescription").map(str::to_owned);
            found.push(completion);
        }
        if !self.place.separated {
            found.extend(node.snippets().filter_map(|snippet| self.beginning(snippet, &is_written)));
        }
        found
    }

    /// A key with a tab stop for its value.
    fn key_snippet(&self, key: &str, node: SchemaNode) -> String {
        let format = self.format();
        let name = escaped(&self.key_text(key));
        if self.place.separated {
            return name;
        }
        let indent = " ".repeat(self.indent());
        let value = match (node.type_name(), format, self.place.flow) {
            (Some("array"), Format::Yaml, false) => format!(":\n{indent}  - $0"),
            (Some("object"), Format::Yaml, false) => format!(":\n{indent}  $0"),
            (Some("array"), ..) => format!("{}[$0]", self.separator()),
            (Some("object"), Format::Toml, _) => " = { $0 }".to_owned(),
            (Some("object"), ..) => format!("{}{{$0\\}}", self.separator()),
            (of, ..) => {
                let quoted = of == Some("string") && format != Format::Yaml;
                let stop = match node.default().filter(|_| node.choices().is_empty()) {
                    Some(default) => self.placeholder(0, &Tree::from_json(&default.to_string()).unwrap_or(Tree::Null)),
                    None if quoted => "\"$0\"".to_owned(),
                    None => "$0".to_owned(),
                };
                format!("{}{stop}", self.separator())
            }
        };
        name + &value
    }

    pub(super) fn format(&self) -> Format {
        self.document.format()
    }

    fn separator(&self) -> &'static str {
        if self.format() == Format::Toml { " = " } else { ": " }
    }

    fn key_text(&self, key: &str) -> String {
        let is_quoted = self.typed().starts_with(['"', '\'']);
        match self.format() {
            Format::Json => emit::quoted(key),
            _ if is_quoted => emit::quoted(key),
            format => emit::key(key, format),
        }
    }

    /// Column of the keys beside the one that is written.
    fn indent(&self) -> usize {
        self.place.column
    }

    /// A scalar as a tab stop.
    fn placeholder(&self, number: usize, value: &Tree<'_>) -> String {
        let text = self.scalar(value);
        let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
        match inner {
            Some(inner) => format!("\"${{{number}:{}}}\"", escaped(inner)),
            None => format!("${{{number}:{}}}", escaped(&text)),
        }
    }

    pub(super) fn scalar(&self, value: &Tree<'_>) -> String {
        match self.format() {
            Format::Yaml => emit::yaml::flow(value),
            _ => value.to_json(),
        }
    }

    /// A beginning of the schema, without the keys that are written already.
    fn beginning(&self, snippet: &'static Map<String, Json>, is_written: &dyn Fn(&str) -> bool) -> Option<Completion> {
        let label = snippet.get("label")?.as_str()?;
        let body = snippet.get("body")?.as_object()?;
        if body.keys().any(|key| is_written(key)) {
            return None;
        }
        let indent = self.indent();
        let parts: Vec<String> = body
            .iter()
            .map(|(key, value)| format!("{}{}", escaped(&self.key_text(key)), self.snippet_value(value, indent)))
            .collect();
        let separator = match (self.format(), self.place.flow) {
            (Format::Json, _) => ",\n".to_owned() + &" ".repeat(indent),
            (_, true) => ", ".to_owned(),
            (_, false) => "\n".to_owned() + &" ".repeat(indent),
        };
        let mut completion = self.completion(label, CompletionKind::Snippet, parts.join(&separator) + "$0", SNIPPETS);
        completion.detail = Some("snippet".to_owned());
        completion.documentation = snippet.get("description").and_then(Json::as_str).map(str::to_owned);
        Some(completion)
    }

    /// A separator and a value of a snippet.
    fn snippet_value(&self, value: &Json, indent: usize) -> String {
        let is_block = self.format() == Format::Yaml && !self.place.flow;
        if is_block && (value.is_object() || value.is_array()) {
            return format!(":{}", self.block(value, indent + 2));
        }
        format!("{}{}", self.separator(), self.inline(value))
    }

    /// A map or list in lines of its own, each behind a line break.
    fn block(&self, value: &Json, indent: usize) -> String {
        let spaces = " ".repeat(indent);
        let entry = |(key, value): (&String, &Json), indent: usize| {
            format!("{}{}", escaped(&emit::key(key, Format::Yaml)), self.snippet_value(value, indent))
        };
        match value {
            Json::Object(map) => {
                map.iter().flat_map(|part| ["\n", &spaces, &entry(part, indent)].map(str::to_owned)).collect()
            }
            Json::Array(items) => items
                .iter()
                .map(|item| match item {
                    Json::Object(map) => {
                        let inner = format!("\n{spaces}  ");
                        let lines: Vec<_> = map.iter().map(|part| entry(part, indent + 2)).collect();
                        format!("\n{spaces}- {}", lines.join(&inner))
                    }
                    other => format!("\n{spaces}- {}", self.inline(other)),
                })
                .collect(),
            scalar => format!(" {}", self.inline(scalar)),
        }
    }

    /// A value in one line.
    fn inline(&self, value: &Json) -> String {
        match value {
            Json::Object(map) => {
                let key = |key: &str| {
                    escaped(&if self.format() == Format::Json {
                        emit::quoted(key)
                    } else {
                        emit::key(key, self.format())
                    })
                };
                let parts: Vec<_> = map
                    .iter()
                    .map(|(name, value)| format!("{}{}{}", key(name), self.separator(), self.inline(value)))
                    .collect();
                let space = if self.format() == Format::Toml { " " } else { "" };
                format!("{{{space}{}{space}\\}}", parts.join(", "))
            }
            Json::Array(items) => {
                format!("[{}]", items.iter().map(|item| self.inline(item)).collect::<Vec<_>>().join(", "))
            }
            Json::String(text) => self.stop(text),
            scalar => escaped(&scalar.to_string()),
        }
    }

    /// A text of a snippet: `${1:…}` is a tab stop, and a `^` before it makes a number or boolean of it.
    fn stop(&self, text: &str) -> String {
        let raw = text.strip_prefix('^');
        let stop = raw.unwrap_or(text);
        let inner =
            stop.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')).and_then(|rest| rest.split_once(':'));
        match (inner, raw) {
            (Some(_), Some(raw)) => raw.to_owned(),
            (Some((number, default)), None) => {
                self.placeholder(number.parse().unwrap_or_default(), &Tree::from(default))
            }
            (None, Some(raw)) => escaped(raw),
            (None, None) => escaped(&self.scalar(&Tree::from(text))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_come_back() {
        for text in ["a$b", "\\", "${1:x}", "}"] {
            assert_eq!(plain_text(&escaped(text)), text);
        }
    }
}
