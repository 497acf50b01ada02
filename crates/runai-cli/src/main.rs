//! `runai-step`: check, render and run steps of machine-learning pipelines on NVIDIA Run:ai.
//!
//! Words in, words out: every command reads its arguments, calls the crates below, and prints. Results go to standard
//! output, words about them to standard error, and the exit code says how it went ([`exit::Exit`]).

mod args;
mod check;
mod config;
mod exit;
mod explain;
mod input;
mod output;
mod render;
mod run;
mod schema;
mod simulate;
mod sources;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Args, Command};
use crate::exit::Exit;

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            // Help and version are results; everything else is a mistake in the words.
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Success };
            let _ = error.print();
            return exit.into();
        }
    };
    let exit = match args.command {
        Command::Check(args) => check::check(&args),
        Command::Explain(args) => explain::explain(&args),
        Command::Render(args) => render::render(&args),
        Command::Run(args) => run::run(&args),
        Command::Schema(args) => schema::schema(&args),
        Command::Simulate(args) => simulate::simulate(&args),
    };
    exit.into()
}
