//! Symbols, folding, hints and the rendered request.

use runai_ide::Symbol;

use crate::document;

const STEP: &str = "image: python:3.12\ncommand: [python, train.py]\n";

fn shown(symbols: &[Symbol], depth: usize) -> String {
    let mut text = String::new();
    for symbol in symbols {
        let detail = symbol.detail.as_ref().map(|detail| format!(" = {detail}")).unwrap_or_default();
        text = text + &" ".repeat(depth) + &symbol.name + &detail + "\n" + &shown(&symbol.children, depth + 1);
    }
    text
}

#[test]
fn symbols_hide_secrets() {
    let text =
        "environment:\n  HF_TOKEN: canary\n  MODE: x\nsettings:\n  ports:\n    - container: 80\n  labels: {a: b}\n";
    assert_eq!(
        shown(&document("a.runai.yaml", text).symbols(), 0),
        "environment\n HF_TOKEN = ***\n MODE = x\nsettings\n ports\n  0\n   container = 80\n labels\n  a = b\n"
    );
    let text = "steps:\n  train:\n    settings:\n      step_operator.runai:\n        gpu_devices_request: 1\n";
    assert!(shown(&document("run.yaml", text).symbols(), 0).contains("step_operator.runai = step train\n"));
}

#[test]
fn blocks_and_comments_fold() {
    let text = "# a\n# b\nsettings:\n  labels:\n    a: b\n  working_dir: |\n    x\n    y\n";
    let ranges: Vec<_> =
        document("a.yaml", text).folding().into_iter().map(|range| text[range].lines().count()).collect();
    assert_eq!(ranges, [2, 6, 2, 3]);
}

#[test]
fn hints_show_defaults_and_sizes() {
    let text =
        format!("{STEP}settings:\n  cpu_memory_request: 4Gi\n  gpu_memory_request: 1G\n  gpu_portion_request: 0.5\n");
    let hints = document("a.runai.yaml", &text).inlay_hints(&(0..text.len()));
    let shown: Vec<_> = hints
        .iter()
        .map(|hint| {
            let line = text[..hint.offset].rsplit('\n').next().unwrap();
            format!("{} {}", line.trim(), hint.label)
        })
        .collect();
    assert_eq!(
        shown[0],
        "settings: defaults: cpu_core_request: 1.0, gpu_devices_request: 1, gpu_request_type: portion, large_shm_request: false"
    );
    assert_eq!(
        shown[1..],
        ["cpu_memory_request: 4Gi = 4.29 GB", "gpu_memory_request: 1G = 953.67 MiB", "gpu_memory_request: 1G not sent"]
    );
}

#[test]
fn request_hides_secrets() {
    let text = format!("{STEP}environment: {{HF_TOKEN: canary, MODE: x, URL: \"https://a:canary@h\"}}\n");
    let rendered = document("a.runai.yaml", &text).render(None).unwrap();
    assert!(!rendered.body.contains("canary") && rendered.body.contains("***"), "{}", rendered.body);
    assert!(rendered.is_current && !rendered.map.members.is_empty());
}

#[test]
fn keeps_last_valid_request() {
    let mut document = document("a.runai.yaml", STEP);
    document.set_text(&format!("{STEP}settings: ["));
    let rendered = document.render(None).unwrap();
    assert!(!rendered.is_current && rendered.body.contains("python:3.12"));
}

#[test]
fn renders_each_zenml_step() {
    let text = "settings: {step_operator.runai: {gpu_devices_request: 1}}\nsteps:\n  a: {}\n  b: {settings: \
                {step_operator.runai: {gpu_devices_request: 2}}}\n";
    let document = document("run.yaml", text);
    assert_eq!(document.step_names(), ["a", "b"]);
    let body = document.render(Some("b")).unwrap().body;
    assert!(body.contains("\"gpuDevicesRequest\": 2"), "{body}");
}
