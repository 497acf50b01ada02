//! Deserializes settings from validated documents, and serializes them to trees.
//!
//! Hand-written decoding: serde's generated code was a third of the wasm module. The validator has accepted or replaced every
//! value, so decoding cannot fail. A mismatch between validator and types is a bug and is only counted. A test compares
//! this module with serde.

use std::borrow::Cow;

use indexmap::IndexMap;
use runai_syntax::{Map, Node, Tree, Value, to_tree};
use serde::de::DeserializeOwned;
use serde::de::value::{Error, StrDeserializer};

use super::{Environment, EnvironmentValue, Secret};

/// Deserializes a validated node. Returns `None` if the validator and the type disagree.
pub(crate) fn from_node<T: Setting>(node: &Node<'_>) -> Option<T> {
    let mut mismatches = Mismatches(0);
    let value = T::read(node, &mut mismatches);
    (mismatches.0 == 0).then_some(value)
}

/// The number of values that the validator accepted and the types reject.
pub(crate) struct Mismatches(usize);

impl Mismatches {
    #[cold]
    fn add<T: Setting>(&mut self) -> T {
        self.0 += 1;
        T::default_value()
    }
}

/// A type of settings.
pub(crate) trait Setting: ToTree + Sized {
    /// Deserializes a validated node.
    fn read(node: &Node<'_>, mismatches: &mut Mismatches) -> Self;

    /// Returns the value of a setting that is missing or invalid.
    fn default_value() -> Self;
}

/// A type that can be serialized to a tree. The trait is dyn-compatible, so that one function serializes all types.
pub(crate) trait ToTree {
    /// Returns the value as a tree; null if it is not set.
    fn tree(&self) -> Tree<'_>;
}

/// Declares the fields of a settings struct, their second spellings (`| "alias"`) and defaults (`= value`). The compiler
/// rejects a missing field. Unset fields are not serialized, unless the struct `keeps null`.
macro_rules! fields {
    ($type:ident $(keeps $null:ident)? {
        $($field:ident $(| $alias:literal)? $(= $default:expr)?),+ $(,)?
    }) => {
        impl $crate::settings::fields::Setting for $type {
            fn read(node: &runai_syntax::Node<'_>, mismatches: &mut $crate::settings::fields::Mismatches) -> Self {
                let map = $crate::settings::fields::map(node, mismatches);
                Self {
                    $($field: match $crate::settings::fields::field(map, stringify!($field), mismatches)
                        $(.or_else(|| $crate::settings::fields::field(map, $alias, mismatches)))?
                    {
                        Some(value) => value,
                        None => fields!(@or $crate::settings::fields::Setting::default_value() $(, $default)?),
                    },)+
                }
            }

            fn default_value() -> Self {
                Self { $($field: fields!(@or $crate::settings::fields::Setting::default_value() $(, $default)?),)+ }
            }
        }

        impl $crate::settings::fields::ToTree for $type {
            fn tree(&self) -> runai_syntax::Tree<'_> {
                let keeps_null = false $(|| stringify!($null) == "null")?;
                let mut members = Vec::new();
                $($crate::settings::fields::put(
                    &mut members,
                    stringify!($field),
                    &self.$field,
                    keeps_null,
                );)+
                runai_syntax::Tree::Map(members)
            }
        }
    };
    (@or $otherwise:expr) => { $otherwise };
    (@or $otherwise:expr, $value:expr) => { $value };
}
pub(crate) use fields;

static NO_FIELDS: Map<'static> = Map(Vec::new());

pub(crate) fn map<'n, 't>(node: &'n Node<'t>, mismatches: &mut Mismatches) -> &'n Map<'t> {
    if let Some(map) = node.as_map() {
        return map;
    }
    mismatches.0 += 1;
    &NO_FIELDS
}

#[cfg_attr(target_arch = "wasm32", inline(never))]
pub(crate) fn field<T: Setting>(map: &Map<'_>, name: &str, mismatches: &mut Mismatches) -> Option<T> {
    map.get(name).map(|node| T::read(node, mismatches))
}

#[cfg_attr(target_arch = "wasm32", inline(never))]
pub(crate) fn put<'s>(
    members: &mut Vec<(Cow<'s, str>, Tree<'s>)>,
    name: &'static str,
    value: &'s dyn ToTree,
    keeps_null: bool,
) {
    let value = value.tree();
    if keeps_null || !matches!(value, Tree::Null) {
        members.push((Cow::Borrowed(name), value));
    }
}

impl Setting for bool {
    fn read(node: &Node<'_>, mismatches: &mut Mismatches) -> Self {
        match node.value {
            Value::Bool(value, _) => value,
            _ => mismatches.add(),
        }
    }

    fn default_value() -> Self {
        false
    }
}

impl ToTree for bool {
    fn tree(&self) -> Tree<'_> {
        (*self).into()
    }
}

impl Setting for i64 {
    /// The validator accepts `2.0` for `2`.
    fn read(node: &Node<'_>, mismatches: &mut Mismatches) -> Self {
        match node.value {
            Value::Int(value, _) => value,
            #[expect(clippy::cast_possible_truncation, reason = "the validator accepts only integers in the range")]
            Value::Float(value, _) => value as Self,
            _ => mismatches.add(),
        }
    }

    fn default_value() -> Self {
        0
    }
}

impl ToTree for i64 {
    fn tree(&self) -> Tree<'_> {
        (*self).into()
    }
}

impl Setting for f64 {
    fn read(node: &Node<'_>, mismatches: &mut Mismatches) -> Self {
        match node.value {
            Value::Float(value, _) => value,
            #[expect(clippy::cast_precision_loss, reason = "the setting is a float")]
            Value::Int(value, _) => value as Self,
            _ => mismatches.add(),
        }
    }

    fn default_value() -> Self {
        0.0
    }
}

impl ToTree for f64 {
    fn tree(&self) -> Tree<'_> {
        (*self).into()
    }
}

impl Setting for String {
    fn read(node: &Node<'_>, mismatches: &mut Mismatches) -> Self {
        match node.as_str() {
            Some(text) => text.to_owned(),
            None => mismatches.add(),
        }
    }

    fn default_value() -> Self {
        Self::new()
    }
}

impl ToTree for String {
    fn tree(&self) -> Tree<'_> {
        self.as_str().into()
    }
}

impl<T: Setting> Setting for Option<T> {
    fn read(node: &Node<'_>, mismatches: &mut Mismatches) -> Self {
        if matches!(node.value, Value::Null) { None } else { Some(T::read(node, mismatches)) }
    }

    fn default_value() -> Self {
        None
    }
}

impl<T: ToTree> ToTree for Option<T> {
    fn tree(&self) -> Tree<'_> {
        self.as_ref().map_or(Tree::Null, T::tree)
    }
}

impl<T: Setting> Setting for Vec<T> {
    fn read(node: &Node<'_>, mismatches: &mut Mismatches) -> Self {
        match &node.value {
            Value::List(items) => items.iter().map(|item| T::read(item, mismatches)).collect(),
            _ => mismatches.add(),
        }
    }

    fn default_value() -> Self {
        Self::new()
    }
}

impl<T: ToTree> ToTree for Vec<T> {
    fn tree(&self) -> Tree<'_> {
        Tree::List(self.iter().map(T::tree).collect())
    }
}

impl<T: Setting> Setting for IndexMap<String, T> {
    fn read(node: &Node<'_>, mismatches: &mut Mismatches) -> Self {
        let entries = &map(node, mismatches).0;
        entries.iter().map(|entry| (entry.key.to_string(), T::read(&entry.value, mismatches))).collect()
    }

    fn default_value() -> Self {
        Self::new()
    }
}

impl<T: ToTree> ToTree for IndexMap<String, T> {
    fn tree(&self) -> Tree<'_> {
        Tree::Map(self.iter().map(|(key, value)| (key.as_str().into(), value.tree())).collect())
    }
}

impl Setting for Environment {
    fn read(node: &Node<'_>, mismatches: &mut Mismatches) -> Self {
        Self(Setting::read(node, mismatches))
    }

    fn default_value() -> Self {
        Self::default()
    }
}

impl ToTree for Environment {
    fn tree(&self) -> Tree<'_> {
        self.0.tree()
    }
}

impl Setting for EnvironmentValue {
    /// Numbers and booleans keep their source text.
    fn read(node: &Node<'_>, mismatches: &mut Mismatches) -> Self {
        match &node.value {
            Value::Bool(_, raw) | Value::Int(_, raw) | Value::Float(_, raw) | Value::BigInt(raw) => {
                Self((*raw).to_owned())
            }
            _ => Self(Setting::read(node, mismatches)),
        }
    }

    fn default_value() -> Self {
        Self::default()
    }
}

impl ToTree for EnvironmentValue {
    fn tree(&self) -> Tree<'_> {
        self.0.tree()
    }
}

impl Setting for Secret {
    fn read(node: &Node<'_>, mismatches: &mut Mismatches) -> Self {
        String::read(node, mismatches).into()
    }

    fn default_value() -> Self {
        String::new().into()
    }
}

impl ToTree for Secret {
    /// Returns null, because secrets are never serialized.
    fn tree(&self) -> Tree<'_> {
        Tree::Null
    }
}

/// Deserializes a unit variant of an enum.
#[cfg_attr(target_arch = "wasm32", inline(never))]
fn unit_variant<T: DeserializeOwned>(node: &Node<'_>) -> Option<T> {
    T::deserialize(StrDeserializer::<Error>::new(node.as_str()?)).ok()
}

/// Declares unit enums as settings, with the default value of each.
macro_rules! unit_enum {
    ($($type:path: $first:ident)+) => {$(
        impl Setting for $type {
            fn read(node: &Node<'_>, mismatches: &mut Mismatches) -> Self {
                unit_variant(node).unwrap_or_else(|| mismatches.add())
            }

            fn default_value() -> Self {
                Self::$first
            }
        }

        impl ToTree for $type {
            fn tree(&self) -> Tree<'_> {
                to_tree(self)
            }
        }
    )+};
}

unit_enum! {
    super::TolerationEffect: NoExecute
    runai_api::wire::AuthorizationType: AuthenticatedUsers
    runai_api::wire::Capability: AuditControl
    runai_api::wire::GpuRequestType: Portion
    runai_api::wire::MountPropagation: None
    runai_api::wire::PortServiceType: ClusterIp
    runai_api::wire::Preemptibility: Preemptible
    runai_api::wire::SeccompProfileType: RuntimeDefault
    runai_api::wire::TolerationOperator: Equal
    runai_api::wire::UidGidSource: FromTheImage
    runai_api::wire::VolumeMode: Filesystem
}

#[cfg(test)]
mod tests {
    use serde::Serialize;
    use serde_json::Value as Json;

    use super::super::{OperatorSettings, StepSettings};
    use super::*;
    use crate::setting_schema::{Kind, OPERATOR_FILE, STEP_SETTINGS, SettingSchema};
    use runai_syntax::parse_json;

    /// Returns a value with every field of every struct.
    fn whole(schema: &SettingSchema) -> Tree<'static> {
        match &schema.kind {
            Kind::Struct(structure) => {
                let fields = structure.fields().iter();
                Tree::Map(fields.map(|field| (field.name.into(), whole(&field.schema))).collect())
            }
            Kind::List { item, .. } => Tree::List(vec![whole(item)]),
            _ => schema.example(),
        }
    }

    /// Deserializes and serializes a text with this module and with serde, and compares the results.
    fn check<T: Setting + Serialize + DeserializeOwned>(text: &str) {
        let own: T = from_node(&parse_json(text).unwrap()).expect(text);
        let other: T = serde_json::from_str(text).expect(text);
        let written = |value: &T| serde_json::to_value(value).unwrap();
        assert_eq!(written(&own), written(&other), "{text}");
        assert_eq!(Json::from(&own.tree()), written(&own), "{text}");
    }

    #[test]
    fn agrees_with_serde() {
        check::<StepSettings>("{}");
        check::<OperatorSettings>("{}");
        check::<StepSettings>(&whole(&STEP_SETTINGS).to_json());
        let Tree::Map(mut operator) = whole(&OPERATOR_FILE) else { panic!("an operator file is a map") };
        let Kind::Struct(step) = &STEP_SETTINGS.kind else { panic!("settings are a map") };
        operator.retain(|(key, _)| step.field(key).is_none());
        check::<OperatorSettings>(&Tree::Map(operator).to_json());
        check::<StepSettings>(
            r#"{"gpu_devices_request": 2, "cpu_core_request": 2, "node_pools": null, "pvc_mounts": [{"path": "/a",
            "claim_info": {"storageClass": "fast", "volumeMode": "Block", "addedAttrValues": [{"key": "a"}],
            "accessModes": {"readWriteMany": true, "readOnlyMany": null}}}]}"#,
        );
    }

    #[test]
    fn detects_mismatches() {
        for text in ["[]", r#"{"gpu_devices_request": "1"}"#, r#"{"ports": [{"container": null}]}"#] {
            assert!(from_node::<StepSettings>(&parse_json(text).unwrap()).is_none(), "{text}");
        }
    }
}
