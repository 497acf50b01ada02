//! Converts typed values to trees through serde.
//!
//! One emitter then writes all types. Serializing each type directly would generate code per member and enlarge the wasm
//! module.

use std::borrow::Cow;
use std::fmt;

use serde::ser::{self, Impossible, Serialize};

use crate::Tree;

/// Converts `value` to a tree. Values that JSON does not support become null.
#[must_use]
pub fn to_tree<T: Serialize + ?Sized>(value: &T) -> Tree<'static> {
    value.serialize(Values).unwrap_or(Tree::Null)
}

/// The error for a value that JSON does not support.
#[derive(Debug)]
struct Unrepresentable;

impl fmt::Display for Unrepresentable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not representable in JSON")
    }
}

impl std::error::Error for Unrepresentable {}

impl ser::Error for Unrepresentable {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

type Serialized = Result<Tree<'static>, Unrepresentable>;

struct Values;

/// Implements the serialization of numbers.
macro_rules! numbers {
    ($($method:ident: $type:ty as $as:ty)+) => {$(
        fn $method(self, value: $type) -> Serialized {
            Ok(<$as>::from(value).into())
        }
    )+};
}

impl ser::Serializer for Values {
    type Ok = Tree<'static>;
    type Error = Unrepresentable;
    type SerializeSeq = Items;
    type SerializeTuple = Impossible<Tree<'static>, Unrepresentable>;
    type SerializeTupleStruct = Impossible<Tree<'static>, Unrepresentable>;
    type SerializeTupleVariant = Impossible<Tree<'static>, Unrepresentable>;
    type SerializeMap = Members;
    type SerializeStruct = Members;
    type SerializeStructVariant = Impossible<Tree<'static>, Unrepresentable>;

    numbers! {
        serialize_i8: i8 as i64 serialize_i16: i16 as i64 serialize_i32: i32 as i64 serialize_i64: i64 as i64
        serialize_u8: u8 as i64 serialize_u16: u16 as i64 serialize_u32: u32 as i64
        serialize_f32: f32 as f64 serialize_f64: f64 as f64
    }

    fn serialize_u64(self, value: u64) -> Serialized {
        Ok(i64::try_from(value).map_or_else(|_| Tree::BigInt(value.to_string().into()), Tree::from))
    }

    fn serialize_bool(self, value: bool) -> Serialized {
        Ok(value.into())
    }

    fn serialize_str(self, text: &str) -> Serialized {
        Ok(text.to_owned().into())
    }

    fn serialize_char(self, value: char) -> Serialized {
        Ok(value.to_string().into())
    }

    fn serialize_bytes(self, _: &[u8]) -> Serialized {
        Err(Unrepresentable)
    }

    fn serialize_none(self) -> Serialized {
        Ok(Tree::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Serialized {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Serialized {
        Ok(Tree::Null)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Serialized {
        Ok(Tree::Null)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Serialized {
        Ok(variant.into())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Serialized {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Serialized {
        let mut members = Members::default();
        members.put(variant.into(), value.serialize(self))?;
        Ok(Tree::Map(members.map))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Items, Unrepresentable> {
        Ok(Items(Vec::new()))
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Unrepresentable> {
        Err(Unrepresentable)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeTupleStruct, Unrepresentable> {
        Err(Unrepresentable)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Unrepresentable> {
        Err(Unrepresentable)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Members, Unrepresentable> {
        Ok(Members::default())
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Members, Unrepresentable> {
        Ok(Members::default())
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Unrepresentable> {
        Err(Unrepresentable)
    }
}

struct Items(Vec<Tree<'static>>);

impl ser::SerializeSeq for Items {
    type Ok = Tree<'static>;
    type Error = Unrepresentable;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unrepresentable> {
        self.0.push(value.serialize(Values)?);
        Ok(())
    }

    fn end(self) -> Serialized {
        Ok(Tree::List(self.0))
    }
}

#[derive(Default)]
struct Members {
    map: Vec<(Cow<'static, str>, Tree<'static>)>,
    /// The key of the next value.
    key: Cow<'static, str>,
}

impl Members {
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    fn put(&mut self, key: Cow<'static, str>, value: Serialized) -> Result<(), Unrepresentable> {
        self.map.push((key, value?));
        Ok(())
    }
}

impl ser::SerializeMap for Members {
    type Ok = Tree<'static>;
    type Error = Unrepresentable;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Unrepresentable> {
        let Tree::Text(key) = key.serialize(Values)? else { return Err(Unrepresentable) };
        self.key = key;
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unrepresentable> {
        let key = std::mem::take(&mut self.key);
        self.put(key, value.serialize(Values))
    }

    fn end(self) -> Serialized {
        Ok(Tree::Map(self.map))
    }
}

impl ser::SerializeStruct for Members {
    type Ok = Tree<'static>;
    type Error = Unrepresentable;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Unrepresentable> {
        self.put(key.into(), value.serialize(Values))
    }

    fn end(self) -> Serialized {
        Ok(Tree::Map(self.map))
    }
}
