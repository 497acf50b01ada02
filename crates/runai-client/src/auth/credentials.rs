//! Gets tokens with the client credentials of a service account.
//!
//! Tries `POST /api/v2/token` (an OAuth 2.0 form, control plane 2.24 and later) first, then `POST /api/v1/token` (JSON,
//! deprecated by 2.25). Later requests try the endpoint first that returned the last token.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::StatusCode;
use runai_api::request::ApiRequest;
use runai_api::wire::{OAuthError, OAuthTokenResponse, TokenRequest, TokenResponse};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;

use super::Token;
use crate::error::{Cause, Error, error_body, is_missing, truncate};
use crate::retry::{Deadline, Idempotency};
use crate::secrets::Secrets;
use crate::sender::{Reply, Sender};

/// The client credentials of a service account. `Debug` does not print them.
#[derive(Clone)]
#[non_exhaustive]
pub struct ClientCredentials {
    /// The client id: the `clientId` of an access key or service account.
    pub client_id: SecretString,
    /// The client secret.
    pub client_secret: SecretString,
}

impl ClientCredentials {
    /// Creates credentials from a client id and its secret.
    pub fn new(client_id: impl Into<String>, client_secret: impl Into<SecretString>) -> Self {
        Self { client_id: SecretString::from(client_id.into()), client_secret: client_secret.into() }
    }

    /// Returns an error if the client id or the client secret is blank.
    pub(crate) fn check(&self) -> Result<(), Error> {
        for (part, name) in [(&self.client_id, "the client id"), (&self.client_secret, "the client secret")] {
            if part.expose_secret().trim().is_empty() {
                return Err(Error::EmptyCredential(name));
            }
        }
        Ok(())
    }

    fn equals(&self, other: &Self) -> bool {
        let parts = |of: &Self| (of.client_id.expose_secret().to_owned(), of.client_secret.expose_secret().to_owned());
        parts(self) == parts(other)
    }
}

impl fmt::Debug for ClientCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientCredentials(..)")
    }
}

/// The source of the client credentials.
#[derive(Clone)]
pub(crate) enum CredentialSource {
    File { client_id: SecretString, path: PathBuf },
    Given(ClientCredentials),
    Read(Arc<dyn Fn() -> io::Result<ClientCredentials> + Send + Sync>),
}

impl CredentialSource {
    /// Reads the credentials. Files and functions are read on a blocking thread.
    async fn read(&self) -> Result<ClientCredentials, Error> {
        let source = match self {
            Self::Given(credentials) => return Ok(credentials.clone()),
            source => source.clone(),
        };
        let unreadable =
            |place: String, error: io::Error| Error::UnreadableCredentials { place, source: Cause::new(error) };
        let reading = tokio::task::spawn_blocking(move || match source {
            Self::Given(credentials) => Ok(credentials),
            Self::File { client_id, path } => match secret_in(&path) {
                Ok(client_secret) => Ok(ClientCredentials { client_id, client_secret }),
                Err(error) => Err(unreadable(format!("the client secret in `{}`", path.display()), error)),
            },
            Self::Read(read) => read().map_err(|error| unreadable("the client credentials".into(), error)),
        });
        let credentials = reading.await.map_err(|error| Error::UnreadableCredentials {
            place: "the client credentials".into(),
            // The message of a panic may contain a secret.
            source: Cause::new(if error.is_panic() { "the function panicked" } else { "the runtime is shutting down" }),
        })??;
        credentials.check()?;
        Ok(credentials)
    }
}

fn secret_in(path: &Path) -> io::Result<SecretString> {
    let text = std::fs::read_to_string(path)?;
    Ok(SecretString::from(text.trim().to_owned()))
}

/// The service account whose tokens a client uses.
pub(crate) struct ServiceAccount {
    source: CredentialSource,
    /// The credentials that were read last.
    known: Mutex<Option<ClientCredentials>>,
    /// Whether the last token came from the v1 endpoint.
    uses_v1: AtomicBool,
}

impl ServiceAccount {
    pub(crate) fn new(source: CredentialSource) -> Self {
        Self { source, known: Mutex::default(), uses_v1: AtomicBool::new(false) }
    }

    /// Returns a new token. If the control plane refuses the credentials, reads them again and retries once if they
    /// have changed.
    pub(super) async fn token(&self, sender: &Sender, deadline: &mut Deadline) -> Result<Token, Error> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let credentials = match known {
            Some(credentials) => credentials,
            None => self.read(&sender.secrets).await?,
        };
        let refusal = match self.ask(sender, &credentials, deadline).await {
            Err(refusal @ Error::CredentialsRefused { .. }) if !refusal.is_no_token_endpoint() => refusal,
            result => return result,
        };
        match self.read(&sender.secrets).await {
            Ok(others) if !others.equals(&credentials) => {
                tracing::debug!("the credentials were refused and have changed; trying the new ones");
                self.ask(sender, &others, deadline).await
            }
            _ => Err(refusal),
        }
    }

    async fn read(&self, secrets: &Secrets) -> Result<ClientCredentials, Error> {
        let credentials = self.source.read().await?;
        secrets.add_credential(&credentials.client_id);
        secrets.add_credential(&credentials.client_secret);
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(credentials.clone());
        Ok(credentials)
    }

    async fn ask(
        &self,
        sender: &Sender,
        credentials: &ClientCredentials,
        deadline: &mut Deadline,
    ) -> Result<Token, Error> {
        let uses_v1 = self.uses_v1.load(Ordering::Relaxed);
        let mut missing = StatusCode::NOT_FOUND;
        for endpoint in if uses_v1 { [Endpoint::V1, Endpoint::V2] } else { [Endpoint::V2, Endpoint::V1] } {
            let begun = Instant::now();
            // Token requests are idempotent: a second token has no effect on the first.
            let reply = sender
                .send(&sender.prepare(&endpoint.request(credentials))?, Idempotency::Idempotent, deadline)
                .await?;
            if is_missing(reply.status()) {
                missing = reply.status();
                continue;
            }
            let token = endpoint.read(begun, &reply, &sender.secrets)?;
            self.uses_v1.store(matches!(endpoint, Endpoint::V1), Ordering::Relaxed);
            return Ok(token);
        }
        let reason = format!("neither {} nor {} exists", Endpoint::V2.path(), Endpoint::V1.path());
        Err(Error::CredentialsRefused { status: missing, reason })
    }
}

#[derive(Clone, Copy, Debug)]
enum Endpoint {
    V1,
    V2,
}

impl Endpoint {
    const fn path(self) -> &'static str {
        match self {
            Self::V1 => "/api/v1/token",
            Self::V2 => "/api/v2/token",
        }
    }

    /// Returns the request for a token. It contains the credentials: do not print it.
    fn request(self, credentials: &ClientCredentials) -> ApiRequest {
        let client_id = credentials.client_id.expose_secret();
        let client_secret = credentials.client_secret.expose_secret();
        let request = ApiRequest::post(self.path());
        match self {
            Self::V2 => {
                request.form([("grant_type", GRANT_TYPE), ("client_id", client_id), ("client_secret", client_secret)])
            }
            Self::V1 => {
                let body = TokenRequest {
                    grant_type: GRANT_TYPE.to_owned(),
                    client_id: Some(client_id.to_owned()),
                    client_secret: Some(client_secret.to_owned()),
                    ..TokenRequest::default()
                };
                // Strings always serialize.
                request.body(serde_json::to_vec(&body).unwrap_or_default())
            }
        }
    }

    fn read(self, begun: Instant, reply: &Reply, secrets: &Secrets) -> Result<Token, Error> {
        let status = reply.status();
        let is_temporary = matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS);
        if status.is_client_error() && !is_temporary {
            return Err(Error::CredentialsRefused { status, reason: refusal(reply.response.body(), secrets) });
        }
        if !status.is_success() {
            return Err(reply.error(secrets));
        }
        // The parser's error is dropped: it may quote a token.
        let body = reply.response.body().as_ref();
        let (text, expires_in) = match self {
            Self::V2 => serde_json::from_slice(body)
                .map(|OAuthTokenResponse { access_token, expires_in, .. }| (access_token, expires_in)),
            Self::V1 => serde_json::from_slice(body)
                .map(|TokenResponse { access_token, expires_in, .. }| (access_token, expires_in)),
        }
        .map_err(|_| reply.unexpected("is not a token response"))?;
        let stated = expires_in
            .and_then(|seconds| u32::try_from(seconds).ok())
            .filter(|&seconds| seconds > 0)
            .map(|seconds| Duration::from_secs(seconds.into()));
        Token::new(SecretString::from(text), begun, stated, reply.date())
            .map_err(|problem| reply.unexpected(format!("has a token that {problem}")))
    }
}

/// Returns the message of an OAuth 2.0 error, or of the API's error body.
fn refusal(body: &[u8], secrets: &Secrets) -> String {
    match serde_json::from_slice::<OAuthError>(body) {
        Ok(OAuthError { error, error_description, .. }) if !error.is_empty() => match error_description {
            Some(description) => truncate(&secrets.scrub(&format!("{error}: {description}"))),
            None => truncate(&secrets.scrub(&error)),
        },
        _ => error_body(body, secrets).message,
    }
}

const GRANT_TYPE: &str = "client_credentials";
