//! Output: results go to stdout, diagnostics and progress to stderr.
//!
//! A closed pipe is not an error: writers stop without a message.

pub(crate) mod github;
pub(crate) mod human;
pub(crate) mod log;
pub(crate) mod sarif;
pub(crate) mod secrets;
pub(crate) mod time;

use std::io::{self, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};

use comfy_table::{Cell, ContentArrangement, Table, presets};
use runai_spec::{Report, SourceReport};
use runai_syntax::{Format, convert};
use serde::Serialize;

use crate::args::ResultFormat;
use crate::exit::Exit;

/// The diagnostics of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct CheckedFile {
    /// The path as given by the user.
    pub(crate) path: String,
    #[serde(flatten)]
    pub(crate) report: Report,
    /// The text without its secrets, for excerpts.
    #[serde(skip)]
    pub(crate) shown: String,
}

impl From<SourceReport<'_>> for CheckedFile {
    fn from(found: SourceReport<'_>) -> Self {
        Self { path: found.name.to_owned(), report: found.report, shown: found.shown.into_owned() }
    }
}

/// Returns `text` with a star for each byte, which keeps lines and offsets.
pub(crate) fn mask(text: &str) -> String {
    text.chars().flat_map(|c| std::iter::repeat_n(if c == '\n' { '\n' } else { '*' }, c.len_utf8())).collect()
}

/// Prints a result.
pub(crate) fn line(text: &str) -> io::Result<()> {
    writeln!(anstream::stdout(), "{text}")
}

/// Prints text without a trailing newline.
pub(crate) fn text(text: &str) -> io::Result<()> {
    let mut out = anstream::stdout();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Prints a result as JSON on one line.
pub(crate) fn json(value: &impl Serialize) -> io::Result<()> {
    line(&serde_json::to_string(value)?)
}

/// Prints a result as indented JSON.
pub(crate) fn json_pretty(value: &impl Serialize) -> io::Result<()> {
    line(&serde_json::to_string_pretty(value)?)
}

/// Prints a result as YAML.
pub(crate) fn yaml(value: &impl Serialize) -> io::Result<()> {
    json_as_yaml(&serde_json::to_string(value)?)
}

/// Converts JSON to YAML and prints it.
pub(crate) fn json_as_yaml(json: &str) -> io::Result<()> {
    let yaml = convert(json, Format::Json, Format::Yaml).map_err(io::Error::other)?;
    line(yaml.trim_end())
}

/// Prints the result of a command in `format`; `human` prints it for people.
pub(crate) fn result(
    format: ResultFormat,
    value: &impl Serialize,
    human: impl FnOnce() -> io::Result<()>,
) -> io::Result<()> {
    match format {
        ResultFormat::Human => human(),
        ResultFormat::Json => json(value),
        ResultFormat::Yaml => yaml(value),
    }
}

/// Prints one of several results; nothing in the human format.
pub(crate) fn item(format: ResultFormat, value: &impl Serialize) -> io::Result<()> {
    match format {
        ResultFormat::Human => Ok(()),
        ResultFormat::Json => json(value),
        ResultFormat::Yaml => {
            line("---")?;
            yaml(value)
        }
    }
}

/// Formats a table with a header row, as wide as the terminal.
pub(crate) fn table<const N: usize>(head: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(head.map(Cell::new));
    for row in rows {
        table.add_row(row);
    }
    let last = N.saturating_sub(1);
    for (at, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, if at == last { 0 } else { 2 }));
    }
    let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    lines.join("\n")
}

/// Whether `--quiet` is set.
static QUIET: AtomicBool = AtomicBool::new(false);

/// Suppresses status lines from now on.
pub(crate) fn set_quiet() {
    QUIET.store(true, Ordering::Relaxed);
}

/// Whether status lines are suppressed.
pub(crate) fn is_quiet() -> bool {
    QUIET.load(Ordering::Relaxed)
}

/// Prints a status line to stderr, unless quiet.
pub(crate) fn status(text: &str) {
    if !is_quiet() {
        let _ = writeln!(anstream::stderr(), "· {text}");
    }
}

/// Prints a warning to stderr, even with `--quiet`.
pub(crate) fn warning(text: &str) {
    let _ = writeln!(anstream::stderr(), "warning: {text}");
}

/// Prints a question to stderr without a newline.
pub(crate) fn ask(question: &str) {
    let mut stderr = anstream::stderr();
    let _ = write!(stderr, "{question}").and_then(|()| stderr.flush());
}

/// Prints an error to stderr. Further lines may start with `hint:`.
pub(crate) fn error(message: &str) {
    let _ = writeln!(anstream::stderr(), "error: {message}");
}

/// Prints an error about arguments or files, and returns its exit code.
pub(crate) fn usage(message: &str) -> Exit {
    error(message);
    Exit::Usage
}

/// Returns the exit code of printing a result.
pub(crate) fn exit_of(printed: &io::Result<()>) -> Exit {
    match printed {
        Err(problem) if problem.kind() != io::ErrorKind::BrokenPipe => {
            usage(&format!("cannot write the result: {problem}"))
        }
        _ => Exit::Success,
    }
}
