use crate::Scratch;
use crate::cluster::Cluster;

#[test]
fn healthy_setup() {
    let cluster = Cluster::start();
    let file = cluster.step("train", "", "gpu_portion_request: 0.5");
    insta::assert_snapshot!(cluster.run(&["doctor", &file]), @"
    exit 0
    --- stdout
    ✓ step  `train.runai.yaml` has no errors
    ✓ configuration  no operator file, only variables and flags
    ✓ control plane  http://CONTROL-PLANE responds over plain HTTP
    ✓ credentials  the control plane accepts the credentials
    ✓ project  project `sim-project` has id 1, in cluster UUID
    ✓ cluster  cluster `sim-cluster` is connected
    ✓ node pools  none requested (project default: default)
    ✓ quota  within the project's quota
    ✓ policy  the project's policy allows the request
    ✓ permissions  the service account has all needed permissions

    no problems found
    ");
}

#[test]
fn reports_every_problem() {
    let cluster = Cluster::start();
    let file = cluster.step("train", "", "node_pools: [defualt], gpu_devices_request: 99");
    insta::assert_snapshot!(cluster.run(&["doctor", &file]), @"
    exit 4
    --- stdout
    ✓ step  `train.runai.yaml` has no errors
    ✓ configuration  no operator file, only variables and flags
    ✓ control plane  http://CONTROL-PLANE responds over plain HTTP
    ✓ credentials  the control plane accepts the credentials
    ✓ project  project `sim-project` has id 1, in cluster UUID
    ✓ cluster  cluster `sim-cluster` is connected
    ✗ node pools  node pool `defualt` does not exist in the project's cluster (line 5)
                     hint: did you mean `default`?
    ! quota  the step requests 99 GPUs, the project's quota is 8 (line 5)
                     hint: expect preemption: it runs only while other projects leave enough of their quota unused
    ✓ policy  the project's policy allows the request
    ✓ permissions  the service account has all needed permissions

    1 problem to fix
    ");
    cluster.scratch.write("wrong.yaml", "image: a\ncommand: [b]\nsettings: {gpu_portion: 1}\n");
    insta::assert_snapshot!(cluster.run(&["doctor", "wrong.yaml"]), @"
    exit 1
    --- stdout
    ✗ step  `wrong.yaml` has errors: `runai-step check wrong.yaml` shows them
    ✓ configuration  no operator file, only variables and flags
    ✓ control plane  http://CONTROL-PLANE responds over plain HTTP
    ✓ credentials  the control plane accepts the credentials
    ✓ project  project `sim-project` has id 1, in cluster UUID
    ✓ cluster  cluster `sim-cluster` is connected
    ✓ permissions  the service account has all needed permissions

    1 problem to fix
    --- stderr
    error[unknown-key]: unknown key `gpu_portion` in `settings`
     --> wrong.yaml:3:12
      |
    3 | settings: {gpu_portion: 1}
      |            ^^^^^^^^^^^
      |
      = help: did you mean `gpu_portion_request`?
    ");
    insta::assert_snapshot!(cluster.run(&["doctor", "--project", "sim-projekt"]), @"
    exit 4
    --- stdout
    ✓ configuration  no operator file, only variables and flags
    ✓ control plane  http://CONTROL-PLANE responds over plain HTTP
    ✓ credentials  the control plane accepts the credentials
    ✗ project  project `sim-projekt` does not exist or is not visible to these credentials
                     hint: did you mean `sim-project`?
    ✓ permissions  the service account has all needed permissions

    1 problem to fix
    ");
    let found = cluster.json(&["doctor", &file, "--format", "json"]);
    assert_eq!(found["ok"], false);
    let pools = found["findings"].as_array().unwrap().iter().find(|finding| finding["check"] == "node pools").unwrap();
    assert_eq!((&pools["pointer"], &pools["line"]), (&"/settings/node_pools".into(), &5.into()));
}

#[test]
fn missing_configuration() {
    insta::assert_snapshot!(Scratch::new().run(&["doctor"]), @"
    exit 2
    --- stdout
    ✓ configuration  no operator file, only variables and flags
    ✗ configuration  `runai_base_url`, `client_id`, `client_secret`, `project_name` are not set
                     hint: set them in an operator file (`runai-step init` writes one), or `RUNAI_BASE_URL`, `RUNAI_CLIENT_ID`, `RUNAI_CLIENT_SECRET`, `RUNAI_PROJECT_NAME`

    1 problem to fix
    ");
}
