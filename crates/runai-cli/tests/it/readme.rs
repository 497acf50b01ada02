//! Every command of README.md is run, from top to bottom, as someone would type it.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Stdio;

use crate::cluster::Cluster;
use crate::{examples, shown};

/// What stands for the name of a workload in README.md.
const NAME: &str = "train-…";

/// The lines of the shell that begin with the program, without comments.
fn commands() -> Vec<String> {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md")).unwrap();
    let mut in_shell = false;
    let mut commands = Vec::new();
    for line in readme.lines() {
        match line {
            "```sh" => in_shell = true,
            "```" => in_shell = false,
            line if in_shell && line.starts_with("runai-step ") => {
                let line = line.split_once("  #").map_or(line, |(command, _)| command).trim();
                commands.extend(line.split(" && ").map(str::to_owned));
            }
            _ => {}
        }
    }
    commands
}

#[test]
fn every_command_of_the_readme_works() {
    let cluster = Cluster::start();
    let root = cluster.scratch.path().to_owned();
    let copy = |from: &Path, to: &str| {
        fs::create_dir_all(root.join(to)).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let path = entry.unwrap().path();
            fs::copy(&path, root.join(to).join(path.file_name().unwrap())).unwrap();
        }
    };
    copy(&examples(), "examples");
    copy(&examples().join("../crates/runai-sim/scenarios"), "crates/runai-sim/scenarios");
    let commands = commands();
    assert!(commands.len() > 15, "{commands:?}");
    for command in commands {
        let mut command = command;
        if command == "runai-step init" {
            // The files of the tour take the place of those that stand for the reader's own.
            fs::remove_file(root.join("train.runai.yaml")).unwrap();
        } else if !root.join("train.runai.yaml").exists() {
            fs::copy(root.join("examples/train.runai.yaml"), root.join("train.runai.yaml")).unwrap();
        }
        if command.contains(NAME) {
            let listed = cluster.json(&["list", "--format", "json"]);
            command = command.replace(NAME, listed["workloads"][0]["name"].as_str().unwrap());
        }
        // Nobody has that long.
        let command = command.replace("RUNAI_SIM_RUNNING=30", "RUNAI_SIM_RUNNING=0.5");
        let words = shlex::split(&command).unwrap();
        let words: Vec<&str> = words[1..].iter().map(String::as_str).collect();
        if words[0] == "simulate" {
            let mut child = cluster.command(&words).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
            let mut line = String::new();
            BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
            child.kill().unwrap();
            child.wait().unwrap();
            assert!(line.contains("base_url"), "{command}: {line}");
            continue;
        }
        let output = cluster.output(&words);
        assert!(output.status.success(), "{command}: {}", shown(&output));
    }
}
