//! Tests the schemas in editors' language servers: `tests/ide`.

use anyhow::Result;

use crate::{
    process::{self, cargo, command},
    setup, workspace,
};

/// Installs the language servers if they are missing, and runs the tests.
pub(crate) fn test() -> Result<()> {
    setup::node()?;
    let folder = workspace::root().join("tests/ide");
    if !folder.join("node_modules/yaml-language-server").exists() {
        println!("note: installing the language servers of tests/ide/package.json from npm");
        process::run(command("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(&folder))?;
    }
    let cases = workspace::target_dir()?.join("schema-cases.ndjson");
    process::run(
        cargo()
            .args(["test", "--quiet", "--package", "runai-spec", "--test", "it", "--", "--ignored", "write_cases"])
            .env("RUNAI_STEP_CASES", &cases),
    )?;
    process::run(command("node").arg("--test").env("RUNAI_STEP_CASES", &cases).current_dir(&folder))
}
