use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use crate::{Scratch, shown};

/// A simulator that serves, ended when this is dropped.
struct Served {
    child: Child,
    line: serde_json::Value,
}

impl Served {
    fn new(scratch: &Scratch, flags: &[&str]) -> Self {
        let mut args = vec!["simulate"];
        args.extend(flags);
        let mut child = scratch.command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        Self { child, line: serde_json::from_str(&line).unwrap() }
    }

    fn address(&self) -> &str {
        self.line["base_url"].as_str().unwrap().strip_prefix("http://").unwrap()
    }

    /// The whole answer to one request.
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

    /// Sends the signal with which other programs end it; its exit code and standard error.
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
        // It has ended already in a test that passes.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn one_line_says_how_to_reach_it() {
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
    assert!(stderr.contains("look at it at http://127.0.0.1:"), "{stderr}");
}

#[test]
fn a_port_in_use_is_named_with_a_way_out() {
    let scratch = Scratch::new();
    let first = Served::new(&scratch, &[]);
    let port = first.address().rsplit_once(':').unwrap().1.to_owned();
    let output = shown(&scratch.command(&["simulate", "--port", &port]).output().unwrap()).replace(&port, "PORT");
    insta::assert_snapshot!(output, @r"
    exit 2
    --- stderr
    error: port PORT of 127.0.0.1 is in use: choose another one, or 0 for any that is free
    hint: choose another one with `--port`, or leave it out
    ");
    first.end();
}

#[test]
fn a_scenario_is_read_from_a_file() {
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
    error: wrong.json: the scenario is refused: project: unknown field `project`, expected one of `accounts`, `behaviours`, `faults`, `nodes`, `policy`, `projects`, `strict`, `templates`, `tokenLifetime` at line 1 column 10
    ");
    insta::assert_snapshot!(scratch.run(&["simulate", "--scenario", "none.json"]), @"
    exit 2
    --- stderr
    error: cannot read none.json: No such file or directory (os error 2)
    ");
    insta::assert_snapshot!(scratch.run(&["simulate", "--speed", "0"]), @"
    exit 2
    --- stderr
    error: the speed is 0, must be more than 0 and at most 1000000
    ");
}

#[test]
fn what_commands_print_goes_to_standard_error() {
    let scratch = Scratch::new();
    let served = Served::new(&scratch, &["--exec"]);
    let form = "grant_type=client_credentials&client_id=sim-client&client_secret=sim-secret-not-real";
    let kind = "Content-Type: application/x-www-form-urlencoded\r\n";
    let answer = served.call("POST /api/v2/token", kind, form);
    let token: serde_json::Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
    let headers = format!(
        "Content-Type: application/json\r\nAuthorization: Bearer {}\r\n",
        token["access_token"].as_str().unwrap()
    );
    let body = r#"{"name": "fit", "projectId": "1", "clusterId": "5100cafe-0000-4000-8000-000000000001",
        "spec": {"image": "i", "command": "sh -c", "args": "'echo made; echo made > made.txt; exec sleep 600'"}}"#;
    assert!(served.call("POST /api/v1/workloads/trainings", &headers, body).starts_with("HTTP/1.1 202"));
    while !scratch.path().join("made.txt").exists() {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let (code, stderr) = served.end();
    assert_eq!(code, Some(0));
    assert!(stderr.contains("fit | made"), "{stderr}");
}
