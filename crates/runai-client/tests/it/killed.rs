//! Killed processes over a lossy network; others resume from the receipts on disk.

use std::collections::BTreeSet;
use std::env;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use runai_client::lifecycle::{Outcome, WaitPolicy};
use runai_client::{Client, Fleet, ListParams, Progress, ReceiptDirectory, ReceiptStore, RetryPolicy, StepOperator};
use runai_sim::Simulator;
use tokio::process::Command;
use tokio::time::timeout;

use crate::campaign::{figure, record_figures, runs};
use crate::lossy::{SETTLE_TIME, proxy};
use crate::network::{followed_by, request, submission_of};

const URL: &str = "RUNAI_TEST_URL";
const SECRET: &str = "RUNAI_TEST_SECRET";
const RECEIPTS: &str = "RUNAI_TEST_RECEIPTS";
const RUN: &str = "RUNAI_TEST_RUN";

/// The work of a process: resumes a run and follows it to its end.
#[tokio::test]
#[ignore = "the test below starts it in processes of their own"]
async fn process() {
    let given = |name| env::var(name).ok();
    let (Some(url), Some(secret), Some(receipts), Some(run)) = (given(URL), given(SECRET), given(RECEIPTS), given(RUN))
    else {
        return;
    };
    let client = Client::builder(url)
        .credentials("sim-client", secret)
        .retry_policy(RetryPolicy::default().initial_backoff(Duration::from_millis(10)))
        .request_timeout(Duration::from_secs(1))
        .build()
        .unwrap();
    let store: Arc<dyn ReceiptStore> = Arc::new(ReceiptDirectory::new(receipts));
    let policy = WaitPolicy::default().delete_on_failure(true).monitoring_interval(Duration::from_millis(200));
    let operator = StepOperator::new(client, "sim-project")
        .receipts(Arc::clone(&store))
        .wait_policy(policy)
        .settle_time(SETTLE_TIME);
    let placement = operator.prepare().await.unwrap();
    let submitted =
        operator.submit(&submission_of(&request(&placement, &run, &[("RUNAI_SIM_RUNNING", "0.5")]))).await.unwrap();
    let receipts = store.list().await.unwrap().receipts;
    let receipt = receipts.into_iter().find(|it| it.submission_id == submitted.submission_id).unwrap();
    let mut fleet = Fleet::new(operator.client().clone()).receipts(store);
    let outcome = if let Progress::Ended { outcome, .. } = receipt.progress {
        outcome
    } else {
        fleet.follow_submitted(&submitted, receipt);
        followed_by(fleet, &submitted.workload_id).await
    };
    assert_eq!(outcome, Outcome::Succeeded);
}

/// Runs a process that is killed after `patience`; returns its exit status otherwise.
async fn one_process(url: &str, secret: &str, receipts: &Path, run: &str, patience: Duration) -> Option<ExitStatus> {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "killed::process", "--ignored", "--quiet"])
        .envs([(URL, url), (SECRET, secret), (RUN, run)])
        .env(RECEIPTS, receipts)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    if let Ok(status) = timeout(patience, child.wait()).await {
        return Some(status.unwrap());
    }
    child.kill().await.unwrap();
    None
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn resumes_after_kill() {
    const AT_ONCE: usize = 8;
    let count = (runs() / 25).max(8);
    let sim = Simulator::builder().start().await.unwrap();
    let target = sim.base_url().trim_start_matches("http://").to_owned();
    let (url, harmed) = proxy(target, 17).await;
    let directory = tempfile::tempdir().unwrap();
    let (killed, failed) = (AtomicUsize::new(0), AtomicUsize::new(0));
    stream::iter(0..count)
        .for_each_concurrent(AT_ONCE, |run| {
            let (url, secret, run) = (url.as_str(), sim.client_secret(), run.to_string());
            let (directory, killed, failed) = (directory.path(), &killed, &failed);
            async move {
                // Increasing, so that every run ends; the first processes die before they submit.
                for attempt in 0..u64::MAX {
                    let patience = Duration::from_millis(20 + fastrand::u64(..300 << attempt.min(6)));
                    match one_process(url, secret, directory, &run, patience).await {
                        Some(status) if status.success() => return,
                        // The control plane was unreachable for too long: try again.
                        Some(_) => failed.fetch_add(1, Ordering::Relaxed),
                        None => killed.fetch_add(1, Ordering::Relaxed),
                    };
                }
            }
        })
        .await;

    let good = Client::builder(sim.base_url()).credentials(sim.client_id(), sim.client_secret()).build().unwrap();
    let listed = good.workloads(&ListParams::default()).await.unwrap();
    let gone = good.workloads(&ListParams::default().deleted(true)).await.unwrap();
    let live: BTreeSet<&str> = listed.iter().map(|workload| workload.id.as_str()).collect();
    let receipts = ReceiptDirectory::new(directory.path()).list().await.unwrap().receipts;
    let ended: BTreeSet<&str> = receipts
        .iter()
        .filter(|receipt| matches!(receipt.progress, Progress::Ended { outcome: Outcome::Succeeded, .. }))
        .filter_map(|receipt| receipt.workload_id())
        .collect();
    let lost = count - ended.intersection(&live).count();
    let doubled = (listed.len() + gone.len()).saturating_sub(count);
    let touched = gone.len() + listed.iter().filter(|workload| workload.phase != "Completed").count();
    let (killed, failed) = (killed.into_inner(), failed.into_inner());
    let mut figures = vec![
        ("runs", figure(count)),
        ("processes killed (SIGKILL)", figure(killed)),
        ("processes that gave up", figure(failed)),
    ];
    figures.extend(harmed.figures());
    figures.extend([("doubled", figure(doubled)), ("lost", figure(lost)), ("healthy jobs touched", figure(touched))]);
    record_figures("processes", &figures);
    assert_eq!((doubled, lost, touched), (0, 0, 0));
    assert!(killed >= count, "{killed} of {count}");
    sim.stop().await;
}
