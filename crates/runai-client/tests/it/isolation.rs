//! Isolation of projects and workloads in a fleet: outages have a scope.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use runai_api::wire::Workload;
use runai_client::lifecycle::{Outcome, WaitPolicy, WaitState};
use runai_client::{Client, Error, Event, Fleet, FleetEvent, OutageScope, StepOperator, Submitted};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::script::{Reply, Sent, answering};

/// A workload in a list.
pub(crate) fn item(id: &str, project: &str, phase: &str) -> Value {
    json!({
        "id": id, "name": id, "projectId": project, "phase": phase, "type": "Training",
        "createdAt": "2026-11-27T10:00:00Z", "phaseUpdatedAt": "2026-11-27T10:00:00Z",
    })
}

pub(crate) fn follow(fleet: &mut Fleet, project: &str, ids: impl IntoIterator<Item = String>, policy: &WaitPolicy) {
    for id in ids {
        let workload = Workload { name: id.clone(), id, project_id: project.to_owned(), ..Workload::default() };
        fleet.follow(&Submitted::existing(&workload), policy.clone());
    }
}

pub(crate) fn ids(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{prefix}{number}")).collect()
}

pub(crate) fn is_list(sent: &Sent) -> bool {
    sent.line.starts_with("GET /api/v1/workloads?") && !sent.line.contains("deleted=true")
}

fn project_of(sent: &Sent) -> &str {
    let filter = sent.line.split("projectId%3D%3D").nth(1).unwrap_or_default();
    filter.split(['&', '%']).next().unwrap_or_default()
}

fn query<'s>(sent: &'s Sent, name: &str) -> &'s str {
    let query = sent.line.split('?').nth(1).unwrap_or_default();
    query.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}="))).unwrap_or_default()
}

/// Returns the requested page of `items`.
pub(crate) fn page(sent: &Sent, items: &[Value]) -> Reply {
    let offset: usize = query(sent, "offset").parse().unwrap();
    let limit: usize = query(sent, "limit").parse().unwrap();
    let next = (offset + limit < items.len()).then_some(offset + limit);
    let shown: Vec<&Value> = items.iter().skip(offset).take(limit).collect();
    Reply::json(200, &json!({"workloads": shown, "next": next}))
}

/// Follows to the end; returns when each workload ended, and all other events.
pub(crate) async fn followed(
    fleet: &mut Fleet,
    begun: Instant,
) -> (HashMap<String, (Outcome, Duration)>, Vec<FleetEvent>) {
    let (mut ends, mut others) = (HashMap::new(), Vec::new());
    while let Some(event) = fleet.next().await {
        match event {
            FleetEvent::Workload { workload_id, event: Event::Ended { outcome } } => {
                assert_eq!(ends.insert(workload_id, (outcome, begun.elapsed())), None);
            }
            other => others.push(other),
        }
    }
    (ends, others)
}

#[tokio::test(start_paused = true)]
async fn failing_project_does_not_delay_others() {
    for trouble in [Reply::Hangs, Reply::error(403, "no role in this project"), Reply::error(503, "starting")] {
        let begun = Instant::now();
        let client = answering(move |sent| {
            let phase = if begun.elapsed() < Duration::from_mins(1) { "Running" } else { "Completed" };
            match sent.line.as_str() {
                "POST /api/v2/token" => Reply::token(),
                // Project 1 fails for four minutes.
                line if (project_of(sent) == "1" || line.contains("/workloads/a"))
                    && begun.elapsed() < Duration::from_mins(4) =>
                {
                    trouble.clone()
                }
                line if line.contains("workloads?") => {
                    let prefix = if project_of(sent) == "1" { "a" } else { "b" };
                    let items: Vec<Value> =
                        ids(prefix, 20).iter().map(|id| item(id, project_of(sent), phase)).collect();
                    page(sent, &items)
                }
                line => {
                    let id = line.rsplit('/').next().unwrap();
                    Reply::json(200, &item(id, if id.starts_with('a') { "1" } else { "2" }, phase))
                }
            }
        });
        let mut fleet = Fleet::new(client);
        follow(&mut fleet, "1", ids("a", 20), &WaitPolicy::default());
        follow(&mut fleet, "2", ids("b", 20), &WaitPolicy::default());
        let (ends, others) = followed(&mut fleet, begun).await;
        assert_eq!(ends.len(), 40);
        assert!(ends.values().all(|(outcome, _)| *outcome == Outcome::Succeeded));
        let latest = |prefix: char| ends.iter().filter(|(id, _)| id.starts_with(prefix)).map(|(_, end)| end.1).max();
        assert!(latest('b').unwrap() < Duration::from_secs(95), "{:?}", latest('b'));
        assert!(latest('a').unwrap() > Duration::from_mins(4));
        // The outage is reported once, with its scope.
        let scopes: Vec<_> = others
            .iter()
            .filter_map(|event| match event {
                FleetEvent::OutageBegan { scope, .. } => Some(scope.clone()),
                FleetEvent::Refused { error, .. } => panic!("{error}"),
                _ => None,
            })
            .collect();
        assert_eq!(scopes, [OutageScope::Project { project_id: "1".into() }]);
    }
}

#[tokio::test(start_paused = true)]
async fn reports_control_plane_outage_once() {
    let begun = Instant::now();
    let client = answering(move |sent| match sent.line.as_str() {
        _ if (10..600).contains(&begun.elapsed().as_secs()) => Reply::Refused,
        "POST /api/v2/token" => Reply::token(),
        _ if begun.elapsed() < Duration::from_secs(10) => Reply::json(200, &item(&id_of(sent), "1", "Running")),
        _ => Reply::json(200, &item(&id_of(sent), "1", "Completed")),
    });
    let mut fleet = Fleet::new(client);
    for project in ["1", "2", "3"] {
        follow(&mut fleet, project, [format!("w{project}")], &WaitPolicy::default());
    }
    let (ends, others) = followed(&mut fleet, begun).await;
    assert_eq!(ends.len(), 3);
    let outages: Vec<_> = others
        .iter()
        .filter_map(|event| match event {
            FleetEvent::OutageBegan { scope, .. } => Some(format!("began: {scope}")),
            FleetEvent::OutageEnded { scope, .. } => Some(format!("ended: {scope}")),
            _ => None,
        })
        .collect();
    assert_eq!(outages, ["began: the control plane", "ended: the control plane"]);
}

pub(crate) fn id_of(sent: &Sent) -> String {
    sent.line.rsplit('/').next().unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn halves_failing_pages() {
    let limits = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&limits);
    let items: Vec<Value> = ids("w", 300).iter().map(|id| item(id, "1", "Completed")).collect();
    let client = answering(move |sent| match sent.line.as_str() {
        "POST /api/v2/token" => Reply::token(),
        _ if is_list(sent) => {
            let limit: usize = query(sent, "limit").parse().unwrap();
            seen.lock().unwrap().push(limit);
            if limit > 100 { Reply::text(200, "<html>too much</html>") } else { page(sent, &items) }
        }
        _ => Reply::json(200, &item(&id_of(sent), "1", "Running")),
    });
    let mut fleet = Fleet::new(client);
    follow(&mut fleet, "1", ids("w", 300), &WaitPolicy::default());
    let (ends, _) = followed(&mut fleet, Instant::now()).await;
    assert_eq!(ends.len(), 300);
    let limits = limits.lock().unwrap();
    let mut distinct = limits.clone();
    distinct.dedup();
    assert_eq!(distinct[..4], [500, 250, 125, 62]);
    assert!(distinct[4..].is_empty(), "{limits:?}");
}

#[tokio::test(start_paused = true)]
async fn reports_individual_polling_once() {
    let begun = Instant::now();
    let client = answering(move |sent| match sent.line.as_str() {
        "POST /api/v2/token" => Reply::token(),
        _ if is_list(sent) => Reply::text(502, "<html>"),
        _ if begun.elapsed() < Duration::from_mins(20) => Reply::json(200, &item(&id_of(sent), "1", "Running")),
        _ => Reply::json(200, &item(&id_of(sent), "1", "Completed")),
    });
    let mut fleet = Fleet::new(client);
    follow(&mut fleet, "1", ids("w", 30), &WaitPolicy::default());
    let (ends, others) = followed(&mut fleet, begun).await;
    assert_eq!(ends.len(), 30);
    let said = others.iter().filter(|event| matches!(event, FleetEvent::PollingIndividually { .. })).count();
    let outages = others.iter().filter(|event| matches!(event, FleetEvent::OutageBegan { .. })).count();
    assert_eq!((said, outages), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn skips_invalid_items() {
    let begun = Instant::now();
    let singles = Arc::new(Mutex::new(Vec::new()));
    let asked = Arc::clone(&singles);
    let client = answering(move |sent| {
        let phase = if begun.elapsed() < Duration::from_mins(10) { "Running" } else { "Completed" };
        match sent.line.as_str() {
            "POST /api/v2/token" => Reply::token(),
            _ if is_list(sent) => {
                let mut items: Vec<Value> = ids("w", 50).iter().map(|id| item(id, "1", phase)).collect();
                items[7]["phase"] = json!(7);
                items[8] = json!("no workload");
                items[9].as_object_mut().unwrap().remove("id");
                page(sent, &items)
            }
            _ => {
                asked.lock().unwrap().push(id_of(sent));
                Reply::json(200, &item(&id_of(sent), "1", phase))
            }
        }
    });
    let mut fleet = Fleet::new(client);
    follow(&mut fleet, "1", ids("w", 50), &WaitPolicy::default());
    let (ends, others) = followed(&mut fleet, begun).await;
    assert_eq!(ends.len(), 50);
    assert!(!others.iter().any(|event| matches!(event, FleetEvent::OutageBegan { .. })), "{others:?}");
    let singles = singles.lock().unwrap();
    assert!(!singles.is_empty() && singles.iter().all(|id| ["w7", "w8", "w9"].contains(&id.as_str())), "{singles:?}");
}

#[tokio::test(start_paused = true)]
async fn polls_unlisted_workloads_individually() {
    let begun = Instant::now();
    let lists = Arc::new(AtomicUsize::new(0));
    let listed = Arc::clone(&lists);
    let client = answering(move |sent| match sent.line.as_str() {
        "POST /api/v2/token" => Reply::token(),
        _ if is_list(sent) => {
            listed.fetch_add(1, Ordering::Relaxed);
            page(sent, &[])
        }
        _ if begun.elapsed() < Duration::from_mins(30) => Reply::json(200, &item(&id_of(sent), "1", "Running")),
        _ => Reply::json(200, &item(&id_of(sent), "1", "Completed")),
    });
    let mut fleet = Fleet::new(client);
    follow(&mut fleet, "1", ids("w", 5), &WaitPolicy::default());
    let (ends, others) = followed(&mut fleet, begun).await;
    assert!(ends.len() == 5 && ends.values().all(|(outcome, _)| *outcome == Outcome::Succeeded));
    assert_eq!(lists.load(Ordering::Relaxed), 2);
    assert_eq!(others.iter().filter(|event| matches!(event, FleetEvent::PollingIndividually { .. })).count(), 1);
}

/// Delays every response.
struct Late(Duration);

impl Late {
    fn client(self) -> Client {
        use runai_client::BoxFuture;
        use runai_client::transport::{Request, Response, Transport, TransportError};
        struct Slow(Duration);
        impl Transport for Slow {
            fn send<'a>(
                &'a self,
                request: &'a Request,
                _: Duration,
            ) -> BoxFuture<'a, Result<Response, TransportError>> {
                let latency = self.0;
                Box::pin(async move {
                    tokio::time::sleep(latency).await;
                    let body = if request.uri().path().ends_with("/token") {
                        json!({"access_token": "t", "token_type": "Bearer", "expires_in": 3600})
                    } else {
                        item(request.uri().path().rsplit('/').next().unwrap_or_default(), "1", "Completed")
                    };
                    Ok(Response::new(body.to_string().into()))
                })
            }
        }
        Client::builder("https://runai.test").credentials("id", "a secret").transport(Slow(self.0)).build().unwrap()
    }
}

#[tokio::test(start_paused = true)]
async fn dropped_next_makes_progress() {
    let mut fleet = Fleet::new(Late(Duration::from_millis(300)).client());
    follow(&mut fleet, "1", ["w1".to_owned()], &WaitPolicy::default());
    let begun = Instant::now();
    let mut watch =
        StepOperator::new(Late(Duration::from_millis(300)).client(), "vision").watch("w1", WaitPolicy::default());
    let (mut fleet_ended, mut watch_ended) = (false, false);
    while !(fleet_ended && watch_ended) {
        assert!(begun.elapsed() < Duration::from_secs(10), "no progress");
        let patience = Duration::from_millis(100);
        if let Ok(Some(FleetEvent::Workload { event: Event::Ended { .. }, .. })) =
            tokio::time::timeout(patience, fleet.next()).await
        {
            fleet_ended = true;
        }
        if let Ok(Ok(Some(Event::Ended { .. }))) = tokio::time::timeout(patience, watch.next()).await {
            watch_ended = true;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn unrelated_responses_are_outages() {
    for reply in [
        Reply::text(302, ""),
        Reply::text(200, "<html>please log in</html>"),
        Reply::text(200, r#"{"status": "ok"}"#),
        Reply::text(200, "[]"),
        Reply::json(200, &item("another", "1", "Failed")),
        Reply::text(400, "<html>bad request</html>"),
        Reply::error(400, "no"),
        Reply::text(404, "default backend - 404"),
        Reply::text(405, ""),
        Reply::error(405, "no"),
        Reply::text(410, "gone"),
        Reply::error(410, "gone"),
        Reply::error(501, "not here"),
    ] {
        let begun = Instant::now();
        let trouble = reply.clone();
        let client = answering(move |sent| match sent.line.as_str() {
            "POST /api/v2/token" => Reply::token(),
            _ if (10..3_600).contains(&begun.elapsed().as_secs()) => trouble.clone(),
            "GET /api/v1/workloads/w1" => {
                Reply::json(200, &item("w1", "1", if begun.elapsed().as_secs() < 10 { "Running" } else { "Completed" }))
            }
            line => panic!("{line}"),
        });
        let policy = WaitPolicy::default().delete_on_failure(true);
        let mut watch = StepOperator::new(client.clone(), "vision").watch("w1", policy.clone());
        let mut fleet = Fleet::new(client);
        follow(&mut fleet, "1", ["w1".to_owned()], &policy);
        let (watched, (ends, _)) = tokio::join!(watch.run(|_| {}), followed(&mut fleet, begun));
        assert_eq!(watched.unwrap(), Outcome::Succeeded, "{reply:?}");
        assert_eq!(ends["w1"].0, Outcome::Succeeded, "{reply:?}");
    }
}

/// Returns the outcome of a missing workload, with responses for `live`, `deleted` and `project`.
async fn end_of_missing(deleted: &'static [&'static str], project: Reply) -> (Outcome, Duration) {
    let begun = Instant::now();
    let client = answering(move |sent| match sent.line.as_str() {
        "POST /api/v2/token" => Reply::token(),
        "GET /api/v1/workloads/w1" if begun.elapsed().as_secs() < 10 => Reply::json(200, &item("w1", "1", "Running")),
        line if line.starts_with("GET /api/v1/workloads/") => Reply::error(404, "no such workload"),
        line if line.contains("deleted=true") => {
            let items: Vec<Value> = deleted.iter().map(|phase| item("w1", "1", phase)).collect();
            page(sent, &items)
        }
        line if line.starts_with("GET /api/v1/workloads?") => page(sent, &[]),
        // The project exists only after an hour.
        _ if begun.elapsed().as_secs() < 3_600 => project.clone(),
        _ => Reply::json(200, &json!({"id": "1", "name": "vision"})),
    });
    let mut fleet = Fleet::new(client);
    follow(&mut fleet, "1", ["w1".to_owned()], &WaitPolicy::default());
    let (ends, _) = followed(&mut fleet, begun).await;
    ends["w1"]
}

#[tokio::test(start_paused = true)]
async fn vanishes_when_deleted_or_missing() {
    let answers = || Reply::json(200, &json!({"id": "1", "name": "vision"}));
    for (deleted, outcome) in [(&["Running"][..], Outcome::Vanished), (&["Completed"][..], Outcome::Succeeded)] {
        let (found, at) = end_of_missing(deleted, answers()).await;
        assert!(found == outcome && at < Duration::from_secs(45), "{found} {at:?}");
    }
    let (found, at) = end_of_missing(&[], answers()).await;
    assert!(found == Outcome::Vanished && (310..400).contains(&at.as_secs()), "{found} {at:?}");
    for project in [Reply::error(404, "no such project"), Reply::error(503, "starting"), Reply::Hangs] {
        let (found, at) = end_of_missing(&[], project).await;
        assert!(found == Outcome::Vanished && at > Duration::from_mins(65), "{found} {at:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn reports_phase_after_resume() {
    let client = answering(|sent| match sent.line.as_str() {
        "POST /api/v2/token" => Reply::token(),
        _ => Reply::json(200, &item("w1", "1", "Running")),
    });
    let operator = StepOperator::new(client, "vision");
    let mut first = operator.watch("w1", WaitPolicy::default());
    assert!(matches!(first.next().await.unwrap(), Some(Event::Phase { .. })));
    let state: WaitState = serde_json::from_value(serde_json::to_value(first.state()).unwrap()).unwrap();
    let mut second = operator.watch_from("w1", WaitPolicy::default(), state);
    let event = tokio::time::timeout(Duration::from_secs(1), second.next()).await.unwrap().unwrap();
    assert!(matches!(&event, Some(Event::Phase { phase, .. }) if phase == "Running"), "{event:?}");
}

#[tokio::test(start_paused = true)]
async fn refusal_contains_workload_ids() {
    let client = answering(|sent| match sent.line.as_str() {
        "POST /api/v2/token" => Reply::token(),
        line if line.contains("/workloads/b") || project_of(sent) == "2" => {
            Reply::error(403, "no role in this project")
        }
        _ => Reply::json(200, &item(&id_of(sent), "1", "Running")),
    });
    let mut fleet = Fleet::new(client);
    follow(&mut fleet, "1", ["a1".to_owned()], &WaitPolicy::default());
    follow(&mut fleet, "2", ids("b", 3), &WaitPolicy::default());
    let refused = loop {
        if let Some(FleetEvent::Refused { error, workload_ids }) = fleet.next().await {
            assert!(Error::is_auth(&error));
            break workload_ids;
        }
    };
    assert!(!refused.is_empty() && refused.iter().all(|id| id.starts_with('b')), "{refused:?}");
}
