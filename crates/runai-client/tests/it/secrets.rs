//! Secrets are in no Debug text, no error and no trace, whatever the other side does with them.

use std::error::Error as _;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use runai_client::transport::{HttpTransport, Request};
use runai_client::{Client, Error, ReceiptDirectory, StepOperator};
use runai_spec::name::SUBMISSION_LABEL;
use runai_spec::request::ApiRequest;
use runai_spec::wait::WaitPolicy;
use runai_spec::wire::{EnvironmentVariable, Label, TrainingCreationRequest, TrainingSpec};
use serde_json::{Value, json};
use tokio::time::timeout;
use tracing::Level;

use crate::script::{BASE_URL, CLIENT_ID, CLIENT_SECRET, Reply, Sent, TOKEN, answering};

const SECRETS: [&str; 3] = [CLIENT_ID, CLIENT_SECRET, TOKEN];

#[track_caller]
fn assert_clean(text: &str) {
    for secret in SECRETS {
        assert!(!text.contains(secret), "{secret} in: {text}");
    }
}

fn everything_about(error: &Error) -> String {
    let mut text = format!("{error} {error:?} {error:#?} {:?}", error.hint());
    let mut source = error.source();
    while let Some(inner) = source {
        let _ = write!(text, " {inner} {inner:?}");
        source = inner.source();
    }
    text
}

/// Answers with whatever it was sent, headers and body.
fn echo(sent: &Sent, status: u16, as_json: bool) -> Reply {
    let authorization = sent.headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
    let text = format!("you sent {authorization:?} and {} {CLIENT_ID}/{CLIENT_SECRET}", sent.body);
    let reply = if as_json {
        let issue = json!({"field": text, "details": text});
        let body =
            json!({"code": status, "message": text, "details": text, "complianceIssues": [issue], "error": text});
        Reply::json(status, &body)
    } else {
        Reply::text(status, &text)
    };
    reply.header("location", format!("https://elsewhere.test/?secret={CLIENT_SECRET}"))
}

#[tokio::test(start_paused = true)]
async fn nothing_that_the_other_side_echoes_is_passed_on() {
    let traces = traces();

    for status in [200, 302, 400, 401, 403, 404, 409, 500, 503] {
        for as_json in [true, false] {
            for tokens_work in [true, false] {
                let client = answering(move |sent| {
                    if tokens_work && sent.line.ends_with("/token") {
                        Reply::token()
                    } else {
                        echo(sent, status, as_json)
                    }
                });
                assert_clean(&format!("{client:?} {client:#?}"));
                let error = client.send::<Vec<u64>>(&ApiRequest::post("/api/v1/x").json(json!({}))).await.unwrap_err();
                assert_clean(&everything_about(&error));
                let operator = StepOperator::new(client, "vision");
                assert_clean(&everything_about(&operator.prepare().await.unwrap_err()));
                let mut watch = operator.watch("w1", WaitPolicy::default());
                watch.set_max_outage(Some(Duration::ZERO));
                let followed = async {
                    loop {
                        match watch.next().await {
                            Ok(Some(event)) => assert_clean(&format!("{event:?}")),
                            Ok(None) => break None,
                            Err(error) => break Some(error),
                        }
                    }
                };
                // A workload of an unknown phase is followed for ever.
                let error = timeout(Duration::from_mins(10), followed).await.unwrap_or(None);
                assert_clean(&format!("{:?} {watch:?} {}", error, serde_json::to_string(watch.state()).unwrap()));
            }
        }
    }
    let traces = traces.text();
    assert!(traces.contains("POST") && traces.contains("got a token"), "{traces}");
    assert_clean(&traces);
}

#[tokio::test]
async fn nor_do_sockets_tell() {
    let traces = traces();

    let app = axum::Router::new()
        .route(
            "/api/v2/token",
            axum::routing::post(|| async { axum::Json(json!({"access_token": TOKEN, "expires_in": 60})) }),
        )
        .fallback(|request: axum::extract::Request| async move {
            (http::StatusCode::BAD_REQUEST, format!("{:?}", request.headers()))
        });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move { axum::serve(listener, app).await });

    let builder = Client::builder(base_url).credentials(CLIENT_ID, CLIENT_SECRET);
    assert_clean(&format!("{builder:?}"));
    let client = builder.build().unwrap();
    let error = client.send::<Value>(&ApiRequest::get("/api/v1/x")).await.unwrap_err();
    assert_clean(&everything_about(&error));
    server.abort();
    let traces = traces.text();
    assert!(traces.contains("/api/v1/x"), "{traces}");
    assert_clean(&traces);
}

#[tokio::test(start_paused = true)]
async fn nor_do_receipts_and_panics() {
    let directory = tempfile::tempdir().unwrap();
    let label = Label { name: Some(SUBMISSION_LABEL.into()), value: Some("abcdefghijkl".into()), exclude: None };
    // What a job gets to know is nobody else's business.
    let request = TrainingCreationRequest {
        name: "fit-abcdefghijkl".into(),
        spec: TrainingSpec {
            labels: vec![label],
            environment_variables: vec![EnvironmentVariable::literal("KEY", CLIENT_SECRET)],
            ..TrainingSpec::default()
        },
        ..TrainingCreationRequest::default()
    };
    for status in [202, 409, 500] {
        let client = answering(
            move |sent| {
                if sent.line.ends_with("/token") { Reply::token() } else { echo(sent, status, true) }
            },
        );
        let store = Arc::new(ReceiptDirectory::new(directory.path()));
        let operator = StepOperator::new(client, "vision").receipts(store);
        let request = request.clone();
        let panic = tokio::spawn(async move { operator.submit(&request).await.unwrap() }).await.unwrap_err();
        assert_clean(panic.into_panic().downcast_ref::<String>().unwrap());
    }
    let files: Vec<_> = fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(!files.is_empty());
    for file in files {
        assert_clean(&fs::read_to_string(file).unwrap());
    }
}

#[test]
fn requests_show_neither_headers_nor_body() {
    let url = url::Url::parse(BASE_URL).unwrap();
    let mut headers = http::HeaderMap::new();
    headers.insert("authorization", TOKEN.parse().unwrap());
    let request = Request {
        method: http::Method::POST,
        url: url.clone(),
        headers,
        body: CLIENT_SECRET.into(),
        timeout: Duration::from_secs(1),
    };
    assert_clean(&format!("{request:?} {request:#?}"));
    let transport = HttpTransport::new(&"http://localhost".parse().unwrap(), Duration::from_secs(1)).unwrap();
    assert_clean(&format!("{transport:?}"));
}

/// The traces of this whole process: every other test's, too, must be clean.
///
/// Subscribers of single threads would miss what other threads' lack of one has switched off.
fn traces() -> &'static Traces {
    static TRACES: LazyLock<Traces> = LazyLock::new(|| {
        let traces = Traces::default();
        let subscriber = tracing_subscriber::fmt().with_max_level(Level::TRACE).with_writer(traces.clone()).finish();
        tracing::subscriber::set_global_default(subscriber).unwrap();
        traces
    });
    &TRACES
}

#[derive(Clone, Default)]
struct Traces(Arc<Mutex<Vec<u8>>>);

impl Traces {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl io::Write for Traces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl tracing_subscriber::fmt::MakeWriter<'_> for Traces {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}
