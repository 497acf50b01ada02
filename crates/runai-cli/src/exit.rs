//! How a command went, as a number for the shell.

use std::process::ExitCode;

/// The exit codes of `runai-step`. Scripts rely on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It worked.
    Success = 0,
    /// A file has errors, or does not parse.
    Invalid = 1,
    /// Wrong usage, a file that cannot be read, or no configuration where one is needed.
    Usage = 2,
    /// No such step, workload or word.
    NotFound = 4,
}

impl Exit {
    /// The first of `exits` that is not success.
    pub(crate) fn first_failure(exits: impl IntoIterator<Item = Self>) -> Self {
        exits.into_iter().find(|exit| *exit != Self::Success).unwrap_or(Self::Success)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
