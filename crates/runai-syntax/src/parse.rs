//! Parsing of all formats, and errors that the parsers share.

use std::borrow::Cow;
use std::fmt;

use crate::error::{SyntaxError, SyntaxErrorKind, SyntaxFix};
use crate::{Entry, Format, Lines, Node, SourceId, Span, Value, json, toml, yaml};

/// The maximum size of a text, in bytes.
pub const MAX_BYTES: usize = 4 * 1024 * 1024;
/// The maximum nesting depth of lists and maps.
pub const MAX_DEPTH: usize = 64;
/// The maximum number of values that the aliases of a YAML document may expand to in total.
pub const MAX_ALIASED_NODES: usize = 100_000;

/// Decodes UTF-8.
///
/// # Errors
///
/// The input is larger than [`MAX_BYTES`], or not UTF-8. The span is the first invalid byte.
pub fn decode(bytes: &[u8]) -> Result<&str, SyntaxError> {
    if bytes.len() > MAX_BYTES {
        return Err(too_large(SourceId(0)));
    }
    str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        let byte = bytes.get(at).copied().unwrap_or_default();
        let message = format!("invalid UTF-8 byte 0x{byte:02X}");
        SyntaxError::new(SyntaxErrorKind::NotUtf8, span(SourceId(0), at, at + 1), message)
            .with_help("save the file as UTF-8")
    })
}

fn too_large(source: SourceId) -> SyntaxError {
    let message = format!("file larger than {MAX_BYTES} bytes");
    SyntaxError::new(SyntaxErrorKind::TooLarge, span(source, 0, 0), message).with_help("keep data in other files")
}

/// Parses `text`.
///
/// # Errors
///
/// The text has a syntax error, is empty, exceeds a limit, …
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

/// A YAML dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Dialect {
    /// YAML 1.2 with the core schema.
    Core,
    /// YAML 1.1 like PyYAML's `SafeLoader`, which also parses JSON.
    PyYaml,
}

/// Parses `text` in a YAML dialect, and returns the parser's warnings, too.
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

/// Parses any JSON value, including null.
///
/// # Errors
///
/// The text is not JSON.
pub fn parse_json(text: &str) -> Result<Node<'_>, SyntaxError> {
    json::parse(&Reader { text, body: text, offset: 0, source: SourceId(0) })
}

/// The text that is parsed, for spans and errors.
pub(crate) struct Reader<'t> {
    pub(crate) text: &'t str,
    /// The text without its byte order mark, which not all parsers support.
    pub(crate) body: &'t str,
    pub(crate) offset: usize,
    pub(crate) source: SourceId,
}

impl<'t> Reader<'t> {
    /// Returns the span of a range in `body`.
    pub(crate) fn span(&self, start: usize, end: usize) -> Span {
        span(self.source, self.offset + start, self.offset + end)
    }

    /// Returns the text at `span`.
    pub(crate) fn slice(&self, span: Span) -> &'t str {
        self.text.get(span.start as usize..span.end as usize).unwrap_or_default()
    }

    /// Returns the error that the list or map at `place` is nested too deep.
    pub(crate) fn too_deep(&self, place: Span) -> SyntaxError {
        let start = place.start as usize;
        SyntaxError::new(
            SyntaxErrorKind::TooDeep,
            span(self.source, start, self.text.ceil_char_boundary(start + 1)),
            format!("nesting deeper than {MAX_DEPTH} levels"),
        )
    }

    pub(crate) fn syntax(&self, format: Format, place: Span, why: impl fmt::Display) -> SyntaxError {
        // Offsets of parsers may be inside a character.
        let end = self.text.ceil_char_boundary(place.end as usize);
        let start = self.text.floor_char_boundary((place.start as usize).min(end));
        SyntaxError::new(SyntaxErrorKind::Syntax, span(self.source, start, end), format!("invalid {format}: {why}"))
    }

    /// Returns the error of a duplicate key.
    pub(crate) fn duplicate_key(&self, key: &str, first: Span, again: Span) -> SyntaxError {
        let line = self.line(first);
        SyntaxError::new(SyntaxErrorKind::DuplicateKey, again, format!("duplicate key `{key}`"))
            .with_help(format!("remove it, or the first one in line {line}"))
            .with_related(first, format!("`{key}` is first set here"))
            .with_fix(SyntaxFix::RemoveDuplicate { key: key.to_owned(), first, again })
    }

    /// Returns the warning about a value that a later one of the same key overrides.
    pub(crate) fn overridden_key(&self, key: &str, first: Span, again: Span) -> SyntaxError {
        let message = format!("key `{key}` overrides the same key in line {}", self.line(first));
        SyntaxError::new(SyntaxErrorKind::OverriddenKey, again, message)
            .with_help("remove one of them; PyYAML uses the last value, YAML 1.2 forbids duplicate keys")
            .with_related(first, format!("`{key}` is first set here"))
            .with_fix(SyntaxFix::RemoveDuplicate { key: key.to_owned(), first, again })
    }

    fn line(&self, span: Span) -> usize {
        Lines::new(self.text).position(span.start as usize).0
    }
}

/// Creates a span. Offsets fit in 32 bits because texts are limited to [`MAX_BYTES`].
pub(crate) fn span(source: SourceId, start: usize, end: usize) -> Span {
    let cut = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
    Span { source, start: cut(start), end: cut(end) }
}

/// Finds duplicate keys while a map is built, in constant time for large maps.
#[derive(Default)]
pub(crate) struct Keys<'t>(std::collections::HashMap<Cow<'t, str>, usize>);

/// Maps below this size are searched linearly, which is faster than hashing.
const SMALL_MAP: usize = 64;

impl<'t> Keys<'t> {
    /// Returns the index of the entry with `key`. Must be called before each push.
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
