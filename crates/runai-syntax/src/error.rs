//! Why a text could not be parsed.

use std::fmt;

use crate::Span;

/// Why a text could not be parsed, or what a parser warns about, with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SyntaxError {
    /// The kind, which has a stable code.
    pub kind: SyntaxErrorKind,
    /// The place in the text.
    pub span: Span,
    /// One line that names what was found.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

/// The kinds of [`SyntaxError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SyntaxErrorKind {
    /// A map has the same key twice.
    DuplicateKey,
    /// Merge keys of YAML 1.1 give two values for one key. A warning: PyYAML accepts it.
    DuplicateMerge,
    /// The document is empty.
    Empty,
    /// The bytes are not UTF-8.
    NotUtf8,
    /// A map has the same key twice, and the last value counts. A warning: PyYAML accepts it.
    OverriddenKey,
    /// A YAML file has several documents.
    SeveralDocuments,
    /// The text does not follow the grammar of its language.
    Syntax,
    /// Lists and maps are nested deeper than [`MAX_DEPTH`](crate::MAX_DEPTH).
    TooDeep,
    /// The text has more than [`MAX_BYTES`](crate::MAX_BYTES) bytes.
    TooLarge,
    /// YAML aliases expand to more than [`MAX_ALIASED_NODES`](crate::MAX_ALIASED_NODES) values.
    TooManyAliases,
}

impl SyntaxErrorKind {
    /// Returns the stable code: `duplicate-key`, `syntax`, …
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::DuplicateKey => "duplicate-key",
            Self::DuplicateMerge => "duplicate-merge",
            Self::Empty => "empty-document",
            Self::NotUtf8 => "not-utf8",
            Self::OverriddenKey => "overridden-key",
            Self::SeveralDocuments => "several-documents",
            Self::Syntax => "syntax",
            Self::TooDeep => "too-deep",
            Self::TooLarge => "too-large",
            Self::TooManyAliases => "too-many-aliases",
        }
    }
}

impl SyntaxError {
    pub(crate) fn new(kind: SyntaxErrorKind, span: Span, message: String) -> Self {
        // Keys and values may contain line breaks; a message is one line.
        let message = if message.contains(char::is_control) { visible(&message) } else { message };
        Self { kind, span, message, help: None }
    }

    /// The error at its place in a text that has `bytes` more in front.
    pub(crate) fn behind(mut self, bytes: usize) -> Self {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        self.span.start = self.span.start.saturating_add(bytes);
        self.span.end = self.span.end.saturating_add(bytes);
        self
    }

    pub(crate) fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for SyntaxError {}

fn visible(text: &str) -> String {
    let escape = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(escape).collect()
}
