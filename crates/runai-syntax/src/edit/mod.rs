//! Computes the smallest edits that set, add or remove a value.
//!
//! Comments, order, quotes, indentation, line breaks, anchors and unknown keys are kept. Every edited text is parsed and
//! compared with the expected document, so an edit changes only the one value, or fails.
//!
//! ```
//! use runai_syntax::{Format, apply, edit};
//! let text = "settings:\n  portion: 0.5 # half\n";
//! let edits = edit(text, Format::Yaml, "/settings/portion", Some(&0.25.into())).unwrap();
//! assert_eq!((edits[0].from, edits[0].to, edits[0].insert.as_str()), (21, 24, "0.25"));
//! let edits = edit(text, Format::Yaml, "/settings/labels/team", Some(&"ml".into())).unwrap();
//! assert_eq!(apply(text, &edits), "settings:\n  portion: 0.5 # half\n  labels:\n    team: ml\n");
//! ```

mod error;
mod flow;
mod json;
mod layout;
mod lines;
mod piece_table;
mod plan;
mod toml;
mod write;
mod yaml;

use serde::Serialize;
use serde_json::Value as Json;

use crate::{Format, Lines, Segment, SourceId, SyntaxError, SyntaxErrorKind, Tree, escape, parse};
use layout::Lost;
use piece_table::PieceTable;
use plan::{Step, check_representable, plan};
use write::{replace_parent, restore_toml};

pub use error::EditError;

/// A replacement of a range. Offsets are bytes in the text before all edits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Edit {
    /// The first replaced byte.
    pub from: usize,
    /// The end of the replaced bytes, exclusive. Equals `from` for an insertion.
    pub to: usize,
    /// The replacement.
    pub insert: String,
}

impl Edit {
    fn new(from: usize, to: usize, insert: String) -> Self {
        Self { from, to, insert }
    }

    fn insert(at: usize, insert: &str) -> Self {
        Self::new(at, at, insert.to_owned())
    }

    fn delete(from: usize, to: usize) -> Self {
        Self::new(from, to, String::new())
    }
}

/// Returns the edits that set the value at `pointer` (RFC 6901) to `value`, or remove it if `value` is `None`.
///
/// Missing maps are created. The index after the last item of a list, or `-`, appends an item. Maps and lists are changed by
/// key and by item, so equal parts stay untouched. Without changes, there are no edits. Edits are in ascending order, and
/// are not adjacent.
///
/// # Errors
///
/// The edits cannot be computed.
pub fn edit(text: &str, format: Format, pointer: &str, value: Option<&Json>) -> Result<Vec<Edit>, EditError> {
    edit_to(text, format, pointer, value.map(Tree::from).as_ref())
}

/// [`edit`] with a [`Tree`].
///
/// # Errors
///
/// The edits cannot be computed.
pub fn edit_to(text: &str, format: Format, pointer: &str, value: Option<&Tree<'_>>) -> Result<Vec<Edit>, EditError> {
    let mark = byte_order_mark(text);
    let old = read(&text[mark..], format).map_err(|error| {
        let error = error.shifted_by(mark);
        let (line, _) = Lines::new(text).position(error.span.start as usize);
        EditError::Unreadable { error, line }
    })?;
    edit_parsed(text, format, &old, pointer, value)
}

/// [`edit_to`] for a parsed text: `old` must be the value of `text`.
///
/// # Errors
///
/// The edits cannot be computed.
pub fn edit_parsed(
    text: &str,
    format: Format,
    old: &Tree<'_>,
    pointer: &str,
    value: Option<&Tree<'_>>,
) -> Result<Vec<Edit>, EditError> {
    let mark = byte_order_mark(text);
    let body = &text[mark..];
    let mut steps = Vec::new();
    plan(old, &segments(pointer)?, value, &mut steps)?;
    if format != Format::Yaml {
        check_representable(&steps, format)?;
    }

    // A comment below could become part of a block scalar. If so, the second attempt uses quotes.
    let mut edits = [true, false]
        .into_iter()
        .find_map(|blocks| match attempt(body, format, old, &steps, blocks) {
            Err(Lost::Missing) => None,
            result => Some(result),
        })
        .unwrap_or(Err(Lost::Missing))
        .map_err(|lost| match lost {
            Lost::Aliased => EditError::Aliased { path: pointer.to_owned() },
            Lost::Missing => EditError::Unsafe { path: pointer.to_owned() },
        })?;
    for edit in &mut edits {
        edit.from += mark;
        edit.to += mark;
    }
    Ok(edits)
}

/// Returns the edits of all steps, if they result in the expected document.
fn attempt(body: &str, format: Format, old: &Tree<'_>, steps: &[Step<'_>], blocks: bool) -> Result<Vec<Edit>, Lost> {
    let mut pieces = PieceTable::new(body);
    let mut expected = old.clone();
    for step in steps {
        step.change(&mut expected);
        let now = pieces.text();
        let edits = match step.edits(&now, format, blocks) {
            Err(Lost::Missing) => replace_parent(&now, format, &step.path, &expected).ok_or(Lost::Missing),
            result => result,
        };
        pieces.apply(edits?);
        // A table may have been removed with its last entry.
        if format == Format::Toml {
            restore_toml(&mut pieces, &step.path, &expected).ok_or(Lost::Missing)?;
        }
    }
    let changed = pieces.text();
    if !steps.is_empty() && read(&changed, format).ok().as_ref() != Some(&expected) {
        return Err(Lost::Missing);
    }
    Ok(pieces.edits())
}

/// Applies `edits`, which must be in ascending order and must not overlap.
#[must_use]
pub fn apply(text: &str, edits: &[Edit]) -> String {
    let mut changed = String::with_capacity(text.len());
    let mut at = 0;
    for edit in edits {
        changed.push_str(&text[at..edit.from]);
        changed.push_str(&edit.insert);
        at = edit.to;
    }
    changed.push_str(&text[at..]);
    changed
}

/// Combines the edits of several changes. `edits` gets the text after the previous changes. Returns `None` if it does.
pub fn in_steps<C>(
    text: &str,
    changes: impl IntoIterator<Item = C>,
    mut edits: impl FnMut(&str, C) -> Option<Vec<Edit>>,
) -> Option<Vec<Edit>> {
    let mut pieces = PieceTable::new(text);
    for change in changes {
        let edits = edits(&pieces.text(), change)?;
        pieces.apply(edits);
    }
    Some(pieces.edits())
}

/// Parses a document. An empty one is null, or an empty table in TOML.
pub(crate) fn read(text: &str, format: Format) -> Result<Tree<'_>, SyntaxError> {
    match parse(text, format, SourceId(0)) {
        Ok(node) => Ok(Tree::from(&node)),
        Err(error) if error.kind == SyntaxErrorKind::Empty && format == Format::Toml => Ok(Tree::Map(Vec::new())),
        Err(error) if error.kind == SyntaxErrorKind::Empty => Ok(Tree::Null),
        // An empty text is null in every format.
        Err(_) if text.trim().is_empty() => Ok(Tree::Null),
        Err(error) => Err(error),
    }
}

/// Returns the length of the byte order mark of a text.
fn byte_order_mark(text: &str) -> usize {
    text.len() - text.strip_prefix('\u{feff}').unwrap_or(text).len()
}

fn segments(pointer: &str) -> Result<Vec<&str>, EditError> {
    if pointer.is_empty() {
        return Ok(Vec::new());
    }
    let segments =
        pointer.strip_prefix('/').ok_or_else(|| EditError::InvalidPointer { pointer: pointer.to_owned() })?;
    Ok(segments.split('/').collect())
}

/// Converts a path to a JSON pointer.
pub(crate) fn pointer_of(path: &[Segment]) -> String {
    let mut pointer = String::new();
    for segment in path {
        pointer.push('/');
        match segment {
            Segment::Key(key) => pointer.push_str(&escape(key)),
            Segment::Index(index) => pointer.push_str(&index.to_string()),
        }
    }
    pointer
}
