//! Actions: what they are called and what they leave.

use runai_ide::{Action, ActionKind, EditorDocument, TextEdit};
use runai_spec::Source;
use runai_syntax::Format;

use crate::marked;

const STEP: &str = "image: python:3.12\ncommand: [python, train.py]\n";

fn actions(document: &EditorDocument, offset: usize) -> Vec<Action> {
    document.code_actions(&(offset..offset))
}

pub(crate) fn applied(text: &str, name: &str, edits: &[TextEdit]) -> String {
    let mut changed = text.to_owned();
    for edit in edits.iter().rev().filter(|edit| edit.name == name) {
        changed.replace_range(edit.range.clone(), &edit.insert);
    }
    changed
}

#[track_caller]
fn find(actions: &[Action], title: &str) -> Action {
    actions.iter().find(|action| action.title == title).cloned().unwrap_or_else(|| panic!("`{title}` in {actions:#?}"))
}

/// The text after the action with this title.
#[track_caller]
fn after(text: &str, title: &str) -> String {
    let (document, cursor) = marked("a.runai.yaml", text);
    let action = find(&actions(&document, cursor), title);
    applied(document.text(), "a.runai.yaml", &action.edits)
}

#[test]
fn fix_precedes_explanation() {
    let (document, cursor) = marked("a.runai.yaml", &format!("{STEP}settings: {{gpu_‸portion: 0.5}}\n"));
    let found = actions(&document, cursor);
    assert_eq!(found[0].title, "Rename `gpu_portion` to `gpu_portion_request`");
    assert_eq!((found[0].kind, found[0].code), (ActionKind::Fix, Some("unknown-key")));
    let explain = find(&found, "Explain `unknown-key`");
    assert_eq!((explain.kind, explain.edits.len()), (ActionKind::Explain, 0));
}

#[test]
fn sets_default() {
    let text = format!("{STEP}settings:\n  cpu_memory_request: ‸8G # enough\n");
    let expected = format!("{STEP}settings:\n  cpu_memory_request: 4G # enough\n");
    assert_eq!(after(&text, "Set `cpu_memory_request` to its default `4G`"), expected);
    let (document, cursor) = marked("a.runai.yaml", &format!("{STEP}settings:\n  cpu_memory_request: ‸4G\n"));
    assert!(actions(&document, cursor).is_empty());
}

#[test]
fn hides_harmful_default() {
    let text = format!("{STEP}settings:\n  gpu_portion_request: ‸0.2\n  gpu_portion_limit: 0.5\n");
    let (document, cursor) = marked("a.runai.yaml", &text);
    assert!(actions(&document, cursor).iter().all(|action| !action.title.starts_with("Set ")));
}

#[test]
fn a_portion_becomes_memory() {
    let text = format!("{STEP}settings:\n  gpu_portion‸_request: 0.5 # half\n  cpu_core_request: 2\n");
    let changed = after(&text, "Convert to a memory request (`gpu_memory_request: 20Gi`)");
    assert!(changed.contains("gpu_request_type: memory") && changed.contains("gpu_memory_request: 20Gi"), "{changed}");
    assert!(!changed.contains("gpu_portion_request"), "{changed}");
}

#[test]
fn moves_setting_to_operator_file() {
    let (document, cursor) =
        marked("a.runai.yaml", &format!("{STEP}settings:\n  labels:\n    te‸am: ml\n  cpu_core_request: 2\n"));
    let operator = "# shared\nproject_name: p\n";
    let source = Source { name: "runai-step.yaml", text: operator, format: Format::Yaml };
    let document = document.with_operator(Some(source));
    let action = find(&actions(&document, cursor), "Move `labels` to the operator file");
    let own = applied(document.text(), "a.runai.yaml", &action.edits);
    assert_eq!(own, format!("{STEP}settings:\n  cpu_core_request: 2\n"));
    let theirs = applied(operator, "runai-step.yaml", &action.edits);
    assert_eq!(theirs, "# shared\nproject_name: p\nlabels:\n  team: ml\n");
}

#[test]
fn a_secret_does_not_move() {
    let text = format!("{STEP}settings:\n  external_urls: [{{container: 1, url: \"https://a:canary‸@h\"}}]\n");
    let (document, cursor) = marked("a.runai.yaml", &text);
    let operator = Source { name: "runai-step.yaml", text: "project_name: p\n", format: Format::Yaml };
    let found = actions(&document.with_operator(Some(operator)), cursor);
    assert!(found.iter().all(|action| !action.title.starts_with("Move ")), "{found:?}");
}
