//! How a value is written: what the tree does not say, and an edit has to know.

use std::ops::Range;

use crate::{Node, Segment, Value};

/// A value as it is written.
#[derive(Debug)]
pub(super) struct Layout {
    /// Behind the colon, dash or bracket in front of it.
    pub(super) after: usize,
    /// Where it begins, with its anchor and tag.
    pub(super) outer: usize,
    /// Where its own text begins and ends; a block that keeps its line breaks ends behind them.
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) shape: Shape,
}

/// The ways in which values are written.
#[derive(Debug)]
pub(super) enum Shape {
    /// An alias of YAML: the value stands elsewhere.
    Alias,
    /// A list or map of YAML without brackets.
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

/// A part of a list or map.
#[derive(Debug)]
pub(super) struct Item {
    /// The key; more than one where TOML joins them with dots. None in a list.
    pub(super) keys: Vec<String>,
    /// Whether it is a merge key of YAML.
    pub(super) merge: bool,
    /// Where its key, dash or value begins.
    pub(super) start: usize,
    /// Behind its value.
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

/// What a path leads to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found<'l> {
    pub(super) layout: &'l Layout,
    /// Whether it stands inside brackets.
    pub(super) in_flow: bool,
    /// Column of the key or dash in front of it, in a block.
    pub(super) column: usize,
    /// What stands in front of it.
    pub(super) place: Place,
}

/// What stands in front of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Dash,
    Key,
    Root,
}

/// Why a path leads nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lost {
    /// It leads through an alias, or a merge key brings the value.
    Aliased,
    /// It leads to what is not written as a value of its own.
    Missing,
}

/// Follows `path`.
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

/// Whether a path begins with these keys.
pub(super) fn starts_with(path: &[Segment], keys: &[String]) -> bool {
    path.len() >= keys.len()
        && path.iter().zip(keys).all(|(segment, key)| matches!(segment, Segment::Key(own) if own == key))
}

/// The layout of JSON, which the tree tells.
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
