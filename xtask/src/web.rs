//! The browser editor: built from `web/` and the npm package of the core, served on loopback, and tested in Chromium.

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

/// Most that a first visit may fetch, in bytes, compressed with brotli: the page and the core.
const BUDGET: usize = 460_000;

const BROWSERS: [&str; 5] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Serve on this port; any free one without it
    #[arg(long, default_value_t = 0)]
    port: u16,
}

/// Build the page into `web/dist`, and fail if it weighs too much.
pub(crate) fn build() -> Result<()> {
    pack()?;
    weigh()
}

/// Build the page, and serve it until the program is stopped.
pub(crate) fn editor(args: &Args) -> Result<()> {
    pack()?;
    let mut preview = command("npm");
    preview.current_dir(folder()).args(["exec", "--", "vite", "preview", "--port", &args.port.to_string()]);
    process::run(preview.env("RUNAI_SPEC_PACKAGE", npm::folder()?))
}

/// Build the page, and use it in a real browser.
pub(crate) fn test() -> Result<()> {
    pack()?;
    let pictures = workspace::target_dir()?.join("screenshots");
    let mut tests = command("npm");
    tests.current_dir(folder()).args(["run", "--silent", "test"]);
    tests.env("CHROMIUM", browser()?).env("RUNAI_SPEC_PACKAGE", npm::folder()?);
    tests.env("RUNAI_STEP_SCREENSHOTS", &pictures);
    process::run(&mut tests)?;
    println!("pictures of the page are in {}", pictures.display());
    weigh()
}

/// Build the page, and measure it in a real browser: the section of `docs/benchmarks.md` about it.
pub(crate) fn bench() -> Result<String> {
    pack()?;
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

/// The core's package, then the page around it.
fn pack() -> Result<()> {
    node()?;
    npm::pack()?;
    install()?;
    let mut build = command("npm");
    build.current_dir(folder()).args(["run", "--silent", "build"]);
    build.env("RUNAI_SPEC_PACKAGE", npm::folder()?);
    process::run(&mut build)?;
    println!("the page is in {}", dist().display());
    Ok(())
}

/// Node of a version that the build runs on, with npm.
fn node() -> Result<()> {
    const HOW: &str = "on Debian: `apt-get install nodejs npm`, elsewhere see https://nodejs.org";

    let version = process::output(command("node").arg("--version"))
        .with_context(|| format!("the page is built with Node 20.19 or newer, which is not there ({HOW})"))?;
    let mut numbers = version.trim_start_matches('v').split('.').map_while(|part| part.parse::<u32>().ok());
    let found = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if found < (20, 19) {
        bail!("the page is built with Node 20.19 or newer, not with {version} ({HOW})");
    }
    process::output(command("npm").arg("--version")).with_context(|| format!("npm is not there ({HOW})"))?;
    Ok(())
}

/// Install the packages of the lock file, unless they are there already.
fn install() -> Result<()> {
    let (lock, stamp) = (folder().join("package-lock.json"), folder().join("node_modules/.installed"));
    let wanted = fs::read(&lock).with_context(|| format!("cannot read `{}`", lock.display()))?;
    if fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    process::run(command("npm").current_dir(folder()).args(["ci", "--no-fund", "--no-audit"]))
        .context("the packages of web/package-lock.json cannot be installed")?;
    fs::write(stamp, wanted)?;
    Ok(())
}

/// The Chromium to test in: the one that is named, one on the path, or Debian's, which is installed now.
fn browser() -> Result<PathBuf> {
    if let Some(named) = env::var_os("CHROMIUM") {
        return Ok(named.into());
    }
    if let Some(found) = on_path() {
        return Ok(found);
    }
    if !debian::may_install() {
        bail!(
            "the page is tested in Chromium, which is not there: install it (on Debian: `apt-get install chromium`), or \
             name it in the variable CHROMIUM"
        );
    }
    debian::install(&["chromium"])?;
    on_path().context("the package `chromium` brought no `chromium`")
}

fn on_path() -> Option<PathBuf> {
    let folders: Vec<PathBuf> = env::split_paths(&env::var_os("PATH")?).collect();
    BROWSERS.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name))).find(|path| path.is_file())
}

/// Say what each file of the page weighs, and fail if together they weigh too much.
fn weigh() -> Result<()> {
    let mut total = 0;
    println!("{:<44} {:>9} {:>9}", "", "bytes", "brotli");
    for (name, path) in files(&dist())? {
        let bytes = fs::read(&path)?;
        let compressed = npm::brotli(&bytes)?;
        println!("{name:<44} {:>9} {compressed:>9}", bytes.len());
        total += compressed;
    }
    println!("{:<44} {:>9} {total:>9} of {BUDGET}", "all", "");
    if total > BUDGET {
        bail!("the page weighs {total} bytes, more than the {BUDGET} that it may (`BUDGET` in xtask/src/web.rs)");
    }
    Ok(())
}

/// All files in a folder, by their names relative to it.
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
