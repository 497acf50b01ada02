//! `runai-step`: check, render and run steps of machine-learning pipelines on NVIDIA Run:ai.

use std::process::ExitCode;

fn main() -> ExitCode {
    runai_cli::main()
}
