//! Settings from checked documents, and to trees.
//!
//! serde could do both, and does for others. But what it makes of each member of each type is made for inputs that nobody
//! has looked at, with an error and a way out of it for each, and was a third of what a browser had to fetch. Here the check
//! has accepted or mended every value, so that nothing can fail: what still does not fit is a disagreement between the check
//! and the types, a bug here, and is only counted. A test holds this module and serde together.

use std::borrow::Cow;

use indexmap::IndexMap;
use runai_syntax::{Map, Node, Tree, Value, to_tree};
use serde::de::DeserializeOwned;
use serde::de::value::{Error, StrDeserializer};

use super::{Environment, EnvironmentValue, Secret};

/// Reads a value of type `T` from a checked node; nothing if the check and the type disagree.
pub(crate) fn from_node<T: Setting>(node: &Node<'_>) -> Option<T> {
    let mut doubts = Doubts(0);
    let value = T::read(node, &mut doubts);
    (doubts.0 == 0).then_some(value)
}

/// How many values were not what the check lets pass.
pub(crate) struct Doubts(usize);

impl Doubts {
    #[cold]
    fn one<T: Setting>(&mut self) -> T {
        self.0 += 1;
        T::absent()
    }
}

/// A value of a setting, of whatever type.
pub(crate) trait Setting: ToTree + Sized {
    /// Reads itself from a checked node.
    fn read(node: &Node<'_>, doubts: &mut Doubts) -> Self;

    /// What stands in the place of a value that is not written, or not right.
    fn absent() -> Self;
}

/// What can be written. A trait of its own, so that one function takes them all.
pub(crate) trait ToTree {
    /// As it is written; null for what is not set.
    fn tree(&self) -> Tree<'_>;
}

/// Says which fields a struct of settings has, their second spellings (`| "alias"`) and what they are when nothing is
/// written (`= value`). The compiler wants every field to be named. What is not set is left out of a tree, unless the struct
/// `keeps null`.
macro_rules! fields {
    ($type:ident $(keeps $null:ident)? {
        $($field:ident $(| $alias:literal)? $(= $default:expr)?),+ $(,)?
    }) => {
        impl $crate::settings::fields::Setting for $type {
            fn read(node: &runai_syntax::Node<'_>, doubts: &mut $crate::settings::fields::Doubts) -> Self {
                let map = $crate::settings::fields::map(node, doubts);
                Self {
                    $($field: match $crate::settings::fields::field(map, stringify!($field), doubts)
                        $(.or_else(|| $crate::settings::fields::field(map, $alias, doubts)))?
                    {
                        Some(value) => value,
                        None => fields!(@or $crate::settings::fields::Setting::absent() $(, $default)?),
                    },)+
                }
            }

            fn absent() -> Self {
                Self { $($field: fields!(@or $crate::settings::fields::Setting::absent() $(, $default)?),)+ }
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

pub(crate) fn map<'n, 't>(node: &'n Node<'t>, doubts: &mut Doubts) -> &'n Map<'t> {
    if let Some(map) = node.as_map() {
        return map;
    }
    doubts.0 += 1;
    &NO_FIELDS
}

#[cfg_attr(target_arch = "wasm32", inline(never))]
pub(crate) fn field<T: Setting>(map: &Map<'_>, name: &str, doubts: &mut Doubts) -> Option<T> {
    map.get(name).map(|node| T::read(node, doubts))
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
    fn read(node: &Node<'_>, doubts: &mut Doubts) -> Self {
        match node.value {
            Value::Bool(value, _) => value,
            _ => doubts.one(),
        }
    }

    fn absent() -> Self {
        false
    }
}

impl ToTree for bool {
    fn tree(&self) -> Tree<'_> {
        (*self).into()
    }
}

impl Setting for i64 {
    /// The check takes `2.0` for `2`.
    fn read(node: &Node<'_>, doubts: &mut Doubts) -> Self {
        match node.value {
            Value::Int(value, _) => value,
            #[expect(clippy::cast_possible_truncation, reason = "the check lets whole numbers within the range pass")]
            Value::Float(value, _) => value as Self,
            _ => doubts.one(),
        }
    }

    fn absent() -> Self {
        0
    }
}

impl ToTree for i64 {
    fn tree(&self) -> Tree<'_> {
        (*self).into()
    }
}

impl Setting for f64 {
    fn read(node: &Node<'_>, doubts: &mut Doubts) -> Self {
        match node.value {
            Value::Float(value, _) => value,
            #[expect(clippy::cast_precision_loss, reason = "the setting is a float")]
            Value::Int(value, _) => value as Self,
            _ => doubts.one(),
        }
    }

    fn absent() -> Self {
        0.0
    }
}

impl ToTree for f64 {
    fn tree(&self) -> Tree<'_> {
        (*self).into()
    }
}

impl Setting for String {
    fn read(node: &Node<'_>, doubts: &mut Doubts) -> Self {
        match node.as_str() {
            Some(text) => text.to_owned(),
            None => doubts.one(),
        }
    }

    fn absent() -> Self {
        Self::new()
    }
}

impl ToTree for String {
    fn tree(&self) -> Tree<'_> {
        self.as_str().into()
    }
}

impl<T: Setting> Setting for Option<T> {
    fn read(node: &Node<'_>, doubts: &mut Doubts) -> Self {
        if matches!(node.value, Value::Null) { None } else { Some(T::read(node, doubts)) }
    }

    fn absent() -> Self {
        None
    }
}

impl<T: ToTree> ToTree for Option<T> {
    fn tree(&self) -> Tree<'_> {
        self.as_ref().map_or(Tree::Null, T::tree)
    }
}

impl<T: Setting> Setting for Vec<T> {
    fn read(node: &Node<'_>, doubts: &mut Doubts) -> Self {
        match &node.value {
            Value::List(items) => items.iter().map(|item| T::read(item, doubts)).collect(),
            _ => doubts.one(),
        }
    }

    fn absent() -> Self {
        Self::new()
    }
}

impl<T: ToTree> ToTree for Vec<T> {
    fn tree(&self) -> Tree<'_> {
        Tree::List(self.iter().map(T::tree).collect())
    }
}

impl<T: Setting> Setting for IndexMap<String, T> {
    fn read(node: &Node<'_>, doubts: &mut Doubts) -> Self {
        let entries = &map(node, doubts).0;
        entries.iter().map(|entry| (entry.key.to_string(), T::read(&entry.value, doubts))).collect()
    }

    fn absent() -> Self {
        Self::new()
    }
}

impl<T: ToTree> ToTree for IndexMap<String, T> {
    fn tree(&self) -> Tree<'_> {
        Tree::Map(self.iter().map(|(key, value)| (key.as_str().into(), value.tree())).collect())
    }
}

impl Setting for Environment {
    fn read(node: &Node<'_>, doubts: &mut Doubts) -> Self {
        Self(Setting::read(node, doubts))
    }

    fn absent() -> Self {
        Self::default()
    }
}

impl ToTree for Environment {
    fn tree(&self) -> Tree<'_> {
        self.0.tree()
    }
}

impl Setting for EnvironmentValue {
    /// Numbers and booleans are taken for texts as they were written.
    fn read(node: &Node<'_>, doubts: &mut Doubts) -> Self {
        match &node.value {
            Value::Bool(_, raw) | Value::Int(_, raw) | Value::Float(_, raw) | Value::BigInt(raw) => {
                Self((*raw).to_owned())
            }
            _ => Self(Setting::read(node, doubts)),
        }
    }

    fn absent() -> Self {
        Self::default()
    }
}

impl ToTree for EnvironmentValue {
    fn tree(&self) -> Tree<'_> {
        self.0.tree()
    }
}

impl Setting for Secret {
    fn read(node: &Node<'_>, doubts: &mut Doubts) -> Self {
        String::read(node, doubts).into()
    }

    fn absent() -> Self {
        String::new().into()
    }
}

impl ToTree for Secret {
    /// Nothing: a secret is never written down.
    fn tree(&self) -> Tree<'_> {
        Tree::Null
    }
}

/// The value of an enum that a word is.
#[cfg_attr(target_arch = "wasm32", inline(never))]
fn word<T: DeserializeOwned>(node: &Node<'_>) -> Option<T> {
    T::deserialize(StrDeserializer::<Error>::new(node.as_str()?)).ok()
}

/// Enums, and the first value of each.
macro_rules! words {
    ($($type:path: $first:ident)+) => {$(
        impl Setting for $type {
            fn read(node: &Node<'_>, doubts: &mut Doubts) -> Self {
                word(node).unwrap_or_else(|| doubts.one())
            }

            fn absent() -> Self {
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

words! {
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
    use crate::shape::{Kind, OPERATOR_FILE, STEP_SETTINGS, Shape};
    use runai_syntax::parse_json;

    /// A value with each field of each struct in it.
    fn whole(shape: &Shape) -> Tree<'static> {
        match &shape.kind {
            Kind::Struct(structure) => {
                let fields = structure.fields().iter();
                Tree::Map(fields.map(|field| (field.name.into(), whole(&field.shape))).collect())
            }
            Kind::List { item, .. } => Tree::List(vec![whole(item)]),
            _ => shape.example(),
        }
    }

    /// Reads a text here and by serde, and writes what was read in both ways.
    fn check<T: Setting + Serialize + DeserializeOwned>(text: &str) {
        let own: T = from_node(&parse_json(text).unwrap()).expect(text);
        let other: T = serde_json::from_str(text).expect(text);
        let written = |value: &T| serde_json::to_value(value).unwrap();
        assert_eq!(written(&own), written(&other), "{text}");
        assert_eq!(Json::from(&own.tree()), written(&own), "{text}");
    }

    #[test]
    fn settings_are_read_and_written_as_by_serde() {
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
    fn what_does_not_fit_is_noticed() {
        for text in ["[]", r#"{"gpu_devices_request": "1"}"#, r#"{"ports": [{"container": null}]}"#] {
            assert!(from_node::<StepSettings>(&parse_json(text).unwrap()).is_none(), "{text}");
        }
    }
}
