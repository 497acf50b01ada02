//! GitHub Actions annotations: one workflow command per diagnostic.

use std::io::{self, Write as _};

use runai_spec::rules::Severity;

use super::CheckedFile;

/// Prints all diagnostics.
pub(crate) fn print(checked: &[CheckedFile]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for file in checked {
        for found in &file.report.diagnostics {
            let message = match &found.help {
                Some(help) => format!("{}\n{help}", found.message),
                None => found.message.clone(),
            };
            writeln!(
                out,
                "::{} file={},line={},endLine={},col={},endColumn={},title={}::{}",
                level(found.severity),
                property(&file.path),
                found.line,
                found.end_line,
                found.column,
                found.end_column,
                property(found.code),
                data(&message)
            )?;
        }
    }
    Ok(())
}

/// Returns the workflow command for a severity.
const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Note => "notice",
        Severity::Warning => "warning",
    }
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
