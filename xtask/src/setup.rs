//! What the chores need on a machine. Each need is met lazily by the step that has it; `cargo xtask setup` meets all.

use anyhow::{Context, Result, bail};

use crate::{
    debian, operations, peers,
    process::{self, command},
    wasm::Toolchain,
};

struct Need {
    name: &'static str,
    /// Meet the need and say how it is met.
    meet: fn() -> Result<String>,
}

const NEEDS: [Need; 11] = [
    Need { name: "rustfmt", meet: || process::output(process::cargo().args(["fmt", "--version"])) },
    Need { name: "clippy", meet: || process::output(process::cargo().args(["clippy", "--version"])) },
    Need { name: "git", meet: || process::output(command("git").arg("--version")) },
    Need { name: "python3", meet: python },
    Need { name: "shells", meet: shells },
    Need { name: "neovim", meet: neovim },
    Need { name: "peers", meet: || peers::python().map(|_| peers::PEERS.packages.join(", ")) },
    Need { name: "SDK", meet: || operations::SDK.python().map(|_| operations::SDK.packages.join(", ")) },
    Need { name: "node", meet: node },
    Need { name: "wasm32 std", meet: || Toolchain::find_or_build().map(|toolchain| toolchain.describe()) },
    Need { name: "wasm32 clippy", meet: wasm_clippy },
];

/// Meet every need, in order.
pub(crate) fn run() -> Result<()> {
    for Need { name, meet } in &NEEDS {
        let how = meet().with_context(|| format!("this machine has no usable {name}"))?;
        println!("{name:<13}  {how}");
    }
    Ok(())
}

/// The examples train in plain Python, without packages.
pub(crate) fn python() -> Result<String> {
    process::output(command("python3").arg("--version"))
        .context("the examples call `python3`: install Python 3 (on Debian: `apt-get install python3`)")
}

/// Node with npm, for the package, the page and the editors' servers.
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
        versions().context("this needs Node and npm: install them (on Debian: `apt-get install nodejs npm`)")?;
    let major = version.trim_start_matches('v').split('.').next().and_then(|major| major.parse::<u32>().ok());
    if major.is_none_or(|major| major < OLDEST_NODE) {
        bail!("this needs Node {OLDEST_NODE} or later, and finds {version}");
    }
    Ok(version)
}

const OLDEST_NODE: u32 = 20;

/// The shells that completions are tried in. Those that a machine does not have are left out: nothing else needs them.
pub(crate) fn shells() -> Result<String> {
    let missing = || -> Vec<&str> {
        SHELLS.into_iter().filter(|shell| process::output(command(shell).arg("--version")).is_err()).collect()
    };
    let wanted = missing();
    if !wanted.is_empty() && debian::may_install() {
        debian::install(&wanted)?;
    }
    let missing = missing();
    let there: Vec<&str> = SHELLS.into_iter().filter(|shell| !missing.contains(shell)).collect();
    let without = if missing.is_empty() { String::new() } else { format!(", without {}", missing.join(", ")) };
    Ok(format!("{}{without}", there.join(", ")))
}

const SHELLS: [&str; 3] = ["bash", "fish", "zsh"];

/// The editor whose client the language server is tried with. A machine without it leaves the test out.
pub(crate) fn neovim() -> Result<String> {
    let version = || process::output(command("nvim").arg("--version"));
    if version().is_err() && debian::may_install() {
        debian::install(&["neovim"])?;
    }
    let first = |text: String| text.lines().next().unwrap_or_default().to_owned();
    Ok(version().map_or_else(|_| "none: its test is skipped".to_owned(), first))
}

fn wasm_clippy() -> Result<String> {
    let clippy = Toolchain::find_or_build()?.clippy();
    Ok(if clippy.is_some() { "of the same toolchain" } else { "none: its lints are skipped" }.to_owned())
}
