//! Every place of every fixture of the core, also of texts that are cut off.

use std::fs;
use std::path::{Path, PathBuf};

use runai_ide::{EditorDocument, plain_text};

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
}

#[test]
fn no_place_of_any_fixture_makes_a_feature_panic() {
    for (path, text) in texts() {
        let name = path.file_name().unwrap().to_str().unwrap();
        let whole = document(name, &text);
        let _ = whole.diagnostics();
        let offsets: Vec<usize> = (0..=text.len() + 1).step_by(1 + text.len() / 150).collect();
        for offset in offsets {
            at(&whole, offset);
            // What was typed up to here.
            let cut = text.floor_char_boundary(offset.min(text.len()));
            if offset % 3 == 0 {
                let part = document(name, &text[..cut]);
                at(&part, cut);
                let _ = part.diagnostics();
            }
        }
    }
}
