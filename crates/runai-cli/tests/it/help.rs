use crate::Scratch;

#[test]
fn every_command_has_help() {
    for command in COMMANDS {
        insta::assert_snapshot!(format!("help-{command}"), Scratch::new().run(&[command, "--help"]));
    }
    insta::assert_snapshot!("help", Scratch::new().run(&["--help"]));
}

const COMMANDS: [&str; 24] = [
    "cancel",
    "check",
    "completions",
    "config",
    "delete",
    "doctor",
    "editor",
    "events",
    "explain",
    "init",
    "list",
    "lsp",
    "man",
    "permissions",
    "receipts",
    "render",
    "resume",
    "run",
    "schema",
    "simulate",
    "snapshot",
    "status",
    "submit",
    "wait",
];

#[test]
fn invalid_usage_exits_with_2() {
    let scratch = Scratch::new();
    for words in [&[][..], &["chekc"], &["check"], &["check", "--format", "xml", "a"], &["render", "a", "--set", "x"]] {
        let output = scratch.command(words).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{words:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{words:?}");
    }
    assert_eq!(scratch.command(&["--version"]).output().unwrap().status.code(), Some(0));
}
