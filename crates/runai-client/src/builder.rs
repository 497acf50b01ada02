//! Builds and validates a client's configuration.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::auth::{
    ClientCredentials, CredentialSource, ServiceAccount, TokenCommand, TokenProvider, TokenSource, Tokens,
};
use crate::client::Client;
use crate::error::{Cause, Error, PLAIN_HTTP};
use crate::rate_limit::RateLimit;
use crate::retry::{RetryBudget, RetryPolicy};
use crate::secrets::Secrets;
use crate::sender::Sender;
#[cfg(feature = "client")]
use crate::transport::{HttpOptions, HttpTransport, ProxyChoice};
use crate::transport::{Transport, is_loopback};

/// Default of [`ClientBuilder::request_timeout`].
pub const DEFAULT_REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Builds a [`Client`]; see [`Client::builder`].
pub struct ClientBuilder {
    base_url: String,
    access: Option<Access>,
    allow_http: bool,
    request_timeout: Duration,
    #[cfg(feature = "client")]
    connect_timeout: Option<Duration>,
    retry: RetryPolicy,
    user_agent: Option<String>,
    #[cfg(feature = "client")]
    http: HttpOptions,
    #[cfg(feature = "client")]
    proxy: Option<Proxy>,
    transport: Option<Arc<dyn Transport>>,
}

/// The source of tokens.
enum Access {
    Command(TokenCommand),
    Credentials(CredentialSource),
    Provider(Arc<dyn TokenProvider>),
    Token(SecretString),
}

/// The proxy of all requests.
#[cfg(feature = "client")]
#[derive(Clone)]
enum Proxy {
    Direct,
    Server { url: String, credentials: Option<(String, SecretString)> },
}

impl ClientBuilder {
    pub(crate) fn new(base_url: String) -> Self {
        Self {
            base_url,
            access: None,
            allow_http: false,
            request_timeout: DEFAULT_REQUEST_TIMEOUT,
            #[cfg(feature = "client")]
            connect_timeout: None,
            retry: RetryPolicy::default(),
            user_agent: None,
            #[cfg(feature = "client")]
            http: HttpOptions::default(),
            #[cfg(feature = "client")]
            proxy: None,
            transport: None,
        }
    }

    /// Uses the client credentials of a service account.
    ///
    /// A client needs exactly one source of tokens: `credentials`, [`credentials_from`](Self::credentials_from),
    /// [`secret_file`](Self::secret_file), [`token`](Self::token), [`token_command`](Self::token_command),
    /// [`token_provider`](Self::token_provider). The last one overrides the others.
    #[must_use]
    pub fn credentials(self, client_id: impl Into<String>, client_secret: impl Into<SecretString>) -> Self {
        self.access(Access::Credentials(CredentialSource::Given(ClientCredentials::new(client_id, client_secret))))
    }

    /// Uses the client credentials that `read` returns, for example from a keyring.
    ///
    /// The client calls `read` on a blocking thread for the first token, and again when the control plane refuses the
    /// credentials, to pick up a regenerated secret.
    #[must_use]
    pub fn credentials_from(self, read: impl Fn() -> io::Result<ClientCredentials> + Send + Sync + 'static) -> Self {
        self.access(Access::Credentials(CredentialSource::Read(Arc::new(read))))
    }

    /// Uses the client secret in a file that contains nothing else; surrounding white space is ignored.
    ///
    /// The client reads the file for the first token, and again when the control plane refuses the credentials.
    #[must_use]
    pub fn secret_file(self, client_id: impl Into<String>, path: impl Into<PathBuf>) -> Self {
        let client_id = SecretString::from(client_id.into());
        self.access(Access::Credentials(CredentialSource::File { client_id, path: path.into() }))
    }

    /// Uses a fixed bearer token. It is never renewed: calls fail when the control plane refuses it.
    #[must_use]
    pub fn token(self, token: impl Into<SecretString>) -> Self {
        self.access(Access::Token(token.into()))
    }

    /// Uses the bearer token that a command prints. The command runs again shortly before the token expires, and once
    /// when the control plane refuses it.
    ///
    /// ```
    /// use runai_client::{Client, TokenCommand};
    ///
    /// let command = TokenCommand::new("runai", ["auth", "get-token", "-o", "plaintext"]);
    /// let builder = Client::builder("https://org.run.ai").token_command(command);
    /// ```
    #[must_use]
    pub fn token_command(self, command: TokenCommand) -> Self {
        self.access(Access::Command(command))
    }

    /// Uses the bearer tokens of `provider`.
    #[must_use]
    pub fn token_provider(self, provider: impl TokenProvider) -> Self {
        self.access(Access::Provider(Arc::new(provider)))
    }

    fn access(self, access: Access) -> Self {
        Self { access: Some(access), ..self }
    }

    /// Sets whether plain `http` is allowed to remote hosts; to this machine it always is. The default is false.
    #[must_use]
    pub const fn allow_http(mut self, allow: bool) -> Self {
        self.allow_http = allow;
        self
    }

    /// Sets the timeout of one attempt, from connecting to the last byte of the response. Must be longer than zero; the
    /// default is 10 s.
    #[must_use]
    pub const fn request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = timeout;
        self
    }

    /// Sets the connect timeout. Must be longer than zero and at most [`request_timeout`](Self::request_timeout); the
    /// default is 5 s.
    #[cfg(feature = "client")]
    #[must_use]
    pub const fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = Some(timeout);
        self
    }

    /// Sets the retry policy of a call.
    #[must_use]
    pub const fn retry_policy(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// Sets the `User-Agent` header. The default, also for an invalid value, is this crate's name and version.
    #[must_use]
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = Some(user_agent.into());
        self
    }

    /// Trusts additional certificate authorities: one or more certificates in PEM.
    ///
    /// Use it if a private authority signed the control plane's certificate.
    #[cfg(feature = "client")]
    #[must_use]
    pub fn root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.http.root_certificates.push(pem.into());
        self
    }

    /// Sets the client certificate (mutual TLS): its chain and its private key, both in PEM.
    #[cfg(feature = "client")]
    #[must_use]
    pub fn client_certificate(mut self, chain_pem: impl Into<Vec<u8>>, key_pem: impl Into<SecretString>) -> Self {
        self.http.client_certificate = Some((chain_pem.into(), key_pem.into()));
        self
    }

    /// Sends all requests through the proxy at `url`, overriding the system's settings. The URL must be `http` or
    /// `https` and contain no user name or password.
    #[cfg(feature = "client")]
    #[must_use]
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.proxy = Some(Proxy::Server { url: url.into(), credentials: None });
        self
    }

    /// Like [`ClientBuilder::proxy`], for a proxy with basic authentication.
    #[cfg(feature = "client")]
    #[must_use]
    pub fn proxy_with_credentials(
        mut self,
        url: impl Into<String>,
        user: impl Into<String>,
        password: impl Into<SecretString>,
    ) -> Self {
        self.proxy = Some(Proxy::Server { url: url.into(), credentials: Some((user.into(), password.into())) });
        self
    }

    /// Sends all requests directly, overriding the system's proxy settings.
    #[cfg(feature = "client")]
    #[must_use]
    pub fn no_proxy(mut self) -> Self {
        self.proxy = Some(Proxy::Direct);
        self
    }

    /// Sends requests through `transport` instead of sockets. Certificate and proxy settings have no effect.
    #[must_use]
    pub fn transport(mut self, transport: impl Transport) -> Self {
        self.transport = Some(Arc::new(transport));
        self
    }

    /// Builds the client. Sends no request.
    ///
    /// # Errors
    /// An invalid base URL, credential, proxy or timeout, or a failed TLS setup; see [`Error::is_configuration`].
    pub fn build(self) -> Result<Client, Error> {
        let url = base_url(&self.base_url, self.allow_http)?;
        #[cfg(feature = "client")]
        check_timeouts(self.request_timeout, self.connect_timeout)?;
        #[cfg(not(feature = "client"))]
        check_timeouts(self.request_timeout, None)?;
        let secrets = Secrets::default();
        let source = token_source(self.access.ok_or(Error::EmptyCredential("the client id"))?, &secrets)?;
        #[cfg(feature = "client")]
        if let Some(Proxy::Server { credentials: Some((_, password)), .. }) = &self.proxy {
            secrets.add_credential(password);
        }
        #[cfg(feature = "client")]
        let over_sockets = || over_sockets(&url, self.http, self.connect_timeout, self.proxy);
        #[cfg(not(feature = "client"))]
        let over_sockets = || Err(Error::NoTransport);
        let transport = self.transport.map_or_else(over_sockets, Ok)?;
        let user_agent = self
            .user_agent
            .and_then(|text| HeaderValue::try_from(text).ok())
            .unwrap_or(const { HeaderValue::from_static(USER_AGENT) });
        let sender = Sender {
            transport,
            base_url: url.as_str().trim_end_matches('/').to_owned(),
            user_agent,
            request_timeout: self.request_timeout,
            retry_budget: RetryBudget::of(self.retry),
            rate_limit: RateLimit::default(),
            secrets,
        };
        Ok(Client::of(sender, Tokens::new(source), self.retry))
    }
}

/// Returns the default transport.
#[cfg(feature = "client")]
fn over_sockets(
    base_url: &Url,
    mut options: HttpOptions,
    connect_timeout: Option<Duration>,
    proxy: Option<Proxy>,
) -> Result<Arc<dyn Transport>, Error> {
    if let Some(timeout) = connect_timeout {
        options.connect_timeout = timeout;
    }
    match proxy {
        None => {}
        Some(Proxy::Direct) => options.proxy = ProxyChoice::Direct,
        Some(Proxy::Server { url, credentials }) => {
            options.proxy = ProxyChoice::Server { url: proxy_url(&url)?, credentials };
        }
    }
    Ok(Arc::new(HttpTransport::with(base_url, options)?))
}

/// Rejects zero timeouts, and a connect timeout that could never fire.
fn check_timeouts(request: Duration, connect: Option<Duration>) -> Result<(), Error> {
    let wrong = |option, problem| Err(Error::Timeout { option, problem });
    match connect {
        _ if request.is_zero() => wrong("request_timeout", "must be longer than zero"),
        Some(Duration::ZERO) => wrong("connect_timeout", "must be longer than zero"),
        Some(connect) if connect > request => wrong("connect_timeout", "must not be longer than `request_timeout`"),
        _ => Ok(()),
    }
}

/// Validates the credentials that are known before the first request.
fn token_source(access: Access, secrets: &Secrets) -> Result<TokenSource, Error> {
    Ok(match access {
        Access::Command(command) if command.is_empty() => return Err(Error::EmptyCredential("the token command")),
        Access::Command(command) => TokenSource::Command(command),
        Access::Credentials(source) => {
            match &source {
                CredentialSource::Given(credentials) => {
                    credentials.check()?;
                    secrets.add_credential(&credentials.client_id);
                    secrets.add_credential(&credentials.client_secret);
                }
                CredentialSource::File { client_id, .. } if client_id.expose_secret().trim().is_empty() => {
                    return Err(Error::EmptyCredential("the client id"));
                }
                CredentialSource::File { .. } | CredentialSource::Read(_) => {}
            }
            TokenSource::ClientCredentials(ServiceAccount::new(source))
        }
        Access::Provider(provider) => TokenSource::Provider(provider),
        Access::Token(token) => {
            let token = SecretString::from(token.expose_secret().trim().to_owned());
            if token.expose_secret().is_empty() {
                return Err(Error::EmptyCredential("the token"));
            }
            secrets.add_credential(&token);
            if HeaderValue::from_str(token.expose_secret()).is_err() {
                return Err(Error::Token("contains a character that is invalid in an HTTP header"));
            }
            TokenSource::Fixed(token)
        }
    })
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder").finish_non_exhaustive()
    }
}

const USER_AGENT: &str = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));

fn base_url(text: &str, allow_http: bool) -> Result<Url, Error> {
    let refuse = |problem, source| Err(Error::BaseUrl { url: without_user_info(text.trim()), problem, source });
    let url = match Url::parse(text.trim()) {
        Ok(url) => url,
        Err(error) => return refuse("is not an absolute URL", Some(Cause::new(error))),
    };
    let problem = match url.scheme() {
        "http" | "https" if url.host().is_none() => "has no host",
        "http" | "https" if !url.username().is_empty() || url.password().is_some() => {
            "must not contain a user name or password"
        }
        "http" | "https" if url.query().is_some() => "must not have a query",
        "http" | "https" if url.fragment().is_some() => "must not have a fragment",
        "http" if !allow_http && !is_loopback(&url) => PLAIN_HTTP,
        "http" | "https" => return Ok(url),
        _ => "must begin with `https://`",
    };
    refuse(problem, None)
}

#[cfg(feature = "client")]
fn proxy_url(text: &str) -> Result<Url, Error> {
    let refuse = |problem| Err(Error::Proxy { url: without_user_info(text), problem, source: None });
    match Url::parse(text.trim()) {
        Err(error) => Err(Error::Proxy {
            url: without_user_info(text),
            problem: "is not an absolute URL",
            source: Some(Cause::new(error)),
        }),
        Ok(url) if url.host().is_none() => refuse("has no host"),
        Ok(url) if !url.username().is_empty() || url.password().is_some() => {
            refuse("must not contain a user name or password; use `proxy_with_credentials`")
        }
        Ok(url) if !matches!(url.scheme(), "http" | "https") => refuse("must begin with `http://` or `https://`"),
        Ok(url) => Ok(url),
    }
}

/// Returns `url` without user information, query and fragment, which may contain secrets.
fn without_user_info(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    match (url.find("://"), url.rfind('@')) {
        (Some(scheme), Some(at)) if scheme < at => format!("{}…{}", &url[..scheme + 3], &url[at..]),
        (_, Some(at)) => format!("…{}", &url[at..]),
        (_, None) => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn validates_base_url() {
        for (text, allow_http, problem) in [
            ("https://org.run.ai", false, None),
            (" https://org.run.ai/ ", false, None),
            ("https://example.com/runai", false, None),
            ("http://127.0.0.1:8080", false, None),
            ("http://[::1]:8080", false, None),
            ("http://localhost", false, None),
            ("http://org.run.ai", false, Some(PLAIN_HTTP)),
            ("http://org.run.ai", true, None),
            ("org.run.ai", false, Some("is not an absolute URL")),
            ("", false, Some("is not an absolute URL")),
            ("https://", false, Some("is not an absolute URL")),
            ("ftp://org.run.ai", false, Some("must begin with `https://`")),
            ("org.run.ai:443", false, Some("must begin with `https://`")),
            ("https://user@org.run.ai", false, Some("must not contain a user name or password")),
            ("https://org.run.ai?x=1", false, Some("must not have a query")),
            ("https://org.run.ai#top", false, Some("must not have a fragment")),
        ] {
            match (base_url(text, allow_http), problem) {
                (Ok(_), None) => {}
                (Err(Error::BaseUrl { problem: found, .. }), Some(problem)) => assert_eq!(found, problem, "{text}"),
                (result, _) => panic!("{text}: {result:?}"),
            }
        }
    }

    #[test]
    fn validates_proxy() {
        for (url, is_valid) in [
            ("http://proxy.example.com:3128", true),
            ("https://proxy.example.com", true),
            ("proxy.example.com", false),
            ("socks5://proxy.example.com", false),
            ("http://me:canary@proxy.example.com", false),
        ] {
            let result = Client::builder("https://org.run.ai").credentials("id", "secret").proxy(url).build();
            match result {
                Err(error @ Error::Proxy { .. }) => {
                    assert!(!is_valid && error.is_configuration(), "{url}");
                    assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
                }
                // A machine without root certificates cannot set up TLS.
                Ok(_) | Err(Error::Setup(_)) => assert!(is_valid, "{url}"),
                Err(other) => panic!("{url}: {other}"),
            }
        }
    }

    #[test]
    fn rejects_contradictory_timeouts() {
        const SECOND: Duration = Duration::from_secs(1);
        let build = |request: Option<Duration>, connect: Option<Duration>| {
            let mut builder = Client::builder("http://127.0.0.1").credentials("id", "secret");
            if let Some(timeout) = request {
                builder = builder.request_timeout(timeout);
            }
            if let Some(timeout) = connect {
                builder = builder.connect_timeout(timeout);
            }
            match builder.build() {
                Err(error @ Error::Timeout { option, .. }) => {
                    assert!(error.is_configuration() && error.to_string().starts_with(&format!("`{option}` must ")));
                    Some(option)
                }
                Ok(_) | Err(Error::Setup(_)) => None,
                Err(other) => panic!("{other}"),
            }
        };
        assert_eq!(build(None, None), None);
        // The default connect timeout does not contradict a shorter request timeout.
        assert_eq!(build(Some(SECOND), None), None);
        assert_eq!(build(Some(SECOND), Some(SECOND)), None);
        assert_eq!(build(Some(Duration::ZERO), None), Some("request_timeout"));
        assert_eq!(build(None, Some(Duration::ZERO)), Some("connect_timeout"));
        assert_eq!(build(Some(SECOND), Some(2 * SECOND)), Some("connect_timeout"));
        assert_eq!(build(None, Some(11 * SECOND)), Some("connect_timeout"));
    }

    #[test]
    fn errors_hide_user_info() {
        for url in ["https://me:canary@org.run.ai/x", "https:/me:canary@org.run.ai", "me:canary@org", "ftp://canary@x"]
        {
            let error = base_url(url, false).unwrap_err();
            assert!(!format!("{error} {error:?} {:?}", error.hint()).contains("canary"), "{error}");
        }
    }
}
