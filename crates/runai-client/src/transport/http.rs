//! The transport over sockets.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::{BODY_LIMIT, Failure, Request, Response, SetupError, Transport, TransportError, is_loopback, tls};
use crate::receipt::BoxFuture;

/// How long a connection may take to come about when nothing else is said.
pub const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

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
            // A POST must not turn into a GET, and no other host may see the credentials.
            .redirect(reqwest::redirect::Policy::none())
            // Only the client knows which request may be sent twice.
            .retry(reqwest::retry::never())
            // Shorter than the usual 60 s of load balancers: a POST on a connection that the other side just closed is
            // one of which nobody knows whether it arrived.
            .pool_idle_timeout(Duration::from_secs(50))
            .referer(false);
        let failed = |error: reqwest::Error| SetupError::of(error.without_url());
        match proxy {
            ProxyChoice::System if !is_loopback(base_url) => {}
            ProxyChoice::Nothing | ProxyChoice::System => builder = builder.no_proxy(),
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
            // The connection consumes a request; names, values and body of the copy are shared with the original.
            let mut request = reqwest::Request::try_from(request.clone()).map_err(failure_of)?;
            *request.timeout_mut() = Some(timeout);
            let mut response = self.client.execute(request).await.map_err(failure_of)?;
            let mut body = Vec::new();
            while let Some(chunk) = response.chunk().await.map_err(failure_of)? {
                if body.len() + chunk.len() > BODY_LIMIT {
                    return Err(TransportError::maybe_sent(Failure::BodyTooLong, format!("over {BODY_LIMIT} bytes")));
                }
                body.extend_from_slice(&chunk);
            }
            let mut answer = Response::new(body.into());
            *answer.status_mut() = response.status();
            *answer.headers_mut() = std::mem::take(response.headers_mut());
            Ok(answer)
        })
    }
}

impl fmt::Debug for HttpTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpTransport").finish_non_exhaustive()
    }
}

/// How an [`HttpTransport`] connects.
#[derive(Clone)]
pub(crate) struct HttpOptions {
    pub(crate) connect_timeout: Duration,
    /// Texts in PEM.
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

/// What requests go through.
#[derive(Clone)]
pub(crate) enum ProxyChoice {
    Nothing,
    Server {
        url: Url,
        /// User name and password.
        credentials: Option<(String, SecretString)>,
    },
    /// What the system's settings say.
    System,
}

fn failure_of(error: reqwest::Error) -> TransportError {
    // A query may contain names of workloads, and the error names the call already.
    let error = error.without_url();
    if error.is_connect() {
        let failure = if error.is_timeout() {
            Failure::Timeout
        } else if is_tls(&error) {
            Failure::Tls
        } else {
            Failure::Connect
        };
        return TransportError::not_sent(failure, error);
    }
    if error.is_builder() {
        return TransportError::not_sent(Failure::Connect, error);
    }
    let failure = if error.is_timeout() { Failure::Timeout } else { Failure::Interrupted };
    TransportError::maybe_sent(failure, error)
}

/// Whether the certificate, or another part of TLS, is the cause.
fn is_tls(error: &(dyn StdError + 'static)) -> bool {
    // An `io::Error` gives its content's source as its own, so that the content has to be asked for.
    let content = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    error.is::<rustls::Error>() || content.is_some_and(|content| is_tls(content)) || error.source().is_some_and(is_tls)
}
