//! Edits a YAML text in place, and converts it: `cargo run -p runai-syntax --example edit`.
#![expect(clippy::print_stdout, reason = "an example prints its results")]

use runai_syntax::{Format, apply, convert, edit};

fn main() {
    let text = "# half a GPU\nportion: 0.5\nimage: python:3.12\n";
    let edits = edit(text, Format::Yaml, "/portion", Some(&0.25.into())).expect("the text parses");
    let edited = apply(text, &edits);
    println!("{edited}");
    println!("{}", convert(&edited, Format::Yaml, Format::Toml).expect("TOML can express it"));
}
