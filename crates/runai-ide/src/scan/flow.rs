//! Maps and lists in braces and brackets: all of JSON, and parts of the other languages.

use std::ops::Range;

use runai_syntax::{Format, MAX_DEPTH};

use super::{Scanner, Slot, join, parent};

/// What is around a value in braces.
#[derive(Clone, Copy)]
pub(super) struct Around {
    /// Column of the YAML key whose value the braces are; a key at or before it ends braces that were not closed.
    pub(super) stop: Option<usize>,
    pub(super) depth: usize,
}

impl Around {
    fn inner(self) -> Self {
        Self { depth: self.depth + 1, ..self }
    }
}

impl Scanner<'_> {
    /// Reads the value at `at`, and returns where it ends. The caller has an entry for it.
    pub(super) fn value_in_flow(&mut self, at: usize, pointer: &str, around: &Around) -> usize {
        let start = self.skip_space(at, around);
        if self.aborted {
            return start;
        }
        match self.byte(start) {
            Some(b'{') if around.depth < MAX_DEPTH => self.map_in_flow(start, pointer, &around.inner()),
            Some(b'[') if around.depth < MAX_DEPTH => self.list_in_flow(start, pointer, &around.inner()),
            Some(b'"' | b'\'') => {
                let end = self.quoted_end(start);
                self.value_place(start..end, pointer);
                end
            }
            Some(_) => {
                let end = self.plain_end(start, false);
                self.value_place(start..end, pointer);
                // A character that begins nothing must not be read for ever.
                end.max(start)
            }
            None => start,
        }
    }

    fn value_place(&mut self, word: Range<usize>, pointer: &str) {
        if self.is_cursor_in(&word) {
            self.set_place(Slot::Value, parent(pointer), pointer, word, true, false);
        }
    }

    fn map_in_flow(&mut self, open: usize, pointer: &str, around: &Around) -> usize {
        let mut at = open + 1;
        loop {
            let start = self.skip_separators(at, around);
            // Behind the brace the cursor is outside.
            if self.is_cursor_in(&(at..start)) && self.cursor() < start.max(at + 1) || self.is_cursor_in(&(at..at)) {
                self.set_place(Slot::Key, pointer, pointer, self.here(), true, false);
            }
            if self.aborted {
                return start;
            }
            match self.byte(start) {
                None => {
                    if self.is_cursor_in(&(at..start)) {
                        self.set_place(Slot::Key, pointer, pointer, self.here(), true, false);
                    }
                    return start;
                }
                Some(b'}') => {
                    if self.is_cursor_in(&(start..start)) {
                        self.set_place(Slot::Key, pointer, pointer, self.here(), true, false);
                    }
                    return start + 1;
                }
                Some(b']') => return start,
                Some(_) => {}
            }
            let end = match self.byte(start) {
                Some(b'"' | b'\'') => self.quoted_end(start),
                _ => self.plain_end(start, true),
            };
            if end == start {
                at = start + self.text[start..].chars().next().map_or(1, char::len_utf8);
                continue;
            }
            at = self.entry_in_flow(start..end, pointer, around);
        }
    }

    fn entry_in_flow(&mut self, key: Range<usize>, pointer: &str, around: &Around) -> usize {
        let separator = if self.format == Format::Toml { b'=' } else { b':' };
        let inner = if self.format == Format::Toml {
            self.dotted(&key).iter().fold(pointer.to_owned(), |pointer, key| join(&pointer, key))
        } else {
            join(pointer, &self.unquoted(&key))
        };
        let behind = self.skip_blanks(key.end);
        let separated = self.byte(behind) == Some(separator);
        if self.is_cursor_in(&key) {
            self.set_place(Slot::Key, pointer, &inner, key.clone(), true, separated);
        }
        let index = self.push(inner.clone(), key.clone(), key.end..key.end);
        if !separated {
            return key.end;
        }
        let start = self.skip_space(behind + 1, around);
        if self.is_cursor_in(&(behind + 1..start)) && (self.cursor() < start || self.is_empty_value(start)) {
            self.set_place(Slot::Value, pointer, &inner, self.here(), true, false);
        }
        if self.aborted || self.is_empty_value(start) {
            return start;
        }
        let end = self.value_in_flow(start, &inner, around);
        self.outline.entries[index].value = start..end;
        end
    }

    fn is_empty_value(&self, at: usize) -> bool {
        matches!(self.byte(at), None | Some(b',' | b'}' | b']'))
    }

    fn list_in_flow(&mut self, open: usize, pointer: &str, around: &Around) -> usize {
        let mut at = open + 1;
        let mut index = 0;
        loop {
            let start = self.skip_separators(at, around);
            let item = join(pointer, &index.to_string());
            let closes = matches!(self.byte(start), None | Some(b']' | b'}'));
            if self.is_cursor_in(&(at..start)) && (self.cursor() < start || closes) {
                self.set_place(Slot::Value, pointer, &item, self.here(), true, false);
            }
            if self.aborted {
                return start;
            }
            match self.byte(start) {
                None | Some(b'}') => return start,
                Some(b']') => return start + 1,
                Some(_) => {}
            }
            let entry = self.push(item.clone(), start..start, start..start);
            let end = self.value_in_flow(start, &item, around);
            self.outline.entries[entry].value = start..end;
            index += 1;
            at = if end > start { end } else { start + self.text[start..].chars().next().map_or(1, char::len_utf8) };
        }
    }

    /// The end of a word without quotes.
    fn plain_end(&self, start: usize, is_key: bool) -> usize {
        let separator = if self.format == Format::Toml { b'=' } else { b':' };
        let bytes = self.text.as_bytes();
        let mut at = start;
        while let Some(byte) = self.byte(at) {
            let ends = match byte {
                b',' | b'{' | b'}' | b'[' | b']' | b'\n' => true,
                b'#' => at > start && matches!(bytes[at - 1], b' ' | b'\t'),
                // Part of a word such as `http://…` without a blank behind it.
                byte if byte == separator => {
                    is_key
                        && (self.format != Format::Yaml
                            || matches!(self.byte(at + 1), None | Some(b' ' | b'\t' | b'\r' | b'\n' | b',' | b'}')))
                }
                _ => false,
            };
            if ends {
                break;
            }
            at += 1;
        }
        start + self.text[start..at].trim_end().len()
    }

    /// Skips blanks, line breaks and comments.
    fn skip_space(&mut self, mut at: usize, around: &Around) -> usize {
        loop {
            at = self.skip_blanks(at);
            match self.byte(at) {
                Some(b'\n') => {
                    at += 1;
                    if self.is_outside(at, around) {
                        self.aborted = true;
                        return at;
                    }
                }
                Some(b'#') if self.format != Format::Json => at = self.comment(at),
                _ => return at,
            }
        }
    }

    fn skip_separators(&mut self, mut at: usize, around: &Around) -> usize {
        loop {
            at = self.skip_space(at, around);
            if self.aborted || self.byte(at) != Some(b',') {
                return at;
            }
            if self.cursor == Some(at) && self.outline.place.is_none() {
                // Behind a value, before its comma: nothing more can be here.
                let here = self.here();
                self.set_place(Slot::Text, "", "", here, true, false);
            }
            at += 1;
        }
    }

    /// Skips a comment, in which nothing is completed.
    pub(super) fn comment(&mut self, at: usize) -> usize {
        let end = self.line_end(at);
        if self.is_cursor_in(&(at + 1..end)) {
            let here = self.here();
            self.set_place(Slot::Text, "", "", here, true, false);
        }
        end
    }

    /// Whether a line that begins at `at` is a key outside of the braces.
    fn is_outside(&self, at: usize, around: &Around) -> bool {
        let Some(stop) = around.stop else { return false };
        let line = &self.text[at..self.line_end(at)];
        let word = line.trim_start();
        line.len() - word.len() <= stop
            && word.starts_with(|c: char| c.is_alphanumeric() || c == '_')
            && (word.contains(": ") || word.trim_end().ends_with(':'))
    }

    /// The parts of a dotted key of TOML.
    pub(super) fn dotted(&self, key: &Range<usize>) -> Vec<String> {
        let mut parts = Vec::new();
        let mut at = key.start;
        while at < key.end {
            let start = self.skip_blanks(at);
            let end = match self.byte(start) {
                Some(b'"' | b'\'') => self.quoted_end(start).min(key.end),
                _ => self.text[start..key.end].find('.').map_or(key.end, |length| start + length),
            };
            parts.push(self.unquoted(&(start..start + self.text[start..end].trim_end().len())));
            at = self.text[end..key.end].find('.').map_or(key.end, |length| end + length + 1);
        }
        parts
    }
}
