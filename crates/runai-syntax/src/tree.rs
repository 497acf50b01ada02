//! Values without spans, for comparing, editing and emitting.

use std::borrow::Cow;
use std::fmt;

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::Value as Json;

use crate::emit::json;
use crate::{Format, Node, Value, float, parse_json};

/// A value without spans. Strings are borrowed from the source where possible. Values are equal if their meanings are:
/// numbers are compared by value, maps in any order.
#[derive(Clone, Debug)]
pub enum Tree<'t> {
    /// Null.
    Null,
    /// A boolean.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// The source text of an integer of more than 64 bits.
    BigInt(Cow<'t, str>),
    /// A float, and its source text, which may be empty.
    Float(f64, Cow<'t, str>),
    /// A TOML date or time, which other formats write as a string.
    DateTime(&'t str),
    /// A string.
    Text(Cow<'t, str>),
    /// A list.
    List(Vec<Self>),
    /// A map with unique keys, in order.
    Map(Vec<(Cow<'t, str>, Self)>),
}

/// A value that a format does not support.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unrepresentable {
    /// The value's description: `null`, …
    pub what: &'static str,
}

/// A key or index in the path of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment {
    /// The key in a map.
    Key(String),
    /// The index in a list.
    Index(usize),
}

impl<'t> From<&Node<'t>> for Tree<'t> {
    fn from(node: &Node<'t>) -> Self {
        match &node.value {
            Value::Null => Self::Null,
            Value::Bool(value, _) => Self::Bool(*value),
            Value::Int(value, _) => Self::Int(*value),
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

impl From<bool> for Tree<'_> {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Tree<'_> {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<f64> for Tree<'_> {
    fn from(value: f64) -> Self {
        Self::Float(value, Cow::Borrowed(""))
    }
}

impl<'t> From<&'t str> for Tree<'t> {
    fn from(text: &'t str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Tree<'_> {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl<T: Into<Self>> From<Option<T>> for Tree<'_> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl<T: Into<Self>> FromIterator<T> for Tree<'_> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Self::List(items.into_iter().map(Into::into).collect())
    }
}

/// Formats the value as JSON on one line.
impl fmt::Display for Tree<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_json())
    }
}

impl From<&Tree<'_>> for Json {
    fn from(tree: &Tree<'_>) -> Self {
        match tree {
            Tree::Null => Self::Null,
            Tree::Bool(value) => (*value).into(),
            Tree::Int(value) => (*value).into(),
            Tree::BigInt(raw) => float::parse(raw).into(),
            Tree::Float(value, _) => (*value).into(),
            Tree::DateTime(raw) => (*raw).into(),
            Tree::Text(text) => (**text).into(),
            Tree::List(items) => items.iter().map(Self::from).collect(),
            Tree::Map(map) => map.iter().map(|(key, value)| (key.to_string(), Self::from(value))).collect(),
        }
    }
}

impl Serialize for Tree<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Int(value) => serializer.serialize_i64(*value),
            Self::Float(value, _) => serializer.serialize_f64(*value),
            Self::BigInt(text) | Self::Text(text) => serializer.serialize_str(text),
            Self::DateTime(raw) => serializer.serialize_str(raw),
            Self::List(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                items.iter().try_for_each(|item| list.serialize_element(item))?;
                list.end()
            }
            Self::Map(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                entries.iter().try_for_each(|(key, value)| map.serialize_entry(&**key, value))?;
                map.end()
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
                    (Some(value), ..) => Self::Int(value),
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

/// Compares numbers by value, and maps in any order.
impl PartialEq for Tree<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(one), Self::Bool(two)) => one == two,
            (Self::Int(one), Self::Int(two)) => one == two,
            (Self::BigInt(one), Self::BigInt(two)) | (Self::Text(one), Self::Text(two)) => one == two,
            (Self::Float(one, _), Self::Float(two, _)) => one == two || one.is_nan() && two.is_nan(),
            #[expect(clippy::cast_precision_loss, reason = "larger numbers are excluded")]
            (Self::Int(int), Self::Float(float, _)) | (Self::Float(float, _), Self::Int(int)) => {
                *int as f64 == *float && int.unsigned_abs() <= 1 << 53
            }
            (Self::DateTime(one), Self::DateTime(two)) => one == two,
            (Self::List(one), Self::List(two)) => one == two,
            (Self::Map(one), Self::Map(two)) => {
                one.len() == two.len()
                    && one.iter().zip(two).all(|((key, value), (in_place, beside))| {
                        // A fast path: the order is usually the same.
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

impl<'t> Tree<'t> {
    /// Parses JSON.
    ///
    /// # Errors
    ///
    /// The message of the syntax error.
    pub fn from_json(text: &'t str) -> Result<Self, String> {
        parse_json(text).map(|node| Self::from(&node)).map_err(|error| error.message)
    }

    /// Formats the value as JSON on one line.
    #[must_use]
    pub fn to_json(&self) -> String {
        json::value(self, &json::COMPACT, "")
    }

    /// Formats the value as indented JSON.
    #[must_use]
    pub fn to_json_pretty(&self) -> String {
        json::value(self, &json::PRETTY, "")
    }

    /// Returns the value of this key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Map(map) => lookup(map, key),
            _ => None,
        }
    }

    /// Returns the value of this key, for modification.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Self> {
        match self {
            Self::Map(map) => map.iter_mut().find(|(own, _)| own == key).map(|(_, value)| value),
            _ => None,
        }
    }

    /// Sets the value of `key`, and appends the key if it is missing.
    pub fn set(&mut self, key: &'static str, value: impl Into<Self>) {
        match (self.get_mut(key), value.into()) {
            (Some(own), value) => *own = value,
            (None, value) => {
                if let Self::Map(map) = self {
                    map.push((Cow::Borrowed(key), value));
                }
            }
        }
    }

    /// Converts the value to one with owned strings.
    #[must_use]
    pub fn into_owned(self) -> Tree<'static> {
        let owned = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        match self {
            Self::Null => Tree::Null,
            Self::Bool(value) => Tree::Bool(value),
            Self::Int(value) => Tree::Int(value),
            Self::BigInt(raw) => Tree::BigInt(owned(raw)),
            Self::Float(value, raw) => Tree::Float(value, owned(raw)),
            Self::DateTime(raw) => Tree::Text(Cow::Owned(raw.to_owned())),
            Self::Text(text) => Tree::Text(owned(text)),
            Self::List(items) => Tree::List(items.into_iter().map(Tree::into_owned).collect()),
            Self::Map(map) => Tree::Map(map.into_iter().map(|(key, value)| (owned(key), value.into_owned())).collect()),
        }
    }

    /// Removes and returns the value of this key.
    pub fn remove(&mut self, key: &str) -> Option<Self> {
        let Self::Map(map) = self else { return None };
        let index = map.iter().position(|(own, _)| own == key)?;
        Some(map.remove(index).1)
    }

    /// Returns the string at this key, or an empty string.
    #[must_use]
    pub fn text_of(&self, key: &str) -> &str {
        self.get(key).and_then(Self::as_str).unwrap_or_default()
    }

    /// Returns the items of a list, otherwise none.
    #[must_use]
    pub fn items(&self) -> &[Self] {
        match self {
            Self::List(items) => items,
            _ => &[],
        }
    }

    /// Returns the entries of a map, otherwise none.
    #[must_use]
    pub fn entries(&self) -> &[(Cow<'t, str>, Self)] {
        match self {
            Self::Map(map) => map,
            _ => &[],
        }
    }

    /// Returns the text, if this is a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the number, if this is one.
    #[must_use]
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            #[expect(clippy::cast_precision_loss, reason = "the caller requests a float")]
            Self::Int(value) => Some(*value as f64),
            Self::Float(value, _) => Some(*value),
            _ => None,
        }
    }

    /// Whether this is null, an empty list or an empty map.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Null => true,
            Self::List(items) => items.is_empty(),
            Self::Map(map) => map.is_empty(),
            _ => false,
        }
    }

    /// Returns the value of a key or index.
    pub(crate) fn part(&self, segment: &Segment) -> Option<&Self> {
        match (self, segment) {
            (Self::Map(map), Segment::Key(key)) => lookup(map, key),
            (Self::List(items), Segment::Index(index)) => items.get(*index),
            _ => None,
        }
    }

    pub(crate) fn part_mut(&mut self, segment: &Segment) -> Option<&mut Self> {
        match (self, segment) {
            (map @ Self::Map(_), Segment::Key(key)) => map.get_mut(key),
            (Self::List(items), Segment::Index(index)) => items.get_mut(*index),
            _ => None,
        }
    }

    /// Returns the value as `format` represents it: only TOML has dates.
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

    /// Returns whether this is neither a list nor a map.
    #[must_use]
    pub fn is_scalar(&self) -> bool {
        !matches!(self, Self::List(_) | Self::Map(_))
    }

    /// Returns the first value, with its path, that `format` does not support.
    #[must_use]
    pub fn unrepresentable(&self, format: Format) -> Option<(Vec<Segment>, Unrepresentable)> {
        let own = |what| Some((Vec::new(), Unrepresentable { what }));
        let below = |segment: Segment, part: &Self| {
            let (mut path, what) = part.unrepresentable(format)?;
            path.insert(0, segment);
            Some((path, what))
        };
        match self {
            Self::Null if format == Format::Toml => own("null"),
            Self::Float(value, _) if format == Format::Json && !value.is_finite() => own("a number that is not finite"),
            Self::BigInt(raw) if format != Format::Yaml && !is_decimal(raw) => {
                own("a non-decimal integer of more than 64 bits")
            }
            Self::List(items) => items.iter().enumerate().find_map(|(index, item)| below(Segment::Index(index), item)),
            Self::Map(map) => map.iter().find_map(|(key, value)| below(Segment::Key(key.to_string()), value)),
            _ => None,
        }
    }

    /// Formats a number or boolean so that all formats parse it. Numbers keep their digits where possible.
    #[must_use]
    pub fn word(&self, format: Format) -> Option<Cow<'_, str>> {
        Some(match self {
            Self::Bool(true) => "true".into(),
            Self::Bool(false) => "false".into(),
            Self::Int(value) => value.to_string().into(),
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

/// Whether an integer is valid in JSON.
fn is_decimal(raw: &str) -> bool {
    let digits = raw.strip_prefix('-').unwrap_or(raw);
    !digits.is_empty()
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && (digits.len() == 1 || !digits.starts_with('0'))
}

/// Whether a float is valid in JSON, and a float in TOML and YAML.
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
