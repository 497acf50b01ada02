//! Repeated commands after a kill during the submission.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::Stdio;

use serde_json::Value;

use crate::cluster::Cluster;
use crate::{Scratch, shown};

/// Returns a control plane with an unconfirmed submission of a killed command.
fn killed_while_submitting() -> (Cluster, String) {
    let scenario = Scratch::new();
    // The connection of the first submission breaks before it takes effect.
    let fault = "[[faults]]\nkind = \"reset\"\nmethod = \"POST\"\npath = \"/api/v1/workloads/trainings\"\ntimes = 1\n";
    scenario.write("fault.toml", fault);
    let cluster = Cluster::with(&["--scenario", scenario.path().join("fault.toml").to_str().unwrap()]);
    let file = cluster.step("train", "RUNAI_SIM_RUNNING: 60", "");
    let mut child = cluster
        .command(&["submit", &file, "--format", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&line).unwrap()["event"], "ambiguous", "{line}");
    child.kill().unwrap();
    child.wait().unwrap();
    (cluster, file)
}

fn names(cluster: &Cluster) -> Vec<String> {
    let list = cluster.json(&["list", "--format", "json"]);
    list["workloads"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
}

/// Runs `submit` on a terminal with the input `typed`.
fn on_a_terminal(cluster: &Cluster, file: &str, typed: &str, variables: &[(&str, &str)]) -> (Option<i32>, String) {
    let terminal = nix::pty::openpty(None, None).unwrap();
    let mut master = File::from(terminal.master);
    master.write_all(typed.as_bytes()).unwrap();
    let mut command = cluster.command(&["submit", file, "--settle-time", "0.5"]);
    command.envs(variables.iter().copied()).stdin(Stdio::from(terminal.slave.try_clone().unwrap()));
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::from(terminal.slave)).spawn().unwrap();
    drop(command);
    let mut text = Vec::new();
    // Linux returns an error at the end of a terminal.
    let mut chunk = [0; 4096];
    while let Ok(count @ 1..) = master.read(&mut chunk) {
        text.extend_from_slice(&chunk[..count]);
    }
    (child.wait().unwrap().code(), String::from_utf8_lossy(&text).into_owned())
}

#[test]
fn resubmits_without_terminal() {
    let (cluster, file) = killed_while_submitting();
    let output = cluster.output(&["submit", &file]);
    let text = shown(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("warning: a command was killed") && text.contains("submits a second one"), "{text}");
    let run_id = text.split("`--run-id ").nth(1).unwrap().split('`').next().unwrap().to_owned();
    let anew = names(&cluster);
    let resumed = cluster.output(&["submit", &file, "--run-id", &run_id, "--settle-time", "0.5"]);
    assert_eq!(resumed.status.code(), Some(0), "{}", shown(&resumed));
    // The warning names the receipt's workload.
    let both = names(&cluster);
    let earlier = both.iter().find(|name| !anew.contains(name)).unwrap();
    assert!(text.contains(earlier.as_str()), "{text} {both:?}");
    let again = cluster.output(&["submit", &file]);
    assert!(!shown(&again).contains("was killed"), "{}", shown(&again));
}

#[test]
fn asks_on_terminal_except_ci() {
    let (cluster, file) = killed_while_submitting();
    let (code, text) = on_a_terminal(&cluster, &file, "y\n", &[("CI", "true")]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("--run-id") && !text.contains("[Y/n]"), "{text}");
    assert_eq!(names(&cluster).len(), 1);
    let (code, text) = on_a_terminal(&cluster, &file, "n\n", &[]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("[Y/n]") && !text.contains("--run-id"), "{text}");
    assert_eq!(names(&cluster).len(), 2);
    let (code, text) = on_a_terminal(&cluster, &file, "\n", &[]);
    assert_eq!(code, Some(0), "{text}");
    let named = text.split("; workload ").nth(1).unwrap().split(" may exist").next().unwrap();
    assert!(names(&cluster).contains(&named.to_owned()), "{text} {:?}", names(&cluster));
    let (_, text) = on_a_terminal(&cluster, &file, "", &[]);
    assert!(!text.contains("[Y/n]"), "a resumed submission is not an orphan: {text}");
}
