//! Faults of the control plane itself, one test per kind. `faults.rs` tests broken responses.

use std::time::Duration;

use axum::http::{StatusCode, header};
use runai_sim::{ConflictWording, Damage, Endpoint, Fault, FaultKind, LateAnswer, Simulator, SpecChange, TotalsChange};
use serde_json::{Value, json};

use crate::{Answer, Api, SUBMIT, pass, training};

const LONG: [(&str, &str); 1] = [("RUNAI_SIM_RUNNING", "1000")];

async fn with(faults: impl IntoIterator<Item = Fault>) -> Api {
    Api::of(Simulator::builder().faults(faults)).await
}

fn at(endpoint: Endpoint, kind: FaultKind) -> Fault {
    Fault::new(kind).at(endpoint)
}

async fn listed(api: &Api) -> Vec<Value> {
    api.get("/api/v1/workloads").await["workloads"].as_array().unwrap().clone()
}

async fn submit(api: &Api, name: &str) -> Answer {
    api.call(SUBMIT, training(name, &LONG, &json!({"gpuDevicesRequest": 1}))).await
}

#[tokio::test(start_paused = true)]
async fn reads_lag() {
    for (endpoint, lags) in [
        (Endpoint::List, [true, false, false]),
        (Endpoint::Get, [false, true, false]),
        (Endpoint::Training, [false, false, true]),
    ] {
        let api = with([at(endpoint, FaultKind::Lag { seconds: 10.0 })]).await;
        let id = api.submit("fit", &LONG, json!({"gpuDevicesRequest": 1})).await;
        let phases = async || {
            let list = api.get("/api/v1/workloads").await["workloads"][0]["phase"].clone();
            let get = api.call(&format!("GET /api/v1/workloads/{id}"), Value::Null).await.body["phase"].clone();
            let training = api.call(&format!("GET /api/v1/workloads/trainings/{id}"), Value::Null).await;
            [list, get, training.body["actualPhase"].clone()].map(|it| it.as_str().unwrap_or("none").to_owned())
        };
        let shown = |old: &str, new: &str| lags.map(|lags| if lags { old.to_owned() } else { new.to_owned() });
        pass(5.0).await;
        assert_eq!(phases().await, shown("none", "Running"), "{endpoint:?}");
        // It was created 10 s ago.
        pass(5.05).await;
        assert_eq!(phases().await, shown("Creating", "Running"), "{endpoint:?}");
        pass(0.1).await;
        assert_eq!(phases().await, shown("Initializing", "Running"), "{endpoint:?}");
        pass(1.0).await;
        assert_eq!(phases().await, shown("Running", "Running"), "{endpoint:?}");
        api.ask("delete", &id).await;
        pass(9.0).await;
        assert_eq!(phases().await, shown("Running", "none"), "{endpoint:?}");
        pass(2.0).await;
        assert_eq!(phases().await, shown("none", "none"), "{endpoint:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn lagging_read_shows_old_version() {
    let api = with([at(Endpoint::List, FaultKind::Lag { seconds: 60.0 })]).await;
    api.submit("fit", &[("RUNAI_SIM_RUNNING", "30")], json!({"gpuDevicesRequest": 2})).await;
    pass(80.0).await;
    let shown = &listed(&api).await[0];
    assert_eq!((&shown["phase"], &shown["completedAt"]), (&json!("Running"), &Value::Null));
    assert_eq!((&shown["allocatedResources"]["gpu"], &shown["totalRunningTimeSeconds"]), (&json!(2.0), &json!(19)));
    let filtered = "/api/v1/workloads/count?filterBy=phase==";
    assert_eq!(api.get(&format!("{filtered}Running")).await["count"], 1);
    assert_eq!(api.get(&format!("{filtered}Completed")).await["count"], 0);
}

#[tokio::test(start_paused = true)]
async fn submission_takes_effect_late() {
    for answer in [LateAnswer::Status(504), LateAnswer::Cut, LateAnswer::Hang] {
        let late = FaultKind::LateEffect { answer, delay: 90.0, jitter: 0.0 };
        let api = with([at(Endpoint::Submit, late).times(1)]).await;
        let body = training("fit", &LONG, &json!({}));
        match answer {
            LateAnswer::Status(_) => {
                api.call(SUBMIT, body).await.refused(StatusCode::GATEWAY_TIMEOUT);
            }
            LateAnswer::Cut => assert!(api.broken(SUBMIT, body).await.is_empty()),
            _ => {
                // The client times out after 10 s.
                let call = api.call(SUBMIT, body);
                assert!(tokio::time::timeout(Duration::from_secs(10), call).await.is_err());
            }
        }
        let waited = if answer == LateAnswer::Hang { 10.0 } else { 0.0 };
        pass(89.0 - waited).await;
        assert!(listed(&api).await.is_empty(), "{answer:?}");
        pass(300.0).await;
        let shown = &listed(&api).await[0];
        assert_eq!(shown["createdAt"], "2026-11-23T10:01:30.000Z", "{answer:?}");
        assert_eq!(shown["phaseUpdatedAt"], "2026-11-23T10:01:30.200Z", "{answer:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn late_submission_is_validated_late() {
    let late = FaultKind::LateEffect { answer: LateAnswer::Cut, delay: 60.0, jitter: 0.0 };
    let api = with([at(Endpoint::Submit, late).times(2)]).await;
    // The first is too late: the second attempt uses its name. The other is invalid.
    for body in [training("fit", &LONG, &json!({})), json!({"name": "Not A Name"})] {
        api.broken(SUBMIT, body).await;
    }
    let id = api.submit("fit", &LONG, json!({})).await;
    pass(120.0).await;
    let shown = listed(&api).await;
    assert_eq!((shown.len(), &shown[0]["id"]), (1, &json!(id)));
}

#[tokio::test(start_paused = true)]
async fn seed_determines_delay() {
    let created = async |seed| {
        let late = FaultKind::LateEffect { answer: LateAnswer::Status(503), delay: 10.0, jitter: 100.0 };
        let api = with([at(Endpoint::Submit, late).by_chance(1.0, seed)]).await;
        submit(&api, "fit").await.refused(StatusCode::SERVICE_UNAVAILABLE);
        pass(200.0).await;
        listed(&api).await[0]["createdAt"].as_str().unwrap().to_owned()
    };
    let (one, again, other) = (created(1).await, created(1).await, created(2).await);
    assert!(one == again && one != other, "{one} {again} {other}");
    assert!(("2026-11-23T10:00:10"..="2026-11-23T10:01:50").contains(&one.as_str()), "{one}");
}

#[tokio::test(start_paused = true)]
async fn actions_are_late_or_lost() {
    let late = FaultKind::LateEffect { answer: LateAnswer::Status(500), delay: 60.0, jitter: 0.0 };
    let api = with([at(Endpoint::Action, late).times(1), at(Endpoint::Action, FaultKind::LostAction).times(3)]).await;
    let id = api.submit("fit", &LONG, json!({})).await;
    pass(1.0).await;
    let suspend = format!("POST /api/v1/workloads/trainings/{id}/suspend");
    // Both faults apply: the effect is late.
    api.call(&suspend, Value::Null).await.refused(StatusCode::INTERNAL_SERVER_ERROR);
    // Lost on both paths.
    api.ask("suspend", &id).await;
    let batch = json!({"ids": [id], "action": "delete"});
    let answer = api.call("POST /api/v1/workloads/batch", batch).await.expect(StatusCode::OK);
    assert_eq!(answer["succeeded"], json!([id]));
    pass(50.0).await;
    assert_eq!(api.phase(&id).await, "Running");
    pass(11.0).await;
    assert_eq!(api.phase(&id).await, "Stopped");
    assert_eq!(api.workload(&id).await["phaseUpdatedAt"], "2026-11-23T10:01:01.100Z");
    let missing = api.call("DELETE /api/v1/workloads/trainings/none", Value::Null).await;
    missing.refused(StatusCode::NOT_FOUND);
}

#[tokio::test(start_paused = true)]
async fn duplicate_names() {
    let api = with([at(Endpoint::Submit, FaultKind::DuplicateNames { visible_after: Some(5.0) })]).await;
    submit(&api, "fit").await.expect(StatusCode::ACCEPTED);
    pass(4.9).await;
    submit(&api, "fit").await.expect(StatusCode::ACCEPTED);
    assert_eq!(api.get("/api/v1/workloads?filterBy=name==fit").await["workloads"].as_array().unwrap().len(), 2);
    pass(0.1).await;
    submit(&api, "fit").await.refused(StatusCode::CONFLICT);

    let api = with([at(Endpoint::Submit, FaultKind::DuplicateNames { visible_after: None })]).await;
    for _ in 0..3 {
        submit(&api, "fit").await.expect(StatusCode::ACCEPTED);
        pass(100.0).await;
    }
    assert_eq!(listed(&api).await.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn name_conflict_wordings() {
    for (status, wording, expected) in [
        (409, ConflictWording::Exists, "workload with name 'fit' already exists in this project"),
        (409, ConflictWording::InUse, "the name 'fit' is already in use"),
        (400, ConflictWording::Duplicate, "duplicate workload name 'fit'"),
    ] {
        let api = with([at(Endpoint::Submit, FaultKind::NameConflict { status, wording })]).await;
        submit(&api, "fit").await.expect(StatusCode::ACCEPTED);
        assert_eq!(submit(&api, "fit").await.refused(StatusCode::from_u16(status).unwrap()), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn latency_uses_simulated_time() {
    let took = async |kind, speed| {
        let fault = Fault::new(kind).on("GET", "/api/v1/clusters");
        let api = Api::of(Simulator::builder().speed(speed).fault(fault)).await;
        let begun = tokio::time::Instant::now();
        api.get("/api/v1/clusters").await;
        begun.elapsed()
    };
    let stall = || FaultKind::Latency { seconds: 60.0 };
    let near = |took: Duration, seconds: u64| took.as_secs() == seconds && took.subsec_millis() < 3;
    assert!(near(took(stall(), 1.0).await, 60));
    assert!(near(took(stall(), 60.0).await, 1));

    // The request takes effect before the delay.
    let api = with([at(Endpoint::Submit, stall())]).await;
    let call = submit(&api, "fit");
    assert!(tokio::time::timeout(Duration::from_secs(10), call).await.is_err());
    assert_eq!(listed(&api).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn heavy_tail_latency() {
    let kind = FaultKind::HeavyTail { longest: 60.0, median: 1.0 };
    let api = with([Fault::new(kind).on("GET", "/api/v1/clusters").by_chance(1.0, 3)]).await;
    let mut times = Vec::new();
    for _ in 0..400 {
        let begun = tokio::time::Instant::now();
        api.get("/api/v1/clusters").await;
        times.push(begun.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    let (median, last) = (times[200], times[399]);
    assert!((0.8..1.25).contains(&median) && (20.0..60.1).contains(&last), "{median} {last}");
}

#[tokio::test(start_paused = true)]
async fn empty_lists_within_window() {
    let window = |kind| Fault::new(kind).starting_after(Duration::from_secs(10)).lasting(Duration::from_secs(10));
    let gone = FaultKind::Status { status: 404, retry_after: None };
    let one = with([window(gone).at(Endpoint::Get)]).await;
    let all = with([window(FaultKind::EmptyList)]).await;
    let list = with([window(FaultKind::EmptyList).at(Endpoint::List)]).await;
    for api in [&one, &all, &list] {
        submit(api, "fit").await.expect(StatusCode::ACCEPTED);
    }
    let counts = async |api: &Api| {
        let workloads = api.get("/api/v1/workloads?limit=1").await;
        [
            workloads["workloads"].as_array().unwrap().len(),
            usize::try_from(api.get("/api/v1/workloads/count").await["count"].as_u64().unwrap()).unwrap(),
            api.get("/api/v1/org-unit/projects").await["projects"].as_array().unwrap().len(),
            api.get("/api/v1/clusters").await.as_array().unwrap().len(),
        ]
    };
    for (seconds, is_gone) in [(9.0, false), (1.0, true), (9.0, true), (1.0, false)] {
        pass(seconds).await;
        let shown = usize::from(!is_gone);
        assert_eq!(counts(&all).await, [shown; 4]);
        assert_eq!(counts(&list).await, [shown, shown, 1, 1]);
        assert_eq!(counts(&one).await, [1; 4]);
        let id = listed(&one).await[0]["id"].as_str().unwrap().to_owned();
        let status = one.call(&format!("GET /api/v1/workloads/{id}"), Value::Null).await.status;
        assert_eq!(status == StatusCode::NOT_FOUND, is_gone);
        one.get(&format!("/api/v1/workloads/trainings/{id}")).await;
    }
}

#[tokio::test]
async fn proxies_respond() {
    for status in [200, 400, 405, 410] {
        let api = with([at(Endpoint::List, FaultKind::Html { status })]).await;
        let (found, page) = api.text("GET /api/v1/workloads").await;
        assert!(found.as_u16() == status && page.starts_with("<html>"), "{page}");
        assert_eq!(page.contains("Sign in"), status == 200, "{page}");
    }
    let kind: FaultKind = serde_json::from_value(json!({"redirect": {}})).unwrap();
    let api = with([at(Endpoint::List, kind)]).await;
    let answer = api.call("GET /api/v1/workloads", Value::Null).await;
    assert_eq!((answer.status, &answer.headers[header::LOCATION]), (StatusCode::FOUND, &"/login".parse().unwrap()));
    let (status, page) = api.text("GET /login").await;
    assert!(status == StatusCode::OK && page.contains("Sign in"), "{page}");
}

#[tokio::test]
async fn loses_permission_in_project() {
    let builder = Simulator::builder().projects(["vision", "speech"]);
    let lost = Fault::new(FaultKind::LostPermission { project: "vision".into() }).on("*", "/api/v1/*");
    let api = Api::of(builder.fault(Fault { method: None, ..lost.times(3) })).await;
    let body = |project: &str| {
        let mut body = training("fit", &LONG, &json!({}));
        body["projectId"] = json!(project);
        body
    };
    let message = api.call(SUBMIT, body("1")).await.refused(StatusCode::FORBIDDEN);
    assert!(message.contains("no role in the project vision"), "{message}");
    api.call(SUBMIT, body("2")).await.expect(StatusCode::ACCEPTED);
    let projects = api.get("/api/v1/org-unit/projects").await;
    assert_eq!(projects["projects"].as_array().unwrap().len(), 1);
    api.call(SUBMIT, body("1")).await.expect(StatusCode::ACCEPTED);
}

#[tokio::test(start_paused = true)]
async fn malforms_list_item() {
    let damaged = async |damage, member: Option<&str>, seed| {
        let kind = FaultKind::MalformedItem { damage, member: member.map(str::to_owned) };
        let api = with([at(Endpoint::List, kind).by_chance(1.0, seed)]).await;
        for name in ["one", "two", "three"] {
            submit(&api, name).await.expect(StatusCode::ACCEPTED);
        }
        listed(&api).await
    };
    let ok = |items: &[Value], member: &str| items.iter().filter(|item| item[member].is_string()).count();
    let items = damaged(Damage::Missing, Some("phase"), 1).await;
    assert_eq!((items.len(), ok(&items, "phase"), ok(&items, "name")), (3, 2, 3));
    assert_eq!(items.iter().filter(|item| item.get("phase").is_none()).count(), 1);
    let items = damaged(Damage::OtherType, Some("phase"), 1).await;
    assert_eq!(items.iter().filter(|item| item["phase"].is_number()).count(), 1);
    // The seeds cover each needed member.
    let mut members = Vec::new();
    for seed in 0..64 {
        let items = damaged(Damage::Missing, None, seed).await;
        let needed = ["clusterId", "createdAt", "id", "name", "phase", "phaseUpdatedAt", "projectId", "type"];
        let missing: Vec<&str> = needed.into_iter().filter(|member| ok(&items, member) == 2).collect();
        assert_eq!(missing.len(), 1, "{items:?}");
        members.extend(missing);
    }
    members.sort_unstable();
    members.dedup();
    assert_eq!(members.len(), 8, "{members:?}");
}

#[tokio::test(start_paused = true)]
async fn normalizes_stored_spec() {
    let changes = vec![SpecChange::Bytes, SpecChange::DroppedLabels, SpecChange::MaskedValues, SpecChange::Order];
    let api = with([at(Endpoint::Submit, FaultKind::NormalizedSpec { changes })]).await;
    let script = [("SECRET", "canary"), ("RUNAI_SIM_RUNNING", "50")];
    let mut body = training("fit", &script, &json!({"cpuMemoryRequest": "1Gi"}));
    body["spec"]["labels"] = json!([{"name": "team", "value": "ml"}]);
    let answer = api.call(SUBMIT, body).await.expect(StatusCode::ACCEPTED);
    let id = answer["workloadId"].as_str().unwrap();
    let read = api.get(&format!("/api/v1/workloads/trainings/{id}")).await;
    assert_eq!(read["spec"], answer["spec"]);
    assert_eq!(read["spec"]["compute"]["cpuMemoryRequest"], "1073741824");
    assert_eq!(read["spec"].get("labels"), None);
    let masked = |name: &str| json!({"name": name, "value": "*****"});
    assert_eq!(read["spec"]["environmentVariables"], json!([masked("RUNAI_SIM_RUNNING"), masked("SECRET")]));
    let item = &listed(&api).await[0];
    assert_eq!(item["environmentVariables"]["SECRET"], "*****");
    assert_eq!(item["workloadRequestedResources"]["cpuMemory"]["request"], "1073741824");
    // The workload runs as submitted.
    pass(40.0).await;
    assert_eq!(api.phase(id).await, "Running");
    pass(20.0).await;
    assert_eq!(api.phase(id).await, "Completed");
}

#[tokio::test(start_paused = true)]
async fn changes_dates() {
    let date = async |kind| {
        let api = with([at(Endpoint::List, kind)]).await;
        pass(90.0).await;
        let answer = api.call("GET /api/v1/workloads", Value::Null).await;
        answer.headers.get(header::DATE).map(|date| date.to_str().unwrap()[17..25].to_owned())
    };
    assert_eq!(date(FaultKind::MissingDate).await, None);
    assert_eq!(date(FaultKind::FrozenDate).await.as_deref(), Some("10:00:00"));
    assert_eq!(date(FaultKind::ClockSkew { seconds: 3.0 * 3600.0 }).await.as_deref(), Some("13:01:30"));
    assert_eq!(date(FaultKind::ClockSkew { seconds: -7200.0 }).await.as_deref(), Some("08:01:30"));
    assert_eq!(date(FaultKind::EmptyList).await.as_deref(), Some("10:01:30"));
}

#[tokio::test(start_paused = true)]
async fn limits_rate() {
    let fault = at(Endpoint::List, FaultKind::RateLimit { requests: 2, seconds: 30.0 });
    let api = Api::of(Simulator::builder().speed(10.0).fault(fault)).await;
    listed(&api).await;
    pass(1.0).await;
    listed(&api).await;
    let answer = api.call("GET /api/v1/workloads", Value::Null).await;
    // 20 s of simulated time are left.
    assert_eq!(answer.headers[header::RETRY_AFTER], "2");
    answer.refused(StatusCode::TOO_MANY_REQUESTS);
    api.get("/api/v1/clusters").await;
    pass(2.0).await;
    listed(&api).await;
}

#[tokio::test(start_paused = true)]
async fn workload_stays_stopping() {
    let api = with([at(Endpoint::Action, FaultKind::StuckStopping).times(1)]).await;
    let id = api.submit("fit", &LONG, json!({"gpuDevicesRequest": 1})).await;
    pass(1.0).await;
    api.ask("suspend", &id).await;
    pass(3000.0).await;
    assert_eq!(api.phase(&id).await, "Stopping");
    assert_eq!(api.workload(&id).await["allocatedResources"]["gpu"], 1.0);
    api.ask("suspend", &id).await;
    api.ask("resume", &id).await;
    pass(10.0).await;
    assert_eq!(api.phase(&id).await, "Stopping");
    api.ask("delete", &id).await;
    pass(1.0).await;
    assert!(listed(&api).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn unknown_phases() {
    for (completed, running_has_end, completed_has_end) in
        [(Some(true), true, true), (Some(false), false, false), (None, false, true)]
    {
        let api =
            with([Fault::new(FaultKind::UnknownPhase { completed, phase: "Archived".into() })
                .on("GET", "/api/v1/workloads*")])
            .await;
        api.submit("long", &LONG, json!({})).await;
        let id = api.submit("short", &[], json!({})).await;
        pass(10.0).await;
        let items = listed(&api).await;
        assert!(items.iter().all(|item| item["phase"] == "Archived"));
        let has_end = |item: &Value| item["completedAt"].is_string();
        assert_eq!((has_end(&items[0]), has_end(&items[1])), (running_has_end, completed_has_end));
        assert_eq!(has_end(&api.workload(&id).await), completed_has_end);
        let training = api.get(&format!("/api/v1/workloads/trainings/{id}")).await;
        assert_eq!(training["actualPhase"], "Archived");
    }
}

#[tokio::test(start_paused = true)]
async fn total_times_are_wrong() {
    let totals = async |change| {
        let api = with([at(Endpoint::Get, FaultKind::TotalTimes { change })]).await;
        let id = api.submit("fit", &LONG, json!({})).await;
        let mut totals = Vec::new();
        // Runs for 50 s, is preempted, runs again.
        pass(50.2).await;
        let body = json!({"do": "preempt"});
        assert_eq!(api.call(&format!("POST /sim/workloads/{id}"), body).await.status, StatusCode::NO_CONTENT);
        for _ in 0..3 {
            pass(10.2).await;
            totals.push(api.workload(&id).await["totalRunningTimeSeconds"].as_u64().unwrap());
        }
        totals
    };
    // The correct values are 60, 70 and 80.
    assert_eq!(totals(TotalsChange::Reset).await, [10, 20, 30]);
    let backwards = totals(TotalsChange::Backwards).await;
    assert!(backwards.is_sorted_by(|one, other| one > other) && backwards[0] <= 41, "{backwards:?}");
}
