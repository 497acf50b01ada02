//! Builds the pure core for `wasm32-unknown-unknown`. `npm` packages it.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Result, anyhow, bail};

use crate::{
    debian,
    process::{self, cargo},
    workspace,
};

pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

/// Crates that must compile for wasm32.
const PACKAGES: [&str; 5] = ["runai-syntax", "runai-api", "runai-spec", "runai-ide", "runai-wasm"];

/// Runs clippy on the pure core for wasm32, if the toolchain has clippy.
pub(crate) fn lint() -> Result<()> {
    let toolchain = Toolchain::find_or_build()?;
    let Some(mut clippy) = toolchain.clippy() else {
        println!("note: skipping clippy for {TARGET}");
        return Ok(());
    };
    process::run(for_core(clippy.args(["clippy", "--profile", "wasm"]))?)
}

/// A Rust toolchain with a std for wasm32.
pub(crate) enum Toolchain {
    /// The toolchain that runs this program.
    Active,
    /// Debian's compiler with a std built from Debian's sources.
    Private(debian::Toolchain),
}

impl Toolchain {
    /// Returns the active toolchain if it has the target, else a private one, which is built if missing.
    ///
    /// Toolchains are installed only with the system's package manager, never with rustup.
    pub(crate) fn find_or_build() -> Result<Self> {
        if active_toolchain_has_target() {
            return Ok(Self::Active);
        }
        let target_dir = workspace::target_dir()?;
        let home = target_dir.join("wasm-toolchain");
        if let Some(toolchain) = debian::Toolchain::built_before(&home) {
            return Ok(Self::Private(toolchain));
        }
        if !debian::can_build() {
            bail!(
                "the active Rust toolchain has no std for {TARGET}\nhint: run `rustup target add {TARGET}` (as root \
                 on Debian, this program can build one)"
            );
        }
        // Cargo does not detect a changed std of the same compiler.
        workspace::remove_folder(&target_dir.join(TARGET_DIR))?;
        debian::Toolchain::build(&home).map(Self::Private)
    }

    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Active => "active".to_owned(),
            Self::Private(toolchain) => toolchain.describe(),
        }
    }

    /// Returns a command that uses this toolchain's compiler.
    pub(crate) fn command(&self, program: &str) -> Command {
        match self {
            Self::Active => process::command(program),
            Self::Private(toolchain) => toolchain.command(program),
        }
    }

    /// Returns the command that replaces cargo in `cargo clippy`; `None` if the toolchain has no clippy.
    pub(crate) fn clippy(&self) -> Option<Command> {
        match self {
            Self::Active => process::output(cargo().args(["clippy", "--version"])).is_ok().then(cargo),
            Self::Private(toolchain) => toolchain.clippy(),
        }
    }
}

/// Asks the compiler for its target libraries; works offline and for any kind of toolchain.
fn active_toolchain_has_target() -> bool {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let arguments = ["--print", "target-libdir", "--target", TARGET];
    process::output(process::command(rustc).args(arguments)).is_ok_and(|folder| contains_std(Path::new(&folder)))
}

fn contains_std(folder: &Path) -> bool {
    rlibs(folder).is_ok_and(|libraries| libraries.iter().any(|(name, _)| name.starts_with("libstd-")))
}

/// Returns the names and paths of the Rust libraries in a folder.
pub(crate) fn rlibs(folder: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let mut libraries = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "rlib")
            && let Some(name) = path.file_name().and_then(|name| name.to_str())
        {
            libraries.push((name.to_owned(), path));
        }
    }
    Ok(libraries)
}

/// Folder of wasm32 builds inside the target folder; separate because the compiler may differ.
const TARGET_DIR: &str = "wasm";

/// Keeps the section from which wasm-bindgen reads the target's features.
const KEEP_SECTION: &str = "-Clink-arg=--keep-section=target_features";

/// Makes a cargo command build the pure core for wasm32.
fn for_core(command: &mut Command) -> Result<&mut Command> {
    in_wasm_folder(command)?.args(["--locked", "--target", TARGET]);
    Ok(command.args(PACKAGES.iter().flat_map(|package| ["--package", package])))
}

/// Makes a command build into the wasm32 folder, reproducibly regardless of its path.
pub(crate) fn in_wasm_folder(command: &mut Command) -> Result<&mut Command> {
    let root = workspace::root();
    let target_dir = workspace::target_dir()?.join(TARGET_DIR);
    let registry = cargo_home()?.join("registry").join("src");
    // The last match applies, and the target folder may be inside the root.
    let remaps = [(&*root, "/src"), (&*registry, "/crates"), (&*target_dir, "/target")]
        .map(|(folder, name)| format!("--remap-path-prefix={}={name}", folder.display()));
    let flags = [&remaps.join("\x1f"), KEEP_SECTION].join("\x1f");
    Ok(command.env("CARGO_ENCODED_RUSTFLAGS", flags).env("CARGO_TARGET_DIR", target_dir))
}

fn cargo_home() -> Result<PathBuf> {
    env::var_os("CARGO_HOME")
        .map(Into::into)
        .or_else(|| Some(env::home_dir()?.join(".cargo")))
        .ok_or_else(|| anyhow!("neither `CARGO_HOME` nor the home folder is set"))
}
