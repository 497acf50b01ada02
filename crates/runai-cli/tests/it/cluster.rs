//! A simulated control plane for tests, and tests of commands about existing workloads.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

use crate::{Scratch, shown};

/// A control plane for a test, and a folder to run the program in.
pub(crate) struct Cluster {
    pub(crate) scratch: Scratch,
    child: Child,
    reached: Value,
}

impl Cluster {
    pub(crate) fn start() -> Self {
        Self::with(&[])
    }

    /// Starts it with more arguments.
    pub(crate) fn with(args: &[&str]) -> Self {
        let scratch = Scratch::new();
        let mut command = scratch.command(&[&["simulate"], args].concat());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { scratch, child, reached: serde_json::from_str(&line).unwrap() }
    }

    pub(crate) fn url(&self) -> &str {
        self.reached["base_url"].as_str().unwrap()
    }

    /// Returns a command that is configured for the control plane.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = self.scratch.command(args);
        for (variable, key) in [
            ("RUNAI_BASE_URL", "base_url"),
            ("RUNAI_CLIENT_ID", "client_id"),
            ("RUNAI_CLIENT_SECRET", "client_secret"),
            ("RUNAI_PROJECT_NAME", "project"),
        ] {
            command.env(variable, self.reached[key].as_str().unwrap());
        }
        command.env("RUNAI_MONITORING_INTERVAL", "0.2");
        command
    }

    pub(crate) fn output(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// Returns the output without parts that differ between runs.
    pub(crate) fn run(&self, args: &[&str]) -> String {
        self.settle(&shown(&self.output(args)))
    }

    /// Returns the JSON output.
    pub(crate) fn json(&self, args: &[&str]) -> Value {
        let output = self.output(args);
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", shown(&output)))
    }

    /// Writes a step, scripted by the variables of the simulator.
    pub(crate) fn step(&self, name: &str, environment: &str, settings: &str) -> String {
        let file = format!("{name}.runai.yaml");
        let text = format!(
            "name: {name}\nimage: python:3.12\ncommand: [train]\nenvironment: {{{environment}}}\nsettings: {{{settings}}}\n"
        );
        self.scratch.write(&file, text);
        file
    }

    /// Submits a step and returns its id.
    pub(crate) fn submit(&self, name: &str, environment: &str) -> String {
        let file = self.step(name, environment, "");
        let output = self.output(&["submit", &file]);
        assert_eq!(output.status.code(), Some(0), "{}", shown(&output));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Waits until a workload is in a phase.
    pub(crate) fn until(&self, id: &str, phase: &str) {
        for _ in 0..200 {
            if self.json(&["status", id, "--format", "json"])["workloads"][0]["phase"] == phase {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        panic!("{id} never became {phase}");
    }

    pub(crate) fn settle(&self, shown: &str) -> String {
        let shown = shown.replace(self.url(), "http://CONTROL-PLANE");
        let mut lines = Vec::new();
        for line in shown.lines() {
            // The observed phases vary.
            let phase = line.strip_prefix("· ").map_or("", |line| line.rsplit(": ").next().unwrap_or(line));
            if ["Creating", "Pending", "Initializing", "Running", "Stopping"].iter().any(|one| phase.starts_with(one)) {
                continue;
            }
            lines.push(line.to_owned());
        }
        let mut text = lines.join("\n");
        for (pattern, by) in [
            (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "UUID"),
            (r"-[a-z2-7]{12}\b", "-ID"),
            (r"`[a-z2-7]{12}`", "`ID`"),
            (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", "TIME"),
            (r"\(\d+\.\d s\)", "(N s)"),
            (r" \d+\.\d s\b", " N s"),
            (r"\b\d+s\b", "Ns"),
        ] {
            text = regex::Regex::new(pattern).unwrap().replace_all(&text, by).into_owned();
        }
        // Column widths depend on their content.
        let columns = regex::Regex::new(r"(\S) {2,}(\S)").unwrap();
        let line = |line: &str| {
            if line.contains(" | ") { line.to_owned() } else { columns.replace_all(line, "$1  $2").into_owned() }
        };
        text.lines().map(line).collect::<Vec<_>>().join("\n")
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn workload_lifecycle() {
    let cluster = Cluster::start();
    let id = cluster.submit("train", "RUNAI_SIM_RUNNING: 60");
    cluster.until(&id, "Running");
    insta::assert_snapshot!(cluster.run(&["status", &id]), @"
    exit 0
    --- stdout
    train-ID
      id  UUID
      phase  Running
      project  sim-project
      node pools default
      created  TIME (Ns ago)
      pending  Ns
      running  Ns
    ");
    insta::assert_snapshot!(cluster.run(&["list"]), @"
    exit 0
    --- stdout
    NAME  PHASE  AGE  RUNNING  NODE POOLS  PROJECT  ID
    train-ID  Running  Ns  Ns  default  sim-project  UUID
    ");
    insta::assert_snapshot!(cluster.run(&["events", &id]), @"
    exit 0
    --- stdout
    AGE  TYPE  REASON  MESSAGE
    Ns  Normal  Scheduled  train-ID-0 is assigned to node-1
    Ns  Normal  Pulling  pulling image `python:3.12`
    Ns  Normal  Started  train-ID-0 started
    ");
    insta::assert_snapshot!(cluster.run(&["cancel", &id]), @"
    exit 0
    --- stdout
    train-ID is suspended; `runai-step resume train-ID` resumes it
    ");
    insta::assert_snapshot!(cluster.run(&["cancel", &id]), @"
    exit 0
    --- stdout
    train-ID is suspended; `runai-step resume train-ID` resumes it
    ");
    insta::assert_snapshot!(cluster.run(&["resume", &id]), @"
    exit 0
    --- stdout
    train-ID is being resumed; `runai-step wait train-ID` follows it
    ");
    cluster.until(&id, "Running");
    insta::assert_snapshot!(cluster.run(&["delete", "--wait", &id]), @"
    exit 0
    --- stdout
    train-ID is deleted
    ");
    insta::assert_snapshot!(cluster.run(&["status", &id]), @"
    exit 4
    --- stderr
    error: workload `train-ID` was deleted; its last phase was `Deleting`
    hint: show it with `runai-step list --deleted`
    ");
    insta::assert_snapshot!(cluster.run(&["list"]), @"
    exit 0
    --- stderr
    · no workloads
    ");
    let deleted = cluster.json(&["list", "--deleted", "--format", "json"]);
    assert_eq!(deleted["workloads"][0]["id"], id.as_str());
    assert!(deleted["workloads"][0]["deleted_at"].is_string());
}

#[test]
fn prints_json_and_yaml() {
    let cluster = Cluster::start();
    let id = cluster.submit("train", "RUNAI_SIM_RUNNING: 60");
    cluster.until(&id, "Running");
    let status = cluster.json(&["status", &id, "--format", "json"]);
    let workload = &status["workloads"][0];
    assert_eq!((&workload["id"], &workload["stage"]), (&Value::from(id.as_str()), &Value::from("running")));
    assert_eq!(workload["node_pools"], serde_json::json!(["default"]));
    let listed = cluster.json(&["list", "--phase", "Running", "--format", "json"]);
    assert_eq!(listed["workloads"].as_array().unwrap().len(), 1);
    let listed = cluster.json(&["list", "--phase", "Failed", "--format", "json"]);
    assert_eq!(listed["workloads"].as_array().unwrap().len(), 0);
    let events = cluster.json(&["events", &id, "--format", "json"]);
    assert!(events["events"].as_array().unwrap().iter().any(|event| event["reason"] == "Started"), "{events}");
    let yaml = cluster.output(&["status", &id, "--format", "yaml"]);
    assert!(String::from_utf8_lossy(&yaml.stdout).contains("phase: Running"), "{}", shown(&yaml));
    let done = cluster.json(&["cancel", &id, "--format", "json"]);
    assert_eq!(done["workloads"][0]["outcome"], "cancelled");
}

#[test]
fn finds_workload_by_name() {
    let cluster = Cluster::start();
    let id = cluster.submit("train-resnet", "RUNAI_SIM_RUNNING: 60");
    let name = cluster.json(&["status", &id, "--format", "json"])["workloads"][0]["name"].as_str().unwrap().to_owned();
    assert_eq!(cluster.json(&["status", &name, "--format", "json"])["workloads"][0]["id"], id.as_str());
    cluster.until(&id, "Running");
    let slip = name.replace("train-resnet", "train-resent");
    insta::assert_snapshot!(cluster.run(&["status", &slip]), @"
    exit 4
    --- stderr
    error: unknown workload `train-resent-ID`
    hint: did you mean `train-resnet-ID`?
    ");
    insta::assert_snapshot!(cluster.run(&["status", "nothing-like-it", &id]), @"
    exit 4
    --- stdout
    train-resnet-ID
      id  UUID
      phase  Running
      project  sim-project
      node pools default
      created  TIME (Ns ago)
      pending  Ns
      running  Ns
    --- stderr
    error: unknown workload `nothing-like-it`
    hint: list workloads with `runai-step list`
    ");
}

#[test]
fn dry_run_sends_nothing() {
    let cluster = Cluster::start();
    let id = cluster.submit("train", "RUNAI_SIM_RUNNING: 60");
    for (words, path) in [
        (vec!["cancel", &id], format!("/api/v1/workloads/trainings/{id}/suspend")),
        (vec!["resume", &id], format!("/api/v1/workloads/trainings/{id}/resume")),
        (vec!["delete", &id], format!("/api/v1/workloads/trainings/{id}")),
    ] {
        let words = [&words[..], &["--dry-run"]].concat();
        let done = cluster.json(&[&words[..], &["--format", "json"]].concat());
        assert_eq!(done["workloads"][0]["request"]["path"], path, "{words:?}");
        let curl = cluster.output(&words);
        assert!(String::from_utf8_lossy(&curl.stdout).contains(&path), "{}", shown(&curl));
    }
    cluster.until(&id, "Running");
    let file = cluster.step("other", "", "");
    let request = cluster.json(&["submit", &file, "--dry-run", "--format", "json"]);
    assert_eq!((&request["method"], &request["body"]["projectId"]), (&Value::from("POST"), &Value::from("1")));
    assert_eq!(cluster.json(&["list", "--format", "json"])["workloads"].as_array().unwrap().len(), 1);
}

#[test]
fn cancel_times_out() {
    let scenario = Scratch::new();
    // The workload is visible for one lookup only.
    let fault = "[[faults]]\nkind = { status = { status = 503 } }\nmethod = \"GET\"\npath = \"/api/v1/workloads/*\"\nafter = 1\n";
    scenario.write("fault.toml", fault);
    let cluster = Cluster::with(&["--scenario", scenario.path().join("fault.toml").to_str().unwrap()]);
    let id = cluster.submit("train", "RUNAI_SIM_RUNNING: 60");
    insta::assert_snapshot!(cluster.run(&["cancel", &id, "--timeout", "0.5"]), @"
    exit 8
    --- stderr
    error: UUID: suspension accepted but not confirmed within N s; the workload may still be running
    hint: check with `runai-step status train-ID`, or repeat `runai-step cancel train-ID`
    ");
}

#[test]
fn not_found_of_existing_workload_fails() {
    let scenario = Scratch::new();
    let fault = |method: &str, path: &str| {
        format!("[[faults]]\nkind = {{ status = {{ status = 404 }} }}\nmethod = \"{method}\"\npath = \"{path}\"\n")
    };
    let trainings = "/api/v1/workloads/trainings/*";
    scenario.write("fault.toml", format!("{}{}", fault("POST", trainings), fault("DELETE", trainings)));
    let cluster = Cluster::with(&["--scenario", scenario.path().join("fault.toml").to_str().unwrap()]);
    let id = cluster.submit("train", "RUNAI_SIM_RUNNING: 60");
    for words in [&["cancel", &id][..], &["resume", &id], &["delete", &id], &["delete", "--wait", &id]] {
        let text = cluster.run(words);
        assert!(
            text.starts_with("exit 5\n") && text.contains("action rejected for a workload of type `Training`"),
            "{text}"
        );
    }
    cluster.until(&id, "Running");
}
