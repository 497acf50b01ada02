//! Texts with names, and what was found in one.

use std::borrow::Cow;

use runai_syntax::{Format, Lines, SourceId, Span};

use crate::diagnostic::{Diagnostic, Report};
use crate::redact;
use crate::syntax::parse;

/// A text and what it is called.
#[derive(Clone, Copy, Debug)]
pub struct Source<'t> {
    /// How messages name the text: usually its path.
    pub name: &'t str,
    /// The text.
    pub text: &'t str,
    /// Its language.
    pub format: Format,
}

impl<'t> Source<'t> {
    /// What others than the check have to say about the value that a JSON pointer names, at its place; at the nearest
    /// value around it if it is not there. Nothing if the text does not parse.
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

    /// How the value that a JSON pointer names is written, and in which line, from 1. Nothing if it is not there.
    #[must_use]
    pub fn written(&self, pointer: &str) -> Option<(&'t str, usize)> {
        let root = parse(self.text, self.format, SourceId(0)).ok()?;
        let Span { start, end, .. } = root.find(pointer)?.span;
        let (line, _) = Lines::new(self.text).position(start as usize);
        Some((self.text.get(start as usize..end as usize)?, line))
    }

    /// The text without its secrets, for excerpts.
    #[must_use]
    pub fn shown(&self) -> Cow<'t, str> {
        match parse(self.text, self.format, SourceId(0)) {
            Ok(root) => redact::redacted(self.text, &redact::secrets(&root)),
            Err(_) => redact::redacted_unparsed(self.text),
        }
    }
}

/// What was found in one of the texts of a resolution.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SourceReport<'t> {
    /// How messages name the text.
    pub name: &'t str,
    /// The text with its secrets starred out, for excerpts; offsets and lines are those of the text itself.
    pub shown: Cow<'t, str>,
    /// What was found.
    pub report: Report,
}
