//! What keeps a command from going on, as it is told.

use runai_client::{Error, ErrorKind, one_line};

use crate::exit::Exit;
use crate::output;
use crate::output::secrets::scrub;

/// A sentence about what went wrong, what to do about it, and the exit code.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    /// Empty if it was reported already.
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

    /// One that was reported already.
    pub(crate) const fn already_reported(exit: Exit) -> Self {
        Self { exit, message: String::new(), hint: None }
    }

    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// The same failure, about one of several things.
    pub(crate) fn about(self, what: &str) -> Self {
        Self { message: format!("{what}: {}", self.message), ..self }
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
        // A control plane may echo what was sent.
        let message = scrub(&one_line(error)).into_owned();
        let hint = error.hint().map(|hint| match error.kind() {
            // The library does not know the flags of this program.
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
