//! Every chore of this repository: `cargo xtask --help`.
//!
//! A chore is a module; `process` starts other programs for all of them. No chore needs more than a Rust toolchain and
//! what `setup` names; whatever else it uses, it installs or says how to.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a chore talks to the person who runs it")]

use std::process::ExitCode;

use clap::Parser;

mod bench;
mod conformance;
mod debian;
mod dist;
mod faults;
mod following;
mod fuzz;
mod ide;
mod links;
mod migration;
mod npm;
mod operations;
mod peers;
mod process;
mod purity;
mod repository;
mod schema;
mod schemathesis;
mod semver;
mod setup;
mod snippets;
mod test;
mod wasm;
mod web;
mod words;
mod workspace;

/// Every chore of this repository
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Chore {
    /// Measure the core and the program beside the Python peers, and print a table
    Bench(bench::Args),
    /// Run one program and print what it took as JSON: `bench` calls it
    #[command(hide = true)]
    Measure(bench::Measure),
    /// Hold the core against its Python peers on generated documents
    Conformance(conformance::Args),
    /// Build the program as people install it: with the editor's page, manual pages and completions
    Dist,
    /// Build the browser editor, and serve it on this machine
    Editor(web::Args),
    /// Submit and wait through everything that goes wrong, and print what came of it
    Faults(faults::Args),
    /// Fuzz the core under libFuzzer
    Fuzz(fuzz::Args),
    /// Write the table of the API's operations, which the client's tests send
    Operations(operations::Args),
    /// Write the JSON Schemas, and the pages that are made from the declarations
    Schema(schema::Args),
    /// Hold the simulator against a copy of the API's own description
    Schemathesis(schemathesis::Args),
    /// Compare the public API of the libraries with a release
    Semver(semver::Args),
    /// Install what the tests need, or say what is missing
    Setup,
    /// Run the tests: every step, or only the named ones
    Test(test::Args),
    /// Build the npm package: the core for browsers and Node
    Wasm,
    /// Build the browser editor into `web/dist`: plain files for any host
    Web,
}

fn main() -> ExitCode {
    let result = match Chore::parse() {
        Chore::Bench(args) => bench::run(&args),
        Chore::Conformance(args) => conformance::run(&args),
        Chore::Dist => dist::run(),
        Chore::Editor(args) => web::editor(&args),
        Chore::Faults(args) => faults::run(&args),
        Chore::Fuzz(args) => fuzz::run(&args),
        Chore::Measure(program) => bench::measure(&program),
        Chore::Operations(args) => operations::run(&args),
        Chore::Schema(args) => schema::run(&args),
        Chore::Schemathesis(args) => schemathesis::run(&args),
        Chore::Semver(args) => semver::run(&args),
        Chore::Setup => setup::run(),
        Chore::Test(args) => test::run(&args),
        Chore::Wasm => npm::build(),
        Chore::Web => web::build(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
