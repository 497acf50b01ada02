//! The facts of a control plane as a file.

use runai_ide::ClusterFacts;

use crate::cluster::Cluster;

#[test]
fn writes_facts_without_secrets() {
    let cluster = Cluster::start();
    let printed = cluster.json(&["snapshot"]);
    assert_eq!(printed["projects"][0]["name"], "sim-project");
    assert_eq!(printed["projects"][0]["quotas"][0]["node_pool"], "default");
    assert_eq!(printed["node_pools"][0]["name"], "default");
    assert_eq!(printed["clusters"][0], "sim-cluster");
    assert_eq!(printed["priority_classes"][0], "very-low");
    assert_eq!(cluster.run(&["snapshot", "--output", "facts.json"]).trim(), "exit 0");
    let text = std::fs::read_to_string(cluster.scratch.path().join("facts.json")).unwrap();
    let facts = ClusterFacts::from_json(&text).unwrap();
    assert_eq!(serde_json::to_value(&facts).unwrap(), printed);
}

#[test]
fn writes_nothing_when_unreachable() {
    let cluster = Cluster::start();
    let mut command = cluster.command(&["snapshot", "--output", "facts.json"]);
    let output = command.env("RUNAI_CLIENT_SECRET", "wrong").output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(!cluster.scratch.path().join("facts.json").exists());
}
