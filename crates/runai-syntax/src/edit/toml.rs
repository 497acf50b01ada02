//! Edits of TOML. The layout comes from the parser's events.

use std::borrow::Cow;
use std::collections::HashMap;

use toml_parser::Source;
use toml_parser::parser::{Event, EventKind};

use super::layout::{Found, Item, Layout, Lost, Place, Shape, find, starts_with};
use super::{Edit, flow, lines};
use crate::emit::quoted;
use crate::emit::toml as emit;
use crate::toml::events;
use crate::{Segment, Tree};

/// The layout of a document: sections of key/value pairs.
#[derive(Debug)]
pub(super) struct Document {
    /// The pairs before the first header, followed by each header with its pairs.
    sections: Vec<Section>,
    end: usize,
}

#[derive(Debug)]
struct Section {
    /// The path of the table.
    path: Vec<Segment>,
    /// The line of the header; empty for the first section.
    start: usize,
    header_end: usize,
    pairs: Vec<Pair>,
}

#[derive(Debug)]
struct Pair {
    keys: Vec<String>,
    start: usize,
    value: Layout,
}

impl Section {
    /// Returns the end of its last line.
    fn end(&self) -> usize {
        self.pairs.last().map_or(self.header_end, |pair| pair.value.end)
    }

    fn path_of(&self, pair: &Pair) -> Vec<Segment> {
        self.path.iter().cloned().chain(pair.keys.iter().cloned().map(Segment::Key)).collect()
    }
}

/// Returns the layout of a valid text.
pub(super) fn layout(text: &str) -> Option<Document> {
    let source = Source::new(text);
    Scan { source, events: events(source, &mut None), at: 0 }.document(text.len())
}

struct Scan<'t> {
    source: Source<'t>,
    events: Vec<Event>,
    at: usize,
}

impl Scan<'_> {
    fn document(mut self, end: usize) -> Option<Document> {
        let mut sections = vec![Section { path: Vec::new(), start: 0, header_end: 0, pairs: Vec::new() }];
        // The number of items of each array of tables so far.
        let mut counts: HashMap<String, usize> = HashMap::new();
        while let Some(event) = self.next() {
            match event.kind() {
                EventKind::StdTableOpen | EventKind::ArrayTableOpen => {
                    let array = event.kind() == EventKind::ArrayTableOpen;
                    let (keys, close) = self.keys()?;
                    let path = place(&keys, array, &mut counts);
                    let (start, header_end) = (event.span().start(), close.span().end());
                    sections.push(Section { path, start, header_end, pairs: Vec::new() });
                }
                EventKind::SimpleKey => {
                    self.at -= 1;
                    let start = event.span().start();
                    let (keys, separator) = self.keys()?;
                    let value = self.value(separator.span().end())?;
                    sections.last_mut()?.pairs.push(Pair { keys, start, value });
                }
                _ => return None,
            }
        }
        Some(Document { sections, end })
    }

    fn next(&mut self) -> Option<Event> {
        let event = self.events.get(self.at).copied();
        self.at += 1;
        event
    }

    /// Returns the keys up to the next other event, and that event.
    fn keys(&mut self) -> Option<(Vec<String>, Event)> {
        let mut keys = Vec::new();
        loop {
            let event = self.next()?;
            if event.kind() != EventKind::SimpleKey {
                return Some((keys, event));
            }
            let mut key = Cow::Borrowed("");
            self.source.get(event)?.decode_key(&mut key, &mut ());
            keys.push(key.into_owned());
        }
    }

    fn value(&mut self, after: usize) -> Option<Layout> {
        let event = self.next()?;
        let start = event.span().start();
        let mut items = Vec::new();
        let end = match event.kind() {
            EventKind::Scalar => {
                let end = event.span().end();
                return Some(Layout { after, outer: start, start, end, shape: Shape::Scalar });
            }
            EventKind::ArrayOpen => loop {
                let event = self.next()?;
                match event.kind() {
                    EventKind::ArrayClose => break event.span().end(),
                    EventKind::ValueSep => {}
                    _ => {
                        self.at -= 1;
                        let value = self.value(event.span().start())?;
                        items.push(Item { keys: Vec::new(), merge: false, start: value.start, end: value.end, value });
                    }
                }
            },
            EventKind::InlineTableOpen => loop {
                let event = self.next()?;
                match event.kind() {
                    EventKind::InlineTableClose => break event.span().end(),
                    EventKind::ValueSep => {}
                    _ => {
                        self.at -= 1;
                        let (keys, separator) = self.keys()?;
                        let value = self.value(separator.span().end())?;
                        items.push(Item { keys, merge: false, start: event.span().start(), end: value.end, value });
                    }
                }
            },
            _ => return None,
        };
        Some(Layout { after, outer: start, start, end, shape: Shape::Flow { items } })
    }
}

/// Returns the path of a header. The key of an array of tables refers to its last item.
fn place(keys: &[String], array: bool, counts: &mut HashMap<String, usize>) -> Vec<Segment> {
    let mut path = Vec::new();
    for (index, key) in keys.iter().enumerate() {
        path.push(Segment::Key(key.clone()));
        let name = format!("{path:?}");
        let last = index + 1 == keys.len();
        if last && array {
            let count = counts.entry(name).or_default();
            path.push(Segment::Index(*count));
            *count += 1;
        } else if let Some(count) = counts.get(&name) {
            path.push(Segment::Index(count - 1));
        }
    }
    path
}

impl Document {
    /// Finds the value at `path`, if it has a key or is inside such a value.
    fn value(&self, path: &[Segment]) -> Result<Found<'_>, Lost> {
        for section in &self.sections {
            let Some(rest) = path.strip_prefix(section.path.as_slice()) else { continue };
            for pair in &section.pairs {
                if !pair.keys.is_empty() && starts_with(rest, &pair.keys) {
                    let found = find(&pair.value, &rest[pair.keys.len()..])?;
                    return Ok(Found { place: Place::Key, ..found });
                }
            }
        }
        Err(Lost::Missing)
    }

    /// Returns the sections of the table or list at `path`, and of all tables in it.
    fn sections_below<'d>(&'d self, path: &'d [Segment]) -> impl DoubleEndedIterator<Item = (usize, &'d Section)> {
        let below = move |(index, section): &(usize, &Section)| *index > 0 && section.path.starts_with(path);
        self.sections.iter().enumerate().filter(below)
    }

    /// Returns the start of the comments directly above the header of a section.
    fn comments_above(text: &str, section: &Section) -> usize {
        let mut start = lines::start(text, section.start);
        while start > 0 {
            let above = lines::start(text, start - 1);
            if !text[above..start].trim_start().starts_with('#') {
                break;
            }
            start = above;
        }
        start
    }

    /// Replaces a value by `new`. Returns `None` if the value is a table.
    pub(super) fn replace(&self, text: &str, path: &[Segment], new: &Tree<'_>) -> Result<Option<Vec<Edit>>, Lost> {
        match self.value(path) {
            Ok(Found { layout, .. }) => {
                let word = scalar(&text[layout.range()], new);
                Ok(Some(vec![Edit::new(layout.start, layout.end, word)]))
            }
            // An item of an array of tables can only be replaced by a table.
            Err(Lost::Missing) if matches!(path.last(), Some(Segment::Key(_))) && self.is_table(path) => Ok(None),
            Err(lost) => Err(lost),
        }
    }

    /// Whether headers or dotted keys define the value at `path`.
    fn is_table(&self, path: &[Segment]) -> bool {
        self.sections.iter().any(|section| {
            section.path.starts_with(path) || section.pairs.iter().any(|pair| section.path_of(pair).starts_with(path))
        })
    }

    /// Whether headers in double brackets define the value at `path`.
    pub(super) fn is_array_of_tables(&self, path: &[Segment]) -> bool {
        self.sections_below(path).any(|(_, section)| matches!(section.path.get(path.len()), Some(Segment::Index(_))))
    }

    /// Adds a key to the table at `path`.
    pub(super) fn insert_key(
        &self,
        text: &str,
        path: &[Segment],
        key: &str,
        new: &Tree<'_>,
    ) -> Result<Vec<Edit>, Lost> {
        match self.value(path) {
            Ok(Found { layout, .. }) => {
                let part = format!("{} = {}", emit::key(key), emit::inline(new));
                if layout.items().is_empty() && lines::is_blank(text, layout.start + 1..layout.end - 1) {
                    return Ok(vec![Edit::new(layout.start, layout.end, format!("{{ {part} }}"))]);
                }
                return Ok(flow::insert(text, layout, layout.items().len(), &part));
            }
            Err(Lost::Aliased) => return Err(Lost::Aliased),
            Err(Lost::Missing) => {}
        }
        let newline = lines::line_break(text);
        let own = self.sections.iter().position(|section| section.path == path);
        if let Some(own) = own.filter(|_| emit::is_table(new)) {
            return Ok(vec![self.new_sections(text, path, own, key, new)]);
        }
        if let Some(own) = own {
            return Ok(vec![self.new_pair(text, own, &emit::pair(key, new, newline))]);
        }
        // A table that dotted keys define gets another dotted key.
        for section in &self.sections {
            let dotted = |pair: &&Pair| section.path_of(pair).starts_with(path);
            if path.len() > section.path.len()
                && let Some(last) = section.pairs.iter().rfind(dotted)
            {
                let prefix = emit::header(&path[section.path.len()..]);
                let pair =
                    format!("{newline}{}{prefix}.{}", lines::indent(text, last.start), emit::pair_inline(key, new));
                return Ok(vec![Edit::insert(lines::end(text, last.value.end), &pair)]);
            }
        }
        // A table that only headers of subtables define gets a header before them.
        let (_, first) = self.sections_below(path).next().ok_or(Lost::Missing)?;
        let pair = emit::pair(key, new, newline);
        let section = format!("[{}]{newline}{pair}{newline}{newline}", emit::header(path));
        Ok(vec![Edit::insert(Self::comments_above(text, first), &section)])
    }

    /// Inserts a pair after the last one of a section.
    fn new_pair(&self, text: &str, own: usize, pair: &str) -> Edit {
        let newline = lines::line_break(text);
        let section = &self.sections[own];
        if let Some(last) = section.pairs.last() {
            let indent = lines::indent(text, last.start);
            return Edit::insert(lines::end(text, last.value.end), &format!("{newline}{indent}{pair}"));
        }
        if own > 0 {
            let indent = lines::indent(text, section.start);
            return Edit::insert(lines::end(text, section.header_end), &format!("{newline}{indent}{pair}"));
        }
        match self.sections.get(1) {
            Some(first) => Edit::insert(Self::comments_above(text, first), &format!("{pair}{newline}{newline}")),
            None => self.at_end(text, &format!("{pair}{newline}"), false),
        }
    }

    /// Inserts a table or an array of tables after all tables in that of section `own`.
    fn new_sections(&self, text: &str, path: &[Segment], own: usize, key: &str, new: &Tree<'_>) -> Edit {
        let newline = lines::line_break(text);
        let mut out = String::new();
        let names: Vec<&str> = path
            .iter()
            .filter_map(|segment| match segment {
                Segment::Key(key) => Some(key.as_str()),
                Segment::Index(_) => None,
            })
            .collect();
        emit::table(&[(key.into(), new.clone())], &names, newline, &mut out);
        let last = self.sections_below(path).last().map_or(own, |(index, _)| index);
        self.insert_after(text, last, &out)
    }

    /// Inserts sections after another one.
    fn insert_after(&self, text: &str, index: usize, sections: &str) -> Edit {
        let newline = lines::line_break(text);
        let section = &self.sections[index];
        let Some(next) = self.sections.get(index + 1) else {
            return self.at_end(text, sections, true);
        };
        let end = section.end();
        if index == 0 && section.pairs.is_empty() {
            return Edit::insert(Self::comments_above(text, next), &format!("{sections}{newline}"));
        }
        let sections = sections.strip_suffix(newline).unwrap_or(sections);
        Edit::insert(lines::end(text, end), &format!("{newline}{newline}{sections}"))
    }

    /// Appends lines to the text, after an empty line if they are a section.
    fn at_end(&self, text: &str, lines: &str, section: bool) -> Edit {
        let newline = lines::line_break(text);
        let before = &text[..self.end];
        let mut insert = String::new();
        if !before.is_empty() && !before.ends_with('\n') {
            insert.push_str(newline);
        }
        let blank = before.trim_end_matches([' ', '\t']).is_empty() || before.ends_with(&format!("{newline}{newline}"));
        if section && !blank {
            insert.push_str(newline);
        }
        Edit::insert(self.end, &(insert + lines))
    }

    /// Inserts an item in the list at `path`.
    pub(super) fn insert_item(
        &self,
        text: &str,
        path: &[Segment],
        index: usize,
        new: &Tree<'_>,
    ) -> Result<Vec<Edit>, Lost> {
        match self.value(path) {
            Ok(Found { layout, .. }) => return Ok(flow::insert(text, layout, index, &emit::inline(new))),
            Err(Lost::Aliased) => return Err(Lost::Aliased),
            Err(Lost::Missing) => {}
        }
        // An array of tables can only contain tables.
        let Tree::Map(map) = new else { return Err(Lost::Missing) };
        let newline = lines::line_break(text);
        let names: Vec<&str> = path
            .iter()
            .filter_map(|segment| match segment {
                Segment::Key(key) => Some(key.as_str()),
                Segment::Index(_) => None,
            })
            .collect();
        let mut out = format!("[[{}]]{newline}", emit::header(path));
        emit::table(map, &names, newline, &mut out);
        let item: Vec<Segment> = path.iter().cloned().chain([Segment::Index(index)]).collect();
        if let Some((_, next)) = self.sections_below(&item).next() {
            return Ok(vec![Edit::insert(Self::comments_above(text, next), &format!("{out}{newline}"))]);
        }
        let (last, _) = self.sections_below(path).next_back().ok_or(Lost::Missing)?;
        Ok(vec![self.insert_after(text, last, &out)])
    }

    /// Removes the value at `path`.
    pub(super) fn remove(&self, text: &str, path: &[Segment]) -> Result<Vec<Edit>, Lost> {
        let Some((last, parent)) = path.split_last() else { return Err(Lost::Missing) };
        if let Ok(Found { layout, .. }) = self.value(parent) {
            let index = match last {
                Segment::Index(index) => Some(*index).filter(|index| *index < layout.items().len()),
                Segment::Key(key) => layout.items().iter().position(|item| item.keys == [key.as_str()]),
            };
            return index.map(|index| flow::remove(text, layout, index)).ok_or(Lost::Missing);
        }
        let mut edits = Vec::new();
        for section in &self.sections {
            for pair in &section.pairs {
                if section.path_of(pair).starts_with(path) && !section.path.starts_with(path) {
                    let start = lines::start(text, pair.start);
                    edits.push(Edit::delete(start, lines::next(text, lines::end(text, pair.value.end))));
                }
            }
        }
        for (index, section) in self.sections_below(path) {
            let end = self.sections.get(index + 1).map_or(self.end, |next| Self::comments_above(text, next));
            edits.push(Edit::delete(lines::start(text, section.start), end));
        }
        if edits.is_empty() { Err(Lost::Missing) } else { Ok(edits) }
    }
}

/// Formats a value on one line, with the quotes of the old one.
fn scalar(old: &str, new: &Tree<'_>) -> String {
    match new {
        Tree::Text(text) if old.starts_with('\'') && !old.starts_with("'''") => {
            emit::literal(text).unwrap_or_else(|| quoted(text))
        }
        other => emit::inline(other),
    }
}
