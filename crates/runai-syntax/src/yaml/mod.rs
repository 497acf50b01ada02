//! Parses YAML from `saphyr-parser`'s events.
//!
//! This loader expands aliases with a limit, and resolves scalars and merge keys (`<<`). It rejects several documents, keys
//! that are lists or maps, and tags beyond the core schema.

pub(crate) mod input;
pub(crate) mod mistakes;
mod scalar;
pub(crate) mod tabs;
pub mod yaml11;

use std::borrow::Cow;

use saphyr_parser::{Event, ScalarStyle, ScanError, Span as EventSpan, Tag};

use crate::error::{SyntaxError, SyntaxErrorKind, SyntaxFix};
use crate::parse::{Dialect, Keys, MAX_ALIASED_NODES, MAX_DEPTH, Reader};
use crate::{Entry, Format, Map, Node, Span, Text, Value};
use input::{Events, Offsets, events_with_blanks};
use scalar::{borrowed, raw_scalar};
use tabs::tabs_after_colons;

pub use mistakes::key_without_space;
pub use scalar::core;
pub(crate) use scalar::without_comment;

/// The maximum number of warnings about overridden keys.
const MAX_WARNINGS: usize = 100;

pub(crate) fn parse<'t>(
    reader: &Reader<'t>,
    dialect: Dialect,
    warnings: &mut Vec<SyntaxError>,
) -> Result<Option<Node<'t>>, SyntaxError> {
    if let Some(at) = reader.body.bytes().position(is_control) {
        let code = reader.body.as_bytes()[at];
        let why = format_args!("unescaped control character U+{code:04X}");
        let error = reader.syntax(Format::Yaml, reader.span(at, at + 1), why);
        return Err(error.with_help(format!("remove it, or write `\\u{code:04x}` in double quotes")));
    }
    if dialect == Dialect::PyYaml
        && let Some((at, c)) = reader.body.char_indices().find(|(_, c)| !is_printable(*c))
    {
        let code = u32::from(c);
        let why = format_args!("PyYAML rejects the character U+{code:04X}");
        let error = reader.syntax(Format::Yaml, reader.span(at, at + c.len_utf8()), why);
        return Err(error.with_help(format!("remove it, or write `\\u{code:04x}` in double quotes")));
    }
    let blanks = if dialect == Dialect::Core { tabs_after_colons(reader.body) } else { Vec::new() };
    let mut loader = Loader {
        reader,
        offsets: Offsets::new(reader.body),
        events: events_with_blanks(reader.body, blanks),
        anchors: Vec::new(),
        aliased: 0,
        dialect,
        warnings: Vec::new(),
    };
    let root = loader.document()?;
    warnings.append(&mut loader.warnings);
    Ok(root)
}

/// Whether a control character must be escaped. `saphyr-parser` does not check this, but PyYAML does.
fn is_control(byte: u8) -> bool {
    byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r')
}

/// Whether PyYAML accepts a character, by `Reader.NON_PRINTABLE`.
fn is_printable(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{fffd}' | '\u{10000}'..)
}

struct Loader<'r, 't> {
    reader: &'r Reader<'t>,
    offsets: Offsets,
    events: Events<'t>,
    /// Anchored nodes, by the parser's anchor ids, from 1.
    anchors: Vec<Option<Node<'t>>>,
    aliased: usize,
    dialect: Dialect,
    warnings: Vec<SyntaxError>,
}

impl<'t> Loader<'_, 't> {
    fn document(&mut self) -> Result<Option<Node<'t>>, SyntaxError> {
        let mut root = None;
        loop {
            match self.next()? {
                (Event::StreamEnd, _) => return Ok(root),
                (Event::DocumentStart(_), span) if root.is_some() => {
                    let message = "second document in the file".to_owned();
                    return Err(SyntaxError::new(SyntaxErrorKind::SeveralDocuments, self.span(span), message));
                }
                (Event::DocumentStart(_), _) => {
                    let event = self.next()?;
                    root = Some(self.node(event, 1)?);
                }
                _ => {}
            }
        }
    }

    fn next(&mut self) -> Result<(Event<'t>, EventSpan), SyntaxError> {
        match self.events.next_event() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => Err(self.error(&error)),
            None => Ok((Event::StreamEnd, EventSpan::default())),
        }
    }

    /// Loads the node that starts with `event`.
    fn node(&mut self, (event, span): (Event<'t>, EventSpan), depth: usize) -> Result<Node<'t>, SyntaxError> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let span = self.scalar_span(span, style);
                let node = Node { value: self.scalar(text, style, tag.as_deref(), span)?, span };
                Ok(self.anchored(anchor, node))
            }
            Event::SequenceStart(anchor, tag) => {
                self.collection(tag.as_deref(), "seq", span, depth)?;
                let mut items = Vec::new();
                let end = loop {
                    match self.next()? {
                        (Event::SequenceEnd, end) => break end,
                        event => items.push(self.node(event, depth + 1)?),
                    }
                };
                let span = self.collection_span(span, items.first().map(|n| n.span), items.last().map(|n| n.span), end);
                Ok(self.anchored(anchor, Node { value: Value::List(items), span }))
            }
            Event::MappingStart(anchor, tag) => {
                self.collection(tag.as_deref(), "map", span, depth)?;
                let (map, first, last, end) = self.entries(depth)?;
                let span = self.collection_span(span, first, last, end);
                Ok(self.anchored(anchor, Node { value: Value::Map(map), span }))
            }
            Event::Alias(anchor) => self.alias(anchor, span, depth),
            _ => Ok(Node { value: Value::Null, span: self.span(span) }),
        }
    }

    fn collection(&self, tag: Option<&Tag>, kind: &str, span: EventSpan, depth: usize) -> Result<(), SyntaxError> {
        if depth > MAX_DEPTH {
            return Err(self.reader.too_deep(self.span(span)));
        }
        match tag {
            Some(tag) if !(tag.is_yaml_core_schema() && tag.suffix == kind) => {
                Err(self.unknown_tag(tag, self.span(span)))
            }
            _ => Ok(()),
        }
    }

    /// Loads the entries of a map. Also returns the first and last span in it, and the span of its end.
    fn entries(&mut self, depth: usize) -> Result<(Map<'t>, Option<Span>, Option<Span>, EventSpan), SyntaxError> {
        let mut entries: Vec<Entry<'t>> = Vec::new();
        let mut keys = Keys::default();
        let mut merges: Vec<(Node<'t>, Span)> = Vec::new();
        let (mut first, mut last) = (None, None);
        let end = loop {
            let (event, span) = self.next()?;
            let (key, key_span, plain) = match event {
                Event::MappingEnd => break span,
                Event::Scalar(text, style, anchor, _) => {
                    let key_span = self.scalar_span(span, style);
                    let plain = style == ScalarStyle::Plain;
                    let key = borrowed(text, self.reader.slice(key_span));
                    let text = Text { text: key.clone(), plain };
                    self.anchored(anchor, Node { value: Value::String(text), span: key_span });
                    (key, key_span, plain)
                }
                Event::Alias(anchor) => {
                    let node = self.alias(anchor, span, depth)?;
                    match node.value {
                        Value::String(text) => (text.text, self.span(span), false),
                        _ => return Err(self.complex_key(span)),
                    }
                }
                _ => return Err(self.complex_key(span)),
            };
            let event = self.next()?;
            let value_span = self.span(event.1);
            let value = self.node(event, depth + 1)?;
            first.get_or_insert(key_span);
            // The end of an alias is not that of its anchor.
            last = Some(if value.span.start < key_span.start { value_span } else { value.span });
            if plain && key == "<<" {
                if let Some((_, first)) = merges.first()
                    && self.dialect == Dialect::Core
                {
                    return Err(self
                        .reader
                        .duplicate_key(&key, *first, key_span)
                        .with_help("write one merge key: `<<: [*one, *two]`; the first map has precedence"));
                }
                merges.push((value, key_span));
                continue;
            }
            match keys.position(&entries, &key) {
                None => entries.push(Entry { key, key_span, value }),
                Some(first) if self.dialect == Dialect::PyYaml => {
                    let entry = &mut entries[first];
                    // Each warning takes linear time.
                    if self.warnings.len() < MAX_WARNINGS {
                        self.warnings.push(self.reader.overridden_key(&key, entry.key_span, key_span));
                    }
                    // The key keeps its position, and the last value is used.
                    (entry.key_span, entry.value) = (key_span, value);
                }
                Some(first) => return Err(self.reader.duplicate_key(&key, entries[first].key_span, key_span)),
            }
        };
        match self.dialect {
            Dialect::Core => {
                for (merge, _) in merges {
                    self.merge(&mut entries, merge)?;
                }
            }
            Dialect::PyYaml => self.merge_as_pyyaml(&mut entries, merges)?,
        }
        Ok((Map(entries), first, last, end))
    }

    /// Adds the entries of a merge key that the map does not have. The first of several maps has precedence.
    fn merge(&self, entries: &mut Vec<Entry<'t>>, merged: Node<'t>) -> Result<(), SyntaxError> {
        match merged.value {
            Value::Map(map) => {
                for entry in map.0 {
                    if !entries.iter().any(|own| own.key == entry.key) {
                        entries.push(entry);
                    }
                }
                Ok(())
            }
            Value::List(items) if items.iter().all(|item| item.as_map().is_some()) => {
                items.into_iter().try_for_each(|item| self.merge(entries, item))
            }
            _ => Err(self.not_mergeable(merged.span)),
        }
    }

    /// Adds the entries of merge keys like PyYAML 6.0.4: the last of several maps has precedence, whether they are in a list
    /// or have separate merge keys.
    fn merge_as_pyyaml(
        &mut self,
        entries: &mut Vec<Entry<'t>>,
        merges: Vec<(Node<'t>, Span)>,
    ) -> Result<(), SyntaxError> {
        let mut below: Vec<Entry<'t>> = Vec::new();
        let mut several = None;
        for (index, (merge, key_span)) in merges.into_iter().enumerate() {
            if index > 0 {
                several.get_or_insert((key_span, "duplicate merge key `<<`".to_owned()));
            }
            let maps = match merge.value {
                Value::Map(map) => vec![map],
                Value::List(items) => {
                    let maps = items.into_iter().map(|item| match item.value {
                        Value::Map(map) => Ok(map),
                        _ => Err(self.not_mergeable(item.span)),
                    });
                    maps.collect::<Result<_, _>>()?
                }
                _ => return Err(self.not_mergeable(merge.span)),
            };
            for entry in maps.into_iter().flat_map(|map| map.0) {
                match below.iter_mut().find(|own| own.key == entry.key) {
                    Some(own) => {
                        if own.value != entry.value && !entries.iter().any(|own| own.key == entry.key) {
                            let why = format!("`<<` merges two values of `{}`", entry.key);
                            several.get_or_insert((key_span, why));
                        }
                        *own = entry;
                    }
                    None => below.push(entry),
                }
            }
        }
        if let Some((span, message)) = several {
            let help = "keep one of them; PyYAML 6.0.4 uses the last value, other parsers may not";
            self.warnings.push(SyntaxError::new(SyntaxErrorKind::DuplicateMerge, span, message).with_help(help));
        }
        below.retain(|entry| !entries.iter().any(|own| own.key == entry.key));
        entries.append(&mut below);
        Ok(())
    }

    fn not_mergeable(&self, span: Span) -> SyntaxError {
        let why = "the value of a merge key `<<` must be a map or a list of maps";
        self.reader.syntax(Format::Yaml, span, why).with_help("write an alias to a map: `<<: *defaults`")
    }

    fn alias(&mut self, anchor: usize, span: EventSpan, depth: usize) -> Result<Node<'t>, SyntaxError> {
        let Some(Some(node)) = self.anchors.get(anchor) else {
            // The parser rejects unknown anchors, so the alias is inside its anchor.
            let why = "alias inside its own anchor";
            return Err(self.reader.syntax(Format::Yaml, self.span(span), why));
        };
        self.aliased += size(node);
        if self.aliased > MAX_ALIASED_NODES {
            return Err(SyntaxError::new(
                SyntaxErrorKind::TooManyAliases,
                self.span(span),
                format!("aliases expand to more than {MAX_ALIASED_NODES} values"),
            ));
        }
        if depth + height(node) > MAX_DEPTH + 1 {
            return Err(self.reader.too_deep(self.span(span)));
        }
        Ok(node.clone())
    }

    /// Stores `node` if it has an anchor.
    fn anchored(&mut self, anchor: usize, node: Node<'t>) -> Node<'t> {
        if anchor > 0 {
            if self.anchors.len() <= anchor {
                self.anchors.resize(anchor + 1, None);
            }
            self.anchors[anchor] = Some(node.clone());
        }
        node
    }

    /// Resolves a scalar by its tag and dialect.
    fn scalar(
        &self,
        text: Cow<'t, str>,
        style: ScalarStyle,
        tag: Option<&Tag>,
        span: Span,
    ) -> Result<Value<'t>, SyntaxError> {
        let plain = style == ScalarStyle::Plain;
        let raw = raw_scalar(self.reader.slice(span));
        let Some(tag) = tag else {
            let meaning = match (plain, self.dialect) {
                (false, _) => None,
                (true, Dialect::Core) => core(&text, raw),
                (true, Dialect::PyYaml) => yaml11::scalar(&text, raw).map_err(|why| {
                    let why = format_args!("PyYAML rejects `{raw}`: {why}");
                    self.reader.syntax(Format::Yaml, span, why).with_help(format!("quote it: `\"{raw}\"`"))
                })?,
            };
            return Ok(match meaning {
                Some(value) => value,
                None => Value::String(Text { text: borrowed(text, raw), plain }),
            });
        };
        if !tag.is_yaml_core_schema() {
            return Err(self.unknown_tag(tag, span));
        }
        let value = match tag.suffix.as_str() {
            "str" => return Ok(Value::String(Text { text, plain: false })),
            "null" | "bool" | "int" | "float" => core(&text, raw),
            _ => return Err(self.unknown_tag(tag, span)),
        };
        match (tag.suffix.as_str(), value) {
            ("float", Some(Value::Int(value, raw))) =>
            {
                #[expect(clippy::cast_precision_loss, reason = "the tag requires a float")]
                Ok(Value::Float(value as f64, raw))
            }
            ("null", Some(value @ Value::Null))
            | ("bool", Some(value @ Value::Bool(..)))
            | ("int", Some(value @ (Value::Int(..) | Value::BigInt(_))))
            | ("float", Some(value @ Value::Float(..))) => Ok(value),
            (kind, _) => {
                let why = format_args!("the value does not fit its tag `!!{kind}`");
                Err(self.reader.syntax(Format::Yaml, span, why))
            }
        }
    }

    fn unknown_tag(&self, tag: &Tag, span: Span) -> SyntaxError {
        let why = format_args!("unsupported tag `{}{}`", tag.handle, tag.suffix);
        self.reader.syntax(Format::Yaml, span, why).with_help("remove the tag; quote strings that look like numbers")
    }

    fn complex_key(&self, span: EventSpan) -> SyntaxError {
        let (start, end) = (self.offsets.byte(span.start.index()), self.offsets.byte(span.end.index()));
        let body = self.reader.body;
        let line = body[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = body[start..].find('\n').map_or(body.len(), |length| start + length);
        if let Some(mistakes::Mistake { place, why, help, .. }) = mistakes::template(&body[line..line_end]) {
            let place = self.reader.span(line + place.start, line + place.end);
            return self.reader.syntax(Format::Yaml, place, why).with_help(help);
        }
        self.reader.syntax(
            Format::Yaml,
            self.reader.span(start, end.max(start + 1)),
            "a key must be a scalar, not a list or map",
        )
    }

    fn error(&self, error: &ScanError) -> SyntaxError {
        let start = self.offsets.byte(error.marker().index());
        // The parser has a higher depth limit, but looks ahead and reports it first.
        if error.info().contains("recursion limit") {
            return self.reader.too_deep(self.reader.span(start, start));
        }
        let body = self.reader.body;
        let line_start = body[..start].rfind('\n').map_or(0, |at| at + 1);
        // The parser reports the position before the tab.
        let next_lines = &body[line_start..];
        let tab = next_lines.split_inclusive('\n').take(2).scan(line_start, |offset, line| {
            let at = *offset;
            *offset += line.len();
            let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
            Some(line[..indent].find('\t').map(|column| at + column))
        });
        if let Some(tab) = tab.flatten().next() {
            return self
                .reader
                .syntax(Format::Yaml, self.reader.span(tab, tab + 1), "tab in indentation")
                .with_help("replace the tab by spaces")
                .with_fix(SyntaxFix::ReplaceTabs(self.reader.span(tab, tab + 1)));
        }
        if let Some(mistakes::Mistake { place, why, help, fix }) = mistakes::find(body, start) {
            let place = self.reader.span(place.start, place.end);
            let fix =
                fix.map(|(place, text)| SyntaxFix::Write { span: self.reader.span(place.start, place.end), text });
            return self.reader.syntax(Format::Yaml, place, why).with_help(help).with_fix(fix);
        }
        let end = body[start..].find(['\n', ' ']).map_or(body.len(), |length| start + length.max(1));
        self.reader.syntax(Format::Yaml, self.reader.span(start, end), error.info())
    }

    fn span(&self, span: EventSpan) -> Span {
        self.reader.span(self.offsets.byte(span.start.index()), self.offsets.byte(span.end.index()))
    }

    /// Returns the span of a scalar without the trailing whitespace and comments that the parser includes.
    fn scalar_span(&self, span: EventSpan, style: ScalarStyle) -> Span {
        let (start, end) = (self.offsets.byte(span.start.index()), self.offsets.byte(span.end.index()));
        let raw = self.reader.body.get(start..end).unwrap_or_default();
        let raw = match style {
            ScalarStyle::SingleQuoted => without_comment(raw, '\''),
            ScalarStyle::DoubleQuoted => without_comment(raw, '"'),
            _ => raw.trim_end(),
        };
        self.reader.span(start, start + raw.len())
    }

    /// Returns the span of a collection. A block collection reaches from its first to its last part.
    fn collection_span(&self, start: EventSpan, first: Option<Span>, last: Option<Span>, end: EventSpan) -> Span {
        let whole = self.span(EventSpan { start: start.start, end: end.end });
        let flow = end.end.index() > end.start.index() && start.end.index() > start.start.index();
        match (flow, first, last) {
            (false, Some(first), Some(last)) if last.end >= first.start => {
                Span { start: whole.start.min(first.start), end: last.end, ..whole }
            }
            // The parser includes the rest of the line after the bracket.
            _ if flow => Span { end: self.span(end).start + 1, ..whole },
            _ => whole,
        }
    }
}

fn size(node: &Node<'_>) -> usize {
    1 + match &node.value {
        Value::List(items) => items.iter().map(size).sum(),
        Value::Map(map) => map.0.iter().map(|entry| size(&entry.value)).sum(),
        _ => 0,
    }
}

fn height(node: &Node<'_>) -> usize {
    1 + match &node.value {
        Value::List(items) => items.iter().map(height).max().unwrap_or(0),
        Value::Map(map) => map.0.iter().map(|entry| height(&entry.value)).max().unwrap_or(0),
        _ => 0,
    }
}
