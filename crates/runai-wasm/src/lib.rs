//! The core for JavaScript: `runai-spec` as functions from text to JSON, and as a `Document` class.
//!
//! Each function decodes its arguments, calls the core once and encodes the result; there is no logic here. Strings are
//! the smallest and fastest way to cross the border to JavaScript; `js/` turns them into typed values and errors. [`api`]
//! and [`document`] are plain Rust, so that a test can compare native results with those of WebAssembly.
//!
//! Every result is `{"ok": …}` or `{"error": {"code", "message", "help", …}}`. A panic becomes a JavaScript exception,
//! after which the instance must not be called again: the wrapper creates a new one.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod api;
mod arguments;
pub mod document;
mod error;
mod report;
mod utf16;

#[cfg(target_arch = "wasm32")]
pub mod bindings;
