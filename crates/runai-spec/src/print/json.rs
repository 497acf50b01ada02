//! JSON, in one line or in many.

use super::{Tree, is_short, quote};
use crate::document::Format;

/// How the JSON around a value is laid out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style<'s> {
    pub(crate) newline: &'s str,
    /// What one level is indented by; nothing for a text that is a single line.
    pub(crate) indent: &'s str,
    /// Whether a space stands behind colons and commas.
    pub(crate) spaced: bool,
    /// Whether short lists of scalars stand in one line.
    pub(crate) short_lists: bool,
}

/// The value, whose first line is indented by `before`.
pub(crate) fn value(value: &Tree<'_>, style: &Style<'_>, before: &str) -> String {
    let mut out = String::new();
    write(value, style, before, &mut out);
    out
}

/// `"key": value`.
pub(crate) fn pair(key: &str, value: &Tree<'_>, style: &Style<'_>, before: &str) -> String {
    let mut out = String::new();
    write_pair(key, value, style, before, &mut out);
    out
}

fn write_pair(key: &str, value: &Tree<'_>, style: &Style<'_>, before: &str, out: &mut String) {
    quote(key, out);
    out.push_str(if style.spaced { ": " } else { ":" });
    write(value, style, before, out);
}

fn write(value: &Tree<'_>, style: &Style<'_>, before: &str, out: &mut String) {
    match value {
        Tree::Null => out.push_str("null"),
        Tree::Float(value, _) if !value.is_finite() => out.push_str("null"),
        Tree::Text(text) => quote(text, out),
        Tree::DateTime(raw) => quote(raw, out),
        Tree::List(items) => {
            let short = items.is_empty() || style.short_lists && is_short(value, before.len());
            let flat = style.indent.is_empty() || short;
            write_all('[', ']', items.iter().map(|item| (None, item)), flat, style, before, out);
        }
        Tree::Map(map) => {
            let flat = style.indent.is_empty() || map.is_empty();
            let parts = map.iter().map(|(key, value)| (Some(&**key), value));
            write_all('{', '}', parts, flat, style, before, out);
        }
        other => out.push_str(&other.word(Format::Json).unwrap_or_default()),
    }
}

fn write_all<'v>(
    open: char,
    close: char,
    parts: impl Iterator<Item = (Option<&'v str>, &'v Tree<'v>)>,
    flat: bool,
    style: &Style<'_>,
    before: &str,
    out: &mut String,
) {
    let inner = format!("{before}{}", style.indent);
    out.push(open);
    for (index, (key, value)) in parts.enumerate() {
        if index > 0 {
            out.push_str(if flat && style.spaced { ", " } else { "," });
        }
        if !flat {
            out.push_str(style.newline);
            out.push_str(&inner);
        }
        match key {
            Some(key) => write_pair(key, value, style, &inner, out),
            None => write(value, style, &inner, out),
        }
    }
    if !flat {
        out.push_str(style.newline);
        out.push_str(before);
    }
    out.push(close);
}
