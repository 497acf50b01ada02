//! Completions by language, place and what is written already.

use std::sync::Arc;

use runai_ide::{ClusterFacts, Completion, CompletionKind, EditorDocument, plain_text};

use crate::marked;

fn labels(name: &str, text: &str) -> Vec<String> {
    let (document, cursor) = marked(name, text);
    document.completions(cursor).into_iter().map(|found| found.label).collect()
}

fn find(document: &EditorDocument, cursor: usize, label: &str) -> Completion {
    let found = document.completions(cursor);
    found.iter().find(|found| found.label == label).cloned().unwrap_or_else(|| panic!("`{label}` in {found:#?}"))
}

/// The text after a completion is chosen and its tab stops are left as they are.
fn chosen(name: &str, text: &str, label: &str) -> String {
    let (document, cursor) = marked(name, text);
    let completion = find(&document, cursor, label);
    let mut text = document.text().to_owned();
    text.replace_range(completion.range, &plain_text(&completion.snippet));
    text
}

#[track_caller]
fn has(found: &[String], labels: &[&str]) {
    for label in labels {
        assert!(found.iter().any(|found| found == label), "`{label}` in {found:?}");
    }
}

#[track_caller]
fn lacks(found: &[String], labels: &[&str]) {
    for label in labels {
        assert!(!found.iter().any(|found| found == label), "no `{label}` in {found:?}");
    }
}

#[test]
fn offers_required_keys_first() {
    let found = labels("train.runai.yaml", "‸");
    assert_eq!(found[..2], ["command", "image"]);
    has(&found, &["settings", "environment"]);
    let found = labels("train.runai.yaml", "image: x\n‸\ncommand: [a]\n");
    lacks(&found, &["image", "command"]);
}

#[test]
fn column_selects_map() {
    let settings = "image: x\nsettings:\n  gpu_devices_request: 1\n  ‸\n";
    let found = labels("a.runai.yaml", settings);
    has(&found, &["gpu_portion_request", "half a GPU"]);
    lacks(&found, &["gpu_devices_request", "command"]);
    has(&labels("a.runai.yaml", "image: x\nsettings:\n  gpu_devices_request: 1\n‸\n"), &["command"]);
    has(&labels("a.runai.yaml", "settings:\n  pvc_mounts:\n    - path: /a\n      ‸\n"), &["claim_name", "read_only"]);
    lacks(&labels("a.runai.yaml", "settings:\n  pvc_mounts:\n    - path: /a\n      ‸\n"), &["path"]);
    has(&labels("a.runai.yaml", "settings:\n  pvc_mounts:\n  - cl‸\n"), &["claim_name", "existing PVC"]);
}

#[test]
fn completes_invalid_texts() {
    has(&labels("a.runai.yaml", "image: [\nsettings:\n  gpu_‸\n"), &["gpu_portion_request"]);
    has(&labels("a.runai.yaml", "settings: {gpu_‸"), &["gpu_portion_request"]);
    has(&labels("a.runai.json", "{\"settings\": {\"gpu_‸"), &["gpu_portion_request"]);
    has(&labels("a.runai.json", "{\"settings\": {\"gpu_request_type\": ‸"), &["memory", "portion"]);
    has(&labels("a.runai.toml", "[settings]\ngpu_‸"), &["gpu_portion_request"]);
    has(&labels("a.runai.toml", "image = \"\n[settings]\ngpu_request_type = ‸"), &["memory", "portion"]);
    has(&labels("a.runai.toml", "[[settings.pvc_mounts]]\ncl‸"), &["claim_name", "claim_info"]);
    has(&labels("a.runai.toml", "[[settings.pvc_mounts]]\n[settings.pvc_mounts.claim_info]\n‸"), &["storage_class"]);
}

#[test]
fn offers_values() {
    assert_eq!(labels("a.runai.yaml", "settings:\n  gpu_request_type: ‸\n"), ["memory", "portion"]);
    assert_eq!(labels("a.runai.yaml", "settings:\n  large_shm_request: ‸\n"), ["false", "true"]);
    has(&labels("a.runai.yaml", "settings:\n  cpu_memory_request: ‸\n"), &["4G", "32G"]);
    has(&labels("a.runai.yaml", "settings:\n  cpu_memory_request: 20‸\n"), &["20Gi", "20G"]);
    has(&labels("a.runai.yaml", "settings:\n  priority_class: ‸\n"), &["very-low", "very-high"]);
    let capability = "settings:\n  security_context:\n    capabilities:\n      - NET‸\n";
    has(&labels("a.runai.yaml", capability), &["NET_ADMIN"]);
    has(&labels("a.runai.yaml", "settings: {security_context: {capabilities: [‸]}}\n"), &["NET_ADMIN"]);
}

#[test]
fn ignores_comments_and_block_texts() {
    for text in ["# gpu‸\n", "image: x # ‸\n", "command:\n  - |\n    gpu‸\n", "image: x ‸\n"] {
        assert!(labels("a.runai.yaml", text).is_empty(), "{text}");
    }
}

#[test]
fn what_is_chosen_parses() {
    let text = "settings:\n  gpu‸\n";
    assert_eq!(chosen("a.runai.yaml", text, "gpu_devices_request"), "settings:\n  gpu_devices_request: 1\n");
    assert_eq!(
        chosen("a.runai.yaml", "settings:\n  ‸\n", "existing PVC"),
        "settings:\n  pvc_mounts:\n    - claim_name: training-datasets\n      path: /mnt/data\n      read_only: true\n"
    );
    assert_eq!(
        chosen("a.runai.json", "{\"settings\": {\"cpu‸\"}}", "cpu_memory_request"),
        "{\"settings\": {\"cpu_memory_request\": \"4G\"}}"
    );
    assert_eq!(
        chosen("a.runai.toml", "[settings]\n‸\n", "existing PVC"),
        "[settings]\npvc_mounts = [{ claim_name = \"training-datasets\", path = \"/mnt/data\", read_only = true }]\n"
    );
    assert_eq!(
        chosen("a.runai.yaml", "settings:\n  gpu‸: 2\n", "gpu_portion_request"),
        "settings:\n  gpu_portion_request: 2\n"
    );
}

#[test]
fn completes_zenml_blocks() {
    let text = "settings:\n  step_operator.runai:\n    ‸\nsteps:\n  train:\n    settings: {}\n";
    has(&labels("run.yaml", text), &["gpu_portion_request"]);
    let text = "steps:\n  train:\n    settings:\n      step_operator:\n        gpu_request_type: ‸\n";
    assert_eq!(labels("run.yaml", text), ["memory", "portion"]);
    has(
        &labels("run.yaml", "steps:\n  train:\n    ‸\n    settings: {step_operator: {}}\n"),
        &["environment", "parameters"],
    );
}

#[test]
fn facts_give_names() {
    let facts = ClusterFacts::from_json(
        r#"{"node_pools": [{"name": "a100", "phase": "Ready"}], "projects": [{"name": "ml", "gpu_quota": 4}],
            "templates": [{"id": "1-2", "name": "small"}], "priority_classes": ["low"], "claims": ["data"]}"#,
    )
    .unwrap();
    let facts = Some(Arc::new(facts));
    for (name, text, label, detail) in [
        ("a.runai.yaml", "settings:\n  node_pools: [‸]\n", "a100", Some("Ready")),
        ("a.runai.yaml", "settings:\n  node_pools:\n    - ‸\n", "a100", Some("Ready")),
        ("a.runai.yaml", "settings:\n  priority_class: ‸\n", "low", None),
        ("a.runai.yaml", "settings:\n  workload_template_id: ‸\n", "1-2", Some("small")),
        ("a.runai.yaml", "settings:\n  pvc_mounts:\n    - claim_name: ‸\n", "data", None),
        ("runai-step.toml", "project_name = ‸\n", "ml", Some("4 GPUs")),
    ] {
        let (document, cursor) = marked(name, text);
        let found = find(&document.with_facts(facts.clone()), cursor, label);
        assert_eq!((found.kind, found.detail.as_deref()), (CompletionKind::Name, detail), "{text}");
    }
}
