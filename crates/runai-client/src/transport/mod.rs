//! How a prepared HTTP request gets to the control plane and its answer back.
//!
//! The client talks to a [`Transport`]; [`HttpTransport`] is the one over sockets. A test may bring its own, which
//! answers in memory, so that time can be paused.

mod http;
mod setup;
mod tls;

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use ::http::{HeaderMap, Method, StatusCode};
use bytes::Bytes;
use url::Url;

pub use self::http::{BODY_LIMIT, DEFAULT_CONNECT_TIMEOUT, HttpTransport};
pub(crate) use self::http::{HttpOptions, ProxyChoice, is_loopback};
pub use self::setup::SetupError;
use crate::error::Cause;
use crate::receipt::BoxFuture;
use crate::secrets::Secrets;

/// Brings one request to the control plane and its answer back.
///
/// An implementation sends a request at most once, follows no redirects, and keeps to the request's timeout as well as
/// it can; the client drops a future that takes longer.
pub trait Transport: Send + Sync + 'static {
    /// Sends `request` and waits for the whole answer.
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>>;
}

/// A request that needs nothing more to be sent.
#[derive(Clone)]
pub struct Request {
    /// The HTTP method.
    pub method: Method,
    /// The whole URL.
    pub url: Url,
    /// The headers; the one that carries a credential is marked sensitive.
    pub headers: HeaderMap,
    /// The body; empty when there is none. Attempts share it.
    pub body: Bytes,
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
///
/// Its message is the [`Failure`]; its source is the error of the network, as the transport got it.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{failure}")]
pub struct TransportError {
    failure: Failure,
    may_have_been_sent: bool,
    source: Cause,
}

impl TransportError {
    /// A failure after which it is certain that the request never reached the control plane.
    pub fn not_sent(failure: Failure, cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { failure, may_have_been_sent: false, source: Cause::new(cause) }
    }

    /// A failure after which the request may have reached the control plane and taken effect.
    pub fn maybe_sent(failure: Failure, cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { failure, may_have_been_sent: true, source: Cause::new(cause) }
    }

    /// Returns the same failure, whose causes show no secret.
    pub(crate) fn scrubbed(self, secrets: &Secrets) -> Self {
        Self { source: self.source.scrubbed(secrets), ..self }
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
