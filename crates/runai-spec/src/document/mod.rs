//! Text to a tree that remembers where each key and value stands.
//!
//! YAML, JSON and TOML become the same [`Node`]s, so that everything behind this module knows one language. Nothing
//! is lost on the way: numbers and booleans keep their source text, keys their order and their place.

pub(crate) mod characters;
pub(crate) mod float;
mod json;
mod lines;
pub(crate) mod mistakes;
pub(crate) mod toml;
pub(crate) mod yaml;
pub(crate) mod yaml11;

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

pub(crate) use lines::Lines;

use crate::diagnostic::{Finding, Report};
use crate::rules::text;

/// Largest text that is read, in bytes.
pub const MAX_BYTES: usize = 4 * 1024 * 1024;
/// Deepest nesting of lists and maps.
pub const MAX_DEPTH: usize = 64;
/// Most values that the aliases of one YAML document may stand for altogether.
pub const MAX_ALIASED_NODES: usize = 100_000;

/// The language of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// JSON (RFC 8259).
    Json,
    /// TOML 1.1.
    Toml,
    /// YAML 1.2 with the core schema, and merge keys.
    Yaml,
}

impl Format {
    /// The format that a file of this name is in, by its ending: `.json`, `.toml`, and YAML for everything else.
    #[must_use]
    pub fn of_path(path: &str) -> Self {
        match path.rsplit_once('.') {
            Some((_, ending)) if ending.eq_ignore_ascii_case("json") => Self::Json,
            Some((_, ending)) if ending.eq_ignore_ascii_case("toml") => Self::Toml,
            _ => Self::Yaml,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Json => "JSON",
            Self::Toml => "TOML",
            Self::Yaml => "YAML",
        })
    }
}

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
    pub(crate) fn remove(&mut self, key: &str) -> Option<Entry<'t>> {
        let index = self.0.iter().position(|entry| entry.key == key)?;
        Some(self.0.remove(index))
    }
}

/// One segment of a JSON pointer, escaped (RFC 6901).
pub(crate) fn escape(segment: &str) -> Cow<'_, str> {
    if segment.contains(['~', '/']) { segment.replace('~', "~0").replace('/', "~1").into() } else { segment.into() }
}

pub(crate) fn unescape(segment: &str) -> Cow<'_, str> {
    if segment.contains('~') { segment.replace("~1", "/").replace("~0", "~").into() } else { segment.into() }
}

/// The text of `bytes`.
///
/// # Errors
///
/// What keeps them from being one: they are too many, or not UTF-8.
pub fn decode(bytes: &[u8]) -> Result<&str, Report> {
    let refuse = |rule, text: &str, end, message: &str, help: &str| {
        let place = span(SourceId(0), text.len(), text.len() + end);
        Report::new(text, [&Finding::new(rule, place, message.to_owned()).with_help(help)])
    };
    if bytes.len() > MAX_BYTES {
        let message = format!("the text has more than the {MAX_BYTES} bytes that are read");
        return Err(refuse(&text::TOO_LARGE, "", 0, &message, "keep settings in the file and data elsewhere"));
    }
    str::from_utf8(bytes).map_err(|error| {
        let good = str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default();
        let byte = bytes.get(good.len()).copied().unwrap_or_default();
        let message = format!("the byte 0x{byte:02X} is not UTF-8");
        refuse(&text::NOT_UTF8, good, 1, &message, "save the file as UTF-8")
    })
}

/// Reads `text`.
///
/// # Errors
///
/// What keeps the text from being read, at its place: it does not parse, is empty, is too large, …
pub(crate) fn parse(text: &str, format: Format, source: SourceId) -> Result<Node<'_>, Finding> {
    let (root, _) = parse_in(text, format, source, Dialect::Core)?;
    Ok(root)
}

/// A version of YAML. The other languages have only one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// YAML 1.2 with the core schema.
    Core,
    /// YAML 1.1 as PyYAML's `SafeLoader` reads it, which reads JSON too.
    PyYaml,
}

/// Parses `text` in a version of YAML. Beside the document stand the warnings that only a parser can give.
///
/// # Errors
///
/// The same as for [`parse`].
pub(crate) fn parse_in(
    text: &str,
    format: Format,
    source: SourceId,
    dialect: Dialect,
) -> Result<(Node<'_>, Vec<Finding>), Finding> {
    let at = |start: usize, end: usize| span(source, start, end);
    if text.len() > MAX_BYTES {
        return Err(Finding::new(
            &text::TOO_LARGE,
            at(0, 0),
            format!("the text has more than the {MAX_BYTES} bytes that are read"),
        )
        .with_help("keep settings in the file and data elsewhere"));
    }
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    let reader = Reader { text, body, offset: text.len() - body.len(), source };
    let mut warnings = Vec::new();
    let root = match format {
        Format::Json if dialect == Dialect::Core => json::parse(&reader).map(Some),
        Format::Toml => toml::parse(&reader),
        Format::Json | Format::Yaml => yaml::parse(&reader, dialect, &mut warnings),
    }?;
    root.filter(|root| root.value != Value::Null).map(|root| (root, warnings)).ok_or_else(|| {
        Finding::new(&text::EMPTY, at(0, 0), "the document is empty".to_owned()).with_help(
            "write a step file with `image` and `command`, or the settings alone; `{}` stands for all defaults",
        )
    })
}

/// Reads JSON that is not a document of someone's: any value, null too.
pub(crate) fn parse_json(text: &str) -> Result<Node<'_>, Finding> {
    json::parse(&Reader { text, body: text, offset: 0, source: SourceId(0) })
}

/// A text on its way to a tree, and how to name places in it.
struct Reader<'t> {
    text: &'t str,
    /// The text without its byte order mark, which the parsers do not all know.
    body: &'t str,
    offset: usize,
    source: SourceId,
}

impl<'t> Reader<'t> {
    /// The span of a place in `body`.
    fn span(&self, start: usize, end: usize) -> Span {
        span(self.source, self.offset + start, self.offset + end)
    }

    /// What stands at `span`.
    fn slice(&self, span: Span) -> &'t str {
        self.text.get(span.start as usize..span.end as usize).unwrap_or_default()
    }

    /// Refuses what begins at `place`.
    fn too_deep(&self, place: Span) -> Finding {
        let start = place.start as usize;
        Finding::new(
            &text::TOO_DEEP,
            span(self.source, start, self.text.ceil_char_boundary(start + 1)),
            format!("lists and maps are nested more than {MAX_DEPTH} levels deep"),
        )
    }

    fn syntax(&self, format: Format, place: Span, why: impl fmt::Display) -> Finding {
        // Parsers know bytes, and places of theirs may end inside a character.
        let end = self.text.ceil_char_boundary(place.end as usize);
        let start = self.text.floor_char_boundary((place.start as usize).min(end));
        Finding::new(&text::SYNTAX, span(self.source, start, end), format!("invalid {format}: {why}"))
    }

    /// Refuses a second value for a key that a map has already.
    fn duplicate_key(&self, key: &str, first: Span, again: Span) -> Finding {
        let (line, _) = Lines::new(self.text).position(first.start as usize);
        Finding::new(&text::DUPLICATE_KEY, again, format!("key `{key}` stands here a second time"))
            .with_help(format!("the first one is in line {line}; keep one of them"))
    }
}

/// A span, cut to what 32 bits hold; texts are limited to far less.
fn span(source: SourceId, start: usize, end: usize) -> Span {
    let cut = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
    Span { source, start: cut(start), end: cut(end) }
}

/// Finds a key twice while a map grows, in constant time for large maps.
#[derive(Default)]
struct Keys<'t>(std::collections::HashMap<Cow<'t, str>, usize>);

/// Maps up to this size are searched one by one, which is faster than hashing.
const SMALL_MAP: usize = 64;

impl<'t> Keys<'t> {
    /// The index of the entry that has `key`; call it before each push.
    fn position(&mut self, entries: &[Entry<'t>], key: &str) -> Option<usize> {
        if entries.len() < SMALL_MAP {
            return entries.iter().position(|entry| entry.key == key);
        }
        for (index, entry) in entries.iter().enumerate().skip(self.0.len()) {
            self.0.insert(entry.key.clone(), index);
        }
        self.0.get(key).copied()
    }
}
