//! The client: sends requests with a token, and retries them.

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
use crate::error::{Error, error_body, truncate};
use crate::retry::{Deadline, Idempotency, RetryPolicy};
use crate::sender::{Reply, Sender, decode, with_body_info};

/// A client of one control plane.
///
/// Cheap to clone; clones share connections, the token and rate limits. Dropping its futures is safe.
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

    /// Returns a client whose calls retry for at most `time`.
    pub(crate) fn retrying_for(&self, time: Duration) -> Self {
        let Inner { sender, tokens, retry } = &*self.inner;
        let retry = retry.give_up_after(retry.give_up_after.min(time));
        Self { inner: Arc::new(Inner { sender: Arc::clone(sender), tokens: Arc::clone(tokens), retry }) }
    }

    /// Returns a builder for the control plane at `base_url`, such as `https://org.run.ai`.
    pub fn builder(base_url: impl Into<String>) -> ClientBuilder {
        ClientBuilder::new(base_url.into())
    }

    /// Returns the control plane's URL, without a trailing slash.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.inner.sender.base_url
    }

    /// Returns the retry policy of a call.
    #[must_use]
    pub fn retry_policy(&self) -> RetryPolicy {
        self.inner.retry
    }

    /// Gets a token unless there is a valid one. Checks that the control plane responds and accepts the credentials.
    pub async fn authenticate(&self) -> Result<(), Error> {
        let Inner { sender, tokens, retry } = &*self.inner;
        tokens.current(sender, &mut Deadline::of(*retry)).await.map(drop)
    }

    /// Replaces `values` by `[redacted]` in all errors, hints and logs of this client and its clones, also where they
    /// are percent-encoded or escaped for JSON or HTML.
    ///
    /// Values of fewer than 8 characters are ignored. The client always redacts its credentials, its tokens and the
    /// environment of the workloads that it submits.
    pub fn redact(&self, values: impl IntoIterator<Item = SecretString>) {
        values.into_iter().for_each(|value| self.inner.sender.secrets.add_value(&value));
    }

    /// Returns a server's text redacted, on one line and truncated.
    pub(crate) fn sanitized(&self, text: &str) -> String {
        truncate(&self.inner.sender.secrets.scrub(text))
    }

    /// Sends any request of the API and returns the raw response.
    ///
    /// An idempotent request ([`ApiRequest::idempotent`]) is retried while the control plane is unreachable or reports
    /// an internal error, as the [`RetryPolicy`] allows. Any other request is retried only if it certainly had no
    /// effect. The client waits for rate limits, and replaces a refused token once.
    ///
    /// ```no_run
    /// use runai_client::{Client, Error};
    /// use runai_api::request::ApiRequest;
    ///
    /// # async fn example(client: &Client) -> Result<(), Error> {
    /// let request = ApiRequest::get("/api/v1/nodes/telemetry").query("telemetryType", "ALLOCATION_RATIO");
    /// let response = client.call(&request.accept("text/csv")).await?;
    /// println!("{}: {} bytes", response.status, response.bytes.len());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Api`] for any status except 2xx; see [`Error::kind`] for the others.
    pub async fn call(&self, request: &ApiRequest) -> Result<Response, Error> {
        let reply = self.reply(request, Idempotency::of(request)).await?;
        let (parts, bytes) = reply.response.into_parts();
        Ok(Response { status: parts.status, headers: parts.headers, bytes, call: reply.call })
    }

    /// Sends `request` like [`Client::call`] and deserializes the response.
    ///
    /// # Errors
    /// Those of [`Client::call`], and [`Error::UnexpectedResponse`] if the body does not deserialize as a `T`.
    pub async fn send<T: DeserializeOwned>(&self, request: &ApiRequest) -> Result<T, Error> {
        self.exchange(request, Idempotency::of(request)).await.map(|dated| dated.value)
    }

    pub(crate) async fn exchange<T: DeserializeOwned>(
        &self,
        request: &ApiRequest,
        idempotency: Idempotency,
    ) -> Result<Dated<T>, Error> {
        let reply = self.reply(request, idempotency).await?;
        Ok(Dated { value: reply.json()?, date: reply.date() })
    }

    /// Returns the reply if its status is 2xx.
    async fn reply(&self, request: &ApiRequest, idempotency: Idempotency) -> Result<Reply, Error> {
        let id = request_id();
        let span = tracing::debug_span!("request", id, method = request.method.as_str(), path = request.path);
        async {
            let Inner { sender, tokens, .. } = &*self.inner;
            let reply = self.send_authorized(request, &id, idempotency).await?;
            if reply.status().is_success() {
                Ok(reply)
            } else if reply.status() == StatusCode::UNAUTHORIZED {
                let reason = error_body(reply.response.body(), &sender.secrets).message;
                Err(Error::TokenRefused { call: reply.call, origin: tokens.origin(), reason })
            } else {
                Err(reply.error(&sender.secrets))
            }
        }
        .instrument(span)
        .await
    }

    async fn send_authorized(&self, request: &ApiRequest, id: &str, idempotency: Idempotency) -> Result<Reply, Error> {
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
        let reply = sender.send(&prepared, idempotency, &mut deadline).await?;
        if reply.status() != StatusCode::UNAUTHORIZED {
            return Ok(reply);
        }
        let Some(token) = tokens.replace(sender, &token, &mut deadline).await else { return Ok(reply) };
        // A request with a 401 had no effect, so even a POST may be resent, once.
        tracing::debug!("the token was refused; resending the request with a new one");
        prepared.authorize(&*token?);
        sender.send(&prepared, idempotency, &mut deadline).await
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("base_url", &self.base_url()).finish_non_exhaustive()
    }
}

/// A raw response with a 2xx status.
#[derive(Clone)]
#[non_exhaustive]
pub struct Response {
    /// The HTTP status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body; empty if there is none.
    pub bytes: Bytes,
    call: String,
}

impl Response {
    /// Deserializes the body as JSON; an empty body counts as null.
    ///
    /// # Errors
    /// [`Error::UnexpectedResponse`] if the body does not deserialize as a `T`.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        decode(&self.bytes).map_err(|problem| self.unexpected(with_body_info(&problem, &self.headers, &self.bytes)))
    }

    fn unexpected(&self, problem: String) -> Error {
        Error::UnexpectedResponse { call: self.call.clone(), status: self.status, problem }
    }
}

/// Omits headers and body: both may contain secrets.
impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Response");
        debug.field("call", &self.call).field("status", &self.status).field("bytes", &self.bytes.len());
        debug.finish_non_exhaustive()
    }
}

/// A value and the control plane's time.
pub(crate) struct Dated<T> {
    pub(crate) value: T,
    /// The response's `Date`, since the Unix epoch.
    pub(crate) date: Option<Duration>,
}

/// Returns a random id for the `X-Request-Id` header and the log. All attempts of a call share it.
fn request_id() -> String {
    format!("{:016x}", fastrand::u64(..))
}

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Returns the members of a JSON or form body, to find its secrets.
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
    fn rejects_invalid_paths() {
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
            panic!("unexpected request to {}", request.uri());
        }
    }
}
