//! Words out: results on standard output, words about them on standard error.
//!
//! A reader that has seen enough closes the pipe; that is no error, so writers stop in silence.

pub(crate) mod github;
pub(crate) mod human;
pub(crate) mod sarif;

use std::io::{self, Write as _};

use runai_spec::{Report, SourceReport};
use serde::Serialize;

use crate::exit::Exit;

/// What was found in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Checked {
    /// The path as it was given.
    pub(crate) path: String,
    #[serde(flatten)]
    pub(crate) report: Report,
    /// The text without its secrets, for excerpts.
    #[serde(skip)]
    pub(crate) shown: String,
}

impl From<SourceReport<'_>> for Checked {
    fn from(found: SourceReport<'_>) -> Self {
        Self { path: found.name.to_owned(), report: found.report, shown: found.shown.into_owned() }
    }
}

/// Prints a result.
pub(crate) fn line(text: &str) -> io::Result<()> {
    writeln!(anstream::stdout(), "{text}")
}

/// Prints a result as JSON on one line.
pub(crate) fn json(value: &impl Serialize) -> io::Result<()> {
    line(&serde_json::to_string(value)?)
}

/// Prints a result as JSON for people.
pub(crate) fn json_pretty(value: &impl Serialize) -> io::Result<()> {
    line(&serde_json::to_string_pretty(value)?)
}

/// Says what went wrong; lines that begin with `hint:` say what to do.
pub(crate) fn error(message: &str) {
    let _ = writeln!(anstream::stderr(), "error: {message}");
}

/// Says what is wrong with the words or files that were given.
pub(crate) fn usage(message: &str) -> Exit {
    error(message);
    Exit::Usage
}

/// How it went, given whether the result could be printed.
pub(crate) fn exit_of(printed: &io::Result<()>) -> Exit {
    match printed {
        Err(problem) if problem.kind() != io::ErrorKind::BrokenPipe => {
            usage(&format!("cannot write the result: {problem}"))
        }
        _ => Exit::Success,
    }
}
