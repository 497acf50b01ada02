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

/// A simulator that runs commands, with requests over a socket.
pub(crate) struct Local {
    pub(crate) directory: TempDir,
    output: UnboundedReceiver<Output>,
    pub(crate) sim: Simulator,
    pub(crate) token: String,
}

impl Local {
    pub(crate) async fn new() -> Self {
        Self::of(Simulator::builder()).await
    }

    pub(crate) async fn of(builder: Builder) -> Self {
        Self::with(builder, |exec| exec).await
    }

    pub(crate) async fn with(builder: Builder, change: impl FnOnce(Exec) -> Exec) -> Self {
        let directory = TempDir::new().unwrap();
        let exec = Exec::in_directory(directory.path()).mounts(directory.path().join("mounts"));
        let sim = builder.exec(change(exec)).start().await.unwrap();
        let output = sim.take_output().unwrap();
        assert!(sim.take_output().is_none());
        let mut local = Self { directory, output, sim, token: String::new() };
        let login = json!({
            "grantType": "client_credentials",
            "clientID": local.sim.client_id(),
            "clientSecret": local.sim.client_secret()
        });
        let (_, body) = local.call("POST /api/v1/token", login).await;
        body["accessToken"].as_str().unwrap().clone_into(&mut local.token);
        local
    }

    /// Sends a request on a new connection.
    pub(crate) async fn call(&self, line: &str, body: Value) -> (u16, Value) {
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
        (head[9..12].parse().unwrap(), serde_json::from_str(body).unwrap_or_default())
    }

    /// Submits a workload and returns its id.
    pub(crate) async fn submit(&self, name: &str, spec: Value) -> String {
        let body = json!({"name": name, "projectId": "1", "clusterId": CLUSTER, "spec": spec});
        let (status, answer) = self.call("POST /api/v1/workloads/trainings", body).await;
        assert_eq!(status, 202, "{answer}");
        answer["workloadId"].as_str().unwrap().to_owned()
    }

    async fn ask(&self, what: &str, id: &str) {
        let (status, _) = self.call(&format!("POST /api/v1/workloads/trainings/{id}/{what}"), Value::Null).await;
        assert_eq!(status, 202);
    }

    /// Waits until the workload is in `phase` and returns its message.
    pub(crate) async fn until(&self, id: &str, phase: &str) -> String {
        for _ in 0..1000 {
            let (_, workload) = self.call(&format!("GET /api/v1/workloads/{id}"), Value::Null).await;
            if workload["phase"] == phase {
                return workload["phaseMessage"].as_str().unwrap_or_default().to_owned();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("never {phase}");
    }

    /// Runs `script` with `sh` and returns the final phase with its message.
    pub(crate) async fn run(&self, script: &str) -> (String, String) {
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

    /// Returns all lines so far.
    pub(crate) fn lines(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.output.try_recv().ok()).map(|output| output.line).collect()
    }
}

pub(crate) fn sh(script: &str) -> Value {
    json!({"image": "alpine", "command": "sh -c", "args": format!("'{}'", script.replace('\'', r#"'"'"'"#))})
}

/// Whether a process is alive; a zombie is not.
pub(crate) fn lives(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
}

pub(crate) async fn gone(pid: &str) {
    for _ in 0..1000 {
        if !lives(pid) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{pid} is alive");
}

#[tokio::test]
async fn delivers_output_before_end() {
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
async fn reports_command_failures() {
    for (script, message) in [("exit 3", "exit code 3"), ("kill -9 $$", "signal SIGKILL")] {
        let local = Local::new().await;
        assert_eq!(local.run(script).await, ("Failed".into(), message.into()));
        local.sim.stop().await;
    }
    let local = Local::new().await;
    for (name, spec, message) in [
        ("missing", json!({"image": "i", "command": "no-such-program --flag"}), "no-such-program: not found"),
        ("nothing", json!({"image": "i"}), "no command: image entry points cannot run as local processes"),
        ("quote", json!({"image": "i", "command": "sh -c 'x"}), "command: unclosed quote"),
        ("directory", json!({"image": "i", "command": "/"}), "/: permission denied"),
    ] {
        let id = local.submit(name, spec).await;
        assert_eq!(local.until(&id, "Failed").await, message);
    }
    local.sim.stop().await;
}

#[tokio::test]
async fn merges_environments() {
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
async fn uses_existing_working_directory() {
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
async fn runs_command_with_volumes() {
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
async fn maps_volumes_to_folders() {
    let mut local = Local::new().await;
    let volumes = |name: &str| {
        json!({
            "pvc": [
                {"claimName": name, "existingPvc": true, "path": "/mnt/data"},
                {"path": "/mnt/scratch", "ephemeral": true, "claimInfo": {"size": "1G"}}
            ],
            "configMapVolume": [{"configMap": "training", "mountPath": "/etc/training"}]
        })
    };
    assert_eq!(local.sim.mounts(), None);
    let root = local.directory.path().join("mounts");
    let mut writer = sh(r#"echo 42 > "$1"/x; echo gone > "$SCRATCH"/y; ls "$0""#);
    writer["args"] = json!(format!("{} /etc/training /mnt/data", writer["args"].as_str().unwrap()));
    writer["environmentVariables"] = json!([{"name": "SCRATCH", "value": "/mnt/scratch"}]);
    writer["storage"] = volumes("data");
    let id = local.submit("writer", writer).await;
    local.until(&id, "Completed").await;
    assert_eq!(local.lines(), Vec::<String>::new());
    assert_eq!(local.sim.mounts().unwrap(), root);
    assert_eq!(std::fs::read_to_string(root.join("pvc/data/x")).unwrap(), "42\n");
    assert!(!root.join("of-workloads").join(&id).exists());
    let (_, events) = local.call(&format!("GET /api/v1/workloads/{id}/events?sortOrder=asc"), Value::Null).await;
    let mounted = format!("PVC at /mnt/data is folder {}", root.join("pvc/data").display());
    assert!(events["events"].as_array().unwrap().iter().any(|it| it["message"] == mounted.as_str()), "{events}");
    let (_, shown) = local.call("GET /sim/state", Value::Null).await;
    assert_eq!(shown["mounts"], root.display().to_string());

    let mut reader = sh(r#"cat "$0"; echo "$RUNAI_SIM_MOUNTS" | tr : "\n" | wc -l | tr -d " ""#);
    reader["args"] = json!(format!("{} /mnt/data/x", reader["args"].as_str().unwrap()));
    reader["storage"] = volumes("data");
    let id = local.submit("reader", reader).await;
    local.until(&id, "Completed").await;
    assert_eq!(local.lines(), ["42", "3"]);
    local.sim.stop().await;
}

#[tokio::test]
async fn ignores_missing_template_and_image() {
    let local = Local::new().await;
    let mut spec = sh("true");
    spec["nodePools"] = json!(["a100"]);
    spec["nodeType"] = json!("dgx");
    spec["priorityClass"] = json!("train");
    let body = json!({
        "name": "fit", "projectId": "1", "clusterId": CLUSTER, "spec": spec,
        "templateId": "5100cafe-0000-4000-8000-0000000000ff"
    });
    let (status, answer) = local.call("POST /api/v1/workloads/trainings", body).await;
    assert_eq!(status, 202, "{answer}");
    let id = answer["workloadId"].as_str().unwrap();
    local.until(id, "Completed").await;
    let (_, events) = local.call(&format!("GET /api/v1/workloads/{id}/events?limit=500"), Value::Null).await;
    let warnings = events["events"].as_array().unwrap().iter().filter(|event| event["type"] == "Warning").count();
    assert_eq!(warnings, 4, "{events}");
    local.sim.stop().await;
}

#[tokio::test]
async fn keeps_last_lines() {
    let local = Local::new().await;
    let id = local.submit("loud", sh("seq 1 1500; echo end >&2")).await;
    local.until(&id, "Completed").await;
    let (status, kept) = local.call(&format!("GET /sim/workloads/{id}/output"), Value::Null).await;
    let lines = kept["lines"].as_array().unwrap();
    assert_eq!((status, lines.len()), (200, 1000));
    assert!(lines.contains(&json!("1500")) && !lines.contains(&json!("3")));
    local.sim.stop().await;
}

#[tokio::test]
async fn pods_run_side_by_side() {
    let mut local = Local::new().await;
    // Each pod waits for the other, so they end only if both run.
    let script = "touch $HOSTNAME; until [ -e wide-0 ] && [ -e wide-1 ]; do sleep 0.02; done; echo done >> ends";
    let mut spec = sh(script);
    spec["parallelism"] = json!(2);
    spec["completions"] = json!(3);
    let id = local.submit("wide", spec).await;
    local.until(&id, "Completed").await;
    assert_eq!(std::fs::read_to_string(local.directory.path().join("ends")).unwrap(), "done\n".repeat(3));

    let mut spec = sh("if [ $HOSTNAME = split-0 ]; then exit 3; fi; echo $$; while :; do sleep 0.05; done");
    spec["parallelism"] = json!(2);
    let id = local.submit("split", spec).await;
    assert_eq!(local.until(&id, "Failed").await, "exit code 3");
    for pid in local.lines() {
        gone(&pid).await;
    }
    local.sim.stop().await;
}

#[tokio::test]
async fn preempted_command_restarts() {
    let mut local = Local::new().await;
    let id = local.submit("pushed", sh("echo $$; while :; do sleep 0.05; done")).await;
    let first = local.line().await.line;
    local.call(&format!("POST /sim/workloads/{id}"), json!({"do": "preempt"})).await;
    let second = local.line().await.line;
    assert_ne!(first, second);
    gone(&first).await;
    assert!(lives(&second));
    local.sim.stop().await;
}

#[tokio::test]
async fn retries_up_to_backoff_limit() {
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
async fn suspend_terminates_process_group() {
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
async fn kills_after_grace_period() {
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
async fn kills_remaining_children() {
    let mut local = Local::new().await;
    assert_eq!(local.run("sleep 1000 & echo $!").await.0, "Completed");
    let child = local.line().await.line;
    gone(&child).await;
    local.sim.stop().await;
}

#[tokio::test]
async fn stop_ends_processes() {
    let mut local = Local::new().await;
    let mut spec = sh("trap 'echo bye; exit 1' TERM; echo $$; while :; do sleep 0.05; done");
    // A retry must not restart it.
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
async fn drop_ends_processes() {
    let mut local = Local::new().await;
    local.submit("endless", sh("echo $$; while :; do sleep 0.05; done")).await;
    let pid = local.line().await.line;
    drop(local.sim);
    gone(&pid).await;
}

#[test]
fn runtime_end_kills_processes() {
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
    panic!("{pid} is alive");
}

#[tokio::test]
async fn rejects_foreign_host() {
    let local = Local::new().await;
    let address = local.sim.base_url().strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 421"), "{answer}");
    local.sim.stop().await;
}

#[tokio::test]
async fn runs_nothing_without_exec() {
    let sim = Simulator::builder().start().await.unwrap();
    assert!(sim.take_output().is_none());
    sim.stop().await;
}
