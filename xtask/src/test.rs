//! `cargo xtask test`: the one test command, on a person's machine as in CI.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow, bail};
use clap::builder::PossibleValuesParser;

use crate::{
    conformance, ide, links, npm, operations, peers,
    process::{self, cargo},
    purity, repository, schema, setup, snippets, wasm, web, workspace,
};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Run these steps only
    #[arg(value_name = "STEP", value_parser = PossibleValuesParser::new(STEPS.iter().map(|step| step.name)))]
    steps: Vec<String>,

    /// Say what the steps are, and run none
    #[arg(long, exclusive = true)]
    list: bool,
}

/// One part of the tests. A new one is one more entry of [`STEPS`].
struct Step {
    name: &'static str,
    /// What holds when the step has passed.
    holds: &'static str,
    run: fn() -> Result<()>,
}

/// Every step, in the order of running: what fails fast and often first.
const STEPS: [Step; 16] = [
    Step { name: "format", holds: "the code is formatted", run: format },
    Step {
        name: "lint",
        holds: "clippy has nothing to say about any target, or about the client with fewer features",
        run: lint,
    },
    Step { name: "schema", holds: "schemas and reference are what the declarations make", run: schema::check },
    Step { name: "rust", holds: "unit, integration and documentation tests pass", run: rust },
    Step { name: "ide", holds: "editors' own servers understand the schemas", run: ide::test },
    Step { name: "conformance", holds: "the core and its Python peers agree", run: conformance },
    Step { name: "snippets", holds: "programs and commands say what the core renders", run: snippets::check },
    Step { name: "operations", holds: "the table of the API's operations is the SDK's", run: operations::check },
    Step { name: "peers", holds: "the peers' own clients work against the simulator", run: peers::test },
    Step { name: "fuzz", holds: "no seed and no mutation of one breaks a fuzz target", run: fuzz },
    Step { name: "docs", holds: "the documentation builds, and all links lead somewhere", run: docs },
    Step {
        name: "pure",
        holds: "the core depends on nothing that does I/O, the client on no transport but by a feature",
        run: purity::check,
    },
    Step { name: "wasm", holds: "the npm package is sound, small, and gives what the core gives natively", run: wasm },
    Step {
        name: "web",
        holds: "the browser editor does in Chromium what it promises, and the program serves it",
        run: editor,
    },
    Step {
        name: "examples",
        holds: "every example is valid, the first one trains, and those of the crates run",
        run: examples,
    },
    Step { name: "repository", holds: "nothing lies in the repository that must not", run: repository::check },
];

/// Run the named steps, or all, and stop at the first that fails.
pub(crate) fn run(args: &Args) -> Result<()> {
    if args.list {
        for Step { name, holds, .. } in &STEPS {
            println!("{name:<11} {holds}");
        }
        return Ok(());
    }
    let named = |step: &&Step| args.steps.is_empty() || args.steps.iter().any(|name| name == step.name);
    let steps: Vec<&Step> = STEPS.iter().filter(named).collect();
    let start = Instant::now();
    for (passed, step) in steps.iter().enumerate() {
        let Step { name, holds, run } = step;
        println!("\n== {name}: {holds}");
        let start = Instant::now();
        if let Err(error) = run() {
            println!("== {name} failed after {}", seconds(start.elapsed()));
            println!("steps: {passed} passed, 1 failed, {} skipped", steps.len() - passed - 1);
            return Err(anyhow!("{error:#}\nhint: `cargo xtask test {name}` repeats just this step"));
        }
        println!("== {name} passed in {}", seconds(start.elapsed()));
    }
    println!("\nall in {}", seconds(start.elapsed()));
    println!("steps: {} passed, 0 failed", steps.len());
    Ok(())
}

fn format() -> Result<()> {
    process::run(cargo().args(["fmt", "--all", "--check"])).context("the code is not formatted: run `cargo fmt --all`")
}

fn lint() -> Result<()> {
    process::run(cargo().args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))?;
    // A caller with a transport, and one with a crypto provider: the workspace itself builds neither.
    for features in ["", "client"] {
        let client = ["clippy", "--package", "runai-client", "--no-default-features", "--features", features];
        process::run(cargo().args(client).args(["--", "-D", "warnings"]))?;
    }
    Ok(())
}

fn rust() -> Result<()> {
    println!("completions are tried in {}", setup::shells()?);
    println!("the language server is tried with {}", setup::neovim()?);
    // Plain cargo, which every machine has; `fuzz` is a step of its own. One failure does not hide those of the next crate.
    process::run(cargo().args(["test", "--workspace", "--exclude", "runai-fuzz", "--no-fail-fast"]))
}

/// Other seeds and more cases are `cargo xtask conformance`.
fn conformance() -> Result<()> {
    conformance::run(&conformance::Args::default())
}

/// The long runs are `cargo xtask fuzz`.
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
    npm::weigh()
}

fn editor() -> Result<()> {
    web::test()?;
    // With the page that was just built inside.
    let with_page = ["--package", "runai-cli", "--features", "editor"];
    process::run(cargo().arg("clippy").args(with_page).args(["--all-targets", "--", "-D", "warnings"]))?;
    process::run(cargo().arg("test").args(with_page).args(["--test", "it", "editor"]))
}

fn examples() -> Result<()> {
    // The first command of README.md.
    const TRAIN: &str = "examples/train.runai.yaml";

    let examples = documents(&workspace::root().join("examples"))?;
    if examples.is_empty() {
        bail!("`examples/` holds no settings");
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

/// The examples of the libraries; none needs a cluster.
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

/// The settings in a folder, of whatever kind, by their names relative to the workspace.
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
    fn every_step_has_a_name_of_its_own() {
        for (index, step) in STEPS.iter().enumerate() {
            assert!(STEPS[..index].iter().all(|earlier| earlier.name != step.name), "{}", step.name);
        }
    }
}
