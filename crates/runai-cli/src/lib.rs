//! `runai-step`: check, render and run steps of machine-learning pipelines on NVIDIA Run:ai.
//!
//! The program as a library: [`main`] parses the arguments, calls the crates below, and prints. Results go to stdout,
//! diagnostics and progress to stderr; the exit codes are listed in `docs/cli.md`. Only the binary `runai-step` and the
//! Python extension call it; it promises no other API.
//!
//! ```no_run
//! fn main() -> std::process::ExitCode {
//!     runai_cli::main()
//! }
//! ```

mod args;
mod commands;
mod config;
mod exit;
mod failure;
mod interrupts;
mod output;
mod progress;
mod runtime;
#[doc(hidden)]
pub mod testing;
mod tracking;

use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use clap::Parser as _;

use crate::args::{Args, Command};
use crate::commands::{
    check, describe, doctor, editor, explain, init, launch, lifecycle, lsp, permissions, receipts, render, schema,
    simulate, snapshot, status, wait,
};
use crate::exit::Exit;
use crate::failure::Failure;

/// Runs the program with the arguments of this process.
#[must_use]
pub fn main() -> ExitCode {
    main_from(std::env::args_os())
}

/// Runs the program with `args`, the first of which is the program's name, and returns its exit code.
///
/// Uses the process's standard streams, environment variables, working directory and signals.
#[must_use]
pub fn main_from(args: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> ExitCode {
    let Args { command, verbosity } = match Args::try_parse_from(args) {
        Ok(args) => args,
        Err(error) => {
            // Help and version are results; everything else is invalid usage.
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Success };
            let _ = error.print();
            return exit.into();
        }
    };
    output::log::start(&verbosity);
    let done = catch_unwind(AssertUnwindSafe(|| dispatch(command)));
    let done = done.unwrap_or_else(|panic| Err(Failure::internal(&tracking::panic_message(&*panic))));
    done.unwrap_or_else(|failure| failure.report()).into()
}

fn dispatch(command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Cancel(args) => lifecycle::cancel(&args),
        Command::Check(args) => Ok(check::check(&args)),
        Command::Completions(args) => Ok(describe::completions(&args)),
        Command::Config(args) => commands::config::print(&args),
        Command::Delete(args) => lifecycle::delete(&args),
        Command::Doctor(args) => doctor::doctor(&args),
        Command::Editor(args) => editor::editor(&args),
        Command::Events(args) => status::events(&args),
        Command::Explain(args) => Ok(explain::explain(&args)),
        Command::Init(args) => init::init(&args),
        Command::List(args) => status::list(&args),
        Command::Lsp(args) => Ok(lsp::lsp(&args)),
        Command::Man(args) => describe::man(&args),
        Command::Permissions(args) => permissions::print(&args),
        Command::Receipts(args) => receipts::receipts(&args),
        Command::Render(args) => render::render(&args),
        Command::Resume(args) => lifecycle::resume(&args),
        Command::Run(args) => launch::run(&args),
        Command::Schema(args) => Ok(schema::schema(&args)),
        Command::Simulate(args) => Ok(simulate::simulate(&args)),
        Command::Snapshot(args) => snapshot::snapshot(&args),
        Command::Status(args) => status::status(&args),
        Command::Submit(args) => launch::submit(&args),
        Command::Wait(args) => wait::wait(&args),
    }
}

/// The example of the README is a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
