use axum::http::StatusCode;
use runai_sim::{Behaviour, End, Scenario, Simulator};
use serde_json::{Value, json};

use crate::{Api, pass};

#[tokio::test]
async fn page_has_no_external_resources() {
    let api = Api::new().await;
    let (status, page) = api.text("GET /").await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.starts_with("<!doctype html>"));
    for elsewhere in ["http://", "https://", "src=", "@import", "url("] {
        assert!(!page.contains(elsewhere), "{elsewhere}");
    }
}

#[tokio::test(start_paused = true)]
async fn page_shows_device_shares() {
    let api = Api::new().await;
    let half = json!({"gpuDevicesRequest": 1, "gpuRequestType": "portion", "gpuPortionRequest": 0.5});
    api.submit("fit", &[("RUNAI_SIM_RUNNING", "60")], half).await;
    pass(1.0).await;
    let state = api.get("/sim/state").await;
    assert_eq!(state["nodes"][0]["devices"][0], json!([{"portion": 0.5, "workload": "fit"}]));
    assert_eq!(state["nodes"][0]["devices"][1], json!([]));
    let workload = &state["workloads"][0];
    assert_eq!((&workload["name"], &workload["phase"]), (&json!("fit"), &json!("Running")));
    assert_eq!(workload["events"][0]["text"], "Started: fit-0 started");
    assert_eq!((&state["total"], &state["exec"]), (&json!(1), &json!(false)));
}

#[tokio::test(start_paused = true)]
async fn advances_time() {
    let api = Api::new().await;
    let id = api.submit("fit", &[("RUNAI_SIM_RUNNING", "3000")], json!({})).await;
    let answer = api.call("POST /sim/clock", json!({"seconds": 60})).await.expect(StatusCode::OK);
    assert_eq!(answer["now"], "2026-11-23T10:01:00.000Z");
    assert_eq!(api.phase(&id).await, "Running");
    for seconds in [json!(-1), json!("x"), json!(1e300)] {
        api.call("POST /sim/clock", json!({"seconds": seconds})).await.refused(StatusCode::BAD_REQUEST);
    }
}

#[tokio::test(start_paused = true)]
async fn adds_and_removes_faults() {
    let api = Api::new().await;
    let fault = json!({"kind": {"status": {"status": 500}}, "path": "/api/v1/clusters"});
    assert_eq!(api.call("POST /sim/faults", fault.clone()).await.status, StatusCode::CREATED);
    assert_eq!(api.get("/sim/faults").await[0]["path"], fault["path"]);
    api.call("GET /api/v1/clusters", Value::Null).await.refused(StatusCode::INTERNAL_SERVER_ERROR);
    api.get("/api/v1/workloads").await;
    assert_eq!(api.call("DELETE /sim/faults", Value::Null).await.status, StatusCode::NO_CONTENT);
    api.get("/api/v1/clusters").await;
    let wrong = api.call("POST /sim/faults", json!({"kind": "earthquake"})).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);

    assert_eq!(api.call("POST /sim/tokens/expire", json!({})).await.status, StatusCode::NO_CONTENT);
    api.call("GET /api/v1/clusters", Value::Null).await.refused(StatusCode::UNAUTHORIZED);
}

#[tokio::test(start_paused = true)]
async fn injects_failures() {
    let api = Api::new().await;
    let running = [("RUNAI_SIM_RUNNING", "600")];
    let (one, two) = (api.submit("one", &running, json!({})).await, api.submit("two", &running, json!({})).await);
    pass(1.0).await;
    let strike =
        |id: &str, what: &str| (format!("POST /sim/workloads/{id}"), json!({"do": what, "message": "bad luck"}));
    let (line, body) = strike(&one, "fail");
    assert_eq!(api.call(&line, body).await.status, StatusCode::NO_CONTENT);
    assert_eq!(api.workload(&one).await["phaseMessage"], "bad luck");
    let (line, body) = strike(&two, "preempt");
    api.call(&line, body).await;
    assert_eq!(api.phase(&two).await, "Pending");
    pass(1.0).await;
    assert_eq!(api.phase(&two).await, "Running");
    let (line, body) = strike("none", "fail");
    api.call(&line, body).await.refused(StatusCode::NOT_FOUND);
}

#[tokio::test(start_paused = true)]
async fn behaviours_set_outcome() {
    let ending =
        |name: &str, end| Behaviour { name: name.into(), end: Some(end), running: Some(5.0), ..Behaviour::default() };
    let sim = Simulator::builder()
        .behaviour(ending("oom-*", End::OutOfMemory))
        .behaviour(ending("pull-*", End::ImagePullError))
        .behaviour(Behaviour {
            name: "pushed".into(),
            preempt_after: Some(2.0),
            running: Some(5.0),
            ..Behaviour::default()
        })
        .behaviour(Behaviour { message: Some("disk full".into()), ..ending("*", End::Failed) });
    let api = Api::of(sim).await;
    let mut ids = Vec::new();
    for name in ["oom-1", "pull-1", "pushed", "other"] {
        ids.push(api.submit(name, &[("RUNAI_SIM_RUNNING", "1000")], json!({})).await);
    }
    pass(3.0).await;
    assert_eq!(api.phase(&ids[2]).await, "Running");
    pass(7.0).await;
    let mut ends = Vec::new();
    for id in &ids {
        let workload = api.workload(id).await;
        let text = |key: &str| workload[key].as_str().unwrap_or_default().to_owned();
        ends.push(format!("{}: {}", text("phase"), text("phaseMessage")));
    }
    assert_eq!(
        ends,
        [
            "Failed: OOMKilled: exit code 137",
            "Initializing: ImagePullBackOff: cannot pull image `python:3.12`",
            "Completed: ",
            "Failed: disk full",
        ]
    );
    let events = api.get(&format!("/api/v1/workloads/{}/events?sortOrder=asc", ids[2])).await;
    let reasons: Vec<_> =
        events["events"].as_array().unwrap().iter().map(|it| it["reason"].as_str().unwrap()).collect();
    let expected = ["Scheduled", "Pulling", "Started", "Preempted", "Scheduled", "Pulling", "Started", "Completed"];
    assert_eq!(reasons, expected);
}

#[tokio::test(start_paused = true)]
async fn scenario_overrides_defaults() {
    let scenario = Scenario::from_toml(
        "
        strict = true
        tokenLifetime = 60
        [[nodes]]
        gpus = 1
        [[projects]]
        name = 'vision'
        [[accounts]]
        clientId = 'ci'
        clientSecret = 'not-real'
        role = 'leastPrivilege'
        projects = ['vision']
        ",
    );
    let api = Api::of(Simulator::builder().scenario(scenario.unwrap())).await;
    assert_eq!(api.get("/api/v1/org-unit/projects").await["projects"][0]["totalResources"]["gpuQuota"], 1.0);
    let ci = api.log_in("grant_type=client_credentials&client_id=ci&client_secret=not-real").await;
    ci.get("/api/v1/org-unit/projects").await;
    pass(61.0).await;
    ci.call("GET /api/v1/org-unit/projects", Value::Null).await.refused(StatusCode::UNAUTHORIZED);
}
