use axum::http::StatusCode;
use runai_sim::Simulator;
use serde_json::{Value, json};

use crate::{Api, pass};

#[tokio::test(start_paused = true)]
async fn phases_follow_in_order() {
    let api = Api::new().await;
    let id = api
        .submit("fit", &[("RUNAI_SIM_PENDING", "5"), ("RUNAI_SIM_RUNNING", "2.5")], json!({"gpuDevicesRequest": 1}))
        .await;
    let mut phases = vec![(0, api.phase(&id).await)];
    for tenths in 1..100 {
        pass(0.1).await;
        let phase = api.phase(&id).await;
        if phases.last().unwrap().1 != phase {
            phases.push((tenths, phase));
        }
    }
    let expected = [(0, "Creating"), (1, "Pending"), (51, "Initializing"), (52, "Running"), (77, "Completed")];
    assert_eq!(phases, expected.map(|(tenths, phase)| (tenths, phase.to_owned())));

    let workload = api.workload(&id).await;
    assert_eq!((&workload["totalPendingTimeSeconds"], &workload["totalRunningTimeSeconds"]), (&json!(5), &json!(2)));
    assert_eq!(workload["phaseUpdatedAt"], "2026-11-23T10:00:07.700Z");
    assert_eq!(workload["completedAt"], "2026-11-23T10:00:07.700Z");
    assert_eq!(workload["allocatedResources"]["gpu"], 0.0);
}

#[tokio::test(start_paused = true)]
async fn events_happen_without_reads() {
    let api = Api::new().await;
    let id = api.submit("fit", &[("RUNAI_SIM_PENDING", "5"), ("RUNAI_SIM_RUNNING", "2.5")], json!({})).await;
    pass(1000.0).await;
    let workload = api.workload(&id).await;
    assert_eq!(
        (&workload["phase"], &workload["completedAt"]),
        (&json!("Completed"), &json!("2026-11-23T10:00:07.700Z"))
    );
    assert_eq!((&workload["totalPendingTimeSeconds"], &workload["totalRunningTimeSeconds"]), (&json!(5), &json!(2)));
}

#[tokio::test(start_paused = true)]
async fn shows_running_workload() {
    let api = Api::new().await;
    let compute =
        json!({"gpuDevicesRequest": 2, "gpuRequestType": "portion", "gpuPortionRequest": 0.5, "cpuCoreRequest": 4});
    let id = api.submit("fit", &[("RUNAI_SIM_RUNNING", "90")], compute).await;
    pass(60.2).await;
    let workload = api.workload(&id).await;
    for (member, value) in [
        ("id", json!(id)),
        ("type", json!("Training")),
        ("phase", json!("Running")),
        ("projectName", json!("sim-project")),
        ("namespace", json!("runai-sim-project")),
        ("runningPods", json!(1)),
        ("totalRunningTimeSeconds", json!(60)),
        ("totalPendingTimeSeconds", json!(0)),
        ("priorityClassName", json!("low")),
        ("preemptible", json!(true)),
        ("environmentVariables", json!({"RUNAI_SIM_RUNNING": "90"})),
        ("allocatedResources", json!({"cpu": 4.0, "gpu": 1.0})),
        ("currentNodePools", json!(["default"])),
    ] {
        assert_eq!(workload[member], value, "{member}");
    }
    assert_eq!(api.get(&format!("/api/v1/workloads/trainings/{id}")).await["actualPhase"], "Running");
    api.call("GET /api/v1/workloads/none", Value::Null).await.refused(StatusCode::NOT_FOUND);
}

#[tokio::test(start_paused = true)]
async fn follows_scripted_end() {
    let api = Api::new().await;
    let failing = api.submit("failing", &[("RUNAI_SIM_RESULT", "Failed")], json!({})).await;
    let stopping = api.submit("stopping", &[("RUNAI_SIM_RESULT", "Stopped")], json!({})).await;
    pass(1.25).await;
    let failed = api.workload(&failing).await;
    assert_eq!((&failed["phase"], &failed["phaseMessage"]), (&json!("Failed"), &json!("failed by RUNAI_SIM_RESULT")));
    assert_eq!(api.phase(&stopping).await, "Stopping");
    pass(0.1).await;
    assert_eq!(api.phase(&stopping).await, "Stopped");
}

#[tokio::test(start_paused = true)]
async fn resume_continues_totals() {
    let api = Api::new().await;
    let id = api.submit("fit", &[("RUNAI_SIM_RUNNING", "60")], json!({})).await;
    pass(10.2).await;
    api.ask("suspend", &id).await;
    assert_eq!(api.phase(&id).await, "Stopping");
    assert_eq!(api.get(&format!("/api/v1/workloads/trainings/{id}")).await["desiredPhase"], "Stopped");
    pass(100.0).await;
    let stopped = api.workload(&id).await;
    assert_eq!((&stopped["phase"], &stopped["totalRunningTimeSeconds"]), (&json!("Stopped"), &json!(10)));

    api.ask("suspend", &id).await;
    assert_eq!(api.phase(&id).await, "Stopped");

    api.ask("resume", &id).await;
    assert_eq!(api.phase(&id).await, "Resuming");
    pass(5.2).await;
    let running = api.workload(&id).await;
    assert_eq!((&running["phase"], &running["totalRunningTimeSeconds"]), (&json!("Running"), &json!(15)));
    pass(60.0).await;
    let completed = api.workload(&id).await;
    assert_eq!((&completed["phase"], &completed["totalRunningTimeSeconds"]), (&json!("Completed"), &json!(70)));
}

#[tokio::test(start_paused = true)]
async fn resumes_stopping_workload() {
    let api = Api::new().await;
    let id = api.submit("fit", &[("RUNAI_SIM_RUNNING", "60")], json!({})).await;
    pass(1.0).await;
    api.ask("suspend", &id).await;
    api.ask("resume", &id).await;
    assert_eq!(api.phase(&id).await, "Stopping");
    pass(1.0).await;
    assert_eq!(api.phase(&id).await, "Running");
}

#[tokio::test(start_paused = true)]
async fn ended_workload_is_final() {
    let api = Api::new().await;
    let id = api.submit("fit", &[], json!({})).await;
    pass(2.0).await;
    for what in ["suspend", "resume"] {
        api.ask(what, &id).await;
        pass(1.0).await;
        assert_eq!(api.phase(&id).await, "Completed");
    }
}

#[tokio::test(start_paused = true)]
async fn lists_deleted_workload() {
    let api = Api::new().await;
    let id = api.submit("fit", &[("RUNAI_SIM_RUNNING", "60")], json!({})).await;
    pass(1.0).await;
    api.ask("delete", &id).await;
    assert_eq!(api.phase(&id).await, "Deleting");
    assert_eq!(api.get("/api/v1/workloads?deleted=true").await, json!({"workloads": []}));
    pass(1.0).await;
    for line in [
        format!("GET /api/v1/workloads/{id}"),
        format!("GET /api/v1/workloads/trainings/{id}"),
        format!("POST /api/v1/workloads/trainings/{id}/suspend"),
        format!("POST /api/v1/workloads/trainings/{id}/resume"),
        format!("DELETE /api/v1/workloads/trainings/{id}"),
    ] {
        api.call(&line, Value::Null).await.refused(StatusCode::NOT_FOUND);
    }
    assert_eq!(api.get("/api/v1/workloads").await, json!({"workloads": []}));
    let deleted = api.get("/api/v1/workloads?deleted=true&filterBy=name==fit").await;
    assert_eq!(
        (&deleted["workloads"][0]["id"], &deleted["workloads"][0]["deletedAt"]),
        (&json!(id), &json!("2026-11-23T10:00:01.100Z"))
    );
}

#[tokio::test(start_paused = true)]
async fn deletes_ended_workload_automatically() {
    let api = Api::new().await;
    let mut body = crate::training("fit", &[], &json!({}));
    body["spec"]["autoDeletionTimeAfterCompletionSeconds"] = json!(60);
    let answer = api.call("POST /api/v1/workloads/trainings", body).await.expect(StatusCode::ACCEPTED);
    let kept = api.submit("kept", &[], json!({})).await;
    pass(62.0).await;
    let id = answer["workloadId"].as_str().unwrap();
    api.call(&format!("GET /api/v1/workloads/{id}"), Value::Null).await.refused(StatusCode::NOT_FOUND);
    assert_eq!(api.phase(&kept).await, "Completed");
}

#[tokio::test(start_paused = true)]
async fn speed_scales_time() {
    let api = Api::of(Simulator::builder().speed(3600.0)).await;
    let id = api.submit("fit", &[("RUNAI_SIM_RUNNING", "7200")], json!({})).await;
    pass(1.5).await;
    assert_eq!(api.workload(&id).await["totalRunningTimeSeconds"], 5399);
    pass(1.0).await;
    assert_eq!(api.phase(&id).await, "Completed");
}
