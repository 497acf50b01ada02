use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::StatusCode;
use runai_client::Error;
use serde_json::json;

use crate::script::{CLIENT_ID, CLIENT_SECRET, Reply, Script, TOKEN, answering, is_token_request, pass};

#[tokio::test(start_paused = true)]
async fn tries_v2_first_and_reuses_token() {
    let script = Script::without_tokens();
    script
        .expect("POST /api/v2/token", Reply::token())
        .expect("GET /api/v1/clusters", Reply::text(200, "[]"))
        .expect("GET /api/v1/clusters", Reply::text(200, "[]"));
    let client = script.client();
    client.clusters().await.unwrap();
    pass(Duration::from_secs(3600 - 61)).await;
    client.clusters().await.unwrap();

    let sent = script.sent();
    assert!(is_token_request(&sent[0]));
    assert!(!sent[0].headers.contains_key("authorization"));
    for request in &sent[1..] {
        assert_eq!(request.headers["authorization"], format!("Bearer {TOKEN}"));
        assert!(request.headers["authorization"].is_sensitive());
    }

    // Nobody waits for the renewal: the token is still valid.
    script.expect("GET /api/v1/clusters", Reply::text(200, "[]")).expect("POST /api/v2/token", Reply::token());
    pass(Duration::from_secs(2)).await;
    client.clusters().await.unwrap();
    pass(Duration::from_secs(1)).await;
    script.expect("GET /api/v1/clusters", Reply::text(200, "[]"));
    client.clusters().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn falls_back_to_v1() {
    for missing in [404, 405, 501] {
        let script = Script::without_tokens();
        let token = json!({"accessToken": "t1", "expiresIn": 100});
        script
            .expect("POST /api/v2/token", Reply::text(missing, "<html>nothing here</html>"))
            .expect("POST /api/v1/token", Reply::json(200, &token))
            .expect("GET /api/v1/clusters", Reply::text(200, "[]"));
        let client = script.client();
        client.clusters().await.unwrap();
        let sent = script.sent();
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&sent[1].body).unwrap(),
            json!({"grantType": "client_credentials", "clientID": CLIENT_ID, "clientSecret": CLIENT_SECRET})
        );
        assert_eq!(sent[2].headers["authorization"], "Bearer t1");

        script
            .expect("POST /api/v1/token", Reply::json(200, &token))
            .expect("GET /api/v1/clusters", Reply::text(200, "[]"));
        pass(Duration::from_secs(101)).await;
        client.clusters().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn token_refusals_are_auth_errors() {
    for (status, body, reason) in [
        (400, r#"{"error": "invalid_grant"}"#, "invalid_grant"),
        (
            401,
            r#"{"error": "invalid_client", "error_description": "no such client"}"#,
            "invalid_client: no such client",
        ),
        (401, r#"{"code": 401, "message": "wrong secret"}"#, "wrong secret"),
        (403, "<html>forbidden</html>", "<html>forbidden</html>"),
        (422, "", ""),
    ] {
        let script = Script::without_tokens();
        script.expect("POST /api/v2/token", Reply::text(status, body));
        let error = script.client().clusters().await.unwrap_err();
        assert!(
            error.is_auth() && !error.is_refused() && !error.is_unreachable() && !error.is_not_found(),
            "{error:?}"
        );
        assert!(error.hint().is_some());
        let status = StatusCode::from_u16(status).unwrap();
        let colon = if reason.is_empty() { "" } else { ": " };
        assert_eq!(error.to_string(), format!("the control plane refused the credentials: {status}{colon}{reason}"));
    }
}

#[tokio::test(start_paused = true)]
async fn recognizes_missing_token_endpoints() {
    let script = Script::without_tokens();
    script
        .expect("POST /api/v2/token", Reply::text(404, "not found"))
        .expect("POST /api/v1/token", Reply::text(405, "no"));
    let error = script.client().clusters().await.unwrap_err();
    assert!(error.is_auth());
    assert!(error.hint().unwrap().contains("has no token endpoint"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn retries_failing_token_endpoint() {
    let script = Script::without_tokens();
    script
        .expect("POST /api/v2/token", Reply::error(503, "starting"))
        .expect("POST /api/v2/token", Reply::Refused)
        .expect("POST /api/v2/token", Reply::Lost)
        .expect("POST /api/v2/token", Reply::token())
        .expect("GET /api/v1/clusters", Reply::text(200, "[]"));
    script.client().clusters().await.unwrap();

    let client = answering(|_| Reply::error(503, "starting"));
    let begun = tokio::time::Instant::now();
    let error = client.clusters().await.unwrap_err();
    assert!(error.is_unreachable() && !error.is_auth(), "{error}");
    assert!(begun.elapsed() <= Duration::from_secs(15));
}

#[tokio::test(start_paused = true)]
async fn rejects_invalid_tokens() {
    for body in [
        "<html>log in</html>",
        r#"{"access_token": "canary-token-8843", "expi"#,
        "{}",
        "",
        r#"{"access_token": "a\nb"}"#,
    ] {
        let script = Script::without_tokens();
        script.expect("POST /api/v2/token", Reply::text(200, body));
        let error = script.client().clusters().await.unwrap_err();
        assert!(matches!(error, Error::UnexpectedResponse { .. }) && error.is_unreachable(), "{error:?}");
        assert!(!format!("{error:?}").contains("canary"), "{error:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn replaces_refused_token_once() {
    let script = Script::without_tokens();
    let token = |text: &str| Reply::json(200, &json!({"access_token": text, "expires_in": 3600}));
    script
        .expect("POST /api/v2/token", token("old"))
        .expect("POST /api/v1/workloads/trainings/w/suspend", Reply::error(401, "expired"))
        .expect("POST /api/v2/token", token("new"))
        .expect("POST /api/v1/workloads/trainings/w/suspend", Reply::text(202, ""))
        .expect("POST /api/v1/workloads/trainings/w/suspend", Reply::error(401, "expired"))
        .expect("POST /api/v2/token", token("newer"))
        .expect("POST /api/v1/workloads/trainings/w/suspend", Reply::error(401, "go away"));
    let client = script.client();
    client.suspend("w").await.unwrap();
    assert_eq!(script.sent()[3].headers["authorization"], "Bearer new");
    let error = client.suspend("w").await.unwrap_err();
    assert!(matches!(error, Error::TokenRefused { .. }) && error.is_auth(), "{error:?}");
    assert!(error.to_string().ends_with("go away"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn callers_share_token_request() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let client = answering(move |sent| {
        if sent.line.ends_with("/token") {
            counter.fetch_add(1, Ordering::Relaxed);
            return Reply::token();
        }
        Reply::text(200, "[]")
    });
    all_at_once(&client).await.into_iter().for_each(|result| result.unwrap());
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn callers_share_refusal_and_renewal() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let client = answering(move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
        Reply::error(503, "starting")
    });
    assert!(all_at_once(&client).await.iter().all(|result| result.as_ref().is_err_and(Error::is_unreachable)));
    let requests = asked.load(Ordering::Relaxed);
    assert!(requests < 30, "{requests}");

    // The first token is refused for all; later callers use the token of the first one.
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let client = answering(move |sent| {
        if sent.line.ends_with("/token") {
            let serial = counter.fetch_add(1, Ordering::Relaxed);
            return Reply::json(200, &json!({"access_token": format!("t{serial}"), "expires_in": 3600}));
        }
        if sent.headers["authorization"] == "Bearer t0" { Reply::error(401, "revoked") } else { Reply::text(200, "[]") }
    });
    all_at_once(&client).await.into_iter().for_each(|result| result.unwrap());
    assert_eq!(asked.load(Ordering::Relaxed), 2);
}

async fn all_at_once(client: &runai_client::Client) -> Vec<Result<(), Error>> {
    let callers: Vec<_> = (0..1000)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.clusters().await.map(drop) })
        })
        .collect();
    let mut results = Vec::new();
    for caller in callers {
        results.push(caller.await.unwrap());
    }
    results
}
