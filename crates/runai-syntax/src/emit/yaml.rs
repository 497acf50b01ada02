//! Emits YAML in block style, with short lists of scalars in flow style. Strings are quoted if YAML 1.1 or 1.2 would
//! parse them as another type.

use std::borrow::Cow;

use super::{is_short, quoted};
use crate::yaml::core;
use crate::{Format, Tree};

/// The style of a YAML text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style<'s> {
    pub(crate) newline: &'s str,
    /// The indentation of a map in a map, in columns.
    pub(crate) step: usize,
    /// The indentation of a list in a map, in columns.
    pub(crate) list_step: usize,
    /// Whether to emit strings of several lines as block scalars.
    pub(crate) blocks: bool,
}

/// Formats `key: value` with the key at `column`. The first line is not indented.
pub(crate) fn entry(key: &str, value: &Tree<'_>, style: &Style<'_>, column: usize) -> String {
    format!("{}:{}", self::key(key), after_colon(value, style, column))
}

/// Formats the text after the colon of a key at `column`: a space and the value, or a newline and a block.
pub(crate) fn after_colon(value: &Tree<'_>, style: &Style<'_>, column: usize) -> String {
    match value {
        _ if is_short(value, column) => format!(" {}", scalar_or_flow(value, style, column)),
        _ => {
            let column = column + if matches!(value, Tree::List(_)) { style.list_step } else { style.step };
            format!("{}{}{}", style.newline, " ".repeat(column), block(value, style, column))
        }
    }
}

/// Formats `- value` with the dash at `column`.
pub(crate) fn item(value: &Tree<'_>, style: &Style<'_>, column: usize) -> String {
    format!("- {}", block(value, style, column + 2))
}

/// Formats a value as a block at `column`, or on one line if it is short. The first line is not indented.
pub(crate) fn block(value: &Tree<'_>, style: &Style<'_>, column: usize) -> String {
    let between = format!("{}{}", style.newline, " ".repeat(column));
    match value {
        _ if is_short(value, column) => scalar_or_flow(value, style, column.saturating_sub(style.step)),
        Tree::Map(map) => {
            let entries = map.iter().map(|(key, value)| entry(key, value, style, column));
            entries.collect::<Vec<_>>().join(&between)
        }
        Tree::List(items) => items.iter().map(|one| item(one, style, column)).collect::<Vec<_>>().join(&between),
        _ => flow(value),
    }
}

/// Formats a value on one line, in flow style.
#[must_use]
pub fn flow(value: &Tree<'_>) -> String {
    match value {
        Tree::List(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Tree::Map(map) => {
            let entries = map.iter().map(|(name, value)| format!("{}: {}", flow_text(name), flow(value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
        Tree::Text(text) => flow_text(text),
        other => word(other),
    }
}

/// Formats a string inside a flow collection, quoted if necessary.
fn flow_text(text: &str) -> String {
    if is_plain(text) && !text.contains([',', '[', ']', '{', '}']) && !text.contains(" -") && !text.contains(" ?") {
        text.to_owned()
    } else {
        quoted(text)
    }
}

pub(crate) fn key(key: &str) -> String {
    flow_text(key)
}

fn scalar_or_flow(value: &Tree<'_>, style: &Style<'_>, column: usize) -> String {
    match value {
        Tree::Text(text) => match literal(text, style, column + style.step) {
            Some(literal) => literal,
            None if is_plain(text) => text.to_string(),
            None => quoted(text),
        },
        other => flow(other),
    }
}

fn word(value: &Tree<'_>) -> String {
    match value {
        Tree::DateTime(raw) => quoted(raw),
        other => other.word(Format::Yaml).unwrap_or(Cow::Borrowed("null")).into_owned(),
    }
}

/// Formats a string of several lines as a block scalar at `column`.
///
/// Returns `None` if the style has no block scalars, or if the block scalar would not parse to the same string.
pub(crate) fn literal(text: &str, style: &Style<'_>, column: usize) -> Option<String> {
    let (lines, header) = match text.strip_suffix('\n') {
        Some(lines) => (lines, "|"),
        None => (text, "|-"),
    };
    let printable = |c: char| c == '\n' || c == '\t' || !c.is_control() && !is_break(c);
    let fits = style.blocks
        && text.contains('\n')
        && !lines.ends_with('\n')
        && !lines.starts_with([' ', '\t', '\n'])
        && !lines.is_empty()
        && text.chars().all(printable)
        && lines.split('\n').all(|line| !line.ends_with([' ', '\t']));
    fits.then(|| {
        let indent = " ".repeat(column);
        let lines = lines.split('\n').map(|line| {
            let indent = if line.is_empty() { "" } else { &indent };
            format!("{}{indent}{line}", style.newline)
        });
        header.to_owned() + &lines.collect::<String>()
    })
}

/// Formats a string in single quotes; `None` if it contains line breaks or unprintable characters.
pub(crate) fn single_quoted(text: &str) -> Option<String> {
    let printable = text.chars().all(|c| !c.is_control() && !is_break(c));
    printable.then(|| format!("'{}'", text.replace('\'', "''")))
}

/// Whether `c` is a Unicode line break, a byte order mark or a noncharacter, which only double quotes can escape.
fn is_break(c: char) -> bool {
    matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

/// Whether `c` is an ASCII letter or any non-ASCII character.
fn is_letter(c: char) -> bool {
    c.is_ascii_alphabetic() || !c.is_ascii()
}

/// Whether a string in a block needs no quotes, in either YAML version.
pub(crate) fn is_plain(text: &str) -> bool {
    let Some(first) = text.chars().next() else { return false };
    let second = text.chars().nth(1);
    let starts = match first {
        '-' => second.is_some_and(|c| is_letter(c) || c == '-') && !text.starts_with("---"),
        _ => !first.is_whitespace() && !"?:,[]{}#&*!|>'\"%@`=".contains(first),
    };
    starts
        && text.chars().any(|c| is_letter(c) || c == '/')
        && !text.ends_with([' ', '\t', ':'])
        && !text.contains(": ")
        && !text.contains(" #")
        && !text.chars().any(|c| c.is_control() || is_break(c))
        && !is_word(text)
        && !is_number(text)
}

/// Whether YAML 1.1 or 1.2 parses the text as null, a boolean, or another special word.
fn is_word(text: &str) -> bool {
    const WORDS: [&str; 13] = ["~", "false", "n", "no", "null", "off", "on", "true", "y", "yes", ".inf", ".nan", "<<"];
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    text.len() <= 6 && WORDS.iter().any(|word| unsigned.eq_ignore_ascii_case(word))
}

/// Whether YAML 1.1 or 1.2 may parse the text as a number, a time or a date.
fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return false;
    }
    let number = |c: char| c.is_ascii_digit() || "_:.+-eE".contains(c);
    let radix = ["0x", "0X", "0o", "0O", "0b", "0B"].iter().any(|prefix| {
        let digits = unsigned.strip_prefix(prefix);
        digits.is_some_and(|digits| digits.chars().all(|c| c.is_ascii_hexdigit() || c == '_'))
    });
    let year = unsigned.split_once('-').is_some_and(|(year, _)| year.len() == 4 && year.parse::<u16>().is_ok())
        && unsigned.chars().all(|c| c.is_ascii_digit() || "-:.+TtZz \t".contains(c));
    radix || year || unsigned.chars().all(number) || core(text, text).is_some()
}
