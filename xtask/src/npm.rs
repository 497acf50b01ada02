//! The npm package: what wasm-pack makes of the core, with typed entries for browsers, bundlers and Node on top.

use std::{
    env, fs,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value};

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
const MANIFEST: &str = "package.json";
/// Members that the package's manifest has beside those of wasm-pack.
const ADDITIONS: &str = "npm.json";

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
    pack.arg("--out-dir").arg(&package);
    wasm::in_its_folder(&mut pack)?.args(["--", "--locked"]);
    process::run(&mut pack)?;

    add_files(&package)?;
    add_to_manifest(&package)?;
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

/// Add the typed entries and the licences to what wasm-pack has made.
fn add_files(package: &Path) -> Result<()> {
    let root = workspace::root();
    let mut files = vec![root.join("LICENSE-APACHE"), root.join("LICENSE-MIT")];
    for entry in fs::read_dir(root.join(CRATE).join("js"))? {
        files.push(entry?.path());
    }
    for file in files {
        let copy = package.join(file.file_name().unwrap_or_default());
        if copy.exists() {
            bail!("`{}` would replace a file of wasm-pack", file.display());
        }
        fs::copy(file, copy)?;
    }
    Ok(())
}

/// Add the members of `npm.json`, and the files that are not listed yet, to the `package.json` of wasm-pack.
fn add_to_manifest(package: &Path) -> Result<()> {
    let read = |path: &Path| -> Result<Map<String, Value>> {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("`{}` is no JSON", path.display()))
    };
    let path = package.join(MANIFEST);
    let additions = read(&workspace::root().join(CRATE).join(ADDITIONS))?;
    let mut names = Vec::new();
    for entry in fs::read_dir(package)? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    let manifest = with_additions(read(&path)?, additions, names)?;
    fs::write(path, serde_json::to_string_pretty(&manifest)? + "\n")?;
    Ok(())
}

/// Merge without replacing anything but the name, which is that of the crate.
fn with_additions(
    mut manifest: Map<String, Value>,
    additions: Map<String, Value>,
    mut names: Vec<String>,
) -> Result<Map<String, Value>> {
    for (key, value) in additions {
        if let Some(replaced) = manifest.insert(key.clone(), value)
            && key != "name"
        {
            bail!("`{ADDITIONS}` would replace `{key}`, which wasm-pack has written: {replaced}");
        }
    }
    let files = manifest.get_mut("files").and_then(Value::as_array_mut).context("`files` is no list")?;
    names.sort();
    for name in names {
        let is_listed = files.iter().any(|listed| *listed == name);
        if !is_listed && name != MANIFEST && !name.starts_with('.') {
            files.push(name.into());
        }
    }
    Ok(manifest)
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
    use serde_json::json;

    use super::*;

    #[test]
    fn additions_change_nothing_but_the_name() {
        let object = |value: Value| value.as_object().unwrap().clone();
        let made = object(json!({"name": "a-b", "files": ["b.js", "a.wasm"], "main": "b.js"}));
        let additions = object(json!({"name": "c", "engines": {"node": ">=20"}}));
        let names = ["package.json", "b.js", ".gitignore", "a.wasm", "index.js", "LICENSE-MIT"].map(str::to_owned);
        let expected = json!({
            "name": "c",
            "files": ["b.js", "a.wasm", "LICENSE-MIT", "index.js"],
            "main": "b.js",
            "engines": {"node": ">=20"},
        });
        assert_eq!(Value::Object(with_additions(made.clone(), additions, names.into()).unwrap()), expected);
        let error = with_additions(made, object(json!({"main": "c.js"})), Vec::new()).unwrap_err();
        assert!(error.to_string().contains("would replace `main`"), "{error}");
    }

    #[test]
    fn the_tool_and_the_library_have_one_version() {
        let manifest = fs::read_to_string(workspace::root().join("Cargo.toml")).unwrap();
        let pinned = format!("wasm-bindgen = {{ version = \"={}\"", WASM_BINDGEN.version);
        assert!(manifest.contains(&pinned), "`Cargo.toml` does not say `{pinned}`");
    }
}
