//! Tests of the public API.
#![expect(clippy::unwrap_used, reason = "a failed test panics")]

mod convert;
mod edit;
mod toml;
mod tricky;
