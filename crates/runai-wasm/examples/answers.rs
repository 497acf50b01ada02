//! Answers calls natively, one a line: `["check", "text", "arguments"]` in, the answer out. A test holds the answers
//! against those of the WebAssembly module, byte by byte.
#![expect(clippy::print_stdout, reason = "its output is what it is for")]

use std::io;

fn main() -> io::Result<()> {
    for line in io::stdin().lines() {
        let (function, text, arguments): (String, String, String) = serde_json::from_str(&line?)?;
        println!("{}", runai_wasm::api::call(&function, &text, &arguments));
    }
    Ok(())
}
