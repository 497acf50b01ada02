//! Compares source maps and inactive settings with the effect of changing each setting.

use std::collections::BTreeSet;

use runai_spec::inactive::inactive;
use runai_spec::{Context, Location, Origin, Resolution, Resolver, Source, SourceMap, Tag};
use runai_syntax::{Format, apply, edit};
use serde_json::{Value, json};

use crate::resolve;

const STEP: &str = "\
name: train
image: a/b:1
command: [python, -m, train, --epochs, \"10\"]
environment: {MODE: offline, EPOCHS: 3}
settings:
  gpu_portion_request: 0.5
  gpu_portion_limit: 0.8
  cpu_core_request: 2
  cpu_memory_request: 8Gi
  node_pools: [a100, v100]
  node_type: A100
  priority_class: high
  tolerations:
    - {key: gpu, operator: Equal, value: a100}
  extended_resources: {rdma/hca: \"1\"}
  large_shm_request: true
  backoff_limit: 3
  working_dir: /work
  labels: {team: ml, org: research}
  annotations: {prometheus.io/scrape: \"true\"}
  pvc_mounts:
    - claim_name: data
      path: /data
      read_only: true
    - {path: /scratch, existing_pvc: false, claim_info: {size: 10Gi, storage_class: fast}}
  nfs_mounts: [{server: nfs.example.com, path: /exports, mount_path: /mnt/nfs}]
  security_context: {run_as_uid: 1000, uid_gid_source: custom, supplemental_groups: [1, 2]}
  ports: [{container: 8888, name: web}]
  completions: 2
";

fn body(resolution: &Resolution<'_>) -> Value {
    let step = resolution.step().unwrap_or_else(|| panic!("{:?}", resolution.report()));
    serde_json::from_str(&step.body(&Context::default())).unwrap()
}

fn map(resolution: &Resolution<'_>) -> SourceMap {
    resolution.source_map(None, &Context::default()).unwrap()
}

/// Returns the pointers of the scalars in a value.
fn leaves(value: &Value, pointer: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                leaves(value, &format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1")), found);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                leaves(value, &format!("{pointer}/{index}"), found);
            }
        }
        _ => found.push(pointer.to_owned()),
    }
}

fn all_leaves(value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    leaves(value, "", &mut found);
    found
}

/// Returns another valid value of the same format.
fn another(value: &Value) -> Value {
    match value {
        Value::Bool(value) => json!(!value),
        Value::Number(number) if number.is_f64() => json!(number.as_f64().unwrap() / 2.0 + 0.2),
        Value::Number(number) => json!(number.as_i64().unwrap() + 1),
        Value::String(text) => match text.as_str() {
            "high" => json!("low"),
            "custom" => json!("fromTheImage"),
            "Equal" => json!("Exists"),
            _ if text.ends_with("Gi") => json!(format!("1{text}")),
            "1" | "3" | "10" => json!(format!("{text}1")),
            _ => json!(format!("{text}x")),
        },
        _ => Value::Null,
    }
}

/// Changes each scalar of a step, and compares the members that change with those of the source map.
#[test]
fn maps_members_that_a_setting_changes() {
    let resolution = resolve(STEP);
    let (before, map) = (body(&resolution), map(&resolution));
    let document = runai_syntax::convert(STEP, Format::Yaml, Format::Json).unwrap();
    let document: Value = serde_json::from_str(&document).unwrap();
    let mut tried = 0;
    for pointer in all_leaves(&document) {
        // Only tolerations with `Equal` may have a value.
        if pointer.ends_with("/operator") {
            continue;
        }
        let value = another(document.pointer(&pointer).unwrap());
        let text = apply(STEP, &edit(STEP, Format::Yaml, &pointer, Some(&value)).unwrap());
        let after = body(&resolve(&text));
        let setting = pointer.strip_prefix("/settings").unwrap_or(&pointer);
        let mapped: BTreeSet<_> = map.of_setting(setting).map(|source| source.member.clone()).collect();
        let changed: Vec<_> =
            all_leaves(&before).into_iter().filter(|leaf| before.pointer(leaf) != after.pointer(leaf)).collect();
        assert!(!changed.is_empty(), "{pointer} {value}");
        for member in changed {
            // Tokens of a command and supplemental groups are joined.
            let around = setting.rsplit_once('/').map_or("", |(around, _)| around);
            let is_joined = map.of_setting(around).any(|source| source.member == member)
                && (setting.starts_with("/command/") || setting.contains("supplemental_groups"));
            assert!(mapped.contains(&member) || is_joined, "{pointer} changes {member}, not only {mapped:?}");
        }
        tried += 1;
    }
    assert!(tried > 40, "{tried}");
}

#[test]
fn maps_every_value_of_body() {
    let resolution = resolve(STEP);
    let (body, map) = (body(&resolution), map(&resolution));
    for leaf in all_leaves(&body) {
        let source = map.members.iter().find(|source| source.member == leaf);
        assert!(source.is_some(), "{leaf}");
    }
    let at = |member: &str| {
        let source = map.of_member(member).unwrap();
        let text = source.place.as_ref().map(|place| &STEP[place.offset..place.end_offset]);
        (source.setting.as_deref(), source.source, text)
    };
    let portion = (Some("/gpu_portion_request"), Origin::Document, Some("0.5"));
    assert_eq!(at("/spec/compute/gpuPortionRequest"), portion);
    assert_eq!(at("/spec/compute/gpuDevicesRequest"), (Some("/gpu_devices_request"), Origin::Default, None));
    assert_eq!(at("/spec/environmentVariables/1/value"), (Some("/environment/EPOCHS"), Origin::Document, Some("3")));
    assert_eq!(at("/spec/storage/pvc/0/readOnly"), (Some("/pvc_mounts/0/read_only"), Origin::Document, Some("true")));
    assert_eq!(at("/spec/storage/pvc/0/exclude").1, Origin::Default);
    assert_eq!(at("/useGivenNameAsPrefix"), (None, Origin::Default, None));
    assert_eq!(at("/spec/args").0, Some("/command"));
}

#[test]
fn maps_source_with_highest_precedence() {
    let text = "image: a/b\ncommand: [x]\nsettings: {cpu_core_request: 2}\n";
    let operator = "cpu_core_request: 4\ncpu_memory_request: 8Gi\nnode_type: A100\nimage_pull_secret_name: pull\n";
    let resolution = Resolver::new(Source { name: "step.yaml", text, format: Format::Yaml })
        .operator(Source { name: "runai-step.yaml", text: operator, format: Format::Yaml })
        .variable("RUNAI_NODE_TYPE", "T4")
        .set("--set", "backoff_limit", "3")
        .resolve();
    let context = Context { image: Some("c/d".to_owned()), ..Context::default() };
    let map = resolution.source_map(None, &context).unwrap();
    let at = |member: &str| {
        let source = map.of_member(member).unwrap();
        (source.source, source.place.as_ref().map(|place| (place.name.as_str(), place.offset)))
    };
    assert_eq!(at("/spec/compute/cpuCoreRequest"), (Origin::Document, Some(("step.yaml", 53))));
    assert_eq!(at("/spec/compute/cpuMemoryRequest"), (Origin::Operator, Some(("runai-step.yaml", 40))));
    assert_eq!(at("/spec/nodeType"), (Origin::Variable, Some(("RUNAI_NODE_TYPE", 0))));
    assert_eq!(at("/spec/backoffLimit"), (Origin::Override, Some(("--set", 0))));
    assert_eq!(at("/spec/image"), (Origin::Context, None));
    assert_eq!(at("/spec/imagePullSecrets/0/name"), (Origin::Operator, Some(("runai-step.yaml", 84))));
}

#[test]
fn maps_zenml_blocks() {
    let text = "\
environment: {A: 1, B: 2}
settings:
  step_operator: {node_type: A100, cpu_core_request: 2}
steps:
  train:
    environment: {B: \"3\"}
    settings:
      step_operator: {cpu_core_request: 4}
";
    let resolution = resolve(text);
    let map = resolution.source_map(Some("train"), &Context::default()).unwrap();
    let at = |setting: &str| {
        let place = map.of_setting(setting).next().unwrap().place.as_ref().unwrap();
        &text[place.offset..place.end_offset]
    };
    assert_eq!((at("/node_type"), at("/cpu_core_request")), ("A100", "4"));
    assert_eq!((at("/environment/A"), at("/environment/B")), ("1", "\"3\""));
}

#[test]
fn locates_values_and_insertions() {
    let source = |text| Source { name: "a.yaml", text, format: Format::Yaml };
    let text = "image: a/b\nsettings:\n  node_type: A100\n";
    assert_eq!(source(text).locate("/settings/node_type"), Some(Location::Written { offset: 34, end_offset: 38 }));
    let Some(Location::Insertion { offset }) = source(text).locate("/settings/labels/team") else { panic!() };
    assert!((38..=39).contains(&offset), "{offset}");
    assert_eq!(source("a: [").locate("/b"), None);
}

/// Sets each setting, and compares diagnostics tagged `unnecessary` with inactive settings.
#[test]
fn inactive_settings_have_no_effect() {
    let samples = json!({
        "gpu_devices_request": 1, "gpu_request_type": "portion", "gpu_portion_request": 0.5, "gpu_portion_limit": 1.0,
        "gpu_memory_request": "2G", "gpu_memory_limit": "2G", "cpu_core_request": 1.0, "cpu_core_limit": 2.0,
        "cpu_memory_request": "2G", "cpu_memory_limit": "4G", "node_type": "A100", "preemptibility": "preemptible",
        "priority_class": "high", "large_shm_request": true, "backoff_limit": 1, "parallelism": 1, "completions": 1,
        "security_context/run_as_uid": 1, "security_context/run_as_gid": 1, "security_context/run_as_non_root": true,
    });
    for base in [
        json!({}),
        json!({"gpu_devices_request": 0}),
        json!({"gpu_devices_request": 2}),
        json!({"gpu_request_type": "memory", "gpu_memory_request": "2G"}),
        json!({"gpu_request_type": "memory", "gpu_memory_request": "2G", "gpu_devices_request": 0}),
        json!({"security_context": {"uid_gid_source": "custom"}}),
        json!({"security_context": {"uid_gid_source": "fromTheImage"}}),
    ] {
        let text = base.to_string();
        let of = |text: &str| {
            let source = Source { name: "a.json", text, format: Format::Json };
            let resolution = Resolver::new(source).resolve();
            let settings = resolution.step().map(|step| step.settings().clone());
            (settings, resolution.report())
        };
        let (settings, _) = of(&text);
        let found: BTreeSet<_> = inactive(&settings.unwrap()).into_iter().map(|found| found.path).collect();
        let mut tried = BTreeSet::new();
        for (key, sample) in samples.as_object().unwrap() {
            let pointer = format!("/{key}");
            // Settings that are already set keep their values.
            let with = if base.pointer(&pointer).is_some() {
                text.clone()
            } else {
                apply(&text, &edit(&text, Format::Json, &pointer, Some(sample)).unwrap())
            };
            let (_, report) = of(&with);
            let off = report.diagnostics.iter().any(|it| it.path == pointer && it.tags.contains(&Tag::Unnecessary));
            if off {
                tried.insert(pointer);
            }
        }
        assert_eq!(found, tried, "{text}");
    }
}
