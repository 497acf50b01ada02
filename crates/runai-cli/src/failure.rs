//! Failures of commands.

use runai_client::{Error, ErrorKind, one_line};

use crate::exit::Exit;
use crate::output;
use crate::output::secrets::scrub;

/// An error message, a hint and the exit code.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    /// Empty if it was already reported.
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), hint: None }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// Returns a failure that was already reported.
    pub(crate) const fn already_reported(exit: Exit) -> Self {
        Self { exit, message: String::new(), hint: None }
    }

    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// Prefixes the message with `subject`, the item that failed.
    pub(crate) fn about(self, subject: &str) -> Self {
        Self { message: format!("{subject}: {}", self.message), ..self }
    }

    /// Writes it to stderr.
    pub(crate) fn report(&self) -> Exit {
        match &self.hint {
            _ if self.message.is_empty() => {}
            Some(hint) => output::error(&format!("{}\nhint: {hint}", self.message)),
            None => output::error(&self.message),
        }
        self.exit
    }
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        // A control plane may echo secrets of the request.
        let message = scrub(&one_line(error)).into_owned();
        let hint = error.hint().map(|hint| match error.kind() {
            // The client library does not know this flag.
            ErrorKind::InsecureUrl => format!("{hint} (`--allow-http`)"),
            _ => scrub(&hint).into_owned(),
        });
        Self { exit: error.into(), message, hint }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::from(&error)
    }
}
