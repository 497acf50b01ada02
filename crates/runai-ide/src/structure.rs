//! The structure of the text: symbols and folding ranges.

use std::collections::BTreeMap;
use std::ops::Range;

use runai_spec::Kind;
use runai_syntax::unescape;

use crate::document::EditorDocument;
use crate::scan::{Entry, Outline, parent};
use crate::{schema, secrets};

/// A key or item with what is below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symbol {
    /// The key; the number of an item.
    pub name: String,
    /// A scalar value, or the step that a block of a ZenML run configuration belongs to.
    pub detail: Option<String>,
    /// Whether it is a map or list.
    pub has_children: bool,
    /// The key and its value.
    pub range: Range<usize>,
    /// The key.
    pub selection: Range<usize>,
    /// What is below it.
    pub children: Vec<Self>,
}

/// Longest value that a symbol shows, in characters.
const LONGEST_DETAIL: usize = 60;

/// The places of entries with all that is below them, in the order of the entries.
pub(crate) fn extents(outline: &Outline) -> Vec<Range<usize>> {
    let indexes: BTreeMap<&str, usize> =
        outline.entries.iter().enumerate().map(|(index, entry)| (entry.pointer.as_str(), index)).collect();
    let own = |entry: &Entry| entry.key.start..entry.value.end.max(entry.key.end);
    let mut extents: Vec<_> = outline.entries.iter().map(own).collect();
    for (index, entry) in outline.entries.iter().enumerate().rev() {
        let end = extents[index].end;
        if let Some(around) = indexes.get(parent(&entry.pointer)).filter(|around| **around < index) {
            extents[*around].end = extents[*around].end.max(end);
        }
    }
    extents
}

impl EditorDocument {
    /// Returns the keys and items of the text as a tree.
    #[must_use]
    pub fn symbols(&self) -> Vec<Symbol> {
        let outline = self.outline(None);
        let kind = self.kind(&outline);
        let extents = extents(&outline);
        let mut below: BTreeMap<&str, Vec<Symbol>> = BTreeMap::new();
        // From the end, so that what is below a key is complete when the key is reached.
        for (entry, range) in outline.entries.iter().zip(extents).rev() {
            let mut children = below.remove(entry.pointer.as_str()).unwrap_or_default();
            children.reverse();
            let symbol = self.symbol(kind, entry, range, children);
            below.entry(parent(&entry.pointer)).or_default().push(symbol);
        }
        let mut roots = below.remove("").unwrap_or_default();
        roots.reverse();
        roots
    }

    fn symbol(&self, kind: Kind, entry: &Entry, range: Range<usize>, children: Vec<Symbol>) -> Symbol {
        let name = unescape(entry.pointer.rsplit('/').next().unwrap_or_default()).into_owned();
        let text = self.text().get(entry.value.clone()).unwrap_or_default();
        let is_collection = !children.is_empty() || text.starts_with(['{', '[']);
        let step = schema::block(&entry.pointer)
            .filter(|(block, _)| kind == Kind::Zenml && *block == entry.pointer)
            .and_then(|(_, step)| step);
        let detail = match step {
            Some(step) => Some(format!("step {step}")),
            None if is_collection || text.is_empty() || text.starts_with(['|', '>']) => None,
            None => Some(secrets::shown(&entry.pointer, text).chars().take(LONGEST_DETAIL).collect()),
        };
        let selection = if entry.key.is_empty() { entry.value.clone() } else { entry.key.clone() };
        let range = range.start..range.end.max(selection.end);
        Symbol { name, detail, has_children: is_collection, range, selection, children }
    }

    /// Returns the stretches of several lines that can be folded: what is below a key or item, and comments.
    #[must_use]
    pub fn folding(&self) -> Vec<Range<usize>> {
        let text = self.text();
        let outline = self.outline(None);
        let is_long = |range: &Range<usize>| text.get(range.clone()).is_some_and(|text| text.contains('\n'));
        let mut ranges: Vec<_> = extents(&outline).into_iter().filter(is_long).collect();
        ranges.extend(comments(text));
        ranges.sort_by_key(|range| (range.start, std::cmp::Reverse(range.end)));
        ranges.dedup_by_key(|range| range.start);
        ranges
    }
}

/// Blocks of lines that are comments.
fn comments(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut open: Option<(Range<usize>, usize)> = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if line.trim_start().starts_with('#') {
            let start = at + line.len() - line.trim_start().len();
            let end = at + line.trim_end().len();
            open = Some(match open.take() {
                Some((range, lines)) => (range.start..end, lines + 1),
                None => (start..end, 1),
            });
        } else {
            found.extend(open.take());
        }
        at += line.len();
    }
    found.extend(open);
    found.into_iter().filter(|(_, lines)| *lines > 1).map(|(range, _)| range).collect()
}
