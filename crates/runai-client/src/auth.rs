//! Tokens: where they come from, how long they last, and that only one caller at a time asks for one.
//!
//! `POST /api/v2/token` (an OAuth 2.0 form, control plane 2.24 and later) comes first; where it does not exist,
//! `POST /api/v1/token` (JSON, deprecated by 2.25). The one that exists is remembered.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use runai_spec::request::encode_component;
use runai_spec::wire::{OAuthError, OAuthTokenResponse, TokenRequest, TokenResponse};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::delivery::{Answer, Delivery, Parcel};
use crate::error::{Error, cut, error_body, is_missing};
use crate::jwt;
use crate::retry::{Budget, Repeat, RetryPolicy};

/// How long a token counts as valid if neither it nor its answer says; the API's own example is an hour.
pub const UNSTATED_LIFETIME: Duration = Duration::from_mins(5);

/// A token is renewed this long before it expires, or a tenth of its lifetime, whichever is less.
pub const RENEW_AHEAD: Duration = Duration::from_mins(1);

/// The client credentials of a service account. Neither part is ever printed.
#[derive(Clone)]
pub(crate) struct Credentials {
    pub(crate) client_id: SecretString,
    pub(crate) client_secret: SecretString,
}

impl Credentials {
    /// `text` with every credential, and `token`, cut out of it, in whatever way the other side may have written it.
    pub(crate) fn scrub(&self, text: &str, token: Option<&Token>) -> String {
        let mut text = text.to_owned();
        let secrets = [Some(&self.client_secret), Some(&self.client_id), token.map(|token| &token.text)];
        for secret in secrets.into_iter().flatten().map(ExposeSecret::expose_secret) {
            let escaped = serde_json::Value::from(secret).to_string();
            for spelling in [secret, &encode_component(secret), escaped.trim_matches('"')] {
                if spelling.len() >= LEAST_SECRET && text.contains(spelling) {
                    text = text.replace(spelling, REDACTED);
                }
            }
        }
        text
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(..)")
    }
}

/// A bearer token.
pub(crate) struct Token {
    /// The `Authorization` header, marked sensitive.
    pub(crate) header: HeaderValue,
    text: SecretString,
    /// Tells a token from the one before.
    serial: u64,
    renew_at: Instant,
    expires_at: Instant,
}

/// The token that is in use, and the way to the next one.
pub(crate) struct Tokens {
    credentials: Credentials,
    state: Mutex<State>,
    /// How many requests for a token have ended, well or badly. Changes only while `state` is locked.
    flights: AtomicU64,
}

#[derive(Default)]
struct State {
    token: Option<Arc<Token>>,
    endpoint: Endpoint,
    /// How the last request for a token ended, if badly.
    failure: Option<Error>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Endpoint {
    #[default]
    V2,
    V1,
}

impl Tokens {
    pub(crate) fn new(credentials: Credentials) -> Self {
        Self { credentials, state: Mutex::default(), flights: AtomicU64::new(0) }
    }

    pub(crate) const fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// A token that is valid for a while. However many callers need one at a time, one request is sent, and all of
    /// them get what came of it.
    pub(crate) async fn current(&self, delivery: &Delivery, budget: &mut Budget) -> Result<Arc<Token>, Error> {
        self.token(delivery, budget, |token| Instant::now() < token.renew_at, true).await
    }

    /// Another token than `refused`: the one that someone else got meanwhile, or a new one.
    pub(crate) async fn renew(
        &self,
        delivery: &Delivery,
        refused: &Token,
        budget: &mut Budget,
    ) -> Result<Arc<Token>, Error> {
        self.token(delivery, budget, |token| token.serial != refused.serial, false).await
    }

    async fn token(
        &self,
        delivery: &Delivery,
        budget: &mut Budget,
        will_do: impl Fn(&Token) -> bool,
        ahead: bool,
    ) -> Result<Arc<Token>, Error> {
        let flights = self.flights.load(Ordering::Acquire);
        let mut state = self.state.lock().await;
        if let Some(token) = &state.token
            && will_do(token)
        {
            return Ok(Arc::clone(token));
        }
        if self.flights.load(Ordering::Acquire) > flights
            && let Some(failure) = &state.failure
        {
            // It failed while this caller waited for it: asking once more each would be a thousand requests in a row.
            return Err(failure.clone());
        }
        // One that is renewed ahead of its end still works: it is not worth a long wait.
        let still_good = state.token.clone().filter(|token| ahead && Instant::now() < token.expires_at);
        let result = if still_good.is_some() {
            self.ask(delivery, &mut state.endpoint, &mut Budget::of(RetryPolicy::once(AHEAD_TIMEOUT))).await
        } else {
            self.ask(delivery, &mut state.endpoint, budget).await
        };
        let flight = self.flights.fetch_add(1, Ordering::AcqRel) + 1;
        match (result, still_good) {
            (Err(error), Some(token)) if error.is_unreachable() => {
                tracing::debug!(%error, "could not renew the token ahead of its end; going on with it");
                let renew_at = Instant::now() + AHEAD_AGAIN;
                let token = Arc::new(Token {
                    header: token.header.clone(),
                    text: token.text.clone(),
                    serial: token.serial,
                    renew_at,
                    expires_at: token.expires_at,
                });
                state.failure = None;
                state.token = Some(Arc::clone(&token));
                Ok(token)
            }
            (Ok(issued), _) => {
                state.failure = None;
                let token = Arc::new(Token { serial: flight, ..issued });
                state.token = Some(Arc::clone(&token));
                Ok(token)
            }
            (Err(error), _) => {
                state.failure = Some(error.clone());
                Err(error)
            }
        }
    }

    async fn ask(&self, delivery: &Delivery, endpoint: &mut Endpoint, budget: &mut Budget) -> Result<Token, Error> {
        let other = match *endpoint {
            Endpoint::V2 => Endpoint::V1,
            Endpoint::V1 => Endpoint::V2,
        };
        let mut missing = StatusCode::NOT_FOUND;
        for candidate in [*endpoint, other] {
            let begun = Instant::now();
            // A second token does no harm.
            let answer = delivery.send(&self.parcel(candidate), Repeat::Freely, budget).await?;
            if is_missing(answer.status()) {
                missing = answer.status();
                continue;
            }
            let token = self.read(candidate, begun, &answer)?;
            *endpoint = candidate;
            tracing::debug!(?endpoint, "got a token");
            return Ok(token);
        }
        let reason = format!("neither {} nor {} exists", Endpoint::V2.path(), Endpoint::V1.path());
        Err(Error::CredentialsRefused { status: missing, reason })
    }

    fn parcel(&self, endpoint: Endpoint) -> Parcel {
        let client_id = self.credentials.client_id.expose_secret();
        let client_secret = self.credentials.client_secret.expose_secret();
        let (content_type, body) = match endpoint {
            Endpoint::V2 => (
                "application/x-www-form-urlencoded",
                format!(
                    "grant_type={GRANT_TYPE}&client_id={}&client_secret={}",
                    encode_component(client_id),
                    encode_component(client_secret)
                )
                .into_bytes(),
            ),
            Endpoint::V1 => {
                let request = TokenRequest {
                    grant_type: GRANT_TYPE.to_owned(),
                    client_id: Some(client_id.to_owned()),
                    client_secret: Some(client_secret.to_owned()),
                    ..TokenRequest::default()
                };
                // Three strings cannot fail to serialise.
                ("application/json", serde_json::to_vec(&request).unwrap_or_default())
            }
        };
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        let path = endpoint.path().to_owned();
        Parcel { method: Method::POST, target: path.clone(), path, headers, body }
    }

    fn read(&self, endpoint: Endpoint, begun: Instant, answer: &Answer) -> Result<Token, Error> {
        let scrub = |text: &str| self.credentials.scrub(text, None);
        let status = answer.status();
        if status.is_client_error() && status != StatusCode::TOO_MANY_REQUESTS {
            return Err(Error::CredentialsRefused { status, reason: refusal(&answer.response.body, scrub) });
        }
        if !status.is_success() {
            return Err(answer.error(scrub));
        }
        // Whatever is wrong with this answer, its text may be, or be the beginning of, a token.
        let odd = |problem: &str| answer.odd(problem, String::new());
        let body = answer.response.body.as_slice();
        let (text, expires_in) = match endpoint {
            Endpoint::V2 => serde_json::from_slice(body)
                .map(|OAuthTokenResponse { access_token, expires_in, .. }| (access_token, expires_in)),
            Endpoint::V1 => serde_json::from_slice(body)
                .map(|TokenResponse { access_token, expires_in, .. }| (access_token, expires_in)),
        }
        .map_err(|_| odd("is no token"))?;
        let text = SecretString::from(text);
        if text.expose_secret().is_empty() {
            return Err(odd("holds no token"));
        }
        let mut header = HeaderValue::from_str(&format!("Bearer {}", text.expose_secret()))
            .map_err(|_| odd("holds a token that no header can carry"))?;
        header.set_sensitive(true);
        let stated = expires_in
            .and_then(|seconds| u32::try_from(seconds).ok())
            .filter(|&seconds| seconds > 0)
            .map(|seconds| Duration::from_secs(seconds.into()));
        // Both may be given, and the shorter one holds.
        let written = jwt::lifetime(text.expose_secret(), answer.date()).map(|lifetime| lifetime.min(LONGEST_LIFETIME));
        let lifetime = stated.into_iter().chain(written).min().unwrap_or(UNSTATED_LIFETIME);
        let renew_at = begun + lifetime - RENEW_AHEAD.min(lifetime / 10);
        Ok(Token { header, text, serial: 0, renew_at, expires_at: begun + lifetime })
    }
}

impl Endpoint {
    const fn path(self) -> &'static str {
        match self {
            Self::V1 => "/api/v1/token",
            Self::V2 => "/api/v2/token",
        }
    }
}

/// What the token endpoint says about a refusal: OAuth 2.0's error, or the API's own.
fn refusal(body: &[u8], scrub: impl Fn(&str) -> String) -> String {
    match serde_json::from_slice::<OAuthError>(body) {
        Ok(OAuthError { error, error_description, .. }) if !error.is_empty() => match error_description {
            Some(description) => cut(&scrub(&format!("{error}: {description}"))),
            None => cut(&scrub(&error)),
        },
        _ => error_body(body, scrub).message,
    }
}

/// How long a renewal ahead of time may take.
const AHEAD_TIMEOUT: Duration = Duration::from_secs(5);

/// When a renewal ahead of time that did not work is tried again.
const AHEAD_AGAIN: Duration = Duration::from_secs(10);

/// Longer than any token should live, and far from where times overflow.
const LONGEST_LIFETIME: Duration = Duration::from_hours(365 * 24);

/// Anything shorter is no secret, and cutting it out would only garble the text.
const LEAST_SECRET: usize = 4;

const GRANT_TYPE: &str = "client_credentials";
const REDACTED: &str = "[redacted]";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_cut_out_however_they_are_written() {
        let credentials = Credentials { client_id: "the id".into(), client_secret: "s\"e/c+r".into() };
        for text in [r#"x s"e/c+r y"#, "x s%22e%2Fc%2Br y", r#"x s\"e/c+r y"#, "x the%20id y"] {
            assert_eq!(credentials.scrub(text, None), "x [redacted] y");
        }
    }
}
