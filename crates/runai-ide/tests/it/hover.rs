//! What is said at a place.

use runai_spec::Source;
use runai_syntax::Format;

use crate::marked;

fn hover(name: &str, text: &str) -> String {
    let (document, cursor) = marked(name, text);
    document.hover(cursor).unwrap_or_else(|| panic!("a hover text in {text}")).markdown
}

const STEP: &str = "image: python:3.12\ncommand: [python, train.py]\n";

#[test]
fn setting_shows_type_and_values() {
    let text = hover("a.runai.yaml", &format!("{STEP}settings:\n  gpu_portion_req‸uest: 0.5\n"));
    assert!(text.starts_with("**`gpu_portion_request`** — a number from 0 to 1\n\nFraction of each device"), "{text}");
    assert!(text.contains("Unit: devices · Default: `1.0` · Sent as `spec.compute.gpuPortionRequest`"), "{text}");
    assert!(text.ends_with("Request: `spec.compute.gpuPortionRequest` = `0.5`"), "{text}");
}

#[test]
fn enum_value_shows_meaning() {
    let text = hover("a.runai.yaml", &format!("{STEP}settings:\n  gpu_request_type: ‸memory\n"));
    assert!(text.starts_with("`memory`: GPU memory on each device"), "{text}");
}

#[test]
fn names_operator_default() {
    let (document, cursor) = marked("a.runai.yaml", &format!("{STEP}settings:\n  la‸bels: {{a: b}}\n"));
    let operator = "labels: {owner: me}\ngpu_devices_request: 2\n";
    let document =
        document.with_operator(Some(Source { name: "runai-step.yaml", text: operator, format: Format::Yaml }));
    let text = document.hover(cursor).unwrap().markdown;
    assert!(text.contains("from the operator file `runai-step.yaml`"), "{text}");
}

#[test]
fn inactive_setting_shows_reason() {
    let text =
        hover("a.runai.yaml", &format!("{STEP}settings:\n  gpu_devices_request: 0\n  gpu_port‸ion_request: 0.5\n"));
    assert!(text.ends_with("Not sent: has no effect with `gpu_devices_request: 0` and is not sent."), "{text}");
}

#[test]
fn uses_last_valid_text() {
    let good = format!("{STEP}settings:\n  cpu_core_request: 8\n");
    let (broken, cursor) = marked("a.runai.yaml", &format!("{good}  cpu_‸memory_request: \"\n"));
    let broken = broken.text().to_owned();
    let mut document = crate::document("a.runai.yaml", &good);
    document.set_text(&broken);
    let text = document.hover(cursor).unwrap().markdown;
    assert!(text.contains("= `4G`, the default (of the last text without errors)"), "{text}");
}

#[test]
fn secrets_are_hidden() {
    let text = format!("{STEP}environment:\n  HF_TOKEN: ‸canary\n");
    let (document, cursor) = marked("a.runai.yaml", &text);
    let at = |offset| document.hover(offset).map(|hover| hover.markdown).unwrap_or_default();
    for offset in 0..=document.text().len() {
        assert!(!at(offset).contains("canary"), "{}", at(offset));
    }
    assert!(at(cursor).contains("***"), "{}", at(cursor));
}

#[test]
fn zenml_step_shows_request() {
    let text = "settings:\n  step_operator.runai: {gpu_devices_request: 1}\nsteps:\n  train:\n    settings:\n      \
                step_operator.runai:\n        gpu_devices_‸request: 4\n";
    assert!(hover("run.yaml", text).ends_with("Request: `spec.compute.gpuDevicesRequest` = `4`"));
}
