//! `cargo xtask schema`: writes down what `runai-spec` declares, and what it makes of that: `schemas/`, the pages of all
//! settings and rules, and the tables for those who come from ZenML.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result, bail};

use crate::{
    migration,
    process::{self, cargo},
    workspace,
};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Write nothing, and fail if a file is not what it should be
    #[arg(long)]
    check: bool,
}

/// Write the files, or see whether they are up to date.
pub(crate) fn run(args: &Args) -> Result<()> {
    if args.check {
        return check();
    }
    if write(declarations())? {
        // Everything else is made from them, by a program that they are part of.
        return process::run(cargo().args(["run", "--quiet", "--package", "xtask", "--", "schema"]));
    }
    write(generated()?)?;
    Ok(())
}

/// Write what is out of date. The result is whether there was any.
fn write(files: Vec<(PathBuf, String)>) -> Result<bool> {
    let mut wrote = false;
    for (path, text) in files {
        if fs::read_to_string(&path).is_ok_and(|found| found == text) {
            continue;
        }
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        println!("wrote {}", path.display());
        wrote = true;
    }
    Ok(wrote)
}

/// Fail if a generated file was edited by hand, or the declarations were and nobody ran the chore.
pub(crate) fn check() -> Result<()> {
    let mut stale = Vec::new();
    for (path, text) in declarations().into_iter().chain(generated()?) {
        // A checkout may have given the file other line ends.
        if fs::read_to_string(&path).map(|found| found.replace("\r\n", "\n")).ok().as_ref() != Some(&text) {
            stale.push(path.strip_prefix(workspace::root()).unwrap_or(&path).display().to_string());
        }
    }
    if !stale.is_empty() {
        bail!("{} is not what the declarations make: run `cargo xtask schema`", stale.join(", "));
    }
    Ok(())
}

fn declarations() -> Vec<(PathBuf, String)> {
    let folder = workspace::root().join("crates/runai-spec/src/declared");
    runai_spec::schema::declarations().map(|(name, text)| (folder.join(name), text)).collect()
}

fn generated() -> Result<Vec<(PathBuf, String)>> {
    let root = workspace::root();
    let mut files = Vec::new();
    for name in runai_spec::schema::NAMES {
        let text = runai_spec::schema::text(name).with_context(|| format!("there is no schema `{name}`"))?;
        files.push((root.join(format!("schemas/{name}.schema.json")), text));
    }
    let migration = root.join("docs/migration.md");
    let text = fs::read_to_string(&migration).with_context(|| format!("cannot read {}", migration.display()))?;
    files.push((migration, migration::page(&text.replace("\r\n", "\n"))?));
    files.push((root.join("docs/rules.md"), runai_spec::rules::reference()));
    files.push((root.join("docs/settings.md"), runai_spec::schema::reference()));
    Ok(files)
}
