//! The smallest change of a text that sets, adds or removes one value.
//!
//! Comments, order, quotes, indentation, line breaks, anchors and unknown keys stay what they are. Every result is read
//! again and compared with the old document before it is given out, so an edit changes the one value, or it is refused.
//!
//! ```
//! use runai_spec::{Format, edit::{apply, edit}};
//! let text = "settings:\n  gpu_portion_request: 0.5 # half\n";
//! let edits = edit(text, Format::Yaml, "/settings/gpu_portion_request", Some(&0.25.into())).unwrap();
//! assert_eq!((edits[0].from, edits[0].to, edits[0].insert.as_str()), (33, 36, "0.25"));
//! let edits = edit(text, Format::Yaml, "/settings/labels/team", Some(&"ml".into())).unwrap();
//! assert_eq!(apply(text, &edits), "settings:\n  gpu_portion_request: 0.5 # half\n  labels:\n    team: ml\n");
//! ```

mod flow;
mod layout;
mod lines;
mod pieces;
mod toml;
mod yaml;

use std::fmt;

use serde::Serialize;
use serde_json::Value as Json;

use crate::diagnostic::Report;
use crate::document::{Format, SourceId, escape, parse, unescape};
use crate::print::{Segment, Tree, json, yaml as yaml_print};
use crate::rules::text::EMPTY;
use layout::{Found, Layout, Lost, Shape, find, of_json};
use pieces::Pieces;

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

/// Why a text was not edited.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum EditError {
    /// The value stands in an alias or comes from a merge key of YAML: a change there would change other places too.
    Aliased {
        /// JSON pointer of the value.
        path: String,
    },
    /// The pointer is none: it does not begin with `/`.
    InvalidPointer {
        /// The pointer.
        pointer: String,
    },
    /// There is no such place: an index beyond the end of a list, or a key where a list stands.
    NoPlace {
        /// JSON pointer of what is not there.
        path: String,
    },
    /// On the way there stands a value that is neither list nor map.
    NotAContainer {
        /// JSON pointer of that value.
        path: String,
    },
    /// The language has no word for the value, such as null in TOML.
    NotInFormat {
        /// The language.
        format: Format,
        /// JSON pointer of the value.
        path: String,
        /// What it is.
        what: &'static str,
    },
    /// The text does not parse.
    Unreadable(Report),
    /// No edit was found that changes this value and nothing else; the way the text is written is too unusual.
    Unsafe {
        /// JSON pointer of the value.
        path: String,
    },
}

impl EditError {
    /// A stable word for it: `aliased`, `unreadable`, …
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Aliased { .. } => "aliased",
            Self::InvalidPointer { .. } => "invalid-pointer",
            Self::NoPlace { .. } => "no-place",
            Self::NotAContainer { .. } => "not-a-container",
            Self::NotInFormat { .. } => "not-in-format",
            Self::Unreadable(_) => "unreadable",
            Self::Unsafe { .. } => "unsafe",
        }
    }

    /// What to do.
    #[must_use]
    pub const fn help(&self) -> &'static str {
        match self {
            Self::Aliased { .. } => "edit the text where the anchor stands, or write the value out here",
            Self::InvalidPointer { .. } => "write `/settings/gpu_portion_request`",
            Self::NoPlace { .. } => "`-` in place of an index adds an item at the end of a list",
            Self::NotAContainer { .. } => "set or remove that value first",
            Self::NotInFormat { .. } => "leave the value out",
            Self::Unreadable(_) => "mend the text first",
            Self::Unsafe { .. } => "edit the text by hand",
        }
    }
}

impl fmt::Display for EditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Aliased { path } => {
                write!(f, "`{path}` is not written there: an alias or merge key brings it from another place")
            }
            Self::InvalidPointer { pointer } => write!(f, "`{pointer}` is no JSON pointer"),
            Self::NoPlace { path } => write!(f, "there is no place `{path}` in the text"),
            Self::NotAContainer { path } => write!(f, "`{path}` is neither a list nor a map"),
            Self::NotInFormat { format, path, what } => write!(f, "`{path}` is {what}, which {format} cannot say"),
            Self::Unreadable(report) => match report.diagnostics.first() {
                Some(first) => write!(f, "line {}: {}", first.line, first.message),
                None => f.write_str("the text does not parse"),
            },
            Self::Unsafe { path } => {
                write!(f, "`{path}` cannot be changed without changing something else: the text is written unusually")
            }
        }
    }
}

impl std::error::Error for EditError {}

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
    let mark = text.len() - text.strip_prefix('\u{feff}').unwrap_or(text).len();
    let body = &text[mark..];
    let segments = segments(pointer)?;

    let old = read(body, format).map_err(EditError::Unreadable)?;
    let mut steps = Vec::new();
    plan(&old, &segments, value, &mut steps)?;
    if format != Format::Yaml {
        check_words(&steps, format)?;
    }

    // A comment below may take itself for a part of a text in a block; in quotes there is no doubt.
    let mut edits = [true, false]
        .into_iter()
        .find_map(|blocks| match attempt(body, format, &old, &steps, blocks) {
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
    let mut pieces = Pieces::new(body);
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

/// The document; one without anything in it is null, or an empty table in TOML.
pub(crate) fn read(text: &str, format: Format) -> Result<Tree<'_>, Report> {
    match parse(text, format, SourceId(0)) {
        Ok(node) => Ok(Tree::from(&node)),
        Err(finding) if finding.rule == &EMPTY && format == Format::Toml => Ok(Tree::Map(Vec::new())),
        Err(finding) if finding.rule == &EMPTY => Ok(Tree::Null),
        // Nothing at all is nothing in every language.
        Err(_) if text.trim().is_empty() => Ok(Tree::Null),
        Err(finding) => Err(Report::new(text, [&finding])),
    }
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

/// One change of a document; changes follow each other.
#[derive(Debug)]
struct Step<'v> {
    /// The value that is replaced or removed, or the list or map that something is added to.
    path: Vec<Segment>,
    change: Change<'v>,
}

#[derive(Debug)]
enum Change<'v> {
    InsertItem(usize, Tree<'v>),
    InsertKey(String, Tree<'v>),
    Remove,
    Replace(Tree<'v>),
}

/// With more steps than this a list or map is written anew.
const MAX_STEPS: usize = 48;

/// The steps to `value` at a place, from what is there.
fn plan<'v>(
    old: &Tree<'_>,
    segments: &[&str],
    value: Option<&Tree<'v>>,
    steps: &mut Vec<Step<'v>>,
) -> Result<(), EditError> {
    let mut node = old;
    let mut path: Vec<Segment> = Vec::new();
    for (depth, segment) in segments.iter().enumerate() {
        let rest = &segments[depth + 1..];
        let key = unescape(segment);
        let index = match node {
            Tree::List(items) if *segment == "-" => Some(items.len()),
            Tree::List(_) => segment.parse().ok(),
            _ => None,
        };
        let next = match (node, index) {
            (Tree::List(_), Some(index)) => Segment::Index(index),
            (Tree::Map(_) | Tree::Null, _) => Segment::Key(key.to_string()),
            (Tree::List(_), None) => return Err(no_place(path, Segment::Key(key.into_owned()))),
            _ => return Err(EditError::NotAContainer { path: pointer_of(&path) }),
        };
        if let Some(part) = node.part(&next) {
            node = part;
            path.push(next);
            continue;
        }
        let Some(value) = value else { return Ok(()) };
        let part = nested(rest, value);
        let change = match (node, next) {
            (Tree::Map(_), Segment::Key(key)) => Change::InsertKey(key, part),
            (Tree::List(items), Segment::Index(index)) if index == items.len() => Change::InsertItem(index, part),
            (Tree::List(_), next) => return Err(no_place(path, next)),
            _ => Change::Replace(nested(&segments[depth..], value)),
        };
        steps.push(Step { path, change });
        return Ok(());
    }
    match value {
        Some(value) => {
            let mut parts = Vec::new();
            differ(node, value, &path, &mut parts);
            if parts.len() > MAX_STEPS && !path.is_empty() {
                parts = vec![Step { path, change: Change::Replace(value.clone()) }];
            }
            steps.append(&mut parts);
        }
        None if path.is_empty() => {
            return Err(EditError::NoPlace { path: String::new() });
        }
        None => steps.push(Step { path, change: Change::Remove }),
    }
    Ok(())
}

fn no_place(mut path: Vec<Segment>, next: Segment) -> EditError {
    path.push(next);
    EditError::NoPlace { path: pointer_of(&path) }
}

/// `value` inside the lists and maps that are missing around it.
fn nested<'v>(segments: &[&str], value: &Tree<'v>) -> Tree<'v> {
    segments.iter().rev().fold(value.clone(), |inner, segment| match *segment {
        "-" | "0" => Tree::List(vec![inner]),
        key => Tree::Map(vec![(unescape(key).into_owned().into(), inner)]),
    })
}

/// The steps from one value to another, part by part.
fn differ<'v>(old: &Tree<'_>, new: &Tree<'v>, path: &[Segment], steps: &mut Vec<Step<'v>>) {
    if old == new && same_order(old, new) {
        return;
    }
    let below = |segment: Segment| path.iter().cloned().chain([segment]).collect::<Vec<_>>();
    match (old, new) {
        (Tree::Map(before), Tree::Map(after)) if !before.is_empty() && keeps_order(before, after) => {
            let key_of = |key: &str| Segment::Key(key.to_owned());
            for (key, part) in before {
                match new.part(&key_of(key)) {
                    Some(value) => differ(part, value, &below(key_of(key)), steps),
                    None => steps.push(Step { path: below(key_of(key)), change: Change::Remove }),
                }
            }
            for (key, value) in after {
                if old.part(&key_of(key)).is_none() {
                    let change = Change::InsertKey(key.to_string(), value.clone());
                    steps.push(Step { path: path.to_vec(), change });
                }
            }
        }
        (Tree::List(before), Tree::List(after)) if !before.is_empty() && !after.is_empty() => {
            let same = |pairs: &mut dyn Iterator<Item = (&Tree<'_>, &Tree<'v>)>| {
                pairs.take_while(|(one, two)| one == two && same_order(one, two)).count()
            };
            let prefix = same(&mut before.iter().zip(after));
            let suffix = same(&mut before[prefix..].iter().rev().zip(after[prefix..].iter().rev()));
            let (before, after) = (&before[prefix..before.len() - suffix], &after[prefix..after.len() - suffix]);
            let both = before.len().min(after.len());
            for (index, (part, value)) in before.iter().zip(after).enumerate() {
                differ(part, value, &below(Segment::Index(prefix + index)), steps);
            }
            for index in (both..before.len()).rev() {
                steps.push(Step { path: below(Segment::Index(prefix + index)), change: Change::Remove });
            }
            for (index, value) in after.iter().enumerate().skip(both) {
                let change = Change::InsertItem(prefix + index, value.clone());
                steps.push(Step { path: path.to_vec(), change });
            }
        }
        _ => {
            let value = match (old, new) {
                // A float stays one.
                (Tree::Float(_, raw), Tree::Int(value)) if raw.contains('.') =>
                {
                    #[expect(clippy::cast_precision_loss, reason = "it was meant to be a float")]
                    Tree::Float(*value as f64, format!("{value}.0").into())
                }
                _ => new.clone(),
            };
            steps.push(Step { path: path.to_vec(), change: Change::Replace(value) });
        }
    }
}

/// Whether the keys that stay, and those that come behind them, stand in the order that is wanted.
fn keeps_order<K: AsRef<str>, L: AsRef<str>, V, W>(before: &[(K, V)], after: &[(L, W)]) -> bool {
    let has = |key: &str| after.iter().any(|(own, _)| own.as_ref() == key);
    let stay = before.iter().map(|(key, _)| key.as_ref()).filter(|key| has(key));
    stay.eq(after
        .iter()
        .map(|(key, _)| key.as_ref())
        .take_while(|key| before.iter().any(|(own, _)| own.as_ref() == *key)))
}

/// Whether two equal values have their keys in the same order.
fn same_order(one: &Tree<'_>, two: &Tree<'_>) -> bool {
    match (one, two) {
        (Tree::Map(one), Tree::Map(two)) => {
            one.iter().zip(two).all(|((key, value), (other, beside))| key == other && same_order(value, beside))
        }
        (Tree::List(one), Tree::List(two)) => one.iter().zip(two).all(|(one, two)| same_order(one, two)),
        _ => true,
    }
}

fn check_words(steps: &[Step<'_>], format: Format) -> Result<(), EditError> {
    for Step { path, change } in steps {
        let (own, value) = match change {
            Change::InsertItem(index, value) => (Some(Segment::Index(*index)), value),
            Change::InsertKey(key, value) => (Some(Segment::Key(key.clone())), value),
            Change::Replace(value) => (None, value),
            Change::Remove => continue,
        };
        if let Some((below, unsayable)) = value.unsayable(format) {
            let path: Vec<_> = path.iter().cloned().chain(own).chain(below).collect();
            return Err(EditError::NotInFormat { format, path: pointer_of(&path), what: unsayable.what });
        }
    }
    Ok(())
}

impl<'v> Step<'v> {
    /// Makes the change in a tree.
    fn change<'r>(&self, root: &mut Tree<'r>)
    where
        'v: 'r,
    {
        let whole = matches!(self.change, Change::Remove);
        let parent = if whole { &self.path[..self.path.len().saturating_sub(1)] } else { &self.path[..] };
        let Some(node) = parent.iter().try_fold(root, |node, segment| node.part_mut(segment)) else { return };
        match (&self.change, node) {
            (Change::Replace(value), node) => *node = value.clone(),
            (Change::InsertKey(key, value), Tree::Map(map)) => map.push((key.clone().into(), value.clone())),
            (Change::InsertItem(index, value), Tree::List(items)) => items.insert(*index, value.clone()),
            (Change::Remove, Tree::Map(map)) => {
                map.retain(|(key, _)| !matches!(self.path.last(), Some(Segment::Key(own)) if own == key));
            }
            (Change::Remove, Tree::List(items)) => {
                if let Some(Segment::Index(index)) = self.path.last() {
                    items.remove(*index);
                }
            }
            _ => {}
        }
    }

    /// The edits that make the change in a text.
    fn edits(&self, text: &str, format: Format, blocks: bool) -> Result<Vec<Edit>, Lost> {
        match format {
            Format::Json => self.json(text),
            Format::Toml => self.toml(text),
            Format::Yaml => self.yaml(text, blocks),
        }
    }

    fn yaml(&self, text: &str, blocks: bool) -> Result<Vec<Edit>, Lost> {
        let root = yaml::layout(text);
        let style = yaml_print::Style { blocks, ..yaml::style(text, root.as_ref()) };
        let Some(root) = root.filter(|root| !self.path.is_empty() || root.start < root.end) else {
            let Change::Replace(value) = &self.change else { return Err(Lost::Missing) };
            let line = if text.is_empty() || text.ends_with('\n') { "" } else { style.newline };
            let block = yaml_print::block(value, &style, 0);
            return Ok(vec![Edit::insert(text.len(), &format!("{line}{block}{}", style.newline))]);
        };
        Ok(match &self.change {
            Change::InsertItem(index, value) => {
                yaml::insert_item(text, find(&root, &self.path)?, *index, value, &style)
            }
            Change::InsertKey(key, value) => yaml::insert_key(text, find(&root, &self.path)?, key, value, &style),
            Change::Replace(value) => match (find(&root, &self.path), self.path.split_last()) {
                (Ok(found), _) => yaml::replace(text, found, value, &style),
                // What a merge key brings, a key of the map itself replaces.
                (Err(_), Some((Segment::Key(key), parent))) => {
                    let parent = find(&root, parent)?;
                    let own = parent.layout.items().iter().any(|item| !item.merge && item.keys == [key.as_str()]);
                    if own {
                        return Err(Lost::Aliased);
                    }
                    yaml::insert_key(text, parent, key, value, &style)
                }
                (Err(lost), _) => return Err(lost),
            },
            Change::Remove => {
                let (parent, index) = self.parent(&root)?;
                yaml::remove(text, parent, index, &style)
            }
        })
    }

    fn json(&self, text: &str) -> Result<Vec<Edit>, Lost> {
        let newline = lines::line_break(text);
        let Ok(node) = parse(text, Format::Json, SourceId(0)) else {
            let Change::Replace(value) = &self.change else { return Err(Lost::Missing) };
            let style = json::Style { newline, indent: "  ", spaced: true, short_lists: true };
            let word = text.trim();
            let at = if word.is_empty() { text.len() } else { text.find(word).unwrap_or(0) };
            let line_break = if word.is_empty() { newline } else { "" };
            let value = json::value(value, &style, "");
            return Ok(vec![Edit::new(at, at + word.len(), value + line_break)]);
        };
        let root = of_json(&node);
        let indent = json_indent(text, &root);
        let spaced = root.items().first().is_none_or(|item| text[..item.value.start].ends_with(' '));
        let style = json::Style { newline, indent: &indent, spaced, short_lists: true };
        Ok(match &self.change {
            Change::Replace(value) => {
                let layout = find(&root, &self.path)?.layout;
                let value = json::value(value, &style, lines::indent(text, layout.start));
                vec![Edit::new(layout.start, layout.end, value)]
            }
            Change::InsertKey(key, value) => {
                let layout = find(&root, &self.path)?.layout;
                let before = json_inner(text, layout, &style);
                let pair = json::pair(key, value, &style, &before);
                json_insert(text, layout, layout.items().len(), &pair, &style)
            }
            Change::InsertItem(index, value) => {
                let layout = find(&root, &self.path)?.layout;
                let before = json_inner(text, layout, &style);
                json_insert(text, layout, *index, &json::value(value, &style, &before), &style)
            }
            Change::Remove => {
                let (parent, index) = self.parent(&root)?;
                flow::remove(text, parent.layout, index)
            }
        })
    }

    fn toml(&self, text: &str) -> Result<Vec<Edit>, Lost> {
        let document = toml::layout(text).ok_or(Lost::Missing)?;
        match &self.change {
            Change::InsertItem(index, value) => document.insert_item(text, &self.path, *index, value),
            Change::InsertKey(key, value) => document.insert_key(text, &self.path, key, value),
            Change::Remove => document.remove(text, &self.path),
            Change::Replace(value) => match document.replace(text, &self.path, value)? {
                Some(edits) => Ok(edits),
                // The value that comes instead of a table is written by the mending.
                None => document.remove(text, &self.path),
            },
        }
    }

    /// The list or map that holds what the path leads to, and at which index.
    fn parent<'l>(&self, root: &'l Layout) -> Result<(Found<'l>, usize), Lost> {
        let Some((last, parent)) = self.path.split_last() else { return Err(Lost::Missing) };
        let found = find(root, parent)?;
        let items = found.layout.items();
        let index = match last {
            Segment::Index(index) => Some(*index).filter(|index| *index < items.len()),
            Segment::Key(key) => items.iter().position(|item| !item.merge && item.keys == [key.as_str()]),
        };
        index.map(|index| (found, index)).ok_or(Lost::Aliased)
    }
}

/// Writes the nearest value around a place anew. Keys that dots join in an inline table can only be changed together.
fn around(text: &str, format: Format, path: &[Segment], expected: &Tree<'_>) -> Option<Vec<Edit>> {
    (format == Format::Toml).then_some(())?;
    let document = toml::layout(text)?;
    let parents = || (0..=path.len()).rev().map(|depth| &path[..depth]);
    let wanted = |path: &[Segment]| path.iter().try_fold(expected, |node, segment| node.part(segment));
    let inline = parents().find_map(|path| document.replace(text, path, wanted(path)?).ok().flatten());
    // An array of tables has no place for anything but tables; the mending writes the list anew.
    inline.or_else(|| {
        let list = parents().find(|path| document.is_array_of_tables(path))?;
        document.remove(text, list).ok()
    })
}

/// What one level of a JSON text is indented by; nothing if it is all in one line.
fn json_indent(text: &str, root: &Layout) -> String {
    let Shape::Flow { items, .. } = &root.shape else { return "  ".to_owned() };
    match items.first() {
        None if text.trim().len() <= 2 => "  ".to_owned(),
        Some(first) if text[root.start..first.start].contains('\n') => {
            let (inner, outer) = (lines::indent(text, first.start), lines::indent(text, root.start));
            let own = inner.strip_prefix(outer).unwrap_or(inner);
            if own.is_empty() { "  ".to_owned() } else { own.to_owned() }
        }
        _ => String::new(),
    }
}

/// What a line of a new part begins with.
fn json_inner(text: &str, layout: &Layout, style: &json::Style<'_>) -> String {
    match layout.items().first() {
        Some(first) => lines::indent(text, first.start).to_owned(),
        None => format!("{}{}", lines::indent(text, layout.start), style.indent),
    }
}

fn json_insert(text: &str, layout: &Layout, index: usize, part: &str, style: &json::Style<'_>) -> Vec<Edit> {
    if layout.items().is_empty() && part.starts_with(['{', '"']) && part.contains(':') && !style.indent.is_empty() {
        let outer = lines::indent(text, layout.start);
        let newline = style.newline;
        let lines = format!("{newline}{outer}{}{part}{newline}{outer}", style.indent);
        return vec![Edit::new(layout.start + 1, layout.end - 1, lines)];
    }
    flow::insert(text, layout, index, part)
}

/// In TOML a table or list that loses its last part is gone, and one that is replaced by something else was only
/// removed: writes what should stand there now.
fn mend_toml(pieces: &mut Pieces<'_>, path: &[Segment], expected: &Tree<'_>) -> Option<()> {
    let now = pieces.text();
    let tree = read(&now, Format::Toml).ok()?;
    let mut there = Some(&tree);
    let mut wanted = expected;
    for (depth, segment) in path.iter().enumerate() {
        let Some(next) = wanted.part(segment) else { break };
        wanted = next;
        there = there.and_then(|node| node.part(segment));
        if there.is_none() {
            let Segment::Key(key) = segment else { return None };
            let step = Step { path: path[..depth].to_vec(), change: Change::InsertKey(key.clone(), wanted.clone()) };
            let edits = step.toml(&now).ok()?;
            pieces.apply(edits);
            return Some(());
        }
    }
    Some(())
}
