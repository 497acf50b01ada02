//! `cargo xtask schema`: writes what `runai-spec` makes of its declarations into `schemas/`, and the page of all settings.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result, bail};

use crate::workspace;

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
    for (path, text) in generated()? {
        if fs::read_to_string(&path).is_ok_and(|found| found == text) {
            continue;
        }
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        println!("wrote {}", path.display());
    }
    Ok(())
}

/// Fail if a generated file was edited by hand, or the declarations were and nobody ran the chore.
pub(crate) fn check() -> Result<()> {
    let mut stale = Vec::new();
    for (path, text) in generated()? {
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

fn generated() -> Result<Vec<(PathBuf, String)>> {
    let root = workspace::root();
    let mut files = Vec::new();
    for name in runai_spec::schema::NAMES {
        let text = runai_spec::schema::text(name).with_context(|| format!("there is no schema `{name}`"))?;
        files.push((root.join(format!("schemas/{name}.schema.json")), text));
    }
    files.push((root.join("docs/settings.md"), runai_spec::schema::reference()));
    Ok(files)
}
