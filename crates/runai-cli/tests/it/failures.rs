//! Errors before the first submission: message, hint and exit code.

use std::net::TcpListener;

use crate::Scratch;
use crate::cluster::Cluster;

#[test]
fn missing_configuration_has_hint() {
    let scratch = Scratch::new();
    scratch.write("step.yaml", "image: a\ncommand: [b]\n");
    for words in [&["submit", "step.yaml"][..], &["list"], &["wait", "x"], &["doctor"]] {
        assert_eq!(scratch.command(words).output().unwrap().status.code(), Some(2), "{words:?}");
    }
    insta::assert_snapshot!(scratch.run(&["list"]), @"
    exit 2
    --- stderr
    error: `runai_base_url`, `client_id`, `client_secret`, `project_name` are not set
    hint: set them in an operator file (`runai-step init` writes one), or `RUNAI_BASE_URL`, `RUNAI_CLIENT_ID`, `RUNAI_CLIENT_SECRET`, `RUNAI_PROJECT_NAME`
    ");
    scratch.write(
        "runai-step.toml",
        "runai_base_url = \"https://org.run.ai\"\nclient_id = \"x\"\nclient_secret_file = \"secret\"\n",
    );
    insta::assert_snapshot!(scratch.run(&["list"]), @"
    exit 2
    --- stderr
    error: client secret file `secret` cannot be read: No such file or directory (os error 2)
    hint: write only the secret to the file, or set `RUNAI_CLIENT_SECRET`
    ");
    scratch.write("secret", "not-a-real-secret\n");
    insta::assert_snapshot!(scratch.run(&["list"]), @"
    exit 2
    --- stderr
    error: `project_name` is not set
    hint: set it in an operator file (`runai-step init` writes one), or `RUNAI_PROJECT_NAME`
    ");
}

#[test]
fn rejections_have_exit_code_and_hint() {
    let cluster = Cluster::start();
    let file = cluster.step("train", "", "");
    let mut command = cluster.command(&["submit", &file]);
    insta::assert_snapshot!(cluster.settle(&crate::shown(&command.env("RUNAI_CLIENT_SECRET", "wrong").output().unwrap())), @"
    exit 3
    --- stderr
    error: the control plane refused the credentials: 401 Unauthorized: invalid_client: invalid client id or secret
    hint: check the client id, the client secret and that the service account exists; regenerating a secret revokes the old one immediately
    ");
    insta::assert_snapshot!(cluster.run(&["submit", &file, "--project", "sim-projekt"]), @"
    exit 4
    --- stderr
    error: project `sim-projekt` does not exist or is not visible to these credentials
    hint: did you mean `sim-project`?
    ");
    insta::assert_snapshot!(cluster.run(&["submit", &file, "--cluster", "elsewhere"]), @"
    exit 5
    --- stderr
    error: project `sim-project` is in cluster `sim-cluster`, but `cluster_name` is `elsewhere`
    hint: set `cluster_name` to `sim-cluster`, remove it, or choose another project
    ");
    insta::assert_snapshot!(cluster.run(&["status", "00000000-0000-4000-8000-000000000000"]), @"
    exit 4
    --- stderr
    error: unknown workload `UUID`
    hint: list workloads with `runai-step list`
    ");
    let file = cluster.step("refused", "", "workload_template_id: 00000000-0000-4000-8000-000000000000");
    insta::assert_snapshot!(cluster.run(&["submit", &file]), @"
    exit 5
    --- stderr
    error: `POST /api/v1/workloads/trainings` returned 400 Bad Request: invalid submission; `templateId`: unknown template with the id `UUID`
    error[refused]: `settings.workload_template_id`: unknown template with the id `UUID`
     --> refused.runai.yaml:5:34
      |
    5 | settings: {workload_template_id: UUID}
      |                                  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    ");
}

#[test]
fn unreachable_control_plane() {
    // A port that was just free, without a listener.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let scratch = Scratch::new();
    scratch.write("step.yaml", "image: a\ncommand: [b]\n");
    let mut command = scratch.command(&["submit", "step.yaml"]);
    command
        .env("RUNAI_BASE_URL", format!("http://127.0.0.1:{port}"))
        .env("RUNAI_CLIENT_ID", "id")
        .env("RUNAI_CLIENT_SECRET", "not-real")
        .env("RUNAI_PROJECT_NAME", "p");
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(6), "{}", crate::shown(&output));
}

#[test]
fn plain_http_requires_flag() {
    let scratch = Scratch::new();
    let mut command = scratch.command(&["list"]);
    command
        .env("RUNAI_BASE_URL", "http://runai.example.com")
        .env("RUNAI_CLIENT_ID", "id")
        .env("RUNAI_CLIENT_SECRET", "not-real")
        .env("RUNAI_PROJECT_NAME", "p");
    insta::assert_snapshot!(crate::shown(&command.output().unwrap()), @"
    exit 2
    --- stderr
    error: base URL `http://runai.example.com` uses plain `http` to a remote host
    hint: use `https`: plain `http` sends credentials in clear text; or allow `http` explicitly (`--allow-http`)
    ");
}
