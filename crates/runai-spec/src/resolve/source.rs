//! Sources and their reports.

use std::borrow::Cow;

use runai_syntax::{Format, Lines, SourceId, Span};

use crate::diagnostic::{Diagnostic, Report};
use crate::redact;
use crate::syntax::parse;

/// A text with its name and format.
#[derive(Clone, Copy, Debug)]
pub struct Source<'t> {
    /// The name in messages, usually a file's path.
    pub name: &'t str,
    /// The text.
    pub text: &'t str,
    /// The format of the text.
    pub format: Format,
}

impl<'t> Source<'t> {
    /// Returns an error of the caller at the value of a JSON pointer, or at its nearest parent. Returns `None` if the text
    /// does not parse.
    #[must_use]
    pub fn diagnose(
        &self,
        pointer: &str,
        code: &'static str,
        message: String,
        help: Option<String>,
    ) -> Option<Diagnostic> {
        let root = parse(self.text, self.format, SourceId(0)).ok()?;
        let around = pointer.match_indices('/').rev().map(|(at, _)| &pointer[..at]);
        let node = std::iter::once(pointer).chain(around).find_map(|pointer| root.find(pointer))?;
        Some(Diagnostic::at(self.text, node.span, pointer, code, message, help))
    }

    /// Returns the source text of the value at a JSON pointer, and its line, from 1.
    #[must_use]
    pub fn written(&self, pointer: &str) -> Option<(&'t str, usize)> {
        let root = parse(self.text, self.format, SourceId(0)).ok()?;
        let Span { start, end, .. } = root.find(pointer)?.span;
        let (line, _) = Lines::new(self.text).position(start as usize);
        Some((self.text.get(start as usize..end as usize)?, line))
    }

    /// Returns the text with its secrets masked, for excerpts.
    #[must_use]
    pub fn shown(&self) -> Cow<'t, str> {
        match parse(self.text, self.format, SourceId(0)) {
            Ok(root) => redact::redacted(self.text, &redact::secrets(&root)),
            Err(_) => redact::redacted_unparsed(self.text),
        }
    }
}

/// The report of one of the sources of a resolution.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SourceReport<'t> {
    /// The name of the source.
    pub name: &'t str,
    /// The text with its secrets masked, for excerpts. Masking does not change offsets and lines.
    pub shown: Cow<'t, str>,
    /// The diagnostics.
    pub report: Report,
}
