//! A strict parser of JSON (RFC 8259).

use std::borrow::Cow;

use crate::error::SyntaxError;
use crate::parse::{Keys, MAX_DEPTH, Reader};
use crate::{Entry, Format, Map, Node, SourceId, Span, Text, Value, float, quotes, unusual};

/// The initial capacity of maps, which is enough for most maps of settings.
const USUAL_ENTRIES: usize = 8;
/// The maximum length of a word in a message, in characters.
const SHOWN: usize = 20;

pub(crate) fn parse<'t>(reader: &Reader<'t>) -> Result<Node<'t>, SyntaxError> {
    (Parser { reader, bytes: reader.body.as_bytes(), at: 0 }).document().map_err(|error| *error)
}

/// The placeholder of a value that is not parsed yet.
const UNPARSED: Node<'static> = Node { value: Value::Null, span: Span { source: SourceId(0), start: 0, end: 0 } };

/// A parsed part. The error is boxed to keep successful results small.
type Parsed<T> = Result<T, Box<SyntaxError>>;

struct Parser<'r, 't> {
    reader: &'r Reader<'t>,
    bytes: &'t [u8],
    at: usize,
}

impl<'t> Parser<'_, 't> {
    fn document(mut self) -> Parsed<Node<'t>> {
        let mut root = UNPARSED;
        self.skip_space();
        self.value(&mut root, 1)?;
        self.skip_space();
        if self.at < self.bytes.len() { self.unexpected("the end of the file") } else { Ok(root) }
    }

    /// Parses a value in place, because moving a large node that was just written is slow.
    fn value(&mut self, place: &mut Node<'t>, depth: usize) -> Parsed<()> {
        let start = self.at;
        place.value = match self.peek() {
            Some(b'{' | b'[') if depth > MAX_DEPTH => {
                return Err(Box::new(self.reader.too_deep(self.reader.span(start, start))));
            }
            Some(b'{') => self.object(depth)?,
            Some(b'[') => self.array(depth)?,
            Some(b'"') => Value::String(Text { text: self.string()?, plain: false }),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            _ => self.word()?,
        };
        place.span = self.reader.span(start, self.at);
        Ok(())
    }

    fn object(&mut self, depth: usize) -> Parsed<Value<'t>> {
        self.at += 1;
        self.skip_space();
        if self.eat(b'}') {
            return Ok(Value::Map(Map::default()));
        }
        let mut entries = Vec::with_capacity(USUAL_ENTRIES);
        let mut keys = Keys::default();
        loop {
            let start = self.at;
            if self.peek() != Some(b'"') {
                return self.unexpected("a key in double quotes");
            }
            let key = self.string()?;
            let key_span = self.reader.span(start, self.at);
            if let Some(first) = keys.position(&entries, &key) {
                return Err(Box::new(self.reader.duplicate_key(&key, entries[first].key_span, key_span)));
            }
            self.skip_space();
            if !self.eat(b':') {
                return self.unexpected("`:`");
            }
            self.skip_space();
            entries.push(Entry { key, key_span, value: UNPARSED });
            let last = entries.len() - 1;
            self.value(&mut entries[last].value, depth + 1)?;
            if self.ends(b'}', "`,` or `}`")? {
                return Ok(Value::Map(Map(entries)));
            }
        }
    }

    fn array(&mut self, depth: usize) -> Parsed<Value<'t>> {
        let mut items = Vec::new();
        self.at += 1;
        self.skip_space();
        if self.eat(b']') {
            return Ok(Value::List(items));
        }
        loop {
            items.push(UNPARSED);
            let last = items.len() - 1;
            self.value(&mut items[last], depth + 1)?;
            if self.ends(b']', "`,` or `]`")? {
                return Ok(Value::List(items));
            }
        }
    }

    /// Returns whether the list or map ends after a value. Otherwise, skips the comma.
    fn ends(&mut self, bracket: u8, expected: &str) -> Parsed<bool> {
        self.skip_space();
        if self.eat(bracket) {
            return Ok(true);
        }
        let comma = self.at;
        if !self.eat(b',') {
            return self.unexpected(expected);
        }
        self.skip_space();
        if self.peek() == Some(bracket) {
            return self.error(comma, comma + 1, "trailing comma");
        }
        Ok(false)
    }

    fn string(&mut self) -> Parsed<Cow<'t, str>> {
        let start = self.at;
        self.at += 1;
        let text = self.plain();
        if self.eat(b'"') { Ok(Cow::Borrowed(text)) } else { self.escaped(start, text) }
    }

    /// Parses the rest of a string with escapes.
    #[cold]
    fn escaped(&mut self, start: usize, plain: &str) -> Parsed<Cow<'t, str>> {
        let mut text = plain.to_owned();
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(Cow::Owned(text));
                }
                Some(b'\\') => {
                    text.push(self.escape()?);
                    text.push_str(self.plain());
                }
                Some(_) => {
                    let why = "unescaped control character in a string";
                    return self.error(self.at, self.at + 1, why);
                }
                None => return self.error(start, start + 1, "unterminated string"),
            }
        }
    }

    /// Returns the following characters without escapes.
    fn plain(&mut self) -> &'t str {
        let start = self.at;
        self.at += quotes::plain(&self.bytes[start..]);
        &self.reader.body[start..self.at]
    }

    /// Parses an escape.
    fn escape(&mut self) -> Parsed<char> {
        let start = self.at;
        self.at += 2;
        let found = match self.bytes.get(start + 1) {
            Some(plain @ (b'"' | b'\\' | b'/')) => Some(char::from(*plain)),
            Some(b'b') => Some('\u{8}'),
            Some(b'f') => Some('\u{c}'),
            Some(b'n') => Some('\n'),
            Some(b'r') => Some('\r'),
            Some(b't') => Some('\t'),
            Some(b'u') => {
                let first = self.unit();
                let low = |unit: &u32| (0xDC00..0xE000).contains(unit);
                match first {
                    Some(high @ 0xD800..0xDC00) if self.eat(b'\\') && self.eat(b'u') => {
                        let low = self.unit().filter(low);
                        low.and_then(|low| char::from_u32(0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00)))
                    }
                    unit => unit.and_then(char::from_u32),
                }
            }
            _ => None,
        };
        if let Some(c) = found {
            return Ok(c);
        }
        let end = self.reader.body.ceil_char_boundary(self.at.min(self.reader.body.len()));
        let escape = &self.reader.body[start..end];
        self.error(start, end, format_args!("invalid escape `{escape}`"))
    }

    /// Parses the four hexadecimal digits of an escape.
    fn unit(&mut self) -> Option<u32> {
        let digits = self.reader.body.get(self.at..self.at + 4)?;
        self.at += 4;
        let all = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        u32::from_str_radix(digits, 16).ok().filter(|_| all)
    }

    /// `-? ( 0 | [1-9] [0-9]* ) ( \. [0-9]+ )? ( [eE] [-+]? [0-9]+ )?`
    fn number(&mut self) -> Parsed<Value<'t>> {
        let start = self.at;
        self.eat(b'-');
        let leading_zero = self.peek() == Some(b'0');
        let whole = self.digits();
        let mut is_valid = whole == 1 || whole > 1 && !leading_zero;
        let mut is_whole = true;
        if self.eat(b'.') {
            is_whole = false;
            is_valid &= self.digits() > 0;
        }
        if self.eat(b'e') || self.eat(b'E') {
            is_whole = false;
            let _sign = self.eat(b'+') || self.eat(b'-');
            is_valid &= self.digits() > 0;
        }
        let end = self.at;
        self.skip(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
        let raw = &self.reader.body[start..self.at];
        if !is_valid || self.at > end {
            let shown: String = raw.chars().take(SHOWN).collect();
            return self.error(start, self.at, format_args!("invalid number `{shown}`"));
        }
        Ok(if is_whole {
            raw.parse().map_or(Value::BigInt(raw), |value| Value::Int(value, raw))
        } else {
            float::parse(raw).map_or(Value::BigInt(raw), |value| Value::Float(value, raw))
        })
    }

    /// Skips digits, and returns their number.
    fn digits(&mut self) -> usize {
        let start = self.at;
        self.skip(|byte| byte.is_ascii_digit());
        self.at - start
    }

    fn word(&mut self) -> Parsed<Value<'t>> {
        let rest = &self.reader.body[self.at..];
        let length = rest.bytes().position(|byte| !byte.is_ascii_alphanumeric()).unwrap_or(rest.len());
        let word = &rest[..length];
        let value = match word {
            "null" => Value::Null,
            "true" => Value::Bool(true, word),
            "false" => Value::Bool(false, word),
            _ => return self.unexpected("a value"),
        };
        self.at += length;
        Ok(value)
    }

    /// Returns the error of an unexpected character or word.
    #[cold]
    fn unexpected<T>(&self, expected: &str) -> Parsed<T> {
        let rest = &self.reader.body[self.at..];
        let word: String = rest.chars().take_while(|c| unusual::is_word_character(*c)).take(SHOWN).collect();
        let shown = if word.is_empty() { rest.chars().take(1).collect() } else { word };
        let end = self.at + shown.len();
        if shown.is_empty() {
            return self.error(self.at, end, format_args!("unexpected end of file, expected {expected}"));
        }
        let visible = unusual::visible(&shown);
        let why = format_args!("unexpected `{visible}`, expected {expected}");
        let error = self.reader.syntax(Format::Json, self.reader.span(self.at, end), why);
        Err(Box::new(match shown.as_str() {
            "/" | "#" => error.with_help("remove the comment; JSON does not support comments"),
            "'" => error.with_help("write strings in double quotes"),
            _ => error,
        }))
    }

    #[cold]
    fn error<T>(&self, start: usize, end: usize, why: impl std::fmt::Display) -> Parsed<T> {
        Err(Box::new(self.reader.syntax(Format::Json, self.reader.span(start, end), why)))
    }

    fn skip_space(&mut self) {
        self.skip(|byte| matches!(byte, b' ' | b'\n' | b'\r' | b'\t'));
    }

    fn skip(&mut self, skipped: impl Fn(u8) -> bool) {
        let mut at = self.at;
        while self.bytes.get(at).is_some_and(|byte| skipped(*byte)) {
            at += 1;
        }
        self.at = at;
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::Tree;

    /// Asserts that the parser and `serde_json` accept the same texts with the same values.
    fn check(text: &str) -> Result<Node<'_>, SyntaxError> {
        let reader = Reader { text, body: text, offset: 0, source: SourceId(0) };
        let read = parse(&reader);
        match (&read, serde_json::from_str::<Json>(text)) {
            (Ok(node), Ok(other)) => assert_eq!(Tree::from(node), Tree::from(&other), "{text}"),
            (Ok(_), Err(error)) => assert!(error.to_string().contains("out of range"), "{text}: {error}"),
            (Err(error), other) => assert!(other.is_err() || error.kind.code() == "duplicate-key", "{text}"),
        }
        read
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
        fn parses_valid_json(value in any_json()) {
            prop_assert!(check(&value.to_string()).is_ok());
            let pretty = format!("{value:#}");
            prop_assert!(check(&pretty).is_ok());
        }

        #[test]
        fn agrees_with_serde_json_on_mutated_texts(value in any_json(), at: prop::sample::Index, c: char) {
            let mut text: Vec<_> = value.to_string().chars().collect();
            let at = at.index(text.len());
            text[at] = c;
            let _ = check(&text.iter().collect::<String>());
            text.remove(at);
            let _ = check(&text.into_iter().collect::<String>());
        }

        #[test]
        fn agrees_with_serde_json_on_numbers_and_escapes(
            number in "[-+]?[0-9]{0,2}\\.?[0-9]{0,2}([eE][-+]?[0-9]{0,2})?",
            escape in "\\\\([a-z\"/\\\\]|u[0-9a-fA-F+]{3,4}|ud[89a-f][0-9]{2}(\\\\ud[89a-f][0-9]{2})?)",
        ) {
            let _ = check(&number);
            let _ = check(&format!("\"{escape}\""));
        }
    }

    #[test]
    fn rejects_invalid_json() {
        for (text, why) in [
            ("", "unexpected end of file, expected a value"),
            (" ", "unexpected end of file, expected a value"),
            ("{", "unexpected end of file, expected a key in double quotes"),
            ("[1,]", "trailing comma"),
            ("{\"a\":1,}", "trailing comma"),
            ("{a: 1}", "unexpected `a`, expected a key in double quotes"),
            ("'a'", "unexpected `'`, expected a value"),
            ("01", "invalid number `01`"),
            ("1.", "invalid number `1.`"),
            (".5", "unexpected `.`, expected a value"),
            ("+1", "unexpected `+`, expected a value"),
            ("1e", "invalid number `1e`"),
            ("--1", "invalid number `--1`"),
            ("NaN", "unexpected `NaN`, expected a value"),
            ("nul", "unexpected `nul`, expected a value"),
            ("truex", "unexpected `truex`, expected a value"),
            ("1 2", "unexpected `2`, expected the end of the file"),
            ("[1 2]", "unexpected `2`, expected `,` or `]`"),
            ("[1] // c", "unexpected `/`, expected the end of the file"),
            ("\"a", "unterminated string"),
            ("\"a\\", "invalid escape `\\`"),
            ("\"\\x\"", "invalid escape `\\x`"),
            ("\"\\ud800\"", "invalid escape `\\ud800`"),
            ("\"a\tb\"", "unescaped control character in a string"),
            ("\u{a0}1", "unexpected `\\u{a0}`, expected a value"),
            ("{\"a\" 1}", "unexpected `1`, expected `:`"),
        ] {
            assert_eq!(check(text).unwrap_err().message, format!("invalid JSON: {why}"), "{text}");
        }
        assert_eq!(check("{\"a\":1,\"a\":2}").unwrap_err().kind.code(), "duplicate-key");
    }
}
