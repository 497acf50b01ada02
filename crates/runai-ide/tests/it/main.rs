//! What an editor gets, seen from outside.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod actions;
mod completion;
mod diagnostics;
mod fixtures;
mod hover;
mod places;
mod views;

use runai_ide::EditorDocument;
use runai_spec::Source;
use runai_syntax::Format;

/// A document and the place of the mark `‸` in its text, which is removed.
fn marked(name: &str, text: &str) -> (EditorDocument, usize) {
    let cursor = text.find('‸').unwrap();
    let text = text.replace('‸', "");
    (document(name, &text), cursor)
}

fn document(name: &str, text: &str) -> EditorDocument {
    EditorDocument::new(Source { name, text, format: Format::of_path(name) })
}
