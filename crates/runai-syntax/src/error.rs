//! Syntax errors.

use std::fmt;

use crate::Span;

/// An error or warning of a parser.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SyntaxError {
    /// The kind, which has a stable code.
    pub kind: SyntaxErrorKind,
    /// The location.
    pub span: Span,
    /// The headline, on one line.
    pub message: String,
    /// How to solve the problem.
    pub help: Option<String>,
    /// A related place, with its description.
    pub related: Option<Box<(Span, String)>>,
    /// A fix.
    pub fix: Option<Box<SyntaxFix>>,
}

/// A fix for a syntax error.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SyntaxFix {
    /// Remove the first entry of a duplicate key.
    RemoveDuplicate {
        /// The key.
        key: String,
        /// The span of its first occurrence.
        first: Span,
        /// The span of its second occurrence.
        again: Span,
    },
    /// Replace the tabs in the indentation by spaces. One of them is here.
    ReplaceTabs(Span),
    /// Replace `span` by `text`.
    Write {
        /// The span.
        span: Span,
        /// The replacement.
        text: String,
    },
}

/// The kinds of [`SyntaxError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SyntaxErrorKind {
    /// A map has the same key twice.
    DuplicateKey,
    /// YAML 1.1 merge keys have two values for one key. A warning: PyYAML accepts it.
    DuplicateMerge,
    /// The document is empty.
    Empty,
    /// The bytes are not UTF-8.
    NotUtf8,
    /// A map has the same key twice, and the last value is used. A warning: PyYAML accepts it.
    OverriddenKey,
    /// A YAML file has several documents.
    SeveralDocuments,
    /// The text violates the grammar of its format.
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

    /// Shifts all spans by `bytes`.
    pub(crate) fn shifted_by(mut self, bytes: usize) -> Self {
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

/// Escapes line breaks and other control characters in a message, which quoted keys and values may contain.
#[must_use]
pub fn one_line(message: String) -> String {
    if !message.contains(char::is_control) {
        return message;
    }
    let escape = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    message.chars().map(escape).collect()
}
