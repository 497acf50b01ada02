//! The layout of values in a text, which edits need in addition to the tree.

use std::ops::Range;

use crate::{Node, Segment, Value};

/// The layout of a value.
#[derive(Debug)]
pub(super) struct Layout {
    /// The end of the preceding colon, dash or bracket.
    pub(super) after: usize,
    /// The start, including anchor and tag.
    pub(super) outer: usize,
    /// Start and end of the value. The end of a block that keeps its line breaks is after them.
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) shape: Shape,
}

/// The notation of a value.
#[derive(Debug)]
pub(super) enum Shape {
    /// A YAML alias, whose value is at its anchor.
    Alias,
    /// A YAML list or map without brackets.
    Block {
        list: bool,
        column: usize,
        items: Vec<Item>,
    },
    /// A list or map in brackets.
    Flow {
        items: Vec<Item>,
    },
    Scalar,
}

/// An entry of a map or an item of a list.
#[derive(Debug)]
pub(super) struct Item {
    /// The key, or several for a dotted key of TOML. Empty for an item of a list.
    pub(super) keys: Vec<String>,
    /// Whether it is a YAML merge key.
    pub(super) merge: bool,
    /// The start of the key, dash or value.
    pub(super) start: usize,
    /// The end of the value.
    pub(super) end: usize,
    pub(super) value: Layout,
}

impl Layout {
    pub(super) fn range(&self) -> Range<usize> {
        self.start..self.end
    }

    pub(super) fn items(&self) -> &[Item] {
        match &self.shape {
            Shape::Block { items, .. } | Shape::Flow { items, .. } => items,
            Shape::Alias | Shape::Scalar => &[],
        }
    }

    pub(super) fn is_block(&self) -> bool {
        matches!(self.shape, Shape::Block { .. })
    }

    pub(super) fn is_flow(&self) -> bool {
        matches!(self.shape, Shape::Flow { .. })
    }
}

/// The value at a path.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found<'l> {
    pub(super) layout: &'l Layout,
    /// Whether it is inside brackets.
    pub(super) in_flow: bool,
    /// The column of the preceding key or dash, in a block.
    pub(super) column: usize,
    /// The preceding token.
    pub(super) place: Place,
}

/// The token before a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Dash,
    Key,
    Root,
}

/// Why a value cannot be found in the layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lost {
    /// The path leads through an alias or merge key.
    Aliased,
    /// The text does not contain the value separately.
    Missing,
}

/// Finds the value at `path`.
pub(super) fn find<'l>(root: &'l Layout, path: &[Segment]) -> Result<Found<'l>, Lost> {
    let mut found = Found { layout: root, in_flow: false, column: 0, place: Place::Root };
    let mut rest = path;
    while let Some(first) = rest.first() {
        let in_flow = found.in_flow || found.layout.is_flow();
        let column = match &found.layout.shape {
            Shape::Alias => return Err(Lost::Aliased),
            Shape::Block { column, .. } => *column,
            Shape::Flow { .. } | Shape::Scalar => found.column,
        };
        let items = found.layout.items();
        let item = match first {
            Segment::Index(index) => items.get(*index),
            Segment::Key(_) => items.iter().find(|item| !item.merge && starts_with(rest, &item.keys)),
        };
        let Some(item) = item else {
            let merged = items.iter().any(|item| item.merge);
            return Err(if merged { Lost::Aliased } else { Lost::Missing });
        };
        rest = &rest[item.keys.len().max(1)..];
        let place = if item.keys.is_empty() { Place::Dash } else { Place::Key };
        found = Found { layout: &item.value, in_flow, column, place };
    }
    match found.layout.shape {
        Shape::Alias => Err(Lost::Aliased),
        _ => Ok(found),
    }
}

/// Whether a path starts with these keys.
pub(super) fn starts_with(path: &[Segment], keys: &[String]) -> bool {
    path.len() >= keys.len()
        && path.iter().zip(keys).all(|(segment, key)| matches!(segment, Segment::Key(own) if own == key))
}

/// Returns the layout of JSON, which follows from the tree.
pub(super) fn of_json(node: &Node<'_>) -> Layout {
    let (start, end) = (node.span.start as usize, node.span.end as usize);
    let shape = match &node.value {
        Value::List(items) => Shape::Flow {
            items: items
                .iter()
                .map(|item| {
                    let value = of_json(item);
                    Item { keys: Vec::new(), merge: false, start: value.start, end: value.end, value }
                })
                .collect(),
        },
        Value::Map(map) => Shape::Flow {
            items: map
                .0
                .iter()
                .map(|entry| {
                    let value = of_json(&entry.value);
                    let start = entry.key_span.start as usize;
                    Item { keys: vec![entry.key.to_string()], merge: false, start, end: value.end, value }
                })
                .collect(),
        },
        _ => Shape::Scalar,
    };
    Layout { after: start, outer: start, start, end, shape }
}
