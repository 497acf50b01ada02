//! Text to a tree with places.
//!
//! Nothing is lost on the way: numbers and booleans keep their source text, keys their order and their place.

use std::borrow::Cow;
use std::fmt;

use crate::error::{SyntaxError, SyntaxErrorKind, SyntaxFix};
use crate::{Entry, Format, Lines, Node, SourceId, Span, Value, json, toml, yaml};

/// Largest text that is read, in bytes.
pub const MAX_BYTES: usize = 4 * 1024 * 1024;
/// Deepest nesting of lists and maps.
pub const MAX_DEPTH: usize = 64;
/// Most values that the aliases of one YAML document may stand for altogether.
pub const MAX_ALIASED_NODES: usize = 100_000;

/// Returns the text of `bytes`.
///
/// # Errors
///
/// The bytes are too many, or not UTF-8; the span starts behind the last valid character.
pub fn decode(bytes: &[u8]) -> Result<&str, SyntaxError> {
    if bytes.len() > MAX_BYTES {
        return Err(too_large(SourceId(0)));
    }
    str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        let byte = bytes.get(at).copied().unwrap_or_default();
        let message = format!("the byte 0x{byte:02X} is not UTF-8");
        SyntaxError::new(SyntaxErrorKind::NotUtf8, span(SourceId(0), at, at + 1), message)
            .with_help("save the file as UTF-8")
    })
}

fn too_large(source: SourceId) -> SyntaxError {
    let message = format!("the text has more than the {MAX_BYTES} bytes that are read");
    SyntaxError::new(SyntaxErrorKind::TooLarge, span(source, 0, 0), message)
        .with_help("keep settings in the file and data elsewhere")
}

/// Parses `text`.
///
/// # Errors
///
/// The text does not parse, is empty, is too large, …
///
/// ```
/// use runai_syntax::{Format, SourceId, SyntaxErrorKind, parse};
/// let root = parse("image: python:3.12\ncount: 2\n", Format::Yaml, SourceId(0)).unwrap();
/// let count = root.find("/count").unwrap();
/// assert_eq!((count.span.start, count.span.end), (26, 27));
///
/// let error = parse("a: 1\na: 2\n", Format::Yaml, SourceId(0)).unwrap_err();
/// assert_eq!((error.kind, error.span.start), (SyntaxErrorKind::DuplicateKey, 5));
/// ```
pub fn parse(text: &str, format: Format, source: SourceId) -> Result<Node<'_>, SyntaxError> {
    let (root, _) = parse_in(text, format, source, Dialect::Core)?;
    Ok(root)
}

/// A version of YAML. The other languages have only one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Dialect {
    /// YAML 1.2 with the core schema.
    Core,
    /// YAML 1.1 as PyYAML's `SafeLoader` reads it, which reads JSON too.
    PyYaml,
}

/// Parses `text` in a version of YAML. Also returns the warnings that only a parser can give.
///
/// # Errors
///
/// The same as for [`parse`].
pub fn parse_in(
    text: &str,
    format: Format,
    source: SourceId,
    dialect: Dialect,
) -> Result<(Node<'_>, Vec<SyntaxError>), SyntaxError> {
    if text.len() > MAX_BYTES {
        return Err(too_large(source));
    }
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    let reader = Reader { text, body, offset: text.len() - body.len(), source };
    let mut warnings = Vec::new();
    let root = match format {
        Format::Json if dialect == Dialect::Core => json::parse(&reader).map(Some),
        Format::Toml => toml::parse(&reader),
        Format::Json | Format::Yaml => yaml::parse(&reader, dialect, &mut warnings),
    }?;
    root.filter(|root| root.value != Value::Null)
        .map(|root| (root, warnings))
        .ok_or_else(|| SyntaxError::new(SyntaxErrorKind::Empty, span(source, 0, 0), "the document is empty".to_owned()))
}

/// Parses any JSON value, also null.
///
/// # Errors
///
/// The text is not JSON.
pub fn parse_json(text: &str) -> Result<Node<'_>, SyntaxError> {
    json::parse(&Reader { text, body: text, offset: 0, source: SourceId(0) })
}

/// A text on its way to a tree, and how to name places in it.
pub(crate) struct Reader<'t> {
    pub(crate) text: &'t str,
    /// The text without its byte order mark, which the parsers do not all know.
    pub(crate) body: &'t str,
    pub(crate) offset: usize,
    pub(crate) source: SourceId,
}

impl<'t> Reader<'t> {
    /// The span of a place in `body`.
    pub(crate) fn span(&self, start: usize, end: usize) -> Span {
        span(self.source, self.offset + start, self.offset + end)
    }

    /// What stands at `span`.
    pub(crate) fn slice(&self, span: Span) -> &'t str {
        self.text.get(span.start as usize..span.end as usize).unwrap_or_default()
    }

    /// Refuses what begins at `place`.
    pub(crate) fn too_deep(&self, place: Span) -> SyntaxError {
        let start = place.start as usize;
        SyntaxError::new(
            SyntaxErrorKind::TooDeep,
            span(self.source, start, self.text.ceil_char_boundary(start + 1)),
            format!("lists and maps are nested more than {MAX_DEPTH} levels deep"),
        )
    }

    pub(crate) fn syntax(&self, format: Format, place: Span, why: impl fmt::Display) -> SyntaxError {
        // Parsers know bytes, and places of theirs may end inside a character.
        let end = self.text.ceil_char_boundary(place.end as usize);
        let start = self.text.floor_char_boundary((place.start as usize).min(end));
        SyntaxError::new(SyntaxErrorKind::Syntax, span(self.source, start, end), format!("invalid {format}: {why}"))
    }

    /// Rejects a second value for a key of a map.
    pub(crate) fn duplicate_key(&self, key: &str, first: Span, again: Span) -> SyntaxError {
        let line = self.line(first);
        SyntaxError::new(SyntaxErrorKind::DuplicateKey, again, format!("key `{key}` stands here a second time"))
            .with_help(format!("the first one is in line {line}; keep one of them"))
            .with_related(first, format!("`{key}` is here first"))
            .with_fix(SyntaxFix::RemoveDuplicate { key: key.to_owned(), first, again })
    }

    /// Warns about a value that a later one of the same key overrides.
    pub(crate) fn overridden_key(&self, key: &str, first: Span, again: Span) -> SyntaxError {
        let message = format!("key `{key}` overrides the same key in line {}", self.line(first));
        SyntaxError::new(SyntaxErrorKind::OverriddenKey, again, message)
            .with_help("PyYAML takes the last value, YAML 1.2 allows none; keep one of them")
            .with_related(first, format!("`{key}` is here first"))
            .with_fix(SyntaxFix::RemoveDuplicate { key: key.to_owned(), first, again })
    }

    fn line(&self, span: Span) -> usize {
        Lines::new(self.text).position(span.start as usize).0
    }
}

/// A span, cut to what 32 bits hold; texts are limited to far less.
pub(crate) fn span(source: SourceId, start: usize, end: usize) -> Span {
    let cut = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
    Span { source, start: cut(start), end: cut(end) }
}

/// Finds a key twice while a map grows, in constant time for large maps.
#[derive(Default)]
pub(crate) struct Keys<'t>(std::collections::HashMap<Cow<'t, str>, usize>);

/// Maps up to this size are searched one by one, which is faster than hashing.
const SMALL_MAP: usize = 64;

impl<'t> Keys<'t> {
    /// The index of the entry that has `key`; call it before each push.
    pub(crate) fn position(&mut self, entries: &[Entry<'t>], key: &str) -> Option<usize> {
        if entries.len() < SMALL_MAP {
            return entries.iter().position(|entry| entry.key == key);
        }
        for (index, entry) in entries.iter().enumerate().skip(self.0.len()) {
            self.0.insert(entry.key.clone(), index);
        }
        self.0.get(key).copied()
    }
}
