//! Diagnostics and reports.

use runai_syntax::{Lines, SourceId, Span, one_line};
use serde::Serialize;

use crate::fix::{Fix, FixPlan, FixWriter};
use crate::resolve::Source;
use crate::rules::{Rule, Severity};

/// A diagnostic as its rule reports it, with byte offsets, and fixes whose edits are not computed yet.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RawDiagnostic {
    /// The rule.
    pub rule: &'static Rule,
    /// The location.
    pub span: Span,
    /// JSON pointer (RFC 6901) of the value, from the root of its source.
    pub path: String,
    /// The headline, which names the key and the value.
    pub message: String,
    /// How to solve the problem.
    pub help: Option<String>,
    /// Details that most diagnostics do not have. They are boxed to keep results of parsers small.
    details: Option<Box<Details>>,
}

/// Optional details of a diagnostic.
#[derive(Clone, Debug, Default)]
pub(crate) struct Details {
    /// Related places, with a description of each.
    pub(crate) related: Vec<(Span, String)>,
    pub(crate) tags: Vec<Tag>,
    pub(crate) fixes: Vec<FixPlan>,
}

/// A category of diagnostics for editors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Tag {
    /// A deprecated spelling or setting.
    Deprecated,
    /// A plain-text secret.
    Secret,
    /// A value without effect.
    Unnecessary,
}

impl Tag {
    /// Returns the name in reports: `deprecated`, `secret` or `unnecessary`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deprecated => "deprecated",
            Self::Secret => "secret",
            Self::Unnecessary => "unnecessary",
        }
    }
}

impl RawDiagnostic {
    pub(crate) fn new(rule: &'static Rule, span: Span, message: String) -> Self {
        Self { rule, span, path: String::new(), message: one_line(message), help: None, details: None }
    }

    pub(crate) fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(crate) fn with_fix(mut self, fix: impl Into<Option<FixPlan>>) -> Self {
        if let Some(fix) = fix.into() {
            self.details_mut().fixes.push(fix);
        }
        self
    }

    pub(crate) fn with_related(mut self, span: Span, message: impl Into<String>) -> Self {
        self.details_mut().related.push((span, message.into()));
        self
    }

    pub(crate) fn details_mut(&mut self) -> &mut Details {
        self.details.get_or_insert_default()
    }

    /// Returns the fixes, if the diagnostic has details.
    pub(crate) fn fixes_mut(&mut self) -> Option<&mut Vec<FixPlan>> {
        self.details.as_mut().map(|details| &mut details.fixes)
    }

    pub(crate) fn fixes(&self) -> &[FixPlan] {
        self.details.as_ref().map_or(&[], |details| &details.fixes)
    }

    /// Categories for editors.
    #[must_use]
    pub fn tags(&self) -> &[Tag] {
        self.details.as_ref().map_or(&[], |details| &details.tags)
    }

    /// Related places, with a description of each.
    #[must_use]
    pub fn related(&self) -> &[(Span, String)] {
        self.details.as_ref().map_or(&[], |details| &details.related)
    }

    pub(crate) fn with_tag(mut self, tag: Tag) -> Self {
        self.details_mut().tags.push(tag);
        self
    }

    pub(crate) fn at(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// Whether the severity is [`Severity::Error`].
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.rule.severity == Severity::Error
    }
}

/// The diagnostic that was reported last, to which details can be added.
pub(crate) struct Reported<'d>(pub(crate) &'d mut RawDiagnostic);

impl Reported<'_> {
    pub(crate) fn with_help(self, help: impl Into<String>) -> Self {
        self.0.help = Some(help.into());
        self
    }

    pub(crate) fn with_fixes(self, fixes: impl IntoIterator<Item = FixPlan>) -> Self {
        for fix in fixes {
            self.0.details_mut().fixes.push(fix);
        }
        self
    }

    pub(crate) fn with_related(self, span: Span, message: impl Into<String>) -> Self {
        self.0.details_mut().related.push((span, message.into()));
        self
    }

    pub(crate) fn with_tag(self, tag: Tag) -> Self {
        self.0.details_mut().tags.push(tag);
        self
    }
}

/// A diagnostic with lines, columns and the edits of its fixes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Diagnostic {
    /// The code of the rule, such as `unknown-key`.
    pub code: &'static str,
    /// `error`, `warning` or `note`.
    pub severity: Severity,
    /// The headline.
    pub message: String,
    /// How to solve the problem.
    pub help: Option<String>,
    /// JSON pointer (RFC 6901) of the value.
    pub path: String,
    /// Line of the first character, from 1.
    pub line: usize,
    /// Column of the first character, from 1, in characters.
    pub column: usize,
    /// Line of the end, from 1, exclusive.
    pub end_line: usize,
    /// Column of the end, from 1, in characters, exclusive.
    pub end_column: usize,
    /// First byte, from 0.
    pub offset: usize,
    /// End in bytes, from 0, exclusive.
    pub end_offset: usize,
    /// Related places.
    pub related: Vec<Related>,
    /// Categories for editors.
    pub tags: Vec<Tag>,
    /// Fixes, the most likely first.
    pub fixes: Vec<Fix>,
}

/// A place that is related to a diagnostic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Related {
    /// The name of the source: usually a file's path, or a variable's name.
    pub path: String,
    /// First byte, from 0.
    pub offset: usize,
    /// End in bytes, from 0, exclusive.
    pub end_offset: usize,
    /// The description of the place.
    pub message: String,
}

/// All diagnostics of one source, in the order of their offsets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Whether there are no errors.
    pub ok: bool,
    /// The diagnostics.
    pub diagnostics: Vec<Diagnostic>,
}

impl Report {
    /// Returns the report of `found`, which are all in `text`, without fixes.
    pub(crate) fn new<'f>(text: &str, found: impl IntoIterator<Item = &'f RawDiagnostic>) -> Self {
        let lines = Lines::new(text);
        Self::sorted(found.into_iter().map(|raw| diagnostic(&lines, raw)).collect())
    }

    /// Returns the report of `found`, which are all in the source `id`. Only the first `files` sources can be edited; the
    /// others are values of variables and overrides.
    pub(crate) fn of_source<'f>(
        sources: &[Source<'_>],
        files: usize,
        id: SourceId,
        found: impl IntoIterator<Item = &'f RawDiagnostic>,
    ) -> Self {
        let index = usize::from(id.0);
        let source = &sources[index];
        let lines = Lines::new(source.text);
        let writer = FixWriter::new(source, id);
        let finished = found.into_iter().map(|raw| {
            let mut finished = diagnostic(&lines, raw);
            finished.related = raw.related().iter().filter_map(|related| related_place(sources, related)).collect();
            if index < files {
                for fix in raw.fixes().iter().filter_map(|plan| writer.fix(plan)) {
                    if !finished.fixes.iter().any(|other| other.edits == fix.edits) {
                        finished.fixes.push(fix);
                    }
                }
            }
            finished
        });
        Self::sorted(finished.collect())
    }

    fn sorted(mut diagnostics: Vec<Diagnostic>) -> Self {
        diagnostics.sort_by(|a, b| (a.offset, a.code, &a.path).cmp(&(b.offset, b.code, &b.path)));
        diagnostics.dedup_by(|a, b| {
            // A pipeline's block is checked for each step, possibly with different related places.
            let same = (a.offset, a.end_offset, a.code, &a.path, &a.message, &a.help)
                == (b.offset, b.end_offset, b.code, &b.path, &b.message, &b.help);
            if same && b.fixes.is_empty() {
                b.fixes.append(&mut a.fixes);
            }
            same
        });
        Self { ok: diagnostics.iter().all(|diagnostic| diagnostic.severity != Severity::Error), diagnostics }
    }
}

impl Diagnostic {
    /// Returns an error that does not belong to a rule.
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
        let (related, tags, fixes) = Default::default();
        Self {
            code,
            severity,
            message,
            help,
            path,
            line,
            column,
            end_line,
            end_column,
            offset,
            end_offset,
            related,
            tags,
            fixes,
        }
    }
}

fn diagnostic(lines: &Lines<'_>, raw: &RawDiagnostic) -> Diagnostic {
    let RawDiagnostic { rule, span, path, message, help, .. } = raw;
    let mut diagnostic = Diagnostic::new(lines, *span, rule.severity, path, rule.code, message.clone(), help.clone());
    diagnostic.tags = raw.tags().to_vec();
    diagnostic
}

fn related_place(sources: &[Source<'_>], (span, message): &(Span, String)) -> Option<Related> {
    let source = sources.get(usize::from(span.source.0))?;
    let (offset, end_offset) = (span.start as usize, span.end as usize);
    Some(Related { path: source.name.to_owned(), offset, end_offset, message: message.clone() })
}
