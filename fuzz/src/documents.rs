//! Targets that parse and resolve arbitrary documents.

use runai_api::wire::TrainingCreationRequest;
use runai_spec::rules::Severity;
use runai_spec::{Context, Diagnostic, Kind, Report, Resolution, Resolver, Source, decode};
use runai_syntax::Format;

use crate::limits::limited;

/// Parses arbitrary bytes as JSON.
pub fn json(data: &[u8]) {
    document(data, Format::Json);
}

/// Parses arbitrary bytes as TOML.
pub fn toml(data: &[u8]) {
    document(data, Format::Toml);
}

/// Parses arbitrary bytes as YAML.
pub fn yaml(data: &[u8]) {
    document(data, Format::Yaml);
}

fn document(data: &[u8], format: Format) {
    if let Err(report) = decode(data) {
        assert!(!report.ok && report.diagnostics.len() == 1, "{report:?}");
    }
    let text = String::from_utf8_lossy(data);
    let source = Source { name: "fuzz", text: &text, format };
    let free = Resolver::new(source);
    for kind in Kind::ALL {
        check(&text, &free.clone().kind(kind));
    }
    check(&text, &free.clone().operator(source));
    check(&text, &free);
}

/// Checks the invariants of a resolved document.
pub(crate) fn check<'t>(text: &str, resolver: &Resolver<'t>) -> Resolution<'t> {
    let resolution = limited(|| resolver.clone().resolve());
    let reports = limited(|| resolution.reports());
    for found in &reports {
        assert_eq!(found.shown.len(), text.len(), "stars take the place of secrets byte by byte");
        check_places(text, &found.report);
    }
    assert!(resolution.step().is_none() || !resolution.has_errors());
    // A ZenML file with unresolved placeholders has a note and no errors, but no step.
    let notes = reports.iter().flat_map(|found| &found.report.diagnostics).filter(|it| it.severity == Severity::Note);
    let is_open = notes.count() > 0;
    for name in resolution.step_names() {
        let is_none = resolution.step_named(name).is_none();
        assert!(is_none || !resolution.has_errors());
        assert!(!is_none || resolution.has_errors() || is_open);
    }
    if let Some(step) = resolution.step() {
        let body = limited(|| step.render(&Context::default()));
        let sent = limited(|| step.request(&Context::default())).body.expect("a submission has a body");
        let read: TrainingCreationRequest = serde_json::from_slice(&sent).expect("the API's types read what is sent");
        assert_eq!(read, body);
    }
    resolution
}

fn check_places(text: &str, report: &Report) {
    for found in &report.diagnostics {
        let Diagnostic { offset, end_offset, .. } = *found;
        assert!(offset <= end_offset, "{found:?}");
        assert!(text.get(offset..end_offset).is_some(), "{found:?}");
        assert!(!found.message.is_empty() && !found.message.contains('\n'), "{found:?}");
    }
    // Counting lines and columns is linear in the length of the text, so only a few are checked.
    for found in report.diagnostics.iter().take(8) {
        assert_eq!((found.line, found.column), place(text, found.offset), "{found:?}");
        assert_eq!((found.end_line, found.end_column), place(text, found.end_offset), "{found:?}");
    }
}

/// Returns the line and column of a byte, counted naively.
fn place(text: &str, offset: usize) -> (usize, usize) {
    let before = &text[..offset];
    // U+FEFF is a byte order mark only at the start of the text.
    let seen = before.strip_prefix('\u{feff}').unwrap_or(before);
    let line = seen.rsplit('\n').next().unwrap_or_default();
    (before.matches('\n').count() + 1, line.chars().count() + 1)
}
