//! Errors of a transport before its first connection.

#[cfg(feature = "client")]
use std::error::Error as StdError;

use crate::error::Cause;

/// TLS could not be set up.
#[derive(Clone, Debug, thiserror::Error)]
#[error("cannot set up TLS{}{problem}", if problem.is_empty() { "" } else { ": " })]
pub struct SetupError {
    /// Empty if the source says it all.
    problem: String,
    source: Option<Cause>,
}

#[cfg(feature = "client")]
impl SetupError {
    /// An error of the libraries below.
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
