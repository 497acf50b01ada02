//! `receipts list | show | recover | prune`.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::shown;

fn folder(cluster: &Cluster) -> PathBuf {
    cluster.scratch.path().join("home/.local/state/runai-step")
}

/// The receipt files.
fn files(cluster: &Cluster) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder(cluster)).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.extension().is_some_and(|extension| extension == "json")).collect()
}

/// Changes the receipt of a workload.
fn edit(cluster: &Cluster, name: &str, change: impl FnOnce(&mut Value)) {
    for file in files(cluster) {
        let mut receipt: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        if receipt["name"].as_str().unwrap().starts_with(name) {
            change(&mut receipt);
            return fs::write(&file, receipt.to_string()).unwrap();
        }
    }
    panic!("{name} has no receipt");
}

/// Returns a control plane with an ended workload, a running one, and an unconfirmed submission.
fn with_three() -> Cluster {
    let cluster = Cluster::start();
    let file = cluster.step("ended", "RUNAI_SIM_RUNNING: 0.1", "");
    assert_eq!(cluster.output(&["run", &file]).status.code(), Some(0));
    cluster.submit("running", "RUNAI_SIM_RUNNING: 60");
    cluster.submit("unconfirmed", "RUNAI_SIM_RUNNING: 60");
    edit(&cluster, "unconfirmed", |receipt| {
        receipt["progress"] = json!("sending");
        receipt["run_id"] = json!("nightly");
    });
    cluster
}

fn names(cluster: &Cluster) -> Vec<String> {
    let list = cluster.json(&["receipts", "list", "--format", "json"]);
    let mut names: Vec<_> = list["receipts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|receipt| {
            let name = receipt["name"].as_str().unwrap().split('-').next().unwrap();
            format!("{name}: {}", receipt["progress"].as_str().unwrap())
        })
        .collect();
    names.sort();
    names
}

#[test]
fn lists_and_shows_receipts() {
    let cluster = with_three();
    assert_eq!(names(&cluster), ["ended: ended", "running: submitted", "unconfirmed: sending"]);
    fs::write(folder(&cluster).join("brokenbroken.json"), "{").unwrap();
    let output = cluster.output(&["receipts", "list"]);
    let text = shown(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert_eq!(text.matches("brokenbroken.json").count(), 1, "{text}");
    assert_eq!(text.matches("sim-project").count(), 3, "{text}");
    let list = cluster.json(&["receipts", "list", "--format", "json"]);
    assert_eq!(list["unreadable"].as_array().unwrap().len(), 1, "{list}");
    fs::remove_file(folder(&cluster).join("brokenbroken.json")).unwrap();
    // By run id, and by name as JSON.
    let shown_by_run_id = cluster.json(&["receipts", "show", "nightly", "--format", "json"]);
    assert_eq!(shown_by_run_id["progress"], "sending");
    let id = |key: &str| shown_by_run_id[key].as_str().unwrap();
    let block = cluster.run(&["receipts", "show", "nightly"]).replace(id("submission_id"), "ID");
    insta::assert_snapshot!(block, @"
    exit 0
    --- stdout
    unconfirmed-ID
      receipt  ID
      progress  sending
      age  Ns
      run id  nightly
      submission id  ID
      project  sim-project
      control plane  http://CONTROL-PLANE
    ");
    insta::assert_snapshot!(cluster.run(&["receipts", "show", "nothing-like-it"]), @"
    exit 4
    --- stderr
    error: unknown receipt `nothing-like-it`
    hint: list receipts with `runai-step receipts list`
    ");
}

#[test]
fn recovers_unconfirmed_submissions() {
    let cluster = with_three();
    insta::assert_snapshot!(cluster.run(&["receipts", "recover"]), @"
    exit 0
    --- stdout
    unconfirmed-ID was submitted; follow it with `runai-step wait unconfirmed-ID`
    ");
    assert_eq!(names(&cluster), ["ended: ended", "running: submitted", "unconfirmed: submitted"]);
    insta::assert_snapshot!(cluster.run(&["receipts", "recover"]), @"
    exit 0
    --- stderr
    · no unconfirmed submissions
    ");
    // The receipt of a lost submission stays until the user removes it.
    edit(&cluster, "unconfirmed", |receipt| {
        receipt["progress"] = json!("sending");
        receipt["name"] = json!("never-aaaaaaaaaaaa");
        receipt["submission_id"] = json!("aaaaaaaaaaaa");
    });
    let recovered = cluster.json(&["receipts", "recover", "--settle-time", "0.5", "--format", "json"]);
    assert_eq!(recovered["receipts"][0]["became"], "absent", "{recovered}");
}

#[test]
fn prunes_only_ended() {
    let cluster = with_three();
    let removed = cluster.json(&["receipts", "prune", "--dry-run", "--format", "json"]);
    assert_eq!(removed["removed"].as_array().unwrap().len(), 1);
    assert_eq!(names(&cluster).len(), 3);
    cluster.json(&["receipts", "prune", "--older-than", "1d", "--format", "json"]);
    assert_eq!(names(&cluster).len(), 3);
    insta::assert_snapshot!(cluster.run(&["receipts", "prune", "--older-than", "0s"]), @"
    exit 0
    --- stdout
    removed ended-ID (ended, Ns)
    ");
    assert_eq!(names(&cluster), ["running: submitted", "unconfirmed: sending"]);
    insta::assert_snapshot!(cluster.run(&["receipts", "prune", "nightly"]), @"
    exit 2
    --- stderr
    error: receipt of unconfirmed-ID not removed: its progress is `sending`, so the workload may be running
    hint: check with `runai-step receipts recover`, or remove it with `--force`
    ");
    let output = cluster.output(&["receipts", "prune", "nightly", "--force"]);
    assert_eq!(output.status.code(), Some(0), "{}", shown(&output));
    assert_eq!(names(&cluster), ["running: submitted"]);
    let output = cluster.output(&["receipts", "prune", "--older-than", "soon"]);
    assert_eq!(output.status.code(), Some(2), "{}", shown(&output));
}
