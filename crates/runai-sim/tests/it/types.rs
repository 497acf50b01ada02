//! Workloads of other types and users.

use axum::http::StatusCode;
use runai_sim::{ExistingWorkload, Role, Scenario, Simulator, WorkloadType};
use serde_json::{Value, json};

use crate::{Api, pass};

const TYPES: [(WorkloadType, &str); 4] = [
    (WorkloadType::Distributed, "distributed"),
    (WorkloadType::Inference, "inferences"),
    (WorkloadType::Training, "trainings"),
    (WorkloadType::Workspace, "workspaces"),
];

fn existing(kind: WorkloadType, name: &str) -> ExistingWorkload {
    ExistingWorkload { gpus: 1, kind, name: name.to_owned(), ..ExistingWorkload::default() }
}

/// Returns the ids of one workload per type, in the order of `TYPES`.
async fn all() -> (Api, Vec<String>) {
    let builder = TYPES.iter().fold(Simulator::builder(), |it, (kind, name)| it.workload(existing(*kind, name)));
    let api = Api::of(builder).await;
    pass(1.0).await;
    let list = api.get("/api/v1/workloads?sortBy=name").await;
    let ids = list["workloads"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap().to_owned()).collect();
    (api, ids)
}

#[tokio::test(start_paused = true)]
async fn lists_filter_by_type() {
    let (api, ids) = all().await;
    for ((kind, name), id) in TYPES.iter().zip(&ids) {
        let found = api.get(&format!("/api/v1/workloads?filterBy=type=={}", kind.as_str())).await;
        assert_eq!(found["workloads"].as_array().unwrap().len(), 1);
        assert_eq!((&found["workloads"][0]["name"], &found["workloads"][0]["id"]), (&json!(name), &json!(id)));
        let workload = api.workload(id).await;
        assert_eq!((&workload["type"], &workload["phase"]), (&json!(kind.as_str()), &json!("Running")));
        assert_eq!(workload["actionsSupport"]["suspend"], *kind != WorkloadType::Inference);
        assert_eq!(workload["allocatedResources"]["gpu"], 1.0);
    }
}

#[tokio::test(start_paused = true)]
async fn path_matches_its_type() {
    let (api, ids) = all().await;
    for ((kind, _), id) in TYPES.iter().zip(&ids) {
        for (of, path) in TYPES {
            let target = format!("/api/v1/workloads/{path}/{id}");
            let answer = api.call(&format!("GET {target}"), Value::Null).await;
            if of == *kind {
                assert_eq!(answer.expect(StatusCode::OK)["workloadId"], *id);
                continue;
            }
            answer.refused(StatusCode::NOT_FOUND);
            api.call(&format!("DELETE {target}"), Value::Null).await.refused(StatusCode::NOT_FOUND);
            if of != WorkloadType::Inference {
                api.call(&format!("POST {target}/suspend"), Value::Null).await.refused(StatusCode::NOT_FOUND);
                api.call(&format!("POST {target}/resume"), Value::Null).await.refused(StatusCode::NOT_FOUND);
            }
        }
    }
    pass(1.0).await;
    assert_eq!(api.get("/api/v1/workloads/count?filterBy=phase==Running").await["count"], 4);
}

#[tokio::test(start_paused = true)]
async fn type_paths_change_workloads() {
    let (api, ids) = all().await;
    for ((kind, path), id) in TYPES.iter().zip(&ids) {
        let target = format!("/api/v1/workloads/{path}/{id}");
        let suspend = api.call(&format!("POST {target}/suspend"), Value::Null).await;
        if *kind == WorkloadType::Inference {
            // The API has no such path.
            suspend.refused(StatusCode::NOT_IMPLEMENTED);
        } else {
            assert_eq!(suspend.expect(StatusCode::ACCEPTED)["code"], 202);
            pass(1.0).await;
            assert_eq!(api.phase(id).await, "Stopped");
            api.call(&format!("POST {target}/resume"), Value::Null).await.expect(StatusCode::ACCEPTED);
            pass(1.0).await;
            assert_eq!(api.phase(id).await, "Running");
        }
        api.call(&format!("DELETE {target}"), Value::Null).await.expect(StatusCode::ACCEPTED);
    }
    pass(1.0).await;
    assert_eq!(api.get("/api/v1/workloads/count").await["count"], 0);
}

#[tokio::test(start_paused = true)]
async fn batch_handles_all_types() {
    let (api, ids) = all().await;
    let batch = async |action: &str| {
        let body = json!({"ids": ids, "action": action});
        api.call("POST /api/v1/workloads/batch", body).await.expect(StatusCode::OK)
    };
    let answer = batch("suspend").await;
    assert_eq!(answer["succeeded"], json!([ids[0], ids[2], ids[3]]));
    assert_eq!((&answer["failed"][0]["id"], &answer["failed"][0]["code"]), (&json!(ids[1]), &json!(400)));
    pass(1.0).await;
    assert_eq!(api.get("/api/v1/workloads/count?filterBy=phase==Stopped").await["count"], 3);
    assert_eq!(batch("delete").await["succeeded"], json!(ids));
}

#[tokio::test(start_paused = true)]
async fn training_role_cannot_change_others() {
    let none: [&str; 0] = [];
    let builder =
        Simulator::builder().role(Role::LeastPrivilege, none).workload(existing(WorkloadType::Workspace, "notes"));
    let api = Api::of(builder).await;
    let id = api.get("/api/v1/workloads").await["workloads"][0]["id"].as_str().unwrap().to_owned();
    for line in ["GET /api/v1/workloads/workspaces/ID", "POST /api/v1/workloads/workspaces/ID/suspend"] {
        api.call(&line.replace("ID", &id), Value::Null).await.refused(StatusCode::FORBIDDEN);
    }
    let body = json!({"ids": [id], "action": "suspend"});
    let answer = api.call("POST /api/v1/workloads/batch", body).await.expect(StatusCode::OK);
    assert_eq!(answer["failed"][0]["code"], 403);
}

#[tokio::test(start_paused = true)]
async fn adds_existing_workload() {
    let api = Api::new().await;
    let body = json!({"name": "notes", "type": "workspace", "running": 5, "end": "failed"});
    let id = api.call("POST /sim/workloads", body.clone()).await.expect(StatusCode::CREATED)["id"].clone();
    pass(10.0).await;
    let workload = api.workload(id.as_str().unwrap()).await;
    assert_eq!((&workload["type"], &workload["phase"]), (&json!("Workspace"), &json!("Failed")));
    let events = api.get(&format!("/api/v1/workloads/{}/events", id.as_str().unwrap())).await;
    assert_eq!(events["events"][0]["involvedObject"]["kind"], "InteractiveWorkload");
    for (change, expected) in [
        (json!({}), "invalid workload `notes`: the name already exists in the project"),
        (json!({"name": "Notes"}), "invalid workload `Notes`: invalid name: use a name such as `notes-1`"),
        (json!({"project": "x"}), "invalid workload `notes`: unknown project `x`"),
        (json!({"name": "a", "running": -1}), "invalid workload `a`: invalid number of seconds -1 for `running`"),
    ] {
        let mut body = body.clone();
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        assert_eq!(api.call("POST /sim/workloads", body).await.refused(StatusCode::BAD_REQUEST), expected);
    }
    let unknown = api.call("POST /sim/workloads", json!({"name": "a", "type": "job"})).await;
    unknown.refused(StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn scenario_adds_existing_workloads() {
    let text = "[[workloads]]\nname = 'notes'\ntype = 'workspace'\ngpus = 1\n";
    let api = Api::of(Simulator::builder().scenario(Scenario::from_toml(text).unwrap())).await;
    assert_eq!(api.get("/api/v1/workloads").await["workloads"][0]["type"], "Workspace");
    let double = Scenario::from_toml(&text.repeat(2)).unwrap();
    let error = Simulator::builder().scenario(double).in_memory().err().unwrap();
    assert_eq!(error.to_string(), "invalid workload `notes`: the name already exists in the project");
}
