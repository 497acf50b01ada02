//! Converts errors of `runai_syntax` to diagnostics of rules.

use runai_syntax::{Dialect, Format, Node, SourceId, SyntaxError, SyntaxErrorKind, SyntaxFix};

use crate::diagnostic::{RawDiagnostic, Report};
use crate::fix::{Applicability, FixPlan};
use crate::rules::{Rule, text};

/// Decodes UTF-8.
///
/// # Errors
///
/// The input is larger than [`runai_syntax::MAX_BYTES`], or not UTF-8.
pub fn decode(bytes: &[u8]) -> Result<&str, Report> {
    runai_syntax::decode(bytes).map_err(|error| {
        let valid = bytes.get(..error.span.start as usize).unwrap_or_default();
        Report::of_syntax_error(str::from_utf8(valid).unwrap_or_default(), error)
    })
}

/// Parses `text`.
pub(crate) fn parse(text: &str, format: Format, source: SourceId) -> Result<Node<'_>, RawDiagnostic> {
    runai_syntax::parse(text, format, source).map_err(RawDiagnostic::from)
}

/// Parses `text` in a YAML dialect, and returns the parser's warnings, too.
pub(crate) fn parse_in(
    text: &str,
    format: Format,
    source: SourceId,
    dialect: Dialect,
) -> Result<(Node<'_>, Vec<RawDiagnostic>), RawDiagnostic> {
    let (root, warnings) = runai_syntax::parse_in(text, format, source, dialect)?;
    Ok((root, warnings.into_iter().map(RawDiagnostic::from).collect()))
}

impl Report {
    /// Returns the report of a source that cannot be parsed.
    #[must_use]
    pub fn of_syntax_error(text: &str, error: SyntaxError) -> Self {
        Self::new(text, [&RawDiagnostic::from(error)])
    }
}

impl From<SyntaxError> for RawDiagnostic {
    fn from(error: SyntaxError) -> Self {
        let help = error.help.or_else(|| help(error.kind).map(str::to_owned));
        let mut diagnostic = Self::new(rule(error.kind), error.span, error.message)
            .with_fix(error.fix.and_then(|fix| plan(*fix, error.kind)));
        if let Some(related) = error.related {
            diagnostic = diagnostic.with_related(related.0, related.1);
        }
        diagnostic.help = help;
        diagnostic
    }
}

fn plan(fix: SyntaxFix, kind: SyntaxErrorKind) -> Option<FixPlan> {
    match fix {
        SyntaxFix::RemoveDuplicate { key, first, again } => {
            // The parser already ignores the first value.
            let is_overridden = kind == SyntaxErrorKind::OverriddenKey;
            let applicability = if is_overridden { Applicability::Safe } else { Applicability::Unsafe };
            Some(FixPlan::remove_duplicate(&key, first, again, applicability))
        }
        SyntaxFix::ReplaceTabs(span) => Some(FixPlan::replace_tabs(span)),
        SyntaxFix::Write { span, text } => Some(FixPlan::write(span, &text)),
        // Fixes that a later version adds.
        _ => None,
    }
}

fn rule(kind: SyntaxErrorKind) -> &'static Rule {
    match kind {
        SyntaxErrorKind::DuplicateKey => &text::DUPLICATE_KEY,
        SyntaxErrorKind::DuplicateMerge => &text::DUPLICATE_MERGE,
        SyntaxErrorKind::OverriddenKey => &text::OVERRIDDEN_KEY,
        SyntaxErrorKind::Empty => &text::EMPTY,
        SyntaxErrorKind::NotUtf8 => &text::NOT_UTF8,
        SyntaxErrorKind::SeveralDocuments => &text::SEVERAL_DOCUMENTS,
        SyntaxErrorKind::TooDeep => &text::TOO_DEEP,
        SyntaxErrorKind::TooLarge => &text::TOO_LARGE,
        SyntaxErrorKind::TooManyAliases => &text::TOO_MANY_ALIASES,
        // `Syntax`, and kinds that a later version adds.
        _ => &text::SYNTAX,
    }
}

/// Returns the help that names the kinds of documents.
fn help(kind: SyntaxErrorKind) -> Option<&'static str> {
    match kind {
        SyntaxErrorKind::Empty => {
            Some("write a step file with `image` and `command`, or settings; `{}` uses all defaults")
        }
        SyntaxErrorKind::SeveralDocuments => Some("write each document to a separate file"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_kinds_to_rules() {
        for kind in [
            SyntaxErrorKind::DuplicateKey,
            SyntaxErrorKind::DuplicateMerge,
            SyntaxErrorKind::OverriddenKey,
            SyntaxErrorKind::Empty,
            SyntaxErrorKind::NotUtf8,
            SyntaxErrorKind::SeveralDocuments,
            SyntaxErrorKind::Syntax,
            SyntaxErrorKind::TooDeep,
            SyntaxErrorKind::TooLarge,
            SyntaxErrorKind::TooManyAliases,
        ] {
            assert_eq!(rule(kind).code, kind.code());
        }
    }
}
