//! A piece table: a text under edits, as parts of the original and new texts.

use std::ops::Range;

use super::Edit;

/// The pieces of an edited text.
pub(super) struct PieceTable<'t> {
    original: &'t str,
    parts: Vec<Piece>,
}

enum Piece {
    Kept(Range<usize>),
    New(String),
}

impl Piece {
    fn len(&self) -> usize {
        match self {
            Self::Kept(range) => range.len(),
            Self::New(text) => text.len(),
        }
    }

    /// Returns a range of the piece.
    fn slice(&self, range: Range<usize>) -> Self {
        match self {
            Self::Kept(own) => Self::Kept(own.start + range.start..own.start + range.end),
            Self::New(text) => Self::New(text[range].to_owned()),
        }
    }
}

impl<'t> PieceTable<'t> {
    pub(super) fn new(original: &'t str) -> Self {
        Self { original, parts: vec![Piece::Kept(0..original.len())] }
    }

    pub(super) fn text(&self) -> String {
        let parts = self.parts.iter().map(|part| match part {
            Piece::Kept(range) => &self.original[range.clone()],
            Piece::New(text) => text.as_str(),
        });
        parts.collect()
    }

    /// Applies edits of the current text.
    pub(super) fn apply(&mut self, mut edits: Vec<Edit>) {
        // From the end, so that earlier offsets stay valid. Edits at the same offset keep their order.
        edits.reverse();
        edits.sort_by_key(|edit| std::cmp::Reverse(edit.from));
        for Edit { from, to, insert } in edits {
            let before = self.slice(0..from);
            let after = self.slice(to..usize::MAX);
            self.parts = before;
            if !insert.is_empty() {
                self.parts.push(Piece::New(insert));
            }
            self.parts.extend(after);
        }
    }

    fn slice(&self, range: Range<usize>) -> Vec<Piece> {
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

    /// Returns the edits from the original to the current text, in ascending order and not adjacent.
    pub(super) fn edits(&self) -> Vec<Edit> {
        let mut edits = Vec::new();
        let mut at = 0;
        let mut insert = String::new();
        for part in &self.parts {
            match part {
                Piece::New(text) => insert.push_str(text),
                Piece::Kept(range) => {
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
        // Steps may insert text that earlier steps removed.
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
