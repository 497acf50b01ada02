//! What pre-commit and GitHub Actions run, run here.

use std::path::{Path, PathBuf};
use std::process::Command;

use runai_syntax::{Format, convert};
use serde_json::Value as Json;

use crate::{Scratch, shown};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn yaml(name: &str) -> Json {
    let text = std::fs::read_to_string(root().join(name)).unwrap();
    serde_json::from_str(&convert(&text, Format::Yaml, Format::Json).unwrap()).unwrap()
}

const VALID: &str = "image: a\ncommand: [b]\nsettings: {gpu_portion_request: 0.5}\n";
/// A mistake that has a safe fix.
const FIXABLE: &str = "image: a\ncommand: [b]\nsettings: {gpu_portion: 0.5}\n";

#[test]
fn hooks_check_and_fix() {
    let hooks = yaml(".pre-commit-hooks.yaml");
    let ids: Vec<_> = hooks.as_array().unwrap().iter().map(|hook| hook["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["runai-step-check", "runai-step-fix"]);
    for hook in hooks.as_array().unwrap() {
        let files = regex::Regex::new(hook["files"].as_str().unwrap()).unwrap();
        let entry: Vec<_> = hook["entry"].as_str().unwrap().split(' ').collect();
        assert_eq!((entry[0], &hook["language"]), ("runai-step", &Json::from("system")));
        let scratch = Scratch::new();
        for (name, text, matches) in [
            ("jobs/a.runai.yaml", VALID, true),
            ("b.runai.json", "{}", true),
            ("runai-step.toml", "", true),
            ("compose.yaml", "a: [", false),
            ("my-runai-step.toml", "x", false),
        ] {
            scratch.write(name, text);
            assert_eq!(files.is_match(name), matches, "{name}");
        }
        let run = |file: &str| scratch.command(&[&entry[1..], &[file]].concat()).output().unwrap();
        assert_eq!(run("jobs/a.runai.yaml").status.code(), Some(0));
        scratch.write("c.runai.yaml", FIXABLE);
        let output = run("c.runai.yaml");
        assert_eq!(output.status.success(), entry.contains(&"--fix"), "{}", shown(&output));
    }
}

#[test]
fn action_reports_results() {
    let action = yaml("action.yml");
    let steps = action["runs"]["steps"].as_array().unwrap();
    let script = steps.iter().find(|step| step["id"] == "check").unwrap()["run"].as_str().unwrap();
    let inputs = action["inputs"].as_object().unwrap();
    let run = |scratch: &Scratch| {
        let program = Path::new(env!("CARGO_BIN_EXE_runai-step")).parent().unwrap();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let paths = std::iter::once(program.to_owned()).chain(std::env::split_paths(&path));
        // As GitHub runs `shell: bash`.
        Command::new("bash")
            .args(["--noprofile", "--norc", "-e", "-o", "pipefail", "-c", script])
            .current_dir(scratch.path())
            .env("PATH", std::env::join_paths(paths).unwrap())
            .env("HOME", scratch.path().join("home"))
            .env_remove("RUNAI_STEP_CONFIG")
            .env("FILES", inputs["files"]["default"].as_str().unwrap())
            .env("CONFIG", "")
            .env("SARIF", "out.sarif")
            .env("GITHUB_STEP_SUMMARY", scratch.path().join("summary.md"))
            .output()
            .unwrap()
    };
    let read = |scratch: &Scratch, name: &str| std::fs::read_to_string(scratch.path().join(name)).unwrap();

    let scratch = Scratch::new();
    scratch.write("jobs/a.runai.yaml", VALID);
    let output = run(&scratch);
    assert_eq!(output.status.code(), Some(0), "{}", shown(&output));
    let summary = read(&scratch, "summary.md");
    assert!(summary.ends_with("| `jobs/a.runai.yaml` | 1 × 0.5 | 1.0 | 4G |\n"), "{summary}");

    scratch.write("b.runai.yaml", FIXABLE);
    let output = run(&scratch);
    assert_eq!(output.status.code(), Some(1), "{}", shown(&output));
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(printed.contains("::error ") && printed.contains("file=b.runai.yaml"), "{printed}");
    let sarif: Json = serde_json::from_str(&read(&scratch, "out.sarif")).unwrap();
    assert_eq!(sarif["runs"][0]["results"][0]["ruleId"], "unknown-key");
    assert!(read(&scratch, "summary.md").contains("| `b.runai.yaml` | not valid |"));

    let output = run(&Scratch::new());
    assert!(output.status.success() && String::from_utf8_lossy(&output.stdout).starts_with("::notice::"));
}
