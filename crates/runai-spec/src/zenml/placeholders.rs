//! Placeholders `${VAR}` in keys and values, which ZenML replaces by environment variables.

use std::borrow::Cow;

use runai_syntax::{Map, Node, Span, Text, Value, escape};

/// Returns the names of the variables in a string, by the pattern `\$\{([a-zA-Z0-9_]+)\}`.
pub(crate) fn names(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            let (_, after) = rest.split_once("${")?;
            let length = after.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
            if length > 0 && after[length..].starts_with('}') {
                rest = &after[length + 1..];
                return Some(&after[..length]);
            }
            rest = after;
        }
    })
}

/// Whether a string contains a placeholder.
pub(crate) fn has(text: &str) -> bool {
    text.contains("${") && names(text).next().is_some()
}

/// Replaces placeholders by the values of their variables. Placeholders of missing variables are kept.
fn substituted(text: &str, value: &impl Fn(&str) -> Option<String>) -> String {
    let mut result = String::new();
    let mut rest = text;
    while let Some(name) = names(rest).next() {
        let placeholder = format!("${{{name}}}");
        let Some((before, after)) = rest.split_once(placeholder.as_str()) else { break };
        result += before;
        result += &value(name).unwrap_or_else(|| placeholder.clone());
        rest = after;
    }
    result + rest
}

/// The position of a key or value with placeholders.
pub(super) struct Place {
    pub(super) span: Span,
    pub(super) pointer: String,
    pub(super) names: Vec<String>,
}

/// Finds all placeholders in a value.
pub(super) fn find(node: &Node<'_>, pointer: &str, found: &mut Vec<Place>) {
    let mut add = |text: &str, span, pointer: &str| {
        let mut names: Vec<String> = names(text).map(str::to_owned).collect();
        names.dedup();
        if !names.is_empty() {
            found.push(Place { span, pointer: pointer.to_owned(), names });
        }
    };
    match &node.value {
        Value::String(text) => add(&text.text, node.span, pointer),
        Value::List(items) => {
            for (index, item) in items.iter().enumerate() {
                find(item, &format!("{pointer}/{index}"), found);
            }
        }
        Value::Map(Map(entries)) => {
            for entry in entries {
                let pointer = format!("{pointer}/{}", escape(&entry.key));
                if has(&entry.key) {
                    found.push(Place {
                        span: entry.key_span,
                        pointer: pointer.clone(),
                        names: names(&entry.key).map(str::to_owned).collect(),
                    });
                }
                find(&entry.value, &pointer, found);
            }
        }
        _ => {}
    }
}

/// Replaces all placeholders in a value. The results are strings, even if they look like numbers.
pub(super) fn substitute(node: &mut Node<'_>, value: &impl Fn(&str) -> Option<String>) {
    match &mut node.value {
        Value::String(text) if has(&text.text) => {
            *text = Text { text: Cow::Owned(substituted(&text.text, value)), plain: false };
        }
        Value::List(items) => items.iter_mut().for_each(|item| substitute(item, value)),
        Value::Map(Map(entries)) => {
            for entry in entries.iter_mut() {
                if has(&entry.key) {
                    entry.key = Cow::Owned(substituted(&entry.key, value));
                }
                substitute(&mut entry.value, value);
            }
            // If two keys have become equal, the last one is used, as in Python.
            let mut at = entries.len();
            while at > 0 {
                at -= 1;
                if entries[at + 1..].iter().any(|later| later.key == entries[at].key) {
                    entries.remove(at);
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_placeholders() {
        let all = |text| names(text).collect::<Vec<_>>();
        assert_eq!(all("a${A}b$B${C_1}"), ["A", "C_1"]);
        assert_eq!(all("${1}"), ["1"]);
        for text in ["$A", "${}", "${A-b}", "${A", "$(A)", "${ A }"] {
            assert!(!has(text), "{text}");
        }
        assert_eq!(all("${${A}}"), ["A"]);
    }

    #[test]
    fn substitutes_once() {
        let value = |name: &str| Some(if name == "A" { "${B}".to_owned() } else { "x".to_owned() });
        assert_eq!(substituted("1${A}2${B}3", &value), "1${B}2x3");
    }
}
