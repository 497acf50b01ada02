//! Tables and keys of TOML.

use std::collections::BTreeMap;
use std::ops::Range;

use super::flow::Around;
use super::{Scanner, Slot, join};

impl Scanner<'_> {
    pub(super) fn toml(&mut self) {
        let mut base = String::new();
        let mut arrays = BTreeMap::new();
        let mut at = 0;
        loop {
            let start = self.skip_blanks(at);
            let end = self.line_end(at);
            let next = match self.byte(start) {
                None | Some(b'\n') => {
                    if self.is_cursor_in(&(at..end)) {
                        let here = self.here();
                        self.set_place(Slot::Key, &base, &base, here, false, false);
                    }
                    end
                }
                Some(b'#') => self.comment(start),
                Some(b'[') => {
                    base = self.table(start..end, &mut arrays);
                    end
                }
                Some(_) => self.toml_entry(start, end, &base),
            };
            let end = self.line_end(next);
            if end >= self.text.len() {
                return;
            }
            at = end + 1;
        }
    }

    /// A header `[a.b]` or `[[a.b]]`, and the pointer of its table.
    fn table(&mut self, line: Range<usize>, arrays: &mut BTreeMap<String, usize>) -> String {
        let is_array = self.text[line.start..].starts_with("[[");
        let start = line.start + 1 + usize::from(is_array);
        let end = self.text[start..line.end].find(']').map_or(line.end, |length| start + length);
        let path = self.dotted(&(start..end));
        let mut pointer = String::new();
        for (index, key) in path.iter().enumerate() {
            pointer = join(&pointer, key);
            let is_last = index + 1 == path.len();
            if is_array && is_last {
                let count = arrays.entry(pointer.clone()).or_default();
                *count += 1;
            }
            if let Some(count) = arrays.get(&pointer) {
                pointer = join(&pointer, &(count - 1).to_string());
            }
        }
        if self.is_cursor_in(&(start..end)) {
            self.set_place(Slot::Text, &pointer, &pointer, start..end, false, true);
        }
        self.push(pointer.clone(), start..end, end..end);
        pointer
    }

    fn toml_entry(&mut self, start: usize, line_end: usize, base: &str) -> usize {
        let mut key_end = start;
        while key_end < line_end {
            match self.byte(key_end) {
                Some(b'=' | b'#') => break,
                Some(b'"' | b'\'') => key_end = self.quoted_end(key_end).max(key_end + 1),
                _ => key_end += 1,
            }
        }
        let key_end = key_end.min(line_end);
        let Some(word) = self.text.get(start..key_end) else { return line_end };
        let key = start..start + word.trim_end().len();
        let separated = self.byte(key_end) == Some(b'=');
        let path = self.dotted(&key);
        let pointer = path.iter().fold(base.to_owned(), |pointer, key| join(&pointer, key));
        if self.is_cursor_in(&key) {
            // Completion writes the last part of a dotted key.
            let around = path.iter().rev().skip(1).rev().fold(base.to_owned(), |pointer, key| join(&pointer, key));
            let last = self.text[key.clone()].rfind('.').map_or(key.start, |dot| key.start + dot + 1);
            self.set_place(Slot::Key, &around, &pointer, last..key.end, false, separated);
        }
        if !separated {
            return line_end;
        }
        let value = self.skip_blanks(key_end + 1);
        let index = self.push(pointer.clone(), key, value..value);
        if matches!(self.byte(value), None | Some(b'\n' | b'#')) {
            if self.is_cursor_in(&(key_end + 1..value)) {
                let here = self.here();
                self.set_place(Slot::Value, base, &pointer, here, false, false);
            }
            return line_end;
        }
        if self.is_cursor_in(&(key_end + 1..value)) && self.cursor() < value {
            let here = self.here();
            self.set_place(Slot::Value, base, &pointer, here, false, false);
        }
        let end = self.value_in_flow(value, &pointer, &Around { stop: None, depth: 0 });
        self.outline.entries[index].value = value..end;
        end
    }
}
