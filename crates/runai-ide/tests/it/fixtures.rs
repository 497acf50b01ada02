//! Every place of every fixture of the core, also of texts that are cut off.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use runai_ide::{ActionKind, EditorDocument, plain_text};
use runai_spec::Source;
use runai_syntax::{Format, SourceId, parse};

use crate::actions::applied;
use crate::document;

/// The fixtures of the core that are texts.
fn texts() -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../runai-spec/tests/fixtures");
    let folders = ["valid", "invalid"].map(|name| folder.join(name));
    let files = folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap()).map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files.filter(|path| path.extension().is_some_and(|ending| ending != "snap")).collect();
    files.sort();
    files.into_iter().filter_map(|path| Some((path.clone(), fs::read_to_string(path).ok()?))).collect()
}

fn at(document: &EditorDocument, offset: usize) {
    let text = document.text();
    if let Some(hover) = document.hover(offset) {
        assert!(text.get(hover.range.clone()).is_some(), "{hover:?}");
    }
    for completion in document.completions(offset) {
        assert!(text.get(completion.range.clone()).is_some(), "{completion:?}");
        assert!(!plain_text(&completion.snippet).contains("${"), "{completion:?}");
    }
    for target in document.definition(offset) {
        assert!(target.name != document.name() || text.get(target.range.clone()).is_some(), "{target:?}");
    }
    if let Some(name) = document.renameable(offset) {
        assert!(text.get(name).is_some());
        let _ = document.rename(offset, "renamed");
    }
}

#[test]
fn no_position_panics() {
    for (path, text) in texts() {
        let name = path.file_name().unwrap().to_str().unwrap();
        let whole = document(name, &text);
        everywhere(&whole);
        let offsets: Vec<usize> = (0..=text.len() + 1).step_by(1 + text.len() / 150).collect();
        for offset in offsets {
            at(&whole, offset);
            // What was typed up to here.
            let cut = text.floor_char_boundary(offset.min(text.len()));
            if offset % 3 == 0 {
                let part = document(name, &text[..cut]);
                at(&part, cut);
                everywhere(&part);
            }
        }
    }
}

/// What is asked of a whole text.
fn everywhere(document: &EditorDocument) {
    let text = document.text();
    for problem in document.diagnostics() {
        assert!(text.get(problem.range.clone()).is_some(), "{problem:?}");
    }
    for hint in document.inlay_hints(&(0..text.len())) {
        assert!(text.is_char_boundary(hint.offset), "{hint:?}");
    }
    for range in document.folding().into_iter().chain(document.document_links().into_iter().map(|link| link.range)) {
        assert!(text.get(range).is_some());
    }
    for symbol in document.symbols() {
        assert!(symbol.range.start <= symbol.selection.start && symbol.selection.end <= symbol.range.end, "{symbol:?}");
    }
    let _ = document.render(None);
}

/// Codes and places of what is wrong.
fn problems(document: &EditorDocument) -> BTreeSet<(&'static str, String)> {
    document.diagnostics().into_iter().map(|problem| (problem.code, problem.pointer)).collect()
}

#[test]
fn actions_leave_valid_texts() {
    const OPERATOR: Source<'_> = Source { name: "runai-step.yaml", text: "project_name: p\n", format: Format::Yaml };
    let mut count = 0;
    for (path, text) in texts() {
        let name = path.file_name().unwrap().to_str().unwrap();
        let whole = document(name, &text).with_operator(Some(OPERATOR));
        let (format, before) = (Format::of_path(name), problems(&whole));
        let parses = |text: &str| parse(text, format, SourceId(0)).is_ok();
        for offset in (0..=text.len()).step_by(7 + text.len() / 40) {
            for action in whole.code_actions(&(offset..offset)) {
                if action.kind == ActionKind::Explain {
                    assert!(action.edits.is_empty());
                    continue;
                }
                count += 1;
                let after = applied(&text, name, &action.edits);
                // What a fix does is tested with the rules; one of a broken text may leave another mistake.
                assert!(parses(&after) || !parses(&text), "{action:?}\n{after}");
                if action.kind == ActionKind::Refactor {
                    let operator = applied(OPERATOR.text, OPERATOR.name, &action.edits);
                    let after = document(name, &after).with_operator(Some(Source { text: &operator, ..OPERATOR }));
                    assert!(problems(&after).is_subset(&before), "{action:?}\n{}", after.text());
                }
            }
        }
        let formatted = applied(&text, name, &whole.format_edits());
        assert!(document(name, &formatted).format_edits().is_empty(), "{name}\n{formatted}");
    }
    assert!(count > 50, "{count} actions");
}
