//! One call with its attempts: time limits, retries, rate limits.

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
use crate::error::{ApiError, Error, cut, error_body, is_api_error, one_line};
use crate::rate_limit::RateLimit;
use crate::retry::{Deadline, Idempotency, RetryBudget};
use crate::secrets::Secrets;
use crate::time;
use crate::transport::{Failure, Request, Response, Transport, TransportError};

/// The parts that all calls of a client share.
pub(crate) struct Sender {
    pub(crate) transport: Arc<dyn Transport>,
    /// The control plane, without a trailing slash.
    pub(crate) base_url: String,
    pub(crate) user_agent: HeaderValue,
    pub(crate) request_timeout: Duration,
    pub(crate) retry_budget: RetryBudget,
    pub(crate) rate_limit: RateLimit,
    pub(crate) secrets: Secrets,
}

/// A request, ready for every attempt.
pub(crate) struct PreparedRequest {
    /// Method and path, as errors show them.
    pub(crate) call: String,
    /// The request of the transport; all attempts share it.
    pub(crate) http: Request,
}

impl PreparedRequest {
    /// Sets the token of the next attempts.
    pub(crate) fn authorize(&mut self, token: &Token) {
        self.http.headers_mut().insert(AUTHORIZATION, token.header.clone());
    }
}

impl Sender {
    /// Builds the HTTP request of `request`, still without a token.
    ///
    /// # Errors
    /// The path would lead elsewhere, or `Accept` is no header value.
    pub(crate) fn prepare(&self, request: &ApiRequest) -> Result<PreparedRequest, Error> {
        let uri = self.uri(request).ok_or_else(|| Error::Path(request.path.clone()))?;
        let accept = request.accept.as_deref().unwrap_or("application/json");
        let accept = HeaderValue::from_str(accept).map_err(|_| Error::Accept(accept.escape_debug().to_string()))?;
        let mut http = Request::new(request.body.clone().unwrap_or_default());
        // Every method of the API is one of HTTP.
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

    /// The whole URL of a request; `None` if its path would lead elsewhere.
    fn uri(&self, request: &ApiRequest) -> Option<Uri> {
        let mut segments = request.path.split('/');
        // An id that is empty, consists of dots or contains a query would name another resource.
        let leads_elsewhere = |segment: &str| matches!(segment, "" | "." | "..") || segment.contains(['?', '#', '\\']);
        let is_absolute = segments.next() == Some("") && request.path.len() > 1;
        if !is_absolute || segments.any(leads_elsewhere) {
            return None;
        }
        // Encodes what a path may not contain as it is.
        let url = Url::parse(&format!("{}{}", self.base_url, request.target())).ok()?;
        Uri::try_from(url.as_str()).ok()
    }

    /// Sends `request` until an answer is final or `deadline` has passed.
    ///
    /// Retries a request that may have taken effect only if `idempotency` allows it. A 429 means that nothing was done.
    pub(crate) async fn send(
        &self,
        request: &PreparedRequest,
        idempotency: Idempotency,
        deadline: &mut Deadline,
    ) -> Result<Answer, Error> {
        let call = || request.call.clone();
        let mut not_before = None;
        loop {
            let ticket = match self.rate_limit.wait(deadline, not_before.take()).await {
                Ok(ticket) => ticket,
                Err(refusal) => return Ok(Answer { call: call(), response: *refusal }),
            };
            let begun = Instant::now();
            let result = self.attempt(&request.http, deadline.attempt_timeout(self.request_timeout)).await;
            let (may_retry, retry_after) = match &result {
                Ok(response) => {
                    tracing::debug!(status = response.status().as_u16(), elapsed = ?begun.elapsed(), "answered");
                    let retry_after = time::retry_after(response.headers());
                    if response.status() == StatusCode::TOO_MANY_REQUESTS {
                        let hold = retry_after.unwrap_or_else(|| deadline.rate_limit_backoff());
                        self.rate_limit.refused(ticket, hold, response);
                        deadline.spend_on_rate_limit(begun.elapsed());
                        let patience = deadline.rate_limit_left();
                        if !patience.is_zero() && hold <= patience {
                            tracing::debug!(?hold, "held back by a rate limit");
                            not_before = Some(Instant::now() + hold);
                            continue;
                        }
                    } else {
                        self.rate_limit.passed(ticket);
                    }
                    let may_retry = idempotency == Idempotency::Freely
                        && matches!(
                            response.status(),
                            StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT
                        );
                    (may_retry, retry_after)
                }
                Err(error) => {
                    tracing::debug!(error = one_line(error), elapsed = ?begun.elapsed(), "no answer");
                    let may_help = !matches!(error.failure(), Failure::Tls | Failure::BodyTooLong);
                    (may_help && (idempotency == Idempotency::Freely || !error.may_have_been_sent()), None)
                }
            };
            if may_retry
                && let Some(pause) = deadline.pause(retry_after)
                && self.retry_budget.take()
            {
                tracing::debug!(?pause, "trying again");
                sleep(pause).await;
                continue;
            }
            return match result {
                Ok(response) => Ok(Answer { call: call(), response }),
                Err(source) => Err(Error::NoAnswer { call: call(), source }),
            };
        }
    }

    async fn attempt(&self, request: &Request, limit: Duration) -> Result<Response, TransportError> {
        // The deadline must hold even with a transport that hangs.
        let late = |_| Err(TransportError::maybe_sent(Failure::Timeout, format!("no answer within {limit:.0?}")));
        let result = timeout(limit, self.transport.send(request, limit)).await.unwrap_or_else(late);
        result.map_err(|error| error.scrubbed(&self.secrets))
    }
}

/// An answer and the call that it belongs to.
pub(crate) struct Answer {
    pub(crate) call: String,
    pub(crate) response: Response,
}

impl Answer {
    pub(crate) fn status(&self) -> StatusCode {
        self.response.status()
    }

    /// The answer's `Date`, since the Unix epoch.
    pub(crate) fn date(&self) -> Option<Duration> {
        time::date(self.response.headers())
    }

    /// Decodes the body as a `T`, or describes what is odd about it.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        let (headers, body) = (self.response.headers(), self.response.body());
        decode(body).map_err(|problem| self.odd(described(&problem, headers, body)))
    }

    /// Makes an error of an answer whose status is not 2xx.
    pub(crate) fn error(&self, secrets: &Secrets) -> Error {
        let (headers, body) = (self.response.headers(), self.response.body());
        let ErrorBody { message, details, compliance_issues, .. } = error_body(body, secrets);
        let location =
            headers.get(LOCATION).map(|location| cut(&secrets.scrub(&String::from_utf8_lossy(location.as_bytes()))));
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

    pub(crate) fn odd(&self, problem: impl Into<String>) -> Error {
        Error::OddAnswer { call: self.call.clone(), status: self.status(), problem: problem.into() }
    }
}

/// Decodes `body` as a `T`, or describes what is odd about it without quoting it: it may contain other users' secrets.
///
/// An empty body counts as null: some versions accept a request with an empty answer.
pub(crate) fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    let body = if body.trim_ascii().is_empty() { b"null" } else { body };
    serde_json::from_slice(body).map_err(|error| {
        let text = error.to_string();
        match error.classify() {
            Category::Data if text.starts_with(NO_LIST) => {
                // A message of this crate, up to the position that the parser adds.
                format!("is not what the API describes: {}", text.split(" at line ").next().unwrap_or_default())
            }
            Category::Data => {
                format!("is not what the API describes, at line {} column {} of its body", error.line(), error.column())
            }
            Category::Eof | Category::Io | Category::Syntax => "is not JSON".to_owned(),
        }
    })
}

/// Adds the media type and the length of the body to a problem.
pub(crate) fn described(problem: &str, headers: &HeaderMap, body: &[u8]) -> String {
    let kind = media_type(headers).map_or_else(String::new, |kind| format!("{kind}, "));
    format!("{problem} ({kind}{} bytes)", body.len())
}

/// Begin of the message for a page without its list.
pub(crate) const NO_LIST: &str = "it has no list `";

/// The media type of an answer, if it looks like one.
fn media_type(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let kind = text.split(';').next()?.trim();
    let is_plain = kind.len() <= 60 && kind.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/+.-".contains(&byte));
    (is_plain && kind.contains('/')).then_some(kind)
}
