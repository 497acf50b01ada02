use axum::http::StatusCode;
use runai_sim::{Node, Project, Quota, Simulator, Taint};
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
async fn pending_workload_has_reason() {
    let api = node(2, 8.0).await;
    let first = api.submit("first", &[("RUNAI_SIM_RUNNING", "10")], json!({"gpuDevicesRequest": 2})).await;
    let second = api.submit("second", &[], json!({"gpuDevicesRequest": 1})).await;
    let never = api.submit("never", &[], json!({"gpuDevicesRequest": 3})).await;
    let small = api.submit("small", &[("RUNAI_SIM_RUNNING", "10")], json!({"cpuCoreRequest": 8})).await;
    let cores = api.submit("cores", &[], json!({"cpuCoreRequest": 0.5})).await;
    pass(5.0).await;
    assert_eq!(state(&api, &first).await.0, "Running");
    assert_eq!(state(&api, &second).await, ("Pending".into(), "waits for 1 GPU(s): 0 of 2 are free".into()));
    assert_eq!(state(&api, &never).await, ("Pending".into(), "requests 3 GPUs, the node has 2".into()));
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
async fn portions_and_memory_share_device() {
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
    assert_eq!(state(&api, &more).await.1, "waits for 0.3 of 1 GPU(s): 0 of 1 have enough free");
    assert_eq!(state(&api, &huge).await.1, "requests 81 GiB of GPU memory, a GPU has 80");
}

#[tokio::test(start_paused = true)]
async fn suspend_and_delete_release_resources() {
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
async fn suspends_and_deletes_pending_workload() {
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
async fn schedules_thousand_workloads() {
    let api = node(4, 1000.0).await;
    for number in 0..1000 {
        api.submit(&format!("fit-{number}"), &[("RUNAI_SIM_RUNNING", "1")], portion(1.0)).await;
    }
    pass(300.0).await;
    let page = api.get("/api/v1/workloads?filterBy=phase==Completed&limit=500").await;
    assert_eq!(page["next"], 500);
    let last = api.get("/api/v1/workloads?sortBy=completedAt&sortOrder=desc&limit=1").await;
    // Four at a time, each with 0.1 s of setup and 1 s of running.
    assert_eq!(last["workloads"][0]["completedAt"], "2026-11-23T10:04:35.100Z");
}

/// Returns two projects that share `gpus` GPUs, each with this quota.
async fn shared(gpus: u32, quota: f64) -> Api {
    let project = |name: &str| Project::named(name).quota("default", Quota { gpus: Some(quota), ..Quota::default() });
    let node = Node { gpus, ..Node::default() };
    Api::of(Simulator::builder().node(node).projects_with_quotas([project("vision"), project("speech")])).await
}

async fn submit_to(api: &Api, project: &str, name: &str, members: Value) -> String {
    let mut body = crate::training(name, &[("RUNAI_SIM_RUNNING", "1000")], &json!({"gpuDevicesRequest": 1}));
    body["projectId"] = json!(project);
    for (key, value) in members.as_object().unwrap() {
        body["spec"][key] = value.clone();
    }
    let answer = api.call("POST /api/v1/workloads/trainings", body).await.expect(StatusCode::ACCEPTED);
    answer["workloadId"].as_str().unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn non_preemptible_waits_for_quota() {
    let api = shared(4, 1.0).await;
    let firm = json!({"preemptibility": "non-preemptible"});
    let first = submit_to(&api, "1", "first", firm.clone()).await;
    let second = submit_to(&api, "1", "second", firm).await;
    pass(5.0).await;
    assert_eq!(api.phase(&first).await, "Running");
    let workload = api.workload(&second).await;
    let text = "requests 1 non-preemptible GPUs, the project uses 1 of its quota of 1";
    assert_eq!((&workload["phase"], &workload["phaseReason"]), (&json!("Pending"), &json!("NonPreemptibleOverQuota")));
    assert_eq!(workload["phaseMessage"], text);
    let message = json!({
        "nodePool": "default", "orgType": "PROJECT", "phaseReason": "NonPreemptibleOverQuota",
        "reason": text, "userMessage": text
    });
    assert_eq!(workload["pendingSchedulingMessages"], json!([message]));
    assert_eq!(workload["conditions"][0]["type"], "Unschedulable");
    let events = api.get(&format!("/api/v1/workloads/{second}/events?limit=1")).await;
    assert_eq!(events["events"][0]["reason"], "FailedScheduling");
    let project = api.get("/api/v1/org-unit/projects/1").await;
    assert_eq!(project["status"]["quotaStatus"]["allocatedNonPreemptible"]["gpu"], 1.0);
    assert_eq!(project["resources"][0]["gpu"]["deserved"], 1.0);
}

#[tokio::test(start_paused = true)]
async fn project_reclaims_quota() {
    let api = shared(2, 1.0).await;
    let first = submit_to(&api, "1", "first", json!({})).await;
    let second = submit_to(&api, "1", "second", json!({})).await;
    pass(5.0).await;
    assert_eq!((api.phase(&first).await, api.phase(&second).await), ("Running".into(), "Running".into()));
    let other = submit_to(&api, "2", "other", json!({})).await;
    pass(5.0).await;
    assert_eq!(api.phase(&other).await, "Running");
    let (phase, message) = state(&api, &second).await;
    assert_eq!((phase.as_str(), message.as_str()), ("Pending", "waits for 1 GPU(s): 0 of 2 are free"));
    let history = api.get(&format!("/api/v1/workloads/{second}/history?limit=500")).await;
    let texts = history.to_string();
    assert!(texts.contains("the project is over its quota, and project speech reclaims its share"), "{texts}");
    // The running time is kept and continues when it runs again.
    api.ask("delete", &other).await;
    pass(3.0).await;
    let workload = api.workload(&second).await;
    assert_eq!(workload["phase"], "Running");
    assert!(workload["totalRunningTimeSeconds"].as_i64().unwrap() >= 6, "{workload}");
}

#[tokio::test(start_paused = true)]
async fn higher_priority_preempts() {
    let api = node(1, 8.0).await;
    let low = submit_to(&api, "1", "low", json!({})).await;
    let ends =
        submit_to(&api, "1", "ends", json!({"terminateAfterPreemption": true, "priorityClass": "very-low"})).await;
    pass(2.0).await;
    assert_eq!((api.phase(&low).await, api.phase(&ends).await), ("Running".into(), "Pending".into()));
    api.ask("delete", &low).await;
    pass(2.0).await;
    assert_eq!(api.phase(&ends).await, "Running");
    let high = submit_to(&api, "1", "high", json!({"priorityClass": "high"})).await;
    pass(2.0).await;
    assert_eq!((api.phase(&high).await, api.phase(&ends).await), ("Running".into(), "Failed".into()));
    let workload = api.workload(&high).await;
    assert_eq!((&workload["priority"], &workload["preemptible"]), (&json!(125), &json!(false)));
}

#[tokio::test(start_paused = true)]
async fn respects_pools_types_and_taints() {
    let pool = |name: &str, pool: &str| Node { name: name.into(), node_pool: pool.into(), gpus: 2, ..Node::default() };
    let taint = Taint { key: "reserved".into(), value: "yes".into() };
    let nodes = [
        pool("a", "default"),
        Node { node_type: Some("dgx".into()), ..pool("b", "default") },
        Node { taints: vec![taint], ..pool("c", "special") },
    ];
    let api = Api::of(Simulator::builder().nodes(nodes)).await;
    let node_of = async |id: &str| {
        let pods = api.get(&format!("/api/v1/workloads/{id}/pods")).await;
        pods["pods"][0]["nodeName"].as_str().unwrap_or("none").to_owned()
    };
    let typed = submit_to(&api, "1", "typed", json!({"nodeType": "dgx"})).await;
    let tolerations = json!([{"key": "reserved", "operator": "Exists"}]);
    let special = submit_to(&api, "1", "special", json!({"nodePools": ["special"], "tolerations": tolerations})).await;
    let refused = submit_to(&api, "1", "refused", json!({"nodePools": ["special"]})).await;
    let second = submit_to(&api, "1", "second", json!({"nodePools": ["special", "default"]})).await;
    pass(2.0).await;
    assert_eq!((node_of(&typed).await, node_of(&special).await), ("b".to_owned(), "c".to_owned()));
    assert_eq!(node_of(&second).await, "b");
    assert_eq!(state(&api, &refused).await.1, "has the untolerated taint `reserved`");
    assert_eq!(api.workload(&second).await["currentNodePools"], json!(["default"]));
    let pools = api.get("/api/v1/node-pools?sortBy=name&sortOrder=desc").await;
    let pools = pools["nodepools"].as_array().unwrap();
    assert_eq!((&pools[0]["name"], &pools[0]["status"]["nodes"]), (&json!("special"), &json!(["c"])));
}

#[tokio::test(start_paused = true)]
async fn runs_pods_until_completions() {
    let api = node(4, 8.0).await;
    let mut body = crate::training("wide", &[("RUNAI_SIM_RUNNING", "10")], &json!({"gpuDevicesRequest": 1}));
    body["spec"]["parallelism"] = json!(2);
    body["spec"]["completions"] = json!(5);
    let answer = api.call("POST /api/v1/workloads/trainings", body).await.expect(StatusCode::ACCEPTED);
    let id = answer["workloadId"].as_str().unwrap();
    pass(5.0).await;
    let workload = api.workload(id).await;
    assert_eq!((&workload["runningPods"], &workload["allocatedResources"]["gpu"]), (&json!(2), &json!(2.0)));
    assert_eq!(workload["requestedPods"], json!({"completions": 5, "number": 2, "parallelism": 2}));
    assert_eq!(api.get(&format!("/api/v1/workloads/{id}/pods")).await["pods"].as_array().unwrap().len(), 2);
    pass(20.0).await;
    assert_eq!(api.phase(id).await, "Running");
    pass(6.0).await;
    assert_eq!(api.phase(id).await, "Completed");
}

#[tokio::test(start_paused = true)]
async fn concurrent_requests_are_consistent() {
    let api = node(1, 8.0).await;
    let mut ids = Vec::new();
    for number in 0..50 {
        ids.push(submit_to(&api, "1", &format!("fit-{number}"), json!({"compute": {"cpuCoreRequest": 0.1}})).await);
    }
    pass(0.05).await;
    // Deleted while it is created, suspended twice, resumed while it stops, deleted twice.
    for id in &ids {
        for what in ["suspend", "suspend", "resume", "delete", "delete"] {
            api.ask(what, id).await;
        }
    }
    pass(5.0).await;
    assert_eq!(api.get("/api/v1/workloads").await, json!({"workloads": []}));
    let project = api.get("/api/v1/org-unit/projects/1").await;
    assert_eq!(project["status"]["quotaStatus"]["allocated"], json!({"cpu": 0.0, "gpu": 0.0, "memory": 0.0}));
}

#[tokio::test(start_paused = true)]
async fn stopping_workload_is_not_preempted() {
    let api = node(1, 8.0).await;
    let low = submit_to(&api, "1", "low", json!({})).await;
    pass(2.0).await;
    api.ask("suspend", &low).await;
    let high = submit_to(&api, "1", "high", json!({"priorityClass": "high"})).await;
    pass(2.0).await;
    assert_eq!((api.phase(&low).await, api.phase(&high).await), ("Stopped".into(), "Running".into()));
}
