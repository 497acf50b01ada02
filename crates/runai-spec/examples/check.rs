//! Checks an invalid step, and renders a valid one: `cargo run -p runai-spec --example check`.
#![expect(clippy::print_stdout, reason = "an example prints its results")]

use runai_spec::{Context, Resolver, Source};
use runai_syntax::Format;

fn main() {
    for key in ["gpu_portion", "gpu_portion_request"] {
        let text = format!("image: python:3.12\ncommand: [python, train.py]\nsettings: {{{key}: 0.5}}\n");
        let source = Source { name: "step.runai.yaml", text: &text, format: Format::Yaml };
        let resolution = Resolver::new(source).resolve();
        for found in resolution.report().diagnostics {
            println!("{}:{} {}", found.line, found.column, found.message);
        }
        if let Some(step) = resolution.step() {
            println!("{}", step.request(&Context::default()).to_curl(None));
        }
    }
}
