//! Problems of a text: where, what, why, and what to do.

use runai_syntax::{Lines, SourceId, Span, one_line};
use serde::Serialize;

use crate::fix::{Fix, FixPlan, FixWriter};
use crate::resolve::Source;
use crate::rules::{Rule, Severity};

/// A problem as its rule reports it, with places in bytes and fixes whose edits are not computed yet.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RawDiagnostic {
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
    /// What few problems have. A parser's `Err` stays small without it.
    details: Option<Box<Details>>,
}

/// What can be known of a problem beside its message.
#[derive(Clone, Debug, Default)]
pub(crate) struct Details {
    /// Other places that the problem is about, and what is there.
    pub(crate) related: Vec<(Span, String)>,
    pub(crate) tags: Vec<Tag>,
    pub(crate) fixes: Vec<FixPlan>,
}

/// What a problem means for an editor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Tag {
    /// The spelling, or the setting, is out of date.
    Deprecated,
    /// The text contains a secret in plain text.
    Secret,
    /// The text has no effect.
    Unnecessary,
}

impl Tag {
    /// Returns the word of reports: `deprecated`, `secret` or `unnecessary`.
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

    /// What the rule wants done about the problem, if there is anything.
    pub(crate) fn fixes_mut(&mut self) -> Option<&mut Vec<FixPlan>> {
        self.details.as_mut().map(|details| &mut details.fixes)
    }

    pub(crate) fn fixes(&self) -> &[FixPlan] {
        self.details.as_ref().map_or(&[], |details| &details.fixes)
    }

    /// What the problem means for an editor.
    #[must_use]
    pub fn tags(&self) -> &[Tag] {
        self.details.as_ref().map_or(&[], |details| &details.tags)
    }

    /// Other places that the problem is about, and what is there.
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

    /// Whether the text cannot be used.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.rule.severity == Severity::Error
    }
}

/// A problem that was just reported, for what else there is to say.
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

/// A problem with its place as people and editors count it, and with what can be done about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Diagnostic {
    /// Code of the rule, such as `unknown-key`.
    pub code: &'static str,
    /// `error`, `warning` or `note`.
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
    /// Other places that the problem is about.
    pub related: Vec<Related>,
    /// What the problem means for an editor.
    pub tags: Vec<Tag>,
    /// Edits that solve the problem, the most likely first.
    pub fixes: Vec<Fix>,
}

/// Another place that a problem is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Related {
    /// Name of the text that the place is in: usually the path of its file, or the name of a variable.
    pub path: String,
    /// First byte, from 0.
    pub offset: usize,
    /// Byte behind the last one, from 0.
    pub end_offset: usize,
    /// What is there.
    pub message: String,
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
    /// The report of `found`, all of which is in `text`, without fixes.
    pub(crate) fn new<'f>(text: &str, found: impl IntoIterator<Item = &'f RawDiagnostic>) -> Self {
        let lines = Lines::new(text);
        Self::sorted(found.into_iter().map(|raw| diagnostic(&lines, raw)).collect())
    }

    /// The report of `found`, all of which is in the source `id`. Only the first `files` sources are files that can be
    /// edited; the others are values of variables and arguments.
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
            finished.related = raw.related().iter().filter_map(|related| place_of(sources, related)).collect();
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
            // A block of a pipeline is checked for each of its steps, which may differ in what is related.
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
    let mut made = Diagnostic::new(lines, *span, rule.severity, path, rule.code, message.clone(), help.clone());
    made.tags = raw.tags().to_vec();
    made
}

fn place_of(sources: &[Source<'_>], (span, message): &(Span, String)) -> Option<Related> {
    let source = sources.get(usize::from(span.source.0))?;
    let (offset, end_offset) = (span.start as usize, span.end as usize);
    Some(Related { path: source.name.to_owned(), offset, end_offset, message: message.clone() })
}
