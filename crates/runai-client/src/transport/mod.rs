//! How a prepared HTTP request gets to the control plane and its answer back.
//!
//! The client talks to a [`Transport`]. `HttpTransport`, of the default feature `client`, is the one over sockets. A test
//! may bring its own, which answers in memory, so that time can be paused:
//!
//! ```
//! use std::time::Duration;
//!
//! use runai_client::transport::{Request, Response, Transport, TransportError};
//! use runai_client::{BoxFuture, Client, Error};
//!
//! /// Answers every request with an empty list.
//! struct Nothing;
//!
//! impl Transport for Nothing {
//!     fn send<'a>(&'a self, _: &'a Request, _: Duration) -> BoxFuture<'a, Result<Response, TransportError>> {
//!         Box::pin(async { Ok(Response::new("[]".into())) })
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Error> {
//! let client = Client::builder("https://org.run.ai").token("t").transport(Nothing).build()?;
//! assert!(client.clusters().await?.is_empty());
//! # Ok(())
//! # }
//! ```

#[cfg(feature = "client")]
mod http;
mod setup;
#[cfg(feature = "client")]
mod tls;

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use url::Url;

#[cfg(feature = "client")]
pub use self::http::{DEFAULT_CONNECT_TIMEOUT, HttpTransport};
#[cfg(feature = "client")]
pub(crate) use self::http::{HttpOptions, ProxyChoice};
pub use self::setup::SetupError;
use crate::error::Cause;
use crate::receipt::BoxFuture;
use crate::secrets::Secrets;

/// The most bytes of an answer that a transport should read; far more than the longest page of any list.
pub const BODY_LIMIT: usize = 64 << 20;

/// Brings one request to the control plane and its answer back.
///
/// An implementation sends a request at most once, follows no redirects, and keeps to the request's timeout as well as
/// it can; the client drops a future that takes longer.
pub trait Transport: Send + Sync + 'static {
    /// Sends `request` and waits for the whole answer, for at most `timeout`.
    fn send<'a>(&'a self, request: &'a Request, timeout: Duration) -> BoxFuture<'a, Result<Response, TransportError>>;
}

/// A request that needs nothing more to be sent: its URI is absolute. All attempts of a call share it.
///
/// The `Authorization` header is marked sensitive. The body may contain a credential or the environment of a workload:
/// do not print it.
pub type Request = ::http::Request<Bytes>;

/// A whole answer. Its body is empty if there is none. The body may be a token: do not print it.
pub type Response = ::http::Response<Bytes>;

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
