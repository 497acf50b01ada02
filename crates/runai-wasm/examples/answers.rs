//! Runs calls natively: reads one `["check", "text", "arguments"]` per line and prints one result per line, as a JSON
//! string. A test compares the results with those of the WebAssembly module, byte by byte.
#![expect(clippy::print_stdout, reason = "prints the results")]

use std::io;

// The crate is a `cdylib`, so there is no library to link.
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
