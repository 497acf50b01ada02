//! The settings, with one declaration per setting.
//!
//! A field's type, doc comment and constraint attributes are the single source of validation, JSON Schema, hover text,
//! form and reference page. The attributes:
//!
//! * `validate(range(..))` and `validate(length(..))`: bounds of numbers, and of the length of strings and lists;
//! * `x-api`: the member of the API's training request;
//! * `x-group`: the group in the reference page;
//! * `x-alias`: a second spelling, the API's.
//!
//! `fields!` lists the fields of each struct again, to deserialize them without serde. The compiler rejects an incomplete
//! list.
//!
//! Enums of the API are those of [`wire`](runai_api::wire). Rules about several settings are in [`rules`](crate::rules).

mod environment;
pub(crate) mod fields;
mod matchers;
mod mounts;
mod network;
mod operator;
mod scheduling;
mod security;
mod step;
mod text;

pub use environment::{Environment, EnvironmentValue};
pub use mounts::{
    AccessModes, AddedAttribute, ClaimInfo, ConfigMapMount, HostPathMount, NfsMount, PvcMount, S3Mount, SecretMount,
};
pub use network::{ExternalUrl, Port};
pub use operator::OperatorSettings;
pub use scheduling::{Toleration, TolerationEffect};
pub use security::SecurityContext;
pub use step::{StepFile, StepSettings};
pub use text::{
    AbsolutePath, Annotations, AttributeKey, BaseUrl, ExtendedResources, FileMode, InvalidText, Labels, Memory,
    ObjectName, OptionalObjectName, Quantity, Secret,
};
pub(crate) use text::{MAP_TEXT_TYPES, TEXT_TYPES, TextType};

use self::fields::ToTree as _;
use runai_syntax::Tree;

/// Returns the default settings: `settings` of a step, and `operator`.
#[must_use]
pub fn defaults() -> Tree<'static> {
    let (settings, operator) = (StepSettings::default(), OperatorSettings::default());
    Tree::Map(vec![
        ("settings".into(), settings.tree().into_owned()),
        ("operator".into(), operator.tree().into_owned()),
    ])
}
