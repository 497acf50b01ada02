//! Parses YAML, JSON and TOML to one tree with source spans, and edits, emits and converts them.
//!
//! [`parse`] returns [`Node`]s with [`Span`]s; numbers and booleans keep their source text. [`edit()`] computes the smallest
//! edits that set, add or remove a value, and keeps comments, order and layout. [`convert()`] and [`emit`] write values in
//! all three formats.
//!
//! ```
//! use runai_syntax::{Format, SourceId, apply, convert, edit, parse};
//!
//! let text = "# half a GPU\nportion: 0.5\n";
//! let root = parse(text, Format::Yaml, SourceId(0)).unwrap();
//! let span = root.find("/portion").unwrap().span;
//! assert_eq!(&text[span.start as usize..span.end as usize], "0.5");
//!
//! let edits = edit(text, Format::Yaml, "/portion", Some(&0.25.into())).unwrap();
//! assert_eq!(apply(text, &edits), "# half a GPU\nportion: 0.25\n");
//! assert_eq!(convert(text, Format::Yaml, Format::Toml).unwrap(), "portion = 0.5\n");
//! ```
//!
//! YAML is version 1.2 with the core schema, or version 1.1 like PyYAML ([`Dialect`]). This crate performs no I/O.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod convert;
mod edit;
pub mod emit;
mod error;
pub mod float;
mod format;
mod json;
mod lines;
mod node;
mod parse;
mod quotes;
mod ser;
mod toml;
mod tree;
pub mod unusual;
pub mod yaml;

pub use convert::{ConvertError, convert};
pub use edit::{Edit, EditError, apply, edit, edit_parsed, edit_to, in_steps};
pub use error::{SyntaxError, SyntaxErrorKind, SyntaxFix, one_line};
pub use format::Format;
pub use lines::Lines;
pub use node::{Entry, Map, Node, SourceId, Span, Text, Value, escape, unescape};
pub use parse::{Dialect, MAX_ALIASED_NODES, MAX_BYTES, MAX_DEPTH, decode, parse, parse_in, parse_json};
pub use ser::to_tree;
pub use tree::{Segment, Tree, Unrepresentable};

/// The example of the README is a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
