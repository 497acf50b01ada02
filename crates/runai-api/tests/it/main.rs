//! Tests of the public API.

mod quantities;
