//! Answers calls natively, one a line: `["check", "text", "arguments"]` in, the answer out, as a string of JSON. A test holds
//! the answers against those of the WebAssembly module, byte by byte.
#![expect(clippy::print_stdout, reason = "its output is what it is for")]

use std::io;

// The crate is a module for JavaScript and nothing else, so there is no library to link.
#[path = "../src/api.rs"]
pub mod api;
#[path = "../src/arguments.rs"]
mod arguments;
#[path = "../src/document.rs"]
pub mod document;
#[path = "../src/error.rs"]
mod error;
#[path = "../src/report.rs"]
mod report;
#[path = "../src/utf16.rs"]
mod utf16;

fn main() -> io::Result<()> {
    for line in io::stdin().lines() {
        let (function, text, arguments): (String, String, String) = serde_json::from_str(&line?)?;
        println!("{}", serde_json::Value::from(api::call(&function, &text, &arguments)));
    }
    Ok(())
}
