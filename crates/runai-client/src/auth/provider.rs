//! Bearer tokens from code of the caller.

use std::error::Error as StdError;
use std::time::Duration;

use secrecy::SecretString;

use crate::error::Cause;
use crate::receipt::BoxFuture;
use crate::secrets::Secrets;

/// Supplies the bearer tokens of a [`Client`](crate::Client).
///
/// The client requests one token for all its callers. It requests the next one shortly before the token ends, or after
/// the control plane has refused it. A request times out after 10 s.
pub trait TokenProvider: Send + Sync + 'static {
    /// Returns a token. With `was_refused` the control plane has just refused the last one, so that a cached token
    /// must not be returned again.
    fn token(&self, was_refused: bool) -> BoxFuture<'_, Result<AccessToken, TokenError>>;
}

/// A bearer token of a [`TokenProvider`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AccessToken {
    /// The token.
    pub token: SecretString,
    /// How long the token is valid from now on. When not given, a JSON Web Token's own claims count, or else
    /// [`UNSTATED_LIFETIME`](crate::UNSTATED_LIFETIME).
    pub lifetime: Option<Duration>,
}

impl AccessToken {
    /// A token whose lifetime is not known.
    #[must_use]
    pub fn new(token: impl Into<SecretString>) -> Self {
        Self { token: token.into(), lifetime: None }
    }

    /// The same token, valid for `lifetime` from now on.
    #[must_use]
    pub fn valid_for(self, lifetime: Duration) -> Self {
        Self { lifetime: Some(lifetime), ..self }
    }
}

/// Why a [`TokenProvider`] has no token.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct TokenError {
    message: String,
    is_temporary: bool,
    source: Option<Cause>,
}

impl TokenError {
    /// The credentials were refused, or somebody has to log in. `message` is a fragment without a secret.
    pub fn refused(message: impl Into<String>) -> Self {
        Self { message: message.into(), is_temporary: false, source: None }
    }

    /// Nobody could be asked; trying again later may help. `message` is a fragment without a secret.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self { message: message.into(), is_temporary: true, source: None }
    }

    /// Returns the same error with its cause.
    #[must_use]
    pub fn with_source(self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { source: Some(Cause::new(source)), ..self }
    }

    /// Whether trying again later may help.
    #[must_use]
    pub const fn is_temporary(&self) -> bool {
        self.is_temporary
    }

    /// Returns the same error without secrets in its texts.
    pub(crate) fn scrubbed(self, secrets: &Secrets) -> Self {
        let Self { message, is_temporary, source } = self;
        Self { message: secrets.scrub(&message), is_temporary, source: source.map(|source| source.scrubbed(secrets)) }
    }
}
