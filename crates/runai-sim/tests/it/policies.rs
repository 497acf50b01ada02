use axum::http::StatusCode;
use runai_sim::{Policy, Simulator, Template};
use serde_json::{Value, json};

use crate::{Api, training};

const ID: &str = "5100cafe-0000-4000-8000-0000000000ff";
const PATH: &str = "POST /api/v1/workloads/trainings";

fn template() -> Template {
    Template {
        id: ID.into(),
        name: "base".into(),
        spec: json!({
            "image": "base:1",
            "compute": {"cpuCoreRequest": 2.0, "gpuDevicesRequest": 1},
            "environmentVariables": [{"name": "A", "value": "template"}, {"name": "B", "value": "template"}]
        }),
    }
}

#[tokio::test]
async fn merges_template() {
    let api = Api::of(Simulator::builder().template(template())).await;
    let body = json!({
        "name": "fit", "projectId": "1", "clusterId": crate::CLUSTER, "templateId": ID,
        "spec": {"compute": {"gpuDevicesRequest": 0}, "environmentVariables": [{"name": "B", "value": "own"}]}
    });
    let answer = api.call(PATH, body.clone()).await.expect(StatusCode::ACCEPTED);
    let expected = json!({
        "compute": {"cpuCoreRequest": 2.0, "gpuDevicesRequest": 0},
        "environmentVariables": [{"name": "A", "value": "template"}, {"name": "B", "value": "own"}],
        "image": "base:1"
    });
    assert_eq!(answer["spec"], expected);
    let read = api.get(&format!("/api/v1/workload-templates/trainings/{ID}")).await;
    assert_eq!((&read["meta"]["name"], &read["spec"]["image"]), (&json!("base"), &json!("base:1")));

    let mut unknown = body;
    unknown["templateId"] = json!(crate::CLUSTER);
    let answer = api.call(PATH, unknown).await.expect(StatusCode::BAD_REQUEST);
    assert_eq!(answer["complianceIssues"][0]["field"], "templateId");
    let line = format!("GET /api/v1/workload-templates/trainings/{}", crate::CLUSTER);
    api.call(&line, Value::Null).await.refused(StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn lists_templates() {
    let other = Template { id: crate::CLUSTER.into(), name: "other".into(), spec: json!({}) };
    let api = Api::of(Simulator::builder().template(template()).template(other)).await;
    for path in ["/api/v1/workload-templates", "/api/v1/workload-templates/trainings"] {
        let first = api.get(&format!("{path}?limit=1&sortBy=name&filterBy=workloadType==Training")).await;
        let entries = first["entries"].as_array().unwrap();
        assert_eq!((entries.len(), &entries[0]["meta"]["id"]), (1, &json!(ID)));
        assert_eq!(first["pagination"]["nextOffset"], 1);
        let last = api.get(&format!("{path}?offset=1&sortBy=name")).await;
        assert_eq!((&last["entries"][0]["meta"]["name"], &last["pagination"]), (&json!("other"), &Value::Null));
    }
    let read = api.get(&format!("/api/v1/workload-templates/{ID}")).await;
    assert_eq!(read, api.get(&format!("/api/v1/workload-templates/trainings/{ID}")).await);
}

#[tokio::test]
async fn policy_sets_defaults_and_rejects() {
    let policy = Policy {
        defaults: json!({
            "compute": {"cpuCoreRequest": 0.5},
            "labels": {"instances": [{"name": "team", "value": "ml"}]}
        }),
        rules: json!({"compute": {"gpuDevicesRequest": {"required": true, "max": 2}}}),
    };
    let api = Api::of(Simulator::builder().policy(policy)).await;
    let answer =
        api.call(PATH, training("fit", &[], &json!({"gpuDevicesRequest": 2}))).await.expect(StatusCode::ACCEPTED);
    assert_eq!(answer["spec"]["compute"], json!({"cpuCoreRequest": 0.5, "gpuDevicesRequest": 2}));
    assert_eq!(answer["spec"]["labels"], json!([{"name": "team", "value": "ml"}]));
    for (compute, rule) in [(json!({"gpuDevicesRequest": 4}), "max"), (json!({}), "required")] {
        let answer = api.call(PATH, training("more", &[], &compute)).await.expect(StatusCode::BAD_REQUEST);
        let issue = &answer["complianceIssues"][0];
        assert_eq!((&issue["field"], &issue["rule"]), (&json!("compute.gpuDevicesRequest"), &json!(rule)));
    }
    let policy = api.get("/api/v2/policy/trainings?scope=project&projectId=1").await;
    let rule = &policy["effective"]["rules"]["compute"]["gpuDevicesRequest"];
    assert_eq!((&rule["max"], &rule["sourceOfRule"]["scope"]), (&json!(2), &json!("tenant")));
    for (query, status) in [
        ("", StatusCode::BAD_REQUEST),
        ("?scope=galaxy", StatusCode::BAD_REQUEST),
        ("?scope=project", StatusCode::BAD_REQUEST),
        ("?scope=project&projectId=7", StatusCode::NOT_FOUND),
    ] {
        api.call(&format!("GET /api/v2/policy/trainings{query}"), Value::Null).await.refused(status);
    }
}

#[tokio::test]
async fn strict_rejects_undefined_values() {
    let strict = Api::of(Simulator::builder().strict(true)).await;
    let lenient = Api::new().await;
    let cases = [
        (
            json!({"compute": {"gpuDevicesRequest": 1, "gpuRequestType": "memory", "gpuMemoryRequest": "1G", "gpuPortionRequest": 1.0}}),
            "compute.gpuPortionRequest",
        ),
        (
            json!({"compute": {"gpuDevicesRequest": 0, "gpuRequestType": "portion", "gpuPortionRequest": 1.0}}),
            "compute.gpuRequestType",
        ),
        (
            json!({"compute": {"gpuDevicesRequest": 2, "gpuRequestType": "memory", "gpuMemoryRequest": "1G"}}),
            "compute.gpuRequestType",
        ),
        (json!({"security": {"supplementalGroups": "1;2"}}), "security.supplementalGroups"),
        (json!({"security": {"seccompProfileType": "Localhost"}}), "security.seccompProfileType"),
        (json!({"priorityClass": "train"}), "priorityClass"),
        (json!({"nodePools": ["default", "nowhere"]}), "nodePools[1]"),
        (json!({"nodeType": "dgx"}), "nodeType"),
        (json!({"imageName": "x"}), "imageName"),
        (json!({"ports": [{"container": 80, "protocol": "TCP"}]}), "ports[0].protocol"),
    ];
    for (index, (members, field)) in cases.into_iter().enumerate() {
        let mut body = training(&format!("fit-{index}"), &[], &json!({}));
        for (key, value) in members.as_object().unwrap() {
            body["spec"][key] = value.clone();
        }
        let answer = strict.call(PATH, body.clone()).await.expect(StatusCode::BAD_REQUEST);
        assert_eq!(answer["complianceIssues"][0]["field"], field);
        let id = lenient.call(PATH, body).await.expect(StatusCode::ACCEPTED)["workloadId"].as_str().unwrap().to_owned();
        let events = lenient.get(&format!("/api/v1/workloads/{id}/events")).await;
        let event = &events["events"][0];
        assert_eq!(event["type"], "Warning");
        assert!(event["message"].as_str().unwrap().starts_with(&format!("{field}: ")), "{event}");
    }
    // Null and empty members are ignored.
    let mut body = training("plain", &[], &json!({"gpuPortionLimit": null}));
    body["spec"]["madeUp"] = Value::Null;
    strict.call(PATH, body).await.expect(StatusCode::ACCEPTED);
}
