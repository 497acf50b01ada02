//! Diagnostics as source excerpts, for people.

use std::borrow::Cow;
use std::io::{self, Write};

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use runai_spec::rules::Severity;
use runai_spec::{Diagnostic, Related};

use super::CheckedFile;
use crate::commands::check::applicable;

/// Maximum number of lines of an excerpt.
const MAX_LINES: usize = 8;

/// Options of excerpts.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Options {
    /// Whether `[*]` marks problems that `check --fix` fixes.
    pub(crate) marks_fixes: bool,
    /// Whether that includes unsafe fixes.
    pub(crate) unsafe_fixes: bool,
}

/// Prints diagnostics to stdout.
pub(crate) fn print(checked: &[CheckedFile], options: Options) -> io::Result<()> {
    write(&mut anstream::stdout().lock(), checked, options)
}

/// Prints diagnostics to stderr.
pub(crate) fn eprint(checked: &[CheckedFile]) -> io::Result<()> {
    eprint_with(checked, Options::default())
}

/// Prints diagnostics to stderr with `options`.
pub(crate) fn eprint_with(checked: &[CheckedFile], options: Options) -> io::Result<()> {
    write(&mut anstream::stderr().lock(), checked, options)
}

/// Prints a summary line to stderr.
pub(crate) fn summary(text: &str) {
    let _ = writeln!(anstream::stderr(), "{text}");
}

/// Prints the number of diagnostics to stderr.
pub(crate) fn sum_up(checked: &[CheckedFile]) {
    let count = |severity: Severity| {
        let diagnostics = checked.iter().flat_map(|checked| &checked.report.diagnostics);
        diagnostics.filter(|diagnostic| diagnostic.severity == severity).count()
    };
    let counts = [(Severity::Error, "error"), (Severity::Warning, "warning"), (Severity::Note, "note")];
    let counts = counts.map(|(severity, noun)| (count(severity), noun));
    let found: Vec<_> =
        counts.into_iter().filter(|(count, _)| *count > 0).map(|(count, noun)| plural(count, noun)).collect();
    let found = if found.is_empty() { "no problems".to_owned() } else { found.join(", ") };
    let _ = writeln!(anstream::stderr(), "{}: {found}", plural(checked.len(), "file"));
}

pub(crate) fn plural(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

fn write(out: &mut impl Write, checked: &[CheckedFile], options: Options) -> io::Result<()> {
    // The stream strips colors if it is not a terminal, or if `NO_COLOR` is set.
    let renderer = Renderer::styled();
    for file in checked {
        let lines = line_starts(&file.shown);
        for diagnostic in &file.report.diagnostics {
            let group = group(diagnostic, file, &lines, options);
            writeln!(out, "{}\n", renderer.render(&[group]))?;
        }
    }
    Ok(())
}

fn group<'a>(diagnostic: &'a Diagnostic, file: &'a CheckedFile, lines: &[usize], options: Options) -> Group<'a> {
    let text = file.shown.as_str();
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Note => Level::NOTE,
        Severity::Warning => Level::WARNING,
    };
    let line_of = |offset: usize| lines.partition_point(|start| *start <= offset).max(1);
    let (here, elsewhere): (Vec<&Related>, Vec<_>) =
        diagnostic.related.iter().partition(|other| other.path == file.path);
    // The renderer gets only the lines of the excerpt, so that its cost does not depend on the file size.
    let related_lines = || here.iter().map(|other| line_of(other.offset));
    let first_line = related_lines().fold(diagnostic.line, usize::min);
    let last_line = related_lines().fold(diagnostic.end_line.min(diagnostic.line + MAX_LINES), usize::max);
    let first = lines.get(first_line - 1).copied().unwrap_or(text.len());
    let end = lines.get(last_line).copied().unwrap_or(text.len());
    let whole = text.get(first..end).unwrap_or_default();
    // A byte order mark counts as no column, but would occupy one in the excerpt.
    let excerpt = whole.trim_start_matches('\u{feff}');
    let first = first + whole.len() - excerpt.len();
    let excerpt = excerpt.trim_end_matches(['\r', '\n']);
    let place = |offset: usize| floor(excerpt, offset.saturating_sub(first));
    let annotation = AnnotationKind::Primary.span(place(diagnostic.offset)..place(diagnostic.end_offset));
    let labels = here.iter().map(|other| {
        // Label only the first line of a list or map.
        let end = text
            .get(other.offset..other.end_offset)
            .map_or(other.offset, |text| other.offset + text.find('\n').unwrap_or(text.len()));
        AnnotationKind::Context.span(place(other.offset)..place(end)).label(&other.message)
    });
    let snippet = Snippet::source(excerpt).path(&file.path).line_start(first_line);
    let snippet = snippet.annotation(annotation).annotations(labels);
    let is_fixable = options.marks_fixes && applicable(diagnostic, options.unsafe_fixes).is_some();
    let title = if is_fixable { format!("[*] {}", diagnostic.message).into() } else { Cow::from(&diagnostic.message) };
    let mut group = level.primary_title(title).id(diagnostic.code).element(snippet);
    for other in elsewhere {
        group = group.element(Level::NOTE.message(format!("{} ({})", other.message, other.path)));
    }
    let helps = diagnostic.help.as_deref().into_iter().chain(command_help(diagnostic.code));
    helps.fold(group, |group, help| group.element(Level::HELP.message(help)))
}

/// Returns the help about this program's flags for a rule.
fn command_help(code: &str) -> Option<&'static str> {
    (code == "foreign-file").then_some("use `--kind` to check the file as one of these kinds")
}

fn floor(text: &str, offset: usize) -> usize {
    text.floor_char_boundary(offset.min(text.len()))
}

fn line_starts(text: &str) -> Vec<usize> {
    std::iter::once(0).chain(text.match_indices('\n').map(|(offset, _)| offset + 1)).collect()
}
