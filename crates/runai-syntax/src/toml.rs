//! Parses TOML from `toml_parser`'s events.
//!
//! This module defines tables and rejects redefinitions. The `toml` crate would do so, too, but was a tenth of the wasm
//! module, and its tree takes twice the memory. A test compares the two.

use std::borrow::Cow;

use toml_datetime::Datetime;
use toml_parser::decoder::ScalarKind;
use toml_parser::parser::{Event, EventKind, RecursionGuard, ValidateWhitespace, parse_document};
use toml_parser::{Expected, ParseError, Source};

use crate::error::SyntaxError;
use crate::parse::{Keys, MAX_DEPTH, Reader};
use crate::{Entry, Format, Map, Node, Span, Text, Value, float};

/// The nesting limit of the parser, slightly above [`MAX_DEPTH`].
const PARSED_DEPTH: u32 = 80;

pub(crate) fn parse<'t>(reader: &Reader<'t>) -> Result<Option<Node<'t>>, SyntaxError> {
    let source = Source::new(reader.body);
    let mut error = None;
    let events = events(source, &mut error);
    if let Some(error) = error {
        return Err(syntax_error(reader, &error));
    }
    let mut root = Node { value: Value::Map(Map::default()), span: reader.span(0, 0) };
    Loader { reader, source, events: events.into_iter(), open: Vec::new() }.document(&mut root)?;
    Ok(root.as_map().is_some_and(|map| !map.0.is_empty()).then_some(root))
}

/// Returns the events without whitespace, comments, dots and equals signs, whose positions the parser checks.
pub(crate) fn events(source: Source<'_>, error: &mut Option<ParseError>) -> Vec<Event> {
    let mut events = Vec::new();
    let mut keep = |event: Event| match event.kind() {
        EventKind::Whitespace | EventKind::Comment | EventKind::Newline | EventKind::KeySep => {}
        _ => events.push(event),
    };
    let mut checked = ValidateWhitespace::new(&mut keep, source);
    parse_document(&source.lex().into_vec(), &mut RecursionGuard::new(&mut checked, PARSED_DEPTH), error);
    events
}

fn syntax_error(reader: &Reader<'_>, error: &ParseError) -> SyntaxError {
    let place = error.unexpected().map_or(reader.span(0, 0), |place| reader.span(place.start(), place.end()));
    if error.description().contains("recursion depth") {
        return reader.too_deep(place);
    }
    let expected = error.expected().unwrap_or_default().iter().map(|expected| match expected {
        Expected::Literal("\n") => "a line break".to_owned(),
        Expected::Literal(literal) => format!("`{literal}`"),
        Expected::Description(what) => (*what).to_owned(),
        _ => "something else".to_owned(),
    });
    let expected: Vec<_> = expected.collect();
    let why = error.description().trim_end();
    if expected.is_empty() {
        return reader.syntax(Format::Toml, place, why);
    }
    reader.syntax(Format::Toml, place, format_args!("{why}, expected {}", expected.join(", ")))
}

struct Loader<'r, 't> {
    reader: &'r Reader<'t>,
    source: Source<'t>,
    events: std::vec::IntoIter<Event>,
    /// Tables that can still be extended, sorted by span: the root, tables of headers and dotted keys, and the inline tables
    /// that are being parsed.
    open: Vec<(Span, Open<'t>)>,
}

struct Open<'t> {
    by: OpenedBy,
    keys: Keys<'t>,
}

/// How a table was defined, which determines whether it can be extended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum OpenedBy {
    /// By dotted keys: `table.key = 1`. A header cannot redefine it.
    Dots,
    /// By its header, the start of the text, or a brace. Dotted keys cannot extend it.
    Itself,
    /// By the header of a subtable. It can be extended in all ways.
    TableInIt,
}

struct Key<'t> {
    text: Cow<'t, str>,
    span: Span,
}

/// A table, and its depth.
type Table<'n, 't> = (&'n mut Node<'t>, usize);

impl<'t> Loader<'_, 't> {
    fn document(mut self, root: &mut Node<'t>) -> Result<(), SyntaxError> {
        self.open(root.span, OpenedBy::Itself);
        let mut table = (&mut *root, 1);
        while let Some(event) = self.events.next() {
            match event.kind() {
                EventKind::StdTableOpen | EventKind::ArrayTableOpen => table = self.header(root, event)?,
                _ => self.pair((&mut *table.0, table.1), event)?,
            }
        }
        Ok(())
    }

    /// Opens the table of a header.
    fn header<'n>(&mut self, root: &'n mut Node<'t>, open: Event) -> Result<Table<'n, 't>, SyntaxError> {
        let first = self.next()?;
        let (path, key, close) = self.keys(first)?;
        let span = self.reader.span(open.span().start(), close.span().end());
        let (parent, depth) = path.into_iter().try_fold((root, 1), |table, key| self.descend(table, key, false))?;
        let (parent_span, Value::Map(map)) = (parent.span, &mut parent.value) else {
            return Err(self.cannot_extend(&key, "not a table"));
        };
        let found = self.position(parent_span, map, &key.text);
        let index = found.unwrap_or(map.0.len());
        if open.kind() == EventKind::ArrayTableOpen {
            if let Some(index) = found
                && !self.is_list_of_tables(&map.0[index].value)
            {
                return Err(self.duplicate(&map.0[index], &key));
            }
            self.too_deep(depth + 2, &key)?;
            if found.is_none() {
                map.0.push(Entry {
                    key: key.text,
                    key_span: key.span,
                    value: Node { value: Value::List(Vec::new()), span },
                });
            }
            let Value::List(items) = &mut map.0[index].value.value else { unreachable!("it is one") };
            items.push(self.table(span, OpenedBy::Itself));
            let last = items.len() - 1;
            return Ok((&mut items[last], depth + 2));
        }
        self.too_deep(depth + 1, &key)?;
        let Some(index) = found else {
            map.0.push(Entry { key: key.text, key_span: key.span, value: self.table(span, OpenedBy::Itself) });
            return Ok((&mut map.0[index].value, depth + 1));
        };
        let entry = &mut map.0[index];
        match self.opened(entry.value.span) {
            Ok(at) if self.open[at].1.by == OpenedBy::TableInIt && entry.value.as_map().is_some() => {
                let (_, opened) = self.open.remove(at);
                self.insert(span, Open { by: OpenedBy::Itself, ..opened });
                entry.value.span = span;
                entry.key_span = key.span;
                Ok((&mut entry.value, depth + 1))
            }
            _ => Err(self.duplicate(entry, &key)),
        }
    }

    /// Adds a key and its value to a table.
    fn pair(&mut self, table: Table<'_, 't>, first: Event) -> Result<(), SyntaxError> {
        let (path, key, _) = self.keys(first)?;
        let (table, depth) = path.into_iter().try_fold(table, |table, key| self.descend(table, key, true))?;
        let (span, Value::Map(map)) = (table.span, &mut table.value) else {
            return Err(self.cannot_extend(&key, "not a table"));
        };
        if let Some(index) = self.position(span, map, &key.text) {
            return Err(self.duplicate(&map.0[index], &key));
        }
        let event = self.next()?;
        let value = self.value(event, depth + 1)?;
        map.0.push(Entry { key: key.text, key_span: key.span, value });
        Ok(())
    }

    /// Returns the subtable of `table` at a prefix of a dotted key. Creates it if it is missing.
    fn descend<'n>(
        &mut self,
        (table, depth): Table<'n, 't>,
        key: Key<'t>,
        dots: bool,
    ) -> Result<Table<'n, 't>, SyntaxError> {
        let (span, Value::Map(map)) = (table.span, &mut table.value) else {
            return Err(self.cannot_extend(&key, "not a table"));
        };
        self.too_deep(depth + 1, &key)?;
        let Some(index) = self.position(span, map, &key.text) else {
            let by = if dots { OpenedBy::Dots } else { OpenedBy::TableInIt };
            map.0.push(Entry { value: self.table(key.span, by), key: key.text, key_span: key.span });
            let last = map.0.len() - 1;
            return Ok((&mut map.0[last].value, depth + 1));
        };
        let first = map.0[index].key_span;
        let found = &mut map.0[index].value;
        let (found, depth) = if self.is_list_of_tables(found) {
            let Value::List(items) = &mut found.value else { unreachable!("it is one") };
            let last = items.len() - 1;
            (&mut items[last], depth + 2)
        } else {
            (found, depth + 1)
        };
        match (&found.value, self.opened(found.span)) {
            (Value::Map(_), Ok(at)) => {
                let by = &mut self.open[at].1.by;
                match by {
                    OpenedBy::Itself if dots => return Err(self.reader.duplicate_key(&key.text, first, key.span)),
                    OpenedBy::TableInIt if dots => *by = OpenedBy::Dots,
                    _ => {}
                }
                Ok((found, depth))
            }
            (Value::Map(_), Err(_)) => Err(self.cannot_extend(&key, "an inline table")),
            (Value::List(_), _) => Err(self.cannot_extend(&key, "a list")),
            _ => Err(self.cannot_extend(&key, "a single value")),
        }
    }

    fn value(&mut self, event: Event, depth: usize) -> Result<Node<'t>, SyntaxError> {
        let (start, end) = (event.span().start(), event.span().end());
        if depth > MAX_DEPTH && event.kind() != EventKind::Scalar {
            return Err(self.reader.too_deep(self.reader.span(start, end)));
        }
        match event.kind() {
            EventKind::ArrayOpen => {
                let mut items = Vec::new();
                loop {
                    let event = self.next()?;
                    match event.kind() {
                        EventKind::ArrayClose => {
                            let span = self.reader.span(start, event.span().end());
                            return Ok(Node { value: Value::List(items), span });
                        }
                        EventKind::ValueSep => {}
                        _ => items.push(self.value(event, depth + 1)?),
                    }
                }
            }
            EventKind::InlineTableOpen => {
                let mut table = self.table(self.reader.span(start, end), OpenedBy::Itself);
                loop {
                    let event = self.next()?;
                    match event.kind() {
                        // Extending the span closes the table: it is no longer found among the open ones.
                        EventKind::InlineTableClose => {
                            table.span = self.reader.span(start, event.span().end());
                            return Ok(table);
                        }
                        EventKind::ValueSep => {}
                        _ => self.pair((&mut table, depth), event)?,
                    }
                }
            }
            _ => self.scalar(event),
        }
    }

    fn scalar(&self, event: Event) -> Result<Node<'t>, SyntaxError> {
        let span = self.reader.span(event.span().start(), event.span().end());
        let raw = self.reader.slice(span);
        let (mut text, mut error) = (Cow::Borrowed(""), None);
        let kind = self.source.get(event).map(|raw| raw.decode_scalar(&mut text, &mut error));
        if let Some(error) = error {
            return Err(syntax_error(self.reader, &error));
        }
        let value = match kind {
            Some(ScalarKind::Boolean(value)) => Value::Bool(value, raw),
            Some(ScalarKind::DateTime) => match text.parse::<Datetime>() {
                Ok(_) => Value::DateTime(raw),
                Err(error) => return Err(self.reader.syntax(Format::Toml, span, error)),
            },
            Some(ScalarKind::Float) => float::parse(&text).map_or(Value::BigInt(raw), |value| Value::Float(value, raw)),
            Some(ScalarKind::Integer(radix)) => {
                i64::from_str_radix(&text, radix.value()).map_or(Value::BigInt(raw), |value| Value::Int(value, raw))
            }
            Some(ScalarKind::String) | None => Value::String(Text { text, plain: false }),
        };
        Ok(Node { value, span })
    }

    /// Returns the prefix and the last key of a dotted key that starts at `first`, and the next event.
    fn keys(&mut self, first: Event) -> Result<(Vec<Key<'t>>, Key<'t>, Event), SyntaxError> {
        let mut path = Vec::new();
        let mut key = self.key(first)?;
        loop {
            let event = self.next()?;
            if event.kind() != EventKind::SimpleKey {
                return Ok((path, key, event));
            }
            path.push(std::mem::replace(&mut key, self.key(event)?));
        }
    }

    fn key(&self, event: Event) -> Result<Key<'t>, SyntaxError> {
        let (mut text, mut error) = (Cow::Borrowed(""), None);
        if let Some(raw) = self.source.get(event) {
            raw.decode_key(&mut text, &mut error);
        }
        match error {
            Some(error) => Err(syntax_error(self.reader, &error)),
            None => Ok(Key { text, span: self.reader.span(event.span().start(), event.span().end()) }),
        }
    }

    fn next(&mut self) -> Result<Event, SyntaxError> {
        let end = self.reader.body.len();
        let end = self.reader.span(end, end);
        self.events.next().ok_or_else(|| self.reader.syntax(Format::Toml, end, "unexpected end of file"))
    }

    /// Creates an open table at `span`.
    fn table(&mut self, span: Span, by: OpenedBy) -> Node<'t> {
        self.open(span, by);
        Node { value: Value::Map(Map::default()), span }
    }

    fn open(&mut self, span: Span, by: OpenedBy) {
        self.insert(span, Open { by, keys: Keys::default() });
    }

    fn insert(&mut self, span: Span, open: Open<'t>) {
        // Tables are opened nearly in the order of their spans, so few others are moved.
        let at = self.open.partition_point(|(other, _)| *other < span);
        self.open.insert(at, (span, open));
    }

    /// Returns the index of the table at `span` in the open tables.
    fn opened(&self, span: Span) -> Result<usize, usize> {
        self.open.binary_search_by(|(other, _)| other.cmp(&span))
    }

    /// Returns the index of `key` in the open table at `span`.
    fn position(&mut self, span: Span, map: &Map<'t>, key: &str) -> Option<usize> {
        let at = self.opened(span).ok()?;
        self.open[at].1.keys.position(&map.0, key)
    }

    /// Whether it is an array of tables, which has the span of its first table.
    fn is_list_of_tables(&self, node: &Node<'t>) -> bool {
        matches!(node.value, Value::List(_)) && self.opened(node.span).is_ok()
    }

    fn too_deep(&self, depth: usize, key: &Key<'t>) -> Result<(), SyntaxError> {
        if depth > MAX_DEPTH { Err(self.reader.too_deep(key.span)) } else { Ok(()) }
    }

    fn duplicate(&self, first: &Entry<'t>, again: &Key<'t>) -> SyntaxError {
        self.reader.duplicate_key(&again.text, first.key_span, again.span)
    }

    fn cannot_extend(&self, key: &Key<'t>, what: &str) -> SyntaxError {
        let why = format_args!("`{}` is {what} and cannot be extended", key.text);
        self.reader.syntax(Format::Toml, key.span, why)
    }
}
