//! The client: a base URL, credentials, and the rules by which requests are sent.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use runai_spec::request::{ApiRequest, Method as ApiMethod};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use tracing::Instrument;
use url::Url;

use crate::auth::{Credentials, Token, Tokens};
use crate::delivery::{Answer, Delivery, Parcel};
use crate::error::{Error, PLAIN_HTTP, error_body};
use crate::retry::{Budget, Repeat, RetryPolicy};
use crate::transport::{HttpTransport, Transport, is_loopback};

/// How long one request may take when the builder says nothing else.
pub const DEFAULT_REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection may take to come about when the builder says nothing else.
pub const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

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
    /// Begins a client for the control plane at `base_url`, such as `https://org.run.ai`.
    pub fn builder(base_url: impl Into<String>) -> ClientBuilder {
        ClientBuilder {
            base_url: base_url.into(),
            credentials: None,
            allow_http: false,
            request_timeout: DEFAULT_REQUEST_TIMEOUT,
            connect_timeout: DEFAULT_CONNECT_TIMEOUT,
            retry: RetryPolicy::default(),
            user_agent: None,
            transport: None,
        }
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
        let span = tracing::debug_span!("request", method = request.method.as_str(), path = request.path);
        async {
            let (answer, token) = self.authorized(request, repeat).await?;
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

    async fn authorized(&self, request: &ApiRequest, repeat: Repeat) -> Result<(Answer, Arc<Token>), Error> {
        let Inner { delivery, tokens, retry } = &*self.inner;
        let mut parcel = parcel(request)?;
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

/// What a [`Client`] is made of; see [`Client::builder`].
pub struct ClientBuilder {
    base_url: String,
    credentials: Option<Credentials>,
    allow_http: bool,
    request_timeout: Duration,
    connect_timeout: Duration,
    retry: RetryPolicy,
    user_agent: Option<String>,
    transport: Option<Arc<dyn Transport>>,
}

impl ClientBuilder {
    /// The client credentials of a service account. Required.
    #[must_use]
    pub fn credentials(mut self, client_id: impl Into<String>, client_secret: impl Into<SecretString>) -> Self {
        let client_id = SecretString::from(client_id.into());
        self.credentials = Some(Credentials { client_id, client_secret: client_secret.into() });
        self
    }

    /// Whether plain `http` is allowed to other machines too; to this machine it always is. False when not given.
    #[must_use]
    pub const fn allow_http(mut self, allow: bool) -> Self {
        self.allow_http = allow;
        self
    }

    /// How long one request may take, from connecting to the last byte of the answer; 10 s when not given.
    #[must_use]
    pub const fn request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = timeout;
        self
    }

    /// How long a connection may take to come about; 5 s when not given.
    #[must_use]
    pub const fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How persistent the client is about one call.
    #[must_use]
    pub const fn retry_policy(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// The `User-Agent` header; this crate's name and version when not given, or when no header can carry it.
    #[must_use]
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = Some(user_agent.into());
        self
    }

    /// Sends requests by `transport` instead of over sockets.
    #[must_use]
    pub fn transport(mut self, transport: impl Transport) -> Self {
        self.transport = Some(Arc::new(transport));
        self
    }

    /// The client. Nothing is sent yet.
    ///
    /// # Errors
    /// The base URL or a credential cannot be used, or TLS cannot be set up; see [`Error::is_configuration`].
    pub fn build(self) -> Result<Client, Error> {
        let url = base_url(&self.base_url, self.allow_http)?;
        let credentials = self.credentials.ok_or(Error::EmptyCredential("the client id"))?;
        if credentials.client_id.expose_secret().trim().is_empty() {
            return Err(Error::EmptyCredential("the client id"));
        }
        if credentials.client_secret.expose_secret().trim().is_empty() {
            return Err(Error::EmptyCredential("the client secret"));
        }
        let transport = match self.transport {
            Some(transport) => transport,
            None => Arc::new(HttpTransport::new(&url, self.connect_timeout)?),
        };
        let user_agent = self
            .user_agent
            .and_then(|text| HeaderValue::try_from(text).ok())
            .unwrap_or(const { HeaderValue::from_static(USER_AGENT) });
        let delivery = Delivery {
            transport,
            base_url: url.as_str().trim_end_matches('/').to_owned(),
            user_agent,
            request_timeout: self.request_timeout,
        };
        let inner = Inner { delivery, tokens: Tokens::new(credentials), retry: self.retry };
        Ok(Client { inner: Arc::new(inner) })
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder").finish_non_exhaustive()
    }
}

const USER_AGENT: &str = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));

fn base_url(text: &str, allow_http: bool) -> Result<Url, Error> {
    let refuse = |url: &str, problem| Err(Error::BaseUrl { url: without_user_info(url), problem });
    let text = text.trim();
    let Ok(url) = Url::parse(text) else { return refuse(text, "is no absolute URL") };
    let problem = match url.scheme() {
        "http" | "https" if url.host().is_none() => "has no host",
        "http" | "https" if !url.username().is_empty() || url.password().is_some() => {
            "must hold no user name or password"
        }
        "http" | "https" if url.query().is_some() => "must have no query",
        "http" | "https" if url.fragment().is_some() => "must have no fragment",
        "http" if !allow_http && !is_loopback(&url) => PLAIN_HTTP,
        "http" | "https" => return Ok(url),
        _ => "must begin with `https://`",
    };
    refuse(text, problem)
}

/// `url` as it may be shown: what stands before an `@` may be a password, and what stands in a query a token.
fn without_user_info(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    match (url.find("://"), url.rfind('@')) {
        (Some(scheme), Some(at)) if scheme < at => format!("{}…{}", &url[..scheme + 3], &url[at..]),
        (_, Some(at)) => format!("…{}", &url[at..]),
        (_, None) => url.to_owned(),
    }
}

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
    fn base_urls_are_checked() {
        for (text, allow_http, problem) in [
            ("https://org.run.ai", false, None),
            (" https://org.run.ai/ ", false, None),
            ("https://example.com/runai", false, None),
            ("http://127.0.0.1:8080", false, None),
            ("http://[::1]:8080", false, None),
            ("http://localhost", false, None),
            ("http://org.run.ai", false, Some(PLAIN_HTTP)),
            ("http://org.run.ai", true, None),
            ("org.run.ai", false, Some("is no absolute URL")),
            ("", false, Some("is no absolute URL")),
            ("https://", false, Some("is no absolute URL")),
            ("ftp://org.run.ai", false, Some("must begin with `https://`")),
            ("org.run.ai:443", false, Some("must begin with `https://`")),
            ("https://user@org.run.ai", false, Some("must hold no user name or password")),
            ("https://org.run.ai?x=1", false, Some("must have no query")),
            ("https://org.run.ai#top", false, Some("must have no fragment")),
        ] {
            match (base_url(text, allow_http), problem) {
                (Ok(_), None) => {}
                (Err(Error::BaseUrl { problem: found, .. }), Some(problem)) => assert_eq!(found, problem, "{text}"),
                (result, _) => panic!("{text}: {result:?}"),
            }
        }
    }

    #[test]
    fn a_password_in_a_base_url_is_not_shown() {
        for url in ["https://me:canary@org.run.ai/x", "https:/me:canary@org.run.ai", "me:canary@org", "ftp://canary@x"]
        {
            let error = base_url(url, false).unwrap_err();
            assert!(!format!("{error} {error:?} {:?}", error.hint()).contains("canary"), "{error}");
        }
    }

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
