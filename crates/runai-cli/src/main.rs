//! `runai-step`: check, render and run steps of machine-learning pipelines on NVIDIA Run:ai.
//!
//! Words in, words out: every command reads its arguments, calls the crates below, and prints. Results go to standard
//! output, words about them to standard error, and the exit code says how it went ([`exit::Exit`]).

mod act;
mod args;
mod board;
mod check;
mod config;
mod connect;
mod describe;
mod doctor;
mod editor;
mod exit;
mod explain;
mod failure;
mod flight;
mod follow;
mod init;
mod input;
mod launch;
mod log;
mod output;
mod permissions;
mod render;
mod runtime;
mod schema;
mod settings;
mod signals;
mod simulate;
mod sources;
mod status;
mod steps;
mod time;
mod wait;
mod workloads;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Args, Command};
use crate::exit::Exit;
use crate::failure::Failure;

fn main() -> ExitCode {
    let Args { command, talk } = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            // Help and version are results; everything else is a mistake in the words.
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Success };
            let _ = error.print();
            return exit.into();
        }
    };
    log::start(&talk);
    let done = match command {
        Command::Cancel(args) => act::cancel(&args),
        Command::Check(args) => Ok(check::check(&args)),
        Command::Completions(args) => Ok(describe::completions(&args)),
        Command::Config(args) => settings::print(&args),
        Command::Delete(args) => act::delete(&args),
        Command::Doctor(args) => doctor::doctor(&args),
        Command::Editor(args) => editor::editor(&args),
        Command::Events(args) => status::events(&args),
        Command::Explain(args) => Ok(explain::explain(&args)),
        Command::Init(args) => init::init(&args),
        Command::List(args) => status::list(&args),
        Command::Man(args) => describe::man(&args),
        Command::Permissions(args) => permissions::print(&args),
        Command::Render(args) => render::render(&args),
        Command::Resume(args) => act::resume(&args),
        Command::Run(args) => launch::run(&args),
        Command::Schema(args) => Ok(schema::schema(&args)),
        Command::Simulate(args) => Ok(simulate::simulate(&args)),
        Command::Status(args) => status::status(&args),
        Command::Submit(args) => launch::submit(&args),
        Command::Wait(args) => wait::wait(&args),
    };
    done.unwrap_or_else(|failure: Failure| failure.tell()).into()
}
