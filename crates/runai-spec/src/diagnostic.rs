//! What was found in a text: where, what, why, and what to do.

use runai_syntax::{Lines, Span};
use serde::Serialize;

use crate::rules::{Rule, Severity};

/// Something that a rule found.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The rule.
    pub rule: &'static Rule,
    /// Where it is.
    pub span: Span,
    /// JSON pointer (RFC 6901) of the value that it is about, from the root of the text it is in.
    pub path: String,
    /// One headline that stands alone: names the key and the value found.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

impl Finding {
    pub(crate) fn new(rule: &'static Rule, span: Span, message: String) -> Self {
        // Keys and values may hold line breaks; a headline is one line.
        let message = if message.contains(char::is_control) { visible(&message) } else { message };
        Self { rule, span, path: String::new(), message, help: None }
    }

    pub(crate) fn with_help(mut self, help: impl Into<String>) -> Self {
        self.advise(help);
        self
    }

    /// Says what to do.
    pub(crate) fn advise(&mut self, help: impl Into<String>) {
        self.help = Some(help.into());
    }

    pub(crate) fn at(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// Whether the text cannot be used.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.rule.severity == Severity::Error
    }
}

fn visible(text: &str) -> String {
    let escape = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(escape).collect()
}

/// A finding with its place as people and editors count it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// Code of the rule, such as `unknown-key`.
    pub code: &'static str,
    /// `error` or `warning`.
    pub severity: Severity,
    /// One headline that stands alone.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
    /// JSON pointer (RFC 6901) of the value.
    pub path: String,
    /// Line of the first character, from 1.
    pub line: usize,
    /// Column of the first character, from 1, in characters.
    pub column: usize,
    /// Line of the character behind the last one, from 1.
    pub end_line: usize,
    /// Column of the character behind the last one, from 1, in characters.
    pub end_column: usize,
    /// First byte, from 0.
    pub offset: usize,
    /// Byte behind the last one, from 0.
    pub end_offset: usize,
}

/// All diagnostics of one text, in the order of their places.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Whether there is no error; warnings do not count.
    pub ok: bool,
    /// What was found.
    pub diagnostics: Vec<Diagnostic>,
}

impl Report {
    /// The report of `findings`, all of which are in `text`.
    pub(crate) fn new<'f>(text: &str, findings: impl IntoIterator<Item = &'f Finding>) -> Self {
        let lines = Lines::new(text);
        let mut diagnostics: Vec<_> = findings.into_iter().map(|finding| diagnostic(&lines, finding)).collect();
        diagnostics.sort_by(|a, b| (a.offset, a.code, &a.path).cmp(&(b.offset, b.code, &b.path)));
        diagnostics.dedup();
        Self { ok: diagnostics.iter().all(|diagnostic| diagnostic.severity != Severity::Error), diagnostics }
    }
}

impl Diagnostic {
    /// An error that is no rule's.
    pub(crate) fn at(
        text: &str,
        span: Span,
        path: &str,
        code: &'static str,
        message: String,
        help: Option<String>,
    ) -> Self {
        Self::new(&Lines::new(text), span, Severity::Error, path, code, message, help)
    }

    fn new(
        lines: &Lines<'_>,
        span: Span,
        severity: Severity,
        path: &str,
        code: &'static str,
        message: String,
        help: Option<String>,
    ) -> Self {
        let (offset, end_offset) = (span.start as usize, span.end as usize);
        let (line, column) = lines.position(offset);
        let (end_line, end_column) = lines.position(end_offset);
        let path = path.to_owned();
        Self { code, severity, message, help, path, line, column, end_line, end_column, offset, end_offset }
    }
}

fn diagnostic(lines: &Lines<'_>, finding: &Finding) -> Diagnostic {
    let Finding { rule, span, path, message, help } = finding;
    Diagnostic::new(lines, *span, rule.severity, path, rule.code, message.clone(), help.clone())
}
