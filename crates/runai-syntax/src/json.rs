//! JSON (RFC 8259), and nothing that only resembles it.

use std::borrow::Cow;

use crate::error::SyntaxError;
use crate::parse::{Keys, MAX_DEPTH, Reader};
use crate::{Entry, Format, Map, Node, SourceId, Span, Text, Value, float, quotes, unusual};

/// Room for as many entries saves most maps of settings from growing.
const USUAL_ENTRIES: usize = 8;
/// Longest word that a message shows, in characters.
const SHOWN: usize = 20;

pub(crate) fn parse<'t>(reader: &Reader<'t>) -> Result<Node<'t>, SyntaxError> {
    (Parser { reader, bytes: reader.body.as_bytes(), at: 0 }).document().map_err(|error| *error)
}

/// What stands in the place of a value that is still to be read.
const NOTHING: Node<'static> = Node { value: Value::Null, span: Span { source: SourceId(0), start: 0, end: 0 } };

/// A part of the text, or what keeps it from being read; boxed, because every part that is right carries its size.
type Parsed<T> = Result<T, Box<SyntaxError>>;

struct Parser<'r, 't> {
    reader: &'r Reader<'t>,
    bytes: &'t [u8],
    at: usize,
}

impl<'t> Parser<'_, 't> {
    fn document(mut self) -> Parsed<Node<'t>> {
        let mut root = NOTHING;
        self.skip_space();
        self.value(&mut root, 1)?;
        self.skip_space();
        if self.at < self.bytes.len() { self.unexpected("nothing more") } else { Ok(root) }
    }

    /// Reads a value to where it stays: nodes are large, and a copy of one just written has to wait for the writes.
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
                return self.unexpected("a colon behind the key");
            }
            self.skip_space();
            entries.push(Entry { key, key_span, value: NOTHING });
            let last = entries.len() - 1;
            self.value(&mut entries[last].value, depth + 1)?;
            if self.ends(b'}', "a comma or `}`")? {
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
            items.push(NOTHING);
            let last = items.len() - 1;
            self.value(&mut items[last], depth + 1)?;
            if self.ends(b']', "a comma or `]`")? {
                return Ok(Value::List(items));
            }
        }
    }

    /// Whether the list or map ends behind a value, rather than going on with a comma and what stands here then.
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
            return self.refuse(comma, comma + 1, "trailing commas are not allowed");
        }
        Ok(false)
    }

    fn string(&mut self) -> Parsed<Cow<'t, str>> {
        let start = self.at;
        self.at += 1;
        let text = self.plain();
        if self.eat(b'"') { Ok(Cow::Borrowed(text)) } else { self.escaped(start, text) }
    }

    /// The rest of a string in which not all characters stand for themselves.
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
                    let why = "a line break or other control character in a string is written as an escape";
                    return self.refuse(self.at, self.at + 1, why);
                }
                None => return self.refuse(start, start + 1, "the string that begins here does not end"),
            }
        }
    }

    /// The characters from here on that stand for themselves.
    fn plain(&mut self) -> &'t str {
        let start = self.at;
        self.at += quotes::plain(&self.bytes[start..]);
        &self.reader.body[start..self.at]
    }

    /// The character that the escape here stands for.
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
        self.refuse(start, end, format_args!("the escape `{escape}` stands for no character"))
    }

    /// The four hexadecimal digits of an escape.
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
        let mut is_right = whole == 1 || whole > 1 && !leading_zero;
        let mut is_whole = true;
        if self.eat(b'.') {
            is_whole = false;
            is_right &= self.digits() > 0;
        }
        if self.eat(b'e') || self.eat(b'E') {
            is_whole = false;
            let _sign = self.eat(b'+') || self.eat(b'-');
            is_right &= self.digits() > 0;
        }
        let end = self.at;
        self.skip(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
        let raw = &self.reader.body[start..self.at];
        if !is_right || self.at > end {
            let shown: String = raw.chars().take(SHOWN).collect();
            return self.refuse(start, self.at, format_args!("`{shown}` is no number"));
        }
        Ok(if is_whole {
            raw.parse().map_or(Value::BigInt(raw), |value| Value::Int(value, raw))
        } else {
            float::parse(raw).map_or(Value::BigInt(raw), |value| Value::Float(value, raw))
        })
    }

    /// How many digits stand here.
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

    /// What stands here stands in the place of something else.
    #[cold]
    fn unexpected<T>(&self, expected: &str) -> Parsed<T> {
        let rest = &self.reader.body[self.at..];
        let word: String = rest.chars().take_while(|c| unusual::is_word_character(*c)).take(SHOWN).collect();
        let shown = if word.is_empty() { rest.chars().take(1).collect() } else { word };
        let end = self.at + shown.len();
        if shown.is_empty() {
            return self.refuse(self.at, end, format_args!("the text ends, where {expected} is expected"));
        }
        let visible = unusual::visible(&shown);
        let why = format_args!("`{visible}` where {expected} is expected");
        let error = self.reader.syntax(Format::Json, self.reader.span(self.at, end), why);
        Err(Box::new(match shown.as_str() {
            "/" | "#" => error.with_help("JSON has no comments; YAML and TOML have"),
            "'" => error.with_help("write strings in double quotes"),
            _ => error,
        }))
    }

    #[cold]
    fn refuse<T>(&self, start: usize, end: usize, why: impl std::fmt::Display) -> Parsed<T> {
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

    /// Holds the reader against `serde_json`: both take the same texts, and read the same in them.
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
        fn right_texts_are_read(value in any_json()) {
            prop_assert!(check(&value.to_string()).is_ok());
            let spread_out = format!("{value:#}");
            prop_assert!(check(&spread_out).is_ok());
        }

        #[test]
        fn nearly_right_texts_are_taken_or_refused_as_by_serde_json(value in any_json(), at: prop::sample::Index, c: char) {
            let mut text: Vec<_> = value.to_string().chars().collect();
            let at = at.index(text.len());
            text[at] = c;
            let _ = check(&text.iter().collect::<String>());
            text.remove(at);
            let _ = check(&text.into_iter().collect::<String>());
        }

        #[test]
        fn odd_numbers_and_escapes_are_taken_or_refused_as_by_serde_json(
            number in "[-+]?[0-9]{0,2}\\.?[0-9]{0,2}([eE][-+]?[0-9]{0,2})?",
            escape in "\\\\([a-z\"/\\\\]|u[0-9a-fA-F+]{3,4}|ud[89a-f][0-9]{2}(\\\\ud[89a-f][0-9]{2})?)",
        ) {
            let _ = check(&number);
            let _ = check(&format!("\"{escape}\""));
        }
    }

    #[test]
    fn what_is_not_json_is_refused_with_a_reason() {
        for (text, why) in [
            ("", "the text ends, where a value is expected"),
            (" ", "the text ends, where a value is expected"),
            ("{", "the text ends, where a key in double quotes is expected"),
            ("[1,]", "trailing commas are not allowed"),
            ("{\"a\":1,}", "trailing commas are not allowed"),
            ("{a: 1}", "`a` where a key in double quotes is expected"),
            ("'a'", "`'` where a value is expected"),
            ("01", "`01` is no number"),
            ("1.", "`1.` is no number"),
            (".5", "`.` where a value is expected"),
            ("+1", "`+` where a value is expected"),
            ("1e", "`1e` is no number"),
            ("--1", "`--1` is no number"),
            ("NaN", "`NaN` where a value is expected"),
            ("nul", "`nul` where a value is expected"),
            ("truex", "`truex` where a value is expected"),
            ("1 2", "`2` where nothing more is expected"),
            ("[1 2]", "`2` where a comma or `]` is expected"),
            ("[1] // c", "`/` where nothing more is expected"),
            ("\"a", "the string that begins here does not end"),
            ("\"a\\", "the escape `\\` stands for no character"),
            ("\"\\x\"", "the escape `\\x` stands for no character"),
            ("\"\\ud800\"", "the escape `\\ud800` stands for no character"),
            ("\"a\tb\"", "a line break or other control character in a string is written as an escape"),
            ("\u{a0}1", "`\\u{a0}` where a value is expected"),
            ("{\"a\" 1}", "`1` where a colon behind the key is expected"),
        ] {
            assert_eq!(check(text).unwrap_err().message, format!("invalid JSON: {why}"), "{text}");
        }
        assert_eq!(check("{\"a\":1,\"a\":2}").unwrap_err().kind.code(), "duplicate-key");
    }
}
