//! Block maps and lists of YAML, told by indentation.

use std::ops::Range;

use super::flow::Around;
use super::{Scanner, Slot, join};

/// A block map or list that is open.
struct Frame {
    column: usize,
    is_list: bool,
    pointer: String,
    /// Pointer of its last key or item, which owns what is indented below it.
    last: String,
    items: usize,
}

/// The lines of a block scalar are indented by more than this.
struct BlockScalar {
    column: usize,
    pointer: String,
}

impl Scanner<'_> {
    pub(super) fn yaml(&mut self) {
        let mut stack: Vec<Frame> = Vec::new();
        let mut block: Option<BlockScalar> = None;
        let mut at = if self.text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        loop {
            let end = self.line_end(at);
            let line = &self.text[at..end];
            let word = line.trim_start_matches(' ');
            let indent = line.len() - word.len();
            let is_blank = word.trim().is_empty();
            if let Some(open) = block.as_ref().filter(|open| is_blank || indent > open.column) {
                // A blank line may also be where the next key goes.
                let is_inside = !is_blank || self.cursor.is_some_and(|cursor| cursor > at + open.column);
                if self.is_cursor_in(&(at..end)) && is_inside {
                    let here = self.here();
                    self.set_place(Slot::Text, &open.pointer, &open.pointer, here, false, false);
                }
            } else if !is_blank {
                block = None;
            }
            let next = if block.is_some() && !is_blank {
                // The text belongs to the key or item that was read last.
                if let Some(entry) = self.outline.entries.last_mut() {
                    entry.value.end = end;
                }
                end
            } else if is_blank {
                self.blank_line(at..end, &stack);
                end
            } else if word.starts_with('#') {
                self.blank_line(at..at + indent, &stack);
                self.comment(at + indent)
            } else if indent == 0 && (word.starts_with("---") || word.starts_with("...") || word.starts_with('%')) {
                stack.clear();
                end
            } else {
                self.line(at, indent, end, &mut stack, &mut block)
            };
            if self.aborted {
                // The line that ended the braces is still to be read.
                self.aborted = false;
                at = next;
                continue;
            }
            let end = self.line_end(next);
            if end >= self.text.len() {
                return;
            }
            at = end + 1;
        }
    }

    /// A cursor on a line without anything: its column tells what can be there.
    fn blank_line(&mut self, line: Range<usize>, stack: &[Frame]) {
        if !self.is_cursor_in(&line) {
            return;
        }
        let (column, here) = (self.cursor() - line.start, self.here());
        let is_around = |frame: &&Frame| if frame.is_list { frame.column < column } else { frame.column <= column };
        let (slot, parent) = match stack.iter().rev().find(is_around) {
            Some(frame) if !frame.is_list && frame.column == column => (Slot::Key, frame.pointer.clone()),
            Some(frame) => (Slot::Either, frame.last.clone()),
            None => (Slot::Either, String::new()),
        };
        self.set_place(slot, &parent, &parent, here, false, false);
    }

    /// Reads a line, and returns where its last value ends.
    fn line(
        &mut self,
        at: usize,
        indent: usize,
        end: usize,
        stack: &mut Vec<Frame>,
        block: &mut Option<BlockScalar>,
    ) -> usize {
        let mut start = at + indent;
        let is_dash = self.is_dash(start, end);
        while stack.last().is_some_and(|top| top.column > indent || (top.is_list && top.column == indent && !is_dash)) {
            stack.pop();
        }
        let mut pending = stack.last().map(|top| top.last.clone()).unwrap_or_default();
        while self.is_dash(start, end) {
            let column = start - at;
            if !stack.last().is_some_and(|top| top.is_list && top.column == column) {
                stack.push(Frame { column, is_list: true, pointer: pending, last: String::new(), items: 0 });
            }
            let Some(list) = stack.last_mut() else { return end };
            pending = join(&list.pointer, &list.items.to_string());
            list.items += 1;
            list.last.clone_from(&pending);
            self.push(pending.clone(), start..start + 1, end..end);
            let value = self.skip_blanks(start + 1);
            if value >= end || self.byte(value) == Some(b'#') {
                if self.is_cursor_in(&(start + 1..value)) {
                    let here = self.here();
                    self.set_place(Slot::Either, &pending, &pending, here, false, false);
                }
                return end;
            }
            if self.is_cursor_in(&(start + 1..value)) && self.cursor() < value {
                let here = self.here();
                self.set_place(Slot::Either, &pending, &pending, here, false, false);
            }
            start = value;
        }
        let column = start - at;
        let Some((key, colon)) = self.key(start, end) else {
            return self.lone_value(start, end, column, &pending, stack, block);
        };
        if !stack.last().is_some_and(|top| !top.is_list && top.column == column) {
            stack.push(Frame { column, is_list: false, pointer: pending, last: String::new(), items: 0 });
        }
        let Some(map) = stack.last_mut() else { return end };
        let pointer = join(&map.pointer, &self.unquoted(&key));
        map.last.clone_from(&pointer);
        let parent = map.pointer.clone();
        if self.is_cursor_in(&(key.start..colon)) {
            self.set_place(Slot::Key, &parent, &pointer, key.clone(), false, true);
        }
        let index = self.push(pointer.clone(), key, colon + 1..colon + 1);
        let (value, next) = self.value(colon + 1, end, column, &parent, &pointer, block);
        self.outline.entries[index].value = value;
        next
    }

    /// A value that no key is before on its line: an item, a value below its key, or a key that is half written.
    fn lone_value(
        &mut self,
        start: usize,
        end: usize,
        column: usize,
        pending: &str,
        stack: &[Frame],
        block: &mut Option<BlockScalar>,
    ) -> usize {
        let is_flow = matches!(self.byte(start), Some(b'{' | b'['));
        if !is_flow && self.is_cursor_in(&(start..end)) {
            let word = start..self.scalar_end(start, end);
            let (slot, parent) = match stack.last() {
                Some(top) if !top.is_list && top.column == column => (Slot::Key, top.pointer.clone()),
                _ => (Slot::Either, pending.to_owned()),
            };
            if self.is_cursor_in(&word) {
                self.set_place(slot, &parent, pending, word, false, false);
            }
        }
        let parent = super::parent(pending).to_owned();
        // A root in braces, which is JSON, ends where it ends.
        let column = if pending.is_empty() && is_flow { None } else { Some(column) };
        let (value, next) = match column {
            None => {
                let next = self.value_in_flow(start, pending, &Around { stop: None, depth: 0 });
                (start..next, next)
            }
            Some(column) => self.value(start, end, column.saturating_sub(1), &parent, pending, block),
        };
        if let Some(entry) = self.outline.entries.last_mut().filter(|entry| entry.pointer == pending)
            && (entry.value.is_empty() || entry.value.start >= end)
        {
            entry.value = value;
        }
        next
    }

    /// Reads the value between `from` and the end of its line, and returns its place and where it ends.
    fn value(
        &mut self,
        from: usize,
        end: usize,
        column: usize,
        parent: &str,
        pointer: &str,
        block: &mut Option<BlockScalar>,
    ) -> (Range<usize>, usize) {
        let mut start = self.skip_blanks(from).min(end);
        let first = start;
        while matches!(self.byte(start), Some(b'&' | b'!')) && start < end {
            let length = self.text[start..end].find([' ', '\t']).unwrap_or(end - start);
            start = self.skip_blanks(start + length).min(end);
        }
        if start >= end || self.byte(start) == Some(b'#') {
            let empty = from..start;
            if self.is_cursor_in(&empty) && (self.cursor() > first || first == start) {
                let here = self.here();
                self.set_place(Slot::Value, parent, pointer, here, false, false);
            }
            if start < end {
                self.comment(start);
            }
            return (first..first, end);
        }
        if self.is_cursor_in(&(from..start)) && self.cursor() < start {
            let here = self.here();
            self.set_place(Slot::Value, parent, pointer, here, false, false);
        }
        match self.byte(start) {
            Some(b'{' | b'[') => {
                let next = self.value_in_flow(start, pointer, &Around { stop: Some(column), depth: 0 });
                (start..self.text[..next].trim_end().len().max(start), next)
            }
            Some(b'|' | b'>') => {
                *block = Some(BlockScalar { column, pointer: pointer.to_owned() });
                if self.is_cursor_in(&(start..end)) {
                    self.set_place(Slot::Text, parent, pointer, start..end, false, false);
                }
                (start..end, end)
            }
            _ => {
                let stop = self.scalar_end(start, end);
                if self.is_cursor_in(&(start..stop)) {
                    self.set_place(Slot::Value, parent, pointer, start..stop, false, false);
                } else if self.is_cursor_in(&(stop..end)) {
                    let here = self.here();
                    self.set_place(Slot::Text, parent, pointer, here, false, false);
                }
                (start..stop, end)
            }
        }
    }

    fn scalar_end(&self, start: usize, end: usize) -> usize {
        if matches!(self.byte(start), Some(b'"' | b'\'')) {
            return self.quoted_end(start).min(end);
        }
        let text = &self.text[start..end];
        let text = &text[..text.find(" #").unwrap_or(text.len())];
        start + text.trim_end().len()
    }

    fn is_dash(&self, start: usize, end: usize) -> bool {
        self.byte(start) == Some(b'-') && (start + 1 >= end || matches!(self.byte(start + 1), Some(b' ' | b'\r')))
    }

    /// A key at `start`, and the place of its colon.
    fn key(&self, start: usize, end: usize) -> Option<(Range<usize>, usize)> {
        let is_colon = |at: usize| {
            self.byte(at) == Some(b':') && (at + 1 >= end || matches!(self.byte(at + 1), Some(b' ' | b'\t' | b'\r')))
        };
        match self.byte(start)? {
            b'"' | b'\'' => {
                let key_end = self.quoted_end(start);
                let colon = self.skip_blanks(key_end);
                (colon < end && is_colon(colon)).then_some((start..key_end, colon))
            }
            b'{' | b'[' | b'#' | b'|' | b'>' | b'@' | b'`' => None,
            _ => {
                let colon = (start..end).find(|at| is_colon(*at))?;
                let key = self.text.get(start..colon)?;
                (!key.contains(" #") && !key.is_empty()).then(|| (start..start + key.trim_end().len(), colon))
            }
        }
    }
}
