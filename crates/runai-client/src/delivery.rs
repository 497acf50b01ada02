//! One call with its attempts, without knowing what it means or who asks.

use std::sync::Arc;
use std::time::Duration;

use http::header::USER_AGENT;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use runai_spec::wire::ErrorBody;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep, timeout};
use url::Url;

use crate::error::{ApiError, Error, cut, error_body};
use crate::retry::{Budget, Quota, Repeat};
use crate::time;
use crate::transport::{Failure, Request, Response, Transport, TransportError};

/// What every call of a client shares.
pub(crate) struct Delivery {
    pub(crate) transport: Arc<dyn Transport>,
    /// The control plane, without a trailing slash.
    pub(crate) base_url: String,
    pub(crate) user_agent: HeaderValue,
    pub(crate) request_timeout: Duration,
    pub(crate) quota: Quota,
}

/// A request as it is sent, as often as it takes.
pub(crate) struct Parcel {
    pub(crate) method: Method,
    pub(crate) path: String,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Delivery {
    /// Sends `parcel` until there is an answer worth having, or `budget` is used up.
    ///
    /// Never sends again what may have taken effect, unless `repeat` allows it. A 429 says that nothing was done.
    pub(crate) async fn send(&self, parcel: &Parcel, repeat: Repeat, budget: &mut Budget) -> Result<Answer, Error> {
        let call = format!("{} {}", parcel.method, parcel.path);
        let url = format!("{}{}", self.base_url, parcel.target);
        let url = Url::parse(&url).map_err(|_| Error::Path(parcel.path.clone()))?;
        loop {
            let begun = Instant::now();
            let result = self.attempt(parcel, &url, budget.attempt_timeout(self.request_timeout)).await;
            let (may_repeat, retry_after) = match &result {
                Ok(response) => {
                    tracing::debug!(status = response.status.as_u16(), elapsed = ?begun.elapsed(), "answered");
                    let repeatable = match response.status {
                        StatusCode::TOO_MANY_REQUESTS => true,
                        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
                            repeat == Repeat::Freely
                        }
                        _ => false,
                    };
                    (repeatable, time::retry_after(&response.headers))
                }
                Err(error) => {
                    tracing::debug!(%error, elapsed = ?begun.elapsed(), "no answer");
                    let may_help = !matches!(error.failure(), Failure::Tls | Failure::BodyTooLong);
                    (may_help && (repeat == Repeat::Freely || !error.may_have_been_sent()), None)
                }
            };
            if may_repeat
                && let Some(pause) = budget.pause(retry_after)
                && self.quota.take()
            {
                tracing::debug!(?pause, "trying again");
                sleep(pause).await;
                continue;
            }
            return match result {
                Ok(response) => Ok(Answer { call, response }),
                Err(source) => Err(Error::NoAnswer { call, source }),
            };
        }
    }

    async fn attempt(&self, parcel: &Parcel, url: &Url, limit: Duration) -> Result<Response, TransportError> {
        let Parcel { method, headers, body, .. } = parcel;
        let mut headers = headers.clone();
        headers.insert(USER_AGENT, self.user_agent.clone());
        let request = Request { method: method.clone(), url: url.clone(), headers, body: body.clone(), timeout: limit };
        // The deadline must hold even with a transport that hangs.
        let late = |_| Err(TransportError::maybe_sent(Failure::Timeout, format!("no answer within {limit:.0?}")));
        timeout(limit, self.transport.send(request)).await.unwrap_or_else(late)
    }
}

/// An answer, and what it answers.
pub(crate) struct Answer {
    pub(crate) call: String,
    pub(crate) response: Response,
}

impl Answer {
    pub(crate) fn status(&self) -> StatusCode {
        self.response.status
    }

    /// The answer's `Date`, since the Unix epoch.
    pub(crate) fn date(&self) -> Option<Duration> {
        time::date(&self.response.headers)
    }

    /// The body as a `T`, or what is odd about it. An empty body counts as null: some versions accept a request
    /// without a word.
    pub(crate) fn json<T: DeserializeOwned>(&self, scrub: impl Fn(&str) -> String) -> Result<T, Error> {
        let body = if self.response.body.trim_ascii().is_empty() { b"null" } else { self.response.body.as_slice() };
        serde_json::from_slice(body).map_err(|error| {
            let text = cut(&scrub(&String::from_utf8_lossy(&self.response.body)));
            // The parser's words may quote a string of the body.
            self.odd(format!("is not what the API describes: {}", cut(&scrub(&error.to_string()))), text)
        })
    }

    /// The error that this answer is, its status being one.
    pub(crate) fn error(&self, scrub: impl Fn(&str) -> String) -> Error {
        let Response { status, headers, body } = &self.response;
        let ErrorBody { message, details, compliance_issues, .. } = error_body(body, &scrub);
        let location = headers
            .get(http::header::LOCATION)
            .map(|location| cut(&scrub(&String::from_utf8_lossy(location.as_bytes()))));
        Error::Api(Box::new(ApiError {
            call: self.call.clone(),
            status: *status,
            message,
            details,
            issues: compliance_issues,
            retry_after: time::retry_after(headers),
            location,
        }))
    }

    pub(crate) fn odd(&self, problem: impl Into<String>, text: String) -> Error {
        Error::OddAnswer { call: self.call.clone(), status: self.response.status, problem: problem.into(), text }
    }
}
