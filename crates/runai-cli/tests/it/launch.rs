//! `submit`, `run` and `wait` on a control plane.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::cluster::Cluster;
use crate::shown;

fn signal(child: &Child, signal: Signal) {
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), signal).unwrap();
}

/// Returns the printed JSON events.
fn events(output: &[u8]) -> Vec<Value> {
    String::from_utf8_lossy(output).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn outcomes_have_exit_codes() {
    let cluster = Cluster::start();
    let short = "RUNAI_SIM_RUNNING: 0.2";
    let file = cluster.step("well", short, "");
    insta::assert_snapshot!(cluster.run(&["run", &file]), @"
    exit 0
    --- stderr
    · submitted well-ID to project sim-project
    · logs: runai training standard logs well-ID --project sim-project --follow
    · console: http://CONTROL-PLANE
    · Completed
    · well-ID succeeded (N s)
    ");
    let file = cluster.step("badly", &format!("{short}, RUNAI_SIM_RESULT: Failed"), "");
    insta::assert_snapshot!(cluster.run(&["run", &file]), @"
    exit 7
    --- stderr
    · submitted badly-ID to project sim-project
    · logs: runai training standard logs badly-ID --project sim-project --follow
    · console: http://CONTROL-PLANE
    · Failed
    · badly-ID failed: failed by RUNAI_SIM_RESULT (N s)
    ");
    let file = cluster.step("long", "RUNAI_SIM_RUNNING: 600", "workload_timeout: 1");
    insta::assert_snapshot!(cluster.run(&["submit", "--wait", &file]), @"
    exit 8
    --- stderr
    · submitted long-ID to project sim-project
    · logs: runai training standard logs long-ID --project sim-project --follow
    · console: http://CONTROL-PLANE
    · suspending the workload: running longer than `workload_timeout`
    · Stopped
    · long-ID ran longer than `workload_timeout` and is suspended (N s)
    ");
    let file = cluster.step("never", "", "gpu_devices_request: 99, pending_timeout: 1");
    insta::assert_snapshot!(cluster.run(&["run", &file]), @"
    exit 8
    --- stderr
    · submitted never-ID to project sim-project
    · logs: runai training standard logs never-ID --project sim-project --follow
    · console: http://CONTROL-PLANE
    · waiting: requests 99 GPUs, the node has 8
    · suspending the workload: queued longer than `pending_timeout`
    · Stopped
    · never-ID was queued longer than `pending_timeout` and is suspended (N s)
    ");
    let file = cluster.step("stopped", &format!("{short}, RUNAI_SIM_RESULT: Stopped"), "");
    insta::assert_snapshot!(cluster.run(&["run", &file]), @"
    exit 9
    --- stderr
    · submitted stopped-ID to project sim-project
    · logs: runai training standard logs stopped-ID --project sim-project --follow
    · console: http://CONTROL-PLANE
    · Stopped
    · stopped-ID was stopped by someone else (N s)
    ");
}

#[test]
fn deletes_failed_workload_on_request() {
    let cluster = Cluster::start();
    let file = cluster.step("badly", "RUNAI_SIM_RUNNING: 0.2, RUNAI_SIM_RESULT: Failed", "");
    let output = cluster.output(&["run", &file, "--delete-on-failure"]);
    assert_eq!(output.status.code(), Some(7), "{}", shown(&output));
    assert_eq!(cluster.json(&["list", "--format", "json"])["workloads"], Value::Array(Vec::new()));
    let output = cluster.output(&["run", &file]);
    assert_eq!(output.status.code(), Some(7), "{}", shown(&output));
    assert_eq!(cluster.json(&["list", "--format", "json"])["workloads"].as_array().unwrap().len(), 1);
}

#[test]
fn run_id_submits_once() {
    let cluster = Cluster::start();
    let file = cluster.step("train", "RUNAI_SIM_RUNNING: 60", "");
    let submit = |file: &str| cluster.output(&["submit", file, "--run-id", "nightly"]);
    let (first, second) = (submit(&file), submit(&file));
    assert_eq!((first.status.code(), &first.stdout), (Some(0), &second.stdout), "{}", shown(&second));
    let id = String::from_utf8(first.stdout).unwrap().trim().to_owned();
    // A different setting is a warning, a different image an error.
    cluster.step("train", "RUNAI_SIM_RUNNING: 60", "backoff_limit: 3");
    insta::assert_snapshot!(cluster.settle(&shown(&submit(&file))), @"
    exit 0
    --- stdout
    UUID
    --- stderr
    · attached to train-ID of project sim-project
    warning: stored spec of train-ID differs from the submitted one at `/backoffLimit`
    ");
    let text = std::fs::read_to_string(cluster.scratch.path().join(&file)).unwrap();
    cluster.scratch.write(&file, text.replace("python:3.12", "python:3.13"));
    insta::assert_snapshot!(cluster.settle(&shown(&submit(&file))), @"
    exit 5
    --- stderr
    error: submission `ID` already exists as workload UUID (`train-ID`) with a different `/image`: it was submitted from `train.runai.yaml`, not `train.runai.yaml`
    hint: use another run id for another file
    error[refused]: `image`: differs from the step submitted with this run id
     --> train.runai.yaml:2:8
      |
    2 | image: python:3.13
      |        ^^^^^^^^^^^
    ");
    cluster.step("train", "RUNAI_SIM_RUNNING: 60", "");
    cluster.output(&["delete", "--wait", &id]);
    insta::assert_snapshot!(cluster.settle(&shown(&submit(&file))), @"
    exit 4
    --- stderr
    error: workload UUID (`train-ID`) of submission `ID` has been deleted
    hint: use another run id to run it again
    ");
}

#[test]
fn rejects_empty_run_id() {
    let cluster = Cluster::start();
    let file = cluster.step("train", "", "");
    // `$ID` and `$RUN-$ATTEMPT` without any variable.
    for run_id in ["", " ", "\t\n", "-"] {
        for command in ["submit", "run"] {
            let output = cluster.output(&[command, &file, "--run-id", run_id]);
            assert_eq!(output.status.code(), Some(2), "{run_id:?}: {}", shown(&output));
            assert!(shown(&output).contains("$GITHUB_RUN_ID-$GITHUB_RUN_ATTEMPT"), "{}", shown(&output));
        }
    }
    assert_eq!(cluster.json(&["list", "--format", "json"])["workloads"], Value::Array(Vec::new()));
}

#[test]
fn rejects_invalid_flags() {
    let scratch = crate::Scratch::new();
    for (words, why) in [
        (&["wait", "x", "--pending-timeout", "-1"][..], "cannot be negative"),
        (&["wait", "x", "--workload-timeout", "0"], "a timeout must be longer than 0 s"),
        (&["wait", "x", "--workload-timeout", "NaN"], "duration out of range"),
        (&["wait", "x", "--workload-timeout", "soon"], "write a number of seconds"),
        (&["wait", "x", "--workload-timeout", "5", "--resume-cancel"], "cannot be used with"),
        (&["cancel", "x", "--timeout", "-0.5"], "cannot be negative"),
        (&["run", "x", "--settle-time", "-1"], "cannot be negative"),
        (&["submit", "x", "--settle-time", "later"], "write a number of seconds"),
        (&["submit", "x", "--settle-time", "inf"], "duration out of range"),
        (&["cancel", "x", "--timeout", "1", "--dry-run"], "cannot be used with"),
        (&["run", "x", "--on-interrupt", "leave", "--detach"], "cannot be used with"),
        (&["run", "x", "--on-interrupt", "leave", "--local"], "cannot be used with"),
        (&["run", "x", "--on-interrupt", "delete"], "possible values: cancel, leave"),
    ] {
        let output = scratch.command(words).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{words:?}: {}", shown(&output));
        assert!(shown(&output).contains(why), "{words:?}: {}", shown(&output));
    }
}

#[test]
fn resumes_after_killed_wait() {
    let cluster = Cluster::start();
    let file = cluster.step("train", "RUNAI_SIM_RUNNING: 2", "");
    let words = ["submit", "--wait", "--run-id", "nightly", &file];
    let mut first = cluster.command(&words).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = BufReader::new(first.stderr.take().unwrap());
    let mut line = String::new();
    stderr.read_line(&mut line).unwrap();
    assert!(line.contains("submitted train-"), "{line}");
    signal(&first, Signal::SIGKILL);
    first.wait().unwrap();
    let second = cluster.output(&words);
    assert_eq!(second.status.code(), Some(0), "{}", shown(&second));
    assert!(String::from_utf8_lossy(&second.stderr).contains("attached to train-"), "{}", shown(&second));
    assert_eq!(cluster.json(&["list", "--format", "json"])["workloads"].as_array().unwrap().len(), 1);
}

#[test]
fn interrupt_of_run_and_wait() {
    let cluster = Cluster::start();
    let file = cluster.step("train", "RUNAI_SIM_RUNNING: 60", "");
    let begin = |words: &[&str]| {
        let mut child = cluster.command(words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        while !said.contains("Running") {
            assert_ne!(stderr.read_line(&mut said).unwrap(), 0, "{said}");
        }
        (child, stderr, said)
    };
    let (child, mut stderr, mut said) = begin(&["run", &file]);
    signal(&child, Signal::SIGINT);
    stderr.read_to_string(&mut said).unwrap();
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(130));
    insta::assert_snapshot!(cluster.settle(&said), @"
    · submitted train-ID to project sim-project
    · logs: runai training standard logs train-ID --project sim-project --follow
    · console: http://CONTROL-PLANE
    · interrupted: suspending train-ID; press Ctrl-C again to exit immediately
    · Stopped
    · train-ID was suspended (N s)
    ");

    let id = cluster.submit("train", "RUNAI_SIM_RUNNING: 60");
    let (child, mut stderr, mut said) = begin(&["wait", &id]);
    signal(&child, Signal::SIGINT);
    stderr.read_to_string(&mut said).unwrap();
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(130));
    insta::assert_snapshot!(cluster.settle(&said), @"
    · interrupted: workloads continue to run
    · train-ID continues to run; follow it with `runai-step wait train-ID`, suspend it with `runai-step cancel train-ID`
    ");
    cluster.until(&id, "Running");
}

/// Stores a cancel in the only receipt, like a command that is interrupted during an outage.
fn store_a_cancel(cluster: &Cluster) {
    let folder = cluster.scratch.path().join("home/.local/state/runai-step");
    let is_receipt = |path: &std::path::PathBuf| path.extension().is_some_and(|extension| extension == "json");
    let file = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).find(is_receipt).unwrap();
    let mut receipt: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    let mut state = runai_client::lifecycle::WaitState::default();
    state.cancel();
    receipt["wait"] = serde_json::to_value(state).unwrap();
    std::fs::write(&file, receipt.to_string()).unwrap();
}

#[test]
fn wait_completes_cancel_on_request() {
    let cluster = Cluster::start();
    let id = cluster.submit("train", "RUNAI_SIM_RUNNING: 2");
    store_a_cancel(&cluster);
    insta::assert_snapshot!(cluster.run(&["wait", &id]), @"
    exit 0
    --- stderr
    warning: dropped an unconfirmed cancel of train-ID by an interrupted command; the workload is only followed
    hint: suspend it with `runai-step cancel train-ID`
    · Completed
    · train-ID succeeded (N s)
    ");
    let cluster = Cluster::start();
    let id = cluster.submit("train", "RUNAI_SIM_RUNNING: 60");
    store_a_cancel(&cluster);
    insta::assert_snapshot!(cluster.run(&["wait", &id, "--resume-cancel"]), @"
    exit 130
    --- stderr
    · suspending train-ID: completing the cancel of an interrupted command
    · Stopped
    · train-ID was suspended (N s)
    ");
}

#[test]
fn reattach_prints_current_phase() {
    let cluster = Cluster::start();
    let file = cluster.step("train", "RUNAI_SIM_RUNNING: 60", "");
    let id = cluster.submit("train", "RUNAI_SIM_RUNNING: 60");
    let name = cluster.json(&["status", &id, "--format", "json"])["workloads"][0]["name"].as_str().unwrap().to_owned();
    cluster.until(&id, "Running");
    let attached = cluster.output(&["submit", &file, "--run-id", "nightly"]);
    let other = String::from_utf8(attached.stdout).unwrap().trim().to_owned();
    cluster.until(&other, "Running");
    // With an interval of one hour, only the first poll can report the phase.
    for words in [vec!["wait", &name], vec!["submit", "--wait", &file, "--run-id", "nightly"]] {
        let words = [&words[..], &["--monitoring-interval", "3600"]].concat();
        let mut child = cluster.command(&words).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        while !said.contains("· Running on default") {
            assert_ne!(stderr.read_line(&mut said).unwrap(), 0, "{said}");
        }
        signal(&child, Signal::SIGINT);
        assert_eq!(child.wait().unwrap().code(), Some(130));
    }
}

#[test]
fn interrupt_during_project_lookup() {
    // Connections are accepted and never answered.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let cluster = Cluster::start();
    let file = cluster.step("train", "", "");
    for words in [["run", &file], ["submit", &file]] {
        let mut command = cluster.command(&words);
        let child = command.env("RUNAI_BASE_URL", &url).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let _connection = listener.accept().unwrap();
        signal(&child, Signal::SIGINT);
        insta::allow_duplicates! {
            insta::assert_snapshot!(shown(&child.wait_with_output().unwrap()), @"
            exit 130
            --- stderr
            error: interrupted: nothing was submitted
            ");
        }
    }
}

#[test]
fn run_leaves_workload_on_request() {
    let cluster = Cluster::start();
    let file = cluster.step("train", "RUNAI_SIM_RUNNING: 60", "");
    let words = ["run", &file, "--on-interrupt", "leave", "--format", "json"];
    let mut child = cluster.command(&words).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = || serde_json::from_str::<Value>(&lines.next().unwrap().unwrap()).unwrap();
    let mut event = next();
    let id = event["workload_id"].as_str().unwrap().to_owned();
    while event["phase"] != "Running" {
        event = next();
    }
    signal(&child, Signal::SIGINT);
    let interrupted = next();
    assert_eq!((&interrupted["event"], &interrupted["action"]), (&"interrupted".into(), &"leave".into()));
    let left = next();
    assert_eq!((&left["event"], &left["cancel"]), (&"left".into(), &"none".into()));
    assert_eq!(child.wait().unwrap().code(), Some(130));
    cluster.until(&id, "Running");
}

#[test]
fn stopped_or_deleted_by_others() {
    let cluster = Cluster::start();
    for (words, code) in [(["cancel"].as_slice(), 9), (&["delete", "--wait"], 4)] {
        let id = cluster.submit("train", "RUNAI_SIM_RUNNING: 60");
        cluster.until(&id, "Running");
        let wait = cluster.command(&["wait", &id]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // Long enough for a poll; a later `wait` reports the same end.
        std::thread::sleep(Duration::from_millis(300));
        let output = cluster.output(&[words, &[&id]].concat());
        assert_eq!(output.status.code(), Some(0), "{}", shown(&output));
        let output = wait.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{}", shown(&output));
    }
}

#[test]
fn summarizes_several_steps() {
    let cluster = Cluster::start();
    let files = [
        cluster.step("one", "RUNAI_SIM_RUNNING: 0.2", ""),
        cluster.step("two", "RUNAI_SIM_RUNNING: 0.2, RUNAI_SIM_RESULT: Failed", ""),
        cluster.step("three", "RUNAI_SIM_RUNNING: 0.2", ""),
    ];
    let words = ["run", &files[0], &files[1], &files[2], "--jobs", "1"];
    insta::assert_snapshot!(cluster.run(&words), @"
    exit 7
    --- stderr
    · submitted one-ID to project sim-project
    · logs: runai training standard logs NAME --project sim-project --follow
    · console: http://CONTROL-PLANE
    · one-ID: Completed
    · one-ID succeeded (N s)
    · submitted two-ID to project sim-project
    · two-ID: Failed
    · two-ID failed: failed by RUNAI_SIM_RESULT (N s)
    · submitted three-ID to project sim-project
    · three-ID: Completed
    · three-ID succeeded (N s)

    STEP  WORKLOAD  OUTCOME  TIME
    one.runai.yaml  one-ID  succeeded  N s
    two.runai.yaml  two-ID  failed  N s
    three.runai.yaml  three-ID  succeeded  N s
    ");
    let output = cluster.output(&["submit", &files[0], &files[2], "--format", "json"]);
    let files: Vec<_> = events(&output.stdout).iter().map(|event| event["file"].as_str().unwrap().to_owned()).collect();
    assert_eq!(files.len(), 2, "{}", shown(&output));
    cluster.scratch.write("wrong.runai.yaml", "image: a\ncommand: [b]\nsettings: {gpu_portion: 1}\n");
    insta::assert_snapshot!(cluster.run(&["submit", "one.runai.yaml", "wrong.runai.yaml"]), @"
    exit 1
    --- stderr
    error[unknown-key]: unknown key `gpu_portion` in `settings`
     --> wrong.runai.yaml:3:12
      |
    3 | settings: {gpu_portion: 1}
      |            ^^^^^^^^^^^
      |
      = help: did you mean `gpu_portion_request`?

    · nothing was submitted
    ");
    insta::assert_snapshot!(cluster.run(&["submit", "one.runai.yaml", "two.runai.yaml", "--run-id", "x"]), @"
    exit 2
    --- stderr
    error: `--run-id` applies to a single step, but 2 files were given
    hint: remove `--run-id`, or submit one file at a time
    ");
}

#[test]
fn prints_json_events() {
    let cluster = Cluster::start();
    let file = cluster.step("train", "RUNAI_SIM_RUNNING: 0.5", "");
    let output = cluster.output(&["run", &file, "--format", "json"]);
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0), "{}", shown(&output));
    let events = events(&output.stdout);
    assert_eq!(events.first().unwrap()["event"], "submitted");
    let last = events.last().unwrap();
    assert_eq!(
        (&last["event"], &last["outcome"], &last["exit_code"]),
        (&"ended".into(), &"succeeded".into(), &0.into())
    );
    assert!(events.iter().all(|event| event["workload_id"] == last["workload_id"]), "{events:?}");
}

#[test]
fn flags_set_image_and_command() {
    let cluster = Cluster::start();
    cluster.scratch.write(
        "zenml.yaml",
        "steps:\n  trainer:\n    settings:\n      step_operator:\n        gpu_portion_request: 0.5\n",
    );
    let words = ["submit", "zenml.yaml", "--step", "trainer", "--image", "ml:4", "--dry-run", "--format", "json"];
    let request = cluster.json(&[&words[..], &["--", "python", "-m", "train", "x y"]].concat());
    let spec = &request["body"]["spec"];
    assert_eq!(
        (&spec["image"], &spec["command"], &spec["args"]),
        (&"ml:4".into(), &"python -m train".into(), &"'x y'".into())
    );
    insta::assert_snapshot!(cluster.run(&["submit", "zenml.yaml", "--step", "trainer"]), @"
    exit 2
    --- stderr
    error: no image or command for zenml.yaml
    hint: set `image` and `command` in the step file, or use `--image IMAGE` and `-- COMMAND`
    ");
}

#[test]
fn reads_env_file() {
    let cluster = Cluster::start();
    let file = cluster.step("train", "A: file, B: file, C: file", "");
    cluster.scratch.write("vars.env", "# a comment\nB=pa$word\nC='env file'\nD=4\n");
    let words =
        ["submit", &file, "--dry-run", "--format", "json", "--env-file", "vars.env", "--set", "environment.C=set"];
    let request = cluster.json(&words);
    let variables: Vec<_> = request["body"]["spec"]["environmentVariables"]
        .as_array()
        .unwrap()
        .iter()
        .map(|variable| format!("{}={}", variable["name"].as_str().unwrap(), variable["value"].as_str().unwrap()))
        .collect();
    assert_eq!(variables, ["A=file", "C=set", "B=pa$word", "D=4"]);
    cluster.scratch.write("broken.env", "OK=1\nnot a variable canary\n");
    let output = cluster.output(&["submit", &file, "--env-file", "broken.env"]);
    assert!(!shown(&output).contains("canary"), "{}", shown(&output));
    insta::assert_snapshot!(cluster.settle(&shown(&output)), @"
    exit 2
    --- stderr
    error: `broken.env`, line 2: whitespace in the name
    hint: write NAME=VALUE, without `export` and without spaces around `=`
    ");
}

#[test]
fn runs_without_receipt() {
    let cluster = Cluster::start();
    cluster.scratch.write("state", "a file where a folder should be");
    let file = cluster.step("train", "RUNAI_SIM_RUNNING: 0.2", "");
    let state = cluster.scratch.path().join("state");
    let output = cluster.command(&["run", &file]).env("XDG_STATE_HOME", &state).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    assert!(stderr.contains("warning: cannot write the receipt of train-"), "{stderr}");
}

#[test]
fn receipts_and_logs_hide_secrets() {
    let cluster = Cluster::start();
    let file = cluster.step("train", "RUNAI_SIM_RUNNING: 0.2, API_KEY: canary-variable", "");
    let output = cluster.output(&["run", &file, "-vv", "--log-format", "json"]);
    assert_eq!(output.status.code(), Some(0), "{}", shown(&output));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.lines().any(|line| line.starts_with('{') && line.contains("runai_client")), "{stderr}");
    let receipts = std::fs::read_dir(cluster.scratch.path().join("home/.local/state/runai-step")).unwrap();
    let kept: Vec<_> = receipts.map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap()).collect();
    let kept = [kept.concat()];
    assert!(kept[0].contains("submission_id"), "{kept:?}");
    for secret in ["canary-variable", "sim-secret"] {
        assert!(!stderr.contains(secret) && !kept[0].contains(secret), "{secret}");
    }
}

#[test]
fn wait_finds_workload_by_receipt() {
    let scenario = crate::Scratch::new();
    // Reads lag, so the first two requests do not find the workload.
    let fault = "[[faults]]\nkind = { status = { status = 404 } }\nmethod = \"GET\"\npath = \"/api/v1/workloads/*\"\ntimes = 2\n";
    scenario.write("fault.toml", fault);
    let cluster = Cluster::with(&["--scenario", scenario.path().join("fault.toml").to_str().unwrap()]);
    let id = cluster.submit("train", "RUNAI_SIM_RUNNING: 1");
    let output = cluster.output(&["wait", &id]);
    assert_eq!(output.status.code(), Some(0), "{}", shown(&output));
    // An unknown workload.
    let output = cluster.output(&["wait", "00000000-0000-4000-8000-000000000000"]);
    assert_eq!(output.status.code(), Some(4), "{}", shown(&output));
}

#[test]
fn settles_unconfirmed_submission() {
    let scenario = crate::Scratch::new();
    let fault =
        "[[faults]]\nkind = \"lostAnswer\"\nmethod = \"POST\"\npath = \"/api/v1/workloads/trainings\"\ntimes = 1\n";
    scenario.write("fault.toml", fault);
    let cluster = Cluster::with(&["--scenario", scenario.path().join("fault.toml").to_str().unwrap()]);
    let file = cluster.step("train", "RUNAI_SIM_RUNNING: 60", "");
    let output = cluster.output(&["submit", &file, "--settle-time", "7.5"]);
    let text = shown(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(
        text.contains("submission of train-")
            && text.contains("is unconfirmed")
            && text.contains("after 7.5 s of empty lookups"),
        "{text}"
    );
    assert_eq!(cluster.json(&["list", "--format", "json"])["workloads"].as_array().unwrap().len(), 1);
}
