//! The pure core for `wasm32-unknown-unknown`: which toolchain builds it, and how. `npm` packs it.

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

/// What must compile for wasm32.
const PACKAGES: [&str; 5] = ["runai-syntax", "runai-api", "runai-spec", "runai-ide", "runai-wasm"];

/// Run clippy over the pure core as it is compiled for wasm32, where there is a clippy for the toolchain.
pub(crate) fn lint() -> Result<()> {
    let toolchain = Toolchain::find_or_build()?;
    let Some(mut clippy) = toolchain.clippy() else {
        println!("note: clippy for {TARGET} is skipped");
        return Ok(());
    };
    process::run(with_core(clippy.args(["clippy", "--profile", "wasm"]))?)
}

/// A Rust toolchain with a std for wasm32.
pub(crate) enum Toolchain {
    /// The one that runs this program.
    Active,
    /// Debian's compiler with a std that was built from Debian's sources.
    Private(debian::Toolchain),
}

impl Toolchain {
    /// The active toolchain, else a private one that was built before, else a private one built now.
    ///
    /// No toolchain is ever downloaded past the system's package manager: rustup is the user's to command.
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
                "the active Rust toolchain has no std for {TARGET}\nhint: run `rustup target add {TARGET}` (only as \
                 root on Debian this program can build one itself)"
            );
        }
        // Cargo would not notice that the std has changed under the same compiler.
        workspace::remove_folder(&target_dir.join(TARGET_DIR))?;
        debian::Toolchain::build(&home).map(Self::Private)
    }

    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Active => "the active one".to_owned(),
            Self::Private(toolchain) => toolchain.describe(),
        }
    }

    /// A program that will call the compiler of this toolchain, in its environment.
    pub(crate) fn command(&self, program: &str) -> Command {
        match self {
            Self::Active => process::command(program),
            Self::Private(toolchain) => toolchain.command(program),
        }
    }

    /// What takes the place of cargo for `cargo clippy`; nothing where this toolchain has no clippy.
    pub(crate) fn clippy(&self) -> Option<Command> {
        match self {
            Self::Active => process::output(cargo().args(["clippy", "--version"])).is_ok().then(cargo),
            Self::Private(toolchain) => toolchain.clippy(),
        }
    }
}

/// Asks the compiler, and no network: true for rustup's, a distribution's and a hand-made toolchain alike.
fn active_toolchain_has_target() -> bool {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let question = ["--print", "target-libdir", "--target", TARGET];
    process::output(process::command(rustc).args(question)).is_ok_and(|folder| holds_std(Path::new(&folder)))
}

fn holds_std(folder: &Path) -> bool {
    rlibs(folder).is_ok_and(|libraries| libraries.iter().any(|(name, _)| name.starts_with("libstd-")))
}

/// The names and paths of a folder's Rust libraries.
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

/// The builds for wasm32 inside the target folder, apart from all others: they may come from another compiler.
const TARGET_DIR: &str = "wasm";

/// Stripping would remove the section from which wasm-bindgen knows the features of the target.
const KEPT: &str = "-Clink-arg=--keep-section=target_features";

/// Let a cargo command work on the pure core for wasm32.
fn with_core(command: &mut Command) -> Result<&mut Command> {
    in_its_folder(command)?.args(["--locked", "--target", TARGET]);
    Ok(command.args(PACKAGES.iter().flat_map(|package| ["--package", package])))
}

/// Let a command build into the folder for wasm32, the same bytes wherever that is.
pub(crate) fn in_its_folder(command: &mut Command) -> Result<&mut Command> {
    let root = workspace::root();
    let target_dir = workspace::target_dir()?.join(TARGET_DIR);
    let registry = cargo_home()?.join("registry").join("src");
    // The last match counts, and the target folder may be inside the root.
    let remaps = [(&*root, "/src"), (&*registry, "/crates"), (&*target_dir, "/target")]
        .map(|(folder, name)| format!("--remap-path-prefix={}={name}", folder.display()));
    let flags = [&remaps.join("\x1f"), KEPT].join("\x1f");
    Ok(command.env("CARGO_ENCODED_RUSTFLAGS", flags).env("CARGO_TARGET_DIR", target_dir))
}

fn cargo_home() -> Result<PathBuf> {
    env::var_os("CARGO_HOME")
        .map(Into::into)
        .or_else(|| Some(env::home_dir()?.join(".cargo")))
        .ok_or_else(|| anyhow!("neither `CARGO_HOME` nor a home folder is known"))
}
