//! Where a value is in a document, for pointers and messages.

use std::fmt;

use runai_syntax::escape;

use super::KeyHints;

/// Where a value stands. Most values are right, so pointers and names are only made when there is something to say.
pub(super) struct Place<'p> {
    pub(super) holder: Option<&'p Place<'p>>,
    pub(super) segment: Segment<'p>,
    pub(super) elsewhere: KeyHints,
}

#[derive(Clone, Copy)]
pub(super) enum Segment<'p> {
    /// Of a map with free keys.
    Entry(&'p str),
    /// Of a struct.
    Field(&'p str),
    /// Of a list.
    Index(usize),
    /// The key of an entry, rather than its value.
    KeyOf(&'p str),
    /// What the walk begins at.
    Root(&'p [&'p str]),
}

impl<'p> Place<'p> {
    pub(super) fn below(&'p self, segment: Segment<'p>) -> Self {
        Self { holder: Some(self), segment, elsewhere: self.elsewhere }
    }

    pub(super) fn pointer(&self) -> String {
        let mut pointer = self.holder.map(Place::pointer).unwrap_or_default();
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

/// The name in messages: the key of the nearest field, and what leads from there to the value.
impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.segment, self.holder) {
            (Segment::Root(segments), _) => f.write_str(segments.last().unwrap_or(&ROOT)),
            (Segment::Field(key), _) | (Segment::Entry(key) | Segment::KeyOf(key), None) => f.write_str(key),
            (Segment::Index(index), None) => write!(f, "[{index}]"),
            (Segment::Entry(key), Some(holder)) => write!(f, "{holder}.{key}"),
            (Segment::Index(index), Some(holder)) => write!(f, "{holder}[{index}]"),
            (Segment::KeyOf(_), Some(holder)) => holder.fmt(f),
        }
    }
}

/// Name of what has no key.
const ROOT: &str = "the document";
