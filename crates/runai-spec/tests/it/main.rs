//! Tests of the public API.
#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

mod characters;
mod document;
mod fixes;
mod fixtures;
mod merging;
mod properties;
mod rendering;
mod rules;
mod schemas;
mod snippets;
mod source_map;
mod suggestions;
#[path = "../../../runai-syntax/tests/it/tricky.rs"]
mod tricky;
mod typed;
mod verdicts;
mod zenml;

use runai_spec::{Diagnostic, Report, Resolution, Resolver, Source};

use runai_syntax::Format;

/// Resolves a YAML text.
fn resolve(text: &str) -> Resolution<'_> {
    Resolver::new(Source { name: "test.yaml", text, format: Format::Yaml }).resolve()
}

/// Formats a report: one line per diagnostic, and one for its help.
fn lines(report: &Report) -> String {
    report.diagnostics.iter().map(line).collect()
}

fn line(found: &Diagnostic) -> String {
    let (at, end) = ((found.line, found.column), (found.end_line, found.end_column));
    let place = format!("{}:{}-{}:{} [{}..{}]", at.0, at.1, end.0, end.1, found.offset, found.end_offset);
    let path = if found.path.is_empty() { "(root)" } else { &found.path };
    let help = found.help.as_ref().map(|help| format!("    help: {help}\n")).unwrap_or_default();
    format!("{place} {}[{}] {path} {}\n{help}", found.severity.as_str(), found.code, found.message)
}
