//! Excerpts of the file with the place underlined, for people.

use std::borrow::Cow;
use std::io::{self, Write};

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use runai_spec::rules::Severity;
use runai_spec::{Diagnostic, Related};

use super::Checked;
use crate::commands::check::applicable;

/// Most lines of one place that an excerpt shows.
const MAX_LINES: usize = 8;

/// How excerpts look.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Options {
    /// Whether a `[*]` marks what `check --fix` would fix.
    pub(crate) marks_fixes: bool,
    /// Whether it would apply unsafe fixes.
    pub(crate) unsafe_fixes: bool,
}

/// Prints what was found on standard output.
pub(crate) fn print(checked: &[Checked], options: Options) -> io::Result<()> {
    write(&mut anstream::stdout().lock(), checked, options)
}

/// Prints what was found on standard error.
pub(crate) fn eprint(checked: &[Checked]) -> io::Result<()> {
    eprint_with(checked, Options::default())
}

/// Prints what was found on standard error, as `options` say.
pub(crate) fn eprint_with(checked: &[Checked], options: Options) -> io::Result<()> {
    write(&mut anstream::stderr().lock(), checked, options)
}

/// Says a line on standard error about all files.
pub(crate) fn summary(text: &str) {
    let _ = writeln!(anstream::stderr(), "{text}");
}

/// Says on standard error how much was found.
pub(crate) fn sum_up(checked: &[Checked]) {
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

fn write(out: &mut impl Write, checked: &[Checked], options: Options) -> io::Result<()> {
    // Colours are taken out again by the stream where it is no terminal, or `NO_COLOR` is set.
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

fn group<'a>(diagnostic: &'a Diagnostic, file: &'a Checked, lines: &[usize], options: Options) -> Group<'a> {
    let text = file.shown.as_str();
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Note => Level::NOTE,
        Severity::Warning => Level::WARNING,
    };
    let line_of = |offset: usize| lines.partition_point(|start| *start <= offset).max(1);
    let (here, elsewhere): (Vec<&Related>, Vec<_>) =
        diagnostic.related.iter().partition(|other| other.path == file.path);
    // Only the lines around the places are handed over, so that a file of any size costs the same.
    let related_lines = || here.iter().map(|other| line_of(other.offset));
    let first_line = related_lines().fold(diagnostic.line, usize::min);
    let last_line = related_lines().fold(diagnostic.end_line.min(diagnostic.line + MAX_LINES), usize::max);
    let first = lines.get(first_line - 1).copied().unwrap_or(text.len());
    let end = lines.get(last_line).copied().unwrap_or(text.len());
    let whole = text.get(first..end).unwrap_or_default();
    // A byte order mark has no column, but would take one in the excerpt.
    let excerpt = whole.trim_start_matches('\u{feff}');
    let first = first + whole.len() - excerpt.len();
    let excerpt = excerpt.trim_end_matches(['\r', '\n']);
    let place = |offset: usize| floor(excerpt, offset.saturating_sub(first));
    let annotation = AnnotationKind::Primary.span(place(diagnostic.offset)..place(diagnostic.end_offset));
    let labels = here.iter().map(|other| {
        // A list or map of many lines is named by its first one.
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
