use crate::Scratch;
use crate::cluster::Cluster;

#[test]
fn the_least_for_these_settings() {
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
      AI practitioner  2.24 and newer; look there whether it has Templates
      L1 researcher    2.23 and older; look there whether it has Templates
      A role of one's own from 2.24 on: `--role-json`. Sets are not that small: the one for trainings also deletes.

    Scope
      project `vision`, and nothing wider: a department, a cluster or the account would open projects that are none of its business.

    Set up
      1. Access → Service accounts → + NEW SERVICE ACCOUNT; keep the secret, it is shown once.
      2. Access → Access rules → + ACCESS RULE: the service account, role AI practitioner, scope project `vision`.
      3. See that the project has quota in the node pools that steps name, or they wait for ever.
      4. For a private registry, make a Docker registry credential in the project, and name it in `image_pull_secret_name`.
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
    · put in the ids of the permission sets, or let `--lookup` ask the control plane for them
    · permission sets are not that small: the one for trainings allows deleting, too
    "#);
    let output = scratch.command(&["permissions", "--format", "json"]).output().unwrap();
    let needed: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&needed["project"], &needed["scope"]), (&"vision".into(), &"project".into()));
}

#[test]
fn the_ids_of_permission_sets_are_the_control_planes() {
    let cluster = Cluster::start();
    let role = cluster.json(&["permissions", "--role-json", "--lookup"]);
    let sets = role["permissionSets"].as_array().unwrap();
    assert!(!sets.is_empty());
    for set in sets {
        assert!(!set["id"].as_str().unwrap().starts_with('<'), "{role}");
    }
}
