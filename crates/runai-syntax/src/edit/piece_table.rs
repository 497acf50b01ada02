//! A text under edits that remembers which parts of it were there before.

use std::ops::Range;

use super::Edit;

/// The parts of a text after some edits.
pub(super) struct PieceTable<'t> {
    original: &'t str,
    parts: Vec<Part>,
}

enum Part {
    Kept(Range<usize>),
    New(String),
}

impl Part {
    fn len(&self) -> usize {
        match self {
            Self::Kept(range) => range.len(),
            Self::New(text) => text.len(),
        }
    }

    /// What is left of it between two of its bytes.
    fn slice(&self, range: Range<usize>) -> Self {
        match self {
            Self::Kept(own) => Self::Kept(own.start + range.start..own.start + range.end),
            Self::New(text) => Self::New(text[range].to_owned()),
        }
    }
}

impl<'t> PieceTable<'t> {
    pub(super) fn new(original: &'t str) -> Self {
        Self { original, parts: vec![Part::Kept(0..original.len())] }
    }

    pub(super) fn text(&self) -> String {
        let parts = self.parts.iter().map(|part| match part {
            Part::Kept(range) => &self.original[range.clone()],
            Part::New(text) => text.as_str(),
        });
        parts.collect()
    }

    /// Applies edits of the text as it is now.
    pub(super) fn apply(&mut self, mut edits: Vec<Edit>) {
        // From the end, so that earlier places stay what they are; of two at one place the first one comes first.
        edits.reverse();
        edits.sort_by_key(|edit| std::cmp::Reverse(edit.from));
        for Edit { from, to, insert } in edits {
            let before = self.slice(0..from);
            let after = self.slice(to..usize::MAX);
            self.parts = before;
            if !insert.is_empty() {
                self.parts.push(Part::New(insert));
            }
            self.parts.extend(after);
        }
    }

    fn slice(&self, range: Range<usize>) -> Vec<Part> {
        let mut at = 0;
        let mut parts = Vec::new();
        for part in &self.parts {
            let (start, end) = (at, at + part.len());
            at = end;
            let (from, to) = (range.start.max(start), range.end.min(end));
            if from < to {
                parts.push(part.slice(from - start..to - start));
            }
        }
        parts
    }

    /// The edits of the original that make the text what it is now, in order, none touching the next.
    pub(super) fn edits(&self) -> Vec<Edit> {
        let mut edits = Vec::new();
        let mut at = 0;
        let mut insert = String::new();
        for part in &self.parts {
            match part {
                Part::New(text) => insert.push_str(text),
                Part::Kept(range) => {
                    self.close(at, range.start, &mut insert, &mut edits);
                    at = range.end;
                }
            }
        }
        self.close(at, self.original.len(), &mut insert, &mut edits);
        edits
    }

    fn close(&self, from: usize, to: usize, insert: &mut String, edits: &mut Vec<Edit>) {
        let insert = std::mem::take(insert);
        let old = &self.original[from..to];
        if old == insert {
            return;
        }
        // Steps may write again what they took away.
        let same = |pairs: &mut dyn Iterator<Item = (char, char)>| {
            pairs.take_while(|(one, two)| one == two).map(|(c, _)| c.len_utf8()).sum::<usize>()
        };
        let (prefix, suffix) = if old.contains('\n') || insert.contains('\n') {
            let prefix = same(&mut old.chars().zip(insert.chars()));
            let suffix = same(&mut old[prefix..].chars().rev().zip(insert[prefix..].chars().rev()));
            (prefix, suffix)
        } else {
            (0, 0)
        };
        let insert = insert[prefix..insert.len() - suffix].to_owned();
        edits.push(Edit { from: from + prefix, to: to - suffix, insert });
    }
}
