//! Keys, values and snippets that can be written at a place.

mod keys;
mod values;

use std::ops::Range;

use runai_spec::Kind;

use crate::document::EditorDocument;
use crate::scan::{Outline, Place, Slot};
use crate::schema::{self, SchemaNode};

pub use keys::plain_text;

/// Something that can be written at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Completion {
    /// What the list shows.
    pub label: String,
    /// What it is.
    pub kind: CompletionKind,
    /// A few words beside the label: unit, type, `default`.
    pub detail: Option<String>,
    /// What it means, in Markdown.
    pub documentation: Option<String>,
    /// What it replaces.
    pub range: Range<usize>,
    /// What it writes, in the snippet syntax of the Language Server Protocol; [`plain_text`] removes the tab stops.
    pub snippet: String,
    /// The first in the list has the smallest.
    pub rank: u32,
}

/// What a completion is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompletionKind {
    /// One of the allowed values.
    Choice,
    /// A setting.
    Key,
    /// A name of the cluster.
    Name,
    /// Several settings.
    Snippet,
    /// A default, an example, or a number with a unit.
    Value,
}

/// What completions are made for.
struct Request<'d> {
    document: &'d EditorDocument,
    outline: &'d Outline,
    place: &'d Place,
    kind: Kind,
}

impl EditorDocument {
    /// Returns what can be written at `offset`, the likeliest first.
    #[must_use]
    pub fn completions(&self, offset: usize) -> Vec<Completion> {
        let outline = self.outline(Some(offset));
        let Some(place) = outline.place.as_ref().filter(|place| place.slot != Slot::Text) else { return Vec::new() };
        let kind = self.kind(&outline);
        let request = Request { document: self, outline: &outline, place, kind };
        let mut found = request.completions();
        found.sort_by(|one, other| (one.rank, &one.label).cmp(&(other.rank, &other.label)));
        found
    }
}

impl Request<'_> {
    fn completions(&self) -> Vec<Completion> {
        let place = self.place;
        let node = |pointer: &str| schema::at(self.kind, pointer);
        match place.slot {
            Slot::Key => node(&place.parent).map(|node| self.keys(node)).unwrap_or_default(),
            Slot::Value => node(&place.pointer).map(|node| self.values(node)).unwrap_or_default(),
            Slot::Either => match node(&place.parent) {
                Some(node) if node.has_keys() => self.keys(node),
                Some(node) => self.values(node),
                None => Vec::new(),
            },
            Slot::Text => Vec::new(),
        }
    }

    fn completion(&self, label: &str, kind: CompletionKind, snippet: String, rank: u32) -> Completion {
        let (detail, documentation, range) = (None, None, self.place.word.clone());
        Completion { label: label.to_owned(), kind, detail, documentation, range, snippet, rank }
    }

    /// The path of the setting at the place, without indexes.
    fn path(&self) -> Option<String> {
        let path = schema::setting(self.kind, &self.place.pointer)?;
        Some(schema::explained_path(&path.pointer))
    }

    /// The word at the place, up to the cursor.
    fn typed(&self) -> &str {
        self.document.text().get(self.place.word.clone()).unwrap_or_default()
    }
}

/// The words beside a key.
fn detail(node: SchemaNode) -> Option<String> {
    node.text("x-unit").or_else(|| node.type_name()).map(str::to_owned)
}
