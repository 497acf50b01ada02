use crate::Scratch;
use crate::cluster::Cluster;

#[test]
fn prints_minimal_permissions() {
    let scratch = Scratch::new();
    scratch.write("step.yaml", "image: a\ncommand: [b]\nsettings: {node_pools: [a100], workload_template_id: 550e8400-e29b-41d4-a716-446655440000}\n");
    scratch.write("runai-step.toml", "project_name = \"vision\"\ndelete_on_failure = true\n");
    insta::assert_snapshot!(scratch.run(&["permissions", "step.yaml"]), @"
    exit 0
    --- stdout
    PERMISSION                 FOR                              BECAUSE OF
    Projects → View            Resolve the project by its name  every step
    Clusters minimal → View    Resolve the cluster              every step
    Trainings → Create         Submit the workload              every step
    Trainings → View           Follow the workload              every step
    Workloads → View           Read the workload's phase        every step
    Trainings → Edit           Suspend on cancel or timeout     every step
    Trainings → Delete         Delete a failed workload         `delete_on_failure`
    Node pools minimal → View  Resolve the node pools           `node_pools`
    Templates → View           Use the workload template        `workload_template_id`

    Smallest predefined role
      AI practitioner  2.24 and newer; check that it has Templates
      L1 researcher    2.23 and older; check that it has Templates
      For a smaller custom role (2.24 and later), use `--role-json`. The set for trainings also allows deletion.

    Scope
      project `vision` only. A department, cluster or account scope grants access to other projects.

    Set up
      1. Access → Service accounts → + NEW SERVICE ACCOUNT; save the secret, which is shown once.
      2. Access → Access rules → + ACCESS RULE: the service account, role AI practitioner, scope project `vision`.
      3. Give the project quota in the node pools of its steps; without quota, workloads stay pending.
      4. For a private registry, create a Docker registry credential in the project and set `image_pull_secret_name`.
    ");
    insta::assert_snapshot!(scratch.run(&["permissions", "--role-json"]), @r#"
    exit 0
    --- stdout
    {
      "name": "runai-step",
      "description": "What runai-step needs to submit, follow and suspend trainings",
      "permissionSets": [
        {
          "id": "<id of workloadReadAccess>",
          "name": "workloadReadAccess"
        },
        {
          "id": "<id of trainingEditAccess>",
          "name": "trainingEditAccess"
        }
      ]
    }
    --- stderr
    · fill in the IDs of the permission sets, or look them up with `--lookup`
    · permission sets are broader than needed: the set for trainings also allows deletion
    "#);
    let output = scratch.command(&["permissions", "--format", "json"]).output().unwrap();
    let needed: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&needed["project"], &needed["scope"]), (&"vision".into(), &"project".into()));
}

#[test]
fn looks_up_permission_sets() {
    let cluster = Cluster::start();
    let role = cluster.json(&["permissions", "--role-json", "--lookup"]);
    let sets = role["permissionSets"].as_array().unwrap();
    assert!(!sets.is_empty());
    for set in sets {
        assert!(!set["id"].as_str().unwrap().starts_with('<'), "{role}");
    }
}
