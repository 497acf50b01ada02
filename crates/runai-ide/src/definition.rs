//! From a setting of a step to the operator file and back, from an alias to its anchor, and links.

use std::ops::Range;

use runai_spec::Kind;

use crate::document::{EditorDocument, Target};
use crate::scan::{Outline, Slot, scan};
use crate::{schema, secrets};

/// Something that the text names and that can be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentLink {
    /// The name in the text.
    pub range: Range<usize>,
    /// What it names.
    pub target: LinkTarget,
}

/// What a link leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkTarget {
    /// A path, relative to the folder of the document.
    File(String),
    /// An address of the web.
    Url(String),
}

impl EditorDocument {
    /// Returns where the alias at `offset` has its anchor, or where the operator file has the setting at `offset`.
    #[must_use]
    pub fn definition(&self, offset: usize) -> Vec<Target> {
        if let Some(anchor) = self.anchor_definition(offset) {
            return vec![anchor];
        }
        let (Some(setting), Some(operator)) = (self.setting_at(offset), self.document.operator()) else {
            return Vec::new();
        };
        if self.kind(&self.outline(None)) == Kind::Operator {
            return Vec::new();
        }
        let outline = scan(operator.text, operator.format, None);
        keys(&outline, &setting).map(|range| Target { name: operator.name.to_owned(), range }).collect()
    }

    /// Returns the JSON pointer, in a map of settings, of the setting at `offset`.
    #[must_use]
    pub fn setting_at(&self, offset: usize) -> Option<String> {
        let outline = self.outline(Some(offset));
        let place = outline.place.as_ref().filter(|place| place.slot != Slot::Text && !place.word.is_empty())?;
        schema::setting(self.kind(&outline), &place.pointer).map(|path| path.pointer)
    }

    /// Returns where the document has a setting, which is named as by [`setting_at`](Self::setting_at).
    #[must_use]
    pub fn places_of(&self, setting: &str) -> Vec<Target> {
        let outline = self.outline(None);
        let kind = self.kind(&outline);
        let is_it = |pointer: &str| schema::setting(kind, pointer).is_some_and(|path| path.pointer == setting);
        let found = outline.entries.iter().filter(|entry| is_it(&entry.pointer));
        found.map(|entry| Target { name: self.name().to_owned(), range: entry.key.clone() }).collect()
    }

    /// Returns the addresses and files that the text names.
    #[must_use]
    pub fn document_links(&self) -> Vec<DocumentLink> {
        let outline = self.outline(None);
        let links = outline.entries.iter().filter_map(|entry| {
            let quoted = self.text().get(entry.value.clone())?;
            let text = quoted.trim_matches(['"', '\'']);
            let is_url = (text.starts_with("https://") || text.starts_with("http://"))
                && !text.contains(|c: char| c.is_whitespace() || c.is_control() || "\\\"'{}[]".contains(c));
            let target = if is_url && !secrets::is_secret(&entry.pointer, text) {
                LinkTarget::Url(text.to_owned())
            } else if entry.pointer == "/client_secret_file" && !text.is_empty() && !text.contains('\n') {
                LinkTarget::File(text.to_owned())
            } else {
                return None;
            };
            let start = entry.value.start + quoted.find(text)?;
            Some(DocumentLink { range: start..start + text.len(), target })
        });
        links.collect()
    }
}

/// The keys of a setting in the outline of an operator file.
fn keys<'o>(outline: &'o Outline, setting: &'o str) -> impl Iterator<Item = Range<usize>> + use<'o> {
    outline.entries.iter().filter(move |entry| entry.pointer == setting).map(|entry| entry.key.clone())
}
