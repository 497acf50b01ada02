//! `cargo xtask operations`: writes the table of the API's operations, which the client's tests send.
//!
//! They come from the sources of the official SDK (`tests/operations/list.py` reads them). The API's description
//! is NVIDIA's and is not part of this repository.

use std::fs;

use anyhow::{Context, Result, bail};

use crate::{
    peers::Environment,
    process::{self, command},
    workspace,
};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Check that the file is up to date, and write nothing
    #[arg(long)]
    check: bool,
}

/// The SDK alone: its sources are read, nothing of it runs.
pub(crate) const SDK: Environment = Environment { folder: "operations", packages: &["runapy==1.224.0"] };

const FILE: &str = "crates/runai-client/tests/it/operations.tsv";

const HEADER: &str = "# Operations of the Run:ai API: method, path, query names, and how a body is encoded.\n\
                      # Written by `cargo xtask operations` from the sources of runapy 1.224.0.\n";

/// Write the file, or check that it is up to date.
pub(crate) fn run(args: &Args) -> Result<()> {
    let python = SDK.python()?;
    let lines = process::output(command(python).args(["-B", "tests/operations/list.py"]))?;
    let text = format!("{HEADER}{lines}\n");
    let path = workspace::root().join(FILE);
    // A checkout may have given the file other line ends.
    let found = fs::read_to_string(&path).map(|found| found.replace("\r\n", "\n"));
    if found.is_ok_and(|found| found == text) {
        return Ok(());
    }
    if args.check {
        bail!("{FILE} is not what the SDK says: run `cargo xtask operations`");
    }
    fs::write(&path, text).with_context(|| format!("cannot write {FILE}"))?;
    println!("wrote {FILE}");
    Ok(())
}

/// Fail if the file was edited by hand.
pub(crate) fn check() -> Result<()> {
    run(&Args { check: true })
}
