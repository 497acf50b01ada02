//! Validates step files for NVIDIA Run:ai, and renders the API requests that submit them.
//!
//! A step is an image, a command, an environment and settings, and runs as a training workload. This crate parses the files
//! that describe a step, reports all problems in one pass with locations and fixes, and renders the request.
//!
//! ```
//! use runai_spec::{Context, Resolver, Source};
//! use runai_syntax::Format;
//!
//! let text = "image: python:3.12\ncommand: [python, train.py]\nsettings: {gpu_portion: 0.5}\n";
//! let resolution = Resolver::new(Source { name: "step.runai.yaml", text, format: Format::Yaml }).resolve();
//! let found = &resolution.report().diagnostics[0];
//! assert_eq!((found.code, found.line, found.column), ("unknown-key", 3, 12));
//! assert_eq!(found.help.as_deref(), Some("did you mean `gpu_portion_request`?"));
//!
//! let text = text.replace("gpu_portion", "gpu_portion_request");
//! let resolution = Resolver::new(Source { name: "step.runai.yaml", text: &text, format: Format::Yaml }).resolve();
//! let request = resolution.step().expect("no errors").request(&Context::default());
//! assert_eq!(request.path, "/api/v1/workloads/trainings");
//! assert_eq!(request.value().unwrap()["spec"]["compute"]["gpuPortionRequest"], 0.5);
//! ```
//!
//! This crate performs no I/O: it does not use the clock, the disk, the network, the environment or randomness. The same code
//! runs in browsers, editors and servers. The crate `runai-client` sends the requests.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod check;
pub mod diagnostic;
mod document;
pub mod explain;
pub mod fix;
mod foreign;
mod generated;
mod help;
mod image;
pub mod inactive;
mod kind;
mod members;
pub mod permissions;
pub mod redact;
mod render;
mod resolve;
pub mod rules;
pub mod schema;
mod setting_schema;
pub mod settings;
pub mod snippets;
pub mod source_map;
mod suggest;
mod syntax;
mod zenml;

pub use diagnostic::{Diagnostic, RawDiagnostic, Related, Report, Tag};
pub use document::{Document, StepInactive};
pub use fix::{Applicability, Fix, FixEdit};
pub use kind::{Kind, OPERATOR_KEYS, UnknownKind};
pub use members::setting_of;
pub use redact::{is_secret_key, may_contain_credentials};
pub use render::Context;
pub use resolve::{Resolution, Resolver, Source, SourceReport, Step, VARIABLE_PREFIX};
pub use rules::scheduling::PRIORITY_CLASSES;
pub use source_map::{Location, MemberSource, Origin, SourceMap, SourceSpan};
pub use syntax::decode;

/// The example of the README is a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
