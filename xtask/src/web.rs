//! Builds the browser editor from `web/` and the npm package, serves it locally, and tests it in Chromium.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

use crate::{
    debian, npm,
    process::{self, command},
    workspace,
};

/// Maximum size of a first visit (page and core), in bytes, compressed with brotli.
const BUDGET: usize = 460_000;

const BROWSERS: [&str; 5] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Serve on this port; 0 selects a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
}

/// Builds the page into `web/dist` and fails if it exceeds its size budget.
pub(crate) fn build() -> Result<()> {
    build_page()?;
    check_size()
}

/// Builds the page and serves it until the program is stopped.
pub(crate) fn editor(args: &Args) -> Result<()> {
    build_page()?;
    let mut preview = command("npm");
    preview.current_dir(folder()).args(["exec", "--", "vite", "preview", "--port", &args.port.to_string()]);
    process::run(preview.env("RUNAI_SPEC_PACKAGE", npm::folder()?))
}

/// Builds the page and tests it in a browser.
pub(crate) fn test() -> Result<()> {
    build_page()?;
    let screenshots = workspace::target_dir()?.join("screenshots");
    let mut tests = command("npm");
    tests.current_dir(folder()).args(["run", "--silent", "test"]);
    tests.env("CHROMIUM", browser()?).env("RUNAI_SPEC_PACKAGE", npm::folder()?);
    tests.env("RUNAI_STEP_SCREENSHOTS", &screenshots);
    process::run(&mut tests)?;
    println!("screenshots are in {}", screenshots.display());
    check_size()
}

/// Builds the page, benchmarks it in a browser, and returns its section of `docs/benchmarks.md`.
pub(crate) fn bench() -> Result<String> {
    build_page()?;
    let mut bench = command("node");
    bench.current_dir(folder()).arg("bench/bench.js");
    bench.env("CHROMIUM", browser()?).env("RUNAI_SPEC_PACKAGE", npm::folder()?);
    bench.env("RUNAI_STEP_BENCH", workspace::target_dir()?.join("web-bench"));
    Ok(format!("\n{}\n", process::output(&mut bench)?.trim()))
}

fn folder() -> PathBuf {
    workspace::root().join("web")
}

fn dist() -> PathBuf {
    folder().join("dist")
}

/// Builds the core's package, then the page.
fn build_page() -> Result<()> {
    node()?;
    npm::pack()?;
    install()?;
    let mut build = command("npm");
    build.current_dir(folder()).args(["run", "--silent", "build"]);
    build.env("RUNAI_SPEC_PACKAGE", npm::folder()?);
    process::run(&mut build)?;
    println!("built the page in {}", dist().display());
    Ok(())
}

/// Checks that npm and a supported version of Node are installed.
fn node() -> Result<()> {
    const HELP: &str =
        "install Node 20.19 or later (on Debian: `apt-get install nodejs npm`, else see https://nodejs.org)";

    let version =
        process::output(command("node").arg("--version")).with_context(|| format!("cannot run Node: {HELP}"))?;
    let mut numbers = version.trim_start_matches('v').split('.').map_while(|part| part.parse::<u32>().ok());
    let found = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if found < (20, 19) {
        bail!("Node {version} is too old: {HELP}");
    }
    process::output(command("npm").arg("--version")).with_context(|| format!("cannot run npm: {HELP}"))?;
    Ok(())
}

/// Installs the packages of the lock file, unless they are installed.
fn install() -> Result<()> {
    let (lock, stamp) = (folder().join("package-lock.json"), folder().join("node_modules/.installed"));
    let expected = fs::read(&lock).with_context(|| format!("cannot read `{}`", lock.display()))?;
    if fs::read(&stamp).is_ok_and(|installed| installed == expected) {
        return Ok(());
    }
    process::run(command("npm").current_dir(folder()).args(["ci", "--no-fund", "--no-audit"]))
        .context("cannot install the packages of web/package-lock.json")?;
    fs::write(stamp, expected)?;
    Ok(())
}

/// Returns Chromium: `CHROMIUM`, else a browser on `PATH`, else Debian's, which is installed.
fn browser() -> Result<PathBuf> {
    if let Some(named) = env::var_os("CHROMIUM") {
        return Ok(named.into());
    }
    if let Some(found) = on_path() {
        return Ok(found);
    }
    if !debian::may_install() {
        bail!("Chromium not found: install it (on Debian: `apt-get install chromium`) or set the variable `CHROMIUM`");
    }
    debian::install(&["chromium"])?;
    on_path().context("the package `chromium` contains no program `chromium`")
}

fn on_path() -> Option<PathBuf> {
    let folders: Vec<PathBuf> = env::split_paths(&env::var_os("PATH")?).collect();
    BROWSERS.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name))).find(|path| path.is_file())
}

/// Prints the size of each file of the page and fails if the total exceeds the budget.
fn check_size() -> Result<()> {
    let mut total = 0;
    println!("{:<44} {:>9} {:>9}", "", "bytes", "brotli");
    for (name, path) in files(&dist())? {
        let bytes = fs::read(&path)?;
        let compressed = npm::brotli(&bytes)?;
        println!("{name:<44} {:>9} {compressed:>9}", bytes.len());
        total += compressed;
    }
    println!("{:<44} {:>9} {total:>9} of {BUDGET}", "total", "");
    if total > BUDGET {
        bail!("the page has {total} bytes, more than its budget of {BUDGET} bytes (`BUDGET` in xtask/src/web.rs)");
    }
    Ok(())
}

/// Returns all files in a folder with their relative names.
fn files(folder: &Path) -> Result<Vec<(String, PathBuf)>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(inner) = folders.pop() {
        for entry in fs::read_dir(&inner).with_context(|| format!("cannot read `{}`", inner.display()))? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push((path.strip_prefix(folder)?.display().to_string(), path));
            }
        }
    }
    found.sort();
    Ok(found)
}
