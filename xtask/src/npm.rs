//! The npm package: the core for wasm32, packed by wasm-pack, with the JavaScript beside it.

use std::{
    env, fs,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use crate::{
    process::{self, cargo, command},
    wasm::{self, Toolchain},
    workspace,
};

/// Most that the package's code may weigh, in bytes, compressed with brotli: what a page has to fetch.
const BUDGET: usize = 276_000;

/// Its own folder inside the target folder.
const FOLDER: &str = "npm/runai-spec";
const CRATE: &str = "crates/runai-wasm";
const MODULE: &str = "runai_wasm_bg.wasm";

/// A program that is built from its crate if it is not there.
struct Tool {
    name: &'static str,
    package: &'static str,
    /// Has to be that of the library in the lock file, for `wasm-bindgen`.
    version: &'static str,
    /// Whether the versions that its authors tested with can be had.
    locked: bool,
}

const WASM_PACK: Tool = Tool { name: "wasm-pack", package: "wasm-pack", version: "0.15.1", locked: true };
const WASM_BINDGEN: Tool =
    Tool { name: "wasm-bindgen", package: "wasm-bindgen-cli", version: "0.2.130", locked: false };

/// Build the package, and fail if it weighs too much.
pub(crate) fn build() -> Result<()> {
    pack()?;
    weigh()
}

/// Build the package.
pub(crate) fn pack() -> Result<()> {
    let toolchain = Toolchain::find_or_build()?;
    println!("the toolchain for {}: {}", wasm::TARGET, toolchain.describe());
    let bin = [WASM_PACK, WASM_BINDGEN].iter().map(Tool::folder).collect::<Result<Vec<_>>>()?;
    let package = folder()?;
    workspace::remove_folder(&package)?;

    let mut pack = toolchain.command("wasm-pack");
    let before = pack.get_envs().find(|(name, _)| *name == "PATH").and_then(|(_, value)| value.map(ToOwned::to_owned));
    let before = before.or_else(|| env::var_os("PATH")).unwrap_or_default();
    // The tools come last but for the compiler, so that nothing of the system takes their place.
    pack.env("PATH", env::join_paths(bin.into_iter().chain(env::split_paths(&before)))?);
    pack.args(["build", CRATE, "--mode", "no-install", "--target", "bundler", "--profile", "wasm"]);
    pack.args(["--no-pack", "--no-opt", "--out-dir"]).arg(&package);
    wasm::in_its_folder(&mut pack)?.args(["--", "--locked"]);
    process::run(&mut pack)?;

    let module = package.join(MODULE);
    let bytes = fs::read(&module).with_context(|| format!("wasm-pack made no `{}`", module.display()))?;
    fs::write(&module, without_names(&bytes)?)?;
    add_files(&package)?;
    println!("the package is in {}", package.display());
    Ok(())
}

/// Run the package's own tests under Node, on what [`pack`] has made.
pub(crate) fn test() -> Result<()> {
    let package = folder()?;
    process::output(command("node").arg("--version"))
        .context("the package is tested under Node: install it (on Debian: `apt-get install nodejs npm`)")?;
    // The same calls natively, to compare with.
    process::run(cargo().args(["build", "--quiet", "--package", "runai-wasm", "--example", "answers"]))?;
    let answers = workspace::target_dir()?.join("debug/examples/answers");
    let mut node = command("node");
    node.env("RUNAI_SPEC_PACKAGE", &package).env("RUNAI_SPEC_ANSWERS", answers);
    node.args(["--test", "--test-reporter=spec"]);
    for test in tests()? {
        node.arg(test);
    }
    process::run(&mut node)
}

/// Where the package is, once it is built.
pub(crate) fn folder() -> Result<PathBuf> {
    Ok(workspace::target_dir()?.join(FOLDER))
}

fn tests() -> Result<Vec<PathBuf>> {
    let folder = workspace::root().join(CRATE).join("tests-node");
    let mut tests = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| format!("cannot read `{}`", folder.display()))? {
        let path = entry?.path();
        if path.to_string_lossy().ends_with(".test.js") {
            tests.push(path);
        }
    }
    tests.sort();
    Ok(tests)
}

impl Tool {
    /// The folder of a program of this very version: one that is there, or one that is built now.
    fn folder(&self) -> Result<PathBuf> {
        let home = workspace::target_dir()?.join("tools");
        let bin = home.join("bin");
        let paths = env::var_os("PATH").unwrap_or_default();
        let places = [bin.clone()].into_iter().chain(env::split_paths(&paths));
        if let Some(place) = places.into_iter().find(|place| self.is_in(place)) {
            return Ok(place);
        }
        println!("note: building {} {} below {}, once", self.package, self.version, home.display());
        let mut install = cargo();
        install.args(["install", "--quiet", &format!("{}@{}", self.package, self.version), "--root"]).arg(&home);
        install.arg("--target-dir").arg(home.join("build"));
        if self.locked {
            install.arg("--locked");
        }
        process::run(&mut install)?;
        workspace::remove_folder(&home.join("build"))?;
        Ok(bin)
    }

    fn is_in(&self, folder: &Path) -> bool {
        let program = folder.join(format!("{}{}", self.name, env::consts::EXE_SUFFIX));
        let version = || process::output(Command::new(&program).arg("--version"));
        program.exists() && version().is_ok_and(|words| words.split(' ').nth(1) == Some(self.version))
    }
}

/// The JavaScript, the types, and what a package has to have.
fn add_files(package: &Path) -> Result<()> {
    let root = workspace::root();
    let source = root.join(CRATE).join("js");
    for entry in fs::read_dir(&source)? {
        let path = entry?.path();
        if let Some(name) = path.file_name().filter(|name| *name != "package.json") {
            fs::copy(&path, package.join(name))?;
        }
    }
    for licence in ["LICENSE-APACHE", "LICENSE-MIT"] {
        fs::copy(root.join(licence), package.join(licence))?;
    }
    let manifest = fs::read_to_string(source.join("package.json"))?;
    let mut manifest: serde_json::Value = serde_json::from_str(&manifest).context("js/package.json is no JSON")?;
    manifest["version"] = workspace::version()?.into();
    fs::write(package.join("package.json"), serde_json::to_string_pretty(&manifest)? + "\n")?;
    Ok(())
}

/// A WebAssembly module without the names of its functions and of its producers, which only debuggers read.
fn without_names(module: &[u8]) -> Result<Vec<u8>> {
    const HEADER: usize = 8;
    let mut kept = module.get(..HEADER).context("the module is cut off")?.to_vec();
    let mut at = HEADER;
    while at < module.len() {
        let start = at;
        let id = module[at];
        let (size, length) = leb128(&module[at + 1..])?;
        let content = at + 1 + length;
        at = content + size;
        let section = module.get(start..at).context("the module is cut off")?;
        if id == 0 {
            let (size, length) = leb128(&module[content..])?;
            let name = module.get(content + length..content + length + size).unwrap_or_default();
            if matches!(name, b"name" | b"producers") {
                continue;
            }
        }
        kept.extend_from_slice(section);
    }
    Ok(kept)
}

/// An unsigned number, and how many bytes it takes.
fn leb128(bytes: &[u8]) -> Result<(usize, usize)> {
    let mut value = 0;
    for (index, byte) in bytes.iter().take(5).enumerate() {
        value |= usize::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Ok((value, index + 1));
        }
    }
    bail!("the module holds a number that does not end")
}

/// Say what each file weighs, and fail if together they weigh too much.
pub(crate) fn weigh() -> Result<()> {
    let package = folder()?;
    let mut total = 0;
    println!("{:<22} {:>9} {:>9}", "", "bytes", "brotli");
    // What a browser fetches.
    for name in [MODULE, "runai_wasm_bg.js", "core.js", "index.js"] {
        let bytes = fs::read(package.join(name))?;
        let compressed = brotli(&bytes)?;
        println!("{name:<22} {:>9} {compressed:>9}", bytes.len());
        total += compressed;
    }
    println!("{:<22} {:>9} {total:>9} of {BUDGET}", "all", "");
    if total > BUDGET {
        bail!("the package weighs {total} bytes, more than the {BUDGET} that it may (`BUDGET` in xtask/src/npm.rs)");
    }
    Ok(())
}

/// The size of `bytes` as a server sends them.
pub(crate) fn brotli(bytes: &[u8]) -> Result<usize> {
    let mut out = Vec::new();
    let parameters = brotli::enc::BrotliEncoderParams { quality: 11, lgwin: 24, ..Default::default() };
    let mut writer = brotli::CompressorWriter::with_params(&mut out, 1 << 16, &parameters);
    writer.write_all(bytes)?;
    drop(writer);
    Ok(out.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_left_out_and_all_else_is_kept() {
        let header = b"\0asm\x01\0\0\0";
        let (names, types, other) = (b"\0\x06\x04nameX", b"\x01\x02ab", b"\0\x03\x02abX".split_at(5).0);
        let module = [&header[..], names, types, other].concat();
        assert_eq!(without_names(&module).unwrap(), [&header[..], types, other].concat());
        assert!(without_names(&module[..module.len() - 1]).is_err());
    }

    #[test]
    fn the_tool_and_the_library_have_one_version() {
        let manifest = fs::read_to_string(workspace::root().join("Cargo.toml")).unwrap();
        let pinned = format!("wasm-bindgen = {{ version = \"={}\"", WASM_BINDGEN.version);
        assert!(manifest.contains(&pinned), "`Cargo.toml` does not say `{pinned}`");
    }
}
