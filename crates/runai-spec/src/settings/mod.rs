//! The settings themselves: one declaration each.
//!
//! A field's type, its doc comment and its constraint attributes are the single source of the check, of the JSON
//! Schema, of the hover text, of the form and of the reference page. The attributes that are not self-explanatory:
//!
//! * `validate(range(..))` and `validate(length(..))` bound numbers, and the characters or items of strings and lists;
//! * `x-api` names the member of the API's training request that the setting becomes;
//! * `x-group` names the group of the reference that it is listed in;
//! * `x-alias` names a second spelling that is accepted (the API's own, where it differs).
//!
//! `fields!` names the fields of each struct once more, for reading them without serde (see there why); the compiler
//! asks for what is missing.
//!
//! Enums that the API has as well are those of [`wire`](runai_api::wire).
//!
//! Rules that look at more than one setting stand in [`rules`](crate::rules).

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

/// What settings are when nothing is written: `settings` of a step, and `operator`.
#[must_use]
pub fn defaults() -> Tree<'static> {
    let (settings, operator) = (StepSettings::default(), OperatorSettings::default());
    Tree::Map(vec![
        ("settings".into(), settings.tree().into_owned()),
        ("operator".into(), operator.tree().into_owned()),
    ])
}
