//! Receipts: contents, time of writing, and resuming.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use runai_client::lifecycle::{Outcome, WaitPolicy, WaitState};
use runai_client::{Error, Event, ListParams, Progress, Receipt, ReceiptStore, StepOperator};
use runai_sim::Simulator;
use tokio::sync::Notify;

use crate::network::{Fate, MemoryStore, client, operator, request, submission_of};

fn recorded(operator: StepOperator, store: &Arc<MemoryStore>) -> StepOperator {
    operator.receipts(Arc::clone(store) as _)
}

async fn only(store: &MemoryStore) -> Receipt {
    let mut all = store.list().await.unwrap().receipts;
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

#[tokio::test(start_paused = true)]
async fn writes_receipt_before_send() {
    let sim = Simulator::builder().in_memory().unwrap();
    let store = Arc::new(MemoryStore::default());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (log, written) = (Arc::clone(&seen), Arc::clone(&store));
    let spying = client(&sim, move |sent| {
        if *sent.method() == http::Method::POST && sent.uri().path().ends_with("/trainings") {
            log.lock().unwrap().push(written.writes().len());
        }
        Fate::Arrives
    });
    let policy = WaitPolicy::default().pending_timeout(Duration::from_hours(1));
    let operator = recorded(StepOperator::new(spying, sim.project()), &store).wait_policy(policy.clone());
    let placement = operator.prepare().await.unwrap();
    let submitted =
        operator.submit(&submission_of(&request(&placement, "run", &[("TOKEN", "canary-value-7")]))).await.unwrap();
    assert_eq!((seen.lock().unwrap().as_slice(), submitted.receipt_error.as_ref()), (&[1][..], None));

    let receipt = only(&store).await;
    assert_eq!(receipt.workload_id(), Some(submitted.workload_id.as_str()));
    assert_eq!((receipt.policy.clone(), receipt.base_url.as_str()), (policy, "http://localhost"));
    let mut watch = operator.watch_receipt(receipt).unwrap();
    assert_eq!(watch.run(|_| {}).await.unwrap(), Outcome::Succeeded);
    let receipt = only(&store).await;
    assert!(matches!(receipt.progress, Progress::Ended { outcome: Outcome::Succeeded, .. }), "{receipt:?}");

    let text = serde_json::to_string(&store.writes()).unwrap();
    for secret in ["canary-value-7", sim.client_secret(), sim.client_id(), "Bearer"] {
        assert!(!text.contains(secret), "{text}");
    }
    let read: Vec<Receipt> = serde_json::from_str(&text).unwrap();
    assert_eq!(serde_json::to_string(&read).unwrap(), text);
}

#[tokio::test(start_paused = true)]
async fn recovers_after_crash() {
    for carried_out in [false, true] {
        let sim = Simulator::builder().in_memory().unwrap();
        let store = Arc::new(MemoryStore::default());
        let death = Arc::new(Notify::new());
        let at = Arc::clone(&death);
        let dying = client(&sim, move |sent| {
            if *sent.method() == http::Method::POST && sent.uri().path().ends_with("/trainings") {
                return Fate::Dies { carried_out, death: Arc::clone(&at) };
            }
            Fate::Arrives
        });
        let operator_of = |client| recorded(StepOperator::new(client, sim.project()), &store);
        let first = operator_of(dying);
        let placement = first.prepare().await.unwrap();
        let request = request(&placement, "run", &[]);
        let submission = submission_of(&request);
        tokio::select! {
            result = first.submit(&submission) => panic!("{result:?}"),
            () = death.notified() => {}
        }
        let receipt = only(&store).await;
        assert_eq!((&receipt.progress, receipt.workload_id()), (&Progress::Sending, None));
        let second = operator_of(client(&sim, |_| Fate::Arrives));
        assert!(second.watch_receipt(receipt.clone()).is_none());

        let recovered = second.recover(&receipt).await.unwrap();
        assert_eq!(recovered.is_some(), carried_out);
        let submitted = second.submit(&submission_of(&request)).await.unwrap();
        assert_eq!(submitted.already_existed, carried_out);
        if let Some(recovered) = recovered {
            assert_eq!(recovered.workload_id, submitted.workload_id);
        }
        assert_eq!(second.client().workloads(&ListParams::default()).await.unwrap().len(), 1);
        assert_eq!(second.recover(&only(&store).await).await.unwrap().unwrap().workload_id, submitted.workload_id);
    }
}

#[tokio::test(start_paused = true)]
async fn attaches_same_run_only() {
    let sim = Simulator::builder().in_memory().unwrap();
    let store = Arc::new(MemoryStore::default());
    let operator = recorded(operator(&sim), &store);
    let placement = operator.prepare().await.unwrap();
    let request_of = |variables: &[(&str, &str)]| request(&placement, "run", variables);
    let first = operator.submit(&submission_of(&request_of(&[]))).await.unwrap();
    let again = operator.submit(&submission_of(&request_of(&[]))).await.unwrap();
    assert_eq!((again.already_existed, &again.workload_id), (true, &first.workload_id));

    // Another value is a difference, another command is another file.
    let other = operator.submit(&submission_of(&request_of(&[("A", "b")]))).await.unwrap();
    assert_eq!(
        (&other.workload_id, other.differences),
        (&first.workload_id, vec!["/environmentVariables/0".to_owned()])
    );
    let mut changed = request_of(&[]);
    changed.spec.command = Some("sh".into());
    let error = operator.submit(&submission_of(&changed)).await.unwrap_err();
    assert!(matches!(&error, Error::DifferentSpec { at, .. } if *at == "/command"), "{error:?}");
    let mut renamed = request_of(&[]);
    renamed.name = "another".into();
    let error = operator.submit(&submission_of(&renamed)).await.unwrap_err();
    assert!(matches!(&error, Error::DifferentSpec { at, .. } if *at == "/name"), "{error:?}");
    assert!(error.to_string().contains(&first.workload_id) && error.to_string().contains(&first.submission_id));
    assert_eq!(operator.client().workloads(&ListParams::default()).await.unwrap().len(), 1);
    assert_eq!(only(&store).await.workload_id(), Some(first.workload_id.as_str()));
}

#[tokio::test(start_paused = true)]
async fn never_resubmits_deleted_workload() {
    let sim = Simulator::builder().in_memory().unwrap();
    let store = Arc::new(MemoryStore::default());
    let operator = recorded(operator(&sim), &store);
    let placement = operator.prepare().await.unwrap();
    let request = request(&placement, "run", &[]);
    let submitted = operator.submit(&submission_of(&request)).await.unwrap();
    operator.delete(&submitted.workload_id).await.unwrap();
    tokio::time::sleep(Duration::from_mins(5)).await;
    for _ in 0..2 {
        let error = operator.submit(&submission_of(&request)).await.unwrap_err();
        assert!(matches!(&error, Error::AlreadyDeleted { workload_id, .. } if *workload_id == submitted.workload_id));
    }
    let receipt = only(&store).await;
    assert!(matches!(receipt.progress, Progress::Ended { outcome: Outcome::Vanished, .. }), "{receipt:?}");

    // Another control plane at the same URL, without the workload.
    let empty = Simulator::builder().in_memory().unwrap();
    let operator = recorded(StepOperator::new(client(&empty, |_| Fate::Arrives), empty.project()), &store);
    let error = operator.submit(&submission_of(&request)).await.unwrap_err();
    assert!(matches!(error, Error::AlreadyDeleted { .. }), "{error:?}");
    assert!(operator.client().workloads(&ListParams::default()).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn refusal_removes_receipt() {
    let sim = Simulator::builder().in_memory().unwrap();
    let store = Arc::new(MemoryStore::default());
    let operator = recorded(operator(&sim), &store);
    let placement = operator.prepare().await.unwrap();
    let mut request = request(&placement, "run", &[]);
    request.spec.parallelism = Some(-1);
    let error = operator.submit(&submission_of(&request)).await.unwrap_err();
    assert!(error.is_refused(), "{error:?}");
    assert_eq!((store.writes().len(), store.list().await.unwrap().receipts.len()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn proceeds_without_receipts() {
    let sim = Simulator::builder().in_memory().unwrap();
    let store = Arc::new(MemoryStore::broken());
    let operator = recorded(operator(&sim), &store);
    let placement = operator.prepare().await.unwrap();
    let submitted = operator.submit(&submission_of(&request(&placement, "run", &[]))).await.unwrap();
    assert_eq!(submitted.receipt_error.as_deref(), Some("the disk is full"));

    let good = Arc::new(MemoryStore::default());
    recorded(operator.clone(), &good).submit(&submission_of(&request(&placement, "run", &[]))).await.unwrap();
    let mut watch = operator.watch_receipt(only(&good).await).unwrap();
    let mut told = 0;
    watch.run(|event| told += usize::from(matches!(event, Event::ReceiptError { .. }))).await.unwrap();
    assert_eq!(told, 1);
}

#[tokio::test(start_paused = true)]
async fn timers_and_decisions_survive_restart() {
    let sim = Simulator::builder().in_memory().unwrap();
    let store = Arc::new(MemoryStore::default());
    let policy = WaitPolicy::default().workload_timeout(Duration::from_mins(10));
    let suspends = Arc::new(AtomicUsize::new(0));
    let death = Arc::new(Notify::new());
    let (count, at) = (Arc::clone(&suspends), Arc::clone(&death));
    // The process that suspends dies right after.
    let dying = client(&sim, move |sent| {
        if sent.uri().path().ends_with("/suspend") && count.fetch_add(1, Ordering::Relaxed) == 0 {
            return Fate::Dies { carried_out: true, death: Arc::clone(&at) };
        }
        Fate::Arrives
    });
    let operator = recorded(StepOperator::new(dying, sim.project()), &store).wait_policy(policy);
    let placement = operator.prepare().await.unwrap();
    operator.submit(&submission_of(&request(&placement, "run", &[("RUNAI_SIM_RUNNING", "4000")]))).await.unwrap();
    for _ in 0..3 {
        // Other processes do not reset the timers.
        let mut watch = operator.watch_receipt(only(&store).await).unwrap();
        let _ = tokio::time::timeout(Duration::from_secs(100), watch.run(|_| {})).await;
    }
    let mut watch = operator.watch_receipt(only(&store).await).unwrap();
    tokio::select! {
        result = watch.run(|_| {}) => panic!("{result:?}"),
        () = death.notified() => {}
    }
    drop(watch);
    let mut watch = operator.watch_receipt(only(&store).await).unwrap();
    assert_eq!(watch.run(|_| {}).await.unwrap(), Outcome::WorkloadTimeout);

    // After it has ended, a resumed workload is not suspended again.
    let receipt = only(&store).await;
    let id = receipt.workload_id().unwrap().to_owned();
    operator.resume(&id).await.unwrap();
    let mut watch = operator
        .watch_receipt({
            let mut receipt = receipt;
            receipt.policy = WaitPolicy::default();
            receipt
        })
        .unwrap();
    assert_eq!(watch.state(), &WaitState::default());
    assert_eq!(watch.run(|_| {}).await.unwrap(), Outcome::Succeeded);
}
