//! Neovim's own client against the language server. Skipped where Neovim is not installed: `cargo xtask setup` installs it.

use std::path::Path;
use std::process::Command;

use serde_json::{Value as Json, json};

use crate::Scratch;

#[test]
fn works_in_neovim() {
    if Command::new("nvim").arg("--version").output().is_err() {
        println!("note: skipped, there is no nvim");
        return;
    }
    let scratch = Scratch::new();
    let folder = scratch.path().canonicalize().unwrap();
    scratch.write("runai-step.toml", "");
    scratch.write("a.runai.yaml", "image: python:3.12\ncommand: [python, train.py]\nsettings:\n  gpu_portion: 0.5\n");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/ide/neovim.lua");
    let result = folder.join("seen.json");
    let output = Command::new("nvim")
        .args(["--headless", "--clean", "-n", "-c"])
        .arg(format!("luafile {}", script.canonicalize().unwrap().display()))
        .env("RUNAI_STEP", env!("CARGO_BIN_EXE_runai-step"))
        .env("FOLDER", &folder)
        .env("RESULT", &result)
        .env("HOME", folder.join("home"))
        .env("XDG_STATE_HOME", folder.join("state"))
        .env_remove("RUNAI_STEP_CONFIG")
        .current_dir(&folder)
        .output()
        .unwrap();
    let text = std::fs::read_to_string(&result).unwrap_or_else(|error| panic!("{error}: {output:?}"));
    let seen: Json = serde_json::from_str(&text).unwrap();
    assert_eq!(seen["problem"], Json::Null, "{seen}");
    assert_eq!(seen["diagnostics"], json!(["unknown-key"]));
    assert_eq!(seen["action"], "Rename `gpu_portion` to `gpu_portion_request`");
    assert_eq!((&seen["fixed"], &seen["after_fix"]), (&json!("  gpu_portion_request: 0.5"), &json!([])));
    assert_eq!(seen["completions"], json!(["memory", "portion"]));
    assert!(seen["hover"].as_str().unwrap().starts_with("**`gpu_portion_request`**"), "{seen}");
    assert_eq!(seen["renamed"], json!(["  labels: &shared {a: b}", "  annotations: *shared"]));
    assert_eq!(seen["after_operator"], json!(["operator-file"]));
}
