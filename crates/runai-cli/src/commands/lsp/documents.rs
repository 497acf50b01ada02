//! The documents that the client has open.

use std::cell::OnceCell;
use std::path::PathBuf;
use std::sync::Arc;

use lsp_types::TextDocumentContentChangeEvent;
use runai_ide::{ClusterFacts, EditorDocument, Encoding, LineIndex};
use runai_spec::Source;
use runai_syntax::Format;

use super::convert::Places;
use super::workspace::path_of;
use crate::config::FILE_NAMES;

/// A document that the client has open.
#[derive(Debug)]
pub(super) struct OpenDocument {
    pub(super) uri: String,
    /// How messages name it: its path, or its URI if it has none.
    pub(super) name: String,
    pub(super) path: Option<PathBuf>,
    pub(super) version: i32,
    pub(super) operator: OperatorPath,
    text: String,
    format: Format,
    is_untitled: bool,
    lines: OnceCell<LineIndex>,
    analysis: Option<EditorDocument>,
}

/// The operator file that applies to a document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum OperatorPath {
    Found(PathBuf),
    None,
    /// Not looked for since files or settings changed.
    #[default]
    Unknown,
}

/// A text whose values are defaults of a document, and how messages name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OperatorText {
    pub(super) name: String,
    pub(super) text: String,
}

impl OpenDocument {
    pub(super) fn new(uri: String, language: &str, version: i32, text: String) -> Self {
        let path = path_of(&uri);
        let name = path.as_ref().map_or_else(|| uri.clone(), |path| path.display().to_string());
        let format = match language {
            "json" | "jsonc" => Format::Json,
            "toml" => Format::Toml,
            _ => Format::of_path(&name),
        };
        let is_untitled = path.is_none();
        let (operator, lines, analysis) = (OperatorPath::Unknown, OnceCell::new(), None);
        Self { uri, name, path, version, operator, text, format, is_untitled, lines, analysis }
    }

    /// Whether the document is one of this program's: by its name, by a block for a step operator, or because it has no
    /// name yet.
    pub(super) fn is_ours(&self) -> bool {
        let file = self.name.rsplit(['/', '\\']).next().unwrap_or_default();
        let has_part = |part: &str| file.split('.').rev().skip(1).any(|own| own.eq_ignore_ascii_case(part));
        self.is_untitled || has_part("runai") || has_part("runai-step") || self.text.contains("step_operator")
    }

    /// Whether it is an operator file by its name.
    pub(super) fn is_operator(&self) -> bool {
        let file = self.path.as_ref().and_then(|path| path.file_name()).and_then(|name| name.to_str());
        file.is_some_and(|file| FILE_NAMES.contains(&file))
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Applies the changes of the client, one after the other.
    pub(super) fn change(&mut self, changes: Vec<TextDocumentContentChangeEvent>, encoding: Encoding) {
        for TextDocumentContentChangeEvent { range, text, .. } in changes {
            match range {
                Some(range) => {
                    let range = self.places(encoding).offsets(range);
                    self.text.replace_range(range, &text);
                }
                None => self.text = text,
            }
            self.lines = OnceCell::new();
        }
    }

    pub(super) fn places(&self, encoding: Encoding) -> Places<'_> {
        let lines = self.lines.get_or_init(|| LineIndex::new(&self.text));
        Places { text: &self.text, lines, encoding }
    }

    /// Brings the analysis up to the present texts.
    pub(super) fn analyze(&mut self, operator: Option<&OperatorText>, facts: Option<Arc<ClusterFacts>>) {
        let analysis = self.analysis.get_or_insert_with(|| {
            EditorDocument::new(Source { name: &self.name, text: &self.text, format: self.format })
        });
        analysis.set_text(&self.text);
        let known = analysis.document().operator().map(|known| (known.name, known.text));
        if known != operator.map(|operator| (&*operator.name, &*operator.text)) {
            analysis.set_operator(operator.map(|OperatorText { name, text }| Source {
                name,
                text,
                format: Format::of_path(name),
            }));
        }
        analysis.set_facts(facts);
    }

    /// The analysis, which the caller has brought up to date.
    pub(super) const fn analysis(&self) -> Option<&EditorDocument> {
        self.analysis.as_ref()
    }
}
