//! `cargo xtask conformance`: compares the core with ZenML and runapy. This creates the Python environment and runs
//! `tests/conformance`.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Result;

use crate::{
    process::{self, cargo},
    reference, workspace,
};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Seed of the generated documents: a number, or `fresh` for a new one
    #[arg(long, default_value = "7", value_parser = seed)]
    seed: u64,

    /// Documents to generate
    #[arg(long, default_value_t = 6000)]
    cases: usize,

    /// ZenML run configurations to generate
    #[arg(long, default_value_t = 4000)]
    runs: usize,
}

impl Default for Args {
    /// The fixed arguments of the tests.
    fn default() -> Self {
        Self { seed: 7, cases: 6000, runs: 500 }
    }
}

fn seed(text: &str) -> Result<u64, String> {
    if text != "fresh" {
        return text.parse().map_err(|_| "expected a number or `fresh`".to_owned());
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|error| error.to_string())?;
    Ok(now.as_secs())
}

/// Compares the implementations. Failing cases are stored in the target folder.
pub(crate) fn run(args: &Args) -> Result<()> {
    let python = reference::python()?;
    let mut compare = cargo();
    compare.args(["run", "--quiet", "--package", "conformance", "--", "--python"]).arg(python);
    compare.arg("--scratch").arg(workspace::target_dir()?.join("conformance"));
    compare.args(["--seed".to_owned(), args.seed.to_string(), "--cases".to_owned(), args.cases.to_string()]);
    compare.args(["--runs".to_owned(), args.runs.to_string()]);
    process::run(&mut compare)
}
