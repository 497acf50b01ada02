//! Errors of setting up a transport.

#[cfg(feature = "client")]
use std::error::Error as StdError;

use crate::error::Cause;

/// The error of setting up TLS.
#[derive(Clone, Debug, thiserror::Error)]
#[error("cannot set up TLS{}{problem}", if problem.is_empty() { "" } else { ": " })]
pub struct SetupError {
    /// Empty if the source describes the problem.
    problem: String,
    source: Option<Cause>,
}

#[cfg(feature = "client")]
impl SetupError {
    /// Returns an error that wraps one of a library.
    pub(super) fn of(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { problem: String::new(), source: Some(Cause::new(source)) }
    }

    pub(super) fn new(problem: impl Into<String>) -> Self {
        Self { problem: problem.into(), source: None }
    }

    pub(super) fn with_source(self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { source: Some(Cause::new(source)), ..self }
    }
}
