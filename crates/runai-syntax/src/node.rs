//! The parsed tree, with the span of each key and value.

use std::borrow::Cow;

/// The source of a span: its index in the caller's list of sources.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(pub u16);

/// A range of bytes in a source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The source.
    pub source: SourceId,
    /// The first byte.
    pub start: u32,
    /// The end, exclusive.
    pub end: u32,
}

/// A value with its span.
#[derive(Clone, Debug, PartialEq)]
pub struct Node<'t> {
    /// The value.
    pub value: Value<'t>,
    /// The span, including quotes and brackets.
    pub span: Span,
}

/// A value of a document.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'t> {
    /// `null`, `~` or an empty value.
    Null,
    /// A boolean, and its source text.
    Bool(bool, &'t str),
    /// An integer of 64 bits, and its source text.
    Int(i64, &'t str),
    /// The source text of an integer of more than 64 bits.
    BigInt(&'t str),
    /// A float, and its source text. It may be infinite or not a number.
    Float(f64, &'t str),
    /// The source text of a date or time.
    DateTime(&'t str),
    /// A string.
    String(Text<'t>),
    /// A list.
    List(Vec<Node<'t>>),
    /// A map, in order.
    Map(Map<'t>),
}

/// A string, and whether it is a plain scalar, which other YAML versions may parse differently.
#[derive(Clone, Debug, PartialEq)]
pub struct Text<'t> {
    /// The text, without quotes and escapes.
    pub text: Cow<'t, str>,
    /// Whether it is a plain YAML scalar.
    pub plain: bool,
}

/// Entries with unique keys, in the order of the source.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Map<'t>(pub Vec<Entry<'t>>);

/// A key and its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry<'t> {
    /// The key.
    pub key: Cow<'t, str>,
    /// The span of the key.
    pub key_span: Span,
    /// The value.
    pub value: Node<'t>,
}

impl<'t> Node<'t> {
    /// Returns the map, if this is one.
    #[must_use]
    pub fn as_map(&self) -> Option<&Map<'t>> {
        match &self.value {
            Value::Map(map) => Some(map),
            _ => None,
        }
    }

    /// Returns the text, if this is a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => Some(&text.text),
            _ => None,
        }
    }

    /// Returns the value at a JSON pointer.
    #[must_use]
    pub fn find(&self, pointer: &str) -> Option<&Self> {
        pointer.split('/').skip(1).try_fold(self, |node, segment| {
            let segment = unescape(segment);
            match &node.value {
                Value::Map(map) => map.get(&segment),
                Value::List(items) => items.get(segment.parse::<usize>().ok()?),
                _ => None,
            }
        })
    }
}

impl<'t> Map<'t> {
    /// Returns the entry with this key.
    #[must_use]
    pub fn entry(&self, key: &str) -> Option<&Entry<'t>> {
        self.0.iter().find(|entry| entry.key == key)
    }

    /// Returns the value of this key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Node<'t>> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// Removes and returns the entry with this key.
    pub fn remove(&mut self, key: &str) -> Option<Entry<'t>> {
        let index = self.0.iter().position(|entry| entry.key == key)?;
        Some(self.0.remove(index))
    }
}

/// Escapes one segment of a JSON pointer (RFC 6901).
#[must_use]
pub fn escape(segment: &str) -> Cow<'_, str> {
    if segment.contains(['~', '/']) { segment.replace('~', "~0").replace('/', "~1").into() } else { segment.into() }
}

/// Reverses [`escape`].
#[must_use]
pub fn unescape(segment: &str) -> Cow<'_, str> {
    if segment.contains('~') { segment.replace("~1", "/").replace("~0", "~").into() } else { segment.into() }
}
