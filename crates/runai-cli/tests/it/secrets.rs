//! Errors, excerpts and logs hide values of `--set environment.…` and `--env-file`.

use crate::cluster::Cluster;
use crate::{Scratch, shown};

/// A part of all secret values in these tests.
const CANARY: &str = "canary";

#[test]
fn errors_hide_set_values() {
    let scratch = Scratch::new();
    scratch
        .write("step.yaml", "image: a\ncommand: [b]\n")
        .write("good.env", "API_KEY=canary-good\nPLAIN='canary plain'\n")
        .write("bad.env", "API_KEY=canary-good\nA B=canary-bad\n");
    for (words, exit) in [
        (&["--set", "environment.TOKEN=canary"][..], 0),
        (&["--set", "environment.PLAIN=canary"], 0),
        (&["--set", "environment={TOKEN: canary, B: [canary]}"], 1),
        (&["--set", "environment=[canary"], 1),
        (&["--set", "enviroment.TOKEN=canary"], 1),
        (&["--set", "environment.=canary"], 2),
        (&["--set", "=canary"], 2),
        (&["--set", "environment.TOKEN canary"], 2),
        (&["--env-file", "good.env"], 0),
        (&["--env-file", "good.env", "--set", "gpu_portion_request=nonsense"], 1),
        (&["--env-file", "bad.env"], 2),
    ] {
        let output = scratch.command(&[&["render", "step.yaml"], words].concat()).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(exit), "{words:?}: {stderr}");
        assert!(!stderr.contains(CANARY), "{words:?}: {stderr}");
        assert!(exit == 0 || !stderr.is_empty(), "{words:?}");
    }
    // Other values are shown, so that typos are visible.
    assert!(scratch.run(&["render", "step.yaml", "--set", "gpu_portion_request=nonsense"]).contains("1 | nonsense"));
}

#[test]
fn malformed_assignment_hides_value() {
    let scratch = Scratch::new();
    scratch.write("step.yaml", "image: a\ncommand: [b]\n");
    insta::assert_snapshot!(scratch.run(&["render", "step.yaml", "--set", "environment.=canary"]), @"
    exit 2
    --- stderr
    error: empty part in the key `environment.` of `--set`
    hint: write `--set KEY=VALUE`, such as `--set environment.EPOCHS=3`
    ");
    insta::assert_snapshot!(scratch.run(&["render", "step.yaml", "--set", "canary"]), @"
    exit 2
    --- stderr
    error: missing `=` in a value of `--set`
    hint: write `--set KEY=VALUE`, such as `--set environment.EPOCHS=3`
    ");
}

#[test]
fn scrubs_responses_and_log() {
    let scenario = Scratch::new();
    // The simulator rejects these values and echoes them.
    scenario.write("policy.toml", "strict = true\n");
    let cluster = Cluster::with(&["--scenario", scenario.path().join("policy.toml").to_str().unwrap()]);
    let file = cluster.step("train", "RUNAI_SIM_RUNNING: 0.1", "");
    cluster.scratch.write("vars.env", "RUNAI_SIM_RESULT=canary-env\n");
    for words in [
        ["run", &file, "--env-file", "vars.env", "-vv"],
        ["run", &file, "--set", "environment.RUNAI_SIM_RESULT=canary-set", "-vv"],
        ["run", &file, "--set", "environment.RUNAI_SIM_PENDING=canary-set", "-vv"],
    ] {
        let output = cluster.output(&words);
        assert_eq!(output.status.code(), Some(5), "{words:?}: {}", shown(&output));
        assert!(!shown(&output).contains(CANARY), "{words:?}: {}", shown(&output));
    }
}
