//! Builds a wasm32 toolchain from Debian's packages, for machines without access to rustup's downloads.
//!
//! Debian ships the compiler for its browsers (`rustc-web`) and the sources of its std with all dependencies
//! (`rust-web-src`), but no std for `wasm32-unknown-unknown`. This builds that std once, offline, into the target folder.
//! The packages install into `/usr/bin` and do not affect builds with rustup's toolchains.

use std::{
    env,
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use anyhow::{Context, Result, anyhow, bail};

use crate::{
    process::{self, command, unset_toolchain},
    wasm::{TARGET, rlibs},
    workspace::remove_folder,
};

/// Version of the build recipe. Increment it after a change to rebuild the std on every machine.
const RECIPE: u32 = 2;

const PACKAGES: [&str; 4] = ["rustc-web", "cargo-web", "rust-web-src", LLD];
const CLIPPY_PACKAGE: &str = "rust-web-clippy";

const CARGO: &str = "/usr/bin/cargo";
const CARGO_CLIPPY: &str = "/usr/bin/cargo-clippy";
const CLIPPY_DRIVER: &str = "/usr/bin/clippy-driver";
/// The linker with the compiler's LLVM version.
const LLD: &str = "lld-22";
const RUSTC: &str = "/usr/bin/rustc";
const RUSTDOC: &str = "/usr/bin/rustdoc";
const SOURCES: &str = "/usr/lib/rustlib/src/rust";

/// Returns whether [`Toolchain::build`] can work: the packages are installed or can be.
pub(crate) fn can_build() -> bool {
    packages_are_installed() || may_install()
}

/// A toolchain folder: Debian's programs and a sysroot with the std of wasm32.
pub(crate) struct Toolchain {
    sysroot: PathBuf,
}

impl Toolchain {
    /// Returns the toolchain of an earlier [`Self::build`] if the recipe and the compiler are unchanged.
    pub(crate) fn built_before(home: &Path) -> Option<Self> {
        let toolchain = Self { sysroot: home.join("sysroot") };
        let stamp = toolchain.stamp(&compiler_version().ok()?);
        fs::read_to_string(home.join("stamp")).is_ok_and(|found| found == stamp).then_some(toolchain)
    }

    /// Installs missing packages and builds the std.
    pub(crate) fn build(home: &Path) -> Result<Self> {
        fs::create_dir_all(home)?;
        // Concurrent builds would overwrite each other's files.
        let lock = File::create(home.join("lock"))?;
        lock.lock().context("cannot lock the folder of the wasm32 toolchain")?;
        if let Some(toolchain) = Self::built_before(home) {
            return Ok(toolchain);
        }
        if !packages_are_installed() {
            install(&PACKAGES)?;
        }
        let toolchain = Self { sysroot: home.join("sysroot") };
        let version = compiler_version()?;
        println!("building a std for {TARGET} from {SOURCES}");
        let start = Instant::now();
        let build = home.join("build");
        remove_folder(&toolchain.sysroot)?;
        remove_folder(&build)?;
        let std = build_std(&build)?;
        toolchain.assemble(&std, host(&version)?)?;
        remove_folder(&build)?;
        // Written last, so that an interrupted build does not count.
        fs::write(home.join("stamp"), toolchain.stamp(&version))?;
        println!("built the std in {:.1} s", start.elapsed().as_secs_f32());
        Ok(toolchain)
    }

    pub(crate) fn describe(&self) -> String {
        format!("Debian's, in {}", self.sysroot.display())
    }

    /// Returns Debian's clippy, which matches its compiler. It replaces `cargo clippy`, because cargo would run rustup's
    /// clippy.
    ///
    /// It is usually newer than the project's clippy, so its new lints are only shown. Lints that a crate denies, such as
    /// those for the pure core, fail the build.
    pub(crate) fn clippy(&self) -> Option<Command> {
        let missing = |why: &str| {
            println!("note: no clippy for {TARGET}: {why}");
            None
        };
        if !Path::new(CARGO_CLIPPY).exists() {
            if !may_install() {
                return missing(&format!("the package `{CLIPPY_PACKAGE}` is not installed"));
            }
            if let Err(error) = install(&[CLIPPY_PACKAGE]) {
                return missing(&error.to_string());
            }
        }
        // A clippy of another compiler release cannot read the std.
        let version = process::output(command(CLIPPY_DRIVER).args(["--rustc", "-vV"]));
        if version.ok() != compiler_version().ok() {
            return missing(&format!("`{CLIPPY_DRIVER}` belongs to another compiler than `{RUSTC}`"));
        }
        let mut clippy = self.command(CARGO_CLIPPY);
        // Clippy's driver replaces the compiler and its wrapper, which sets the sysroot.
        clippy.env("CARGO", CARGO).env("SYSROOT", &self.sysroot);
        Some(clippy)
    }

    /// Returns a command that uses this toolchain.
    pub(crate) fn command(&self, program: &str) -> Command {
        let bin = self.sysroot.join("bin");
        let mut command = command(program);
        unset_toolchain(&mut command);
        command.env("RUSTC", bin.join("rustc")).env("RUSTDOC", bin.join("rustdoc"));
        let path = env::var_os("PATH").unwrap_or_default();
        if let Ok(path) = env::join_paths([bin].into_iter().chain(env::split_paths(&path))) {
            command.env("PATH", path);
        }
        command
    }

    /// Returns the inputs of the toolchain. It includes the folder, because the wrappers contain its path.
    fn stamp(&self, compiler: &str) -> String {
        format!("recipe {RECIPE}\n{compiler}\n{}\n", self.sysroot.display())
    }

    /// Creates the folder layout that rustc, cargo and wasm-pack expect.
    fn assemble(&self, std: &Path, host: &str) -> Result<()> {
        let rustlib = self.sysroot.join("lib/rustlib");
        let target_lib = rustlib.join(TARGET).join("lib");
        fs::create_dir_all(&target_lib)?;
        for (name, library) in rlibs(std)? {
            if !name.contains(STD_CRATE) {
                fs::copy(library, target_lib.join(name))?;
            }
        }
        let (host_folder, bin) = (rustlib.join(host), self.sysroot.join("bin"));
        fs::create_dir_all(host_folder.join("bin"))?;
        fs::create_dir_all(&bin)?;
        link(&format!("/usr/lib/rustlib/{host}/lib"), &host_folder.join("lib"))?;
        link(&format!("/usr/bin/{LLD}"), &host_folder.join("bin/rust-lld"))?;
        link(CARGO, &bin.join("cargo"))?;
        for program in [RUSTC, RUSTDOC] {
            let wrapper = bin.join(Path::new(program).file_name().unwrap_or_default());
            let sysroot = self.sysroot.display().to_string().replace('\'', r"'\''");
            fs::write(&wrapper, format!("#!/bin/sh\nexec {program} --sysroot '{sysroot}' \"$@\"\n"))?;
            make_executable(&wrapper)?;
        }
        Ok(())
    }
}

fn packages_are_installed() -> bool {
    let vendored = format!("{SOURCES}/library/vendor");
    [CARGO, RUSTC, RUSTDOC, &format!("/usr/bin/{LLD}"), &vendored].iter().all(|path| Path::new(path).exists())
}

/// Returns whether packages may be installed: only as root on Debian.
pub(crate) fn may_install() -> bool {
    let system = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let debian = system.lines().any(|line| line == "ID=debian");
    debian && process::output(command("id").arg("-u")).is_ok_and(|user| user == "0")
}

pub(crate) fn install(packages: &[&str]) -> Result<()> {
    println!("installing the Debian packages {}", packages.join(", "));
    let apt = || {
        let mut apt = command("apt-get");
        apt.env("DEBIAN_FRONTEND", "noninteractive").args(["-o", "DPkg::Lock::Timeout=300", "--quiet"]);
        apt
    };
    process::run(apt().arg("update"))?;
    // `--no-remove`: fail instead of removing a conflicting package.
    process::run(apt().args(["install", "--yes", "--no-remove", "--no-install-recommends"]).args(packages))
}

fn compiler_version() -> Result<String> {
    process::output(command(RUSTC).arg("-vV"))
}

fn host(compiler_version: &str) -> Result<&str> {
    let host = compiler_version.lines().find_map(|line| line.strip_prefix("host: "));
    host.ok_or_else(|| anyhow!("no host in the output of `{RUSTC} -vV`"))
}

/// Name of an empty crate that depends on the std.
const STD_CRATE: &str = "local_sysroot";

/// Builds the std and returns the folder of its rlibs.
///
/// A crate that depends on the std's crates replaces their own workspace, which needs development dependencies that are
/// not vendored.
fn build_std(folder: &Path) -> Result<PathBuf> {
    let library = format!("{SOURCES}/library");
    fs::create_dir_all(folder)?;
    fs::write(folder.join("Cargo.toml"), std_manifest(&library))?;
    fs::write(folder.join("lib.rs"), "#![feature(no_core)]\n#![no_core]\n")?;
    fs::copy(format!("{library}/Cargo.lock"), folder.join("Cargo.lock"))
        .with_context(|| format!("missing Cargo.lock in `{library}`: reinstall the package `rust-web-src`"))?;

    let mut cargo = command(CARGO);
    unset_toolchain(&mut cargo);
    cargo
        .current_dir(folder)
        // Ignore the user's cargo configuration.
        .env("CARGO_HOME", folder.join("cargo-home"))
        .env("RUSTC", RUSTC)
        // The std needs unstable features.
        .env("RUSTC_BOOTSTRAP", "1")
        // Set by the compiler's bootstrap too: distinguishes the std's symbols from those of other crates.
        .env("__CARGO_DEFAULT_LIB_METADATA", STD_CRATE)
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", std_flags())
        .args(["build", "--quiet", "--release", "--offline", "--target", TARGET, "--target-dir"])
        .arg(folder.join("target"))
        .args(["--config", "source.crates-io.replace-with='vendored-sources'"])
        .args(["--config", &format!("source.vendored-sources.directory='{library}/vendor'")]);
    process::run(&mut cargo).with_context(|| format!("cannot build a std for {TARGET}"))?;
    Ok(folder.join("target").join(TARGET).join("release/deps"))
}

fn std_flags() -> String {
    // Like the compiler's bootstrap: embed bitcode for link-time optimization, and mark only `std` as stable. Panics abort
    // without a message, which would increase the module's size. The panic strategy `immediate-abort` is unstable and would
    // have to be set for all crates, so the std's `cfg` is set instead.
    format!(
        "-Cembed-bitcode=yes -Zforce-unstable-if-unmarked -Aexplicit_builtin_cfgs_in_flags \
         -Adead_code --cfg panic=\"immediate-abort\" --remap-path-prefix={SOURCES}=/rust"
    )
}

fn std_manifest(library: &str) -> String {
    format!(
        r#"[package]
name = "{STD_CRATE}"
version = "0.0.0"
edition = "2024"

[lib]
path = "lib.rs"

[workspace]

[dependencies]
std = {{ path = "{library}/std", default-features = false, features = ["optimize_for_size"] }}
panic_abort = {{ path = "{library}/panic_abort" }}
proc_macro = {{ path = "{library}/proc_macro" }}
test = {{ path = "{library}/test" }}

[patch.crates-io]
rustc-std-workspace-alloc = {{ path = "{library}/rustc-std-workspace-alloc" }}
rustc-std-workspace-core = {{ path = "{library}/rustc-std-workspace-core" }}
rustc-std-workspace-std = {{ path = "{library}/rustc-std-workspace-std" }}

[profile.release]
codegen-units = 1
opt-level = "z"
panic = "abort"

# Its functions are linked individually.
[profile.release.package.compiler_builtins]
codegen-units = 10000
"#
    )
}

#[cfg(unix)]
fn link(original: &str, link: &Path) -> Result<()> {
    if !Path::new(original).exists() {
        bail!("missing `{original}`: reinstall the packages {}", PACKAGES.join(", "));
    }
    std::os::unix::fs::symlink(original, link).with_context(|| format!("cannot link `{}`", link.display()))
}

#[cfg(unix)]
fn make_executable(file: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(file, fs::Permissions::from_mode(0o755))
        .with_context(|| format!("cannot make `{}` executable", file.display()))
}

#[cfg(not(unix))]
fn link(original: &str, _: &Path) -> Result<()> {
    bail!("cannot link `{original}`: not Debian")
}

#[cfg(not(unix))]
fn make_executable(file: &Path) -> Result<()> {
    bail!("cannot make `{}` executable: not Debian", file.display())
}
