//! Values to text: what `convert` and `edit` write, in each of the three languages.

pub(crate) mod json;
pub(crate) mod toml;
pub(crate) mod yaml;

use std::borrow::Cow;
use std::fmt::Write as _;

use serde_json::Value as Json;

use crate::document::{Format, Node, Value};

/// A value without its place, for comparing and printing.
#[derive(Clone, Debug)]
pub(crate) enum Tree<'t> {
    Null,
    Bool(bool),
    Int(i64, Cow<'t, str>),
    /// A whole number beyond 64 bits.
    BigInt(Cow<'t, str>),
    Float(f64, Cow<'t, str>),
    /// A date or time of TOML; the other languages have none, and write it as a text.
    DateTime(&'t str),
    Text(Cow<'t, str>),
    List(Vec<Self>),
    Map(Vec<(Cow<'t, str>, Self)>),
}

/// What a language has no word for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unsayable {
    /// What it is: `null`, …
    pub(crate) what: &'static str,
}

/// A key or index on the way to a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Segment {
    Key(String),
    Index(usize),
}

impl<'t> From<&Node<'t>> for Tree<'t> {
    fn from(node: &Node<'t>) -> Self {
        match &node.value {
            Value::Null => Self::Null,
            Value::Bool(value, _) => Self::Bool(*value),
            Value::Int(value, raw) => Self::Int(*value, Cow::Borrowed(raw)),
            Value::BigInt(raw) => Self::BigInt(Cow::Borrowed(raw)),
            Value::Float(value, raw) => Self::Float(*value, Cow::Borrowed(raw)),
            Value::DateTime(raw) => Self::DateTime(raw),
            Value::String(text) => Self::Text(text.text.clone()),
            Value::List(items) => Self::List(items.iter().map(Self::from).collect()),
            Value::Map(map) => {
                Self::Map(map.0.iter().map(|entry| (entry.key.clone(), Self::from(&entry.value))).collect())
            }
        }
    }
}

impl<'t> From<&'t Json> for Tree<'t> {
    fn from(value: &'t Json) -> Self {
        match value {
            Json::Null => Self::Null,
            Json::Bool(value) => Self::Bool(*value),
            Json::Number(number) => {
                let raw = Cow::Owned(number.to_string());
                match (number.as_i64(), number.as_u64(), number.as_f64()) {
                    (Some(value), ..) => Self::Int(value, raw),
                    (None, None, Some(value)) => Self::Float(value, raw),
                    _ => Self::BigInt(raw),
                }
            }
            Json::String(text) => Self::Text(Cow::Borrowed(text)),
            Json::Array(items) => Self::List(items.iter().map(Self::from).collect()),
            Json::Object(map) => {
                Self::Map(map.iter().map(|(key, value)| (Cow::Borrowed(key.as_str()), Self::from(value))).collect())
            }
        }
    }
}

/// Equal by meaning: numbers by their value, maps in any order.
impl PartialEq for Tree<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(one), Self::Bool(two)) => one == two,
            (Self::Int(one, _), Self::Int(two, _)) => one == two,
            (Self::BigInt(one), Self::BigInt(two)) | (Self::Text(one), Self::Text(two)) => one == two,
            (Self::Float(one, _), Self::Float(two, _)) => one == two || one.is_nan() && two.is_nan(),
            #[expect(clippy::cast_precision_loss, reason = "larger numbers are left out")]
            (Self::Int(int, _), Self::Float(float, _)) | (Self::Float(float, _), Self::Int(int, _)) => {
                *int as f64 == *float && int.unsigned_abs() <= 1 << 53
            }
            (Self::DateTime(one), Self::DateTime(two)) => one == two,
            (Self::List(one), Self::List(two)) => one == two,
            (Self::Map(one), Self::Map(two)) => {
                one.len() == two.len()
                    && one.iter().zip(two).all(|((key, value), (in_place, beside))| {
                        // Nearly always the order is the same, too.
                        let found = if key == in_place { Some(beside) } else { lookup(two, key) };
                        found == Some(value)
                    })
            }
            _ => false,
        }
    }
}

fn lookup<'m, 't>(map: &'m [(Cow<'t, str>, Tree<'t>)], key: &str) -> Option<&'m Tree<'t>> {
    map.iter().find(|(own, _)| own == key).map(|(_, value)| value)
}

impl Tree<'_> {
    /// The part that a key or index names.
    pub(crate) fn part(&self, segment: &Segment) -> Option<&Self> {
        match (self, segment) {
            (Self::Map(map), Segment::Key(key)) => lookup(map, key),
            (Self::List(items), Segment::Index(index)) => items.get(*index),
            _ => None,
        }
    }

    pub(crate) fn part_mut(&mut self, segment: &Segment) -> Option<&mut Self> {
        match (self, segment) {
            (Self::Map(map), Segment::Key(key)) => map.iter_mut().find(|(own, _)| own == key).map(|(_, value)| value),
            (Self::List(items), Segment::Index(index)) => items.get_mut(*index),
            _ => None,
        }
    }

    /// The same value as another language holds it: only TOML has dates.
    pub(crate) fn as_read_in(&self, format: Format) -> Self {
        match self {
            Self::DateTime(raw) if format != Format::Toml => Self::Text(Cow::Borrowed(raw)),
            Self::List(items) => Self::List(items.iter().map(|item| item.as_read_in(format)).collect()),
            Self::Map(map) => {
                Self::Map(map.iter().map(|(key, value)| (key.clone(), value.as_read_in(format))).collect())
            }
            other => other.clone(),
        }
    }

    pub(crate) fn is_scalar(&self) -> bool {
        !matches!(self, Self::List(_) | Self::Map(_))
    }

    /// The first part of it, by its path, that `format` has no words for.
    pub(crate) fn unsayable(&self, format: Format) -> Option<(Vec<Segment>, Unsayable)> {
        let own = |what| Some((Vec::new(), Unsayable { what }));
        let below = |segment: Segment, part: &Self| {
            let (mut path, what) = part.unsayable(format)?;
            path.insert(0, segment);
            Some((path, what))
        };
        match self {
            Self::Null if format == Format::Toml => own("null"),
            Self::Float(value, _) if format == Format::Json && !value.is_finite() => {
                own("a number that is infinite or not a number")
            }
            Self::BigInt(raw) if format != Format::Yaml && !is_decimal(raw) => {
                own("a whole number beyond 64 bits that is not written in decimal")
            }
            Self::List(items) => items.iter().enumerate().find_map(|(index, item)| below(Segment::Index(index), item)),
            Self::Map(map) => map.iter().find_map(|(key, value)| below(Segment::Key(key.to_string()), value)),
            _ => None,
        }
    }

    /// The word for a number or boolean, as all three languages read it; a number keeps its digits where it can.
    fn word(&self, format: Format) -> Option<Cow<'_, str>> {
        Some(match self {
            Self::Bool(true) => "true".into(),
            Self::Bool(false) => "false".into(),
            Self::Int(value, raw) => {
                if is_decimal(raw) {
                    raw.as_ref().into()
                } else {
                    value.to_string().into()
                }
            }
            Self::BigInt(raw) => raw.as_ref().into(),
            Self::Float(value, raw) if value.is_finite() => {
                if is_json_float(raw) {
                    raw.as_ref().into()
                } else {
                    format!("{value:?}").into()
                }
            }
            Self::Float(value, _) => {
                let sign = if value.is_sign_negative() && !value.is_nan() { "-" } else { "" };
                let dot = if format == Format::Yaml { "." } else { "" };
                let word = if value.is_nan() { "nan" } else { "inf" };
                format!("{sign}{dot}{word}").into()
            }
            _ => return None,
        })
    }
}

/// Whether a whole number is written as JSON wants it.
fn is_decimal(raw: &str) -> bool {
    let digits = raw.strip_prefix('-').unwrap_or(raw);
    !digits.is_empty()
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && (digits.len() == 1 || !digits.starts_with('0'))
}

/// Whether a float is written as JSON wants it, and TOML and YAML take it for a float.
fn is_json_float(raw: &str) -> bool {
    let (mantissa, exponent) = match raw.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['-', '+']).unwrap_or(exponent))),
        None => (raw, None),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let mantissa_fits = match mantissa.split_once('.') {
        Some((whole, fraction)) => is_decimal(whole) && digits(fraction),
        None => exponent.is_some() && is_decimal(mantissa),
    };
    mantissa_fits && exponent.is_none_or(digits)
}

/// `text` in double quotes, with escapes that JSON, TOML and YAML share.
pub(crate) fn quoted(text: &str) -> String {
    let json = Json::from(text).to_string();
    if json.is_ascii() && !json.contains('\u{7f}') {
        return json;
    }
    let mut quoted = String::with_capacity(json.len());
    for c in json.chars() {
        // JSON takes these as they are, the others do not.
        if matches!(c, '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}') {
            let _ = write!(quoted, "\\u{:04x}", u32::from(c));
        } else {
            quoted.push(c);
        }
    }
    quoted
}

/// Widest line that a list of scalars may make.
const WIDTH: usize = 100;

/// Whether `value` stands in one line wherever it goes: a scalar, nothing, or a short list of scalars.
pub(crate) fn is_short(value: &Tree<'_>, column: usize) -> bool {
    match value {
        Tree::Map(map) => map.is_empty(),
        Tree::List(items) => {
            let width = |item: &Tree<'_>| match item {
                Tree::Text(text) if text.contains('\n') => WIDTH,
                Tree::Text(text) => text.chars().count() + 2,
                other => other.word(Format::Yaml).map_or(4, |word| word.len()),
            };
            items.iter().all(Tree::is_scalar)
                && column + items.iter().map(|item| width(item) + 2).sum::<usize>() <= WIDTH
        }
        _ => true,
    }
}
