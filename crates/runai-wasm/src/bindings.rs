//! The functions that JavaScript sees.

use std::sync::Once;

use wasm_bindgen::prelude::wasm_bindgen;

use crate::api;

/// Calls one function of the core: its name, and its arguments as a JSON list.
#[wasm_bindgen]
#[must_use]
pub fn call(function: &str, text: &str, arguments: &str) -> String {
    static HOOK: Once = Once::new();
    // The message would be lost: all that a trap says is "unreachable".
    HOOK.call_once(|| std::panic::set_hook(Box::new(|panic| wasm_bindgen::throw_str(&panic.to_string()))));
    api::call(function, text, arguments)
}
