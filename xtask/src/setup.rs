//! Dependencies of the tasks. Tasks install them on demand; `cargo xtask setup` installs all.

use anyhow::{Context, Result, bail};

use crate::{
    debian, operations,
    process::{self, command},
    reference,
    wasm::Toolchain,
};

struct Dependency {
    name: &'static str,
    /// Installs the dependency if needed, and describes it.
    install: fn() -> Result<String>,
}

const DEPENDENCIES: [Dependency; 11] = [
    Dependency { name: "rustfmt", install: || process::output(process::cargo().args(["fmt", "--version"])) },
    Dependency { name: "clippy", install: || process::output(process::cargo().args(["clippy", "--version"])) },
    Dependency { name: "git", install: || process::output(command("git").arg("--version")) },
    Dependency { name: "python3", install: python },
    Dependency { name: "shells", install: shells },
    Dependency { name: "neovim", install: neovim },
    Dependency { name: "reference", install: || reference::python().map(|_| reference::REFERENCE.packages.join(", ")) },
    Dependency { name: "SDK", install: || operations::SDK.python().map(|_| operations::SDK.packages.join(", ")) },
    Dependency { name: "node", install: node },
    Dependency { name: "wasm32 std", install: || Toolchain::find_or_build().map(|toolchain| toolchain.describe()) },
    Dependency { name: "wasm32 clippy", install: wasm_clippy },
];

/// Installs every dependency, in order.
pub(crate) fn run() -> Result<()> {
    for Dependency { name, install } in &DEPENDENCIES {
        let description = install().with_context(|| format!("missing dependency {name}"))?;
        println!("{name:<13}  {description}");
    }
    Ok(())
}

/// Returns the version of Python, which runs the examples.
pub(crate) fn python() -> Result<String> {
    process::output(command("python3").arg("--version"))
        .context("cannot run `python3`: install Python 3 (on Debian: `apt-get install python3`)")
}

/// Returns the version of Node, which the package, the page and the language servers need together with npm.
pub(crate) fn node() -> Result<String> {
    let versions = || -> Result<String> {
        let node = process::output(command("node").arg("--version"))?;
        process::output(command("npm").arg("--version"))?;
        Ok(node)
    };
    if versions().is_err() && debian::may_install() {
        debian::install(&["nodejs", "npm"])?;
    }
    let version =
        versions().context("cannot run Node or npm: install them (on Debian: `apt-get install nodejs npm`)")?;
    let major = version.trim_start_matches('v').split('.').next().and_then(|major| major.parse::<u32>().ok());
    if major.is_none_or(|major| major < MIN_NODE) {
        bail!("Node {version} is too old: install version {MIN_NODE} or later");
    }
    Ok(version)
}

const MIN_NODE: u32 = 20;

/// Returns the shells for testing completions. Missing shells are skipped.
pub(crate) fn shells() -> Result<String> {
    let missing = || -> Vec<&str> {
        SHELLS.into_iter().filter(|shell| process::output(command(shell).arg("--version")).is_err()).collect()
    };
    let to_install = missing();
    if !to_install.is_empty() && debian::may_install() {
        debian::install(&to_install)?;
    }
    let missing = missing();
    let installed: Vec<&str> = SHELLS.into_iter().filter(|shell| !missing.contains(shell)).collect();
    let without = if missing.is_empty() { String::new() } else { format!(", without {}", missing.join(", ")) };
    Ok(format!("{}{without}", installed.join(", ")))
}

const SHELLS: [&str; 3] = ["bash", "fish", "zsh"];

/// Installs Neovim, whose LSP client tests the language server. Without it that test is skipped.
pub(crate) fn neovim() -> Result<String> {
    let version = || process::output(command("nvim").arg("--version"));
    if version().is_err() && debian::may_install() {
        debian::install(&["neovim"])?;
    }
    let first = |text: String| text.lines().next().unwrap_or_default().to_owned();
    Ok(version().map_or_else(|_| "missing: its test is skipped".to_owned(), first))
}

fn wasm_clippy() -> Result<String> {
    let clippy = Toolchain::find_or_build()?.clippy();
    Ok(if clippy.is_some() { "same toolchain" } else { "missing: lints are skipped" }.to_owned())
}
