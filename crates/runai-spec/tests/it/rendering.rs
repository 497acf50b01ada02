//! Rendering of requests.

use runai_api::name::SubmissionId;
use runai_api::wire::{GpuRequestType, TrainingCreationRequest};
use runai_spec::settings::{StepFile, StepSettings};
use runai_spec::{Context, Resolver, Source, Step};
use runai_syntax::Format;
use serde_json::{Value, json};

use crate::resolve;

fn compute(settings: &str) -> Value {
    let resolution = resolve(settings);
    let body = resolution.step().unwrap().render(&Context::default());
    serde_json::to_value(body.spec.compute).unwrap()
}

#[test]
fn sends_fields_of_gpu_request_type() {
    let both = "gpu_portion_request: 0.5\ngpu_portion_limit: 0.8\ngpu_memory_request: 2G\ngpu_memory_limit: 4G\n";
    let rest = json!({"cpuCoreRequest": 1.0, "cpuMemoryRequest": "4G", "largeShmRequest": false});
    let expect = |extra: Value| {
        let mut all = rest.clone();
        all.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        all
    };
    assert_eq!(
        compute(both),
        expect(
            json!({"gpuDevicesRequest": 1, "gpuRequestType": "portion", "gpuPortionRequest": 0.5, "gpuPortionLimit": 0.8})
        )
    );
    assert_eq!(
        compute(&format!("{both}gpu_request_type: memory\n")),
        expect(
            json!({"gpuDevicesRequest": 1, "gpuRequestType": "memory", "gpuMemoryRequest": "2G", "gpuMemoryLimit": "4G"})
        )
    );
    assert_eq!(compute(&format!("{both}gpu_devices_request: 0\n")), expect(json!({"gpuDevicesRequest": 0})));
}

/// The SDK adds these defaults, so they are part of the body.
#[test]
fn mounts_have_sdk_defaults() {
    let resolution = resolve(
        "pvc_mounts: [{path: /a}]\n\
         config_map_mounts: [{config_map: b, mount_path: /b}]\n\
         secret_mounts: [{secret: c, mount_path: /c}]\n\
         nfs_mounts: [{server: d, path: /x, mount_path: /d}]\n\
         s3_mounts: [{bucket: e, path: /e}]\n\
         host_path_mounts: [{path: /y, mount_path: /f}]\n",
    );
    let body = resolution.step().unwrap().render(&Context::default());
    let expected = json!({
        "pvc": [{
            "path": "/a", "existingPvc": true, "readOnly": false, "ephemeral": false, "dataSharing": false, "exclude": false,
        }],
        "configMapVolume": [{"configMap": "b", "mountPath": "/b", "exclude": false}],
        "secretVolume": [{"secret": "c", "mountPath": "/c", "exclude": false}],
        "nfs": [{"server": "d", "path": "/x", "mountPath": "/d", "readOnly": true, "exclude": false}],
        "s3": [{"bucket": "e", "path": "/e", "exclude": false}],
        "hostPath": [{"path": "/y", "mountPath": "/f", "readOnly": true, "exclude": false}],
    });
    assert_eq!(serde_json::to_value(body.spec.storage).unwrap(), expected);
}

#[test]
fn adds_submission_id_to_name_and_label() {
    let resolution = resolve("name: Train!\nimage: a\ncommand: [b]\nsettings: {labels: {team: ml}}\n");
    let id = SubmissionId::new("https://org.run.ai", "7", "run-1");
    let step = resolution.step().unwrap();
    let context = Context { submission_id: Some(id.clone()), ..Context::default() };
    let body = step.render(&context);
    assert_eq!(body.name, format!("train-{}", id.as_str()));
    let submission = step.submission(&context);
    assert_eq!((submission.name.as_str(), submission.submission_id.as_str()), (body.name.as_str(), id.as_str()));
    assert_eq!(submission.training().unwrap(), body);
    assert_eq!(submission.body, step.body(&context), "what is previewed is what is sent");
    let labels: Vec<_> = body.spec.labels.iter().map(|label| (label.name.as_deref(), label.value.as_deref())).collect();
    assert_eq!(labels, [(Some("team"), Some("ml")), (Some("runai-step/submission"), Some(id.as_str()))]);
    let named = Context { name: Some("Exactly This".to_owned()), ..context };
    assert_eq!(step.submission(&named).name, "Exactly This");
    assert_eq!(step.render(&named).name, "Exactly This");
}

#[test]
fn renders_placeholders() {
    let resolution = resolve("gpu_devices_request: 1\n");
    let body = resolution.step().unwrap().render(&Context::default());
    let shown = [&body.name, &body.project_id, &body.cluster_id, body.spec.image.as_ref().unwrap()];
    assert_eq!(shown, ["<name>", "<project-id>", "<cluster-id>", "<image>"]);
}

#[test]
fn context_overrides_step() {
    let resolution = resolve("image: a\ncommand: [b]\nenvironment: {A: 1, B: 2}\n");
    let context = Context {
        image: Some("c".to_owned()),
        command: Some(vec!["d".to_owned(), "e f".to_owned()]),
        environment: [("B".to_owned(), "3".to_owned())].into_iter().collect(),
        ..Context::default()
    };
    let spec = resolution.step().unwrap().render(&context).spec;
    assert_eq!((spec.image.as_deref(), spec.command.as_deref()), (Some("c"), Some("d 'e f'")));
    let variables: Vec<_> = spec
        .environment_variables
        .iter()
        .map(|variable| (variable.name.as_deref(), variable.value.as_deref()))
        .collect();
    assert_eq!(variables, [(Some("A"), Some("1")), (Some("B"), Some("3"))]);
}

#[test]
fn curl_has_same_body() {
    let resolution = resolve("name: it's\nimage: a\ncommand: [b]\n");
    let request = resolution.step().unwrap().request(&Context::default());
    insta::assert_snapshot!(request.to_curl(Some("https://my-org.run.ai/")), @r#"
    curl --fail-with-body --request POST \
      https://my-org.run.ai/api/v1/workloads/trainings \
      --header "Authorization: Bearer $RUNAI_TOKEN" \
      --header 'Content-Type: application/json' \
      --data '{
      "clusterId": "<cluster-id>",
      "name": "it-s",
      "projectId": "<project-id>",
      "spec": {
        "command": "b",
        "compute": {
          "cpuCoreRequest": 1.0,
          "cpuMemoryRequest": "4G",
          "gpuDevicesRequest": 1,
          "gpuPortionRequest": 1.0,
          "gpuRequestType": "portion",
          "largeShmRequest": false
        },
        "image": "a"
      },
      "useGivenNameAsPrefix": false
    }'
    "#);
    let body: TrainingCreationRequest = serde_json::from_slice(&request.body.unwrap()).unwrap();
    assert_eq!(body, resolution.step().unwrap().render(&Context::default()));
}

#[test]
fn renders_settings_built_in_rust() {
    let settings = StepSettings {
        gpu_request_type: GpuRequestType::Memory,
        gpu_memory_request: Some("20Gi".parse().unwrap()),
        ..StepSettings::default()
    };
    let file = StepFile {
        name: None,
        image: "python:3.12".to_owned(),
        command: vec!["train".to_owned()],
        environment: None,
        settings: Some(settings),
    };
    assert_eq!(Some(Step::new(&file).unwrap().settings()), file.settings.as_ref());
    let settings = file.settings.clone().map(|settings| StepSettings { gpu_memory_request: None, ..settings });
    let wrong = StepFile { settings, ..file };
    let report = Step::new(&wrong).unwrap_err();
    assert!(report.diagnostics.iter().any(|found| found.code == "missing-gpu-memory"));
}

#[test]
fn joins_supplemental_groups() {
    for (groups, sent) in [("[1000, 2000]", "1000;2000"), ("[]", "")] {
        let text = format!("security_context: {{supplemental_groups: {groups}}}\n");
        let resolution = resolve(&text);
        let security = resolution.step().unwrap().render(&Context::default()).spec.security.unwrap();
        assert_eq!(security.supplemental_groups.as_deref(), Some(sent));
    }
}

#[test]
fn adds_image_pull_secret() {
    let step = Source { name: "step.yaml", text: "image: a\ncommand: [b]\n", format: Format::Yaml };
    for (operator, sent) in [
        (
            "image_pull_secret_name: reg-cred\n",
            json!([{"name": "reg-cred", "userCredential": false, "exclude": false}]),
        ),
        ("image_pull_secret_name: ''\n", json!([])),
    ] {
        let operator = Source { name: "op.yaml", text: operator, format: Format::Yaml };
        let resolution = Resolver::new(step).operator(operator).resolve();
        let spec = resolution.step().unwrap().render(&Context::default()).spec;
        assert_eq!(serde_json::to_value(spec.image_pull_secrets).unwrap(), sent);
    }
}
