//! Excerpts of the file with the place underlined, for people.

use std::io::{self, Write};

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use runai_spec::Diagnostic;
use runai_spec::rules::Severity;

use super::Checked;

/// Most lines of one place that an excerpt shows.
const MAX_LINES: usize = 8;

/// Prints what was found on standard output.
pub(crate) fn print(checked: &[Checked]) -> io::Result<()> {
    write(&mut anstream::stdout().lock(), checked)
}

/// Prints what was found on standard error.
pub(crate) fn eprint(checked: &[Checked]) -> io::Result<()> {
    write(&mut anstream::stderr().lock(), checked)
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

fn plural(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

fn write(out: &mut impl Write, checked: &[Checked]) -> io::Result<()> {
    // Colours are taken out again by the stream where it is no terminal, or `NO_COLOR` is set.
    let renderer = Renderer::styled();
    for file in checked {
        let lines = line_starts(&file.shown);
        for diagnostic in &file.report.diagnostics {
            let group = group(diagnostic, &file.path, &file.shown, &lines);
            writeln!(out, "{}\n", renderer.render(&[group]))?;
        }
    }
    Ok(())
}

fn group<'a>(diagnostic: &'a Diagnostic, path: &'a str, text: &'a str, lines: &[usize]) -> Group<'a> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Note => Level::NOTE,
        Severity::Warning => Level::WARNING,
    };
    // Only the lines around the place are handed over, so that a file of any size costs the same.
    let last_line = diagnostic.end_line.min(diagnostic.line + MAX_LINES);
    let first = lines.get(diagnostic.line - 1).copied().unwrap_or(text.len());
    let end = lines.get(last_line).copied().unwrap_or(text.len());
    let whole = text.get(first..end).unwrap_or_default();
    // A byte order mark has no column, but would take one in the excerpt.
    let excerpt = whole.trim_start_matches('\u{feff}');
    let first = first + whole.len() - excerpt.len();
    let excerpt = excerpt.trim_end_matches(['\r', '\n']);
    let place = |offset: usize| floor(excerpt, offset.saturating_sub(first));
    let annotation = AnnotationKind::Primary.span(place(diagnostic.offset)..place(diagnostic.end_offset));
    let snippet = Snippet::source(excerpt).path(path).line_start(diagnostic.line).annotation(annotation);
    let group = level.primary_title(&diagnostic.message).id(diagnostic.code).element(snippet);
    match &diagnostic.help {
        Some(help) => group.element(Level::HELP.message(help)),
        None => group,
    }
}

fn floor(text: &str, offset: usize) -> usize {
    text.floor_char_boundary(offset.min(text.len()))
}

fn line_starts(text: &str) -> Vec<usize> {
    std::iter::once(0).chain(text.match_indices('\n').map(|(offset, _)| offset + 1)).collect()
}
