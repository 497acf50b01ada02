//! Checked documents to typed values, through serde.
//!
//! By the time this runs the check has accepted or mended every value, so that the only error left is a disagreement
//! between the check and the types: a bug here.

use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeOwned, DeserializeSeed, IntoDeserializer, Visitor};

use crate::document::{Entry, Node, Value};

/// Reads a value of type `T` from a checked node.
pub(crate) fn from_node<T: DeserializeOwned>(node: &Node<'_>) -> Result<T, Error> {
    T::deserialize(Checked(node))
}

/// A checked value that its type refuses. Why is said only where assertions are on: the words of every type would be sent
/// to every browser, for nobody.
#[derive(Debug)]
pub(crate) struct Error {
    #[cfg(debug_assertions)]
    why: String,
}

impl Error {
    fn other_type() -> Self {
        de::Error::custom("the value is of another type")
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the check and the types disagree about this")?;
        #[cfg(debug_assertions)]
        write!(f, ": {}", self.why)?;
        Ok(())
    }
}

impl std::error::Error for Error {}

impl de::Error for Error {
    #[cfg_attr(not(debug_assertions), expect(unused_variables, reason = "said only where assertions are on"))]
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self {
            #[cfg(debug_assertions)]
            why: message.to_string(),
        }
    }
}

/// A checked node, as serde reads it.
struct Checked<'n, 't>(&'n Node<'t>);

impl<'de> de::Deserializer<'de> for Checked<'_, '_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.0.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value, _) => visitor.visit_bool(*value),
            Value::Int(value, _) => visitor.visit_i64(*value),
            Value::Float(value, _) => visitor.visit_f64(*value),
            Value::BigInt(raw) | Value::DateTime(raw) => visitor.visit_str(raw),
            Value::String(text) => visitor.visit_str(&text.text),
            Value::List(items) => visitor.visit_seq(Items(items.iter())),
            Value::Map(map) => visitor.visit_map(Entries { entries: map.0.iter(), value: None }),
        }
    }

    #[cfg_attr(target_arch = "wasm32", inline(never))]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.0.value == Value::Null { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    /// The check takes `2.0` for `2`.
    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.0.value {
            #[expect(clippy::cast_possible_truncation, reason = "the check lets whole numbers within the range pass")]
            Value::Float(value, _) => visitor.visit_i64(*value as i64),
            Value::Int(value, _) => visitor.visit_i64(*value),
            _ => Err(Error::other_type()),
        }
    }

    /// A newtype is a text that numbers and booleans are taken for as they were written.
    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Error> {
        match (name, &self.0.value) {
            (
                "EnvironmentValue",
                Value::Bool(_, raw) | Value::Int(_, raw) | Value::Float(_, raw) | Value::BigInt(raw),
            ) => visitor.visit_str(raw),
            ("EnvironmentValue", _) => self.deserialize_str(visitor),
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_enum(IntoDeserializer::<Error>::into_deserializer(self.0.as_str().unwrap_or_default()))
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.0.value {
            Value::Bool(value, _) => visitor.visit_bool(*value),
            _ => Err(Error::other_type()),
        }
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.0.value {
            Value::Int(value, _) => visitor.visit_i64(*value),
            Value::Float(value, _) => visitor.visit_f64(*value),
            _ => Err(Error::other_type()),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.0.value {
            Value::String(text) => visitor.visit_str(&text.text),
            Value::BigInt(raw) | Value::DateTime(raw) => visitor.visit_str(raw),
            _ => Err(Error::other_type()),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.0.value {
            Value::List(items) => visitor.visit_seq(Items(items.iter())),
            _ => Err(Error::other_type()),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.0.value {
            Value::Map(map) => visitor.visit_map(Entries { entries: map.0.iter(), value: None }),
            _ => Err(Error::other_type()),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_map(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! {
        i8 i16 i32 i128 u8 u16 u32 u64 u128 f32 char bytes byte_buf unit unit_struct tuple tuple_struct identifier
    }
}

struct Items<'n, 't>(std::slice::Iter<'n, Node<'t>>);

impl<'de> de::SeqAccess<'de> for Items<'_, '_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        self.0.next().map(|item| seed.deserialize(Checked(item))).transpose()
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.0.len())
    }
}

struct Entries<'n, 't> {
    entries: std::slice::Iter<'n, Entry<'t>>,
    value: Option<&'n Node<'t>>,
}

impl<'de> de::MapAccess<'de> for Entries<'_, '_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let Some(entry) = self.entries.next() else { return Ok(None) };
        self.value = Some(&entry.value);
        let key: StrDeserializer<'_, Error> = (*entry.key).into_deserializer();
        seed.deserialize(key).map(Some)
    }

    #[cfg_attr(target_arch = "wasm32", inline(never))]
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let value = self.value.take().ok_or_else(|| <Error as de::Error>::custom("a value without a key"))?;
        seed.deserialize(Checked(value))
    }
}
