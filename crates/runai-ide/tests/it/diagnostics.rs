//! Problems beyond the report of the core.

use std::sync::Arc;

use runai_ide::{ClusterFacts, OPERATOR_CODE, POLICY_CODE};
use runai_spec::Source;
use runai_syntax::Format;

use crate::document;

const STEP: &str = "image: python:3.12\ncommand: [python, train.py]\n";

#[test]
fn reports_include_fixes() {
    let document = document("a.runai.yaml", &format!("{STEP}settings: {{gpu_portion: 0.5}}\n"));
    let found = document.diagnostics();
    assert_eq!((found.len(), found[0].code, found[0].fixes.is_empty()), (1, "unknown-key", false));
}

#[test]
fn policy_marks_rejected_setting() {
    let text = format!("{STEP}settings:\n  gpu_devices_request: 8\n");
    let policy = r#"{"policy": {"defaults": {}, "rules": {"compute": {"gpuDevicesRequest": {"max": 4},
        "cpuCoreRequest": {"min": 2}}}}}"#;
    let facts = ClusterFacts::from_json(policy).unwrap();
    let document = document("a.runai.yaml", &text).with_facts(Some(Arc::new(facts)));
    let found = document.diagnostics();
    assert!(found.iter().all(|found| found.code == POLICY_CODE));
    let places: Vec<_> = found.iter().map(|found| (&text[found.range.clone()], &*found.message)).collect();
    assert_eq!(
        places,
        [
            ("settings", "the policy rejects `cpu_core_request`: `1.0` is less than 2"),
            ("8", "the policy rejects `gpu_devices_request`: `8` is more than 4"),
        ]
    );
}

#[test]
fn groups_operator_errors() {
    let operator = Source { name: "runai-step.yaml", text: "gpu_portion_request: 7\n", format: Format::Yaml };
    let found = document("a.runai.yaml", STEP).with_operator(Some(operator)).diagnostics();
    assert_eq!((found[0].code, found[0].related[0].0.range.clone()), (OPERATOR_CODE, 21..22));
}
