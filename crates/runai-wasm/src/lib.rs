//! The core for JavaScript: what `runai-spec` does, as functions of texts that give JSON, and as a living document.
//!
//! Each function decodes, calls the core once, and encodes; there is no logic here. A text in, a text out is also the
//! smallest and fastest way over the border; `js/` holds the few lines that make typed values and errors of it.
//! [`api`] and [`document`] are plain Rust, so that a test can hold the same calls natively against those in WebAssembly.
//!
//! Every answer is `{"ok": …}` or `{"error": {"code", "message", "help", …}}`. A panic leaves as a JavaScript exception,
//! after which the instance must not be called again: the wrapper makes a new one.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod api;
mod arguments;
pub mod document;
mod error;
mod report;
mod utf16;

#[cfg(target_arch = "wasm32")]
pub mod bindings;
