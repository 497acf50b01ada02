//! Messages and exit codes of unconfirmed and duplicate submissions, and of unknown phases.

use std::time::Duration;

use runai_cli::testing::{ReportEvent, launch};
use runai_client::lifecycle::Outcome;
use runai_client::{Progress, ReceiptStore as _};
use runai_sim::{Fault, FaultKind};
use serde_json::Value;
use tokio::time::Instant;

use crate::campaign::{Fate, Lab, step, uninterrupted};
use crate::cluster::Cluster;
use crate::{Scratch, shown};

#[tokio::test(start_paused = true)]
async fn unanswered_lookups_exit_with_6() {
    let lab = Lab::new();
    let fate = |request: &runai_client::transport::Request| match request.uri().path() {
        path if path.starts_with("/api/v1/workloads") => Fate::NeverAnswered,
        _ => Fate::Arrives,
    };
    let (_interrupts, receiver) = uninterrupted();
    let campaign = lab.campaign(vec![step("fit", None, 60)], fate);
    let report = launch(campaign, receiver).await.unwrap();
    assert_eq!((report.exit_code, report.exit_codes), (6, vec![Some(6)]), "{:?}", report.records);
    let receipts = lab.receipts.list().await.unwrap().receipts;
    assert_eq!(receipts.len(), 1);
    assert_eq!((&receipts[0].progress, receipts[0].sends), (&Progress::Unconfirmed, 1));

    // The submission had no effect, so the same command with the run id of the receipt submits it.
    let run_id = receipts[0].run_id.as_deref();
    let (_interrupts, receiver) = uninterrupted();
    let campaign = lab.campaign(vec![step("fit", run_id, 60)], |_| Fate::Arrives);
    let report = launch(campaign, receiver).await.unwrap();
    assert_eq!(report.exit_code, 0, "{:?}", report.records);
    let submitted = ReportEvent::Submitted { name: receipts[0].name.clone(), already_existed: false };
    assert!(report.records.contains(&submitted), "{:?}", report.records);
}

#[test]
fn deleted_namesake_exits_with_6() {
    let scenario = Scratch::new();
    // The submission takes effect, and its response is lost. The control plane drops labels, so only the name
    // identifies it.
    scenario.write(
        "lost.toml",
        "[[faults]]\nkind = \"lostAnswer\"\nendpoint = \"submit\"\ntimes = 1\n\n\
         [[faults]]\nkind = { normalizedSpec = { changes = [\"droppedLabels\"] } }\nendpoint = \"submit\"\n",
    );
    let cluster = Cluster::with(&["--scenario", scenario.path().join("lost.toml").to_str().unwrap()]);
    let file = cluster.step("train", "RUNAI_SIM_RUNNING: 600", "");
    let words = ["submit", &file, "--run-id", "nightly", "--name", "chosen", "--settle-time", "0.2"];
    let output = cluster.output(&words);
    assert_eq!(output.status.code(), Some(5), "without its label it may be anybody's: {}", shown(&output));
    let all = ids(&cluster);
    assert_eq!((all.len(), cluster.output(&["delete", &all[0]]).status.code()), (1, Some(0)));
    for _ in 0..200 {
        if ids(&cluster).is_empty() {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let output = cluster.output(&words);
    let text = shown(&output);
    assert_eq!((output.status.code(), output.stdout.is_empty()), (Some(6), true), "{text}");
    assert!(text.contains("`chosen`") && text.contains("under another run id or name"), "{text}");
    assert_eq!(ids(&cluster).len(), 0, "nothing was sent again");
}

#[tokio::test(start_paused = true)]
async fn unknown_end_exits_with_7() {
    let lab = Lab::new();
    let unknown = FaultKind::UnknownPhase { phase: "Archived".to_owned(), completed: Some(true) };
    lab.sim.add_fault(Fault::new(unknown));
    let began = Instant::now();
    let (_interrupts, receiver) = uninterrupted();
    let campaign = lab.campaign(vec![step("fit", None, 3_600)], |_| Fate::Arrives);
    let report = launch(campaign, receiver).await.unwrap();
    assert_eq!(report.exit_code, 7, "{:?}", report.records);
    let ended = |record: &ReportEvent| matches!(record, ReportEvent::Ended { outcome: Outcome::UnknownEnd, .. });
    assert!(report.records.iter().any(ended), "{:?}", report.records);
    assert!(report.records.contains(&ReportEvent::Phase("Archived".to_owned())), "{:?}", report.records);
    assert!(began.elapsed() >= Duration::from_mins(1), "time is paused, so it passed in the simulator");
}

/// Returns the ids of existing workloads, oldest first.
fn ids(cluster: &Cluster) -> Vec<String> {
    let list = cluster.json(&["list", "--format", "json"]);
    let mut workloads = list["workloads"].as_array().unwrap().clone();
    workloads.sort_by_key(|workload| workload["created_at"].as_str().unwrap_or_default().to_owned());
    workloads.iter().map(|workload| workload["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn reports_duplicate_with_delete_command() {
    let scenario = Scratch::new();
    // The first request takes effect 2 s after its response, and names are not unique.
    scenario.write(
        "late.toml",
        "[[faults]]\nkind = { lateEffect = { answer = { status = 504 }, delay = 2.0, jitter = 0.0 } }\nendpoint = \"submit\"\n\
         times = 1\n\n[[faults]]\nkind = { duplicateNames = {} }\n",
    );
    let cluster = Cluster::with(&["--scenario", scenario.path().join("late.toml").to_str().unwrap()]);
    let file = cluster.step("train", "RUNAI_SIM_RUNNING: 600", "");
    let words = ["submit", &file, "--run-id", "nightly", "--settle-time", "0.2"];
    let output = cluster.output(&words);
    let text = shown(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    let first = String::from_utf8(output.stdout).unwrap().trim().to_owned();
    assert!(text.contains("resending train-") && text.contains("a duplicate may appear"), "{text}");
    for _ in 0..200 {
        if ids(&cluster).len() == 2 {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let younger = ids(&cluster).into_iter().find(|id| *id != first).unwrap();
    let again = shown(&cluster.output(&words));
    assert!(again.contains(&format!("delete the rest with `runai-step delete {younger}`")), "{again}");
    assert!(again.contains(&format!("{first}, {younger}")), "{again}");
    let events = cluster.output(&["submit", &file, "--run-id", "nightly", "--format", "json"]);
    let event: Value = serde_json::from_slice(&events.stdout).unwrap();
    assert_eq!((event["workload_id"].as_str(), event["duplicates"][0].as_str()), (Some(&*first), Some(&*younger)));
    assert_eq!(ids(&cluster).len(), 2, "nothing is deleted");
}
