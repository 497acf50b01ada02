use std::time::Duration;

use axum::http::{StatusCode, header};
use runai_sim::{Fault, FaultKind, Simulator};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{Api, pass, training};

const CLUSTERS: &str = "GET /api/v1/clusters";

async fn with(fault: Fault) -> Api {
    // Get the token before faults apply.
    Api::of(Simulator::builder().fault(Fault { path: fault.path.or(Some("/api/v1/*".into())), ..fault })).await
}

#[tokio::test(start_paused = true)]
async fn errors_end_after_window() {
    let kind = FaultKind::Status { status: 429, retry_after: Some("7".into()) };
    let api = with(Fault::new(kind).times(2)).await;
    for _ in 0..2 {
        let answer = api.call(CLUSTERS, Value::Null).await;
        assert_eq!(answer.headers[header::RETRY_AFTER], "7");
        answer.refused(StatusCode::TOO_MANY_REQUESTS);
    }
    api.get("/api/v1/clusters").await;

    let api = with(Fault::default().lasting(Duration::from_mins(1))).await;
    pass(59.0).await;
    api.call(CLUSTERS, Value::Null).await.refused(StatusCode::SERVICE_UNAVAILABLE);
    pass(1.0).await;
    api.get("/api/v1/clusters").await;
}

#[tokio::test]
async fn faults_replace_responses() {
    let api = with(Fault::new(FaultKind::Html { status: 502 })).await;
    let answer = api.text(CLUSTERS).await;
    assert_eq!(answer.0, StatusCode::BAD_GATEWAY);
    assert!(answer.1.starts_with("<html>"));

    let api = with(Fault::new(FaultKind::ExpiredToken)).await;
    assert!(api.call(CLUSTERS, Value::Null).await.refused(StatusCode::UNAUTHORIZED).contains("expired"));

    let api = with(Fault::new(FaultKind::ClockSkew { seconds: -90.0 })).await;
    assert!(
        api.call(CLUSTERS, Value::Null).await.headers[header::DATE]
            .to_str()
            .unwrap()
            .starts_with("Mon, 23 Nov 2026 09:58:3")
    );

    let api = with(Fault::new(FaultKind::EmptyBody).on("POST", "/api/v1/workloads/trainings")).await;
    let answer = api.call("POST /api/v1/workloads/trainings", training("fit", &[], &json!({}))).await;
    assert_eq!((answer.status, answer.body), (StatusCode::ACCEPTED, Value::Null));
    assert_eq!(api.get("/api/v1/workloads/count").await["count"], 1);
}

#[tokio::test]
async fn lost_answer_takes_effect() {
    for (kind, count) in [(FaultKind::LostAnswer, 1), (FaultKind::Reset, 0)] {
        let api = with(Fault::new(kind).on("POST", "/api/v1/workloads/*")).await;
        assert!(api.broken("POST /api/v1/workloads/trainings", training("fit", &[], &json!({}))).await.is_empty());
        assert_eq!(api.get("/api/v1/workloads/count").await["count"], count);
    }
}

#[tokio::test(start_paused = true)]
async fn sends_bytes_slowly() {
    let api = with(Fault::new(FaultKind::SlowBytes { delay: 1000 })).await;
    let begun = tokio::time::Instant::now();
    let clusters = api.get("/api/v1/clusters").await;
    assert!(begun.elapsed() >= Duration::from_secs(clusters.to_string().len() as u64));
}

/// Sends a request on a new connection. Returns all bytes, and whether the connection was reset.
async fn raw(sim: &Simulator, request: &str) -> (String, bool) {
    let address = sim.base_url().strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    let end = stream.read_to_end(&mut bytes).await;
    let reset = end.is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionReset);
    (String::from_utf8(bytes).unwrap(), reset)
}

#[tokio::test]
async fn counts_applied_faults() {
    let reset = Fault::new(FaultKind::Reset).on("GET", "/api/v1/clusters").times(2);
    let date = Fault::new(FaultKind::MissingDate).on("GET", "/api/v1/*");
    let sim = Simulator::builder().faults([reset, date]).in_memory().unwrap();
    assert!(sim.applied_faults().is_empty());
    for path in ["/api/v1/clusters", "/api/v1/clusters", "/api/v1/clusters", "/api/v2/token", "/sim/state"] {
        let request = axum::http::Request::get(path).body(axum::body::Body::empty()).unwrap();
        tower::ServiceExt::oneshot(sim.router(), request).await.unwrap();
    }
    sim.clear_faults();
    assert_eq!(sim.applied_faults(), [("missingDate", 3), ("reset", 2)].into());
}

#[tokio::test]
async fn breaks_connections() {
    let sim = Simulator::builder().start().await.unwrap();
    let body = "grant_type=client_credentials&client_id=sim-client&client_secret=sim-secret-not-real";
    let request = format!(
        "POST /api/v2/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    for kind in [FaultKind::Reset, FaultKind::LostAnswer] {
        sim.add_fault(Fault::new(kind));
        assert_eq!(raw(&sim, &request).await, (String::new(), true));
        sim.clear_faults();
    }
    sim.add_fault(Fault::new(FaultKind::ResetInBody));
    let (answer, reset) = raw(&sim, &request).await;
    let (head, part) = answer.split_once("\r\n\r\n").unwrap();
    let promised: usize = head
        .to_lowercase()
        .lines()
        .find_map(|line| line.strip_prefix("content-length: ").map(str::to_owned))
        .unwrap()
        .parse()
        .unwrap();
    assert!(reset && head.starts_with("HTTP/1.1 200") && part.len() == promised / 2, "{answer}");
    sim.clear_faults();
    let (answer, reset) = raw(&sim, &request).await;
    assert!(answer.ends_with('}') && !reset && answer.contains("\r\ndate: "), "{answer}");
    // The server must not add the missing header.
    sim.add_fault(Fault::new(FaultKind::MissingDate));
    let (answer, _) = raw(&sim, &request).await;
    assert!(answer.starts_with("HTTP/1.1 200") && !answer.to_lowercase().contains("\r\ndate:"), "{answer}");
    sim.stop().await;
}
