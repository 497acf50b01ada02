//! Workloads of other types, which someone else has.

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

/// The ids of one workload of each type, in the order of `TYPES`.
async fn all() -> (Api, Vec<String>) {
    let builder = TYPES.iter().fold(Simulator::builder(), |it, (kind, name)| it.workload(existing(*kind, name)));
    let api = Api::of(builder).await;
    pass(1.0).await;
    let list = api.get("/api/v1/workloads?sortBy=name").await;
    let ids = list["workloads"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap().to_owned()).collect();
    (api, ids)
}

#[tokio::test(start_paused = true)]
async fn lists_show_all_types_and_filter_by_them() {
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
async fn a_path_knows_only_its_own_type() {
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
async fn each_type_is_suspended_resumed_and_deleted_by_its_own_path() {
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
async fn a_batch_takes_all_types_and_fails_where_one_cannot_be_suspended() {
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
async fn a_role_for_trainings_reads_but_does_not_touch_the_rest() {
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
async fn someone_adds_a_workload_while_it_runs() {
    let api = Api::new().await;
    let body = json!({"name": "notes", "type": "workspace", "running": 5, "end": "failed"});
    let id = api.call("POST /sim/workloads", body.clone()).await.expect(StatusCode::CREATED)["id"].clone();
    pass(10.0).await;
    let workload = api.workload(id.as_str().unwrap()).await;
    assert_eq!((&workload["type"], &workload["phase"]), (&json!("Workspace"), &json!("Failed")));
    let events = api.get(&format!("/api/v1/workloads/{}/events", id.as_str().unwrap())).await;
    assert_eq!(events["events"][0]["involvedObject"]["kind"], "InteractiveWorkload");
    for (change, expected) in [
        (json!({}), "the workload `notes` is refused: the project has a workload of this name"),
        (
            json!({"name": "Notes"}),
            "the workload `Notes` is refused: its name is no name of a workload, such as `notes-1`",
        ),
        (json!({"project": "x"}), "the workload `notes` is refused: there is no project `x`"),
        (
            json!({"name": "a", "running": -1}),
            "the workload `a` is refused: `running` is -1, must be a number of seconds",
        ),
    ] {
        let mut body = body.clone();
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        assert_eq!(api.call("POST /sim/workloads", body).await.refused(StatusCode::BAD_REQUEST), expected);
    }
    let unknown = api.call("POST /sim/workloads", json!({"name": "a", "type": "job"})).await;
    unknown.refused(StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_scenario_has_workloads_of_someone_else() {
    let text = "[[workloads]]\nname = 'notes'\ntype = 'workspace'\ngpus = 1\n";
    let api = Api::of(Simulator::builder().scenario(Scenario::from_toml(text).unwrap())).await;
    assert_eq!(api.get("/api/v1/workloads").await["workloads"][0]["type"], "Workspace");
    let double = Scenario::from_toml(&text.repeat(2)).unwrap();
    let error = Simulator::builder().scenario(double).in_memory().err().unwrap();
    assert_eq!(error.to_string(), "the workload `notes` is refused: the project has a workload of this name");
}
