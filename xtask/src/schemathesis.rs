//! `cargo xtask schemathesis OPENAPI`: tests the simulator against the API description with schemathesis.
//!
//! NVIDIA's description is not part of this repository, so this is not a test step.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::{
    process::{self, command},
    reference::{self, Environment},
};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The API description for control plane 2.24, as JSON
    openapi: PathBuf,

    /// Duration in seconds
    #[arg(long, default_value_t = 300)]
    seconds: u32,

    /// Seed of the generated requests
    #[arg(long, default_value_t = 7)]
    seed: u32,

    /// Phases of schemathesis; all by default
    #[arg(long, value_name = "PHASES")]
    only: Option<String>,
}

const ENVIRONMENT: Environment = Environment { folder: "schemathesis", packages: &["schemathesis==4.32.5"] };

/// Sends requests and fails if a response does not match the description.
pub(crate) fn run(args: &Args) -> Result<()> {
    if !args.openapi.is_file() {
        bail!("`{}` is not a file; the description is part of Run:ai's documentation", args.openapi.display());
    }
    let openapi = args.openapi.canonicalize().with_context(|| format!("cannot find `{}`", args.openapi.display()))?;
    let python = ENVIRONMENT.python()?;
    let mut test = command(python);
    test.args(["-B", "tests/openapi/run.py"]).arg(openapi).env("RUNAI_STEP", reference::program()?);
    test.args(["--seconds", &args.seconds.to_string(), "--seed", &args.seed.to_string()]);
    test.args(args.only.iter().flat_map(|phases| ["--only", phases]));
    process::run(&mut test)
}
