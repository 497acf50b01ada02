//! The client: a base URL, credentials, and the rules by which requests are sent.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use runai_spec::request::{ApiRequest, Method as ApiMethod};
use serde::de::DeserializeOwned;
use tracing::Instrument;

use crate::auth::{Token, Tokens};
use crate::builder::ClientBuilder;
use crate::delivery::{Answer, Delivery, Parcel};
use crate::error::{Error, error_body};
use crate::retry::{Budget, Repeat, RetryPolicy};

/// A client of one control plane, with one service account.
///
/// Cheap to clone; clones share connections and the token. All its futures can be dropped at any moment: nothing is
/// left half done on this side.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    delivery: Delivery,
    tokens: Tokens,
    retry: RetryPolicy,
}

impl Client {
    pub(crate) fn of(delivery: Delivery, tokens: Tokens, retry: RetryPolicy) -> Self {
        Self { inner: Arc::new(Inner { delivery, tokens, retry }) }
    }

    /// Begins a client for the control plane at `base_url`, such as `https://org.run.ai`.
    pub fn builder(base_url: impl Into<String>) -> ClientBuilder {
        ClientBuilder::new(base_url.into())
    }

    /// The control plane's URL, without a trailing slash.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.inner.delivery.base_url
    }

    /// How persistent this client is about one call.
    #[must_use]
    pub fn retry_policy(&self) -> RetryPolicy {
        self.inner.retry
    }

    /// Gets a token, if there is none that is valid for a while: whether the control plane answers and takes the
    /// credentials.
    pub async fn authenticate(&self) -> Result<(), Error> {
        let Inner { delivery, tokens, retry } = &*self.inner;
        tokens.current(delivery, &mut Budget::of(*retry)).await.map(drop)
    }

    /// Sends `request` and reads the answer's body.
    ///
    /// A `GET` or `DELETE` is tried again while the control plane cannot be reached or does not work, until the
    /// [`RetryPolicy`] ends. A `POST` is tried again only when it certainly has not taken effect. A token that is
    /// refused is replaced once.
    ///
    /// # Errors
    /// Whatever keeps the answer from being a `T`; see the predicates of [`Error`].
    pub async fn send<T: DeserializeOwned>(&self, request: &ApiRequest) -> Result<T, Error> {
        let repeat = match request.method {
            ApiMethod::Delete | ApiMethod::Get => Repeat::Freely,
            ApiMethod::Post => Repeat::OnlyIfUnsent,
        };
        self.exchange(request, repeat).await.map(|dated| dated.value)
    }

    /// As [`Client::send`], for a `POST` that may be repeated because its second time changes nothing more.
    pub(crate) async fn send_repeatable<T: DeserializeOwned>(&self, request: &ApiRequest) -> Result<T, Error> {
        self.exchange(request, Repeat::Freely).await.map(|dated| dated.value)
    }

    pub(crate) async fn exchange<T: DeserializeOwned>(
        &self,
        request: &ApiRequest,
        repeat: Repeat,
    ) -> Result<Dated<T>, Error> {
        let id = request_id();
        let span = tracing::debug_span!("request", id, method = request.method.as_str(), path = request.path);
        async {
            let (answer, token) = self.authorized(request, &id, repeat).await?;
            let scrub = |text: &str| self.inner.tokens.credentials().scrub(text, Some(&token));
            if answer.status().is_success() {
                Ok(Dated { value: answer.json(scrub)?, date: answer.date() })
            } else if answer.status() == StatusCode::UNAUTHORIZED {
                let reason = error_body(&answer.response.body, scrub).message;
                Err(Error::TokenRefused { call: answer.call, reason })
            } else {
                Err(answer.error(scrub))
            }
        }
        .instrument(span)
        .await
    }

    async fn authorized(&self, request: &ApiRequest, id: &str, repeat: Repeat) -> Result<(Answer, Arc<Token>), Error> {
        let Inner { delivery, tokens, retry } = &*self.inner;
        let mut parcel = parcel(request)?;
        if let Ok(id) = HeaderValue::from_str(id) {
            parcel.headers.insert(REQUEST_ID, id);
        }
        let mut budget = Budget::of(*retry);
        let mut token = tokens.current(delivery, &mut budget).await?;
        parcel.headers.insert(AUTHORIZATION, token.header.clone());
        let mut answer = delivery.send(&parcel, repeat, &mut budget).await?;
        if answer.status() == StatusCode::UNAUTHORIZED {
            // Refused before anything was done, so that even a POST may be sent again, once.
            tracing::debug!("the token was refused; getting another");
            token = tokens.renew(delivery, &token, &mut budget).await?;
            parcel.headers.insert(AUTHORIZATION, token.header.clone());
            answer = delivery.send(&parcel, repeat, &mut budget).await?;
        }
        Ok((answer, token))
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("base_url", &self.base_url()).finish_non_exhaustive()
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

fn parcel(request: &ApiRequest) -> Result<Parcel, Error> {
    let mut segments = request.path.split('/');
    // An id that is empty or consists of dots would name another resource.
    if segments.next() != Some("") || segments.any(|segment| matches!(segment, "" | "." | "..")) {
        return Err(Error::Path(request.path.clone()));
    }
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    let body = match &request.body {
        Some(body) => {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            body.to_string().into_bytes()
        }
        None => Vec::new(),
    };
    let method = match request.method {
        ApiMethod::Delete => Method::DELETE,
        ApiMethod::Get => Method::GET,
        ApiMethod::Post => Method::POST,
    };
    Ok(Parcel { method, path: request.path.clone(), target: request.target(), headers, body })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_would_lead_elsewhere_is_refused() {
        use runai_spec::wire::requests;
        for id in ["", ".", ".."] {
            assert!(matches!(parcel(&requests::workload(id)), Err(Error::Path(_))), "{id:?}");
            assert!(matches!(parcel(&requests::suspend_training(id)), Err(Error::Path(_))), "{id:?}");
        }
        assert_eq!(parcel(&requests::workload("../x?y#z")).ok().unwrap().path, "/api/v1/workloads/..%2Fx%3Fy%23z");
    }
}
