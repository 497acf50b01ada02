//! `cargo xtask schemathesis OPENAPI`: the simulator held against the API's own description by schemathesis.
//!
//! The description is NVIDIA's and is not part of this repository. Not a step of the tests for that reason.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::{
    peers::{self, Environment},
    process::{self, command},
};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The API's description for control plane 2.24, as JSON
    openapi: PathBuf,

    /// How long to go on
    #[arg(long, default_value_t = 300)]
    seconds: u32,

    /// Seed of the generated requests
    #[arg(long, default_value_t = 7)]
    seed: u32,

    /// Phases of schemathesis, all when not given
    #[arg(long, value_name = "PHASES")]
    only: Option<String>,
}

const ENVIRONMENT: Environment = Environment { folder: "schemathesis", packages: &["schemathesis==4.32.5"] };

/// Ask for a while, and fail if an answer is not as described.
pub(crate) fn run(args: &Args) -> Result<()> {
    if !args.openapi.is_file() {
        bail!("`{}` is no file; the description comes with Run:ai's documentation", args.openapi.display());
    }
    let openapi = args.openapi.canonicalize().with_context(|| format!("cannot find `{}`", args.openapi.display()))?;
    let python = ENVIRONMENT.python()?;
    let mut ask = command(python);
    ask.args(["-B", "tests/openapi/run.py"]).arg(openapi).env("RUNAI_STEP", peers::program()?);
    ask.args(["--seconds", &args.seconds.to_string(), "--seed", &args.seed.to_string()]);
    ask.args(args.only.iter().flat_map(|phases| ["--only", phases]));
    process::run(&mut ask)
}
