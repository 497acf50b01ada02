use crate::Scratch;

fn labels(scratch: &Scratch, command: &mut std::process::Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", crate::shown(&output));
    let body: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let _ = scratch;
    body["spec"]["labels"][0]["value"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn finds_operator_file() {
    let scratch = Scratch::new();
    let operator = |from: &str| format!("labels = {{from = \"{from}\"}}\n");
    scratch
        .write("project/inner/step.yaml", "image: a\ncommand: [b]\n")
        .write("flag.toml", operator("flag"))
        .write("variable.toml", operator("variable"))
        .write("home/.config/runai-step/runai-step.toml", operator("home"));
    let inner = scratch.path().join("project/inner");
    let render = |args: &[&str]| {
        let mut command = scratch.command(&[&["render", "step.yaml"], args].concat());
        command.current_dir(&inner);
        command
    };
    assert_eq!(labels(&scratch, &mut render(&[])), "home");
    scratch.write("project/runai-step.yaml", "labels: {from: upward}\n");
    assert_eq!(labels(&scratch, &mut render(&[])), "upward");
    assert_eq!(labels(&scratch, render(&[]).env("RUNAI_STEP_CONFIG", "../../variable.toml")), "variable");
    let mut command = render(&["--config", "../../flag.toml"]);
    assert_eq!(labels(&scratch, command.env("RUNAI_STEP_CONFIG", "../../variable.toml")), "flag");
}

#[test]
fn named_operator_file_must_exist() {
    let scratch = Scratch::new();
    scratch.write("step.yaml", "image: a\ncommand: [b]\n");
    insta::assert_snapshot!(scratch.run(&["render", "step.yaml", "--config", "missing.toml"]), @"
    exit 2
    --- stderr
    error: file `missing.toml` does not exist
    ");
}

#[test]
fn variables_override_file() {
    let scratch = Scratch::new();
    scratch.write("step.yaml", "image: a\ncommand: [b]\n");
    let output = scratch.command(&["render", "step.yaml"]).env("RUNAI_GPU_DEVICES_REQUEST", "two").output().unwrap();
    insta::assert_snapshot!(crate::shown(&output), @"
    exit 1
    --- stderr
    error[wrong-type]: `gpu_devices_request` is the string `two`, not an integer
     --> RUNAI_GPU_DEVICES_REQUEST:1:1
      |
    1 | two
      | ^^^
      |
      = help: write a number, such as `1`
    ");
    let output = scratch.command(&["render", "step.yaml"]).env("RUNAI_GPU_DEVICES_REQUEST", "2").output().unwrap();
    assert!(crate::shown(&output).contains("\"gpuDevicesRequest\": 2"));
}
