use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::{Scratch, shown};

/// A running simulator, stopped on drop.
struct Served {
    child: Child,
    line: serde_json::Value,
}

impl Served {
    fn new(scratch: &Scratch, flags: &[&str]) -> Self {
        let mut args = vec!["simulate"];
        args.extend(flags);
        Self::start(&mut scratch.command(&args))
    }

    fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        Self { child, line: serde_json::from_str(&line).unwrap() }
    }

    fn address(&self) -> &str {
        self.line["base_url"].as_str().unwrap().strip_prefix("http://").unwrap()
    }

    /// Returns the whole response to a request.
    fn call(&self, line: &str, headers: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(self.address()).unwrap();
        let length = body.len();
        let request = format!(
            "{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Sends SIGTERM; returns its exit code and stderr.
    fn end(mut self) -> (Option<i32>, String) {
        assert!(Command::new("kill").arg(self.child.id().to_string()).status().unwrap().success());
        let status = self.child.wait().unwrap();
        let mut stderr = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        (status.code(), stderr)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It has already ended if the test passes.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn prints_connection_line() {
    let scratch = Scratch::new();
    let served = Served::new(&scratch, &[]);
    let line = served.line.as_object().unwrap();
    assert_eq!(line.keys().collect::<Vec<_>>(), ["base_url", "client_id", "client_secret", "project", "cluster"]);
    assert_eq!(line["project"], "sim-project");
    assert!(served.address().starts_with("127.0.0.1:"));
    let text = |name: &str| line[name].as_str().unwrap();
    let form = format!(
        "grant_type=client_credentials&client_id={}&client_secret={}",
        text("client_id"),
        text("client_secret")
    );
    let kind = "Content-Type: application/x-www-form-urlencoded\r\n";
    assert!(served.call("POST /api/v2/token", kind, &form).starts_with("HTTP/1.1 200"));
    assert!(served.call("GET /", "", "").contains("<!doctype html>"));
    assert!(served.call("GET /api/v1/clusters", "", "").starts_with("HTTP/1.1 401"));
    let (code, stderr) = served.end();
    assert_eq!(code, Some(0));
    assert!(stderr.contains("page: http://127.0.0.1:"), "{stderr}");
}

#[test]
fn reports_port_in_use() {
    let scratch = Scratch::new();
    let first = Served::new(&scratch, &[]);
    let port = first.address().rsplit_once(':').unwrap().1.to_owned();
    let output = shown(&scratch.command(&["simulate", "--port", &port]).output().unwrap()).replace(&port, "PORT");
    insta::assert_snapshot!(output, @"
    exit 2
    --- stderr
    error: port PORT of 127.0.0.1 is in use: choose another port, or 0 for a free one
    hint: choose another port with `--port`, or omit `--port`
    ");
    first.end();
}

#[test]
fn reads_scenario_file() {
    let scratch = Scratch::new();
    scratch.write("busy.toml", "[[projects]]\nname = 'vision'\n");
    scratch.write("busy.json", r#"{"projects": [{"name": "speech"}]}"#);
    for (file, project) in [("busy.toml", "vision"), ("busy.json", "speech")] {
        let served = Served::new(&scratch, &["--scenario", file, "--strict", "--speed", "60"]);
        assert_eq!(served.line["project"], project);
        assert_eq!(served.end().0, Some(0));
    }
    scratch.write("wrong.json", r#"{"project": []}"#);
    insta::assert_snapshot!(scratch.run(&["simulate", "--scenario", "wrong.json"]), @"
    exit 2
    --- stderr
    error: wrong.json: invalid scenario: project: unknown field `project`, expected one of `accounts`, `behaviours`, `faults`, `hostile`, `nodes`, `policy`, `projects`, `strict`, `templates`, `tokenLifetime`, `workloads` at line 1 column 10
    ");
    insta::assert_snapshot!(scratch.run(&["simulate", "--scenario", "none.json"]), @"
    exit 2
    --- stderr
    error: cannot read none.json: No such file or directory (os error 2)
    ");
    insta::assert_snapshot!(scratch.run(&["simulate", "--speed", "0"]), @"
    exit 2
    --- stderr
    error: invalid speed 0: it must be greater than 0 and at most 1000000
    ");
}

impl Served {
    /// Submits a command, which runs in the folder of the test.
    fn submit(&self, script: &str) {
        let text = |name: &str| self.line[name].as_str().unwrap();
        let (id, secret) = (text("client_id"), text("client_secret"));
        let form = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
        let answer = self.call("POST /api/v2/token", "Content-Type: application/x-www-form-urlencoded\r\n", &form);
        let token: serde_json::Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
        let token = token["access_token"].as_str().unwrap();
        let headers = format!("Content-Type: application/json\r\nAuthorization: Bearer {token}\r\n");
        let body = serde_json::json!({
            "name": "fit",
            "projectId": "1",
            "clusterId": "5100cafe-0000-4000-8000-000000000001",
            "spec": {"image": "i", "command": "sh -c", "args": shlex::try_quote(script).unwrap()}
        });
        let answer = self.call("POST /api/v1/workloads/trainings", &headers, &body.to_string());
        assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    }
}

/// Waits for a file that a command writes, and returns its text.
fn written(scratch: &Scratch, name: &str) -> String {
    let path = scratch.path().join(name);
    for _ in 0..1000 {
        if let Ok(text) = std::fs::read_to_string(&path) {
            return text;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("{name} was not written");
}

#[test]
fn command_output_goes_to_stderr() {
    let scratch = Scratch::new();
    let served = Served::new(&scratch, &["--exec"]);
    served.submit("echo made; echo made > made.txt; exec sleep 600");
    written(&scratch, "made.txt");
    let (code, stderr) = served.end();
    assert_eq!(code, Some(0));
    assert!(stderr.contains("fit | made"), "{stderr}");
}

#[test]
fn secret_is_only_on_stdout() {
    let scratch = Scratch::new();
    let served = Served::new(&scratch, &["--exec"]);
    let secret = served.line["client_secret"].as_str().unwrap().to_owned();
    assert_ne!(secret, "sim-secret-not-real");
    assert!(served.call("GET /sim/state", "", "").starts_with("HTTP/1.1 401"));
    let base_url = served.line["base_url"].as_str().unwrap().to_owned();
    let (_, stderr) = served.end();
    assert!(!stderr.contains(&secret), "{stderr}");
    let (_, key) = stderr.split_once(&format!("page: {base_url}/#")).unwrap();
    assert!(key.split(' ').next().unwrap().len() == 64 && !key.starts_with(&secret), "{stderr}");
}

#[test]
fn rejects_guessable_account() {
    let scratch = Scratch::new();
    let account = "[[accounts]]\nclientId = 'ci'\nclientSecret = 'not-a-secret'\nrole = 'leastPrivilege'\n";
    scratch.write("weak.toml", account);
    insta::assert_snapshot!(scratch.run(&["simulate", "--exec", "--scenario", "weak.toml"]), @"
    exit 2
    --- stderr
    error: client secret of account `ci` has fewer than 24 characters, and it grants the right to run commands as you; use a longer, random secret
    ");
}

/// A command with a grandchild that ignores all signals it can, and writes its process id.
const STUBBORN: &str = r#"trap "" HUP INT QUIT TERM
sh -c 'echo $$ > pid.new; mv pid.new pid; while :; do sleep 1; done' &
wait"#;

/// Sends a signal to the program and asserts that all its processes end.
fn kill(scratch: &Scratch, signal: &str, child: &mut Child) {
    let pid = written(scratch, "pid");
    let stat = PathBuf::from(format!("/proc/{}/stat", pid.trim()));
    assert!(stat.exists());
    assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
    child.wait().unwrap();
    // Dead, or a zombie.
    let lives = || std::fs::read_to_string(&stat).is_ok_and(|it| !it.contains(") Z "));
    for _ in 0..1000 {
        if !lives() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("the grandchild outlives {signal}");
}

#[test]
fn commands_end_with_program() {
    let test = |signal: &str| {
        let scratch = Scratch::new();
        let mut served = Served::new(&scratch, &["--exec"]);
        served.submit(STUBBORN);
        kill(&scratch, signal, &mut served.child);
    };
    // In parallel: graceful stops wait for the grace period of the command.
    std::thread::scope(|scope| {
        for signal in ["-KILL", "-HUP", "-QUIT", "-TERM", "-INT"] {
            scope.spawn(move || test(signal));
        }
    });
}

#[test]
fn ignored_hangup_stops_nothing() {
    let scratch = Scratch::new();
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' HUP; exec \"$0\" simulate"]).arg(scratch.command(&[]).get_program());
    let served = Served::start(&mut shell);
    assert!(Command::new("kill").args(["-HUP", &served.child.id().to_string()]).status().unwrap().success());
    // A stopping simulator would reject one of them.
    for _ in 0..50 {
        assert!(served.call("GET /sim/state", "", "").starts_with("HTTP/1.1 200"));
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(served.end().0, Some(0));
}

#[test]
fn commands_end_with_local_run() {
    for signal in ["-KILL", "-HUP", "-QUIT"] {
        let scratch = Scratch::new();
        let step = serde_json::json!({"image": "i", "command": ["sh", "-c", STUBBORN]});
        scratch.write("step.runai.json", step.to_string());
        let mut run = scratch.command(&["run", "step.runai.json", "--local"]);
        let mut child = run.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        kill(&scratch, signal, &mut child);
    }
}

#[test]
fn local_command_hides_credentials() {
    let scratch = Scratch::new();
    scratch.write("step.runai.yaml", "image: i\ncommand: [sh, -c, 'echo \"[$CLOUD_KEY]\"']\n");
    for (flags, expected) in [(&["--local"][..], "[]\n"), (&["--local", "--inherit-env"], "[canary]\n")] {
        let args = [&["run", "step.runai.yaml"], flags].concat();
        let output = scratch.command(&args).env("CLOUD_KEY", "canary").output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), expected, "{}", shown(&output));
    }
    let output = scratch.command(&["run", "step.runai.yaml", "--inherit-env"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}
