//! Emits JSON, on one line or indented.

use std::fmt::Write as _;
use std::mem;

use super::{is_short, quote};
use crate::{Format, Tree};

/// The style of a JSON text.
#[derive(Clone, Copy, Debug)]
pub struct Style<'s> {
    /// The line break.
    pub newline: &'s str,
    /// The indentation of one level; empty for a text on one line.
    pub indent: &'s str,
    /// Whether a space follows colons and commas.
    pub spaced: bool,
    /// Whether short lists of scalars are on one line.
    pub short_lists: bool,
}

/// One line without spaces.
pub const COMPACT: Style<'static> = Style { newline: "", indent: "", spaced: false, short_lists: false };
/// One line per value, indented by two spaces.
pub const PRETTY: Style<'static> = Style { newline: "\n", indent: "  ", spaced: true, short_lists: false };

/// Formats a value whose first line is indented by `before`.
pub(crate) fn value(value: &Tree<'_>, style: &Style<'_>, before: &str) -> String {
    let mut writer = Writer::new(*style, before);
    writer.value(value);
    writer.out
}

/// Formats `"key": value`.
pub(crate) fn pair(key: &str, value: &Tree<'_>, style: &Style<'_>, before: &str) -> String {
    let mut writer = Writer::new(*style, before);
    writer.key(key);
    writer.value(value);
    writer.out
}

/// The initial capacity in bytes, which is enough for most bodies.
const USUAL_BYTES: usize = 2048;

/// Writes JSON sequentially.
pub struct Writer<'s> {
    style: Style<'s>,
    /// The line break and indentation of the current level; empty for a text on one line.
    line: String,
    out: String,
}

impl<'s> Writer<'s> {
    /// Creates a writer whose lines are indented by `before`.
    #[must_use]
    pub fn new(style: Style<'s>, before: &str) -> Self {
        let line = if style.indent.is_empty() { String::new() } else { format!("{}{before}", style.newline) };
        Self { style, line, out: String::with_capacity(USUAL_BYTES) }
    }

    /// The text.
    #[must_use]
    pub fn into_text(self) -> String {
        self.out
    }

    /// Opens a list or an object with its bracket.
    pub fn open(&mut self, bracket: char) {
        self.out.push(bracket);
        if !self.line.is_empty() {
            self.line.push_str(self.style.indent);
        }
    }

    /// Closes it.
    pub fn close(&mut self, bracket: char) {
        if !self.line.is_empty() {
            self.line.truncate(self.line.len() - self.style.indent.len());
            if !self.is_at_first() {
                self.out.push_str(&self.line);
            }
        }
        self.out.push(bracket);
    }

    /// Starts an item or entry.
    pub fn part(&mut self) {
        let behind_another = !self.is_at_first();
        if behind_another {
            self.out.push(',');
        }
        if !self.line.is_empty() {
            self.out.push_str(&self.line);
        } else if behind_another && self.style.spaced {
            self.out.push(' ');
        }
    }

    /// Starts a member whose name needs no escapes, and returns its offset.
    pub fn member(&mut self, name: &'static str) -> usize {
        let start = self.out.len();
        self.part();
        self.out.push('"');
        self.out.push_str(name);
        self.out.push_str(if self.style.spaced { "\": " } else { "\":" });
        start
    }

    /// Closes a list or an object of a member. If it is empty, removes the member, which starts at `start`.
    pub fn close_member(&mut self, bracket: char, start: usize) {
        let empty = self.is_at_first();
        self.close(bracket);
        if empty {
            self.out.truncate(start);
        }
    }

    /// Writes a value.
    pub fn value(&mut self, value: &Tree<'_>) {
        match value {
            Tree::Null => self.out.push_str("null"),
            Tree::Float(value, _) if !value.is_finite() => self.out.push_str("null"),
            Tree::Int(value) => {
                let _ = write!(self.out, "{value}");
            }
            Tree::Float(value, raw) if raw.is_empty() => {
                let _ = write!(self.out, "{value:?}");
            }
            Tree::Text(text) => quote(text, &mut self.out),
            Tree::DateTime(raw) => quote(raw, &mut self.out),
            Tree::List(items) if self.style.short_lists && is_short(value, self.column()) => {
                let line = mem::take(&mut self.line);
                self.list(items);
                self.line = line;
            }
            Tree::List(items) => self.list(items),
            Tree::Map(members) => {
                self.open('{');
                for (key, value) in members {
                    self.part();
                    self.key(key);
                    self.value(value);
                }
                self.close('}');
            }
            other => self.out.push_str(&other.word(Format::Json).unwrap_or_default()),
        }
    }

    fn list(&mut self, items: &[Tree<'_>]) {
        self.open('[');
        for item in items {
            self.part();
            self.value(item);
        }
        self.close(']');
    }

    fn key(&mut self, key: &str) {
        quote(key, &mut self.out);
        self.colon();
    }

    fn colon(&mut self) {
        self.out.push_str(if self.style.spaced { ": " } else { ":" });
    }

    /// Whether the list or object is empty so far.
    fn is_at_first(&self) -> bool {
        matches!(self.out.as_bytes().last(), Some(b'[' | b'{'))
    }

    /// Returns the indentation of the line.
    fn column(&self) -> usize {
        self.line.len().saturating_sub(self.style.newline.len())
    }
}
