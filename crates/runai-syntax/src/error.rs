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
    /// Another place that the error is about, and what is there.
    pub related: Option<Box<(Span, String)>>,
    /// How the text can be repaired.
    pub fix: Option<Box<SyntaxFix>>,
}

/// How a text that cannot be parsed can be repaired.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SyntaxFix {
    /// Remove the first entry of a key that a map has twice.
    RemoveDuplicate {
        /// The key.
        key: String,
        /// Place of its first occurrence.
        first: Span,
        /// Place of its second occurrence.
        again: Span,
    },
    /// Replace the tabs that lines begin with by spaces. One of them is here.
    ReplaceTabs(Span),
    /// Write `text` at `span`.
    Write {
        /// The place.
        span: Span,
        /// What to write there.
        text: String,
    },
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
        Self { kind, span, message: one_line(message), help: None, related: None, fix: None }
    }

    /// The error at its place in a text that has `bytes` more in front.
    pub(crate) fn behind(mut self, bytes: usize) -> Self {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let shift = |span: &mut Span| {
            span.start = span.start.saturating_add(bytes);
            span.end = span.end.saturating_add(bytes);
        };
        shift(&mut self.span);
        self.related.iter_mut().for_each(|related| shift(&mut related.0));
        match self.fix.as_deref_mut() {
            Some(SyntaxFix::RemoveDuplicate { first, again, .. }) => [first, again].into_iter().for_each(shift),
            Some(SyntaxFix::ReplaceTabs(span) | SyntaxFix::Write { span, .. }) => shift(span),
            None => {}
        }
        self
    }

    pub(crate) fn with_fix(mut self, fix: impl Into<Option<SyntaxFix>>) -> Self {
        self.fix = fix.into().map(Box::new);
        self
    }

    pub(crate) fn with_related(mut self, span: Span, message: String) -> Self {
        self.related = Some(Box::new((span, message)));
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

/// Returns a message as one line: keys and values that it quotes may contain line breaks and other control characters,
/// which are escaped.
#[must_use]
pub fn one_line(message: String) -> String {
    if !message.contains(char::is_control) {
        return message;
    }
    let escape = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    message.chars().map(escape).collect()
}
