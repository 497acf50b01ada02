//! `check --fix`, `--unsafe-fixes` and `--diff`.

use std::fs;

use crate::Scratch;

const STEP: &str = "\
image: python:3.12 # the image
command: python train.py
settings:
  gpu_portion: \"0.5\"
  cpu_memory_request: 8GB
  cpu_memory_limit: 4G
";

impl Scratch {
    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path().join(name)).unwrap()
    }
}

#[test]
fn applies_safe_fixes() {
    let scratch = Scratch::new();
    scratch.write("a.runai.yaml", STEP);
    insta::assert_snapshot!(scratch.run(&["check", "--fix", "a.runai.yaml"]), @"
    exit 1
    --- stdout
    error[limit-below-request]: `cpu_memory_limit` is `4G`, below `cpu_memory_request`, which is `8G`
     --> a.runai.yaml:6:21
      |
    5 |   cpu_memory_request: 8G
      |                       -- `cpu_memory_request` is `8G`
    6 |   cpu_memory_limit: 4G
      |                     ^^
      |
      = help: raise `cpu_memory_limit` to `8G` or more, or lower `cpu_memory_request`
    --- stderr
    1 file: 1 error
    3 problems fixed
    1 fixable with the `--fix` and `--unsafe-fixes` options
    ");
    let fixed = "\
image: python:3.12 # the image
command: [python, train.py]
settings:
  gpu_portion_request: 0.5
  cpu_memory_request: 8G
  cpu_memory_limit: 4G
";
    assert_eq!(scratch.read("a.runai.yaml"), fixed);
    insta::assert_snapshot!(scratch.run(&["check", "--fix", "--unsafe-fixes", "a.runai.yaml"]), @"
    exit 0
    --- stderr
    1 file: no problems
    1 problem fixed
    ");
    assert_eq!(scratch.read("a.runai.yaml"), fixed.replace("4G", "8G"));
}

#[test]
fn marks_fixable_problems() {
    let scratch = Scratch::new();
    scratch.write("a.runai.yaml", STEP).write("b.yaml", "node_pools: [a, a]\n");
    let shown = scratch.run(&["check", "a.runai.yaml", "b.yaml"]);
    assert!(shown.contains("error[unknown-key]: [*] unknown key `gpu_portion` in `settings`"), "{shown}");
    assert!(shown.contains("warning[repeated-node-pool]: `node_pools` contains `a` twice"), "{shown}");
    assert!(shown.ends_with("[*] 3 fixable with the `--fix` option (1 more with `--unsafe-fixes`)\n"), "{shown}");
    let shown = scratch.run(&["check", "--unsafe-fixes", "b.yaml"]);
    assert!(shown.contains("warning[repeated-node-pool]: [*] `node_pools` contains `a` twice"), "{shown}");
    assert!(shown.ends_with("[*] 1 fixable with the `--fix` option\n"), "{shown}");
}

#[test]
fn diff_writes_nothing() {
    let scratch = Scratch::new();
    scratch.write("a.yaml", "gpu_portion: 0.5\nnode_pools: [a]\n").write("b.yaml", "{}\n");
    insta::assert_snapshot!(scratch.run(&["check", "--diff", "a.yaml", "b.yaml"]), @"
    exit 1
    --- stdout
    --- a.yaml
    +++ a.yaml
    @@ -1,2 +1,2 @@
    -gpu_portion: 0.5
    +gpu_portion_request: 0.5
     node_pools: [a]
    --- stderr
    1 problem would be fixed
    ");
    assert_eq!(scratch.read("a.yaml"), "gpu_portion: 0.5\nnode_pools: [a]\n");
    insta::assert_snapshot!(scratch.run(&["check", "--diff", "b.yaml"]), @"
    exit 0
    --- stderr
    no fixes to apply
    ");
}

#[test]
fn diff_hides_secrets() {
    let scratch = Scratch::new();
    scratch.write("a.yaml", "image: a/b\ncommand: [x]\nenvironment: {API_KEY: canary}\nsettings: {gpu_portion: 0.5}\n");
    let shown = scratch.run(&["check", "--diff", "a.yaml"]);
    assert!(shown.contains("+settings: {gpu_portion_request: 0.5}") && !shown.contains("canary"), "{shown}");
}

#[test]
fn fixes_stdin_to_stdout() {
    let scratch = Scratch::new();
    insta::assert_snapshot!(scratch.run_with_input(&["check", "--fix", "-"], "gpu_portion: 0.5\nx: 1\n"), @"
    exit 1
    --- stdout
    gpu_portion_request: 0.5
    x: 1
    --- stderr
    error[unknown-key]: unknown key `x`
     --> <stdin>:2:1
      |
    2 | x: 1
      | ^
      |
      = help: remove it

    1 file: 1 error
    1 problem fixed
    1 fixable with the `--fix` and `--unsafe-fixes` options
    ");
    let refused = scratch.run_with_input(&["check", "--fix", "--format", "json", "-"], "{}");
    assert!(refused.starts_with("exit 2"), "{refused}");
}

#[test]
fn renames_only_one_duplicate() {
    let scratch = Scratch::new();
    scratch.write("a.yaml", "gpuDevicesRequest: 1\ngpu_device_request: 2\n");
    scratch.run(&["check", "--fix", "a.yaml"]);
    assert_eq!(scratch.read("a.yaml"), "gpu_devices_request: 1\ngpu_device_request: 2\n");
}

#[test]
fn fixes_syntax_errors() {
    let scratch = Scratch::new();
    scratch.write("a.yaml", "labels:\n\tteam: ml\n\torg: a\nlarge_shm_request: yes\ngpu_portion_request:0.5\n");
    scratch.run(&["check", "--fix", "a.yaml"]);
    assert_eq!(
        scratch.read("a.yaml"),
        "labels:\n  team: ml\n  org: a\nlarge_shm_request: true\ngpu_portion_request: 0.5\n"
    );
}

#[cfg(unix)]
#[test]
fn keeps_links_and_permissions() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    let scratch = Scratch::new();
    scratch.write("folder/a.yaml", "gpu_portion: 0.5\n");
    let (file, link) = (scratch.path().join("folder/a.yaml"), scratch.path().join("link.yaml"));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    symlink("folder/a.yaml", &link).unwrap();
    assert!(scratch.run(&["check", "--fix", "link.yaml"]).starts_with("exit 0"));
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(scratch.read("folder/a.yaml"), "gpu_portion_request: 0.5\n");
    assert_eq!(fs::read_dir(scratch.path().join("folder")).unwrap().count(), 1);
}

#[cfg(unix)]
#[test]
fn keeps_read_only_file() {
    use std::os::unix::fs::PermissionsExt as _;

    let scratch = Scratch::new();
    scratch.write("a.yaml", "gpu_portion: 0.5\n");
    let file = scratch.path().join("a.yaml");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o440)).unwrap();
    let shown = scratch.run(&["check", "--fix", "a.yaml"]);
    assert!(shown.starts_with("exit 2") && shown.contains("it is read-only"), "{shown}");
    assert_eq!(scratch.read("a.yaml"), "gpu_portion: 0.5\n");
}

#[test]
fn json_has_fixes_and_tags() {
    let scratch = Scratch::new();
    scratch.write("a.yaml", "gpu_memory_limit: 2G\ncpu_memory_request: 8Gi\ncpu_memory_limit: 8G\n");
    let output = scratch.command(&["check", "--format", "json", "a.yaml"]).output().unwrap();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let found = &report["files"][0]["diagnostics"];
    assert_eq!(found[0]["tags"], serde_json::json!(["unnecessary"]));
    assert_eq!(
        found[0]["fixes"],
        serde_json::json!([{
            "title": "Remove `gpu_memory_limit`",
            "applicability": "safe",
            "edits": [{"path": "a.yaml", "offset": 0, "end_offset": 21, "insert": ""}],
        }])
    );
    let request = serde_json::json!({
        "path": "a.yaml", "offset": 41, "end_offset": 44, "message": "`cpu_memory_request` is `8Gi`",
    });
    assert_eq!(found[1]["related"], serde_json::json!([request]));
    let output = scratch.command(&["check", "--format", "sarif", "a.yaml"]).output().unwrap();
    let sarif: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let result = &sarif["runs"][0]["results"][1];
    assert_eq!(result["relatedLocations"][0]["physicalLocation"]["region"]["startLine"], 2);
    let change = &result["fixes"][0]["artifactChanges"][0];
    assert_eq!(change["artifactLocation"]["uri"], "a.yaml");
    assert_eq!(change["replacements"][0]["deletedRegion"]["startColumn"], 19);
    assert_eq!(change["replacements"][0]["insertedContent"]["text"], "8Gi");
}
