//! `cargo xtask fuzz`: the targets of `fuzz/` under libFuzzer, for as long as one likes.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

use crate::{
    process::{self, cargo, command},
    workspace,
};

/// A longer input finds nothing that this length does not, and the limits are stated for it.
const MAX_LENGTH: u32 = 64 * 1024;

/// Seconds after which libFuzzer calls an input a hang. The targets have a far lower limit of their own, which allows for a
/// busy machine; this one is for what never comes back to them.
const HANG: u32 = 20;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Fuzz this target only; without it all of them, one after the other
    target: Option<String>,

    /// How long each target is fuzzed
    #[arg(long, default_value_t = 600)]
    seconds: u32,

    /// What looks at memory: `address` finds misuse of it in dependencies, and is slower
    #[arg(long, default_value = "none", value_parser = ["address", "none"])]
    sanitizer: String,
}

/// Build and run the targets. What is found is kept in the target folder, as is the corpus, which later runs go on from.
pub(crate) fn run(args: &Args) -> Result<()> {
    let all = targets()?;
    let chosen: Vec<_> = all.iter().filter(|name| args.target.as_ref().is_none_or(|target| target == *name)).collect();
    if chosen.is_empty() {
        bail!("there is no such target: they are {}", all.join(", "));
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
        fs::create_dir_all(&found).with_context(|| format!("cannot make {}", found.display()))?;
        let mut fuzz = command(program);
        fuzz.arg(corpus.join(target)).args([
            format!("-max_total_time={}", args.seconds),
            format!("-max_len={MAX_LENGTH}"),
            format!("-timeout={HANG}"),
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
    bail!("{}\nhint: mend it, and make the input a fixture of runai-spec", findings.join("\n"));
}

/// The targets by the names of their files.
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
    println!("note: installing cargo-fuzz from crates.io, which this machine does not have");
    process::run(cargo().args(["install", "--locked", "cargo-fuzz"]))
}

/// The program of a target, with its branches counted.
fn build(target: &str, sanitizer: &str, folder: &Path) -> Result<PathBuf> {
    let mut build = cargo();
    build.args(["fuzz", "build", "--fuzz-dir", "fuzz", "--features", "libfuzzer", "--sanitizer", sanitizer, target]);
    // Between crates nothing is worth minutes of optimisation a target here, and names make a finding readable.
    build.env("CARGO_TARGET_DIR", folder);
    build.env("CARGO_PROFILE_RELEASE_LTO", "off").env("CARGO_PROFILE_RELEASE_STRIP", "none");
    if sanitizer != "none" {
        // Counting branches is stable, sanitizers are not: for this build alone.
        build.env("RUSTC_BOOTSTRAP", "1");
    }
    process::run(&mut build)
        .context("libFuzzer needs a C++ compiler (on Debian: `apt-get install g++`) and runs on Linux and macOS")?;
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let host = process::output(command(rustc).args(["--print", "host-tuple"]))?;
    Ok(folder.join(host).join("release").join(target))
}
