//! Merges layers of settings.

use std::borrow::Cow;

use runai_syntax::{Entry, Map, Node, Span, Value};

use super::keys::FREE_MAPS;

/// Settings that others override.
#[derive(Clone)]
pub(crate) struct Layer<'t> {
    pub(crate) settings: Node<'t>,
    /// JSON pointer of the map in its source.
    pub(crate) pointer: String,
}

/// Applies overrides.
pub(crate) fn overridden<'t>(root: &mut Node<'t>, overrides: &[(Vec<String>, Node<'t>)]) {
    for (path, value) in overrides {
        put(root, path, value.clone(), value.span);
    }
}

/// Sets the value at `path`, and creates missing maps.
pub(super) fn put<'t>(node: &mut Node<'t>, path: &[String], value: Node<'t>, span: Span) {
    let Some((key, rest)) = path.split_first() else {
        *node = value;
        return;
    };
    if let Value::List(items) = &mut node.value
        && let Some(item) = key.parse::<usize>().ok().and_then(|index| items.get_mut(index))
    {
        put(item, rest, value, span);
        return;
    }
    if !matches!(node.value, Value::Map(_)) {
        *node = Node { value: Value::Map(Map::default()), span };
    }
    let Value::Map(map) = &mut node.value else { return };
    if map.get(key).is_none() {
        let empty = Node { value: Value::Map(Map::default()), span };
        map.0.push(Entry { key: Cow::Owned(key.clone()), key_span: span, value: empty });
    }
    if let Some(entry) = map.0.iter_mut().find(|entry| entry.key == key.as_str()) {
        put(&mut entry.value, rest, value, span);
    }
}

/// Returns the spans of the layers, and their JSON pointers in their sources.
pub(crate) fn origins(layers: &[Layer<'_>]) -> Vec<(Span, String)> {
    layers.iter().map(|layer| (layer.settings.span, layer.pointer.clone())).collect()
}

pub(super) fn merge_layers<'t>(layers: &[Layer<'t>], own: Option<Node<'t>>) -> Option<Node<'t>> {
    layers.iter().map(|layer| layer.settings.clone()).chain(own).reduce(|under, over| merge(under, over, false))
}

/// Merges maps by key; any other value of `over` replaces the one of `under`. In maps with arbitrary keys, `null` removes an
/// entry.
fn merge<'t>(under: Node<'t>, over: Node<'t>, free: bool) -> Node<'t> {
    let (mut merged, map) = match (under.value, over.value) {
        (Value::Map(under), Value::Map(over)) => (under, over),
        (_, value) => return Node { value, span: over.span },
    };
    for entry in map.0 {
        let Some(index) = merged.0.iter().position(|own| own.key == entry.key) else {
            merged.0.push(entry);
            continue;
        };
        if free && entry.value.value == Value::Null {
            merged.0.remove(index);
            continue;
        }
        let below_is_free = FREE_MAPS.contains(&&*entry.key);
        let Entry { key, key_span, value } = entry;
        let placeholder = Node { value: Value::Null, span: key_span };
        let under = std::mem::replace(&mut merged.0[index].value, placeholder);
        merged.0[index] = Entry { key, key_span, value: merge(under, value, below_is_free) };
    }
    Node { value: Value::Map(merged), span: over.span }
}
