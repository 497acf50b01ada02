//! A scripted control plane that expects requests in order.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use runai_client::transport::{Request, Response, Transport, TransportError, TransportErrorKind};
use runai_client::{BoxFuture, Client, ClientBuilder};
use serde_json::{Value, json};

pub(crate) const BASE_URL: &str = "https://runai.test";
pub(crate) const CLIENT_ID: &str = "canary-id-8841";
pub(crate) const CLIENT_SECRET: &str = "canary-secret-8842";
pub(crate) const TOKEN: &str = "canary-token-8843";

/// The response to a request.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    Answer {
        status: u16,
        headers: Vec<(&'static str, String)>,
        body: Vec<u8>,
    },
    /// The request arrives, the response is lost.
    Lost,
    /// The connection is refused.
    Refused,
    /// No response.
    Hangs,
}

impl Reply {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::text(status, &body.to_string())
    }

    pub(crate) fn text(status: u16, body: &str) -> Self {
        Self::Answer { status, headers: Vec::new(), body: body.into() }
    }

    pub(crate) fn error(status: u16, message: &str) -> Self {
        Self::json(status, &json!({"code": status, "message": message}))
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        if let Self::Answer { headers, .. } = &mut self {
            headers.push((name, value.into()));
        }
        self
    }

    /// A token that is valid for an hour.
    pub(crate) fn token() -> Self {
        Self::json(200, &json!({"access_token": TOKEN, "token_type": "Bearer", "expires_in": 3600}))
    }

    async fn give(self) -> Result<Response, TransportError> {
        match self {
            Self::Answer { status, headers: pairs, body } => {
                let mut response = Response::new(body.into());
                *response.status_mut() = StatusCode::from_u16(status).unwrap();
                for (name, value) in pairs {
                    let value = HeaderValue::from_str(&value).unwrap();
                    response.headers_mut().insert(HeaderName::from_static(name), value);
                }
                Ok(response)
            }
            Self::Lost => Err(TransportError::maybe_sent(TransportErrorKind::Interrupted, "connection reset by peer")),
            Self::Refused => Err(TransportError::not_sent(TransportErrorKind::Connect, "connection refused")),
            Self::Hangs => std::future::pending().await,
        }
    }
}

/// A recorded request.
#[derive(Clone)]
pub(crate) struct Sent {
    pub(crate) line: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Sent {
    fn of(request: &Request) -> Self {
        let mut line = format!("{} {}", request.method(), request.uri().path());
        if let Some(query) = request.uri().query() {
            let _ = write!(line, "?{query}");
        }
        Self { line, headers: request.headers().clone(), body: String::from_utf8(request.body().to_vec()).unwrap() }
    }
}

/// Expects requests in order; panics at any other one, and on drop if any are missing.
#[derive(Clone, Default)]
pub(crate) struct Script {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    expected: VecDeque<(String, Reply)>,
    sent: Vec<Sent>,
    issues_tokens: bool,
}

impl Script {
    /// A control plane that issues tokens automatically.
    pub(crate) fn new() -> Self {
        let script = Self::without_tokens();
        script.inner().issues_tokens = true;
        script
    }

    /// A control plane whose token requests are part of the script.
    pub(crate) fn without_tokens() -> Self {
        Self::default()
    }

    /// Expects `line` next: a method, a space, and a path, optionally with a query.
    pub(crate) fn expect(&self, line: &str, reply: Reply) -> &Self {
        self.inner().expected.push_back((line.to_owned(), reply));
        self
    }

    /// All requests, including those for tokens.
    pub(crate) fn sent(&self) -> Vec<Sent> {
        self.inner().sent.clone()
    }

    pub(crate) fn client(&self) -> Client {
        self.builder().build().unwrap()
    }

    pub(crate) fn builder(&self) -> ClientBuilder {
        client_of(ScriptTransport(Arc::clone(&self.inner)))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let left: Vec<_> = self.inner().expected.iter().map(|(line, _)| line.clone()).collect();
        assert!(left.is_empty(), "never asked for: {left:#?}");
    }
}

struct ScriptTransport(Arc<Mutex<Inner>>);

impl Transport for ScriptTransport {
    fn send<'a>(&'a self, request: &'a Request, _: Duration) -> BoxFuture<'a, Result<Response, TransportError>> {
        let sent = Sent::of(request);
        let mut inner = self.0.lock().unwrap();
        inner.sent.push(sent.clone());
        if inner.issues_tokens && request.uri().path() == "/api/v2/token" {
            return Box::pin(Reply::token().give());
        }
        let Some((line, reply)) = inner.expected.pop_front() else {
            drop(inner);
            panic!("unexpected request: {}", sent.line);
        };
        drop(inner);
        let path = sent.line.split('?').next().unwrap();
        assert!(line == sent.line || line == path, "expected {line}, got {}", sent.line);
        Box::pin(reply.give())
    }
}

/// A client whose requests are handled by a function of the test.
pub(crate) fn answering(reply: impl Fn(&Sent) -> Reply + Send + Sync + 'static) -> Client {
    answering_builder(reply).build().unwrap()
}

/// The builder of such a client.
pub(crate) fn answering_builder(reply: impl Fn(&Sent) -> Reply + Send + Sync + 'static) -> ClientBuilder {
    client_of(Answering(reply))
}

struct Answering<F>(F);

impl<F: Fn(&Sent) -> Reply + Send + Sync + 'static> Transport for Answering<F> {
    fn send<'a>(&'a self, request: &'a Request, _: Duration) -> BoxFuture<'a, Result<Response, TransportError>> {
        let reply = self.0(&Sent::of(request));
        Box::pin(reply.give())
    }
}

fn client_of(transport: impl Transport) -> ClientBuilder {
    Client::builder(BASE_URL).credentials(CLIENT_ID, CLIENT_SECRET).transport(transport)
}

/// Returns whether a request is a valid token request.
pub(crate) fn is_token_request(sent: &Sent) -> bool {
    sent.line == format!("{} /api/v2/token", Method::POST)
        && sent.body == format!("grant_type=client_credentials&client_id={CLIENT_ID}&client_secret={CLIENT_SECRET}")
        && sent.headers["content-type"] == "application/x-www-form-urlencoded"
}

/// Advances the paused time by `time`.
pub(crate) async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
}
