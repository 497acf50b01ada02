//! Actions of a fleet: refused, retried, and discarded without a reason.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use runai_client::lifecycle::{Outcome, SuspendReason, WaitPolicy};
use runai_client::{Event, Fleet, FleetEvent, StepOperator};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::isolation::{follow, followed, id_of, ids, is_list, item, page};
use crate::script::{Reply, answering};

#[tokio::test(start_paused = true)]
async fn forbidden_suspends_back_off() {
    let begun = Instant::now();
    let requests = Arc::new(AtomicUsize::new(0));
    let suspensions = Arc::new(AtomicUsize::new(0));
    let (all, asked) = (Arc::clone(&requests), Arc::clone(&suspensions));
    let client = answering(move |sent| {
        all.fetch_add(1, Ordering::Relaxed);
        let items: Vec<Value> = ids("w", 100).iter().map(|id| item(id, "1", "Running")).collect();
        match sent.line.as_str() {
            "POST /api/v2/token" => Reply::token(),
            line if line.ends_with("/suspend") => {
                asked.fetch_add(1, Ordering::Relaxed);
                Reply::error(403, "may not suspend")
            }
            _ if is_list(sent) => page(sent, &items),
            _ => Reply::json(200, &item(&id_of(sent), "1", "Running")),
        }
    });
    let policy = WaitPolicy::default().workload_timeout(Duration::from_secs(1));
    let mut fleet = Fleet::new(client);
    follow(&mut fleet, "1", ids("w", 100), &policy);
    let mut refused = 0;
    while let Ok(event) =
        tokio::time::timeout(Duration::from_mins(30).saturating_sub(begun.elapsed()), fleet.next()).await
    {
        refused += usize::from(matches!(event, Some(FleetEvent::Refused { .. })));
    }
    // Each is reported once, and in the long run requested at most twice per minute.
    assert_eq!(refused, 100);
    let suspensions = suspensions.load(Ordering::Relaxed);
    assert!((100..100 * 70).contains(&suspensions), "{suspensions}");
    let requests = requests.load(Ordering::Relaxed) - suspensions;
    assert!(requests < 4_000, "{requests}");
}

#[tokio::test(start_paused = true)]
async fn reports_404_for_live_workload() {
    let client = answering(|sent| match sent.line.as_str() {
        "POST /api/v2/token" => Reply::token(),
        line if line.ends_with("/suspend") => Reply::error(404, "no such training"),
        _ => Reply::json(200, &item("w1", "1", "Running")),
    });
    let error = StepOperator::new(client, "vision").cancel("w1").await.unwrap_err();
    assert!(error.is_not_found() && error.to_string().contains("suspend"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn discards_failed_suspend_of_running_job() {
    let begun = Instant::now();
    let client = answering(move |sent| match sent.line.as_str() {
        "POST /api/v2/token" => Reply::token(),
        line if line.ends_with("/suspend") && begun.elapsed().as_secs() < 600 => Reply::Refused,
        line if line.ends_with("/suspend") => panic!("a healthy job is suspended"),
        _ if begun.elapsed().as_secs() < 300 => Reply::json(200, &item("w1", "1", "Pending")),
        _ if begun.elapsed().as_secs() < 2_000 => {
            let mut running = item("w1", "1", "Running");
            running["phaseUpdatedAt"] = json!("2026-11-27T10:05:00Z");
            Reply::json(200, &running)
        }
        _ => {
            let mut completed = item("w1", "1", "Completed");
            completed["phaseUpdatedAt"] = json!("2026-11-27T10:30:00Z");
            Reply::json(200, &completed)
        }
    });
    let policy = WaitPolicy::default().pending_timeout(Duration::from_secs(100)).delete_on_failure(true);
    let mut watch = StepOperator::new(client, "vision").watch("w1", policy);
    let mut reasons = Vec::new();
    let outcome = watch
        .run(|event| {
            if let Event::Suspending { why } = event {
                reasons.push(*why);
            }
        })
        .await;
    assert_eq!((outcome.unwrap(), reasons), (Outcome::Succeeded, vec![SuspendReason::PendingTimeout]));
}

#[tokio::test(start_paused = true)]
async fn limits_retries_of_suspend() {
    let begun = Instant::now();
    let sends = Arc::new(Mutex::new(Vec::new()));
    let sent_at = Arc::clone(&sends);
    let client = answering(move |sent| match sent.line.as_str() {
        "POST /api/v2/token" => Reply::token(),
        line if line.ends_with("/suspend") => {
            sent_at.lock().unwrap().push(begun.elapsed());
            Reply::error(503, "busy")
        }
        _ => {
            let phase = match begun.elapsed().as_secs() {
                ..102 => "Pending",
                102..300 => "Running",
                _ => "Completed",
            };
            Reply::json(200, &item("w1", "1", phase))
        }
    });
    let policy = WaitPolicy::default().pending_timeout(Duration::from_secs(100));
    let mut watch = StepOperator::new(client, "vision").watch("w1", policy);
    assert_eq!(watch.run(|_| ()).await.unwrap(), Outcome::Succeeded);
    let sends = sends.lock().unwrap();
    let (first, last) = (sends.iter().min().unwrap(), sends.iter().max().unwrap());
    assert!(sends.len() > 1 && *last <= *first + Duration::from_secs(5), "{sends:?}");
}

#[tokio::test(start_paused = true)]
async fn confirms_delayed_suspend() {
    let begun = Instant::now();
    let suspended = Arc::new(Mutex::new(Vec::new()));
    let asked = Arc::clone(&suspended);
    let client = answering(move |sent| {
        // All are queued for over a minute, then run and end soon.
        let phase = match begun.elapsed().as_secs() {
            ..62 => "Pending",
            62..300 => "Running",
            _ => "Completed",
        };
        let items: Vec<Value> = ids("w", 40).iter().map(|id| item(id, "1", phase)).collect();
        match sent.line.as_str() {
            "POST /api/v2/token" => Reply::token(),
            line if line.ends_with("/suspend") => {
                asked.lock().unwrap().push(begun.elapsed());
                Reply::Hangs
            }
            _ if is_list(sent) => page(sent, &items),
            _ => Reply::json(200, &item(&id_of(sent), "1", phase)),
        }
    });
    let policy = WaitPolicy::default().pending_timeout(Duration::from_mins(1));
    let mut fleet = Fleet::new(client);
    follow(&mut fleet, "1", ids("w", 40), &policy);
    let (ends, _) = followed(&mut fleet, begun).await;
    assert_eq!(ends.len(), 40);
    let suspended = suspended.lock().unwrap();
    assert!(!suspended.is_empty(), "the test itself works");
    // The attempts of one action end after 5 s; no other action begins for a job that runs by then.
    let latest = suspended.iter().max().unwrap();
    assert!(*latest < Duration::from_secs(62 + 6), "suspended at {suspended:?}");
}
