//! Fleets.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt as _;
use runai_client::lifecycle::{Outcome, WaitPolicy};
use runai_client::{Error, Event, Fleet, FleetEvent, ListParams, Progress, ReceiptStore as _, StepOperator, Submitted};
use runai_sim::{Fault, FaultKind, Simulator};
use serde_json::json;
use tokio::time::Instant;

use crate::network::{Fate, MemoryStore, client, operator, request, submission_of};
use crate::script::{Reply, answering};

async fn submit(operator: &StepOperator, count: usize, variables: &[(&str, &str)]) -> Vec<Submitted> {
    let placement = operator.prepare().await.unwrap();
    let requests: Vec<_> = (0..count).map(|run| request(&placement, &run.to_string(), variables)).collect();
    let submitted: Vec<_> =
        operator.submit_all(requests.iter().map(submission_of), 50).map(|(_, result)| result.unwrap()).collect().await;
    assert_eq!(submitted.len(), count);
    submitted
}

fn fleet_of(client: runai_client::Client, submitted: &[Submitted], policy: &WaitPolicy) -> Fleet {
    let mut fleet = Fleet::new(client);
    for one in submitted {
        fleet.follow(one, policy.clone());
    }
    fleet
}

/// Follows to the end: outcomes by workload, and all other events.
async fn followed(fleet: &mut Fleet) -> (HashMap<String, Outcome>, Vec<FleetEvent>) {
    let (mut outcomes, mut others) = (HashMap::new(), Vec::new());
    while let Some(event) = fleet.next().await {
        match event {
            FleetEvent::Workload { workload_id, event: Event::Ended { outcome } } => {
                assert_eq!(outcomes.insert(workload_id, outcome), None);
            }
            other => others.push(other),
        }
    }
    (outcomes, others)
}

#[tokio::test(start_paused = true)]
async fn lists_thousands_with_few_requests() {
    const COUNT: usize = 1_100;
    let sim = Simulator::builder().in_memory().unwrap();
    let submitted = submit(&operator(&sim), COUNT, &[("RUNAI_SIM_RUNNING", "600")]).await;
    let lists = Arc::new(AtomicUsize::new(0));
    let singles = Arc::new(AtomicUsize::new(0));
    let (list, single) = (Arc::clone(&lists), Arc::clone(&singles));
    let counting = client(&sim, move |sent| {
        let counter = if sent.uri().path() == "/api/v1/workloads" { &list } else { &single };
        counter.fetch_add(1, Ordering::Relaxed);
        Fate::Arrives
    });
    let mut fleet = fleet_of(counting, &submitted, &WaitPolicy::default());
    let begun = Instant::now();
    let (outcomes, _) = followed(&mut fleet).await;
    assert!(outcomes.len() == COUNT && outcomes.values().all(|outcome| *outcome == Outcome::Succeeded));
    assert!(fleet.is_empty() && fleet.next().await.is_none());
    // Three pages every 30 s, and more often after changes.
    let intervals = begun.elapsed().as_secs().div_ceil(30);
    let (lists, singles) = (lists.load(Ordering::Relaxed), singles.load(Ordering::Relaxed));
    assert!(lists < 3 * usize::try_from(intervals).unwrap() + 3 * 12, "{lists} lists in {intervals} intervals");
    assert!(singles < 10, "{singles} single requests");
}

#[tokio::test(start_paused = true)]
async fn polls_few_members_individually() {
    let sim = Simulator::builder().in_memory().unwrap();
    let submitted = submit(&operator(&sim), 700, &[("RUNAI_SIM_RUNNING", "60")]).await;
    let lists = Arc::new(AtomicUsize::new(0));
    let list = Arc::clone(&lists);
    let counting = client(&sim, move |sent| {
        list.fetch_add(usize::from(sent.uri().path() == "/api/v1/workloads"), Ordering::Relaxed);
        Fate::Arrives
    });
    let mut fleet = fleet_of(counting, &submitted[..1], &WaitPolicy::default());
    let (outcomes, _) = followed(&mut fleet).await;
    assert_eq!((outcomes.len(), lists.load(Ordering::Relaxed)), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn reports_outage_once() {
    let sim = Simulator::builder().in_memory().unwrap();
    let submitted = submit(&operator(&sim), 300, &[("RUNAI_SIM_RUNNING", "1200")]).await;
    let touched = Arc::new(AtomicUsize::new(0));
    let touch = Arc::clone(&touched);
    let begun = Instant::now();
    let blind = client(&sim, move |sent| {
        touch.fetch_add(
            usize::from(*sent.method() != http::Method::GET && !sent.uri().path().ends_with("/token")),
            Ordering::Relaxed,
        );
        if (60..3_660).contains(&begun.elapsed().as_secs()) { Fate::NobodyListens } else { Fate::Arrives }
    });
    let policy = WaitPolicy::default().delete_on_failure(true).workload_timeout(Duration::from_secs(1300));
    let (outcomes, others) = followed(&mut fleet_of(blind, &submitted, &policy)).await;
    assert!(outcomes.len() == 300 && outcomes.values().all(|outcome| *outcome == Outcome::Succeeded));
    let outages = others.iter().filter(|event| matches!(event, FleetEvent::OutageBegan { .. })).count();
    let lasted = others.iter().find_map(|event| match event {
        FleetEvent::OutageEnded { lasted, .. } => Some(lasted.as_secs()),
        _ => None,
    });
    assert!(outages == 1 && (3_500..3_700).contains(&lasted.unwrap()), "{outages} {lasted:?}");
    assert_eq!(touched.load(Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn distinguishes_outcomes() {
    let sim = Simulator::builder().in_memory().unwrap();
    let operator = operator(&sim);
    let placement = operator.prepare().await.unwrap();
    let policy = WaitPolicy::default().workload_timeout(Duration::from_secs(1000)).delete_on_failure(true);
    let mut fleet = Fleet::new(operator.client().clone());
    let mut expected = HashMap::new();
    for (index, (running, result, outcome)) in [
        ("100", "Completed", Outcome::Succeeded),
        ("200", "Failed", Outcome::Failed),
        ("300", "Stopped", Outcome::Stopped),
        ("4000", "Completed", Outcome::WorkloadTimeout),
    ]
    .iter()
    .cycle()
    .take(40)
    .enumerate()
    {
        let variables = [("RUNAI_SIM_RUNNING", *running), ("RUNAI_SIM_RESULT", *result)];
        let submitted =
            operator.submit(&submission_of(&request(&placement, &index.to_string(), &variables))).await.unwrap();
        fleet.follow(&submitted, policy.clone());
        expected.insert(submitted.workload_id, *outcome);
    }
    // Someone deletes two, and one is cancelled.
    let ids: Vec<String> =
        expected.iter().filter(|(_, it)| **it == Outcome::WorkloadTimeout).map(|(id, _)| id.clone()).collect();
    for id in &ids[..2] {
        operator.delete(id).await.unwrap();
        expected.insert(id.clone(), Outcome::Vanished);
    }
    assert!(fleet.cancel(&ids[2]) && !fleet.cancel("no such workload"));
    expected.insert(ids[2].clone(), Outcome::Cancelled);
    let (outcomes, others) = followed(&mut fleet).await;
    assert_eq!(outcomes, expected);
    let suspended =
        others.iter().filter(|it| matches!(it, FleetEvent::Workload { event: Event::Suspending { .. }, .. }));
    assert_eq!(suspended.count(), 8);
    // Failed and timed-out ones are deleted; all others remain.
    let mut left: Vec<_> =
        operator.client().workloads(&ListParams::default()).await.unwrap().into_iter().map(|it| it.phase).collect();
    left.sort();
    left.dedup();
    assert_eq!(left, ["Completed", "Stopped"]);
}

#[tokio::test(start_paused = true)]
async fn cancels_all() {
    let sim = Simulator::builder().in_memory().unwrap();
    let operator = operator(&sim);
    let submitted = submit(&operator, 300, &[("RUNAI_SIM_RUNNING", "4000")]).await;
    let mut fleet = fleet_of(operator.client().clone(), &submitted[..200], &WaitPolicy::default());
    fleet.cancel_all();
    let (outcomes, _) = followed(&mut fleet).await;
    assert!(outcomes.len() == 200 && outcomes.values().all(|outcome| *outcome == Outcome::Cancelled));
    let rest = submitted[200..].iter().map(|one| one.workload_id.clone());
    let results: Vec<_> = operator.cancel_all(rest, 20).collect().await;
    assert!(results.len() == 100 && results.iter().all(|(_, result)| matches!(result, Ok(Outcome::Cancelled))));
    assert!(operator.client().workloads(&ListParams::default()).await.unwrap().iter().all(|it| it.phase == "Stopped"));
}

#[tokio::test(start_paused = true)]
async fn resumes_from_receipts() {
    let sim = Simulator::builder().in_memory().unwrap();
    let store = Arc::new(MemoryStore::default());
    let operator = operator(&sim).receipts(Arc::clone(&store) as _);
    let submitted = submit(&operator, 60, &[("RUNAI_SIM_RUNNING", "600")]).await;
    let mut processes = 0;
    // Each runs for a minute. Futures are dropped at any point, with their events.
    let outcomes: Vec<Outcome> = loop {
        processes += 1;
        let (mut fleet, unknown) = Fleet::resume(operator.client().clone(), Arc::clone(&store) as _).await.unwrap();
        assert!(unknown.is_empty() && processes < 30);
        if fleet.is_empty() {
            let ends = store.list().await.unwrap().receipts.into_iter().map(|receipt| match receipt.progress {
                Progress::Ended { outcome, .. } => outcome,
                other => panic!("{other:?}"),
            });
            break ends.collect();
        }
        let end = Instant::now() + Duration::from_mins(1);
        while Instant::now() < end {
            if let Ok(None) = tokio::time::timeout(Duration::from_millis(700), fleet.next()).await {
                break;
            }
        }
    };
    assert!(processes > 5 && outcomes.len() == submitted.len());
    assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Succeeded), "{outcomes:?}");
}

#[tokio::test(start_paused = true)]
async fn next_is_cancel_safe() {
    let sim = Simulator::builder().in_memory().unwrap();
    let submitted = submit(&operator(&sim), 1_200, &[("RUNAI_SIM_RUNNING", "30")]).await;
    // A list takes longer than the caller waits for an event.
    let slow = client(&sim, |_| Fate::ArrivesLate(Duration::from_millis(400)));
    let mut fleet = fleet_of(slow, &submitted, &WaitPolicy::default());
    let mut ended = 0;
    for _ in 0..20_000 {
        match tokio::time::timeout(Duration::from_millis(500), fleet.next()).await {
            Ok(Some(FleetEvent::Workload { event: Event::Ended { .. }, .. })) => ended += 1,
            Ok(Some(_)) | Err(_) => {}
            Ok(None) => break,
        }
    }
    assert_eq!(ended, submitted.len());
}

#[tokio::test(start_paused = true)]
async fn reports_lack_of_permission() {
    let sim = Simulator::builder().in_memory().unwrap();
    let submitted = submit(&operator(&sim), 5, &[("RUNAI_SIM_RUNNING", "600")]).await;
    sim.add_fault(
        Fault::new(FaultKind::Status { status: 403, retry_after: None })
            .on("GET", "/api/v1/workloads*")
            .lasting(Duration::from_mins(6)),
    );
    let mut fleet = fleet_of(operator(&sim).client().clone(), &submitted, &WaitPolicy::default());
    let refusals = Arc::new(Mutex::new(Vec::<Error>::new()));
    while let Some(event) = fleet.next().await {
        if let FleetEvent::Refused { error, .. } = event {
            refusals.lock().unwrap().push(error);
        }
    }
    let refusals = refusals.lock().unwrap();
    assert!(!refusals.is_empty() && refusals.iter().all(Error::is_auth), "{refusals:?}");
}

#[tokio::test(start_paused = true)]
async fn polls_individually_without_lists() {
    let client = answering(|sent| {
        let id = sent.line.rsplit('/').next().unwrap().to_owned();
        match sent.line.as_str() {
            "POST /api/v2/token" => Reply::token(),
            line if line.starts_with("GET /api/v1/workloads?") => Reply::error(400, "cannot sort by createdAt"),
            _ => Reply::json(200, &json!({"id": id, "name": id, "projectId": "1", "phase": "Completed"})),
        }
    });
    let mut fleet = Fleet::new(client);
    for id in ["w1", "w2", "w3"] {
        let submitted = json!({
            "workload_id": id, "name": id, "project_id": "1", "cluster_id": "c", "submission_id": id, "adopted": false
        });
        fleet.follow(&serde_json::from_value(submitted).unwrap(), WaitPolicy::default());
    }
    let (outcomes, _) = followed(&mut fleet).await;
    assert_eq!(outcomes.len(), 3);
    assert!(outcomes.values().all(|outcome| *outcome == Outcome::Succeeded));
}

#[tokio::test(start_paused = true)]
async fn updates_receipts_of_submissions() {
    let sim = Simulator::builder().in_memory().unwrap();
    let store = Arc::new(MemoryStore::default());
    let operator = operator(&sim).receipts(Arc::clone(&store) as _).run_id("nightly");
    let submitted = submit(&operator, 3, &[("RUNAI_SIM_RUNNING", "60")]).await;
    let mut fleet = Fleet::new(operator.client().clone()).receipts(Arc::clone(&store) as _);
    for one in &submitted {
        fleet.follow(one, WaitPolicy::default());
    }
    followed(&mut fleet).await;
    for one in &submitted {
        let receipt = store.of(&one.submission_id).unwrap();
        assert!(matches!(receipt.progress, Progress::Ended { outcome: Outcome::Succeeded, .. }), "{receipt:?}");
        assert_eq!((receipt.run_id.as_deref(), receipt.sends), (Some("nightly"), 1));
    }
}
