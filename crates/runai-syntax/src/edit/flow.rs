//! Edits of lists and maps in brackets: JSON, YAML flow collections and TOML inline values.

use super::layout::{Item, Layout};
use super::{Edit, lines};

/// Inserts `part` (a value, or a key and a value) before the item at `index`, or at the end.
pub(super) fn insert(text: &str, layout: &Layout, index: usize, part: &str) -> Vec<Edit> {
    let items = layout.items();
    let (open, close) = (layout.start + 1, layout.end - 1);
    let Some(last) = items.last() else {
        if lines::is_blank(text, open..close) || open == close {
            let inner = &text[open..close];
            let pad = if inner.starts_with(' ') && !inner.contains('\n') { " " } else { "" };
            return vec![Edit::new(open, close, format!("{pad}{part}{pad}"))];
        }
        return vec![Edit::insert(close, part)];
    };
    let multiline = text[open..items[0].start].contains('\n');
    if let Some(next) = items.get(index) {
        let between = if multiline && lines::is_first(text, next.start) {
            format!(",{}{}", lines::line_break(text), lines::indent(text, next.start))
        } else {
            comma(text, items).to_owned()
        };
        return vec![Edit::insert(next.start, &format!("{part}{between}"))];
    }
    let trailing = comma_after(text, last.end, close);
    let behind = trailing.map_or(last.end, |comma| comma + 1);
    let line_end = lines::end(text, behind);
    if multiline && line_end < close && lines::is_first(text, last.start) {
        let line = format!("{}{}{part}", lines::line_break(text), lines::indent(text, last.start));
        return match trailing {
            Some(_) => vec![Edit::insert(line_end, &format!("{line},"))],
            None if line_end == last.end => vec![Edit::insert(last.end, &format!(",{line}"))],
            None => vec![Edit::insert(last.end, ","), Edit::insert(line_end, &line)],
        };
    }
    let comma = comma(text, items);
    match trailing {
        Some(_) => vec![Edit::insert(behind, &format!("{}{part},", &comma[1..]))],
        None => vec![Edit::insert(last.end, &format!("{comma}{part}"))],
    }
}

/// Returns the separator: a comma and a space, unless this text uses none.
fn comma<'c>(text: &str, items: &[Item]) -> &'c str {
    match items {
        [first, second, ..] if text[first.end..second.start] == *"," => ",",
        _ => ", ",
    }
}

/// Removes the item at `index` with its comma, and with its lines and comment if no other item shares them.
pub(super) fn remove(text: &str, layout: &Layout, index: usize) -> Vec<Edit> {
    let items = layout.items();
    let item = &items[index];
    let (open, close) = (layout.start + 1, layout.end - 1);
    let own_comma = comma_after(text, item.end, close);
    let behind = own_comma.map_or(item.end, |comma| comma + 1);
    if items.len() == 1 && lines::is_blank(text, open..item.start) && lines::is_blank(text, behind..close) {
        return vec![Edit::delete(open, close)];
    }
    let previous = index.checked_sub(1).map(|before| &items[before]);
    // The last item is removed with the comma before it, unless it has a trailing comma.
    let comma_before = match previous {
        Some(previous) if index + 1 == items.len() && own_comma.is_none() => {
            comma_after(text, previous.end, item.start)
        }
        _ => None,
    };
    let line_end = lines::end(text, behind);
    let rest = text[behind..line_end].trim_start();
    let alone = lines::is_first(text, item.start) && line_end < close && (rest.is_empty() || rest.starts_with('#'));
    if alone {
        let lines = Edit::delete(lines::start(text, item.start), lines::next(text, line_end));
        let comma = comma_before.map(|comma| Edit::delete(comma, comma + 1));
        return comma.into_iter().chain([lines]).collect();
    }
    match (items.get(index + 1), previous, comma_before) {
        (Some(next), ..) if lines::is_blank(text, behind..next.start) => vec![Edit::delete(item.start, next.start)],
        (None, Some(previous), Some(comma)) if lines::is_blank(text, comma + 1..item.start) => {
            vec![Edit::delete(previous.end.min(comma), item.end)]
        }
        (None, Some(previous), None) if lines::is_blank(text, previous.end + 1..item.start) => {
            // `[a, b, ]` becomes `[a, ]`: the comma after the previous item is kept.
            let start = comma_after(text, previous.end, item.start).map_or(item.start, |comma| comma + 1);
            vec![Edit::delete(start, behind)]
        }
        (_, _, Some(comma)) => vec![Edit::delete(comma, comma + 1), Edit::delete(item.start, item.end)],
        _ => vec![Edit::delete(item.start, behind)],
    }
}

/// Returns the offset of the comma after an item that ends at `end`.
fn comma_after(text: &str, end: usize, close: usize) -> Option<usize> {
    let at = lines::skip(text, end);
    (at < close && text[at..].starts_with(',')).then_some(at)
}
