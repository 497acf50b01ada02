//! `run --local` with real processes.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::{Scratch, examples, shown};

fn step(command: &str, settings: &str) -> String {
    format!("name: test\nimage: a\ncommand: [sh, -c, {command:?}]\nsettings: {{{settings}}}\n")
}

/// Returns the output without parts that differ between runs.
fn run(text: &str) -> String {
    let scratch = Scratch::new();
    scratch.write("folder/step.yaml", text);
    settle(&scratch.run(&["run", "folder/step.yaml", "--local"]))
}

fn settle(shown: &str) -> String {
    let mut lines = Vec::new();
    for line in shown.lines() {
        let line = match line.split_once("http://127.0.0.1:") {
            Some((before, _)) => format!("{before}http://127.0.0.1:PORT"),
            None => line.to_owned(),
        };
        let words: Vec<_> =
            line.split(' ').map(|word| if word.starts_with("test-") { "test-ID" } else { word }).collect();
        let line = words.join(" ");
        let line = line
            .rsplit_once(" (")
            .filter(|(_, end)| end.ends_with(" s)"))
            .map_or(line.clone(), |(start, _)| start.to_owned());
        // Observed phases and messages of shells about signals vary.
        if !matches!(
            line.as_str(),
            "Terminated"
                | "· Creating"
                | "· Pending"
                | "· Initializing"
                | "· Running"
                | "· Running on default"
                | "· Stopping"
        ) {
            lines.push(line);
        }
    }
    lines.join("\n")
}

#[test]
fn step_succeeds() {
    insta::assert_snapshot!(run(&step("echo out; echo err >&2; pwd | sed 's,.*/,,'", "")), @"
    exit 0
    --- stdout
    out
    folder
    --- stderr
    · simulated control plane at http://127.0.0.1:PORT
    · submitted test-ID to project sim-project
    err
    · Completed
    · test-ID succeeded
    ");
}

#[test]
fn step_fails() {
    insta::assert_snapshot!(run(&step("exit 3", "backoff_limit: 0")), @"
    exit 7
    --- stderr
    · simulated control plane at http://127.0.0.1:PORT
    · submitted test-ID to project sim-project
    · Failed
    · test-ID failed: exit code 3
    ");
}

#[test]
fn command_not_found() {
    insta::assert_snapshot!(run("name: test\nimage: a\ncommand: [no-such-program]\n"), @"
    exit 7
    --- stderr
    · simulated control plane at http://127.0.0.1:PORT
    · submitted test-ID to project sim-project
    · Failed
    · test-ID failed: no-such-program: not found
    ");
}

#[test]
fn step_times_out() {
    insta::assert_snapshot!(run(&step("sleep 60", "workload_timeout: 1, termination_grace_period_seconds: 1")), @"
    exit 8
    --- stderr
    · simulated control plane at http://127.0.0.1:PORT
    · submitted test-ID to project sim-project
    · suspending the workload: running longer than `workload_timeout`
    · Stopped
    · test-ID ran longer than `workload_timeout` and is suspended
    ");
}

#[test]
fn request_never_fits() {
    insta::assert_snapshot!(run(&step("true", "gpu_devices_request: 99, pending_timeout: 1")), @"
    exit 8
    --- stderr
    · simulated control plane at http://127.0.0.1:PORT
    · submitted test-ID to project sim-project
    · waiting: requests 99 GPUs, the node has 8
    · suspending the workload: queued longer than `pending_timeout`
    · Stopped
    · test-ID was queued longer than `pending_timeout` and is suspended
    ");
}

#[test]
fn rejected_request() {
    insta::assert_snapshot!(run(&step("true", "workload_template_id: my-template")), @"
    exit 5
    --- stderr
    warning[template-id-not-uuid]: `workload_template_id` is `my-template`, not a UUID
     --> folder/step.yaml:4:34
      |
    4 | settings: {workload_template_id: my-template}
      |                                  ^^^^^^^^^^^
      |
      = help: write the id that the console or the API shows; template names are not supported

    · simulated control plane at http://127.0.0.1:PORT
    error: `POST /api/v1/workloads/trainings` returned 400 Bad Request: invalid submission; `templateId`: `my-template` is not a UUID
    error[refused]: `settings.workload_template_id`: `my-template` is not a UUID
     --> folder/step.yaml:4:34
      |
    4 | settings: {workload_template_id: my-template}
      |                                  ^^^^^^^^^^^
    ");
}

#[test]
fn settings_file_cannot_run() {
    insta::assert_snapshot!(run("gpu_devices_request: 0\n"), @"
    exit 2
    --- stderr
    error: no image or command for folder/step.yaml
    hint: set `image` and `command` in the step file, or use `--image IMAGE` and `-- COMMAND`
    ");
}

#[test]
fn passes_only_step_environment() {
    let scratch = Scratch::new();
    scratch.write(
        "step.yaml",
        step("echo $SEED$RUNAI_CLIENT_SECRET", "").replace("settings", "environment: {SEED: 007}\nsettings"),
    );
    let output =
        scratch.command(&["run", "step.yaml", "--local"]).env("RUNAI_CLIENT_SECRET", "canary").output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "007\n", "{}", shown(&output));
}

/// Starts a run whose command prints a line and then runs `command`. Returns its further stdout.
fn interruptible(scratch: &Scratch, command: &str) -> (Child, BufReader<ChildStdout>) {
    scratch.write("step.yaml", step(command, ""));
    let mut run = scratch.command(&["run", "step.yaml", "--local"]);
    let mut child = run.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    assert_eq!(line(&mut stdout), "ready\n");
    (child, stdout)
}

fn line(stdout: &mut impl BufRead) -> String {
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    line
}

fn interrupt(child: &Child) {
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
}

#[test]
fn interrupt_suspends_workload() {
    let scratch = Scratch::new();
    // The trap proves that the command is terminated before it is killed.
    let command = "trap 'echo asked; exit 0' TERM; echo ready; while :; do sleep 0.1; done";
    let (child, mut stdout) = interruptible(&scratch, command);
    interrupt(&child);
    assert_eq!(line(&mut stdout), "asked\n");
    insta::assert_snapshot!(settle(&shown(&child.wait_with_output().unwrap())), @"
    exit 130
    --- stderr
    · simulated control plane at http://127.0.0.1:PORT
    · submitted test-ID to project sim-project
    · interrupted: suspending test-ID press Ctrl-C again to exit immediately
    · Stopped
    · test-ID was suspended
    ");
}

#[test]
fn second_interrupt_exits() {
    let scratch = Scratch::new();
    let command = "trap 'echo asked' TERM; echo ready; while :; do sleep 0.1; done";
    let (child, mut stdout) = interruptible(&scratch, command);
    interrupt(&child);
    assert_eq!(line(&mut stdout), "asked\n");
    interrupt(&child);
    insta::assert_snapshot!(settle(&shown(&child.wait_with_output().unwrap())), @"
    exit 130
    --- stderr
    · simulated control plane at http://127.0.0.1:PORT
    · submitted test-ID to project sim-project
    · interrupted: suspending test-ID press Ctrl-C again to exit immediately
    · interrupted before the workload stopped; its command is killed
    ");
}

#[test]
fn examples_run() {
    let scratch = Scratch::new();
    for name in ["train", "preprocess", "half-gpu", "advanced"] {
        let file = examples().join(format!("{name}.runai.yaml"));
        let output = scratch.command(&["run", file.to_str().unwrap(), "--local"]).output().unwrap();
        assert!(output.status.success() && !output.stdout.is_empty(), "{name}: {}", shown(&output));
    }
}

#[test]
fn reports_mount_folders() {
    let scratch = Scratch::new();
    let step = r#"
name: mounted
image: python:3.12
command: [sh, -c, 'echo kept > "$0"/x', /mnt/data]
settings: {pvc_mounts: [{claim_name: data, path: /mnt/data, existing_pvc: true}]}
"#;
    scratch.write("step.runai.yaml", step);
    let temporary = scratch.path().join("temporary");
    std::fs::create_dir(&temporary).unwrap();
    let output = scratch.command(&["run", "step.runai.yaml", "--local"]).env("TMPDIR", &temporary).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    let root = std::fs::read_dir(&temporary).unwrap().next().unwrap().unwrap().path();
    assert!(stderr.contains(&format!("volumes are folders under {}", root.display())), "{stderr}");
    assert_eq!(std::fs::read_to_string(root.join("pvc/data/x")).unwrap(), "kept\n");
}

#[test]
fn local_secret_is_hidden() {
    let scratch = Scratch::new();
    // All that the command can read of its parent process and its environment.
    let command = "env; tr '\\0' '\\n' < /proc/$PPID/environ; tr '\\0' ' ' < /proc/$PPID/cmdline; echo; echo ready; \
                   while :; do sleep 0.1; done";
    scratch.write("step.yaml", step(command, ""));
    let mut run = scratch.command(&["run", "step.yaml", "--local", "--verbose"]);
    let mut child = run.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (mut stdout, mut stderr) =
        (BufReader::new(child.stdout.take().unwrap()), BufReader::new(child.stderr.take().unwrap()));
    let mut said = String::new();
    let url = loop {
        let line = line(&mut stderr);
        assert_ne!(line, "", "{said}");
        said.push_str(&line);
        if let Some((_, url)) = line.split_once("simulated control plane at ") {
            break url.trim().to_owned();
        }
    };
    loop {
        let line = line(&mut stdout);
        assert_ne!(line, "", "{said}");
        if line == "ready\n" {
            break;
        }
        said.push_str(&line);
    }
    // The constant secret of a scripted simulator is rejected.
    let mut list = scratch.command(&["list", "--base-url", &url, "--project", "sim-project"]);
    list.env("RUNAI_CLIENT_ID", "sim-client").env("RUNAI_CLIENT_SECRET", "sim-secret-not-real");
    let refused = list.output().unwrap();
    assert_eq!(refused.status.code(), Some(3), "{}", shown(&refused));
    interrupt(&child);
    std::io::Read::read_to_string(&mut stderr, &mut said).unwrap();
    std::io::Read::read_to_string(&mut stdout, &mut said).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{said}");
    // Random keys are 64 hexadecimal digits.
    let is_key = |word: &str| word.len() == 64 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let key = said.split(|c: char| !c.is_ascii_alphanumeric()).find(|word| is_key(word));
    assert_eq!(key, None, "{said}");
    assert!(said.contains("/api/v1/workloads"), "the log is there: {said}");
}
