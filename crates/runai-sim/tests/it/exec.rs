use std::{collections::BTreeMap, net::SocketAddr, path::Path, time::Duration};

use runai_sim::{Builder, Exec, Output, Simulator, Stream};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::mpsc::UnboundedReceiver,
};

use crate::CLUSTER;

/// A simulator that runs commands, reached over its socket.
struct Local {
    directory: TempDir,
    output: UnboundedReceiver<Output>,
    sim: Simulator,
    token: String,
}

impl Local {
    async fn new() -> Self {
        Self::of(Simulator::builder()).await
    }

    async fn of(builder: Builder) -> Self {
        let directory = TempDir::new().unwrap();
        let sim = builder.exec(Exec::in_directory(directory.path())).start().await.unwrap();
        let output = sim.take_output().unwrap();
        assert!(sim.take_output().is_none());
        let mut local = Self { directory, output, sim, token: String::new() };
        let login =
            json!({"grantType": "client_credentials", "clientID": "sim-client", "clientSecret": "sim-secret-not-real"});
        let (_, body) = local.call("POST /api/v1/token", login).await;
        body["accessToken"].as_str().unwrap().clone_into(&mut local.token);
        local
    }

    /// One request on a connection of its own.
    async fn call(&self, line: &str, body: Value) -> (u16, Value) {
        let address: SocketAddr = self.sim.base_url().strip_prefix("http://").unwrap().parse().unwrap();
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let request = format!(
            "{line} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            self.token,
            body.len()
        );
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert_eq!(head.to_ascii_lowercase().matches("\r\ndate: ").count(), 1, "{head}");
        (head[9..12].parse().unwrap(), serde_json::from_str(body).unwrap())
    }

    /// Submits a workload; gives its id.
    async fn submit(&self, name: &str, spec: Value) -> String {
        let body = json!({"name": name, "projectId": "1", "clusterId": CLUSTER, "spec": spec});
        let (status, answer) = self.call("POST /api/v1/workloads/trainings", body).await;
        assert_eq!(status, 202, "{answer}");
        answer["workloadId"].as_str().unwrap().to_owned()
    }

    async fn ask(&self, what: &str, id: &str) {
        let (status, _) = self.call(&format!("POST /api/v1/workloads/trainings/{id}/{what}"), Value::Null).await;
        assert_eq!(status, 202);
    }

    /// Waits until the workload is in `phase`; gives its message.
    async fn until(&self, id: &str, phase: &str) -> String {
        for _ in 0..1000 {
            let (_, workload) = self.call(&format!("GET /api/v1/workloads/{id}"), Value::Null).await;
            if workload["phase"] == phase {
                return workload["phaseMessage"].as_str().unwrap_or_default().to_owned();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("never {phase}");
    }

    /// Runs `script` with `sh`; gives the phase that it ends in, with the message.
    async fn run(&self, script: &str) -> (String, String) {
        let id = self.submit("run", sh(script)).await;
        for _ in 0..1000 {
            let (_, workload) = self.call(&format!("GET /api/v1/workloads/{id}"), Value::Null).await;
            let phase = workload["phase"].as_str().unwrap();
            if phase == "Completed" || phase == "Failed" {
                return (phase.to_owned(), workload["phaseMessage"].as_str().unwrap_or_default().to_owned());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("never ends");
    }

    async fn line(&mut self) -> Output {
        tokio::time::timeout(Duration::from_secs(10), self.output.recv()).await.unwrap().unwrap()
    }

    /// All lines that are there by now.
    fn lines(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.output.try_recv().ok()).map(|output| output.line).collect()
    }
}

fn sh(script: &str) -> Value {
    json!({"image": "alpine", "command": "sh -c", "args": format!("'{}'", script.replace('\'', r#"'"'"'"#))})
}

/// Whether a process lives; one that was not waited for yet does not.
fn lives(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
}

async fn gone(pid: &str) {
    for _ in 0..1000 {
        if !lives(pid) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{pid} lives");
}

#[tokio::test]
async fn a_command_really_runs_and_its_lines_arrive_before_its_end() {
    let mut local = Local::new().await;
    let end = local.run("echo out; echo err >&2; echo made > made.txt").await;
    assert_eq!(end, ("Completed".into(), String::new()));
    let mut lines = [local.line().await, local.line().await];
    lines.sort_by_key(|output| output.line.clone());
    let output = |stream, line: &str| Output { workload: "run".into(), stream, line: line.into() };
    assert_eq!(lines, [output(Stream::Stderr, "err"), output(Stream::Stdout, "out")]);
    assert_eq!(std::fs::read_to_string(local.directory.path().join("made.txt")).unwrap(), "made\n");
    local.sim.stop().await;
}

#[tokio::test]
async fn how_a_command_fails_is_told() {
    for (script, message) in [("exit 3", "exit code 3"), ("kill -9 $$", "signal SIGKILL")] {
        let local = Local::new().await;
        assert_eq!(local.run(script).await, ("Failed".into(), message.into()));
        local.sim.stop().await;
    }
    let local = Local::new().await;
    for (name, spec, message) in [
        ("missing", json!({"image": "i", "command": "no-such-program --flag"}), "no-such-program: not found"),
        ("nothing", json!({"image": "i"}), "no command: the entry point of an image cannot run here"),
        ("quote", json!({"image": "i", "command": "sh -c 'x"}), "command: a quote is not closed"),
        ("directory", json!({"image": "i", "command": "/"}), "/: permission denied"),
    ] {
        let id = local.submit(name, spec).await;
        assert_eq!(local.until(&id, "Failed").await, message);
    }
    local.sim.stop().await;
}

#[tokio::test]
async fn the_environment_is_the_hosts_without_the_simulators_plus_the_workloads() {
    let mut local = Local::new().await;
    let mut spec = sh("env");
    spec["environmentVariables"] = json!([
        {"name": "EPOCHS", "value": "10"},
        {"name": "EMPTY", "value": ""},
        {"name": "RUNAI_SIM_RESULT", "value": "Nonsense"},
        {"name": "DROPPED", "value": "x", "exclude": true},
        {"name": "SECRET", "secret": {"name": "s", "key": "k"}}
    ]);
    let id = local.submit("env", spec).await;
    local.until(&id, "Completed").await;
    let lines = local.lines();
    let variables: BTreeMap<&str, &str> = lines.iter().filter_map(|line| line.split_once('=')).collect();
    assert_eq!((variables["EPOCHS"], variables["EMPTY"]), ("10", ""));
    assert_eq!(variables["PATH"], std::env::var("PATH").unwrap());
    let runai: Vec<_> = variables.keys().filter(|name| name.starts_with("RUNAI_")).collect();
    assert_eq!(runai, [&"RUNAI_SIM_RESULT"]);
    assert!(!variables.contains_key("SECRET") && !variables.contains_key("DROPPED"));
    local.sim.stop().await;
}

#[tokio::test]
async fn the_working_directory_is_the_workloads_where_there_is_one() {
    let mut local = Local::new().await;
    let elsewhere = TempDir::new().unwrap();
    let real = |path: &Path| path.canonicalize().unwrap().display().to_string();
    let (here, there) = (real(local.directory.path()), real(elsewhere.path()));
    for (name, wanted, expected) in [("here", "/no/such/directory", here), ("there", there.as_str(), there.clone())] {
        let mut spec = sh("pwd -P");
        spec["workingDir"] = json!(wanted);
        let id = local.submit(name, spec).await;
        local.until(&id, "Completed").await;
        assert_eq!(local.lines(), [expected]);
    }
    local.sim.stop().await;
}

#[tokio::test]
async fn volumes_do_not_keep_a_command_from_running() {
    let local = Local::new().await;
    let mut spec = sh("true");
    spec["storage"] = json!({
        "pvc": [{"claimName": "data", "existingPvc": true, "path": "/mnt/data"}],
        "nfs": [{"server": "nfs", "path": "/e", "mountPath": "/mnt/nfs"}]
    });
    spec["nodePools"] = json!(["a100"]);
    let id = local.submit("volumes", spec).await;
    local.until(&id, "Completed").await;
    local.sim.stop().await;
}

#[tokio::test]
async fn a_failed_command_is_tried_again_as_often_as_it_asked_for() {
    let mut local = Local::new().await;
    let mut spec = sh("echo try >> tries; echo again; test $(wc -l < tries) -ge 3");
    spec["backoffLimit"] = json!(2);
    let id = local.submit("third", spec).await;
    local.until(&id, "Completed").await;
    assert_eq!(local.lines(), ["again", "again", "again"]);
    let mut spec = sh("echo never; exit 7");
    spec["backoffLimit"] = json!(1);
    let id = local.submit("never", spec).await;
    assert_eq!(local.until(&id, "Failed").await, "exit code 7");
    assert_eq!(local.lines(), ["never", "never"]);
    local.sim.stop().await;
}

#[tokio::test]
async fn suspending_ends_the_whole_group_politely() {
    let mut local = Local::new().await;
    let script = "trap 'echo bye; exit 0' TERM; sleep 1000 & echo $!; while :; do sleep 0.05; done";
    let id = local.submit("polite", sh(script)).await;
    let child = local.line().await.line;
    assert!(lives(&child));
    local.ask("suspend", &id).await;
    local.until(&id, "Stopped").await;
    assert!(local.lines().contains(&"bye".to_owned()));
    gone(&child).await;

    local.ask("resume", &id).await;
    let child = local.line().await.line;
    assert_eq!(local.until(&id, "Running").await, "");
    local.call(&format!("DELETE /api/v1/workloads/trainings/{id}"), Value::Null).await;
    gone(&child).await;
    local.sim.stop().await;
}

#[tokio::test]
async fn what_does_not_listen_is_killed_after_its_grace() {
    let mut local = Local::new().await;
    let mut spec = sh("trap '' TERM; echo $$; while :; do sleep 0.05; done");
    spec["terminationGracePeriodSeconds"] = json!(1);
    let id = local.submit("stubborn", spec.clone()).await;
    let pid = local.line().await.line;
    let asked = std::time::Instant::now();
    local.ask("suspend", &id).await;
    local.until(&id, "Stopped").await;
    assert!(asked.elapsed() >= Duration::from_secs(1));
    assert!(!lives(&pid));

    spec["terminationGracePeriodSeconds"] = json!(0);
    let id = local.submit("at-once", spec).await;
    local.line().await;
    local.ask("suspend", &id).await;
    local.until(&id, "Stopped").await;
    local.sim.stop().await;
}

#[tokio::test]
async fn children_that_a_command_leaves_behind_end_with_it() {
    let mut local = Local::new().await;
    assert_eq!(local.run("sleep 1000 & echo $!").await.0, "Completed");
    let child = local.line().await.line;
    gone(&child).await;
    local.sim.stop().await;
}

#[tokio::test]
async fn stopping_the_simulator_ends_its_processes() {
    let mut local = Local::new().await;
    let mut spec = sh("trap 'echo bye; exit 1' TERM; echo $$; while :; do sleep 0.05; done");
    // A retry must not bring it back.
    spec["backoffLimit"] = json!(5);
    local.submit("endless", spec).await;
    let pid = local.line().await.line;
    local.sim.stop().await;
    assert!(!lives(&pid));
    let mut last = Vec::new();
    while let Some(output) = local.output.recv().await {
        last.push(output.line);
    }
    assert!(last.contains(&"bye".to_owned()), "{last:?}");
}

#[tokio::test]
async fn dropping_the_simulator_ends_its_processes() {
    let mut local = Local::new().await;
    local.submit("endless", sh("echo $$; while :; do sleep 0.05; done")).await;
    let pid = local.line().await.line;
    drop(local.sim);
    gone(&pid).await;
}

#[test]
fn ending_the_runtime_ends_all_processes() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let pid = runtime.block_on(async {
        let mut local = Local::new().await;
        local.submit("endless", sh("trap '' TERM; echo $$; while :; do sleep 0.05; done")).await;
        local.line().await.line
    });
    assert!(lives(&pid));
    drop(runtime);
    for _ in 0..100 {
        if !lives(&pid) {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("{pid} lives");
}

#[tokio::test]
async fn without_exec_nothing_runs() {
    let sim = Simulator::builder().start().await.unwrap();
    assert!(sim.take_output().is_none());
    sim.stop().await;
}
