//! Sends a call: attempts, timeouts, retries and rate limits.

use std::sync::Arc;
use std::time::Duration;

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, LOCATION, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use runai_api::request::ApiRequest;
use runai_api::wire::ErrorBody;
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use tokio::time::{Instant, sleep, timeout};
use url::Url;

use crate::auth::Token;
use crate::error::{ApiError, Error, error_body, is_api_error, one_line, truncate};
use crate::rate_limit::RateLimit;
use crate::retry::{Deadline, Idempotency, RetryBudget};
use crate::secrets::Secrets;
use crate::time;
use crate::transport::{Request, Response, Transport, TransportError, TransportErrorKind};

/// The state that all calls of a client share.
pub(crate) struct Sender {
    pub(crate) transport: Arc<dyn Transport>,
    /// The control plane's URL, without a trailing slash.
    pub(crate) base_url: String,
    pub(crate) user_agent: HeaderValue,
    pub(crate) request_timeout: Duration,
    pub(crate) retry_budget: RetryBudget,
    pub(crate) rate_limit: RateLimit,
    pub(crate) secrets: Secrets,
}

/// A request that can be sent several times.
pub(crate) struct PreparedRequest {
    /// Method and path, for errors.
    pub(crate) call: String,
    /// The HTTP request of all attempts.
    pub(crate) http: Request,
}

impl PreparedRequest {
    /// Sets the token.
    pub(crate) fn authorize(&mut self, token: &Token) {
        self.http.headers_mut().insert(AUTHORIZATION, token.header.clone());
    }
}

impl Sender {
    /// Builds the HTTP request of `request`, without a token.
    ///
    /// # Errors
    /// An invalid path or `Accept` value.
    pub(crate) fn prepare(&self, request: &ApiRequest) -> Result<PreparedRequest, Error> {
        let uri = self.uri(request).ok_or_else(|| Error::Path(request.path.clone()))?;
        let accept = request.accept.as_deref().unwrap_or("application/json");
        let accept = HeaderValue::from_str(accept).map_err(|_| Error::Accept(accept.escape_debug().to_string()))?;
        let mut http = Request::new(request.body.clone().unwrap_or_default());
        // Every method of the API is valid.
        *http.method_mut() = Method::from_bytes(request.method.as_str().as_bytes()).unwrap_or_default();
        *http.uri_mut() = uri;
        let headers = http.headers_mut();
        headers.insert(ACCEPT, accept);
        if request.body.is_some() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(request.encoding.content_type()));
        }
        headers.insert(USER_AGENT, self.user_agent.clone());
        Ok(PreparedRequest { call: format!("{} {}", request.method, request.path), http })
    }

    /// Returns the absolute URL of a request; `None` if its path is invalid.
    fn uri(&self, request: &ApiRequest) -> Option<Uri> {
        let mut segments = request.path.split('/');
        // An id that is empty, `.` or `..`, or contains a query would change the path.
        let is_invalid = |segment: &str| matches!(segment, "" | "." | "..") || segment.contains(['?', '#', '\\']);
        let is_absolute = segments.next() == Some("") && request.path.len() > 1;
        if !is_absolute || segments.any(is_invalid) {
            return None;
        }
        // Percent-encodes characters that are invalid in a path.
        let url = Url::parse(&format!("{}{}", self.base_url, request.target())).ok()?;
        Uri::try_from(url.as_str()).ok()
    }

    /// Sends `request` until a reply is final or `deadline` has passed.
    ///
    /// Retries a request that may have taken effect only if `idempotency` allows it. After a 429 it had no effect.
    pub(crate) async fn send(
        &self,
        request: &PreparedRequest,
        idempotency: Idempotency,
        deadline: &mut Deadline,
    ) -> Result<Reply, Error> {
        let call = || request.call.clone();
        let mut not_before = None;
        loop {
            let ticket = match self.rate_limit.wait(deadline, not_before.take()).await {
                Ok(ticket) => ticket,
                Err(refusal) => return Ok(Reply { call: call(), response: *refusal }),
            };
            let begun = Instant::now();
            let result = self.attempt(&request.http, deadline.attempt_timeout(self.request_timeout)).await;
            let (may_retry, retry_after) = match &result {
                Ok(response) => {
                    tracing::debug!(status = response.status().as_u16(), elapsed = ?begun.elapsed(), "received a response");
                    let retry_after = time::retry_after(response.headers());
                    if response.status() == StatusCode::TOO_MANY_REQUESTS {
                        let hold = retry_after.unwrap_or_else(|| deadline.rate_limit_backoff());
                        self.rate_limit.refused(ticket, hold, response);
                        deadline.spend_on_rate_limit(begun.elapsed());
                        let left = deadline.rate_limit_left();
                        if !left.is_zero() && hold <= left {
                            tracing::debug!(?hold, "waiting for a rate limit");
                            not_before = Some(Instant::now() + hold);
                            continue;
                        }
                    } else {
                        self.rate_limit.succeeded(ticket);
                    }
                    let may_retry = idempotency == Idempotency::Idempotent
                        && matches!(
                            response.status(),
                            StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT
                        );
                    (may_retry, retry_after)
                }
                Err(error) => {
                    tracing::debug!(error = one_line(error), elapsed = ?begun.elapsed(), "no response");
                    let is_retryable =
                        !matches!(error.kind(), TransportErrorKind::Tls | TransportErrorKind::BodyTooLong);
                    (is_retryable && (idempotency == Idempotency::Idempotent || !error.may_have_been_sent()), None)
                }
            };
            if may_retry
                && let Some(pause) = deadline.pause(retry_after)
                && self.retry_budget.take()
            {
                tracing::debug!(?pause, "retrying");
                sleep(pause).await;
                continue;
            }
            return match result {
                Ok(response) => Ok(Reply { call: call(), response }),
                Err(source) => Err(Error::Transport { call: call(), source }),
            };
        }
    }

    async fn attempt(&self, request: &Request, limit: Duration) -> Result<Response, TransportError> {
        // Enforces the deadline even with a transport that hangs.
        let late =
            |_| Err(TransportError::maybe_sent(TransportErrorKind::Timeout, format!("no response within {limit:.0?}")));
        let result = timeout(limit, self.transport.send(request, limit)).await.unwrap_or_else(late);
        result.map_err(|error| error.scrubbed(&self.secrets))
    }
}

/// The response to a call.
pub(crate) struct Reply {
    pub(crate) call: String,
    pub(crate) response: Response,
}

impl Reply {
    pub(crate) fn status(&self) -> StatusCode {
        self.response.status()
    }

    /// Returns the response's `Date`, since the Unix epoch.
    pub(crate) fn date(&self) -> Option<Duration> {
        time::date(self.response.headers())
    }

    /// Deserializes the body as a `T`.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        let (headers, body) = (self.response.headers(), self.response.body());
        decode(body).map_err(|problem| self.unexpected(with_body_info(&problem, headers, body)))
    }

    /// Returns the error of a response whose status is not 2xx.
    pub(crate) fn error(&self, secrets: &Secrets) -> Error {
        let (headers, body) = (self.response.headers(), self.response.body());
        let ErrorBody { message, details, compliance_issues, .. } = error_body(body, secrets);
        let location = headers
            .get(LOCATION)
            .map(|location| truncate(&secrets.scrub(&String::from_utf8_lossy(location.as_bytes()))));
        Error::Api(Box::new(ApiError {
            call: self.call.clone(),
            status: self.status(),
            message,
            details,
            issues: compliance_issues,
            retry_after: time::retry_after(headers),
            location,
            from_api: is_api_error(body),
        }))
    }

    pub(crate) fn unexpected(&self, problem: impl Into<String>) -> Error {
        Error::UnexpectedResponse { call: self.call.clone(), status: self.status(), problem: problem.into() }
    }
}

/// Deserializes `body` as a `T`. The error does not quote the body, which may contain other users' secrets.
///
/// An empty body counts as null, because some versions accept a request with an empty response.
pub(crate) fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    let body = if body.trim_ascii().is_empty() { b"null" } else { body };
    serde_json::from_slice(body).map_err(|error| {
        let text = error.to_string();
        match error.classify() {
            Category::Data if text.starts_with(NO_LIST) => {
                // This crate's message, without the position that the parser appends.
                format!("does not match the API: {}", text.split(" at line ").next().unwrap_or_default())
            }
            Category::Data => {
                format!("does not match the API at line {}, column {} of its body", error.line(), error.column())
            }
            Category::Eof | Category::Io | Category::Syntax => "is not JSON".to_owned(),
        }
    })
}

/// Appends the media type and the length of the body to a problem.
pub(crate) fn with_body_info(problem: &str, headers: &HeaderMap, body: &[u8]) -> String {
    let kind = media_type(headers).map_or_else(String::new, |kind| format!("{kind}, "));
    format!("{problem} ({kind}{} bytes)", body.len())
}

/// Prefix of the message for a page without its list.
pub(crate) const NO_LIST: &str = "missing list `";

/// Returns the media type of a response, if valid.
fn media_type(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let kind = text.split(';').next()?.trim();
    let is_plain = kind.len() <= 60 && kind.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/+.-".contains(&byte));
    (is_plain && kind.contains('/')).then_some(kind)
}
