//! Values to text, in each of the three languages.

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

/// Returns a key as it is written in a map of `format`.
#[must_use]
pub fn key(key: &str, format: Format) -> String {
    match format {
        Format::Json => quoted(key),
        Format::Toml => toml::key(key),
        Format::Yaml => yaml::key(key),
    }
}

/// Writes `text` in double quotes, with escapes that JSON, TOML and YAML share.
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
        // JSON takes most of these as they are, the others do not.
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => {
            let _ = write!(out, "\\u{:04x}", u32::from(c));
            return;
        }
        _ => return out.push(c),
    };
    out.push_str(escape);
}

/// Widest line that a list of scalars may make.
const WIDTH: usize = 100;

/// Whether `value` stands in one line wherever it goes: a scalar, nothing, or a short list of scalars.
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
