//! The smallest change of a text that sets, adds or removes one value.
//!
//! Comments, order, quotes, indentation, line breaks, anchors and unknown keys stay what they are. Every result is read
//! again and compared with the old document before it is given out, so an edit changes the one value, or it is refused.
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
use plan::{Step, check_words, plan};
use write::{around, mend_toml};

pub use error::EditError;

/// One stretch of a text and what takes its place. Offsets are bytes of the text before any edit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Edit {
    /// First byte that goes away.
    pub from: usize,
    /// Byte behind the last one that goes away; the same as `from` where something is only added.
    pub to: usize,
    /// What comes instead.
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

/// The edits that make the value at `pointer` (RFC 6901) what `value` is, or take it out if there is none.
///
/// Maps on the way are made where they are missing; an index just behind the end of a list, or `-`, adds an item. A map
/// or list that is there already is changed part by part, so that all that stays the same stays untouched. Nothing to do
/// gives no edits. Edits are in order, and none touches the next.
///
/// # Errors
///
/// What keeps the text from being edited; it is then left as it is.
pub fn edit(text: &str, format: Format, pointer: &str, value: Option<&Json>) -> Result<Vec<Edit>, EditError> {
    edit_to(text, format, pointer, value.map(Tree::from).as_ref())
}

/// [`edit`], for a value that is a tree.
///
/// # Errors
///
/// What keeps the text from being edited; it is then left as it is.
pub fn edit_to(text: &str, format: Format, pointer: &str, value: Option<&Tree<'_>>) -> Result<Vec<Edit>, EditError> {
    let mark = byte_order_mark(text);
    let old = read(&text[mark..], format).map_err(|error| {
        let error = error.behind(mark);
        let (line, _) = Lines::new(text).position(error.span.start as usize);
        EditError::Unreadable { error, line }
    })?;
    edit_parsed(text, format, &old, pointer, value)
}

/// [`edit_to`], for a text whose value is known: `old` must be what `text` parses to.
///
/// # Errors
///
/// What keeps the text from being edited; it is then left as it is.
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
        check_words(&steps, format)?;
    }

    // A comment below may take itself for a part of a text in a block; in quotes there is no doubt.
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

/// The edits that make all steps, if they give the document that is expected.
fn attempt(body: &str, format: Format, old: &Tree<'_>, steps: &[Step<'_>], blocks: bool) -> Result<Vec<Edit>, Lost> {
    let mut pieces = PieceTable::new(body);
    let mut expected = old.clone();
    for step in steps {
        step.change(&mut expected);
        let now = pieces.text();
        let edits = match step.edits(&now, format, blocks) {
            Err(Lost::Missing) => around(&now, format, &step.path, &expected).ok_or(Lost::Missing),
            result => result,
        };
        pieces.apply(edits?);
        // What held nothing else may have gone with it.
        if format == Format::Toml {
            mend_toml(&mut pieces, &step.path, &expected).ok_or(Lost::Missing)?;
        }
    }
    let changed = pieces.text();
    if !steps.is_empty() && read(&changed, format).ok().as_ref() != Some(&expected) {
        return Err(Lost::Missing);
    }
    Ok(pieces.edits())
}

/// `text` after `edits`, which have to be in order and apart from each other.
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

/// Returns the edits of several changes, each of which gets the text that the ones before leave; `None` if one of them
/// has none.
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

/// The document; one without anything in it is null, or an empty table in TOML.
pub(crate) fn read(text: &str, format: Format) -> Result<Tree<'_>, SyntaxError> {
    match parse(text, format, SourceId(0)) {
        Ok(node) => Ok(Tree::from(&node)),
        Err(error) if error.kind == SyntaxErrorKind::Empty && format == Format::Toml => Ok(Tree::Map(Vec::new())),
        Err(error) if error.kind == SyntaxErrorKind::Empty => Ok(Tree::Null),
        // Nothing at all is nothing in every language.
        Err(_) if text.trim().is_empty() => Ok(Tree::Null),
        Err(error) => Err(error),
    }
}

/// Length of the byte order mark that a text begins with.
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

/// A JSON pointer for a path.
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
