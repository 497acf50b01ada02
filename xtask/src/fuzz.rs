//! `cargo xtask fuzz`: runs the targets of `fuzz/` with libFuzzer.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

use crate::{
    process::{self, cargo, command},
    workspace,
};

/// Maximum input length in bytes. Longer inputs find nothing new, and the core's limits apply to this length.
const MAX_LENGTH: u32 = 64 * 1024;

/// Seconds after which libFuzzer reports a hang. The targets have a lower limit; this one catches calls that never return.
const HANG_TIMEOUT: u32 = 20;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Fuzz only this target; all by default
    target: Option<String>,

    /// Duration per target, in seconds
    #[arg(long, default_value_t = 600)]
    seconds: u32,

    /// Sanitizer: `address` finds memory errors in dependencies but is slower
    #[arg(long, default_value = "none", value_parser = ["address", "none"])]
    sanitizer: String,
}

/// Builds and runs the targets. Findings and the corpus, which later runs reuse, are stored in the target folder.
pub(crate) fn run(args: &Args) -> Result<()> {
    let all = targets()?;
    let chosen: Vec<_> = all.iter().filter(|name| args.target.as_ref().is_none_or(|target| target == *name)).collect();
    if chosen.is_empty() {
        bail!("unknown target, expected one of {}", all.join(", "));
    }
    find_or_install()?;
    let home = workspace::target_dir()?.join("fuzz");
    let corpus = home.join("corpus");
    process::run(
        cargo().args(["run", "--quiet", "--package", "runai-fuzz", "--example", "corpus", "--"]).arg(&corpus),
    )?;
    let mut findings = Vec::new();
    for target in chosen {
        let program = build(target, &args.sanitizer, &home.join("build"))?;
        let found = home.join("found").join(target);
        fs::create_dir_all(&found).with_context(|| format!("cannot create `{}`", found.display()))?;
        let mut fuzz = command(program);
        fuzz.arg(corpus.join(target)).args([
            format!("-max_total_time={}", args.seconds),
            format!("-max_len={MAX_LENGTH}"),
            format!("-timeout={HANG_TIMEOUT}"),
            "-report_slow_units=1".to_owned(),
            "-print_final_stats=1".to_owned(),
            format!("-dict={}", corpus.join("words.dict").display()),
            format!("-artifact_prefix={}/", found.display()),
        ]);
        if let Err(error) = process::run(&mut fuzz) {
            findings.push(format!("{target}: {error}; the input is in {}", found.display()));
        }
    }
    if findings.is_empty() {
        return Ok(());
    }
    bail!("{}\nhint: fix it and add the input to the fixtures of runai-spec", findings.join("\n"));
}

/// Returns the targets by file name.
fn targets() -> Result<Vec<String>> {
    let folder = workspace::root().join("fuzz/fuzz_targets");
    let entries = fs::read_dir(&folder).with_context(|| format!("cannot read `{}`", folder.display()))?;
    let paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    let names = paths.iter().filter_map(|path| path.file_stem()?.to_str().map(str::to_owned));
    let mut names: Vec<_> = names.collect();
    names.sort();
    Ok(names)
}

fn find_or_install() -> Result<()> {
    if process::output(cargo().args(["fuzz", "--version"])).is_ok() {
        return Ok(());
    }
    println!("note: installing cargo-fuzz from crates.io");
    process::run(cargo().args(["install", "--locked", "cargo-fuzz"]))
}

/// Builds a target with coverage instrumentation and returns its path.
fn build(target: &str, sanitizer: &str, folder: &Path) -> Result<PathBuf> {
    let mut build = cargo();
    build.args(["fuzz", "build", "--fuzz-dir", "fuzz", "--features", "libfuzzer", "--sanitizer", sanitizer, target]);
    // Link-time optimization would cost minutes per target; symbols make findings readable.
    build.env("CARGO_TARGET_DIR", folder);
    build.env("CARGO_PROFILE_RELEASE_LTO", "off").env("CARGO_PROFILE_RELEASE_STRIP", "none");
    if sanitizer != "none" {
        // Sanitizers are unstable; coverage is not.
        build.env("RUSTC_BOOTSTRAP", "1");
    }
    process::run(&mut build)
        .context("libFuzzer needs a C++ compiler (on Debian: `apt-get install g++`) and runs on Linux and macOS")?;
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let host = process::output(command(rustc).args(["--print", "host-tuple"]))?;
    Ok(folder.join(host).join("release").join(target))
}
