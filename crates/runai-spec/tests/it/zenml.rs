//! ZenML run configurations: the settings and variables of steps, and their origins.

use runai_spec::{Context, Kind, Resolution, Resolver, Source};

use runai_syntax::Format;
use serde_json::{Value, json};

use crate::lines;

fn source(text: &str) -> Source<'_> {
    Source { name: "run.yaml", text, format: Format::Yaml }
}

fn resolved(text: &str) -> Resolution<'_> {
    let resolution = Resolver::new(source(text)).resolve();
    assert_eq!(resolution.kind(), Some(Kind::Zenml), "{text}");
    assert!(!resolution.has_errors(), "{text}\n{}", lines(&resolution.report()));
    resolution
}

fn body(resolution: &Resolution<'_>, step: &str) -> Value {
    let step = resolution.step_named(step).unwrap_or_else(|| panic!("there is no step `{step}`"));
    serde_json::to_value(step.render(&Context::default())).unwrap()
}

fn variables(body: &Value) -> Vec<(&str, &str)> {
    let variables = body["spec"]["environmentVariables"].as_array().map(Vec::as_slice).unwrap_or_default();
    variables.iter().map(|one| (one["name"].as_str().unwrap(), one["value"].as_str().unwrap())).collect()
}

fn environment(variables: &[(&str, &str)]) -> Vec<(String, String)> {
    variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn renders_pipeline_and_step_environment() {
    let text = "environment: {WANDB_MODE: online, RATE: 0.10, DEBUG: no, N: 1_000}\n\
                steps: {trainer: {environment: {WANDB_MODE: offline, NCCL_DEBUG: INFO}, settings: {step_operator: {}}}}\n";
    let resolution = resolved(text);
    let body = body(&resolution, "trainer");
    let expected =
        [("WANDB_MODE", "offline"), ("RATE", "0.1"), ("DEBUG", "False"), ("N", "1000"), ("NCCL_DEBUG", "INFO")];
    assert_eq!(variables(&body), expected);
}

#[test]
fn uses_pipeline_block() {
    let text = "settings: {step_operator.runai: {gpu_portion_request: 0.5}}\nsteps: {trainer: {step_operator: runai}, other: {}}\n";
    let resolution = resolved(text);
    assert_eq!(body(&resolution, "trainer")["spec"]["compute"]["gpuPortionRequest"], 0.5);
    assert_eq!(body(&resolution, "other")["spec"]["compute"]["gpuPortionRequest"], 0.5);
}

#[test]
fn selects_block_of_named_operator() {
    let text = "settings:\n  'step_operator:small': {gpu_portion_request: 0.25}\n  'step_operator:big': {gpu_devices_request: 8}\n\
                steps:\n  a: {step_operator: big}\n  b: {step_operator: small}\n  \
                c: {step_operator: small, settings: {'step_operator:big': {cpu_core_request: 2}}}\n";
    let resolution = resolved(text);
    let compute = |step| body(&resolution, step)["spec"]["compute"].clone();
    assert_eq!((&compute("a")["gpuDevicesRequest"], &compute("a")["gpuPortionRequest"]), (&json!(8), &json!(1.0)));
    assert_eq!((&compute("b")["gpuDevicesRequest"], &compute("b")["gpuPortionRequest"]), (&json!(1), &json!(0.25)));
    assert_eq!((&compute("c")["cpuCoreRequest"], &compute("c")["gpuPortionRequest"]), (&json!(1.0), &json!(0.25)));
}

#[test]
fn default_operator_differs_from_named_one() {
    let text = "settings: {step_operator: {node_type: T4}, 'step_operator:big': {node_type: A100}}\n\
                steps: {a: {step_operator: big}, b: {}, c: {step_operator: false}}\n";
    let resolution = resolved(text);
    assert_eq!(body(&resolution, "a")["spec"]["nodeType"], "A100");
    assert_eq!(body(&resolution, "b")["spec"]["nodeType"], "T4");
    assert_eq!(resolution.step_names().collect::<Vec<_>>(), ["a", "b"]);
}

#[test]
fn ignores_blocks_of_other_flavors() {
    for text in [
        "steps: {a: {step_operator: mine, settings: {step_operator: {estimator_args: {instance_type: m7g.medium}}}}}\n",
        "steps: {a: {step_operator: sagemaker, settings: {step_operator.sagemaker: {instance_type: m7g.medium}}}}\n",
        "settings: {step_operator: {pod_settings: {tolerations: []}}}\nsteps: {a: {}}\n",
        "settings: {step_operator.runai: {node_type: A100}}\nsteps: {a: {settings: {step_operator.vertex: {machine_type: n1}}}}\n",
    ] {
        let resolution = resolved(text);
        assert_eq!(lines(&resolution.report()), "", "{text}");
        assert_eq!(resolution.step_names().count(), 0, "{text}");
    }
    let near = "settings: {step_operator: {gpu_portion: 0.5}}\n";
    assert!(Resolver::new(source(near)).resolve().has_errors());
}

#[test]
fn merges_pipeline_values() {
    let text = "settings:\n  step_operator: {cpu_memory_request: 8Gi, node_pools: [a], labels: {x: y}, security_context: {run_as_uid: 5, uid_gid_source: custom}, node_type: T4}\n\
                steps:\n  a:\n    settings:\n      step_operator: {cpu_core_request: 2, node_pools: [b], labels: {z: w}, security_context: {run_as_gid: 6}, node_type: null}\n";
    let resolution = resolved(text);
    let codes: Vec<_> = resolution.report().diagnostics.iter().map(|found| found.code).collect();
    assert_eq!(codes, ["ineffective-null"]);
    let body = body(&resolution, "a");
    assert_eq!(body["spec"]["compute"]["cpuMemoryRequest"], "8Gi");
    assert_eq!((&body["spec"]["nodePools"], &body["spec"]["nodeType"]), (&json!(["b"]), &json!("T4")));
    assert_eq!((&body["spec"]["security"]["runAsUid"], &body["spec"]["security"]["runAsGid"]), (&json!(5), &json!(6)));
    assert_eq!(body["spec"]["labels"].as_array().unwrap().len(), 2);
}

#[test]
fn checks_block_before_merge() {
    let text = "settings: {step_operator: {gpu_portion_request: 0.5}}\n\
                steps: {a: {settings: {step_operator: {gpu_portion_limit: 0.6}}}}\n";
    let report = Resolver::new(source(text)).resolve().report();
    assert_eq!(report.diagnostics.iter().map(|found| found.code).collect::<Vec<_>>(), ["limit-below-request"]);
}

#[test]
fn operator_has_lowest_precedence() {
    let operator = Source { name: "op.yaml", text: "cpu_memory_request: 8Gi\nnode_type: A100\n", format: Format::Yaml };
    let text = "settings: {step_operator: {node_type: T4}}\n\
                steps: {a: {settings: {step_operator: {cpu_core_request: 2}}}, b: {step_operator: runai}}\n";
    let resolution = Resolver::new(source(text)).operator(operator).resolve();
    let memory = |step| body(&resolution, step)["spec"]["compute"]["cpuMemoryRequest"].clone();
    assert_eq!((memory("a"), memory("b")), (json!("8Gi"), json!("8Gi")));
    assert_eq!(body(&resolution, "a")["spec"]["nodeType"], "T4");
}

#[test]
fn substitutes_placeholders() {
    let text = "environment: {ROOT: '${HOME_DIR}/data'}\nsteps:\n  trainer:\n    settings:\n      step_operator.runai:\n        \
                gpu_devices_request: ${NUM_GPUS}\n        cpu_memory_request: ${MEMORY}\n        labels: {'${KEY}': '${TEAM}-$x'}\n        large_shm_request: ${SHM}\n";
    let unknown = resolved(text);
    assert!(unknown.step().is_none() && unknown.report().ok);
    assert_eq!(unknown.step_names().collect::<Vec<_>>(), ["trainer"]);

    let known = environment(&[
        ("NUM_GPUS", "2"),
        ("MEMORY", "16Gi"),
        ("TEAM", "ml"),
        ("KEY", "team"),
        ("HOME_DIR", "/w"),
        ("SHM", "yes"),
        ("__ZENML__EXTRA", "1"),
    ]);
    let resolution = Resolver::new(source(text)).process_environment(&known).resolve();
    assert_eq!(lines(&resolution.report()).matches("error").count(), 1, "{}", lines(&resolution.report()));
    let text = text.replace("-$x", "");
    let resolution = Resolver::new(source(&text)).process_environment(&known).resolve();
    let body = body(&resolution, "trainer");
    assert_eq!(
        (&body["spec"]["compute"]["gpuDevicesRequest"], &body["spec"]["compute"]["largeShmRequest"]),
        (&json!(2), &json!(true))
    );
    assert_eq!(body["spec"]["compute"]["cpuMemoryRequest"], "16Gi");
    assert_eq!(
        (&body["spec"]["labels"][0]["name"], &body["spec"]["labels"][0]["value"]),
        (&json!("team"), &json!("ml"))
    );
    assert_eq!(variables(&body), [("ROOT", "/w/data"), ("EXTRA", "1")]);
}

#[test]
fn reports_missing_variables() {
    let text = "steps: {a: {settings: {step_operator: {node_type: '${A}-${B}', node_pools: ['${C}']}}}}\n";
    let variables = environment(&[("B", "x")]);
    let resolution = Resolver::new(source(text)).process_environment(&variables).resolve();
    let messages: Vec<_> = resolution.report().diagnostics.iter().map(|found| found.message.clone()).collect();
    assert_eq!(messages, ["`A` is not set", "`C` is not set"]);
}

#[test]
fn messages_explain_yaml_1_1() {
    let help = |value: &str, key: &str| {
        let text = format!("steps: {{a: {{settings: {{step_operator: {{{key}: {value}}}}}}}}}\n");
        let report = Resolver::new(source(&text)).resolve().report();
        report.diagnostics.first().and_then(|found| found.help.clone()).unwrap_or_default()
    };
    assert_eq!(help("NO", "node_type"), "YAML 1.1 reads `NO` as `false`; quote it: `\"NO\"`");
    assert_eq!(help("1_000", "node_type"), "YAML 1.1 reads `1_000` as the number 1000; quote it: `\"1_000\"`");
    assert_eq!(help("2024-01-01", "node_type"), "YAML 1.1 reads `2024-01-01` as a date; quote it: `\"2024-01-01\"`");
    assert_eq!(help("0o4", "gpu_devices_request"), "write `4`; YAML 1.1 reads `0o4` as a string");
    assert_eq!(help("1e3", "backoff_limit"), "write `1000`");
}

#[test]
fn merges_keys_like_pyyaml() {
    let text = "small: &small {cpu_core_request: 1, node_type: T4}\nbig: &big {cpu_core_request: 8}\n\
                steps:\n  a:\n    settings:\n      step_operator:\n        <<: *small\n        <<: *big\n";
    let resolution = resolved(text);
    assert_eq!(body(&resolution, "a")["spec"]["compute"]["cpuCoreRequest"], 8.0);
    assert_eq!(body(&resolution, "a")["spec"]["nodeType"], "T4");
    let own = "image: a/b\ncommand: [x]\nsettings: {<<: {cpu_core_request: 1}, <<: {cpu_core_request: 2}}\n";
    let report = Resolver::new(source(own)).resolve().report();
    assert_eq!(report.diagnostics.iter().map(|found| found.code).collect::<Vec<_>>(), ["duplicate-key"]);
}

#[test]
fn runai_files_are_never_zenml() {
    let kind = |name: &str, text: &str| Resolver::new(Source { name, text, format: Format::Yaml }).resolve().kind();
    assert_eq!(kind("run.yaml", "steps: {a: {}}\n"), Some(Kind::Zenml));
    assert_eq!(kind("dir/train.runai.yaml", "steps: {a: {}}\n"), Some(Kind::Settings));
    assert_eq!(kind("run.yaml", "environment: {A: b}\nsettings: {gpu_devices_request: 1}\n"), Some(Kind::Settings));
    assert_eq!(kind("run.yaml", "environment: {A: b}\nsettings: {docker: {}}\n"), Some(Kind::Zenml));
    assert_eq!(kind("run.yaml", "{}\n"), Some(Kind::Settings));
}
