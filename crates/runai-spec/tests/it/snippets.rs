//! Snapshots of snippets. `tests/snippets` runs them with the real packages.

use runai_spec::{Context, snippets};

use runai_syntax::Format;

use crate::resolve;

#[test]
fn renders_all_snippets() {
    let text = include_str!("../../../../examples/advanced.runai.yaml");
    let resolution = resolve(text);
    let context = Context { project_id: Some("4500001".to_owned()), ..Context::default() };
    let url = Some("https://my-org.run.ai");
    for snippet in snippets::all(resolution.step().unwrap(), &context, Format::Yaml, url) {
        let notes = snippet.notes.iter().map(|note| format!("note: {note}\n")).collect::<Vec<_>>().concat();
        insta::assert_snapshot!(format!("snippet-{}", snippet.id), format!("{}\n{notes}", snippet.text));
    }
}

#[test]
fn names_zenml_step() {
    let resolution = resolve("steps: {trainer: {settings: {step_operator: {cpu_core_request: 2}}}}\n");
    let all = snippets::all(resolution.step().unwrap(), &Context::default(), Format::Yaml, None);
    let own = all.iter().find(|snippet| snippet.id == "runai-step").unwrap();
    assert!(own.text.ends_with("runai-step render trainer.runai.yaml --step trainer"), "{}", own.text);
    let zenml = all.iter().find(|snippet| snippet.id == "zenml").unwrap();
    assert!(zenml.text.contains("def trainer() -> None"), "{}", zenml.text);
}

#[test]
fn notes_settings_without_flags() {
    let resolution = resolve("{workload_timeout: 60, image_pull_secret: x}");
    assert!(resolution.step().is_none());
    let resolution = resolve("{workload_timeout: 60, security_context: {read_only_root_filesystem: true}}");
    let all = snippets::all(resolution.step().unwrap(), &Context::default(), Format::Yaml, None);
    let runai = all.iter().find(|snippet| snippet.id == "runai").unwrap();
    for setting in ["workload_timeout", "security_context.read_only_root_filesystem"] {
        assert!(runai.notes.iter().any(|note| note.contains(setting)), "{:?}", runai.notes);
    }
}
