//! What the crate promises, seen from outside.

mod fixtures;
mod merging;
mod rendering;
mod rules;

use runai_spec::{Format, Report, Resolution, Resolver, Source};

/// The resolution of a YAML text.
fn resolve(text: &str) -> Resolution<'_> {
    Resolver::new(Source { name: "test.yaml", text, format: Format::Yaml }).resolve()
}

/// A report as lines, one a diagnostic and one more where it has help.
fn lines(report: &Report) -> String {
    let mut lines = String::new();
    for found in &report.diagnostics {
        lines += &format!(
            "{}:{}-{}:{} [{}..{}] {}[{}] {} {}\n",
            found.line,
            found.column,
            found.end_line,
            found.end_column,
            found.offset,
            found.end_offset,
            found.severity.as_str(),
            found.code,
            if found.path.is_empty() { "(root)" } else { &found.path },
            found.message
        );
        if let Some(help) = &found.help {
            lines += &format!("    help: {help}\n");
        }
    }
    lines
}
