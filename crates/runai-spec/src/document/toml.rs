//! TOML, by the `toml` crate's recovering parser.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Entry, Finding, Format, MAX_DEPTH, Map, Node, Reader, Text, Value, float};
use crate::rules::text::DUPLICATE_KEY;

pub(super) fn parse<'t>(reader: &Reader<'t>) -> Result<Option<Node<'t>>, Finding> {
    let (table, errors) = DeTable::parse_recoverable(reader.body);
    if let Some(error) = errors.first() {
        let place = error.span().unwrap_or(0..0);
        return Err(match error.message() {
            "duplicate key" => {
                let span = reader.span(place.start, place.end);
                let key = reader.slice(span);
                Finding::new(&DUPLICATE_KEY, span, format!("key `{key}` stands here a second time"))
                    .with_help("keep one of them")
            }
            // The parser has a depth limit of its own, a little above ours.
            message if message.contains("recursion depth") => reader.too_deep(place.start),
            message => reader.syntax(Format::Toml, place.start, place.end, message.trim_end()),
        });
    }
    let span = table.span();
    let table = table.into_inner();
    if table.is_empty() {
        return Ok(None);
    }
    Ok(Some(Node { value: map(reader, table, 1)?, span: reader.span(span.start, span.end) }))
}

fn map<'t>(reader: &Reader<'t>, table: DeTable<'t>, depth: usize) -> Result<Value<'t>, Finding> {
    let mut entries = Vec::with_capacity(table.len());
    for (key, value) in table {
        let key_span = reader.span(key.span().start, key.span().end);
        entries.push(Entry { key: key.into_inner(), key_span, value: convert(reader, value, depth + 1)? });
    }
    // The parser sorts by name.
    entries.sort_by_key(|entry| entry.key_span.start);
    Ok(Value::Map(Map(entries)))
}

fn convert<'t>(reader: &Reader<'t>, value: Spanned<DeValue<'t>>, depth: usize) -> Result<Node<'t>, Finding> {
    let place = value.span();
    let span = reader.span(place.start, place.end);
    let value = value.into_inner();
    if depth > MAX_DEPTH && matches!(value, DeValue::Array(_) | DeValue::Table(_)) {
        return Err(reader.too_deep(place.start));
    }
    let raw = reader.slice(span);
    let value = match value {
        DeValue::String(text) => Value::String(Text { text, plain: false }),
        DeValue::Integer(integer) => i64::from_str_radix(integer.as_str(), integer.radix())
            .map_or(Value::BigInt(raw), |value| Value::Int(value, raw)),
        DeValue::Float(digits) => {
            float::parse(digits.as_str()).map_or(Value::BigInt(raw), |value| Value::Float(value, raw))
        }
        DeValue::Boolean(value) => Value::Bool(value, raw),
        DeValue::Datetime(_) => Value::DateTime(raw),
        DeValue::Array(items) => {
            let items = items.into_iter().map(|item| convert(reader, item, depth + 1));
            Value::List(items.collect::<Result<_, _>>()?)
        }
        DeValue::Table(table) => map(reader, table, depth)?,
    };
    Ok(Node { value, span })
}
