use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use runai_client::lifecycle::{Outcome, WaitPolicy, WaitState};
use runai_client::{Event, StepOperator, Watch};
use serde_json::json;
use tokio::time::Instant;

use crate::script::{Reply, Script, answering};

const LOOK: &str = "GET /api/v1/workloads/w1";
const SUSPEND: &str = "POST /api/v1/workloads/trainings/w1/suspend";
const DELETE: &str = "DELETE /api/v1/workloads/trainings/w1";
const DELETED: &str = "GET /api/v1/workloads?filterBy=name%3D%3Dfit&deleted=true&offset=0&limit=500";

fn seen(phase: &str) -> Reply {
    Reply::json(200, &json!({"id": "w1", "name": "fit", "phase": phase}))
}

/// A workload with these totals of pending and running seconds.
fn figures(phase: &str, pending: u64, running: u64) -> Reply {
    let figures = json!({
        "id": "w1", "name": "fit", "phase": phase, "phaseUpdatedAt": "1994-11-06T08:49:37Z",
        "createdAt": "1994-11-06T08:49:37Z",
        "totalPendingTimeSeconds": pending, "totalRunningTimeSeconds": running,
    });
    Reply::json(200, &figures)
}

fn watch(script: &Script, policy: WaitPolicy) -> Watch {
    StepOperator::new(script.client(), "vision").watch("w1", policy)
}

async fn followed(watch: &mut Watch) -> (Outcome, Vec<String>) {
    let mut told = Vec::new();
    let outcome = watch.run(|event| told.push(words(event))).await.unwrap();
    (outcome, told)
}

fn words(event: &Event) -> String {
    match event {
        Event::CleanupFailed { error } => format!("cleanup failed: {error}"),
        Event::Deleting { outcome } => format!("deleting after {outcome}"),
        Event::Ended { outcome } => format!("ended: {outcome}"),
        Event::OutageBegan { .. } => "outage".to_owned(),
        Event::OutageEnded { .. } => "back".to_owned(),
        Event::Phase { phase, stage, node_pools } => format!("{phase} ({stage}) {}", node_pools.join(",")),
        Event::Suspending { why } => format!("suspending: {why}"),
        Event::Waiting { reason } => format!("waits: {reason}"),
        other => format!("{other:?}"),
    }
}

fn timeouts(pending: u64, workload: u64, delete_on_failure: bool) -> WaitPolicy {
    WaitPolicy::default()
        .pending_timeout(Duration::from_secs(pending))
        .workload_timeout(Duration::from_secs(workload))
        .delete_on_failure(delete_on_failure)
}

#[tokio::test(start_paused = true)]
async fn reports_phases_and_reasons_once() {
    let script = Script::new();
    let pending = json!({
        "id": "w1", "name": "fit", "phase": "Pending", "phaseMessage": "in the queue", "pendingSchedulingMessages": [
            {"nodePool": "a100", "phaseReason": "OverLimit", "reason": "Over limit", "userMessage": "limit reached"},
            {"nodePool": "", "phaseReason": "OverLimit", "reason": "Over quota"},
        ],
    });
    let running = json!({"id": "w1", "name": "fit", "phase": "Running", "currentNodePools": ["a100"]});
    script
        .expect(LOOK, seen("Creating"))
        .expect(LOOK, Reply::json(200, &pending))
        .expect(LOOK, Reply::json(200, &pending))
        .expect(LOOK, Reply::json(200, &running))
        .expect(LOOK, Reply::json(200, &running))
        .expect(LOOK, seen("Hibernating"))
        .expect(LOOK, seen("Completed"));
    let mut watch = watch(&script, WaitPolicy::default());
    let (outcome, told) = followed(&mut watch).await;
    assert_eq!(outcome, Outcome::Succeeded);
    assert_eq!(
        told,
        [
            "Creating (queued) ",
            "Pending (queued) ",
            "waits: a100: limit reached; Over quota",
            "Running (running) a100",
            "Hibernating (unknown) ",
            "Completed (succeeded) ",
            "ended: succeeded",
        ]
    );
    assert!(watch.next().await.unwrap().is_none());
    assert_eq!(watch.run(|_| panic!("nothing comes after the end")).await.unwrap(), Outcome::Succeeded);
}

#[tokio::test(start_paused = true)]
async fn outage_touches_nothing() {
    let begun = Instant::now();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&asked);
    let client = answering(move |sent| {
        log.lock().unwrap().push((sent.line.clone(), begun.elapsed()));
        match (begun.elapsed().as_secs(), sent.line.as_str()) {
            (60..2_000, _) => Reply::Refused,
            (2_000..2_900, _) => Reply::Hangs,
            (2_900..3_000, _) => Reply::text(200, r#"{"status": "please log in"}"#),
            (3_000..3_600, _) => Reply::text(404, "<html>default backend - 404</html>"),
            (_, "POST /api/v2/token") => Reply::token(),
            (0..60, _) => figures("Running", 0, 10),
            (3_600..4_000, _) => figures("Running", 0, 3_700),
            _ => seen("Completed"),
        }
    });
    let policy = WaitPolicy::default().delete_on_failure(true);
    let mut watch = StepOperator::new(client, "vision").watch("w1", policy);
    let (outcome, told) = followed(&mut watch).await;
    assert_eq!(outcome, Outcome::Succeeded);
    assert_eq!(told, ["Running (running) ", "outage", "back", "Completed (succeeded) ", "ended: succeeded"]);
    let asked = asked.lock().unwrap();
    assert!(asked.iter().all(|(line, _)| line.starts_with("GET ") || line.ends_with("/token")));
    for pair in asked.windows(2) {
        assert!(pair[1].1.checked_sub(pair[0].1).unwrap() <= Duration::from_secs(30), "{pair:?}");
    }
    assert!(asked.len() < 2_000, "{} requests", asked.len());
}

#[tokio::test(start_paused = true)]
async fn timeout_suspends_and_deletes() {
    let script = Script::new();
    script
        .expect(LOOK, figures("Pending", 59, 0))
        .expect(LOOK, figures("Pending", 60, 0))
        .expect(SUSPEND, Reply::text(202, ""))
        .expect(LOOK, figures("Pending", 60, 0))
        .expect(LOOK, seen("Stopping"))
        .expect(LOOK, seen("Stopped"))
        .expect(DELETE, Reply::json(202, &json!({"code": 202, "message": "accepted"})))
        .expect(LOOK, seen("Deleting"))
        .expect(LOOK, Reply::error(404, "no such workload"))
        .expect(DELETED, Reply::json(200, &json!({"workloads": []})));
    let (outcome, told) = followed(&mut watch(&script, timeouts(60, 60, true))).await;
    assert_eq!(outcome, Outcome::PendingTimeout);
    assert_eq!(
        told,
        [
            "Pending (queued) ",
            "suspending: pending timeout",
            "Stopping (ending) ",
            "Stopped (stopped) ",
            "deleting after pending timeout",
            "Deleting (ending) ",
            "ended: pending timeout",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn resends_failed_suspend() {
    let asked = AtomicUsize::new(0);
    let client = answering(move |sent| match sent.line.as_str() {
        "POST /api/v2/token" => Reply::token(),
        // More often than the client retries.
        SUSPEND if asked.fetch_add(1, Ordering::Relaxed) < 20 => Reply::Refused,
        SUSPEND => Reply::text(202, ""),
        _ if asked.load(Ordering::Relaxed) > 20 => seen("Stopped"),
        _ => figures("Running", 0, 60),
    });
    let mut watch = StepOperator::new(client, "vision").watch("w1", timeouts(60, 60, false));
    let (outcome, told) = followed(&mut watch).await;
    assert_eq!(outcome, Outcome::WorkloadTimeout);
    assert_eq!(told[..3], ["Running (running) ", "suspending: workload timeout", "outage"]);
    assert_eq!(told[told.len() - 3..], ["back", "Stopped (stopped) ", "ended: workload timeout"]);
}

#[tokio::test(start_paused = true)]
async fn forbidden_suspend_keeps_watch_usable() {
    let script = Script::new();
    script
        .expect(LOOK, figures("Running", 0, 60))
        .expect(SUSPEND, Reply::error(403, "not allowed"))
        .expect(LOOK, seen("Completed"));
    let mut watch = watch(&script, timeouts(60, 60, false));
    watch.next().await.unwrap();
    watch.next().await.unwrap();
    let error = watch.next().await.unwrap_err();
    assert!(error.is_auth(), "{error}");
    assert_eq!(watch.run(|_| {}).await.unwrap(), Outcome::Succeeded);
}

#[tokio::test(start_paused = true)]
async fn accepts_end_before_suspend() {
    let script = Script::new();
    script
        .expect(LOOK, figures("Running", 0, 60))
        .expect(SUSPEND, Reply::error(409, "already completed"))
        .expect(LOOK, seen("Completed"));
    let (outcome, _) = followed(&mut watch(&script, timeouts(60, 60, false))).await;
    assert_eq!(outcome, Outcome::Succeeded);
}

#[tokio::test(start_paused = true)]
async fn failed_cleanup_keeps_outcome() {
    let script = Script::new();
    script.expect(LOOK, seen("Failed")).expect(DELETE, Reply::error(403, "not allowed"));
    let (outcome, told) = followed(&mut watch(&script, timeouts(60, 60, true))).await;
    assert_eq!(outcome, Outcome::Failed);
    assert_eq!(told[2], format!("cleanup failed: `{DELETE}` returned 403 Forbidden: not allowed"));
}

#[tokio::test(start_paused = true)]
async fn leaves_stopped_workload_alone() {
    let script = Script::new();
    script.expect(LOOK, seen("Running")).expect(LOOK, seen("Stopped"));
    let (outcome, _) = followed(&mut watch(&script, timeouts(60, 60, true))).await;
    assert_eq!(outcome, Outcome::Stopped);
}

#[tokio::test(start_paused = true)]
async fn searches_deleted_workloads() {
    let record = |phase: &str| {
        Reply::json(
            200,
            &json!({"workloads": [
                {"id": "w0", "name": "fit", "phase": "Failed"}, {"id": "w1", "name": "fit", "phase": phase},
            ]}),
        )
    };
    for (phase, expected) in [("Completed", Outcome::Succeeded), ("Running", Outcome::Vanished)] {
        let script = Script::new();
        script
            .expect(LOOK, seen("Running"))
            .expect(LOOK, Reply::error(404, "no such workload"))
            .expect(DELETED, record(phase));
        let (outcome, _) = followed(&mut watch(&script, WaitPolicy::default())).await;
        assert_eq!(outcome, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn cancel_returns_outcome() {
    let script = Script::new();
    let operator = StepOperator::new(script.client(), "vision");
    script
        .expect(LOOK, seen("Running"))
        .expect(LOOK, seen("Running"))
        .expect(SUSPEND, Reply::text(202, ""))
        .expect(LOOK, seen("Running"))
        .expect(LOOK, seen("Stopped"));
    assert_eq!(operator.cancel("w1").await.unwrap(), Outcome::Cancelled);

    script.expect(LOOK, seen("Completed")).expect(LOOK, seen("Completed"));
    assert_eq!(operator.cancel("w1").await.unwrap(), Outcome::Succeeded);

    script.expect(LOOK, Reply::error(404, "no such workload"));
    assert!(operator.cancel("w1").await.unwrap_err().is_not_found());
}

#[tokio::test(start_paused = true)]
async fn cancel_gives_up_in_outage() {
    let client = answering(|_| Reply::Refused);
    let begun = Instant::now();
    let error = StepOperator::new(client, "vision").cancel("w1").await.unwrap_err();
    assert!(error.is_unreachable() && begun.elapsed() <= Duration::from_secs(15), "{error} {:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn next_is_cancel_safe() {
    let script = Script::new();
    script.expect(LOOK, figures("Running", 0, 10)).expect(LOOK, Reply::Hangs).expect(LOOK, figures("Running", 0, 11));
    let mut watch = watch(&script, WaitPolicy::default());
    watch.next().await.unwrap();
    for _ in 0..8 {
        // While it sleeps, and later while its request is in flight.
        assert!(tokio::time::timeout(Duration::from_millis(300), watch.next()).await.is_err());
    }
    watch.cancel();
    // After a suspend without a response, polls decide again during its backoff of 1 s.
    script.expect(SUSPEND, Reply::Hangs);
    for _ in 0..3 {
        script.expect(LOOK, figures("Running", 0, 12));
    }
    script.expect(SUSPEND, Reply::text(202, "")).expect(LOOK, seen("Stopped"));
    let told = words(&watch.next().await.unwrap().unwrap());
    assert_eq!(told, "suspending: cancelled");
    assert!(tokio::time::timeout(Duration::from_secs(1), watch.next()).await.is_err());
    let (outcome, _) = followed(&mut watch).await;
    assert_eq!(outcome, Outcome::Cancelled);
}

#[tokio::test(start_paused = true)]
async fn resumes_from_state() {
    let script = Script::new();
    script.expect(LOOK, figures("Running", 0, 60));
    let mut first = watch(&script, timeouts(60, 60, false));
    first.next().await.unwrap();
    assert_eq!(words(&first.next().await.unwrap().unwrap()), "suspending: workload timeout");
    let written = serde_json::to_string(first.state()).unwrap();
    drop(first);

    let state: WaitState = serde_json::from_str(&written).unwrap();
    script.expect(LOOK, seen("Stopped"));
    let mut second = StepOperator::new(script.client(), "vision").watch_from("w1", timeouts(60, 60, false), state);
    assert_eq!(second.run(|_| {}).await.unwrap(), Outcome::WorkloadTimeout);
}

#[tokio::test(start_paused = true)]
async fn lack_of_permission_ends_watch() {
    let script = Script::new();
    script.expect(LOOK, Reply::error(403, "no"));
    let mut watch_never_permitted = watch(&script, WaitPolicy::default());
    assert!(watch_never_permitted.next().await.unwrap_err().is_auth());

    let begun = Instant::now();
    let client = answering(move |sent| match begun.elapsed().as_secs() {
        _ if sent.line.ends_with("/token") => Reply::token(),
        0..10 | 1_000.. => seen("Running"),
        10..100 | 200..1_000 => Reply::error(403, "no"),
        100..200 => seen("Pending"),
    });
    let mut watch = StepOperator::new(client, "vision").watch("w1", WaitPolicy::default());
    assert!(watch.run(|_| {}).await.unwrap_err().is_auth());
    assert!((500..550).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
    tokio::time::sleep(Duration::from_mins(10)).await;
    assert_eq!(words(&watch.next().await.unwrap().unwrap()), "back");
}

#[tokio::test(start_paused = true)]
async fn blindness_can_be_limited() {
    let client = answering(|_| Reply::Refused);
    let mut watch = StepOperator::new(client, "vision").watch("w1", WaitPolicy::default());
    watch.set_max_outage(Some(Duration::from_mins(5)));
    let begun = Instant::now();
    assert!(watch.run(|_| {}).await.unwrap_err().is_unreachable());
    assert!((300..360).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn watch_and_fleet_are_streams() {
    use futures_util::{StreamExt as _, TryStreamExt as _};
    use runai_client::{Fleet, FleetEvent, Submitted};

    let script = Script::new();
    script.expect(LOOK, seen("Pending")).expect(LOOK, seen("Running")).expect(LOOK, seen("Completed"));
    let events: Vec<Event> = watch(&script, WaitPolicy::default()).try_collect().await.unwrap();
    assert!(matches!(events.as_slice(), [Event::Phase { .. }, .., Event::Ended { outcome: Outcome::Succeeded }]));

    let client = answering(|sent| match sent.line.as_str() {
        line if line.ends_with("/token") => Reply::token(),
        LOOK => seen("Completed"),
        _ => Reply::json(200, &json!({"workloads": [{"id": "w1", "name": "fit", "phase": "Completed"}]})),
    });
    let workload = client.workload("w1").await.unwrap();
    let mut fleet = Fleet::new(client);
    fleet.follow(&Submitted::existing(&workload), WaitPolicy::default());
    let events: Vec<FleetEvent> = fleet.collect().await;
    let is_end = |event: &FleetEvent| matches!(event, FleetEvent::Workload { event: Event::Ended { .. }, .. });
    assert_eq!(events.iter().filter(|event| is_end(event)).count(), 1, "{events:?}");
}
