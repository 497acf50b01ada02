//! Edits of YAML. The layout comes from the parser's events.

use saphyr_parser::{Event, ScalarStyle, Span as EventSpan};

use super::layout::{Found, Item, Layout, Place, Shape};
use super::{Edit, flow, lines};
use crate::Tree;
use crate::emit::yaml::{self as emit, Style};
use crate::emit::{is_short, quoted};
use crate::yaml::input::{Events, Offsets, events_with_blanks};
use crate::yaml::tabs::tabs_after_colons;
use crate::yaml::without_comment;

/// Returns the layout of a valid text, or `None` if it has no value.
pub(super) fn layout(text: &str) -> Option<Layout> {
    let mut scan =
        Scan { text, offsets: Offsets::new(text), events: events_with_blanks(text, tabs_after_colons(text)) };
    loop {
        match scan.next()? {
            (Event::DocumentStart(explicit), dashes) => {
                let after = if explicit { scan.offsets.byte(dashes.end.index()) } else { 0 };
                let event = scan.next()?;
                return scan.node(event, after);
            }
            (Event::StreamEnd, _) => return None,
            _ => {}
        }
    }
}

struct Scan<'t> {
    text: &'t str,
    offsets: Offsets,
    events: Events<'t>,
}

impl<'t> Scan<'t> {
    fn next(&mut self) -> Option<(Event<'t>, EventSpan)> {
        self.events.next_event()?.ok()
    }

    fn node(&mut self, (event, span): (Event<'t>, EventSpan), after: usize) -> Option<Layout> {
        let span_end = self.offsets.byte(span.end.index());
        let (outer, start) = self.after_properties(after);
        Some(match event {
            Event::Scalar(text, ScalarStyle::Plain, anchor, tag) if text.is_empty() => {
                // An empty value.
                let properties = anchor > 0 || tag.is_some();
                let end = if properties { properties_end(self.text, outer, start) } else { after };
                let outer = if properties { outer } else { after };
                Layout { after, outer, start: end, end, shape: Shape::Scalar }
            }
            Event::Scalar(_, style, ..) => {
                let end = self.scalar_end(start, span_end, style);
                Layout { after, outer, start, end, shape: Shape::Scalar }
            }
            Event::SequenceStart(..) => {
                let flow = self.text[start..].starts_with('[');
                let (items, end) = self.items(start, flow)?;
                Layout { after, outer, start, end, shape: self.collection(true, flow, start, items) }
            }
            Event::MappingStart(..) => {
                let flow = self.text[start..].starts_with('{');
                let (items, end) = self.entries(start, flow)?;
                Layout { after, outer, start, end, shape: self.collection(false, flow, start, items) }
            }
            Event::Alias(_) => Layout { after, outer, start: outer, end: span_end, shape: Shape::Alias },
            _ => return None,
        })
    }

    fn collection(&self, list: bool, flow: bool, start: usize, items: Vec<Item>) -> Shape {
        if flow { Shape::Flow { items } } else { Shape::Block { list, column: lines::column(self.text, start), items } }
    }

    fn items(&mut self, start: usize, flow: bool) -> Option<(Vec<Item>, usize)> {
        let mut items: Vec<Item> = Vec::new();
        let mut at = if flow { start + 1 } else { start };
        loop {
            let event = self.next()?;
            if let (Event::SequenceEnd, _) = event {
                return Some((items, if flow { self.after_bracket(at) } else { at }));
            }
            let dash = lines::skip(self.text, at);
            let value = self.node(event, if flow { at } else { dash + 1 })?;
            let start = if flow { value.outer } else { dash };
            let end = value.end.max(if flow { value.outer } else { dash + 1 });
            at = if flow { self.after_comma(end) } else { end };
            items.push(Item { keys: Vec::new(), merge: false, start, end, value });
        }
    }

    fn entries(&mut self, start: usize, flow: bool) -> Option<(Vec<Item>, usize)> {
        let mut items: Vec<Item> = Vec::new();
        let mut at = if flow { start + 1 } else { start };
        loop {
            let (event, span) = self.next()?;
            let span_end = self.offsets.byte(span.end.index());
            let (outer, key_start) = self.after_properties(at);
            let (key, key_end, merge) = match event {
                Event::MappingEnd => return Some((items, if flow { self.after_bracket(at) } else { at })),
                Event::Scalar(text, style, ..) => {
                    let merge = style == ScalarStyle::Plain && text == "<<";
                    (text.into_owned(), self.scalar_end(key_start, span_end, style), merge)
                }
                // A key that is an alias cannot be edited, like merged values.
                Event::Alias(_) => (String::new(), span_end, true),
                _ => return None,
            };
            let colon = lines::skip(self.text, key_end);
            let after = if self.text[colon..].starts_with(':') { colon + 1 } else { key_end };
            let event = self.next()?;
            let value = self.node(event, after)?;
            let end = value.end.max(after);
            at = if flow { self.after_comma(end) } else { end };
            items.push(Item { keys: vec![key], merge, start: outer, end, value });
        }
    }

    fn after_comma(&self, end: usize) -> usize {
        let at = lines::skip(self.text, end);
        if self.text[at..].starts_with(',') { at + 1 } else { end }
    }

    /// The parser ends a collection with a trailing comma at that comma.
    fn after_bracket(&self, at: usize) -> usize {
        (lines::skip(self.text, at) + 1).min(self.text.len())
    }

    /// Returns the start of a value's anchor and tag, and the start of the value.
    fn after_properties(&self, after: usize) -> (usize, usize) {
        let outer = lines::skip(self.text, after);
        let mut start = outer;
        while self.text[start..].starts_with(['&', '!']) {
            let rest = &self.text[start..];
            let length = rest.find(|c: char| c.is_whitespace() || ",[]{}".contains(c)).unwrap_or(rest.len());
            start = lines::skip(self.text, start + length);
        }
        (outer, start)
    }

    fn scalar_end(&self, start: usize, span_end: usize, style: ScalarStyle) -> usize {
        let raw = self.text.get(start..span_end).unwrap_or_default();
        let raw = match style {
            ScalarStyle::SingleQuoted => without_comment(raw, '\''),
            ScalarStyle::DoubleQuoted => without_comment(raw, '"'),
            // Trailing line breaks belong to the scalar, the indentation of the next line does not.
            _ if keeps_breaks(raw) => &raw[..raw.rfind('\n').map_or(raw.len(), |at| at + 1)],
            _ => raw.trim_end(),
        };
        start + raw.len()
    }
}

fn keeps_breaks(raw: &str) -> bool {
    raw.starts_with(['|', '>']) && raw[1..].trim_start_matches(|c: char| c.is_ascii_digit()).starts_with('+')
}

/// Returns the end of a value's anchor and tag.
fn properties_end(text: &str, outer: usize, start: usize) -> usize {
    let mut end = outer;
    loop {
        let next = lines::skip(text, end);
        let rest = &text[next..];
        if next >= start && !rest.starts_with(['&', '!']) || !rest.starts_with(['&', '!']) {
            return end;
        }
        end = next + rest.find(|c: char| c.is_whitespace() || ",[]{}".contains(c)).unwrap_or(rest.len());
    }
}

/// Detects the indentation of a text.
pub(super) fn style(text: &str, root: Option<&Layout>) -> Style<'static> {
    let mut steps = (None, None);
    if let Some(root) = root {
        steps_of(root, &mut steps);
    }
    let step = steps.0.unwrap_or(2);
    Style { newline: lines::line_break(text), step, list_step: steps.1.unwrap_or(step), blocks: true }
}

fn steps_of(layout: &Layout, steps: &mut (Option<usize>, Option<usize>)) {
    for item in layout.items() {
        if steps.0.is_some() && steps.1.is_some() {
            return;
        }
        if let (Shape::Block { list: false, column, .. }, Shape::Block { list, column: inner, .. }) =
            (&layout.shape, &item.value.shape)
            && let Some(step) = inner.checked_sub(*column)
        {
            let known = if *list { &mut steps.1 } else { &mut steps.0 };
            known.get_or_insert(step);
        }
        steps_of(&item.value, steps);
    }
}

/// Replaces a value by `new`.
pub(super) fn replace(text: &str, found: Found<'_>, new: &Tree<'_>, style: &Style<'_>) -> Vec<Edit> {
    let Found { layout, in_flow, column, place } = found;
    let Layout { after, outer, start, end, .. } = *layout;
    // The tag is replaced with the value; the anchor is kept.
    let tagged = outer < start && !text[outer..start].contains('&');
    let from = if tagged { outer } else { start };
    // Trailing blank lines of a block scalar do not belong to the new value.
    let end = start + text[start..end].trim_end().len();
    let properties_end = if tagged || outer == start { after } else { properties_end(text, outer, start) };
    let below = text[after..start].contains('\n');

    if in_flow || is_short(new, column) {
        let moves = layout.is_block() && below && place != Place::Root;
        let behind = if moves { properties_end } else { end };
        // A block scalar cannot keep the comment after the old value.
        let word = match (scalar(&text[start..end], new, in_flow, style, column), new) {
            (word, Tree::Text(new))
                if word.contains('\n') && !lines::is_blank(text, behind..lines::end(text, behind)) =>
            {
                quoted(new)
            }
            (word, _) => word,
        };
        if start == end {
            return vec![Edit::insert(start, &format!(" {word}"))];
        }
        if moves {
            let lines = Edit::delete(lines::start(text, start), lines::next(text, end));
            return vec![Edit::insert(properties_end, &format!(" {word}")), lines];
        }
        return vec![Edit::new(from, end, word)];
    }

    let inner = match (place, new) {
        (Place::Root, _) => lines::column(text, start),
        (Place::Dash, _) => column + 2,
        (Place::Key, Tree::List(_)) => column + style.list_step,
        (Place::Key, _) => column + style.step,
    };
    if layout.is_block() {
        if !below || place == Place::Root {
            let column = lines::column(text, start);
            return vec![Edit::new(start, end, emit::block(new, style, column))];
        }
        let block = format!("{}{}", " ".repeat(inner), emit::block(new, style, inner));
        return vec![Edit::new(lines::start(text, start), end, block)];
    }
    if place != Place::Key {
        let blank = if start == end { " " } else { "" };
        return vec![Edit::new(from, end, format!("{blank}{}", emit::block(new, style, inner)))];
    }
    // After the comment of the line.
    let line_end = lines::end(text, end);
    let block = format!("{}{}{}", style.newline, " ".repeat(inner), emit::block(new, style, inner));
    if line_end == end {
        return vec![Edit::new(properties_end, end, block)];
    }
    vec![Edit::delete(properties_end, end), Edit::insert(line_end, &block)]
}

/// Formats a value on one line, with the quotes of the old one.
fn scalar(old: &str, new: &Tree<'_>, in_flow: bool, style: &Style<'_>, column: usize) -> String {
    let Tree::Text(text) = new else {
        return emit::flow(new);
    };
    let kept = match old.chars().next() {
        Some('\'') => emit::single_quoted(text),
        Some('"') => Some(quoted(text)),
        _ => None,
    };
    match kept {
        Some(kept) => kept,
        None if in_flow => emit::flow(new),
        None => emit::after_colon(new, style, column).trim_start().to_owned(),
    }
}

/// Adds a key to a map.
pub(super) fn insert_key(text: &str, found: Found<'_>, key: &str, new: &Tree<'_>, style: &Style<'_>) -> Vec<Edit> {
    match &found.layout.shape {
        Shape::Block { column, items, .. } => {
            let entry = emit::entry(key, new, style, *column);
            let end = items.last().map_or(found.layout.end, |last| last.end);
            vec![new_line(text, end, *column, &entry, style)]
        }
        Shape::Flow { items, .. } if found.in_flow || !items.is_empty() => {
            let part = format!("{}: {}", emit::key(key), emit::flow(new));
            flow::insert(text, found.layout, items.len(), &part)
        }
        _ => replace(text, found, &Tree::Map(vec![(key.into(), new.clone())]), style),
    }
}

/// Adds an item to a list.
pub(super) fn insert_item(text: &str, found: Found<'_>, index: usize, new: &Tree<'_>, style: &Style<'_>) -> Vec<Edit> {
    match &found.layout.shape {
        Shape::Block { column, items, .. } => {
            let item = emit::item(new, style, *column);
            let between = format!("{}{}", style.newline, " ".repeat(*column));
            vec![match index.checked_sub(1).and_then(|before| items.get(before)) {
                Some(before) => new_line(text, before.end, *column, &item, style),
                None => Edit::insert(found.layout.start, &format!("{item}{between}")),
            }]
        }
        Shape::Flow { items, .. } if found.in_flow || !items.is_empty() || is_short(new, 0) => {
            flow::insert(text, found.layout, index, &emit::flow(new))
        }
        _ => replace(text, found, &Tree::List(vec![new.clone()]), style),
    }
}

/// Inserts a line after the one that contains `end`.
fn new_line(text: &str, end: usize, column: usize, line: &str, style: &Style<'_>) -> Edit {
    let indent = " ".repeat(column);
    if text[..end].ends_with('\n') {
        return Edit::insert(end, &format!("{indent}{line}{}", style.newline));
    }
    Edit::insert(lines::end(text, end), &format!("{}{indent}{line}", style.newline))
}

/// Removes an entry or item.
pub(super) fn remove(text: &str, found: Found<'_>, index: usize, style: &Style<'_>) -> Vec<Edit> {
    let (list, items) = match &found.layout.shape {
        Shape::Block { list, items, .. } => (*list, items),
        _ => return flow::remove(text, found.layout, index),
    };
    if items.len() == 1 {
        let nothing = if list { Tree::List(Vec::new()) } else { Tree::Map(Vec::new()) };
        return replace(text, found, &nothing, style);
    }
    let item = &items[index];
    let ends_with_line = text[..item.end].ends_with('\n');
    let behind = if ends_with_line { item.end } else { lines::next(text, item.end) };
    if lines::is_first(text, item.start) {
        return vec![Edit::delete(lines::start(text, item.start), behind)];
    }
    // The first entry after a dash: the next one moves to its place, unless there is a comment between them.
    match items.get(index + 1) {
        Some(next) if lines::is_blank(text, behind..next.start) => vec![Edit::delete(item.start, next.start)],
        _ => vec![Edit::delete(item.start, if ends_with_line { item.end } else { lines::end(text, item.end) })],
    }
}
