//! Bearer tokens from the caller's own code.

use std::error::Error as StdError;
use std::time::Duration;

use secrecy::SecretString;

use crate::error::Cause;
use crate::receipt::BoxFuture;
use crate::secrets::Secrets;

/// Provides the bearer tokens of a [`Client`](crate::Client).
///
/// All callers of a client share one token. The client requests the next one shortly before the token expires, or after
/// the control plane has refused it. A request times out after 10 s.
pub trait TokenProvider: Send + Sync + 'static {
    /// Returns a token. With `was_refused` the control plane has just refused the last one: do not return it again.
    fn token(&self, was_refused: bool) -> BoxFuture<'_, Result<AccessToken, TokenError>>;
}

/// A bearer token of a [`TokenProvider`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AccessToken {
    /// The token.
    pub token: SecretString,
    /// Remaining lifetime. The default is that in the claims of a JSON Web Token, or else
    /// [`DEFAULT_TOKEN_LIFETIME`](crate::DEFAULT_TOKEN_LIFETIME).
    pub lifetime: Option<Duration>,
}

impl AccessToken {
    /// Returns a token without a lifetime.
    #[must_use]
    pub fn new(token: impl Into<SecretString>) -> Self {
        Self { token: token.into(), lifetime: None }
    }

    /// Sets the remaining lifetime.
    #[must_use]
    pub fn valid_for(self, lifetime: Duration) -> Self {
        Self { lifetime: Some(lifetime), ..self }
    }
}

/// The error of a [`TokenProvider`].
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct TokenError {
    message: String,
    is_temporary: bool,
    source: Option<Cause>,
}

impl TokenError {
    /// Returns an error for refused credentials or a missing login. `message` is a fragment without secrets.
    pub fn refused(message: impl Into<String>) -> Self {
        Self { message: message.into(), is_temporary: false, source: None }
    }

    /// Returns a temporary error: a later retry may succeed. `message` is a fragment without secrets.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self { message: message.into(), is_temporary: true, source: None }
    }

    /// Returns the same error with its cause.
    #[must_use]
    pub fn with_source(self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { source: Some(Cause::new(source)), ..self }
    }

    /// Returns whether a later retry may succeed.
    #[must_use]
    pub const fn is_temporary(&self) -> bool {
        self.is_temporary
    }

    /// Returns the error with secrets redacted.
    pub(crate) fn scrubbed(self, secrets: &Secrets) -> Self {
        let Self { message, is_temporary, source } = self;
        Self { message: secrets.scrub(&message), is_temporary, source: source.map(|source| source.scrubbed(secrets)) }
    }
}
