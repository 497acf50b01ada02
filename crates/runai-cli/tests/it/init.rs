use crate::Scratch;

#[test]
fn writes_valid_files_once() {
    let scratch = Scratch::new();
    insta::assert_snapshot!(scratch.run(&["init", "--name", "Train ResNet"]), @"
    exit 0
    --- stdout
    runai-step.toml
    train-resnet.runai.yaml
    --- stderr
    · next: edit both files, then run `runai-step check train-resnet.runai.yaml`, `runai-step run train-resnet.runai.yaml --local` and `runai-step doctor train-resnet.runai.yaml`
    ");
    insta::assert_snapshot!(scratch.run(&["check", "--config", "runai-step.toml", "train-resnet.runai.yaml"]), @"
    exit 0
    --- stderr
    1 file: no problems
    ");
    insta::assert_snapshot!(scratch.run(&["init", "--name", "other"]), @"
    exit 2
    --- stderr
    error: `runai-step.toml` already exists
    hint: overwrite it with `--force`, or print the files with `--dry-run`
    ");
    assert!(!scratch.path().join("other.runai.yaml").exists());
    let text = std::fs::read_to_string(scratch.path().join("runai-step.toml")).unwrap();
    // Every commented-out line is valid.
    let all: String = text
        .lines()
        .map(|line| line.strip_prefix("# ").filter(|line| line.contains(" = ")).unwrap_or(line))
        .fold(String::new(), |text, line| text + line + "\n");
    scratch.write("all.toml", &all).write("secret.txt", "");
    insta::assert_snapshot!(scratch.run(&["check", "--kind", "operator", "all.toml"]), @"
    exit 0
    --- stderr
    1 file: no problems
    ");
    let output = scratch.command(&["run", "train-resnet.runai.yaml", "--local"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "42\n", "{}", crate::shown(&output));
    insta::assert_snapshot!(scratch.run(&["init", "elsewhere", "--dry-run"]).lines().take(4).collect::<Vec<_>>().join("\n"), @"
    exit 0
    --- stdout
    # elsewhere/runai-step.toml
    #:schema https://raw.githubusercontent.com/runai-step/runai-step/main/schemas/operator.schema.json
    ");
    assert!(!scratch.path().join("elsewhere").exists());
}
