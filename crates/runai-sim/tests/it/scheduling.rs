use runai_sim::{Node, Simulator};
use serde_json::{Value, json};

use crate::{Api, pass};

async fn node(gpus: u32, cpu_cores: f64) -> Api {
    Api::of(Simulator::builder().node(Node { gpus, cpu_cores, ..Node::default() })).await
}

fn portion(portion: f64) -> Value {
    json!({"gpuDevicesRequest": 1, "gpuRequestType": "portion", "gpuPortionRequest": portion})
}

fn memory(memory: &str) -> Value {
    json!({"gpuDevicesRequest": 1, "gpuRequestType": "memory", "gpuMemoryRequest": memory})
}

async fn state(api: &Api, id: &str) -> (String, String) {
    let workload = api.workload(id).await;
    (workload["phase"].as_str().unwrap().to_owned(), workload["phaseMessage"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test(start_paused = true)]
async fn what_does_not_fit_waits_and_says_why() {
    let api = node(2, 8.0).await;
    let first = api.submit("first", &[("RUNAI_SIM_RUNNING", "10")], json!({"gpuDevicesRequest": 2})).await;
    let second = api.submit("second", &[], json!({"gpuDevicesRequest": 1})).await;
    let never = api.submit("never", &[], json!({"gpuDevicesRequest": 3})).await;
    let small = api.submit("small", &[("RUNAI_SIM_RUNNING", "10")], json!({"cpuCoreRequest": 8})).await;
    let cores = api.submit("cores", &[], json!({"cpuCoreRequest": 0.5})).await;
    pass(5.0).await;
    assert_eq!(state(&api, &first).await.0, "Running");
    assert_eq!(state(&api, &second).await, ("Pending".into(), "waits for 1 GPU(s): 0 of 2 are free".into()));
    assert_eq!(state(&api, &never).await, ("Pending".into(), "asks for 3 GPUs, the node has 2".into()));
    assert_eq!(state(&api, &small).await.0, "Running");
    assert_eq!(state(&api, &cores).await, ("Pending".into(), "waits for 0.5 CPU cores: 0 of 8 are free".into()));
    pass(5.3).await;
    assert_eq!(state(&api, &first).await.0, "Completed");
    assert_eq!(state(&api, &second).await, ("Running".into(), String::new()));
    let workload = api.workload(&second).await;
    assert_eq!(workload["totalPendingTimeSeconds"], 10);
    assert_eq!(workload["phaseUpdatedAt"], "2026-11-23T10:00:10.300Z");
    pass(1000.0).await;
    assert_eq!(state(&api, &never).await.0, "Pending");
}

#[tokio::test(start_paused = true)]
async fn portions_and_memory_share_a_device() {
    let api = node(1, 8.0).await;
    let running = [("RUNAI_SIM_RUNNING", "10")];
    let half = api.submit("half", &running, portion(0.5)).await;
    let quarter = api.submit("quarter", &running, memory("20Gi")).await;
    let more = api.submit("more", &running, portion(0.3)).await;
    let rest = api.submit("rest", &running, memory("20Gi")).await;
    let huge = api.submit("huge", &running, memory("81Gi")).await;
    pass(5.0).await;
    for id in [&half, &quarter, &rest] {
        assert_eq!(state(&api, id).await.0, "Running");
    }
    assert_eq!(state(&api, &more).await.1, "waits for 0.3 of 1 GPU(s): 0 of 1 have that much free");
    assert_eq!(state(&api, &huge).await.1, "asks for 81 GiB of GPU memory, a GPU has 80");
}

#[tokio::test(start_paused = true)]
async fn suspending_and_deleting_give_resources_back() {
    let api = node(1, 8.0).await;
    let forever = [("RUNAI_SIM_RUNNING", "1000")];
    let one = api.submit("one", &forever, portion(1.0)).await;
    let two = api.submit("two", &forever, portion(1.0)).await;
    let three = api.submit("three", &forever, portion(1.0)).await;
    pass(1.0).await;
    api.ask("suspend", &one).await;
    pass(1.0).await;
    assert_eq!((api.phase(&one).await, api.phase(&two).await), ("Stopped".into(), "Running".into()));
    api.ask("resume", &one).await;
    api.ask("delete", &two).await;
    pass(1.0).await;
    assert_eq!((api.phase(&one).await, api.phase(&three).await), ("Pending".into(), "Running".into()));
}

#[tokio::test(start_paused = true)]
async fn a_waiting_workload_can_be_suspended_and_deleted() {
    let api = node(0, 8.0).await;
    let one = api.submit("one", &[], portion(1.0)).await;
    let two = api.submit("two", &[], portion(1.0)).await;
    pass(1.0).await;
    api.ask("suspend", &one).await;
    api.ask("delete", &two).await;
    pass(1.0).await;
    assert_eq!(api.phase(&one).await, "Stopped");
    assert_eq!(api.get("/api/v1/workloads").await["workloads"].as_array().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_workloads_take_turns() {
    let api = node(4, 1000.0).await;
    for number in 0..1000 {
        api.submit(&format!("fit-{number}"), &[("RUNAI_SIM_RUNNING", "1")], portion(1.0)).await;
    }
    pass(300.0).await;
    let page = api.get("/api/v1/workloads?filterBy=phase==Completed&limit=500").await;
    assert_eq!(page["next"], 500);
    let last = api.get("/api/v1/workloads?sortBy=completedAt&sortOrder=desc&limit=1").await;
    // Each turn is 0.1 s of setting up and 1 s of running, four at a time.
    assert_eq!(last["workloads"][0]["completedAt"], "2026-11-23T10:04:35.100Z");
}
