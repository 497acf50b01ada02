//! The client: a base URL, credentials, and the rules by which requests are sent.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use runai_api::request::{ApiRequest, Encoding};
use runai_api::secrets::secret_values;
use secrecy::SecretString;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tracing::Instrument;
use url::form_urlencoded;

use crate::auth::Tokens;
use crate::builder::ClientBuilder;
use crate::error::{Error, cut, error_body};
use crate::retry::{Deadline, Idempotency, RetryPolicy};
use crate::sender::{Answer, Sender, decode, described};

/// A client of one control plane, with one account.
///
/// Cheap to clone; clones share connections, the token and rate limits. All its futures may be dropped at any moment:
/// nothing is left half done on this side.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    sender: Arc<Sender>,
    tokens: Arc<Tokens>,
    retry: RetryPolicy,
}

impl Client {
    pub(crate) fn of(sender: Sender, tokens: Tokens, retry: RetryPolicy) -> Self {
        Self { inner: Arc::new(Inner { sender: Arc::new(sender), tokens: Arc::new(tokens), retry }) }
    }

    /// Returns the same client, whose calls retry for at most `time`.
    pub(crate) fn retrying_for(&self, time: Duration) -> Self {
        let Inner { sender, tokens, retry } = &*self.inner;
        let retry = retry.give_up_after(retry.give_up_after.min(time));
        Self { inner: Arc::new(Inner { sender: Arc::clone(sender), tokens: Arc::clone(tokens), retry }) }
    }

    /// Begins a client for the control plane at `base_url`, such as `https://org.run.ai`.
    pub fn builder(base_url: impl Into<String>) -> ClientBuilder {
        ClientBuilder::new(base_url.into())
    }

    /// The control plane's URL, without a trailing slash.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.inner.sender.base_url
    }

    /// How persistent this client is about one call.
    #[must_use]
    pub fn retry_policy(&self) -> RetryPolicy {
        self.inner.retry
    }

    /// Gets a token, if there is none that works: whether the control plane answers and takes the credentials.
    pub async fn authenticate(&self) -> Result<(), Error> {
        let Inner { sender, tokens, retry } = &*self.inner;
        tokens.current(sender, &mut Deadline::of(*retry)).await.map(drop)
    }

    /// Conceals values in all errors, hints and logs of this client and its clones from now on. `[redacted]` replaces a
    /// value that the control plane quotes: plain, percent-encoded, or escaped for JSON or HTML.
    ///
    /// Values of fewer than 8 characters are ignored. The client conceals its credentials, its tokens and the environment
    /// of all workloads that it submits without being told.
    pub fn conceal(&self, values: impl IntoIterator<Item = SecretString>) {
        values.into_iter().for_each(|value| self.inner.sender.secrets.add_value(&value));
    }

    /// Returns text of the other side as it may be shown: scrubbed, on one line, cut.
    pub(crate) fn shown(&self, text: &str) -> String {
        cut(&self.inner.sender.secrets.scrub(text))
    }

    /// Sends any request of the API and returns the answer as it is.
    ///
    /// An idempotent request ([`ApiRequest::idempotent`]) is retried while the control plane cannot be reached or does
    /// not work, until the [`RetryPolicy`] ends. Any other one is retried only when it certainly has not taken effect.
    /// Rate limits are waited for. A token that is refused is replaced once.
    ///
    /// ```no_run
    /// use runai_client::{Client, Error};
    /// use runai_api::request::ApiRequest;
    ///
    /// # async fn example(client: &Client) -> Result<(), Error> {
    /// let request = ApiRequest::get("/api/v1/nodes/telemetry").query("telemetryType", "ALLOCATION_RATIO");
    /// let answer = client.call(&request.accept("text/csv")).await?;
    /// println!("{}: {} bytes", answer.status, answer.bytes.len());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Api`] for any status but 2xx; see the predicates of [`Error`] for the others.
    pub async fn call(&self, request: &ApiRequest) -> Result<Response, Error> {
        let answer = self.answer(request, Idempotency::of(request)).await?;
        let (parts, bytes) = answer.response.into_parts();
        Ok(Response { status: parts.status, headers: parts.headers, bytes, call: answer.call })
    }

    /// Sends `request` as [`Client::call`] does and reads the answer's body.
    ///
    /// # Errors
    /// Those of [`Client::call`], and [`Error::OddAnswer`] for a body that is not a `T`.
    pub async fn send<T: DeserializeOwned>(&self, request: &ApiRequest) -> Result<T, Error> {
        self.exchange(request, Idempotency::of(request)).await.map(|dated| dated.value)
    }

    pub(crate) async fn exchange<T: DeserializeOwned>(
        &self,
        request: &ApiRequest,
        idempotency: Idempotency,
    ) -> Result<Dated<T>, Error> {
        let answer = self.answer(request, idempotency).await?;
        Ok(Dated { value: answer.json()?, date: answer.date() })
    }

    /// Returns the answer if its status is 2xx.
    async fn answer(&self, request: &ApiRequest, idempotency: Idempotency) -> Result<Answer, Error> {
        let id = request_id();
        let span = tracing::debug_span!("request", id, method = request.method.as_str(), path = request.path);
        async {
            let Inner { sender, tokens, .. } = &*self.inner;
            let answer = self.authorized(request, &id, idempotency).await?;
            if answer.status().is_success() {
                Ok(answer)
            } else if answer.status() == StatusCode::UNAUTHORIZED {
                let reason = error_body(answer.response.body(), &sender.secrets).message;
                Err(Error::TokenRefused { call: answer.call, origin: tokens.origin(), reason })
            } else {
                Err(answer.error(&sender.secrets))
            }
        }
        .instrument(span)
        .await
    }

    async fn authorized(&self, request: &ApiRequest, id: &str, idempotency: Idempotency) -> Result<Answer, Error> {
        let Inner { sender, tokens, retry } = &*self.inner;
        let mut prepared = sender.prepare(request)?;
        if let Ok(id) = HeaderValue::from_str(id) {
            prepared.http.headers_mut().insert(REQUEST_ID, id);
        }
        if let Some(body) = sent_value(request) {
            for value in secret_values(&body) {
                sender.secrets.add_sent(value);
            }
        }
        let mut deadline = Deadline::of(*retry);
        let token = tokens.current(sender, &mut deadline).await?;
        prepared.authorize(&token);
        let answer = sender.send(&prepared, idempotency, &mut deadline).await?;
        if answer.status() != StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        let Some(token) = tokens.replace(sender, &token, &mut deadline).await else { return Ok(answer) };
        // A 401 comes before any effect, so that even a POST may be sent again, once.
        tracing::debug!("the token was refused; sending the request with another");
        prepared.authorize(&*token?);
        sender.send(&prepared, idempotency, &mut deadline).await
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("base_url", &self.base_url()).finish_non_exhaustive()
    }
}

/// An answer with a 2xx status, as it came.
#[derive(Clone)]
#[non_exhaustive]
pub struct Response {
    /// The HTTP status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body; empty when there is none.
    pub bytes: Bytes,
    call: String,
}

impl Response {
    /// Reads the body as JSON; an empty body counts as null.
    ///
    /// # Errors
    /// [`Error::OddAnswer`] when it is no `T`.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        decode(&self.bytes).map_err(|problem| self.odd(described(&problem, &self.headers, &self.bytes)))
    }

    fn odd(&self, problem: String) -> Error {
        Error::OddAnswer { call: self.call.clone(), status: self.status, problem }
    }
}

/// Shows neither headers nor body: both may hold secrets.
impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Response");
        debug.field("call", &self.call).field("status", &self.status).field("bytes", &self.bytes.len());
        debug.finish_non_exhaustive()
    }
}

/// A value and the control plane's clock at the time.
pub(crate) struct Dated<T> {
    pub(crate) value: T,
    /// The answer's `Date`, since the Unix epoch.
    pub(crate) date: Option<Duration>,
}

/// Names a call in the log, and to whoever keeps logs on the way; attempts of one call share it.
fn request_id() -> String {
    format!("{:016x}", fastrand::u64(..))
}

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The members of a body. Only what is JSON or a form is looked into for secrets.
fn sent_value(request: &ApiRequest) -> Option<Value> {
    match request.encoding {
        Encoding::Json => request.value(),
        Encoding::Form => {
            let fields = form_urlencoded::parse(request.body.as_ref()?);
            Some(fields.map(|(name, value)| (name.into_owned(), Value::String(value.into_owned()))).collect())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receipt::BoxFuture;
    use crate::transport::{self, Transport, TransportError};

    #[test]
    fn an_id_that_would_lead_elsewhere_is_refused() {
        use runai_api::wire::requests;

        let client = Client::builder("https://org.run.ai/base/").token("t").transport(Unused).build().unwrap();
        let prepare = |request: &ApiRequest| client.inner.sender.prepare(request);
        for id in ["", ".", ".."] {
            assert!(matches!(prepare(&requests::workload(id)), Err(Error::Path(_))), "{id:?}");
            assert!(matches!(prepare(&requests::suspend_training(id)), Err(Error::Path(_))), "{id:?}");
        }
        for path in ["", "api/v1/x", "/api//x", "/api/v1/x?y=z", "/api/v1/x#y", r"/api/v1/..\x"] {
            assert!(matches!(prepare(&ApiRequest::get(path)), Err(Error::Path(_))), "{path:?}");
        }
        let prepared = prepare(&requests::workload("../x?y#z")).ok().unwrap();
        assert_eq!(prepared.http.uri(), "https://org.run.ai/base/api/v1/workloads/..%2Fx%3Fy%23z");
        let spaced = ApiRequest::get("/api/v1/x y|[ü]").query("a b", "c&d");
        assert_eq!(
            prepare(&spaced).ok().unwrap().http.uri(),
            "https://org.run.ai/base/api/v1/x%20y|[%C3%BC]?a%20b=c%26d"
        );
    }

    struct Unused;

    impl Transport for Unused {
        fn send<'a>(
            &'a self,
            request: &'a transport::Request,
            _: Duration,
        ) -> BoxFuture<'a, Result<transport::Response, TransportError>> {
            panic!("nothing is sent to {}", request.uri());
        }
    }
}
