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
    let mut printer = Printer::new(style, before);
    printer.value(value);
    printer.out
}

/// `"key": value`.
pub(crate) fn pair(key: &str, value: &Tree<'_>, style: &Style<'_>, before: &str) -> String {
    let mut printer = Printer::new(style, before);
    printer.pair(key, value);
    printer.out
}

/// Room for as many bytes saves most bodies from growing.
const USUAL_BYTES: usize = 2048;

struct Printer<'s> {
    style: &'s Style<'s>,
    /// What begins a line here: the line break and the indentation.
    line: String,
    out: String,
}

impl<'s> Printer<'s> {
    fn new(style: &'s Style<'s>, before: &str) -> Self {
        Self { style, line: format!("{}{before}", style.newline), out: String::with_capacity(USUAL_BYTES) }
    }

    fn pair(&mut self, key: &str, value: &Tree<'_>) {
        quote(key, &mut self.out);
        self.out.push_str(if self.style.spaced { ": " } else { ":" });
        self.value(value);
    }

    fn value(&mut self, value: &Tree<'_>) {
        match value {
            Tree::Null => self.out.push_str("null"),
            Tree::Float(value, _) if !value.is_finite() => self.out.push_str("null"),
            Tree::Text(text) => quote(text, &mut self.out),
            Tree::DateTime(raw) => quote(raw, &mut self.out),
            Tree::List(items) => {
                let column = self.line.len() - self.style.newline.len();
                let flat = items.is_empty() || self.style.short_lists && is_short(value, column);
                self.parts('[', ']', items, flat, Self::value);
            }
            Tree::Map(map) => {
                self.parts('{', '}', map, map.is_empty(), |printer, (key, value)| printer.pair(key, value));
            }
            other => self.out.push_str(&other.word(Format::Json).unwrap_or_default()),
        }
    }

    fn parts<P>(&mut self, open: char, close: char, parts: &[P], flat: bool, mut write: impl FnMut(&mut Self, &P)) {
        let flat = flat || self.style.indent.is_empty();
        self.out.push(open);
        self.line.push_str(self.style.indent);
        for (index, part) in parts.iter().enumerate() {
            if index > 0 {
                self.out.push_str(if flat && self.style.spaced { ", " } else { "," });
            }
            if !flat {
                self.out.push_str(&self.line);
            }
            write(self, part);
        }
        self.line.truncate(self.line.len() - self.style.indent.len());
        if !flat {
            self.out.push_str(&self.line);
        }
        self.out.push(close);
    }
}
