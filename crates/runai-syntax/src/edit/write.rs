//! Computes the edits of a step.

use super::layout::{Found, Layout, Lost, find};
use super::piece_table::PieceTable;
use super::plan::{Change, Step};
use super::{Edit, read, toml, yaml};
use crate::emit::yaml as emit;
use crate::{Format, Segment, Tree};

impl Step<'_> {
    /// Returns the edits of the change.
    pub(super) fn edits(&self, text: &str, format: Format, blocks: bool) -> Result<Vec<Edit>, Lost> {
        match format {
            Format::Json => self.json(text),
            Format::Toml => self.toml(text),
            Format::Yaml => self.yaml(text, blocks),
        }
    }

    fn yaml(&self, text: &str, blocks: bool) -> Result<Vec<Edit>, Lost> {
        let root = yaml::layout(text);
        let style = emit::Style { blocks, ..yaml::style(text, root.as_ref()) };
        let Some(root) = root.filter(|root| !self.path.is_empty() || root.start < root.end) else {
            let Change::Replace(value) = &self.change else { return Err(Lost::Missing) };
            let line = if text.is_empty() || text.ends_with('\n') { "" } else { style.newline };
            let block = emit::block(value, &style, 0);
            return Ok(vec![Edit::insert(text.len(), &format!("{line}{block}{}", style.newline))]);
        };
        Ok(match &self.change {
            Change::InsertItem(index, value) => {
                yaml::insert_item(text, find(&root, &self.path)?, *index, value, &style)
            }
            Change::InsertKey(key, value) => yaml::insert_key(text, find(&root, &self.path)?, key, value, &style),
            Change::Replace(value) => match (find(&root, &self.path), self.path.split_last()) {
                (Ok(found), _) => yaml::replace(text, found, value, &style),
                // A key of the map overrides a merged one.
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

    fn toml(&self, text: &str) -> Result<Vec<Edit>, Lost> {
        let document = toml::layout(text).ok_or(Lost::Missing)?;
        match &self.change {
            Change::InsertItem(index, value) => document.insert_item(text, &self.path, *index, value),
            Change::InsertKey(key, value) => document.insert_key(text, &self.path, key, value),
            Change::Remove => document.remove(text, &self.path),
            Change::Replace(value) => match document.replace(text, &self.path, value)? {
                Some(edits) => Ok(edits),
                // `restore_toml` inserts the value that replaces a table.
                None => document.remove(text, &self.path),
            },
        }
    }

    /// Returns the list or map that contains the value, and the value's index.
    pub(super) fn parent<'l>(&self, root: &'l Layout) -> Result<(Found<'l>, usize), Lost> {
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

/// Replaces the nearest parent that can be replaced, because dotted keys of an inline table cannot be changed separately.
pub(super) fn replace_parent(text: &str, format: Format, path: &[Segment], expected: &Tree<'_>) -> Option<Vec<Edit>> {
    (format == Format::Toml).then_some(())?;
    let document = toml::layout(text)?;
    let parents = || (0..=path.len()).rev().map(|depth| &path[..depth]);
    let wanted = |path: &[Segment]| path.iter().try_fold(expected, |node, segment| node.part(segment));
    let inline = parents().find_map(|path| document.replace(text, path, wanted(path)?).ok().flatten());
    // An array of tables can only contain tables. It is removed, and `restore_toml` inserts the new list.
    inline.or_else(|| {
        let list = parents().find(|path| document.is_array_of_tables(path))?;
        document.remove(text, list).ok()
    })
}

/// Inserts a value that a previous edit removed: a TOML table or list that lost its last entry, or that is replaced by
/// another value.
pub(super) fn restore_toml(pieces: &mut PieceTable<'_>, path: &[Segment], expected: &Tree<'_>) -> Option<()> {
    let now = pieces.text();
    let tree = read(&now, Format::Toml).ok()?;
    let mut current = Some(&tree);
    let mut expected = expected;
    for (depth, segment) in path.iter().enumerate() {
        let Some(next) = expected.part(segment) else { break };
        expected = next;
        current = current.and_then(|node| node.part(segment));
        if current.is_none() {
            let Segment::Key(key) = segment else { return None };
            let step = Step { path: path[..depth].to_vec(), change: Change::InsertKey(key.clone(), expected.clone()) };
            let edits = step.toml(&now).ok()?;
            pieces.apply(edits);
            return Some(());
        }
    }
    Some(())
}
