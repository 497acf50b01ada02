use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::StatusCode;
use runai_api::request::ApiRequest;
use runai_api::wire::TrainingCreationRequest;
use runai_client::transport::{Request, Response, Transport, TransportError, TransportErrorKind};
use runai_client::{BoxFuture, Client, Error, RetryPolicy};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::script::{Reply, Script, answering};

const LINE: &str = "GET /api/v1/clusters";

#[tokio::test(start_paused = true)]
async fn retries_reads() {
    let script = Script::new();
    script
        .expect(LINE, Reply::Refused)
        .expect(LINE, Reply::Lost)
        .expect(LINE, Reply::text(502, "<html>bad gateway</html>"))
        .expect(LINE, Reply::error(503, "starting"))
        .expect(LINE, Reply::text(504, ""))
        .expect(LINE, Reply::error(429, "slow down"))
        .expect(LINE, Reply::text(200, "[]"));
    assert_eq!(script.client().clusters().await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn retries_deletes() {
    let script = Script::new();
    script
        .expect("DELETE /api/v1/workloads/trainings/w", Reply::Lost)
        .expect("DELETE /api/v1/workloads/trainings/w", Reply::text(202, ""));
    script.client().delete("w").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn never_resends_ambiguous_post() {
    let line = "POST /api/v1/workloads/trainings";
    for (reply, ambiguous) in [
        (Reply::Lost, true),
        (Reply::Hangs, true),
        (Reply::text(502, "bad gateway"), true),
        (Reply::error(503, "starting"), true),
        (Reply::error(500, "oops"), true),
        (Reply::text(202, "<html>"), true),
        (Reply::text(202, ""), true),
        (Reply::error(400, "bad image"), false),
        (Reply::error(403, "no"), false),
    ] {
        let script = Script::new();
        script.expect(line, reply);
        let error = script.client().create_training(&TrainingCreationRequest::default()).await.unwrap_err();
        assert_eq!(error.may_have_taken_effect(), ambiguous, "{error:?}");
    }
    let script = Script::new();
    script
        .expect(line, Reply::Refused)
        .expect(line, Reply::error(429, "slow down"))
        .expect(line, Reply::json(202, &json!({"workloadId": "w"})));
    let training = script.client().create_training(&TrainingCreationRequest::default()).await.unwrap();
    assert_eq!(training.workload_id, "w");
}

#[tokio::test(start_paused = true)]
async fn gives_up_in_time() {
    let everything: [fn() -> Reply; 4] =
        [|| Reply::Hangs, || Reply::Refused, || Reply::Lost, || Reply::error(503, "starting")];
    for reply in everything {
        let client = answering(move |_| reply());
        let begun = Instant::now();
        let error = client.clusters().await.unwrap_err();
        assert!(error.is_unreachable(), "{error}");
        assert!(begun.elapsed() <= Duration::from_secs(15), "{:?}", begun.elapsed());
        assert!(begun.elapsed() >= Duration::from_secs(9), "{:?}", begun.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn once_tries_once() {
    let script = Script::new();
    script.expect(LINE, Reply::error(503, "starting"));
    let client = script.builder().retry_policy(RetryPolicy::once(Duration::from_secs(5))).build().unwrap();
    assert!(client.clusters().await.unwrap_err().is_unreachable());
}

#[tokio::test(start_paused = true)]
async fn classifies_errors() {
    let request = ApiRequest::get("/api/v1/x");
    for (status, predicate) in [
        (400, Error::is_refused as fn(&Error) -> bool),
        (401, Error::is_auth),
        (403, Error::is_auth),
        (404, Error::is_not_found),
        (405, Error::is_refused),
        (409, Error::is_refused),
        (422, Error::is_refused),
        (501, Error::is_refused),
        (307, Error::is_refused),
        (429, Error::is_unreachable),
        (500, Error::is_unreachable),
        (503, Error::is_unreachable),
    ] {
        let client =
            answering(
                move |sent| {
                    if sent.line.ends_with("/token") { Reply::token() } else { Reply::error(status, "because") }
                },
            );
        let error = client.send::<Value>(&request).await.unwrap_err();
        let all =
            [Error::is_refused, Error::is_auth, Error::is_not_found, Error::is_unreachable, Error::is_configuration];
        let holds: Vec<_> = all.iter().map(|predicate| predicate(&error)).collect();
        assert!(predicate(&error), "{error}: {holds:?}");
        assert_eq!(holds.iter().filter(|holds| **holds).count(), 1, "{error}: {holds:?}");
        assert!(error.to_string().contains("because"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn does_not_follow_redirects() {
    let script = Script::new();
    script.expect(LINE, Reply::text(302, "").header("location", "https://login.example.com/"));
    let error = script.client().clusters().await.unwrap_err();
    assert!(error.hint().unwrap().contains("`https://login.example.com/`"), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn does_not_quote_unexpected_responses() {
    let script = Script::new();
    script
        .expect(LINE, Reply::text(200, "<html>log in</html>").header("content-type", "text/html; charset=utf-8"))
        .expect(LINE, Reply::text(200, r#"[{"uuid": "#))
        .expect(LINE, Reply::text(200, r#""log in""#).header("content-type", "log in"));
    let client = script.client();
    for problem in [
        "is not JSON (text/html, 19 bytes)",
        "is not JSON (10 bytes)",
        "does not match the API at line 1, column 8 of its body (8 bytes)",
    ] {
        let error = client.clusters().await.unwrap_err();
        assert!(matches!(error, Error::UnexpectedResponse { .. }) && error.is_unreachable(), "{error:?}");
        assert_eq!(error.to_string(), format!("the response to `{LINE}` (200 OK) {problem}"));
    }
}

#[tokio::test(start_paused = true)]
async fn explicit_idempotency_overrides_method() {
    let (line, post) = ("POST /api/v1/x", ApiRequest::post("/api/v1/x"));
    let script = Script::new();
    script.expect(line, Reply::Lost).expect(line, Reply::text(200, "[]"));
    let answer = script.client().call(&post.clone().idempotent(true)).await.unwrap();
    assert_eq!((answer.status, &answer.bytes[..]), (StatusCode::OK, b"[]".as_slice()));

    for request in [post, ApiRequest::patch("/api/v1/x"), ApiRequest::put("/api/v1/x").idempotent(false)] {
        let script = Script::new();
        script.expect(&format!("{} /api/v1/x", request.method), Reply::Lost);
        assert!(script.client().call(&request).await.unwrap_err().may_have_taken_effect());
    }
    let script = Script::new();
    script.expect("PUT /api/v1/x", Reply::text(502, "")).expect("PUT /api/v1/x", Reply::text(204, ""));
    assert_eq!(script.client().call(&ApiRequest::put("/api/v1/x")).await.unwrap().status, StatusCode::NO_CONTENT);
}

#[tokio::test(start_paused = true)]
async fn only_api_refusals_had_no_effect() {
    let page = "<html>no</html>";
    let other_json = r#"{"error": "no route", "status": 404}"#;
    let of_api = r#"{"code": 400, "message": "no"}"#;
    for (status, body, ambiguous) in [
        (202, page, true),
        (204, "", true),
        (302, "", true),
        (307, of_api, true),
        (400, of_api, false),
        (400, page, true),
        (400, other_json, true),
        (400, "", true),
        (400, r#"[400, "no"]"#, true),
        (400, r#"{"code": 3, "message": "no", "details": []}"#, true),
        (403, of_api, false),
        (404, of_api, false),
        (404, page, true),
        (405, other_json, true),
        (407, page, false),
        (408, of_api, true),
        (409, of_api, false),
        (410, page, true),
        (413, page, true),
        (422, of_api, false),
        (500, of_api, true),
        (500, page, true),
        (501, of_api, true),
        (502, page, true),
        (503, of_api, true),
        (504, "", true),
    ] {
        let script = Script::new();
        script.expect("POST /api/v1/workloads/trainings", Reply::text(status, body));
        let error = script.client().create_training(&TrainingCreationRequest::default()).await.unwrap_err();
        assert_eq!(error.may_have_taken_effect(), ambiguous, "{status} {body}: {error:?}");
        assert_eq!(error.is_from_api(), status >= 300 && body == of_api, "{status} {body}: {error:?}");
    }
    // A 429 of any server means that the request had no effect.
    let script = Script::new();
    script.expect("POST /api/v1/workloads/trainings", Reply::text(429, page).header("retry-after", "3600"));
    let error = script.client().create_training(&TrainingCreationRequest::default()).await.unwrap_err();
    assert!(!error.may_have_taken_effect() && !error.is_from_api() && error.is_unreachable(), "{error:?}");
}

/// Records the addresses of requests, and fails.
#[derive(Clone, Default)]
struct Addresses(Arc<Mutex<Vec<(usize, usize)>>>);

impl Transport for Addresses {
    fn send<'a>(&'a self, request: &'a Request, _: Duration) -> BoxFuture<'a, Result<Response, TransportError>> {
        let address = std::ptr::from_ref(request).addr();
        self.0.lock().unwrap().push((address, request.body().as_ptr().addr()));
        Box::pin(async { Err(TransportError::not_sent(TransportErrorKind::Connect, "refused")) })
    }
}

#[tokio::test(start_paused = true)]
async fn attempts_share_one_request() {
    let addresses = Addresses::default();
    let client = Client::builder("https://org.run.ai").token("t").transport(addresses.clone()).build().unwrap();
    let request = ApiRequest::post("/api/v1/x").json(&json!({"a": 1}));
    client.call(&request).await.unwrap_err();
    let addresses = addresses.0.lock().unwrap();
    assert!(addresses.len() > 1 && addresses.iter().all(|address| address == &addresses[0]), "{addresses:?}");
    assert_eq!(addresses[0].1, request.body.as_ref().unwrap().as_ptr().addr());
}
