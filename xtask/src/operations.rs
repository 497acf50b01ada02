//! `cargo xtask operations`: generates the table of API operations that the client's tests send.
//!
//! `tests/operations/list.py` extracts the operations from the sources of the official SDK, because NVIDIA's API
//! description is not part of this repository.

use std::fs;

use anyhow::{Context, Result, bail};

use crate::{
    process::{self, command},
    reference::Environment,
    workspace,
};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Fail if the file is out of date; write nothing
    #[arg(long)]
    check: bool,
}

/// The Python environment with the SDK, whose sources are read but not executed.
pub(crate) const SDK: Environment = Environment { folder: "operations", packages: &["runapy==1.224.0"] };

const FILE: &str = "crates/runai-client/tests/it/operations.tsv";

const HEADER: &str = "# Operations of the Run:ai API: method, path, query names, and how a body is encoded.\n\
                      # Written by `cargo xtask operations` from the sources of runapy 1.224.0.\n";

/// Writes the table, or with `--check` fails if it is out of date.
pub(crate) fn run(args: &Args) -> Result<()> {
    let python = SDK.python()?;
    let lines = process::output(command(python).args(["-B", "tests/operations/list.py"]))?;
    let text = format!("{HEADER}{lines}\n");
    let path = workspace::root().join(FILE);
    // Git may convert line endings on checkout.
    let found = fs::read_to_string(&path).map(|found| found.replace("\r\n", "\n"));
    if found.is_ok_and(|found| found == text) {
        return Ok(());
    }
    if args.check {
        bail!("`{FILE}` is out of date: run `cargo xtask operations`");
    }
    fs::write(&path, text).with_context(|| format!("cannot write `{FILE}`"))?;
    println!("wrote {FILE}");
    Ok(())
}

/// Fails if the table is out of date.
pub(crate) fn check() -> Result<()> {
    run(&Args { check: true })
}
