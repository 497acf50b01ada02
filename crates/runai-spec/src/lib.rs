//! Run:ai step settings as a pure core: text to diagnostics to the request that will be sent.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod check;
pub mod command;
mod de;
pub mod diagnostic;
pub mod document;
pub mod explain;
mod kind;
pub mod name;
pub mod phase;
pub mod quantity;
mod redact;
mod render;
pub mod request;
mod resolve;
pub mod rules;
pub mod settings;
mod shape;
mod suggest;
pub mod wait;
pub mod wire;

pub use document::{Format, decode};
pub use diagnostic::{Diagnostic, Finding, Report};
pub use kind::{Kind, UnknownKind};
pub use render::Context;
pub use resolve::{Resolution, Resolver, Source, SourceReport, Step, VARIABLE_PREFIX};
