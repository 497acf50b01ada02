//! Emits values in all three formats.

pub mod json;
pub(crate) mod toml;
pub mod yaml;

use std::fmt::Write as _;

use crate::{Format, Tree, quotes};

/// Returns `text` in double quotes, with escapes that JSON, TOML and YAML share.
#[must_use]
pub fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    quote(text, &mut out);
    out
}

/// Formats a key for a map of `format`.
#[must_use]
pub fn key(key: &str, format: Format) -> String {
    match format {
        Format::Json => quoted(key),
        Format::Toml => toml::key(key),
        Format::Yaml => yaml::key(key),
    }
}

/// Appends `text` in double quotes, with escapes that JSON, TOML and YAML share.
pub(crate) fn quote(text: &str, out: &mut String) {
    out.push('"');
    let mut rest = text;
    while !rest.is_empty() {
        let (plain, others) = rest.split_at(quotes::plain_ascii(rest.as_bytes()));
        out.push_str(plain);
        let mut others = others.chars();
        others.next().into_iter().for_each(|c| quote_char(c, out));
        rest = others.as_str();
    }
    out.push('"');
}

fn quote_char(c: char, out: &mut String) {
    let escape = match c {
        '"' => "\\\"",
        '\\' => "\\\\",
        '\u{8}' => "\\b",
        '\u{c}' => "\\f",
        '\n' => "\\n",
        '\r' => "\\r",
        '\t' => "\\t",
        // JSON allows most of these unescaped, the other formats do not.
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => {
            let _ = write!(out, "\\u{:04x}", u32::from(c));
            return;
        }
        _ => return out.push(c),
    };
    out.push_str(escape);
}

/// The maximum width of a list of scalars on one line, in columns.
const WIDTH: usize = 100;

/// Whether `value` is written on one line: a scalar, an empty collection, or a short list of scalars.
pub(crate) fn is_short(value: &Tree<'_>, column: usize) -> bool {
    match value {
        Tree::Map(map) => map.is_empty(),
        Tree::List(items) => {
            let width = |item: &Tree<'_>| match item {
                Tree::Text(text) if text.contains('\n') => WIDTH,
                Tree::Text(text) => text.chars().count() + 2,
                other => other.word(Format::Yaml).map_or(4, |word| word.len()),
            };
            items.iter().all(Tree::is_scalar)
                && column + items.iter().map(|item| width(item) + 2).sum::<usize>() <= WIDTH
        }
        _ => true,
    }
}
