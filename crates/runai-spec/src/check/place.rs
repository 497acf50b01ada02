//! Positions of values in a document, for pointers and messages.

use std::fmt;

use runai_syntax::escape;

use super::KeyHints;

/// The position of a value. Most values are valid, so pointers and names are only computed for diagnostics.
pub(super) struct Place<'p> {
    pub(super) parent: Option<&'p Place<'p>>,
    pub(super) segment: Segment<'p>,
    pub(super) key_hints: KeyHints,
}

#[derive(Clone, Copy)]
pub(super) enum Segment<'p> {
    /// An entry of a map with arbitrary keys.
    Entry(&'p str),
    /// A field of a struct.
    Field(&'p str),
    /// An item of a list.
    Index(usize),
    /// The key of an entry.
    KeyOf(&'p str),
    /// The root of the validated value.
    Root(&'p [&'p str]),
}

impl<'p> Place<'p> {
    pub(super) fn below(&'p self, segment: Segment<'p>) -> Self {
        Self { parent: Some(self), segment, key_hints: self.key_hints }
    }

    pub(super) fn pointer(&self) -> String {
        let mut pointer = self.parent.map(Place::pointer).unwrap_or_default();
        let mut push = |segment: &str| {
            pointer.push('/');
            pointer.push_str(segment);
        };
        match self.segment {
            Segment::Entry(key) | Segment::Field(key) | Segment::KeyOf(key) => push(&escape(key)),
            Segment::Index(index) => push(&index.to_string()),
            Segment::Root(segments) => segments.iter().for_each(|segment| push(&escape(segment))),
        }
        pointer
    }

    pub(super) fn subject(&self) -> String {
        if matches!(self.segment, Segment::KeyOf(_)) { format!("a key of `{self}`") } else { format!("`{self}`") }
    }

    pub(super) fn within(&self) -> String {
        if matches!(self.segment, Segment::Root([])) { String::new() } else { format!(" in `{self}`") }
    }
}

/// The name in messages: the key of the nearest field, and the path from there to the value.
impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.segment, self.parent) {
            (Segment::Root(segments), _) => f.write_str(segments.last().unwrap_or(&ROOT)),
            (Segment::Field(key), _) | (Segment::Entry(key) | Segment::KeyOf(key), None) => f.write_str(key),
            (Segment::Index(index), None) => write!(f, "[{index}]"),
            (Segment::Entry(key), Some(parent)) => write!(f, "{parent}.{key}"),
            (Segment::Index(index), Some(parent)) => write!(f, "{parent}[{index}]"),
            (Segment::KeyOf(_), Some(parent)) => parent.fmt(f),
        }
    }
}

/// The name of the root, which has no key.
const ROOT: &str = "the document";
