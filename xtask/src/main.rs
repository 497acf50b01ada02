//! Development tasks of this repository: `cargo xtask --help`.
//!
//! Each task is a module; `process` runs other programs. Tasks need a Rust toolchain and the tools that `setup` lists;
//! they install other dependencies or report how to.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "tasks print their progress")]

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
mod process;
mod purity;
mod reference;
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

/// Development tasks of this repository
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Task {
    /// Benchmark the core and the program against ZenML and runapy
    Bench(bench::Args),
    /// Run a program and print its resource usage as JSON
    #[command(hide = true)]
    Measure(bench::Measure),
    /// Compare the core with ZenML and runapy
    Conformance(conformance::Args),
    /// Build the distribution: program, manual pages and completions
    Dist,
    /// Build the browser editor and serve it locally
    Editor(web::Args),
    /// Run the fault-injection campaigns and print their results
    Faults(faults::Args),
    /// Fuzz the core with libFuzzer
    Fuzz(fuzz::Args),
    /// Generate the table of API operations
    Operations(operations::Args),
    /// Generate JSON Schemas and reference pages
    Schema(schema::Args),
    /// Test the simulator against the API description
    Schemathesis(schemathesis::Args),
    /// Compare the public API of the libraries with a release
    Semver(semver::Args),
    /// Install test dependencies or report missing ones
    Setup,
    /// Run all test steps or the named ones
    Test(test::Args),
    /// Build the npm package of the core
    Wasm,
    /// Build the browser editor into `web/dist`
    Web,
}

fn main() -> ExitCode {
    let result = match Task::parse() {
        Task::Bench(args) => bench::run(&args),
        Task::Conformance(args) => conformance::run(&args),
        Task::Dist => dist::run(),
        Task::Editor(args) => web::editor(&args),
        Task::Faults(args) => faults::run(&args),
        Task::Fuzz(args) => fuzz::run(&args),
        Task::Measure(program) => bench::measure(&program),
        Task::Operations(args) => operations::run(&args),
        Task::Schema(args) => schema::run(&args),
        Task::Schemathesis(args) => schemathesis::run(&args),
        Task::Semver(args) => semver::run(&args),
        Task::Setup => setup::run(),
        Task::Test(args) => test::run(&args),
        Task::Wasm => npm::build(),
        Task::Web => web::build(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
