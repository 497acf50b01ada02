//! JSON: what is right is read here, what is not is explained by `jsonc-parser` with all its leniency switched off.
//!
//! Its tree and the conversion of that take more than twice as long as this reader, which was a third of all that a right
//! text needs. A test holds the two together.

use std::borrow::Cow;

use jsonc_parser::ast;
use jsonc_parser::common::Ranged;
use jsonc_parser::errors::{ParseError, ParseErrorKind};
use jsonc_parser::{CollectOptions, CommentCollectionStrategy, ParseOptions};
use serde::de::IgnoredAny;

use super::{Entry, Finding, Format, Keys, MAX_DEPTH, Map, Node, Reader, Text, Value, float};

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

/// Room for as many entries saves most maps of settings from growing.
const USUAL_ENTRIES: usize = 8;

pub(super) fn parse<'t>(reader: &Reader<'t>) -> Result<Option<Node<'t>>, Finding> {
    match (Strict { reader, at: 0 }).document() {
        Some(root) => Ok(Some(root)),
        None => explain(reader),
    }
}

/// Reads JSON, and nothing else: any doubt ends it without a result.
struct Strict<'r, 't> {
    reader: &'r Reader<'t>,
    at: usize,
}

impl<'t> Strict<'_, 't> {
    fn document(mut self) -> Option<Node<'t>> {
        let root = self.value(1)?;
        self.skip_space();
        (self.at == self.reader.body.len()).then_some(root)
    }

    fn value(&mut self, depth: usize) -> Option<Node<'t>> {
        self.skip_space();
        let start = self.at;
        let value = match self.peek()? {
            b'{' if depth <= MAX_DEPTH => self.object(depth)?,
            b'[' if depth <= MAX_DEPTH => self.array(depth)?,
            b'"' => Value::String(Text { text: self.string()?, plain: false }),
            b'-' | b'0'..=b'9' => self.number()?,
            _ => self.word()?,
        };
        Some(Node { value, span: self.reader.span(start, self.at) })
    }

    fn object(&mut self, depth: usize) -> Option<Value<'t>> {
        let mut entries = Vec::with_capacity(USUAL_ENTRIES);
        let mut keys = Keys::default();
        self.at += 1;
        self.skip_space();
        if self.eat(b'}') {
            return Some(Value::Map(Map::default()));
        }
        loop {
            self.skip_space();
            let start = self.at;
            let key = self.string()?;
            let key_span = self.reader.span(start, self.at);
            if keys.first(&entries, &key).is_some() {
                return None;
            }
            self.skip_space();
            if !self.eat(b':') {
                return None;
            }
            entries.push(Entry { key, key_span, value: self.value(depth + 1)? });
            if self.ends(b'}')? {
                return Some(Value::Map(Map(entries)));
            }
        }
    }

    fn array(&mut self, depth: usize) -> Option<Value<'t>> {
        let mut items = Vec::new();
        self.at += 1;
        self.skip_space();
        if self.eat(b']') {
            return Some(Value::List(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            if self.ends(b']')? {
                return Some(Value::List(items));
            }
        }
    }

    /// Whether the list or map ends behind a value, rather than going on with a comma.
    fn ends(&mut self, bracket: u8) -> Option<bool> {
        self.skip_space();
        if self.eat(bracket) {
            return Some(true);
        }
        self.eat(b',').then_some(false)
    }

    fn string(&mut self) -> Option<Cow<'t, str>> {
        let start = self.at;
        if !self.eat(b'"') {
            return None;
        }
        let body = self.reader.body;
        let mut escaped = false;
        loop {
            let rest = body.as_bytes().get(self.at..)?;
            self.at += rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20))?;
            match self.peek()? {
                b'"' => break,
                b'\\' => self.at += 2,
                _ => return None,
            }
            escaped = true;
        }
        self.at += 1;
        if escaped {
            serde_json::from_str(body.get(start..self.at)?).ok().map(Cow::Owned)
        } else {
            body.get(start + 1..self.at - 1).map(Cow::Borrowed)
        }
    }

    fn number(&mut self) -> Option<Value<'t>> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E')) {
            self.at += 1;
        }
        let raw = self.reader.body.get(start..self.at)?;
        serde_json::from_str::<IgnoredAny>(raw).ok().map(|_| number(raw))
    }

    fn word(&mut self) -> Option<Value<'t>> {
        let rest = self.reader.body.get(self.at..)?;
        let word = ["null", "true", "false"].into_iter().find(|word| rest.starts_with(word))?;
        self.at += word.len();
        let raw = &rest[..word.len()];
        Some(if word == "null" { Value::Null } else { Value::Bool(word == "true", raw) })
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn peek(&self) -> Option<u8> {
        self.reader.body.as_bytes().get(self.at).copied()
    }
}

/// Reads a text that [`Strict`] does not take, and says why.
fn explain<'t>(reader: &Reader<'t>) -> Result<Option<Node<'t>>, Finding> {
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
        float::parse(raw).map_or(Value::BigInt(raw), |value| Value::Float(value, raw))
    } else {
        raw.parse().map_or(Value::BigInt(raw), |value| Value::Int(value, raw))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value as Json, json};

    use super::super::SourceId;
    use super::*;

    /// Holds the two readers together: what the strict one takes, it takes as the other does.
    fn check(text: &str) -> Option<Node<'_>> {
        let reader = Reader { text, body: text, offset: 0, source: SourceId(0) };
        let strict = Strict { reader: &reader, at: 0 }.document();
        if strict.is_some() {
            assert_eq!(explain(&reader).expect(text), strict, "{text}");
        }
        strict
    }

    fn any_json() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::from),
            any::<i64>().prop_map(Json::from),
            any::<f64>().prop_map(Json::from),
            any::<String>().prop_map(Json::from),
        ];
        leaf.prop_recursive(4, 64, 8, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..8).prop_map(Json::from),
                prop::collection::btree_map(any::<String>(), inner, 0..8).prop_map(|map| json!(map)),
            ]
        })
    }

    proptest! {
        #[test]
        fn right_texts_need_no_explanation(value in any_json()) {
            prop_assert!(check(&value.to_string()).is_some());
            let spread_out = format!("{value:#}");
            prop_assert!(check(&spread_out).is_some());
        }

        #[test]
        fn nearly_right_texts_are_taken_as_they_are_explained(value in any_json(), at: prop::sample::Index, c: char) {
            let mut text: Vec<_> = value.to_string().chars().collect();
            let at = at.index(text.len());
            text[at] = c;
            check(&text.iter().collect::<String>());
            text.remove(at);
            check(&text.into_iter().collect::<String>());
        }
    }

    #[test]
    fn what_is_not_json_is_left_to_be_explained() {
        let texts = [
            "",
            " ",
            "{",
            "[1,]",
            "{\"a\":1,}",
            "{a: 1}",
            "'a'",
            "01",
            "1.",
            ".5",
            "+1",
            "1e",
            "--1",
            "NaN",
            "nul",
            "truex",
            "1 2",
            "[1] // c",
            "\"a",
            "\"\\x\"",
            "\"\\ud800\"",
            "\"a\tb\"",
            "{\"a\":1,\"a\":2}",
            "\u{a0}1",
            "{\"a\" 1}",
        ];
        for text in texts {
            assert_eq!(check(text), None, "{text}");
        }
    }
}
