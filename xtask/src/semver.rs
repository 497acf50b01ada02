//! Whether the public API of the published crates changed as their versions say.

use anyhow::{Result, bail};

use crate::process::{self, cargo, command};

/// The libraries that are published.
const CRATES: [&str; 5] = ["runai-syntax", "runai-api", "runai-spec", "runai-client", "runai-sim"];

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Compare with this revision instead of the newest tag
    #[arg(long, value_name = "REVISION")]
    baseline: Option<String>,
}

/// Runs `cargo semver-checks` for each published library.
pub(crate) fn run(args: &Args) -> Result<()> {
    if process::output(cargo().args(["semver-checks", "--version"])).is_err() {
        bail!("`cargo semver-checks` is not installed\nhint: run `cargo install cargo-semver-checks --locked`");
    }
    let newest_tag = || process::output(command("git").args(["describe", "--tags", "--abbrev=0"])).ok();
    let Some(baseline) = args.baseline.clone().or_else(newest_tag) else {
        bail!("there is no release to compare with\nhint: name a revision, such as `--baseline HEAD~10`");
    };
    for name in CRATES {
        process::run(cargo().args(["semver-checks", "--package", name, "--baseline-rev", baseline.trim()]))?;
    }
    Ok(())
}
