use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use runai_sim::{Simulator, StartError};
use serde_json::Value;

use crate::{Api, CLUSTER, pass};

#[tokio::test]
async fn unknown_path_returns_501() {
    let api = Api::new().await;
    for line in [
        "GET /api/v1/workloads/telemetry/x",
        "GET /api/v1/workloads/telemetry",
        "POST /api/v1/workloads/workspaces",
        "POST /api/v2/workloads",
        "GET /index.html",
        "GET /api/v1/clusters/",
    ] {
        let message = api.call(line, Value::Null).await.refused(StatusCode::NOT_IMPLEMENTED);
        assert_eq!(message, format!("{line} is not simulated"));
    }
}

#[tokio::test]
async fn wrong_method_returns_405() {
    let api = Api::new().await;
    for (line, allow) in [
        ("DELETE /api/v1/clusters", "GET,HEAD"),
        ("PUT /api/v1/workloads/trainings/1", "GET,HEAD,DELETE"),
        ("GET /api/v1/workloads/trainings/1/suspend", "POST"),
        ("GET /api/v2/token", "POST"),
    ] {
        let answer = api.call(line, Value::Null).await;
        assert_eq!(answer.headers[header::ALLOW], allow, "{line}");
        answer.refused(StatusCode::METHOD_NOT_ALLOWED);
    }
}

#[tokio::test(start_paused = true)]
async fn date_is_simulated_time() {
    let api = Api::of(Simulator::builder().speed(60.0)).await;
    pass(1.0).await;
    for line in
        ["GET /api/v1/clusters", "GET /api/v1/workloads/x", "GET /nowhere", "PUT /api/v1/clusters", "GET /api/v2/token"]
    {
        let answer = api.call(line, Value::Null).await;
        assert_eq!(answer.headers[header::DATE], "Mon, 23 Nov 2026 10:01:00 GMT", "{line}");
    }
    let answer = api.send(Request::get("/api/v1/clusters").body(Body::empty()).unwrap()).await;
    assert_eq!(answer.headers.get_all(header::DATE).iter().count(), 1);
}

#[tokio::test(start_paused = true)]
async fn clusters_are_an_array() {
    let api = Api::new().await;
    let clusters = api.get("/api/v1/clusters").await;
    assert_eq!((&clusters[0]["name"], &clusters[0]["uuid"]), (&"sim-cluster".into(), &CLUSTER.into()));
    let cluster = api.get(&format!("/api/v1/clusters/{CLUSTER}")).await;
    assert_eq!(cluster, clusters[0]);
    assert_eq!(cluster["createdAt"], "2026-11-23T10:00:00.000Z");
    api.call("GET /api/v1/clusters/other", Value::Null).await.refused(StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn reads_project_by_id() {
    let api = Api::of(Simulator::builder().projects(["vision", "speech"])).await;
    let project = api.get("/api/v1/org-unit/projects/2").await;
    assert_eq!((&project["name"], &project["clusterId"]), (&"speech".into(), &CLUSTER.into()));
    assert_eq!(project["status"]["namespace"], "runai-speech");
    assert_eq!(project["status"]["phase"], "Ready");
    let message = api.call("GET /api/v1/org-unit/projects/3", Value::Null).await.refused(StatusCode::NOT_FOUND);
    assert_eq!(message, "unknown project with the id `3`");
}

#[tokio::test]
async fn rejects_invalid_configuration() {
    for speed in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(matches!(Simulator::builder().speed(speed).in_memory(), Err(StartError::Speed { .. })));
    }
    let none: [&str; 0] = [];
    assert!(matches!(Simulator::builder().projects(none).in_memory(), Err(StartError::NoProject)));
    let exec = runai_sim::Exec::in_directory("/no/such/directory");
    let error = Simulator::builder().exec(exec).start().await.err().unwrap();
    assert_eq!(error.to_string(), "working directory of commands is not a directory: `/no/such/directory`");
}

#[tokio::test]
async fn reports_port_in_use() {
    let first = Simulator::builder().start().await.unwrap();
    let address: std::net::SocketAddr = first.base_url().strip_prefix("http://").unwrap().parse().unwrap();
    let error = Simulator::builder().bind(address).start().await.err().unwrap();
    let expected = format!("port {} of 127.0.0.1 is in use: choose another port, or 0 for a free one", address.port());
    assert_eq!(error.to_string(), expected);
    first.stop().await;
    Simulator::builder().bind(address).start().await.unwrap().stop().await;
}
