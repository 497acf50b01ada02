//! A tolerant reading of a text: which keys it has and where, also while it does not parse.
//!
//! The parsers of `runai-syntax` reject a text with one wrong character. While somebody types, most texts are wrong, so
//! completion and hover find their place here. What the values mean is the core's business.

mod flow;
mod toml;
mod yaml;

use std::ops::Range;

use runai_syntax::{Format, escape};

/// The keys of a text, and the place of the cursor.
#[derive(Debug, Default)]
pub(crate) struct Outline {
    /// In the order of the text.
    pub(crate) entries: Vec<Entry>,
    /// Nothing inside a comment, or where no value can be.
    pub(crate) place: Option<Place>,
}

/// A key or list item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// JSON pointer of its value.
    pub(crate) pointer: String,
    /// The key; the dash of an item of a block list, and nothing before an item in brackets.
    pub(crate) key: Range<usize>,
    /// A scalar, or a map or list in brackets; empty if the value is on the lines below.
    pub(crate) value: Range<usize>,
}

/// Where a cursor is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) slot: Slot,
    /// JSON pointer of the map or list around it.
    pub(crate) parent: String,
    /// JSON pointer of the key or value at the cursor; the same as `parent` where there is none yet.
    pub(crate) pointer: String,
    /// The key or value at the cursor; empty where there is none.
    pub(crate) word: Range<usize>,
    /// Column of the word, for the indentation of what follows.
    pub(crate) column: usize,
    /// Whether the cursor is inside braces or brackets.
    pub(crate) flow: bool,
    /// Whether a separator follows the key.
    pub(crate) separated: bool,
}

/// What can be at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    /// A key or a value: the schema of the parent decides.
    Either,
    /// A key of the parent.
    Key,
    /// Inside a text of several lines, or behind a value.
    Text,
    /// The value of a key, or an item of a list.
    Value,
}

/// The reading in progress.
struct Scanner<'t> {
    text: &'t str,
    format: Format,
    cursor: Option<usize>,
    outline: Outline,
    /// A line outside of the braces that are open: they were never closed.
    aborted: bool,
}

/// Reads the keys of `text`, and finds the place of a cursor.
pub(crate) fn scan(text: &str, format: Format, cursor: Option<usize>) -> Outline {
    let mut scanner = Scanner { text, format, cursor, outline: Outline::default(), aborted: false };
    match format {
        Format::Json => {
            scanner.value_in_flow(0, "", &flow::Around { stop: None, depth: 0 });
        }
        Format::Toml => scanner.toml(),
        Format::Yaml => scanner.yaml(),
    }
    scanner.outline
}

/// The pointer of a part of a value.
pub(crate) fn join(pointer: &str, key: &str) -> String {
    format!("{pointer}/{}", escape(key))
}

/// The pointer of the value around the one that `pointer` names.
pub(crate) fn parent(pointer: &str) -> &str {
    pointer.rsplit_once('/').map_or("", |(parent, _)| parent)
}

impl Scanner<'_> {
    fn is_cursor_in(&self, range: &Range<usize>) -> bool {
        self.outline.place.is_none() && self.cursor.is_some_and(|cursor| range.start <= cursor && cursor <= range.end)
    }

    fn cursor(&self) -> usize {
        self.cursor.unwrap_or_default()
    }

    /// An empty word at the cursor.
    fn here(&self) -> Range<usize> {
        self.cursor()..self.cursor()
    }

    fn column(&self, at: usize) -> usize {
        let start = self.text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |end| end + 1);
        at - start
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    /// The end of the line that contains `at`, before its line break.
    fn line_end(&self, at: usize) -> usize {
        self.text.as_bytes()[at.min(self.text.len())..]
            .iter()
            .position(|byte| *byte == b'\n')
            .map_or(self.text.len(), |length| at + length)
    }

    fn skip_blanks(&self, mut at: usize) -> usize {
        while matches!(self.byte(at), Some(b' ' | b'\t' | b'\r')) {
            at += 1;
        }
        at
    }

    fn push(&mut self, pointer: String, key: Range<usize>, value: Range<usize>) -> usize {
        self.outline.entries.push(Entry { pointer, key, value });
        self.outline.entries.len() - 1
    }

    fn set_place(&mut self, slot: Slot, parent: &str, pointer: &str, word: Range<usize>, flow: bool, separated: bool) {
        if self.outline.place.is_none() {
            let (parent, pointer, column) = (parent.to_owned(), pointer.to_owned(), self.column(word.start));
            self.outline.place = Some(Place { slot, parent, pointer, word, column, flow, separated });
        }
    }

    /// The end of a quoted text that begins at `at`, behind its quotes; the end of the line if it is not closed there.
    fn quoted_end(&self, at: usize) -> usize {
        let quote = self.byte(at).unwrap_or(b'"');
        if self.format == Format::Toml && self.text[at..].starts_with(["\"\"\"", "'''"][usize::from(quote == b'\'')]) {
            let close = &self.text[at..at + 3];
            return self.text[at + 3..].find(close).map_or(self.text.len(), |length| at + 6 + length);
        }
        let escapes = quote == b'"' || self.format == Format::Json;
        let end = self.line_end(at);
        let mut p = at + 1;
        while p < end {
            match self.byte(p) {
                Some(b'\\') if escapes => p += 1,
                Some(byte) if byte == quote => {
                    if quote == b'\'' && self.byte(p + 1) == Some(b'\'') && self.format == Format::Yaml {
                        p += 1;
                    } else {
                        return p + 1;
                    }
                }
                _ => {}
            }
            p += 1;
        }
        end
    }

    /// The text of a key without its quotes.
    fn unquoted(&self, key: &Range<usize>) -> String {
        let text = self.text.get(key.clone()).unwrap_or_default();
        match text.as_bytes() {
            [b'"', .., b'"'] if text.len() > 1 => match runai_syntax::parse_json(text) {
                Ok(node) => node.as_str().unwrap_or_default().to_owned(),
                Err(_) => text[1..text.len() - 1].to_owned(),
            },
            [b'\'', .., b'\''] if text.len() > 1 => text[1..text.len() - 1].replace("''", "'"),
            _ => text.trim_matches(['"', '\'']).to_owned(),
        }
    }
}
