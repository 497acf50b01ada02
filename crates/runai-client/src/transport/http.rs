//! The default transport.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::{
    MAX_BODY_SIZE, Request, Response, SetupError, Transport, TransportError, TransportErrorKind, is_loopback, tls,
};
use crate::receipt::BoxFuture;

/// Default of [`ClientBuilder::connect_timeout`](crate::ClientBuilder::connect_timeout).
pub const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// HTTP/1.1 over TCP, with TLS for `https`, using `reqwest` and `rustls`.
///
/// Certificates are always verified, with the platform's rules and roots, because self-hosted control planes often use
/// a private authority that is installed on the machine. On Linux `SSL_CERT_FILE` and `SSL_CERT_DIR` override the
/// roots.
///
/// Uses the system's proxy settings (`HTTPS_PROXY`, `NO_PROXY`, …), except for a control plane on this machine.
#[derive(Clone)]
pub struct HttpTransport {
    client: reqwest::Client,
}

impl HttpTransport {
    /// Returns a transport for the control plane at `base_url`.
    ///
    /// # Errors
    /// The platform's root certificates are missing or unreadable. A plain `http` URL does not need them.
    pub fn new(base_url: &Url, connect_timeout: Duration) -> Result<Self, SetupError> {
        Self::with(base_url, HttpOptions { connect_timeout, ..HttpOptions::default() })
    }

    pub(crate) fn with(base_url: &Url, options: HttpOptions) -> Result<Self, SetupError> {
        let HttpOptions { connect_timeout, root_certificates, client_certificate, proxy } = options;
        let is_needed = base_url.scheme() == "https"
            || matches!(&proxy, ProxyChoice::Server { url, .. } if url.scheme() == "https");
        let config = tls::config(is_needed, &root_certificates, client_certificate.as_ref())?;
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(config)
            .connect_timeout(connect_timeout)
            // A redirect could turn a POST into a GET, and send the credentials to another host.
            .redirect(reqwest::redirect::Policy::none())
            // Only the client knows which requests are idempotent.
            .retry(reqwest::retry::never())
            // Shorter than the usual 60 s of load balancers: a POST on a connection that was just closed is
            // ambiguous.
            .pool_idle_timeout(Duration::from_secs(50))
            .referer(false);
        let failed = |error: reqwest::Error| SetupError::of(error.without_url());
        match proxy {
            ProxyChoice::System if !is_loopback(base_url) => {}
            ProxyChoice::Direct | ProxyChoice::System => builder = builder.no_proxy(),
            ProxyChoice::Server { url, credentials } => {
                let mut proxy = reqwest::Proxy::all(url).map_err(failed)?;
                if let Some((user, password)) = credentials {
                    proxy = proxy.basic_auth(&user, password.expose_secret());
                }
                builder = builder.proxy(proxy);
            }
        }
        let client = builder.build().map_err(failed)?;
        Ok(Self { client })
    }
}

impl Transport for HttpTransport {
    fn send<'a>(&'a self, request: &'a Request, timeout: Duration) -> BoxFuture<'a, Result<Response, TransportError>> {
        Box::pin(async move {
            // Cheap: names, values and body are shared with the original.
            let mut request = reqwest::Request::try_from(request.clone()).map_err(transport_error)?;
            *request.timeout_mut() = Some(timeout);
            let mut response = self.client.execute(request).await.map_err(transport_error)?;
            let mut body = Vec::new();
            while let Some(chunk) = response.chunk().await.map_err(transport_error)? {
                if body.len() + chunk.len() > MAX_BODY_SIZE {
                    return Err(TransportError::maybe_sent(
                        TransportErrorKind::BodyTooLong,
                        format!("over {MAX_BODY_SIZE} bytes"),
                    ));
                }
                body.extend_from_slice(&chunk);
            }
            let mut complete = Response::new(body.into());
            *complete.status_mut() = response.status();
            *complete.headers_mut() = std::mem::take(response.headers_mut());
            Ok(complete)
        })
    }
}

impl fmt::Debug for HttpTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpTransport").finish_non_exhaustive()
    }
}

/// The options of an [`HttpTransport`].
#[derive(Clone)]
pub(crate) struct HttpOptions {
    pub(crate) connect_timeout: Duration,
    /// Certificates in PEM.
    pub(crate) root_certificates: Vec<Vec<u8>>,
    /// Certificates and private key in PEM.
    pub(crate) client_certificate: Option<(Vec<u8>, SecretString)>,
    pub(crate) proxy: ProxyChoice,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            connect_timeout: DEFAULT_CONNECT_TIMEOUT,
            root_certificates: Vec::new(),
            client_certificate: None,
            proxy: ProxyChoice::System,
        }
    }
}

/// The proxy of requests.
#[derive(Clone)]
pub(crate) enum ProxyChoice {
    Direct,
    Server {
        url: Url,
        /// User name and password.
        credentials: Option<(String, SecretString)>,
    },
    /// The system's settings.
    System,
}

fn transport_error(error: reqwest::Error) -> TransportError {
    // A query may contain names of workloads, and the error contains the call already.
    let error = error.without_url();
    if error.is_connect() {
        let kind = if error.is_timeout() {
            TransportErrorKind::Timeout
        } else if is_tls(&error) {
            TransportErrorKind::Tls
        } else {
            TransportErrorKind::Connect
        };
        return TransportError::not_sent(kind, error);
    }
    if error.is_builder() {
        return TransportError::not_sent(TransportErrorKind::Connect, error);
    }
    let kind = if error.is_timeout() { TransportErrorKind::Timeout } else { TransportErrorKind::Interrupted };
    TransportError::maybe_sent(kind, error)
}

/// Returns whether the cause is an error of TLS.
fn is_tls(error: &(dyn StdError + 'static)) -> bool {
    // `io::Error::source` returns the source of its inner error, not the inner error.
    let content = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    error.is::<rustls::Error>() || content.is_some_and(|content| is_tls(content)) || error.source().is_some_and(is_tls)
}
