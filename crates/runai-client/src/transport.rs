//! How a prepared HTTP request gets to the control plane and its answer back.
//!
//! The client talks to a [`Transport`]; [`HttpTransport`] is the one over sockets. A test may bring its own, which
//! answers in memory, so that time can be paused.

use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, Method, StatusCode};
use rustls::crypto::{CryptoProvider, ring};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;
use url::Url;

/// The most bytes of an answer that are read; far more than the longest page of any list.
pub const BODY_LIMIT: usize = 64 << 20;

/// Brings one request to the control plane and its answer back.
///
/// An implementation sends a request at most once, follows no redirects, and keeps to the request's timeout as well as
/// it can; the client drops a future that takes longer.
pub trait Transport: Send + Sync + 'static {
    /// Sends `request` and waits for the whole answer.
    fn send(&self, request: Request) -> Sending<'_>;
}

/// The future that [`Transport::send`] gives; boxed, so that a client does not depend on its transport's type.
pub type Sending<'a> = Pin<Box<dyn Future<Output = Result<Response, TransportError>> + Send + 'a>>;

/// A request that needs nothing more to be sent.
#[derive(Clone)]
pub struct Request {
    /// The HTTP method.
    pub method: Method,
    /// The whole URL.
    pub url: Url,
    /// The headers; the one that carries a credential is marked sensitive.
    pub headers: HeaderMap,
    /// The body; empty when there is none.
    pub body: Vec<u8>,
    /// How long the whole exchange may take.
    pub timeout: Duration,
}

/// Shows neither headers nor body: either may hold a credential.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("method", &self.method).field("url", &self.url.path()).finish_non_exhaustive()
    }
}

/// A whole answer.
#[derive(Clone)]
pub struct Response {
    /// The HTTP status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body; empty when there is none.
    pub body: Vec<u8>,
}

/// Shows neither headers nor body: the body may be a token.
impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response").field("status", &self.status).finish_non_exhaustive()
    }
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{failure}{}{cause}", if cause.is_empty() { "" } else { ": " })]
pub struct TransportError {
    failure: Failure,
    may_have_been_sent: bool,
    cause: String,
}

impl TransportError {
    /// A failure after which it is certain that the request never reached the control plane.
    pub fn not_sent(failure: Failure, cause: impl Into<String>) -> Self {
        Self { failure, may_have_been_sent: false, cause: cause.into() }
    }

    /// A failure after which the request may have reached the control plane and taken effect.
    pub fn maybe_sent(failure: Failure, cause: impl Into<String>) -> Self {
        Self { failure, may_have_been_sent: true, cause: cause.into() }
    }

    /// What went wrong.
    #[must_use]
    pub const fn failure(&self) -> Failure {
        self.failure
    }

    /// Whether the request may have reached the control plane and taken effect.
    #[must_use]
    pub const fn may_have_been_sent(&self) -> bool {
        self.may_have_been_sent
    }
}

/// What went wrong between this machine and the control plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// The answer is longer than [`BODY_LIMIT`].
    BodyTooLong,
    /// No connection: the name does not resolve, nobody listens, or a proxy is in the way.
    Connect,
    /// The connection broke before the whole answer was there.
    Interrupted,
    /// The other side did not prove who it is, or TLS failed in another way.
    Tls,
    /// It took too long.
    Timeout,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BodyTooLong => "the answer is too long",
            Self::Connect => "cannot connect",
            Self::Interrupted => "the connection broke",
            Self::Tls => "cannot connect securely",
            Self::Timeout => "it took too long",
        })
    }
}

/// HTTP/1.1 over TCP, with TLS for `https`, by `reqwest` and `rustls`.
///
/// Certificates are always verified, by the platform's own rules and roots: self-hosted control planes often have a
/// certificate of a private authority that an administrator installed on the machine, which a list of roots compiled
/// into the program would not know. On Linux `SSL_CERT_FILE` and `SSL_CERT_DIR` name other roots.
///
/// The system's proxy settings hold (`HTTPS_PROXY`, `NO_PROXY`, …), except for a control plane on this machine.
#[derive(Clone)]
pub struct HttpTransport {
    client: reqwest::Client,
}

impl HttpTransport {
    /// A transport for the control plane at `base_url`.
    ///
    /// # Errors
    /// The platform's root certificates cannot be read, or there are none. A plain `http` URL needs none.
    pub fn new(base_url: &Url, connect_timeout: Duration) -> Result<Self, SetupError> {
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls(base_url.scheme() == "https")?)
            .connect_timeout(connect_timeout)
            // A POST must not turn into a GET, and no other host may see the credentials.
            .redirect(reqwest::redirect::Policy::none())
            // Only the client knows which request may be sent twice.
            .retry(reqwest::retry::never())
            // Shorter than the usual 60 s of load balancers: a POST on a connection that the other side just closed is
            // one of which nobody knows whether it arrived.
            .pool_idle_timeout(Duration::from_secs(50))
            .referer(false);
        if is_loopback(base_url) {
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|error| SetupError(root_cause(&error)))?;
        Ok(Self { client })
    }
}

impl Transport for HttpTransport {
    fn send(&self, request: Request) -> Sending<'_> {
        Box::pin(async move {
            let Request { method, url, headers, body, timeout } = request;
            let request = self.client.request(method, url).headers(headers).body(body).timeout(timeout);
            let mut response = request.send().await.map_err(|error| failure_of(&error))?;
            let mut body = Vec::new();
            while let Some(chunk) = response.chunk().await.map_err(|error| failure_of(&error))? {
                if body.len() + chunk.len() > BODY_LIMIT {
                    return Err(TransportError::maybe_sent(Failure::BodyTooLong, format!("over {BODY_LIMIT} bytes")));
                }
                body.extend_from_slice(&chunk);
            }
            Ok(Response { status: response.status(), headers: std::mem::take(response.headers_mut()), body })
        })
    }
}

impl fmt::Debug for HttpTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpTransport").finish_non_exhaustive()
    }
}

/// TLS could not be set up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot set up TLS: {0}")]
pub struct SetupError(String);

/// Whether `url` names this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            name == "localhost" || name.ends_with(".localhost")
        }
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// The crypto provider is given here and not installed for the whole process, which belongs to the program.
fn tls(needed: bool) -> Result<ClientConfig, SetupError> {
    let failed = |error: rustls::Error| SetupError(error.to_string());
    let provider: Arc<CryptoProvider> = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(failed)?;
    let builder = if needed {
        let verifier = Verifier::new(provider).map_err(failed)?;
        // "Dangerous" is any verifier of one's own; this one verifies as the platform does.
        builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier))
    } else {
        // Trusts nobody: a machine without root certificates can still talk to a simulator.
        builder.with_root_certificates(RootCertStore::empty())
    };
    let mut config = builder.with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn failure_of(error: &reqwest::Error) -> TransportError {
    let cause = root_cause(error);
    if error.is_connect() {
        let failure = if error.is_timeout() {
            Failure::Timeout
        } else if is_tls(error) {
            Failure::Tls
        } else {
            Failure::Connect
        };
        return TransportError::not_sent(failure, cause);
    }
    if error.is_builder() {
        return TransportError::not_sent(Failure::Connect, cause);
    }
    let failure = if error.is_timeout() { Failure::Timeout } else { Failure::Interrupted };
    TransportError::maybe_sent(failure, cause)
}

/// The innermost cause, which is the one that says something ("Connection refused"); never with a URL.
fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn StdError = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    if cause.is::<reqwest::Error>() { String::new() } else { cause.to_string() }
}

/// Whether the certificate, or another part of TLS, is the cause.
fn is_tls(error: &(dyn StdError + 'static)) -> bool {
    // An `io::Error` gives its content's source as its own, so that the content has to be asked for.
    let content = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    error.is::<rustls::Error>() || content.is_some_and(|content| is_tls(content)) || error.source().is_some_and(is_tls)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_this_machine() {
        for (url, loopback) in [
            ("http://localhost:8080", true),
            ("http://sim.localhost", true),
            ("http://127.8.0.1", true),
            ("http://[::1]:80", true),
            ("http://localhost.example.com", false),
            ("http://128.0.0.1", false),
            ("http://runai.example.com", false),
        ] {
            assert_eq!(is_loopback(&Url::parse(url).unwrap()), loopback, "{url}");
        }
    }
}
