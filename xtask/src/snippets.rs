//! Runs the core's snippets with the real packages, in `tests/snippets/run.py`.

use anyhow::Result;

use crate::{
    process::{self, cargo, command},
    reference, workspace,
};

/// Runs the snippets in the environment of the reference implementations.
pub(crate) fn check() -> Result<()> {
    let python = reference::python()?;
    process::run(cargo().args(["build", "--quiet", "--package", "runai-wasm", "--example", "answers"]))?;
    let target_dir = workspace::target_dir()?;
    let mut run = command(python);
    run.env("ZENML_CONFIG_PATH", target_dir.join("snippets"));
    process::run(run.args(["-B", "tests/snippets/run.py"]).arg(target_dir.join("debug/examples/answers")))
}
