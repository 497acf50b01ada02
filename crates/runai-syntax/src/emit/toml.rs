//! Emits TOML: key/value pairs first, then tables and arrays of tables. Other maps in lists are inline tables.

use std::fmt::Write as _;

use super::{is_short, quoted};
use crate::{Format, Segment, Tree};

/// Appends the pairs and subtables of the table at `path`.
pub(crate) fn table(map: &[(std::borrow::Cow<'_, str>, Tree<'_>)], path: &[&str], newline: &str, out: &mut String) {
    let (tables, pairs): (Vec<_>, Vec<_>) = map.iter().partition(|(_, value)| is_table(value));
    for (key, value) in &pairs {
        let _ = write!(out, "{}{newline}", pair(key, value, newline));
    }
    for (key, value) in &tables {
        let path: Vec<&str> = path.iter().copied().chain([&**key]).collect();
        let header = header_path(path.iter().copied());
        match value {
            Tree::Map(map) => {
                // A table that contains only tables needs no header.
                if map.iter().any(|(_, value)| !is_table(value)) || map.is_empty() {
                    separate(out, newline);
                    let _ = write!(out, "[{header}]{newline}");
                }
                table(map, &path, newline, out);
            }
            Tree::List(items) => {
                for item in items {
                    separate(out, newline);
                    let _ = write!(out, "[[{header}]]{newline}");
                    if let Tree::Map(map) = item {
                        table(map, &path, newline, out);
                    }
                }
            }
            _ => {}
        }
    }
}

fn separate(out: &mut String, newline: &str) {
    if !out.is_empty() && !out.ends_with(&format!("{newline}{newline}")) {
        out.push_str(newline);
    }
}

/// Whether a value is written as a table or an array of tables.
pub(crate) fn is_table(value: &Tree<'_>) -> bool {
    match value {
        Tree::Map(map) => !map.is_empty(),
        Tree::List(items) => !items.is_empty() && items.iter().all(|item| matches!(item, Tree::Map(_))),
        _ => false,
    }
}

/// Formats the path of a table for its header. Indexes are omitted.
pub(crate) fn header(path: &[Segment]) -> String {
    header_path(path.iter().filter_map(|segment| match segment {
        Segment::Key(key) => Some(key.as_str()),
        Segment::Index(_) => None,
    }))
}

fn header_path<'k>(path: impl Iterator<Item = &'k str>) -> String {
    path.map(key).collect::<Vec<_>>().join(".")
}

/// Formats `key = value`, with long lists on several lines.
pub(crate) fn pair(name: &str, value: &Tree<'_>, newline: &str) -> String {
    let name = key(name);
    let value = match value {
        // Too wide for one line.
        Tree::List(items) if !is_short(value, name.len() + 3) => {
            let items = items.iter().map(|item| format!("    {},{newline}", inline(item)));
            format!("[{newline}{}]", items.collect::<String>())
        }
        _ => inline(value),
    };
    format!("{name} = {value}")
}

/// Formats a value on one line.
pub(crate) fn inline(value: &Tree<'_>) -> String {
    match value {
        Tree::List(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Tree::Map(map) if map.is_empty() => "{}".to_owned(),
        Tree::Map(map) => {
            let pairs = map.iter().map(|(name, value)| format!("{} = {}", key(name), inline(value)));
            format!("{{ {} }}", pairs.collect::<Vec<_>>().join(", "))
        }
        Tree::Text(text) => quoted(text),
        Tree::DateTime(raw) => (*raw).to_owned(),
        other => other.word(Format::Toml).unwrap_or_default().into_owned(),
    }
}

pub(crate) fn key(key: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !key.is_empty() && key.chars().all(bare) { key.to_owned() } else { quoted(key) }
}

/// Formats a string in single quotes, if it needs no escapes.
pub(crate) fn literal(text: &str) -> Option<String> {
    let fits = !text.contains(|c: char| c == '\'' || c.is_control() && c != '\t');
    fits.then(|| format!("'{text}'"))
}

/// Formats `key = value` on one line.
pub(crate) fn pair_inline(name: &str, value: &Tree<'_>) -> String {
    format!("{} = {}", key(name), inline(value))
}
