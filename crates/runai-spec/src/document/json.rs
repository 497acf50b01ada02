//! JSON, by `jsonc-parser` with all its leniency switched off.

use jsonc_parser::ast;
use jsonc_parser::common::Ranged;
use jsonc_parser::errors::{ParseError, ParseErrorKind};
use jsonc_parser::{CollectOptions, CommentCollectionStrategy, ParseOptions};

use super::{Entry, Finding, Format, Keys, MAX_DEPTH, Map, Node, Reader, Text, Value};

const STRICT: ParseOptions = ParseOptions {
    allow_comments: false,
    allow_loose_object_property_names: false,
    allow_trailing_commas: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

pub(super) fn parse<'t>(reader: &Reader<'t>) -> Result<Option<Node<'t>>, Finding> {
    let collect = CollectOptions { comments: CommentCollectionStrategy::Off, tokens: false };
    let parsed = jsonc_parser::parse_to_ast(reader.body, &collect, &STRICT).map_err(|error| refuse(reader, &error))?;
    parsed.value.map(|root| convert(reader, root, 1)).transpose()
}

fn refuse(reader: &Reader<'_>, error: &ParseError) -> Finding {
    let range = error.range();
    match error.kind() {
        ParseErrorKind::NestingDepthExceeded => reader.too_deep(range.start),
        kind => {
            let mut why = kind.to_string();
            if let Some(first) = why.get_mut(..1) {
                first.make_ascii_lowercase();
            }
            reader.syntax(Format::Json, range.start, range.end, why)
        }
    }
}

fn convert<'t>(reader: &Reader<'t>, value: ast::Value<'t>, depth: usize) -> Result<Node<'t>, Finding> {
    let range = value.range();
    if depth > MAX_DEPTH && matches!(value, ast::Value::Array(_) | ast::Value::Object(_)) {
        return Err(reader.too_deep(range.start));
    }
    let span = reader.span(range.start, range.end);
    let value = match value {
        ast::Value::NullKeyword(_) => Value::Null,
        ast::Value::BooleanLit(literal) => Value::Bool(literal.value, reader.slice(span)),
        ast::Value::NumberLit(literal) => number(literal.value),
        ast::Value::StringLit(literal) => Value::String(Text { text: literal.value, plain: false }),
        ast::Value::Array(array) => {
            let items = array.elements.into_iter().map(|item| convert(reader, item, depth + 1));
            Value::List(items.collect::<Result<_, _>>()?)
        }
        ast::Value::Object(object) => {
            let mut entries = Vec::with_capacity(object.properties.len());
            let mut keys = Keys::default();
            for property in object.properties {
                let range = property.name.range();
                let key_span = reader.span(range.start, range.end);
                let key = match property.name {
                    ast::ObjectPropName::String(name) => name.value,
                    ast::ObjectPropName::Word(name) => name.value.into(),
                };
                if let Some(first) = keys.first(&entries, &key) {
                    return Err(reader.duplicate_key(&key, first, key_span));
                }
                entries.push(Entry { key, key_span, value: convert(reader, property.value, depth + 1)? });
            }
            Value::Map(Map(entries))
        }
    };
    Ok(Node { value, span })
}

fn number(raw: &str) -> Value<'_> {
    if raw.contains(['.', 'e', 'E']) {
        raw.parse().map_or(Value::BigInt(raw), |value| Value::Float(value, raw))
    } else {
        raw.parse().map_or(Value::BigInt(raw), |value| Value::Int(value, raw))
    }
}
