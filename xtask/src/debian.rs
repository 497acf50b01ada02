//! A wasm32 toolchain from Debian's packages, for machines where rustup can fetch none.
//!
//! Debian ships the compiler that its browsers are built with (`rustc-web`) and the sources of its std with everything
//! they depend on (`rust-web-src`), but no std for `wasm32-unknown-unknown`. It is built once, offline, into a folder
//! of this workspace. The packages live in `/usr/bin` beside rustup's proxies and change nothing for other builds.

use std::{
    env,
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use anyhow::{Context, Result, anyhow, bail};

use crate::{
    process::{self, command, forget_toolchain},
    wasm::{TARGET, rlibs},
    workspace::remove_folder,
};

/// Raise it whenever the recipe changes: every machine then builds its std again.
const RECIPE: u32 = 2;

const PACKAGES: [&str; 4] = ["rustc-web", "cargo-web", "rust-web-src", LLD];
const CLIPPY_PACKAGE: &str = "rust-web-clippy";

const CARGO: &str = "/usr/bin/cargo";
const CARGO_CLIPPY: &str = "/usr/bin/cargo-clippy";
const CLIPPY_DRIVER: &str = "/usr/bin/clippy-driver";
/// The linker of the compiler's LLVM version.
const LLD: &str = "lld-22";
const RUSTC: &str = "/usr/bin/rustc";
const RUSTDOC: &str = "/usr/bin/rustdoc";
const SOURCES: &str = "/usr/lib/rustlib/src/rust";

/// Whether [`Toolchain::build`] has a chance: the packages are there, or may be installed.
pub(crate) fn can_build() -> bool {
    packages_are_installed() || may_install()
}

/// A toolchain folder: Debian's programs, with a sysroot that also has the std of wasm32.
pub(crate) struct Toolchain {
    sysroot: PathBuf,
}

impl Toolchain {
    /// The toolchain of an earlier [`Self::build`], if it was built the same way for the compiler of today.
    pub(crate) fn built_before(home: &Path) -> Option<Self> {
        let toolchain = Self { sysroot: home.join("sysroot") };
        let stamp = toolchain.stamp(&compiler_version().ok()?);
        fs::read_to_string(home.join("stamp")).is_ok_and(|found| found == stamp).then_some(toolchain)
    }

    /// Install what is missing, and build the std.
    pub(crate) fn build(home: &Path) -> Result<Self> {
        fs::create_dir_all(home)?;
        // Two builds at once would pull the folder from under each other.
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
        println!("building a std for {TARGET} from {SOURCES}, once");
        let start = Instant::now();
        let build = home.join("build");
        remove_folder(&toolchain.sysroot)?;
        remove_folder(&build)?;
        let std = build_std(&build)?;
        toolchain.assemble(&std, host(&version)?)?;
        remove_folder(&build)?;
        // Last, so that a build that was cut short is no toolchain.
        fs::write(home.join("stamp"), toolchain.stamp(&version))?;
        println!("built it in {:.1} s", start.elapsed().as_secs_f32());
        Ok(toolchain)
    }

    pub(crate) fn describe(&self) -> String {
        format!("Debian's, in {}", self.sysroot.display())
    }

    /// Debian's clippy, which is of the same release as its compiler. It takes the place of `cargo clippy`: cargo itself
    /// would find rustup's.
    ///
    /// It is mostly newer than the project's own clippy, so its new lints may be shown but must not fail a build. What
    /// a crate itself denies, the purity of the core above all, does fail.
    pub(crate) fn clippy(&self) -> Option<Command> {
        let missing = |why: &str| {
            println!("note: there is no clippy for {TARGET}: {why}");
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
        // Another release of Debian's compiler cannot read the std that this one has built.
        let version = process::output(command(CLIPPY_DRIVER).args(["--rustc", "-vV"]));
        if version.ok() != compiler_version().ok() {
            return missing(&format!("`{CLIPPY_DRIVER}` belongs to another compiler than `{RUSTC}`"));
        }
        let mut clippy = self.command(CARGO_CLIPPY);
        // Clippy's driver takes the place of the compiler, and with it of the wrapper that names the sysroot.
        clippy.env("CARGO", CARGO).env("SYSROOT", &self.sysroot);
        Some(clippy)
    }

    /// A program of this toolchain, or one that calls it, in its environment.
    pub(crate) fn command(&self, program: &str) -> Command {
        let bin = self.sysroot.join("bin");
        let mut command = command(program);
        forget_toolchain(&mut command);
        command.env("RUSTC", bin.join("rustc")).env("RUSTDOC", bin.join("rustdoc"));
        let path = env::var_os("PATH").unwrap_or_default();
        if let Ok(path) = env::join_paths([bin].into_iter().chain(env::split_paths(&path))) {
            command.env("PATH", path);
        }
        command
    }

    /// What a toolchain is made from. The wrappers name their own folder, so a moved one is no longer good.
    fn stamp(&self, compiler: &str) -> String {
        format!("recipe {RECIPE}\n{compiler}\n{}\n", self.sysroot.display())
    }

    /// Lay out the folder as rustc, cargo and wasm-pack expect a toolchain to be.
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

/// As root on Debian, and nowhere else: no other system has these packages.
pub(crate) fn may_install() -> bool {
    let system = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let debian = system.lines().any(|line| line == "ID=debian");
    debian && process::output(command("id").arg("-u")).is_ok_and(|user| user == "0")
}

pub(crate) fn install(packages: &[&str]) -> Result<()> {
    println!("installing Debian's {}", packages.join(", "));
    let apt = || {
        let mut apt = command("apt-get");
        apt.env("DEBIAN_FRONTEND", "noninteractive").args(["-o", "DPkg::Lock::Timeout=300", "--quiet"]);
        apt
    };
    process::run(apt().arg("update"))?;
    // Nothing of the user's is removed to make room: a conflicting package ends it instead.
    process::run(apt().args(["install", "--yes", "--no-remove", "--no-install-recommends"]).args(packages))
}

fn compiler_version() -> Result<String> {
    process::output(command(RUSTC).arg("-vV"))
}

fn host(compiler_version: &str) -> Result<&str> {
    let host = compiler_version.lines().find_map(|line| line.strip_prefix("host: "));
    host.ok_or_else(|| anyhow!("`{RUSTC} -vV` names no host"))
}

/// The empty crate whose dependencies are the std.
const STD_CRATE: &str = "local_sysroot";

/// Build the std in a folder of its own. The result is the folder of its rlibs.
///
/// A crate that only depends on the std's crates takes the place of the sources' own workspace, which wants development
/// dependencies that are not among the vendored ones.
fn build_std(folder: &Path) -> Result<PathBuf> {
    let library = format!("{SOURCES}/library");
    fs::create_dir_all(folder)?;
    fs::write(folder.join("Cargo.toml"), std_manifest(&library))?;
    fs::write(folder.join("lib.rs"), "#![feature(no_core)]\n#![no_core]\n")?;
    fs::copy(format!("{library}/Cargo.lock"), folder.join("Cargo.lock"))
        .with_context(|| format!("`{library}` has no Cargo.lock: is the package `rust-web-src` whole?"))?;

    let mut cargo = command(CARGO);
    forget_toolchain(&mut cargo);
    cargo
        .current_dir(folder)
        // No configuration of the user's reaches this build.
        .env("CARGO_HOME", folder.join("cargo-home"))
        .env("RUSTC", RUSTC)
        // The std is written in the compiler's own dialect; nothing else is built with it.
        .env("RUSTC_BOOTSTRAP", "1")
        // What the bootstrap of the compiler sets: the std's symbols then differ from those of a crate of that name.
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
    // As the compiler's bootstrap does: code for later link-time optimisation, and only `std` itself is stable. A panic ends
    // at once: its words are a part of what a browser fetches, and a trap says no more than that there was one. The strategy
    // of that name would have to be that of every other crate as well, where it is not stable.
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

# Its functions are linked one by one.
[profile.release.package.compiler_builtins]
codegen-units = 10000
"#
    )
}

#[cfg(unix)]
fn link(original: &str, link: &Path) -> Result<()> {
    if !Path::new(original).exists() {
        bail!("`{original}` is missing: are the packages {} whole?", PACKAGES.join(", "));
    }
    std::os::unix::fs::symlink(original, link).with_context(|| format!("cannot link {}", link.display()))
}

#[cfg(unix)]
fn make_executable(file: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(file, fs::Permissions::from_mode(0o755))
        .with_context(|| format!("cannot make {} executable", file.display()))
}

#[cfg(not(unix))]
fn link(original: &str, _: &Path) -> Result<()> {
    bail!("cannot link `{original}`: this is not Debian")
}

#[cfg(not(unix))]
fn make_executable(file: &Path) -> Result<()> {
    bail!("cannot make {} executable: this is not Debian", file.display())
}
