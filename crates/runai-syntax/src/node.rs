//! The tree that all three languages are parsed into, with the place of each key and value.

use std::borrow::Cow;

/// Which of the texts of one resolution a place is in: its index in the list of sources.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(pub u16);

/// A place in a text, in bytes; the end is exclusive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The text that the place is in.
    pub source: SourceId,
    /// First byte.
    pub start: u32,
    /// Byte behind the last one.
    pub end: u32,
}

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Node<'t> {
    /// The value.
    pub value: Value<'t>,
    /// Its place; quotes and brackets belong to it.
    pub span: Span,
}

/// A value of a document.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'t> {
    /// `null`, `~` or nothing at all.
    Null,
    /// A boolean, and how it was written.
    Bool(bool, &'t str),
    /// A whole number within 64 bits, and how it was written.
    Int(i64, &'t str),
    /// A whole number beyond 64 bits, as it was written.
    BigInt(&'t str),
    /// Any other number, and how it was written. May be infinite or not a number.
    Float(f64, &'t str),
    /// A date or time of TOML, as it was written.
    DateTime(&'t str),
    /// A text.
    String(Text<'t>),
    /// A list.
    List(Vec<Node<'t>>),
    /// A map, in order.
    Map(Map<'t>),
}

/// A text, and whether it stood without quotes, so that a message can say how another YAML version reads it.
#[derive(Clone, Debug, PartialEq)]
pub struct Text<'t> {
    /// The text itself, without quotes and escapes.
    pub text: Cow<'t, str>,
    /// Whether it is a plain YAML scalar.
    pub plain: bool,
}

/// Keys and values in the order in which they were written; no key twice.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Map<'t>(pub Vec<Entry<'t>>);

/// A key and its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry<'t> {
    /// The key.
    pub key: Cow<'t, str>,
    /// Where the key stands.
    pub key_span: Span,
    /// The value.
    pub value: Node<'t>,
}

impl<'t> Node<'t> {
    /// The map, if this is one.
    #[must_use]
    pub fn as_map(&self) -> Option<&Map<'t>> {
        match &self.value {
            Value::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The text, if this is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => Some(&text.text),
            _ => None,
        }
    }

    /// The value below this one that a JSON pointer names.
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
    /// The entry with this key.
    #[must_use]
    pub fn entry(&self, key: &str) -> Option<&Entry<'t>> {
        self.0.iter().find(|entry| entry.key == key)
    }

    /// The value with this key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Node<'t>> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// Takes the entry with this key out.
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

/// Undoes [`escape`].
#[must_use]
pub fn unescape(segment: &str) -> Cow<'_, str> {
    if segment.contains('~') { segment.replace("~1", "/").replace("~0", "~").into() } else { segment.into() }
}
