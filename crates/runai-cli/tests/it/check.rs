use std::process::Stdio;

use crate::{Scratch, examples, shown};

const BAD: &str = "image: python:3.12\ncommand: [python]\nsettings:\n  gpu_portion: 0.5\n  cpu_memory_request: 8GB\n";

#[test]
fn valid_file_prints_nothing() {
    let scratch = Scratch::new();
    scratch.write("a.runai.yaml", "image: python:3.12\ncommand: [python]\n");
    insta::assert_snapshot!(scratch.run(&["check", "a.runai.yaml"]), @"
    exit 0
    --- stderr
    1 file: no problems
    ");
}

#[test]
fn human_format_shows_excerpts() {
    let scratch = Scratch::new();
    scratch.write("bad.runai.yaml", BAD);
    insta::assert_snapshot!(scratch.run(&["check", "bad.runai.yaml"]), @"
    exit 1
    --- stdout
    error[unknown-key]: [*] unknown key `gpu_portion` in `settings`
     --> bad.runai.yaml:4:3
      |
    4 |   gpu_portion: 0.5
      |   ^^^^^^^^^^^
      |
      = help: did you mean `gpu_portion_request`?

    error[invalid-quantity]: [*] `cpu_memory_request` is `8GB`, not an amount of memory
     --> bad.runai.yaml:5:23
      |
    5 |   cpu_memory_request: 8GB
      |                       ^^^
      |
      = help: write `8G`
    --- stderr
    1 file: 2 errors
    [*] 2 fixable with the `--fix` option
    ");
}

#[test]
fn json_format() {
    let scratch = Scratch::new();
    scratch.write("bad.runai.yaml", "image: é\ncommand: [x]\nsettings: {gpu_portion: 0.5}\n").write("good.json", "{}");
    insta::assert_snapshot!(scratch.run(&["check", "--format", "json", "bad.runai.yaml", "good.json"]), @r#"
    exit 1
    --- stdout
    {"files":[{"path":"bad.runai.yaml","ok":false,"diagnostics":[{"code":"invalid-image","severity":"warning","message":"`image` is `é`, which has an invalid name","help":"write lowercase letters and digits, separated by `/`, `.`, `_` or `-`","path":"/image","line":1,"column":8,"end_line":1,"end_column":9,"offset":7,"end_offset":9,"related":[],"tags":[],"fixes":[]},{"code":"unknown-key","severity":"error","message":"unknown key `gpu_portion` in `settings`","help":"did you mean `gpu_portion_request`?","path":"/settings/gpu_portion","line":3,"column":12,"end_line":3,"end_column":23,"offset":34,"end_offset":45,"related":[],"tags":[],"fixes":[{"title":"Rename `gpu_portion` to `gpu_portion_request`","applicability":"safe","edits":[{"path":"bad.runai.yaml","offset":34,"end_offset":45,"insert":"gpu_portion_request"}]},{"title":"Remove `gpu_portion`","applicability":"display-only","edits":[{"path":"bad.runai.yaml","offset":34,"end_offset":50,"insert":""}]}]}]},{"path":"good.json","ok":true,"diagnostics":[]}]}
    "#);
}

#[test]
fn github_format() {
    let scratch = Scratch::new();
    scratch.write("a,b/bad.runai.yaml", BAD);
    insta::assert_snapshot!(scratch.run(&["check", "--format", "github", "a,b/bad.runai.yaml"]), @"
    exit 1
    --- stdout
    ::error file=a%2Cb/bad.runai.yaml,line=4,endLine=4,col=3,endColumn=14,title=unknown-key::unknown key `gpu_portion` in `settings`%0Adid you mean `gpu_portion_request`?
    ::error file=a%2Cb/bad.runai.yaml,line=5,endLine=5,col=23,endColumn=26,title=invalid-quantity::`cpu_memory_request` is `8GB`, not an amount of memory%0Awrite `8G`
    ");
}

#[test]
fn sarif_format() {
    let scratch = Scratch::new();
    scratch.write("bad file.yaml", "gpu_portion: 0.5\n");
    let output = scratch.command(&["check", "--format", "sarif", "bad file.yaml"]).output().unwrap();
    let sarif: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(sarif["version"], "2.1.0");
    let run = &sarif["runs"][0];
    let result = &run["results"][0];
    let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
    assert_eq!(run["tool"]["driver"]["rules"][index]["id"], "unknown-key");
    insta::assert_snapshot!(serde_json::to_string_pretty(result).unwrap(), @r#"
    {
      "ruleId": "unknown-key",
      "ruleIndex": 11,
      "level": "error",
      "message": {
        "text": "unknown key `gpu_portion`: did you mean `gpu_portion_request`?"
      },
      "locations": [
        {
          "physicalLocation": {
            "artifactLocation": {
              "uri": "bad%20file.yaml"
            },
            "region": {
              "startLine": 1,
              "startColumn": 1,
              "endLine": 1,
              "endColumn": 12,
              "byteOffset": 0,
              "byteLength": 11
            }
          },
          "logicalLocations": [
            {
              "fullyQualifiedName": "/gpu_portion"
            }
          ]
        }
      ],
      "fixes": [
        {
          "description": {
            "text": "Rename `gpu_portion` to `gpu_portion_request`"
          },
          "artifactChanges": [
            {
              "artifactLocation": {
                "uri": "bad%20file.yaml"
              },
              "replacements": [
                {
                  "deletedRegion": {
                    "startLine": 1,
                    "startColumn": 1,
                    "endLine": 1,
                    "endColumn": 12,
                    "byteOffset": 0,
                    "byteLength": 11
                  },
                  "insertedContent": {
                    "text": "gpu_portion_request"
                  }
                }
              ]
            }
          ]
        }
      ]
    }
    "#);
}

#[test]
fn checks_all_files() {
    let scratch = Scratch::new();
    scratch.write("bad.yaml", "x: 1\n").write("folder/a.yaml", "");
    insta::assert_snapshot!(scratch.run(&["check", "missing.yaml", "bad.yaml", "folder"]), @"
    exit 2
    --- stdout
    error[unknown-key]: unknown key `x`
     --> bad.yaml:1:1
      |
    1 | x: 1
      | ^
      |
      = help: remove it
    --- stderr
    error: file `missing.yaml` does not exist
    error: `folder` is a directory
    hint: pass the files in it, such as `folder/*.runai.yaml`
    1 file: 1 error
    1 fixable with the `--fix` and `--unsafe-fixes` options
    ");
    let output = scratch.command(&["check", "bad.yaml", "missing.yaml"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn rejects_invalid_utf8() {
    let scratch = Scratch::new();
    scratch.write("latin1.yaml", b"gpu_devices_request: 1\nnode_type: caf\xe9\n");
    insta::assert_snapshot!(scratch.run(&["check", "latin1.yaml"]), @"
    exit 1
    --- stdout
    error[not-utf8]: invalid UTF-8 byte 0xE9
     --> latin1.yaml:2:15
      |
    2 | node_type: caf�
      |               ^
      |
      = help: save the file as UTF-8
    --- stderr
    1 file: 1 error
    ");
}

#[test]
fn rejects_large_file() {
    let scratch = Scratch::new();
    scratch.write("big.yaml", vec![b'#'; 10 * 1024 * 1024]);
    let shown = scratch.run(&["check", "--format", "github", "big.yaml"]);
    assert!(shown.contains("larger than 4194304 bytes"), "{shown}");
    assert!(shown.starts_with("exit 1"), "{shown}");
}

#[test]
fn checks_stdin() {
    let scratch = Scratch::new();
    insta::assert_snapshot!(scratch.run_with_input(&["check", "-", "--format", "github"], "{\"node_pools\": 5}"), @"
    exit 1
    --- stdout
    ::error file=<stdin>,line=1,endLine=1,col=16,endColumn=17,title=wrong-type::`node_pools` is the number `5`, not a list%0Awrite a list, such as `[a100-pool, v100-pool]`
    ");
}

#[test]
fn applies_named_operator_file() {
    let scratch = Scratch::new();
    scratch.write("step.yaml", "cpu_memory_limit: 8Gi\n").write("runai-step.toml", "cpu_memory_request = \"16Gi\"\n");
    assert_eq!(scratch.command(&["check", "step.yaml"]).output().unwrap().status.code(), Some(0));
    insta::assert_snapshot!(scratch.run(&["check", "--config", "runai-step.toml", "step.yaml"]), @"
    exit 1
    --- stdout
    error[limit-below-request]: `cpu_memory_limit` is `8Gi`, below `cpu_memory_request`, which is `16Gi` (in runai-step.toml, line 1)
     --> step.yaml:1:19
      |
    1 | cpu_memory_limit: 8Gi
      |                   ^^^
      |
      = note: `cpu_memory_request` is `16Gi` (runai-step.toml)
      = help: raise `cpu_memory_limit` to `16Gi` or more, or lower `cpu_memory_request`
    --- stderr
    1 file: 1 error
    1 fixable with the `--fix` and `--unsafe-fixes` options
    ");
}

#[test]
fn excerpts_mask_secrets() {
    let scratch = Scratch::new();
    let operator = "client_secret: canary\nrunai_base_url: https://ada:canary@host?x=1\nlabels: {a: 5}\n";
    let step = "image: a\ncommand: [b]\nenvironment: {HF_TOKEN: canary, X: null}\n";
    scratch.write("op.yaml", operator).write("step.yaml", step).write("broken.yaml", "client_secret: canary\nx: [1\n");
    for format in ["human", "json", "github", "sarif"] {
        let shown = scratch.run(&["check", "--format", format, "op.yaml", "step.yaml", "broken.yaml"]);
        assert!(!shown.contains("canary"), "{format}: {shown}");
    }
}

#[test]
fn colors_only_on_terminal() {
    let scratch = Scratch::new();
    scratch.write("bad.yaml", "x: 1\n");
    let plain = scratch.command(&["check", "bad.yaml"]).output().unwrap();
    assert!(!plain.stdout.contains(&0x1b));
    let forced = scratch.command(&["check", "bad.yaml"]).env("CLICOLOR_FORCE", "1").output().unwrap();
    assert!(forced.stdout.contains(&0x1b));
    let refused = scratch.command(&["check", "bad.yaml"]).env("NO_COLOR", "1").stdout(Stdio::piped()).output().unwrap();
    assert!(!refused.stdout.contains(&0x1b), "{}", shown(&refused));
}

#[test]
fn examples_are_valid() {
    let scratch = Scratch::new();
    let files: Vec<_> = std::fs::read_dir(examples())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending != "py" && ending != "md"))
        .filter(|path| path.is_file())
        .collect();
    assert!(files.len() >= 7);
    let paths: Vec<&str> = files.iter().map(|path| path.to_str().unwrap()).collect();
    let output = scratch.command(&[&["check"], &paths[..]].concat()).output().unwrap();
    assert!(output.status.success(), "{}", shown(&output));
}
