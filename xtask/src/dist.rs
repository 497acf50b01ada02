//! `cargo xtask dist`: builds the program with the embedded editor page, manual pages and completions.

use std::{env, fs, path::PathBuf};

use anyhow::{Context, Result};

use crate::{
    process::{self, cargo, command},
    web, workspace,
};

const SHELLS: [(&str, &str); 3] = [("bash", "runai-step.bash"), ("fish", "runai-step.fish"), ("zsh", "_runai-step")];

/// Builds everything into `dist` in the target folder.
pub(crate) fn run() -> Result<()> {
    web::build()?;
    process::run(cargo().args(["build", "--release", "--package", "runai-cli", "--features", "editor"]))?;
    let target = workspace::target_dir()?;
    let name = PathBuf::from("runai-step").with_extension(env::consts::EXE_EXTENSION);
    let dist = target.join("dist");
    workspace::remove_folder(&dist)?;
    let completions = dist.join("completions");
    fs::create_dir_all(&completions).with_context(|| format!("cannot create `{}`", completions.display()))?;
    let program = dist.join(&name);
    fs::copy(target.join("release").join(&name), &program)
        .with_context(|| format!("cannot write `{}`", program.display()))?;
    process::run(command(&program).arg("man").arg(dist.join("man")))?;
    for (shell, file) in SHELLS {
        let script = process::output(command(&program).args(["completions", shell]))?;
        fs::write(completions.join(file), script + "\n")?;
    }
    println!("built the program, manual pages and completions in {}", dist.display());
    Ok(())
}
