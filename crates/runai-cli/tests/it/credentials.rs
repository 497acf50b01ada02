//! Bearer tokens instead of client secrets: `token_command` and `RUNAI_TOKEN`.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;

use crate::cluster::Cluster;
use crate::shown;

/// A bearer token of the simulated control plane.
fn token(cluster: &Cluster) -> String {
    let address = cluster.url().strip_prefix("http://").unwrap();
    let body = "grant_type=client_credentials&client_id=sim-client&client_secret=sim-secret-not-real";
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "POST /api/v2/token HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: \
         application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let body = &answer[answer.find('{').unwrap()..=answer.rfind('}').unwrap()];
    serde_json::from_str::<serde_json::Value>(body).unwrap()["access_token"].as_str().unwrap().to_owned()
}

/// Writes a script and returns the command line that runs it.
fn script(cluster: &Cluster, name: &str, text: &str) -> String {
    cluster.scratch.write(name, format!("#!/bin/sh\n{text}\n"));
    let path = cluster.scratch.path().join(name);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
    path.display().to_string()
}

/// `list` without any client credentials, in a folder below that of the operator file.
fn list(cluster: &Cluster, words: &[&str], variables: &[(&str, &str)]) -> std::process::Output {
    cluster.scratch.write("inner/empty", "");
    let mut command = cluster.command(&[&["list"], words].concat());
    command.current_dir(cluster.scratch.path().join("inner"));
    command.env_remove("RUNAI_CLIENT_ID").env_remove("RUNAI_CLIENT_SECRET").envs(variables.iter().copied());
    command.output().unwrap()
}

#[test]
fn token_from_variable_or_command() {
    let cluster = Cluster::start();
    let token = token(&cluster);
    let command = script(&cluster, "token.sh", &format!("echo {token}"));
    let file = format!("token_command = \"{command}\"\n");
    cluster.scratch.write("named.toml", &file).write("home/.config/runai-step/runai-step.toml", &file);
    for (words, variables) in [
        (&[][..], &[("RUNAI_TOKEN", token.as_str())][..]),
        (&["--token-command", &command], &[]),
        (&[], &[("RUNAI_TOKEN_COMMAND", &command)]),
        (&["--config", "../named.toml"], &[]),
        (&[], &[("RUNAI_STEP_CONFIG", "../named.toml")]),
        // The user's own configuration.
        (&[], &[]),
    ] {
        let output = list(&cluster, words, variables);
        assert_eq!(output.status.code(), Some(0), "{words:?} {variables:?}: {}", shown(&output));
    }
    let output = list(&cluster, &[], &[("RUNAI_TOKEN", "not-a-real-token")]);
    assert_eq!(output.status.code(), Some(3), "{}", shown(&output));
    assert!(!shown(&output).contains("not-a-real-token"), "{}", shown(&output));
}

#[test]
fn ignores_command_found_upward() {
    let cluster = Cluster::start();
    let ran = cluster.scratch.path().join("ran");
    let command = script(&cluster, "token.sh", &format!("touch {}; echo x", ran.display()));
    cluster.scratch.write("runai-step.toml", format!("token_command = \"{command}\"\n"));
    cluster.scratch.write("inner/step.runai.yaml", "image: a\ncommand: [b]\n");
    let text = shown(&list(&cluster, &[], &[])).replace(&cluster.scratch.path().display().to_string(), "FOLDER");
    insta::assert_snapshot!(text, @"
    exit 2
    --- stderr
    warning: `token_command` in `FOLDER/runai-step.toml` is ignored: the file was found upward from the working directory, and a cloned repository must not run commands
    hint: to trust the file, name it: `--config FOLDER/runai-step.toml`; or move the key to `FOLDER/home/.config/runai-step/runai-step.toml`
    error: `client_id`, `client_secret` are not set
    hint: set them in `FOLDER/runai-step.toml`, or `RUNAI_CLIENT_ID`, `RUNAI_CLIENT_SECRET`
    ");
    let inner =
        |words: &[&str]| cluster.command(words).current_dir(cluster.scratch.path().join("inner")).output().unwrap();
    for words in [
        &["check", "--config", "../runai-step.toml", "step.runai.yaml", "../runai-step.toml"][..],
        &["render", "step.runai.yaml", "--config", "../runai-step.toml"],
        &["permissions", "step.runai.yaml", "--config", "../runai-step.toml"],
        &["config", "--config", "../runai-step.toml"],
        &["completions", "bash"],
        &["list"],
    ] {
        assert!(inner(words).status.success(), "{words:?}");
    }
    assert!(!ran.exists(), "only a command that connects with a file that the user named may run it");
    inner(&["list", "--config", "../runai-step.toml", "--client-id", "x"]);
    assert!(!ran.exists(), "RUNAI_CLIENT_SECRET is stronger than a file");
    list(&cluster, &["--config", "../runai-step.toml"], &[]);
    assert!(ran.exists(), "the test itself works");
}

#[test]
fn failed_token_command_hides_secret() {
    let cluster = Cluster::start();
    for (name, text, why) in [
        ("fails.sh", "echo canary; echo canary >&2; exit 3", "exit status: 3"),
        ("two-lines.sh", "echo canary; echo canary", "2 lines"),
        ("nothing.sh", ":", "nothing"),
    ] {
        let command = script(&cluster, name, text);
        let output = list(&cluster, &["--token-command", &format!("{command} --secret canary")], &[]);
        let text = shown(&output);
        assert_eq!(output.status.code(), Some(3), "{text}");
        assert!(text.contains(why) && !text.contains("canary"), "{text}");
    }
    for command in ["", "'runai-token canary", "   "] {
        let output = list(&cluster, &["--token-command", command], &[]);
        assert_eq!(output.status.code(), Some(2), "{}", shown(&output));
        assert!(!shown(&output).contains("canary"), "{}", shown(&output));
    }
    let output = list(&cluster, &["--token-command", "./there-is-no-such-program"], &[]);
    assert_eq!(output.status.code(), Some(3), "{}", shown(&output));
}

#[test]
fn config_hides_token_and_command() {
    let cluster = Cluster::start();
    cluster.scratch.write("runai-step.toml", "token_command = \"runai-token --secret canary\"\n");
    let mut command = cluster.command(&["config"]);
    let text = shown(&command.env("RUNAI_TOKEN", "canary").output().unwrap());
    assert!(!text.contains("canary"), "{text}");
    assert!(text.contains("runai-step.toml:1 (ignored)"), "{text}");
    assert!(text.contains("RUNAI_TOKEN\n"), "{text}");
}
