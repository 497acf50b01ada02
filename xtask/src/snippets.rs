//! The snippets of the core, run with the real packages: `tests/snippets/run.py` does it, this makes what it needs.

use anyhow::Result;

use crate::{
    peers,
    process::{self, cargo, command},
    workspace,
};

/// Make the peers' environment if it is not there, and run the snippets in it.
pub(crate) fn check() -> Result<()> {
    let python = peers::python()?;
    process::run(cargo().args(["build", "--quiet", "--package", "runai-wasm", "--example", "answers"]))?;
    let target_dir = workspace::target_dir()?;
    let mut run = command(python);
    run.env("ZENML_CONFIG_PATH", target_dir.join("snippets"));
    process::run(run.args(["-B", "tests/snippets/run.py"]).arg(target_dir.join("debug/examples/answers")))
}
