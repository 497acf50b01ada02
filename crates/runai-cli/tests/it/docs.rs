//! Runs the commands and checks the files of each documentation page, in order.
//!
//! * A `yaml`, `toml` or `json` block whose first line is a comment with a file name is written to that file.
//! * Lines of `sh` blocks that begin with `runai-step` run, and must succeed.
//! * `console` blocks run the command of their first line, and must print the rest.
//! * Files that no `console` block checks must be valid.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::cluster::Cluster;
use crate::{examples, shown};

struct Block {
    language: String,
    text: String,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn blocks(page: &str) -> Vec<Block> {
    let text = fs::read_to_string(root().join(page)).unwrap().replace("\r\n", "\n");
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for line in text.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(language)) => open = Some(Block { language: language.to_owned(), text: String::new() }),
            (Some(_), Some("")) => blocks.extend(open.take()),
            (Some(block), _) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "{page} ends in a block");
    blocks
}

/// Returns the file name in the first line of a block.
fn file_name(block: &Block) -> Option<&str> {
    let name = block.text.lines().next()?.strip_prefix("# ")?;
    let is_name = name.ends_with(&format!(".{}", block.language)) && !name.contains(['/', ' ']);
    (is_name && matches!(&*block.language, "yaml" | "toml" | "json")).then_some(name)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file()).collect()
}

/// Follows a page, and returns how many commands ran.
fn follow(page: &str) -> usize {
    let cluster = Cluster::start();
    let folder = cluster.scratch.path().to_owned();
    for (from, to) in
        [(examples(), "examples"), (root().join("crates/runai-sim/scenarios"), "crates/runai-sim/scenarios")]
    {
        fs::create_dir_all(folder.join(to)).unwrap();
        for path in files(&from) {
            fs::copy(&path, folder.join(to).join(path.file_name().unwrap())).unwrap();
        }
    }
    // The reader's own step.
    fs::copy(examples().join("train.runai.yaml"), folder.join("train.runai.yaml")).unwrap();
    let blocks = blocks(page);
    let printed: String = blocks.iter().filter(|block| block.language == "console").map(|it| &*it.text).collect();
    let mut count = 0;
    for block in &blocks {
        if let Some(name) = file_name(block) {
            fs::write(folder.join(name), &block.text).unwrap();
            if !printed.contains(&format!("check {name}\n")) {
                let output = cluster.output(&["check", name]);
                assert!(output.status.success(), "{page}, {name}: {}", shown(&output));
            }
        }
        match &*block.language {
            "console" => {
                let (command, expected) = block.text.split_once('\n').unwrap();
                let command = command.strip_prefix("$ ").unwrap_or_else(|| panic!("{page}: `{command}`"));
                let words = words(&cluster, command);
                let output = cluster.output(&words.iter().map(String::as_str).collect::<Vec<_>>());
                let text = [output.stdout, output.stderr].concat();
                let text = cluster.settle(&String::from_utf8(text).unwrap());
                assert_eq!(text.trim(), cluster.settle(expected).trim(), "{page}: {command}");
                count += 1;
            }
            "sh" => {
                let joined = block.text.replace("\\\n", " ");
                let commands = joined.lines().filter(|line| line.starts_with("runai-step ") && !line.ends_with('&'));
                for command in commands {
                    run(&cluster, page, command);
                    count += 1;
                }
            }
            _ => {}
        }
    }
    count
}

/// Returns the arguments of a command. A name that ends in `…` selects the newest workload with this prefix.
fn words(cluster: &Cluster, command: &str) -> Vec<String> {
    let command = command.split_once("  #").map_or(command, |(command, _)| command);
    let word = |word: String| match word.strip_suffix('…') {
        Some(prefix) => {
            let listed = cluster.json(&["list", "--format", "json"]);
            let mut names =
                listed["workloads"].as_array().unwrap().iter().filter_map(|workload| workload["name"].as_str());
            names.find(|name| name.starts_with(prefix)).unwrap_or_else(|| panic!("no `{word}`")).to_owned()
        }
        // Shorter for the test.
        None => word.replace("RUNAI_SIM_RUNNING=30", "RUNAI_SIM_RUNNING=0.5"),
    };
    shlex::split(command).unwrap().into_iter().skip(1).map(word).collect()
}

fn run(cluster: &Cluster, page: &str, command: &str) {
    let words = words(cluster, command);
    let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
    if words[0] == "simulate" {
        // Another test may use the port.
        if let Some(at) = words.iter().position(|word| *word == "--port") {
            words.drain(at..at + 2);
        }
        let mut child = cluster.command(&words).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(line.contains("base_url"), "{page}: {command}: {line}");
        return;
    }
    let output = cluster.output(&words);
    assert!(output.status.success(), "{page}: {command}: {}", shown(&output));
}

#[test]
fn readme_works() {
    assert!(follow("README.md") >= 8);
}

#[test]
fn tutorial_works() {
    assert!(follow("docs/tutorial.md") >= 13);
}

#[test]
fn how_to_pages_work() {
    for (page, commands) in [
        ("docs/ci.md", 3),
        ("docs/migration.md", 1),
        ("docs/from-runai-cli.md", 0),
        ("docs/files.md", 0),
        ("docs/editors.md", 0),
    ] {
        assert!(follow(page) >= commands, "{page}");
    }
}

#[test]
fn index_lists_every_page() {
    let index = fs::read_to_string(root().join("docs/README.md")).unwrap();
    let pages: BTreeSet<_> = files(&root().join("docs"))
        .into_iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .filter_map(|path| path.file_name()?.to_str().map(str::to_owned))
        .filter(|name| name != "README.md")
        .collect();
    let missing: Vec<_> = pages.iter().filter(|page| !index.contains(&format!("({page})"))).collect();
    assert!(missing.is_empty(), "not in docs/README.md: {missing:?}");
}
