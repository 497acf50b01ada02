use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use runai_sim::Simulator;
use serde_json::{Value, json};

use crate::{Api, CLUSTER, training};

const PATH: &str = "POST /api/v1/workloads/trainings";

/// Returns a submission whose member at `pointer` is `value`.
fn with(pointer: &str, value: Value) -> Value {
    let mut body = json!({"name": "fit", "projectId": "1", "clusterId": CLUSTER, "spec": {"image": "i"}});
    let mut place = &mut body;
    for key in pointer.split('/') {
        place = &mut place[key];
    }
    *place = value;
    body
}

/// Returns the invalid fields with their rules.
async fn issues(api: &Api, body: Value) -> Vec<String> {
    let answer = api.call(PATH, body).await.expect(StatusCode::BAD_REQUEST);
    let issues = answer["complianceIssues"].as_array().unwrap();
    let text = |issue: &Value, key: &str| issue[key].as_str().unwrap_or_default().to_owned();
    issues.iter().map(|issue| format!("{} {}", text(issue, "field"), text(issue, "rule")).trim().to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn creates_training() {
    let api = Api::new().await;
    let body = training(
        "fit",
        &[("A", "")],
        &json!({"gpuDevicesRequest": 1, "gpuRequestType": "portion", "gpuPortionRequest": 0.5}),
    );
    let answer = api.call(PATH, body.clone()).await.expect(StatusCode::ACCEPTED);
    assert_eq!(
        (&answer["name"], &answer["requestedName"], &answer["desiredPhase"], &answer["actualPhase"]),
        (&json!("fit"), &json!("fit"), &json!("Running"), &json!("Creating"))
    );
    assert_eq!((&answer["createdBy"], &answer["projectId"]), (&json!("sim-client"), &json!("1")));
    assert_eq!(answer["createdAt"], "2026-11-23T10:00:00.000Z");
    assert_eq!(answer["spec"], body["spec"]);
    let id = answer["workloadId"].as_str().unwrap();
    assert_eq!(api.get(&format!("/api/v1/workloads/trainings/{id}")).await, answer);
    api.call("GET /api/v1/workloads/trainings/none", Value::Null).await.refused(StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn name_is_unique_in_project() {
    let api = Api::of(Simulator::builder().projects(["vision", "speech"])).await;
    let id = api.submit("fit", &[], json!({})).await;
    let again = training("fit", &[], &json!({}));
    let message = api.call(PATH, again.clone()).await.refused(StatusCode::CONFLICT);
    assert_eq!(message, "workload with name 'fit' already exists in this project");
    let mut elsewhere = again.clone();
    elsewhere["projectId"] = json!("2");
    api.call(PATH, elsewhere).await.expect(StatusCode::ACCEPTED);

    tokio::time::pause();
    api.ask("delete", &id).await;
    api.call(PATH, again.clone()).await.refused(StatusCode::CONFLICT);
    crate::pass(1.0).await;
    api.call(PATH, again).await.expect(StatusCode::ACCEPTED);
}

#[tokio::test]
async fn completes_name_prefix() {
    let api = Api::new().await;
    let body = with("useGivenNameAsPrefix", json!(true));
    let one = api.call(PATH, body.clone()).await.expect(StatusCode::ACCEPTED);
    let other = api.call(PATH, body).await.expect(StatusCode::ACCEPTED);
    assert_eq!(one["requestedName"], "fit");
    assert!(one["name"].as_str().unwrap().starts_with("fit-"));
    assert_ne!(one["name"], other["name"]);
}

#[tokio::test]
async fn names_invalid_fields() {
    let api = Api::new().await;
    let long = "x".repeat(64);
    for (pointer, value, expected) in [
        ("name", json!("Fit"), &["name"][..]),
        ("name", json!("1fit"), &["name"]),
        ("name", json!("fit-"), &["name"]),
        ("name", json!(""), &["name"]),
        ("name", json!(long), &["name"]),
        ("projectId", json!("9"), &["projectId"]),
        ("clusterId", json!("sim-cluster"), &["clusterId"]),
        ("clusterId", json!("5100cafe-0000-4000-8000-000000000002"), &["clusterId"]),
        ("templateId", json!("my-template"), &["templateId"]),
        ("spec/image", Value::Null, &["image required"]),
        ("spec/image", json!(""), &["image"]),
        ("spec/command", json!(""), &["command"]),
        ("spec/backoffLimit", json!(-1), &["backoffLimit min"]),
        ("spec/terminationGracePeriodSeconds", json!(-1), &["terminationGracePeriodSeconds min"]),
        ("spec/tty", json!(true), &["tty"]),
        (
            "spec/labels",
            json!([{"name": "a b", "value": "x"}, {"name": "a", "value": "x y"}]),
            &["labels[0].name", "labels[1].value"],
        ),
        ("spec/annotations", json!([{"name": long}]), &["annotations[0].name"]),
        ("spec/imagePullSecrets", json!([{"name": "My_Secret"}]), &["imagePullSecrets[0].name"]),
        ("spec/environmentVariables", json!([{"value": "x"}]), &["environmentVariables[0].name required"]),
        ("spec/environmentVariables", json!([{"name": "A"}]), &["environmentVariables[0].value required"]),
        (
            "spec/environmentVariables",
            json!([{"name": "A", "value": "x", "secret": {"name": "s", "key": "k"}}]),
            &["environmentVariables[0]"],
        ),
        (
            "spec/environmentVariables",
            json!([{"name": "RUNAI_SIM_RUNNING", "value": "long"}]),
            &["environmentVariables[0].value"],
        ),
        (
            "spec/environmentVariables",
            json!([{"name": "RUNAI_SIM_RESULT", "value": "Lost"}]),
            &["environmentVariables[0].value"],
        ),
        ("spec/ports", json!([{"container": 0}, {}]), &["ports[0].container min", "ports[1].container required"]),
        ("spec/ports", json!([{"container": 80, "external": 65536}]), &["ports[0].external max"]),
        (
            "spec/exposedUrls",
            json!([{"container": 80, "authorizedUsers": ["a"], "authorizedGroups": ["b"]}]),
            &["exposedUrls[0].authorizedGroups"],
        ),
        ("spec/tolerations", json!([{"operator": "Equal"}]), &["tolerations[0].key required"]),
        ("spec/tolerations", json!([{"operator": "Exists", "key": "k", "value": "v"}]), &["tolerations[0].value"]),
        (
            "spec/tolerations",
            json!([{"key": "k", "effect": "NoSchedule", "seconds": 0}]),
            &["tolerations[0].seconds min", "tolerations[0].seconds"],
        ),
        ("spec/security/runAsUid", json!(-1), &["security.runAsUid min"]),
        (
            "spec/probes/readiness/periodSeconds",
            json!(0),
            &["probes.readiness.periodSeconds min", "probes.readiness.handler required"],
        ),
    ] {
        assert_eq!(issues(&api, with(pointer, value.clone())).await, expected, "{pointer}: {value}");
    }
}

#[tokio::test]
async fn validates_compute() {
    let api = Api::new().await;
    for (compute, expected) in [
        (json!({"cpuCoreRequest": -1}), &["compute.cpuCoreRequest min"][..]),
        (json!({"cpuCoreRequest": 2, "cpuCoreLimit": 1}), &["compute.cpuCoreLimit min"]),
        (json!({"cpuMemoryRequest": "4 GB"}), &["compute.cpuMemoryRequest"]),
        (json!({"cpuMemoryRequest": "4Gi", "cpuMemoryLimit": "4G"}), &["compute.cpuMemoryLimit min"]),
        (json!({"gpuDevicesRequest": -1}), &["compute.gpuDevicesRequest min"]),
        (json!({"gpuRequestType": "portion"}), &["compute.gpuPortionRequest required"]),
        (json!({"gpuRequestType": "memory"}), &["compute.gpuMemoryRequest required"]),
        (json!({"gpuRequestType": "portion", "gpuPortionRequest": 1.5}), &["compute.gpuPortionRequest max"]),
        (
            json!({"gpuRequestType": "portion", "gpuPortionRequest": 0.5, "gpuPortionLimit": 0.25}),
            &["compute.gpuPortionLimit min"],
        ),
        (json!({"extendedResources": [{"resource": "rdma/hca"}]}), &["compute.extendedResources[0].quantity required"]),
    ] {
        assert_eq!(issues(&api, with("spec/compute", compute.clone())).await, expected, "{compute}");
    }
    for (index, compute) in [
        json!({}),
        json!({"gpuDevicesRequest": 0, "cpuCoreRequest": 0.1, "cpuMemoryRequest": "100M"}),
        json!({"gpuDevicesRequest": 2, "gpuRequestType": "portion", "gpuPortionRequest": 1.0}),
        json!({"gpuDevicesRequest": 1, "gpuRequestType": "memory", "gpuMemoryRequest": "20Gi", "gpuMemoryLimit": "40Gi"}),
        json!({"gpuDevicesRequest": 1, "gpuRequestType": "memory", "gpuMemoryRequest": "1G", "gpuPortionRequest": 1.0}),
        json!({"gpuDevicesRequest": 0, "gpuRequestType": "portion", "gpuPortionRequest": 1.0}),
    ]
    .into_iter()
    .enumerate()
    {
        api.submit(&format!("good-{index}"), &[], compute).await;
    }
}

#[tokio::test]
async fn validates_volumes() {
    let api = Api::new().await;
    for (storage, expected) in [
        (json!({"pvc": [{"path": "/a"}]}), &["storage.pvc[0].claimInfo.size required"][..]),
        (
            json!({"pvc": [{"claimInfo": {"size": "big"}}]}),
            &["storage.pvc[0].claimInfo.size", "storage.pvc[0].path required"],
        ),
        (
            json!({"nfs": [{"path": "/e", "server": "s", "mountPath": "/a"}, {"path": "/e", "mountPath": "/a"}]}),
            &["storage.nfs[1].server required", "storage.nfs[1].mountPath"],
        ),
        (
            json!({"configMapVolume": [{"configMap": "C", "mountPath": "/c", "defaultMode": "644"}]}),
            &["storage.configMapVolume[0].configMap", "storage.configMapVolume[0].defaultMode"],
        ),
        (json!({"secretVolume": [{"mountPath": "/c"}]}), &["storage.secretVolume[0].secret required"]),
        (json!({"s3": [{"path": "/a"}]}), &["storage.s3[0].bucket required"]),
        (json!({"hostPath": [{"mountPath": "/a"}]}), &["storage.hostPath[0].path required"]),
        (json!({"git": [{"path": "/a"}]}), &["storage.git[0].repository required"]),
        (json!({"dataVolume": [{"mountPath": "/a"}]}), &["storage.dataVolume[0].id required"]),
        (json!({"emptyDirVolume": [{"path": "/a", "sizeLimit": "x"}]}), &["storage.emptyDirVolume[0].sizeLimit"]),
    ] {
        assert_eq!(issues(&api, with("spec/storage", storage.clone())).await, expected, "{storage}");
    }
    let excluded = with("spec/storage", json!({"pvc": [{"name": "scratch", "exclude": true}]}));
    api.call(PATH, excluded).await.expect(StatusCode::ACCEPTED);
}

#[tokio::test]
async fn reports_all_errors() {
    let api = Api::new().await;
    let mut body = with("spec/compute", json!({"gpuDevicesRequest": -1}));
    body["name"] = json!("Fit");
    let answer = api.call(PATH, body).await;
    assert_eq!(answer.body["complianceIssues"].as_array().unwrap().len(), 2);
    assert_eq!(answer.refused(StatusCode::BAD_REQUEST), "invalid submission");
}

#[tokio::test]
async fn names_member_of_wrong_type() {
    let api = Api::new().await;
    for (pointer, value, field) in [
        ("spec/compute/gpuRequestType", json!("slices"), "compute.gpuRequestType"),
        ("spec/compute/gpuDevicesRequest", json!("1"), "compute.gpuDevicesRequest"),
        ("spec/ports", json!([null, {"container": 1.5}]), "ports[1].container"),
        ("name", json!(7), "name"),
    ] {
        assert_eq!(issues(&api, with(pointer, value)).await, [field]);
    }
    for (kind, body, status) in [
        ("application/json", "{", StatusCode::BAD_REQUEST),
        ("application/json", "[]", StatusCode::BAD_REQUEST),
        ("application/json", "{} {}", StatusCode::BAD_REQUEST),
        ("text/plain", "{}", StatusCode::BAD_REQUEST),
    ] {
        let request = Request::post("/api/v1/workloads/trainings")
            .header(header::AUTHORIZATION, format!("Bearer {}", api.token))
            .header(header::CONTENT_TYPE, kind);
        api.send(request.body(Body::from(body)).unwrap()).await.refused(status);
    }
    let huge = with("spec/args", json!("x".repeat(3 << 20)));
    api.call(PATH, huge).await.refused(StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn survives_odd_requests() {
    let api = Api::new().await;
    let id = api.submit("fit", &[], json!({})).await;
    for query in ["name=='%20OR%201=1--", "name==x';DROP%20TABLE%20workloads", "name==%00", "name=@%25"] {
        assert_eq!(api.get(&format!("/api/v1/workloads?filterBy={query}")).await["workloads"], json!([]), "{query}");
    }
    for unknown in ["x", "..%2f..", "%00", "' OR 1=1"] {
        let line = format!("GET /api/v1/workloads/{}", unknown.replace(' ', "%20"));
        api.call(&line, Value::Null).await.refused(StatusCode::NOT_FOUND);
    }
    for (ids, status) in [
        (json!(["no-uuid"]), StatusCode::BAD_REQUEST),
        (json!(vec![id.as_str(); 101]), StatusCode::BAD_REQUEST),
        (json!(7), StatusCode::BAD_REQUEST),
    ] {
        let body = json!({"ids": ids, "action": "suspend"});
        api.call("POST /api/v1/workloads/batch", body).await.refused(status);
    }
    let none = api.call("POST /api/v1/workloads/batch", json!({"ids": [], "action": "suspend"})).await;
    assert_eq!(none.expect(StatusCode::OK)["succeeded"], json!([]));
    let body = json!({"ids": [id], "action": "explode"});
    api.call("POST /api/v1/workloads/batch", body).await.refused(StatusCode::BAD_REQUEST);
    assert_eq!(issues(&api, with("spec/parallelism", json!(2_000_000_000))).await, ["parallelism max"]);
    api.get(&format!("/api/v1/workloads/{id}")).await;
}

#[tokio::test]
async fn rejects_large_body() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let sim = Simulator::builder().start().await.unwrap();
    let address = sim.base_url().strip_prefix("http://").unwrap();
    for path in ["/api/v1/workloads/trainings", "/api/v1/token", "/api/v2/token", "/sim/faults", "/nowhere"] {
        let body = "x".repeat(10_000_000);
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        // The server reads the whole body, so that clients which read only after sending get the response.
        stream.write_all(body.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("\"code\":413"), "{path}: {answer}");
    }
    sim.stop().await;
}

#[tokio::test]
async fn incomplete_request_does_not_block() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let sim = Simulator::builder().start().await.unwrap();
    let address = sim.base_url().strip_prefix("http://").unwrap();
    let mut halves = Vec::new();
    for half in ["GET / HT", "POST /api/v1/token HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{", "\u{1}\u{2}"] {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        stream.write_all(half.as_bytes()).await.unwrap();
        halves.push(stream);
    }
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET /sim/state HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    drop(halves);
    sim.stop().await;
}
