//! Editor features for step files, settings, operator files and ZenML run configurations.
//!
//! Values in, values out: [`EditorDocument`] has a text, the operator file that applies to it and optional
//! [`ClusterFacts`], and answers what an editor asks. The language server and the browser page show the answers. What a
//! setting means, its default and its documentation come from the schemas of `runai-spec`; this crate knows places.
//!
//! ```
//! use runai_ide::EditorDocument;
//! use runai_spec::Source;
//! use runai_syntax::Format;
//!
//! let text = "image: python:3.12\ncommand: [python, train.py]\nsettings:\n  gpu_por";
//! let document = EditorDocument::new(Source { name: "step.runai.yaml", text, format: Format::Yaml });
//! let found = document.completions(text.len());
//! assert!(found.iter().any(|completion| completion.label == "gpu_portion_request"));
//! ```
//!
//! All offsets are bytes of UTF-8; [`LineIndex`] converts them to the positions of an editor. No answer contains the value
//! of a secret. The crate never uses the clock, the disk, the network, the environment or randomness.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod actions;
mod anchors;
mod complete;
mod definition;
mod diagnostics;
mod document;
mod encoding;
mod facts;
mod format;
mod hints;
mod hover;
mod render;
mod scan;
mod schema;
mod secrets;
mod structure;

pub use actions::{Action, ActionKind};
pub use complete::{Completion, CompletionKind, plain_text};
pub use definition::{DocumentLink, LinkTarget};
pub use diagnostics::{OPERATOR_CODE, POLICY_CODE, Problem};
pub use document::{EditorDocument, Target, TextEdit};
pub use encoding::{Encoding, LineIndex, Position};
pub use facts::{ClusterFacts, NodePoolFacts, ProjectFacts, QuotaFacts, TemplateFacts};
pub use hints::InlayHint;
pub use hover::Hover;
pub use render::Rendered;
pub use structure::Symbol;
