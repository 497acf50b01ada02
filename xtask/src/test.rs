//! `cargo xtask test`: the test command, for development and CI.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow, bail};
use clap::builder::PossibleValuesParser;

use crate::{
    conformance, ide, links, npm, operations,
    process::{self, cargo},
    purity, reference, repository, schema, setup, snippets, wasm, web, workspace,
};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Run only these steps
    #[arg(value_name = "STEP", value_parser = PossibleValuesParser::new(STEPS.iter().map(|step| step.name)))]
    steps: Vec<String>,

    /// List the steps without running them
    #[arg(long, exclusive = true)]
    list: bool,
}

/// A part of the tests, listed in [`STEPS`].
struct Step {
    name: &'static str,
    /// The condition that the step checks.
    condition: &'static str,
    run: fn() -> Result<()>,
}

/// All steps in the order of execution: fast steps that fail often come first.
const STEPS: [Step; 16] = [
    Step { name: "format", condition: "the code is formatted", run: format },
    Step {
        name: "lint",
        condition: "clippy reports no warnings for any target, nor for the client with fewer features",
        run: lint,
    },
    Step { name: "schema", condition: "schemas and reference pages are up to date", run: schema::check },
    Step { name: "rust", condition: "unit, integration and documentation tests pass", run: rust },
    Step { name: "ide", condition: "editors' language servers work with the schemas", run: ide::test },
    Step { name: "conformance", condition: "the core agrees with ZenML and runapy", run: conformance },
    Step { name: "snippets", condition: "snippets send the body that the core renders", run: snippets::check },
    Step { name: "operations", condition: "the table of API operations matches the SDK", run: operations::check },
    Step { name: "reference", condition: "ZenML and the SDK work with the simulator", run: reference::test },
    Step { name: "fuzz", condition: "fuzz targets pass on all seeds and mutations of them", run: fuzz },
    Step { name: "docs", condition: "the documentation builds and its links resolve", run: docs },
    Step {
        name: "pure",
        condition: "the core has no I/O dependencies, and the client has an HTTP transport only with a feature",
        run: purity::check,
    },
    Step {
        name: "wasm",
        condition: "the npm package passes its tests, fits its size budget and matches native results",
        run: wasm,
    },
    Step {
        name: "web",
        condition: "the browser editor passes its tests in Chromium, and the program serves it",
        run: editor,
    },
    Step { name: "examples", condition: "examples are valid and run", run: examples },
    Step {
        name: "repository",
        condition: "the repository contains no forbidden files or words",
        run: repository::check,
    },
];

/// Runs the named steps, or all, and stops at the first failure.
pub(crate) fn run(args: &Args) -> Result<()> {
    if args.list {
        for Step { name, condition, .. } in &STEPS {
            println!("{name:<11} {condition}");
        }
        return Ok(());
    }
    let named = |step: &&Step| args.steps.is_empty() || args.steps.iter().any(|name| name == step.name);
    let steps: Vec<&Step> = STEPS.iter().filter(named).collect();
    let start = Instant::now();
    for (passed, step) in steps.iter().enumerate() {
        let Step { name, condition, run } = step;
        println!("\n== {name}: {condition}");
        let start = Instant::now();
        if let Err(error) = run() {
            println!("== {name} failed after {}", seconds(start.elapsed()));
            println!("steps: {passed} passed, 1 failed, {} skipped", steps.len() - passed - 1);
            return Err(anyhow!("{error:#}\nhint: run `cargo xtask test {name}` to repeat this step"));
        }
        println!("== {name} passed in {}", seconds(start.elapsed()));
    }
    println!("\ntotal time: {}", seconds(start.elapsed()));
    println!("steps: {} passed, 0 failed", steps.len());
    Ok(())
}

fn format() -> Result<()> {
    process::run(cargo().args(["fmt", "--all", "--check"])).context("the code is not formatted: run `cargo fmt --all`")
}

fn lint() -> Result<()> {
    process::run(cargo().args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))?;
    // Feature sets that the workspace does not build: a custom transport, and a custom crypto provider.
    for features in ["", "client"] {
        let client = ["clippy", "--package", "runai-client", "--no-default-features", "--features", features];
        process::run(cargo().args(client).args(["--", "-D", "warnings"]))?;
    }
    Ok(())
}

fn rust() -> Result<()> {
    println!("testing completions in {}", setup::shells()?);
    println!("testing the language server with {}", setup::neovim()?);
    // `fuzz` is a separate step. `--no-fail-fast` reports failures of all crates.
    process::run(cargo().args(["test", "--workspace", "--exclude", "runai-fuzz", "--no-fail-fast"]))
}

/// `cargo xtask conformance` runs other seeds and more cases.
fn conformance() -> Result<()> {
    conformance::run(&conformance::Args::default())
}

/// `cargo xtask fuzz` runs longer.
fn fuzz() -> Result<()> {
    process::run(cargo().args(["test", "--package", "runai-fuzz"]))
}

fn docs() -> Result<()> {
    links::check()?;
    process::run(cargo().env("RUSTDOCFLAGS", "-D warnings").args(["doc", "--workspace", "--no-deps"]))
}

fn wasm() -> Result<()> {
    wasm::lint()?;
    npm::pack()?;
    npm::test()?;
    npm::check_size()
}

fn editor() -> Result<()> {
    web::test()?;
    // Embed the page that was just built.
    let with_page = ["--package", "runai-cli", "--features", "editor"];
    process::run(cargo().arg("clippy").args(with_page).args(["--all-targets", "--", "-D", "warnings"]))?;
    process::run(cargo().arg("test").args(with_page).args(["--test", "it", "editor"]))
}

fn examples() -> Result<()> {
    // The first command of README.md.
    const TRAIN: &str = "examples/train.runai.yaml";

    let examples = documents(&workspace::root().join("examples"))?;
    if examples.is_empty() {
        bail!("`examples/` contains no settings files");
    }
    process::run(runai_step().arg("check").args(&examples))?;
    for (package, example) in CRATE_EXAMPLES {
        process::run(cargo().args(["run", "--quiet", "--package", package, "--example", example]))?;
    }
    let program = ["run", "--quiet", "--package", "runai-cli", "--example", "check", "--", "check", TRAIN];
    process::run(cargo().args(program))?;
    setup::python()?;
    process::run(runai_step().args(["run", TRAIN, "--local"]))
}

/// Examples of the library crates; none needs a cluster.
const CRATE_EXAMPLES: [(&str, &str); 5] = [
    ("runai-syntax", "edit"),
    ("runai-api", "requests"),
    ("runai-spec", "check"),
    ("runai-client", "follow"),
    ("runai-sim", "serve"),
];

fn runai_step() -> Command {
    let mut cargo = cargo();
    cargo.args(["run", "--quiet", "--package", "runai-cli", "--bin", "runai-step", "--"]);
    cargo
}

/// Returns the settings files in a folder, relative to the workspace.
fn documents(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read `{}`", folder.display()))?;
    let mut documents = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| ["json", "toml", "yaml"].iter().any(|known| extension == *known)) {
            documents.push(path.strip_prefix(workspace::root()).unwrap_or(&path).to_path_buf());
        }
    }
    documents.sort();
    Ok(documents)
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f32())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn step_names_are_unique() {
        for (index, step) in STEPS.iter().enumerate() {
            assert!(STEPS[..index].iter().all(|earlier| earlier.name != step.name), "{}", step.name);
        }
    }
}
