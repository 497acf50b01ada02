//! Plans the steps from one document to another.

use super::{EditError, pointer_of};
use crate::{Format, Segment, Tree, unescape};

/// A change of a document. Steps are applied in order.
#[derive(Debug)]
pub(super) struct Step<'v> {
    /// The value that is replaced or removed, or the list or map to which a value is added.
    pub(super) path: Vec<Segment>,
    pub(super) change: Change<'v>,
}

#[derive(Debug)]
pub(super) enum Change<'v> {
    InsertItem(usize, Tree<'v>),
    InsertKey(String, Tree<'v>),
    Remove,
    Replace(Tree<'v>),
}

/// A list or map that would need more steps is replaced as a whole.
const MAX_STEPS: usize = 48;

/// Plans the steps that set or remove the value at a path.
pub(super) fn plan<'v>(
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
            diff(node, value, &path, &mut parts);
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

/// Wraps `value` in the missing lists and maps.
fn nested<'v>(segments: &[&str], value: &Tree<'v>) -> Tree<'v> {
    segments.iter().rev().fold(value.clone(), |inner, segment| match *segment {
        "-" | "0" => Tree::List(vec![inner]),
        key => Tree::Map(vec![(unescape(key).into_owned().into(), inner)]),
    })
}

/// Plans the steps from one value to another, by key and by item.
fn diff<'v>(old: &Tree<'_>, new: &Tree<'v>, path: &[Segment], steps: &mut Vec<Step<'v>>) {
    if old == new && same_order(old, new) {
        return;
    }
    let below = |segment: Segment| path.iter().cloned().chain([segment]).collect::<Vec<_>>();
    match (old, new) {
        (Tree::Map(before), Tree::Map(after)) if !before.is_empty() && keeps_order(before, after) => {
            let key_of = |key: &str| Segment::Key(key.to_owned());
            for (key, part) in before {
                match new.part(&key_of(key)) {
                    Some(value) => diff(part, value, &below(key_of(key)), steps),
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
                diff(part, value, &below(Segment::Index(prefix + index)), steps);
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
                // A float remains a float.
                (Tree::Float(_, raw), Tree::Int(value)) if raw.contains('.') =>
                {
                    #[expect(clippy::cast_precision_loss, reason = "the old value is a float")]
                    Tree::Float(*value as f64, format!("{value}.0").into())
                }
                _ => new.clone(),
            };
            steps.push(Step { path: path.to_vec(), change: Change::Replace(value) });
        }
    }
}

/// Whether kept keys keep their order, and new keys are at the end.
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

pub(super) fn check_representable(steps: &[Step<'_>], format: Format) -> Result<(), EditError> {
    for Step { path, change } in steps {
        let (own, value) = match change {
            Change::InsertItem(index, value) => (Some(Segment::Index(*index)), value),
            Change::InsertKey(key, value) => (Some(Segment::Key(key.clone())), value),
            Change::Replace(value) => (None, value),
            Change::Remove => continue,
        };
        if let Some((below, unrepresentable)) = value.unrepresentable(format) {
            let path: Vec<_> = path.iter().cloned().chain(own).chain(below).collect();
            return Err(EditError::NotInFormat { format, path: pointer_of(&path), what: unrepresentable.what });
        }
    }
    Ok(())
}

impl<'v> Step<'v> {
    /// Applies the change to a tree.
    pub(super) fn change<'r>(&self, root: &mut Tree<'r>)
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
}
