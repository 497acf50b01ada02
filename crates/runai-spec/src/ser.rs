//! Typed values to JSON values, through serde.
//!
//! `serde_json::to_value` does the same, but each member of each type becomes a function with all in it that a map does
//! when it grows, which is a fair part of the browser package. Here it only makes the value.

use std::fmt;

use serde::ser::{self, Impossible, Serialize};
use serde_json::{Map as JsonMap, Value as Json};

/// `value` as JSON; null for what JSON has no word for, which the types of this crate never hold.
#[must_use]
pub fn to_value<T: Serialize + ?Sized>(value: &T) -> Json {
    value.serialize(Values).unwrap_or_default()
}

/// A value that JSON has no word for.
#[derive(Debug)]
struct Unsayable;

impl fmt::Display for Unsayable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON has no word for this")
    }
}

impl std::error::Error for Unsayable {}

impl ser::Error for Unsayable {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

type Made = Result<Json, Unsayable>;

struct Values;

/// Serialises a plain value as what JSON makes of it.
macro_rules! plain {
    ($($method:ident: $type:ty)+) => {$(
        fn $method(self, value: $type) -> Made {
            Ok(value.into())
        }
    )+};
}

impl ser::Serializer for Values {
    type Ok = Json;
    type Error = Unsayable;
    type SerializeSeq = Items;
    type SerializeTuple = Impossible<Json, Unsayable>;
    type SerializeTupleStruct = Impossible<Json, Unsayable>;
    type SerializeTupleVariant = Impossible<Json, Unsayable>;
    type SerializeMap = Members;
    type SerializeStruct = Members;
    type SerializeStructVariant = Impossible<Json, Unsayable>;

    plain! {
        serialize_bool: bool
        serialize_i8: i8 serialize_i16: i16 serialize_i32: i32 serialize_i64: i64
        serialize_u8: u8 serialize_u16: u16 serialize_u32: u32 serialize_u64: u64
        serialize_f32: f32 serialize_f64: f64
        serialize_str: &str
    }

    fn serialize_char(self, value: char) -> Made {
        Ok(value.to_string().into())
    }

    fn serialize_bytes(self, _: &[u8]) -> Made {
        Err(Unsayable)
    }

    fn serialize_none(self) -> Made {
        Ok(Json::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Made {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Made {
        Ok(Json::Null)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Made {
        Ok(Json::Null)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Made {
        Ok(variant.into())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Made {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Made {
        let mut members = Members::default();
        members.put(variant, value.serialize(self))?;
        Ok(Json::Object(members.map))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Items, Unsayable> {
        Ok(Items(Vec::new()))
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Unsayable> {
        Err(Unsayable)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeTupleStruct, Unsayable> {
        Err(Unsayable)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Unsayable> {
        Err(Unsayable)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Members, Unsayable> {
        Ok(Members::default())
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Members, Unsayable> {
        Ok(Members::default())
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Unsayable> {
        Err(Unsayable)
    }
}

struct Items(Vec<Json>);

impl ser::SerializeSeq for Items {
    type Ok = Json;
    type Error = Unsayable;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unsayable> {
        self.0.push(value.serialize(Values)?);
        Ok(())
    }

    fn end(self) -> Made {
        Ok(Json::Array(self.0))
    }
}

#[derive(Default)]
struct Members {
    map: JsonMap<String, Json>,
    /// The key whose value comes next.
    key: String,
}

impl Members {
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    fn put(&mut self, key: &str, value: Made) -> Result<(), Unsayable> {
        self.map.insert(key.to_owned(), value?);
        Ok(())
    }
}

impl ser::SerializeMap for Members {
    type Ok = Json;
    type Error = Unsayable;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Unsayable> {
        let Json::String(key) = key.serialize(Values)? else { return Err(Unsayable) };
        self.key = key;
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unsayable> {
        self.map.insert(std::mem::take(&mut self.key), value.serialize(Values)?);
        Ok(())
    }

    fn end(self) -> Made {
        Ok(Json::Object(self.map))
    }
}

impl ser::SerializeStruct for Members {
    type Ok = Json;
    type Error = Unsayable;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Unsayable> {
        self.put(key, value.serialize(Values))
    }

    fn end(self) -> Made {
        Ok(Json::Object(self.map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{OperatorSettings, StepSettings};
    use crate::wire::TrainingCreationRequest;

    #[test]
    fn values_are_those_that_serde_json_makes() {
        fn check<T: Serialize>(value: &T) {
            assert_eq!(to_value(value).to_string(), serde_json::to_value(value).unwrap().to_string());
        }
        let every_member = include_str!("wire/every-member.json");
        check(&serde_json::from_str::<TrainingCreationRequest>(every_member).unwrap());
        check(&StepSettings::default());
        check(&OperatorSettings::default());
        check(&f64::NAN);
        check(&Some(-1));
        check(&None::<u8>);
        check(&["a", "b"].map(|key| (key, 'c')).into_iter().collect::<std::collections::BTreeMap<_, _>>());
        check(&Ok::<_, ()>([1_u64, u64::MAX].to_vec()));
    }
}
