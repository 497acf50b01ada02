use crate::{Scratch, examples};

#[test]
fn prints_body_and_warnings() {
    let scratch = Scratch::new();
    scratch.write("step.yaml", "name: Fit\nimage: a\ncommand: [python, -m, fit, --epochs, '3']\n");
    insta::assert_snapshot!(scratch.run(&["render", "step.yaml"]), @r#"
    exit 0
    --- stdout
    {
      "clusterId": "<cluster-id>",
      "name": "fit",
      "projectId": "<project-id>",
      "spec": {
        "args": "--epochs 3",
        "command": "python -m fit",
        "compute": {
          "cpuCoreRequest": 1.0,
          "cpuMemoryRequest": "4G",
          "gpuDevicesRequest": 1,
          "gpuPortionRequest": 1.0,
          "gpuRequestType": "portion",
          "largeShmRequest": false
        },
        "image": "a"
      },
      "useGivenNameAsPrefix": false
    }
    --- stderr
    warning[unusual-step-name]: `name` is `Fit`; the workload's name will begin with `fit`
     --> step.yaml:1:7
      |
    1 | name: Fit
      |       ^^^
      |
      = help: write lowercase letters, digits and dashes, starting with a letter
    "#);
}

#[test]
fn fills_in_names_and_ids() {
    let scratch = Scratch::new();
    scratch.write("step.yaml", "image: a\ncommand: [b]\n");
    let args =
        ["render", "step.yaml", "--name", "Exact", "--project-id", "7", "--cluster-id", "c", "--set", "labels.a=b"];
    let shown = scratch.run(&args);
    for part in ["\"name\": \"Exact\"", "\"projectId\": \"7\"", "\"clusterId\": \"c\"", "\"value\": \"b\""] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
}

#[test]
fn curl_sends_body() {
    let scratch = Scratch::new();
    scratch.write("step.yaml", "name: it's\nimage: a\ncommand: [b]\n");
    let body = scratch.command(&["render", "step.yaml"]).output().unwrap().stdout;
    let curl = String::from_utf8(scratch.command(&["render", "step.yaml", "--curl"]).output().unwrap().stdout).unwrap();
    // A fake curl that prints its last argument, the body.
    let script = format!("curl() {{ for last; do :; done; printf '%s' \"$last\"; }}\n{curl}");
    let sent = std::process::Command::new("sh").args(["-c", &script]).output().unwrap().stdout;
    let json = |bytes: &[u8]| serde_json::from_slice::<serde_json::Value>(bytes).unwrap();
    assert_eq!(json(&sent), json(&body));
}

#[test]
fn selects_zenml_step() {
    let scratch = Scratch::new();
    let file = examples().join("zenml-run.yaml");
    let file = file.to_str().unwrap();
    let shown = scratch.run(&["render", file, "--step", "trainer"]);
    assert!(
        shown.contains("\"gpuMemoryRequest\": \"20Gi\"") && shown.contains("\"cpuMemoryRequest\": \"8Gi\""),
        "{shown}"
    );
    insta::assert_snapshot!(scratch.run(&["render", file, "--step", "reporter"]), @"
    exit 4
    --- stderr
    error: unknown step `reporter`
    hint: steps that use a Run:ai step operator: `loader`, `trainer`
    ");
}

#[test]
fn errors_prevent_output() {
    let scratch = Scratch::new();
    scratch.write("step.yaml", "image: a\n");
    insta::assert_snapshot!(scratch.run(&["render", "step.yaml", "--set", "gpu_portion_request=2"]), @r#"
    exit 1
    --- stderr
    error[missing-key]: missing key `command`
     --> step.yaml:1:1
      |
    1 | image: a
      | ^^^^^
      |
      = help: add `command: [python, -m, train, --epochs, "10"]`

    error[out-of-range]: `gpu_portion_request` is `2`, more than 1
     --> --set gpu_portion_request:1:1
      |
    1 | 2
      | ^
      |
      = help: write a number from 0 to 1
    "#);
}
