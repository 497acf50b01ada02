//! Builds the npm package: wasm-pack's output with typed entry points for browsers, bundlers and Node.

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

/// Maximum size of the code that a page fetches, in bytes, compressed with brotli.
const BUDGET: usize = 262_000;

/// Folder of the package inside the target folder.
const FOLDER: &str = "npm/runai-spec";
const CRATE: &str = "crates/runai-wasm";
const MODULE: &str = "runai_wasm_bg.wasm";
const MANIFEST: &str = "package.json";
/// Additional members of the package's manifest.
const ADDITIONS: &str = "npm.json";

/// A program that is built from its crate if it is missing.
struct Tool {
    name: &'static str,
    package: &'static str,
    /// For `wasm-bindgen`, must equal the library's version in the lock file.
    version: &'static str,
    /// Whether the crate contains a lock file.
    locked: bool,
}

const WASM_PACK: Tool = Tool { name: "wasm-pack", package: "wasm-pack", version: "0.15.1", locked: true };
const WASM_BINDGEN: Tool =
    Tool { name: "wasm-bindgen", package: "wasm-bindgen-cli", version: "0.2.130", locked: false };

/// Builds the package and fails if it exceeds its size budget.
pub(crate) fn build() -> Result<()> {
    pack()?;
    check_size()
}

/// Builds the package.
pub(crate) fn pack() -> Result<()> {
    let toolchain = Toolchain::find_or_build()?;
    println!("toolchain for {}: {}", wasm::TARGET, toolchain.describe());
    let bin = [WASM_PACK, WASM_BINDGEN].iter().map(Tool::folder).collect::<Result<Vec<_>>>()?;
    let package = folder()?;
    workspace::remove_folder(&package)?;

    let mut pack = toolchain.command("wasm-pack");
    let before = pack.get_envs().find(|(name, _)| *name == "PATH").and_then(|(_, value)| value.map(ToOwned::to_owned));
    let before = before.or_else(|| env::var_os("PATH")).unwrap_or_default();
    // The tools precede the system's programs; the compiler precedes both.
    pack.env("PATH", env::join_paths(bin.into_iter().chain(env::split_paths(&before)))?);
    pack.args(["build", CRATE, "--mode", "no-install", "--target", "bundler", "--profile", "wasm"]);
    pack.arg("--out-dir").arg(&package);
    wasm::in_wasm_folder(&mut pack)?.args(["--", "--locked"]);
    process::run(&mut pack)?;

    add_files(&package)?;
    add_to_manifest(&package)?;
    println!("built the package in {}", package.display());
    Ok(())
}

/// Runs the package's tests in Node. [`pack`] must have run.
pub(crate) fn test() -> Result<()> {
    let package = folder()?;
    process::output(command("node").arg("--version"))
        .context("cannot run Node: install it (on Debian: `apt-get install nodejs npm`)")?;
    // The native program, to compare results.
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

/// Returns the path of the built package.
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
    /// Returns the folder of the program in this version. Builds the program if it is missing.
    fn folder(&self) -> Result<PathBuf> {
        let home = workspace::target_dir()?.join("tools");
        let bin = home.join("bin");
        let paths = env::var_os("PATH").unwrap_or_default();
        let places = [bin.clone()].into_iter().chain(env::split_paths(&paths));
        if let Some(place) = places.into_iter().find(|place| self.is_installed(place)) {
            return Ok(place);
        }
        println!("note: building {} {} into {}", self.package, self.version, home.display());
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

    fn is_installed(&self, folder: &Path) -> bool {
        let program = folder.join(format!("{}{}", self.name, env::consts::EXE_SUFFIX));
        let version = || process::output(Command::new(&program).arg("--version"));
        program.exists() && version().is_ok_and(|output| output.split(' ').nth(1) == Some(self.version))
    }
}

/// Adds the typed entry points and the licenses to wasm-pack's output.
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

/// Adds the members of `npm.json` and unlisted files to wasm-pack's `package.json`.
fn add_to_manifest(package: &Path) -> Result<()> {
    let read = |path: &Path| -> Result<Map<String, Value>> {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("`{}` is not valid JSON", path.display()))
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

/// Merges additions. Fails if one would replace a member other than the name.
fn with_additions(
    mut manifest: Map<String, Value>,
    additions: Map<String, Value>,
    mut names: Vec<String>,
) -> Result<Map<String, Value>> {
    for (key, value) in additions {
        if let Some(replaced) = manifest.insert(key.clone(), value)
            && key != "name"
        {
            bail!("`{ADDITIONS}` would replace `{key}` of wasm-pack: {replaced}");
        }
    }
    let files = manifest.get_mut("files").and_then(Value::as_array_mut).context("`files` is not a list")?;
    names.sort();
    for name in names {
        let is_listed = files.iter().any(|listed| *listed == name);
        if !is_listed && name != MANIFEST && !name.starts_with('.') {
            files.push(name.into());
        }
    }
    Ok(manifest)
}

/// Prints the size of each file and fails if the total exceeds the budget.
pub(crate) fn check_size() -> Result<()> {
    let package = folder()?;
    let mut total = 0;
    println!("{:<22} {:>9} {:>9}", "", "bytes", "brotli");
    // The files that a browser fetches.
    for name in [MODULE, "runai_wasm_bg.js", "core.js", "index.js"] {
        let bytes = fs::read(package.join(name))?;
        let compressed = brotli(&bytes)?;
        println!("{name:<22} {:>9} {compressed:>9}", bytes.len());
        total += compressed;
    }
    println!("{:<22} {:>9} {total:>9} of {BUDGET}", "total", "");
    if total > BUDGET {
        bail!("the package has {total} bytes, more than its budget of {BUDGET} bytes (`BUDGET` in xtask/src/npm.rs)");
    }
    Ok(())
}

/// Returns the size of `bytes` compressed with brotli.
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
    fn additions_replace_only_the_name() {
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
    fn wasm_bindgen_versions_match() {
        let manifest = fs::read_to_string(workspace::root().join("Cargo.toml")).unwrap();
        let pinned = format!("wasm-bindgen = {{ version = \"={}\"", WASM_BINDGEN.version);
        assert!(manifest.contains(&pinned), "`Cargo.toml` does not contain `{pinned}`");
    }
}
