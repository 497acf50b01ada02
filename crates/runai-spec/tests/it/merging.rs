//! Merging of settings from several sources.

use runai_spec::{Context, Kind, Resolver, Source};

use runai_syntax::Format;

use crate::lines;

const STEP: &str = "image: python:3.12\ncommand: [python, train.py]\n";

fn source<'t>(name: &'t str, text: &'t str) -> Source<'t> {
    Source { name, text, format: Format::of_path(name) }
}

#[test]
fn merges_in_order_of_precedence() {
    let step = format!("{STEP}settings: {{cpu_core_request: 3, labels: {{team: vision}}}}\n");
    let operator = "cpu_core_request = 1.5\ncpu_memory_request = \"2G\"\nnode_type = \"A100\"\nlabels = {team = \"ml\", site = \"x\"}\n";
    let resolution = Resolver::new(source("step.yaml", &step))
        .operator(source("runai-step.toml", operator))
        .variable("RUNAI_CPU_MEMORY_REQUEST", "3G")
        .variable("RUNAI_CPU_CORE_REQUEST", "2")
        .variable("RUNAI_LABELS", "{}")
        .variable("RUNAI_TOKEN", "not-a-real-token")
        .set("--set node_type", "node_type", "5")
        .set("--set labels.example.com/x", "labels.example.com/x", "y")
        .set("--set environment.EPOCHS", "environment.EPOCHS", "3")
        .set("--set image", "image", "python:3.13")
        .resolve();
    assert_eq!(lines(&resolution.report()), "");
    let step = resolution.step().unwrap();
    let settings = step.settings();
    assert_eq!(settings.cpu_core_request.to_string(), "3");
    assert_eq!(settings.cpu_memory_request.as_str(), "3G");
    assert_eq!(settings.node_type.as_deref(), Some("5"));
    let labels: Vec<_> = settings.labels.iter().flat_map(|labels| &labels.0).collect();
    assert_eq!(format!("{labels:?}"), r#"[("team", "vision"), ("site", "x"), ("example.com/x", "y")]"#);
    assert_eq!(step.environment().iter().collect::<Vec<_>>(), [("EPOCHS", "3")]);
    assert_eq!(step.image(), Some("python:3.13"));
}

#[test]
fn null_unsets_operator_default() {
    let step = format!(
        "{STEP}settings: {{node_type: null, labels: {{team: null}}, security_context: {{run_as_uid: null}}}}\n"
    );
    let operator = "node_type: A100\nlabels: {team: ml, site: x}\nsecurity_context: {run_as_uid: 5, host_ipc: true}\n";
    let resolution = Resolver::new(source("step.yaml", &step)).operator(source("op.yaml", operator)).resolve();
    assert_eq!(lines(&resolution.report()), "");
    let settings = resolution.step().unwrap().settings();
    assert_eq!(settings.node_type, None);
    assert_eq!(settings.labels.as_ref().unwrap().0.len(), 1);
    let security = settings.security_context.as_ref().unwrap();
    assert_eq!((security.run_as_uid, security.host_ipc), (None, Some(true)));
}

#[test]
fn lists_are_replaced() {
    let step = format!("{STEP}settings: {{node_pools: [b]}}\n");
    let resolution =
        Resolver::new(source("step.yaml", &step)).operator(source("op.yaml", "node_pools: [a, c]\n")).resolve();
    assert_eq!(resolution.step().unwrap().settings().node_pools.as_deref(), Some(&["b".to_owned()][..]));
}

#[test]
fn names_both_files() {
    let step = format!("{STEP}settings:\n  cpu_memory_limit: 8Gi\n");
    let operator = "project_name: vision\ncpu_memory_request: 16Gi\n";
    let resolution = Resolver::new(source("step.yaml", &step)).operator(source("op.yaml", operator)).resolve();
    insta::assert_snapshot!(lines(&resolution.report()), @r"
    4:21-4:24 [77..80] error[limit-below-request] /settings/cpu_memory_limit `cpu_memory_limit` is `8Gi`, below `cpu_memory_request`, which is `16Gi` (in op.yaml, line 2)
        help: raise `cpu_memory_limit` to `16Gi` or more, or lower `cpu_memory_request`
    ");
}

#[test]
fn reports_operator_file_separately() {
    let operator = "projekt_name: vision\nlabels: {team: 5}\ncpu_memory_limit: 1G\n";
    let resolution = Resolver::new(source("step.yaml", STEP)).operator(source("op.yaml", operator)).resolve();
    assert!(resolution.report().ok);
    assert!(resolution.has_errors());
    assert!(resolution.step().is_none());
    let reports = resolution.reports();
    assert_eq!(reports.len(), 2);
    insta::assert_snapshot!(lines(&reports[1].report), @r#"
    1:1-1:13 [0..12] error[unknown-key] /projekt_name unknown key `projekt_name`
        help: did you mean `project_name`?
    2:16-2:17 [36..37] error[wrong-type] /labels/team `labels.team` is the number `5`, not a string
        help: quote it: `"5"`
    3:19-3:21 [57..59] error[limit-below-request] /cpu_memory_limit `cpu_memory_limit` is `1G`, below `cpu_memory_request`, which is `4G` (the default)
        help: raise `cpu_memory_limit` to `4G` or more, or lower `cpu_memory_request`
    "#);
}

#[test]
fn reports_invalid_variables_and_overrides() {
    let resolution = Resolver::new(source("step.yaml", STEP))
        .variable("RUNAI_GPU_DEVICES_REQUEST", "many")
        .set("--set gpu_portion_reqest", "gpu_portion_reqest", "0.5")
        .set("--set cpu_core_request", "cpu_core_request", "[1")
        .set("--set backoff_limit", "backoff_limit", "")
        .resolve();
    let found: Vec<_> = resolution
        .reports()
        .iter()
        .flat_map(|found| {
            found.report.diagnostics.iter().map(|d| format!("{}: {}", found.name, d.message)).collect::<Vec<_>>()
        })
        .collect();
    insta::assert_snapshot!(found.join("\n"), @r"
    RUNAI_GPU_DEVICES_REQUEST: `gpu_devices_request` is the string `many`, not an integer
    --set gpu_portion_reqest: unknown key `gpu_portion_reqest` in `settings`
    --set cpu_core_request: invalid YAML: while parsing a flow sequence, expected ',' or ']'
    --set backoff_limit: `backoff_limit` is the string ``, not an integer
    ");
}

#[test]
fn merges_pipeline_settings_into_zenml_step() {
    let text = "
settings:
  step_operator: {cpu_memory_request: 8Gi, node_type: A100, labels: {team: ml, of: x}}
steps:
  trainer:
    settings:
      step_operator: {cpu_core_request: 2, labels: {team: vision}}
  other:
    settings: {step_operator.sagemaker: {gpu: 1}}
";
    let resolution = Resolver::new(source("run.yaml", text)).resolve();
    assert_eq!(resolution.kind(), Some(Kind::Zenml));
    assert_eq!(resolution.step_names().collect::<Vec<_>>(), ["trainer"]);
    let step = resolution.step_named("trainer").unwrap();
    assert_eq!(step.settings().cpu_memory_request.as_str(), "8Gi");
    assert_eq!(step.settings().cpu_core_request.to_string(), "2");
    assert_eq!(step.settings().labels.as_ref().unwrap().0["team"], "vision");
    assert_eq!(
        (step.settings().labels.as_ref().unwrap().0["of"].as_str(), step.settings().node_type.as_deref()),
        ("x", Some("A100"))
    );
    let body = step.render(&Context::default());
    assert_eq!((body.name.as_str(), body.spec.image.as_deref(), body.spec.command), ("trainer", Some("<image>"), None));
}

#[test]
fn null_override_unsets() {
    let step = format!("{STEP}settings: {{backoff_limit: 3, node_type: A100}}\n");
    let resolution = Resolver::new(source("step.yaml", &step))
        .set("--set backoff_limit", "backoff_limit", "null")
        .set("--set node_type", "node_type", "~")
        .resolve();
    assert_eq!(lines(&resolution.report()), "");
    let settings = resolution.step().unwrap().settings();
    assert_eq!((settings.backoff_limit, settings.node_type.as_deref()), (None, None));
}

#[test]
fn overrides_operator_keys() {
    let operator = "project_name: vision\nimage_pull_secret_name: from-file\nmonitoring_interval: 5\n";
    let resolution = Resolver::new(source("step.yaml", "image: a\ncommand: [b]\n"))
        .operator(source("op.yaml", operator))
        .operator_value("RUNAI_PROJECT_NAME", "project_name", "123")
        .operator_value("RUNAI_IMAGE_PULL_SECRET_NAME", "image_pull_secret_name", "from-environment")
        .operator_value("--project", "project_name", "456")
        .operator_value("RUNAI_NODE_TYPE", "node_type", "no key of the operator's own")
        .resolve();
    assert!(!resolution.has_errors(), "{:?}", resolution.diagnostics());
    let settings = resolution.operator().unwrap();
    assert_eq!((settings.project_name.as_deref(), settings.monitoring_interval), (Some("456"), 5.0));
    assert_eq!(resolution.step().unwrap().image_pull_secret(), Some("from-environment"));

    let alone = Resolver::new(source("step.yaml", "image: a\ncommand: [b]\n"))
        .operator_value("RUNAI_MONITORING_INTERVAL", "monitoring_interval", "soon")
        .resolve();
    let reports = alone.reports();
    let wrong = reports.iter().find(|report| report.name == "RUNAI_MONITORING_INTERVAL").unwrap();
    assert_eq!(wrong.report.diagnostics[0].code, "wrong-type");
}

#[test]
fn diagnoses_value_or_nearest_parent() {
    let text = "image: a\ncommand: [b]\nsettings:\n  ports:\n    - container: 80\n";
    let place = |pointer| {
        let said = source("step.yaml", text).diagnose(pointer, "refused", "no".to_owned(), None)?;
        assert_eq!((said.code, said.path.as_str()), ("refused", pointer));
        Some((said.line, said.column))
    };
    assert_eq!(place("/settings/ports/0/container"), Some((5, 18)));
    assert_eq!(place("/settings/ports/0/name"), Some((5, 7)));
    assert_eq!(place("/settings/labels"), Some((4, 3)));
    assert_eq!(place(""), Some((1, 1)));
    assert_eq!(source("step.yaml", "a: [").diagnose("/a", "refused", "no".to_owned(), None), None);
}

#[test]
fn accepts_empty_operator_file() {
    for text in ["", "# project_name = 'vision'\n"] {
        let operator = Source { name: "op.toml", text, format: Format::Toml };
        let resolution = Resolver::new(source("step.yaml", "image: a\ncommand: [b]\n")).operator(operator).resolve();
        assert!(!resolution.has_errors(), "{:?}", resolution.diagnostics());
        let alone = Resolver::new(operator).kind(Kind::Operator).resolve();
        assert!(!alone.has_errors() && alone.operator().is_some(), "{:?}", alone.diagnostics());
    }
}

#[test]
fn overrides_apply_to_pipeline_blocks() {
    let text =
        "settings: {step_operator: {cpu_core_limit: 2}}\nsteps: {a: {settings: {step_operator: {backoff_limit: 1}}}}\n";
    let resolver = || Resolver::new(source("run.yaml", text));
    let resolution = resolver().set("--set backoff_limit", "backoff_limit", "3").resolve();
    let settings = resolution.step_named("a").unwrap().settings();
    assert_eq!((settings.backoff_limit, settings.cpu_core_limit), (Some(3), Some(2.0)));
    let wrong = resolver().set("--set imagee", "imagee", "x").resolve();
    let reports = wrong.reports();
    let found = reports.iter().find(|report| report.name == "--set imagee").unwrap();
    assert!(found.report.diagnostics.iter().all(|diagnostic| diagnostic.code == "unknown-key"), "{found:?}");
    assert!(wrong.has_errors());
}
