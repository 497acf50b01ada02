//! Transports send HTTP requests to the control plane and return its responses.
//!
//! The default [`Transport`] is `HttpTransport`, which uses sockets (feature `client`). A test can implement one in
//! memory, which allows it to pause time:
//!
//! ```
//! use std::time::Duration;
//!
//! use runai_client::transport::{Request, Response, Transport, TransportError};
//! use runai_client::{BoxFuture, Client, Error};
//!
//! /// Responds to every request with an empty list.
//! struct EmptyLists;
//!
//! impl Transport for EmptyLists {
//!     fn send<'a>(&'a self, _: &'a Request, _: Duration) -> BoxFuture<'a, Result<Response, TransportError>> {
//!         Box::pin(async { Ok(Response::new("[]".into())) })
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Error> {
//! let client = Client::builder("https://org.run.ai").token("t").transport(EmptyLists).build()?;
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

/// Maximum size of a response's body, in bytes; far more than a page of any list.
pub const MAX_BODY_SIZE: usize = 64 << 20;

/// Sends HTTP requests to the control plane.
///
/// An implementation must send a request at most once and must not follow redirects. The client drops a future that
/// exceeds its timeout.
pub trait Transport: Send + Sync + 'static {
    /// Sends `request` and returns the complete response, within `timeout`.
    fn send<'a>(&'a self, request: &'a Request, timeout: Duration) -> BoxFuture<'a, Result<Response, TransportError>>;
}

/// A complete request with an absolute URI. All attempts of a call share it.
///
/// The `Authorization` header is marked sensitive. The body may contain a credential or the environment of a workload:
/// do not print it.
pub type Request = ::http::Request<Bytes>;

/// A complete response. The body may contain a token: do not print it.
pub type Response = ::http::Response<Bytes>;

/// The error of a [`Transport`].
///
/// Its message is that of its [`TransportErrorKind`]; its source is the underlying error.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{kind}")]
pub struct TransportError {
    kind: TransportErrorKind,
    may_have_been_sent: bool,
    source: Cause,
}

impl TransportError {
    /// Returns an error of a request that certainly did not reach the control plane.
    pub fn not_sent(kind: TransportErrorKind, cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { kind, may_have_been_sent: false, source: Cause::new(cause) }
    }

    /// Returns an error of a request that may have reached the control plane and taken effect.
    pub fn maybe_sent(kind: TransportErrorKind, cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { kind, may_have_been_sent: true, source: Cause::new(cause) }
    }

    /// Returns the error with secrets redacted in its causes.
    pub(crate) fn scrubbed(self, secrets: &Secrets) -> Self {
        Self { source: self.source.scrubbed(secrets), ..self }
    }

    /// Returns the kind of the error.
    #[must_use]
    pub const fn kind(&self) -> TransportErrorKind {
        self.kind
    }

    /// Returns whether the request may have reached the control plane and taken effect.
    #[must_use]
    pub const fn may_have_been_sent(&self) -> bool {
        self.may_have_been_sent
    }
}

/// Returns whether the host of `url` is this machine.
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

/// The kind of a [`TransportError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransportErrorKind {
    /// The response's body exceeds [`MAX_BODY_SIZE`].
    BodyTooLong,
    /// No connection: the host name does not resolve, or the host or proxy refuses connections.
    Connect,
    /// The connection was closed before the response was complete.
    Interrupted,
    /// TLS failed, for example because the certificate is invalid.
    Tls,
    /// The request timed out.
    Timeout,
}

impl fmt::Display for TransportErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BodyTooLong => "the response is too long",
            Self::Connect => "cannot connect",
            Self::Interrupted => "the connection was interrupted",
            Self::Tls => "cannot establish a TLS connection",
            Self::Timeout => "timed out",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recognizes_loopback() {
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
