//! `Debug` output, errors and traces contain no secrets, whatever a server does with them.

use std::error::Error as _;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use runai_api::name::SUBMISSION_LABEL;
use runai_api::request::ApiRequest;
use runai_api::wire::{EnvironmentVariable, Label, TrainingCreationRequest, TrainingSpec};
use runai_client::lifecycle::WaitPolicy;
use runai_client::transport::{HttpTransport, Request, Response, Transport, TransportError};
use runai_client::{BatchAction, BoxFuture, Client, Error, ListParams, ReceiptDirectory, SecretString, StepOperator};
use serde_json::{Value, json};
use tokio::time::timeout;
use tracing::Level;

use crate::network::submission_of;
use crate::script::{BASE_URL, CLIENT_ID, CLIENT_SECRET, Reply, Script, Sent, TOKEN, answering};

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

/// Responds with the request's headers and body.
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
async fn redacts_echoed_secrets() {
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
                let error = client.send::<Vec<u64>>(&ApiRequest::post("/api/v1/x").json(&json!({}))).await.unwrap_err();
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
                // A workload in an unknown phase is followed without limit.
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
async fn receipts_and_panics_hide_secrets() {
    let directory = tempfile::tempdir().unwrap();
    let label = Label { name: Some(SUBMISSION_LABEL.into()), value: Some("abcdefghijkl".into()), exclude: None };
    // The environment of a job is secret.
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
        let panic =
            tokio::spawn(async move { operator.submit(&submission_of(&request)).await.unwrap() }).await.unwrap_err();
        assert_clean(panic.into_panic().downcast_ref::<String>().unwrap());
    }
    let files: Vec<_> = fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(!files.is_empty());
    for file in files {
        assert_clean(&fs::read_to_string(file).unwrap());
    }
}

/// The secrets of a submission.
const SENT: [&str; 5] = ["canary-mode-1", "a \"tw0\" <&> lines\nof c4nary", "hush6!", "k9z4", "canary-in-a-url-5"];

/// Unique words of these secrets.
const WORDS: [&str; 6] = ["mode-1", "tw0", "c4nary", "hush6", "k9z4", "in-a-url-5"];

fn submission() -> TrainingCreationRequest {
    let variables = [("MODE", SENT[0]), ("TEXT", SENT[1]), ("HF_TOKEN", SENT[2]), ("MY_PASSWORD", SENT[3])];
    TrainingCreationRequest {
        name: "fit-abcdefghijkl".into(),
        spec: TrainingSpec {
            args: Some(format!("clone https://me:{}@git.test/x", SENT[4])),
            environment_variables: variables.map(|(name, value)| EnvironmentVariable::literal(name, value)).into(),
            ..TrainingSpec::default()
        },
        ..TrainingCreationRequest::default()
    }
}

/// Error bodies that quote the request in all encodings.
fn quoted(sent: &Sent) -> Vec<String> {
    let body: Value = serde_json::from_str(&sent.body).unwrap();
    let plain: Vec<&str> = body["spec"]["environmentVariables"]
        .as_array()
        .unwrap()
        .iter()
        .map(|variable| variable["value"].as_str().unwrap())
        .chain(body["spec"]["args"].as_str())
        .collect();
    let plain = plain.join("; ");
    let html = plain.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&#34;");
    vec![sent.body.clone(), plain.clone(), runai_api::request::encode_component(&plain), html]
}

#[tokio::test(start_paused = true)]
async fn redacts_quoted_submission() {
    let traces = traces();
    for status in [200, 202, 302, 400, 403, 404, 409, 413, 422, 500, 501, 503] {
        for (way, is_json) in (0..4).flat_map(|way| [(way, true), (way, false)]) {
            let client = answering(move |sent| {
                if sent.line.ends_with("/token") {
                    return Reply::token();
                }
                let text = format!("you sent {}", quoted(sent)[way]);
                if !is_json {
                    return Reply::text(status, &format!("<html>{text}</html>"));
                }
                let issue = json!({"field": text, "details": text, "rule": text});
                Reply::json(
                    status,
                    &json!({"code": status, "message": text, "details": text, "complianceIssues": [issue]}),
                )
            });
            let error = client.create_training(&submission()).await.unwrap_err();
            let text = everything_about(&error);
            for word in WORDS {
                assert!(!text.contains(word), "{word} of {status}, {way}, {is_json}: {text}");
            }
            assert!(status < 300 || text.contains("you sent"), "{text}");
        }
    }
    let traces = traces.text();
    assert!(WORDS.iter().all(|word| !traces.contains(word)), "{traces}");
}

#[tokio::test(start_paused = true)]
async fn does_not_quote_other_workloads() {
    let traces = traces();
    let secret = "canary-of-somebody-else";
    let other = json!({"id": "w", "environmentVariables": {"HF_TOKEN": secret}, "phase": [secret]});
    for body in [
        json!({"workloads": [other], "next": 0.5}).to_string(),
        json!({"workloads": {"one": other}}).to_string(),
        json!({"workload": [other]}).to_string(),
        json!([other]).to_string(),
        json!(secret).to_string(),
        format!("<html>{secret}</html>"),
        format!("{{\"workloads\": [{other}, {secret}"),
    ] {
        let script = Script::new();
        for line in ["GET /api/v1/workloads", "GET /api/v1/workloads", "GET /api/v1/workloads/w"] {
            script.expect(line, Reply::text(200, &body).header("content-type", format!("text/{secret} x")));
        }
        let client = script.client();
        for error in [
            client.workloads(&ListParams::default()).await.unwrap_err(),
            client.send::<Vec<u64>>(&ApiRequest::get("/api/v1/workloads")).await.unwrap_err(),
            client.workload("w").await.map(|workload| assert!(workload.id.is_empty())).unwrap_err(),
        ] {
            let text = everything_about(&error);
            assert!(!text.contains("canary") && matches!(error, Error::UnexpectedResponse { .. }), "{text}");
        }
    }
    // An invalid item is skipped, and the log does not quote it.
    let script = Script::new();
    script.expect("GET /api/v1/workloads", Reply::json(200, &json!({"workloads": [other]})));
    assert_eq!(script.client().workloads(&ListParams::default()).await.unwrap(), []);
    let traces = traces.text();
    assert!(traces.contains("skipped invalid list items") && !traces.contains(secret), "{traces}");
}

#[tokio::test(start_paused = true)]
async fn redacts_configured_values() {
    let client = answering(|sent| {
        if sent.line.ends_with("/token") {
            return Reply::token();
        }
        let text = "canary-1 offline; canary%2F2, \"password\": \"canary-3\"";
        if sent.line.ends_with("/batch") {
            return Reply::json(200, &json!({"failed": [{"id": "w", "code": 400, "message": text}]}));
        }
        Reply::error(400, text).header("location", "https://elsewhere.test/canary%2F2")
    });
    // All clones redact the values.
    client.clone().redact(["canary-1", "canary/2", "offline"].map(SecretString::from));
    let asset =
        ApiRequest::put("/api/v1/asset/credentials/password/1").json(&json!({"spec": {"password": "canary-3"}}));
    let error = client.call(&asset).await.unwrap_err();
    let text = everything_about(&error);
    assert!(!text.contains("canary"), "{text}");
    assert!(text.contains("[redacted] offline; [redacted], "), "{text}");
    let failed = client.batch(BatchAction::Delete, &["w".to_owned()]).await.unwrap().failed;
    assert!(!format!("{failed:?}").contains("canary"), "{failed:?}");
}

#[tokio::test]
async fn debug_of_request_hides_token() {
    struct Printing;
    impl Transport for Printing {
        fn send<'a>(&'a self, request: &'a Request, _: Duration) -> BoxFuture<'a, Result<Response, TransportError>> {
            let shown = format!("{request:?} {request:#?}");
            assert!(shown.to_ascii_lowercase().contains("authorization"), "{shown}");
            assert_clean(&shown);
            Box::pin(async { Ok(Response::new("[]".into())) })
        }
    }
    let client = Client::builder(BASE_URL).token(TOKEN).transport(Printing).build().unwrap();
    client.clusters().await.unwrap();
    let transport = HttpTransport::new(&"http://localhost".parse().unwrap(), Duration::from_secs(1)).unwrap();
    assert_clean(&format!("{transport:?}"));
}

/// The traces of the whole process: those of other tests must contain no secrets either.
///
/// Thread-local subscribers would not see events that other threads without a subscriber have disabled.
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
