//! The pure crates depend on nothing that knows the clock, the disk, the network, the environment or randomness.
//!
//! Clippy guards the core's own code (`clippy.toml`); this guards what stands behind it. A client whose caller has a
//! transport builds no other one.

use anyhow::{Result, anyhow, bail};

use crate::{
    process::{self, cargo},
    wasm::TARGET,
};

/// The pure crates.
const PACKAGES: [&str; 4] = ["runai-syntax", "runai-api", "runai-spec", "runai-ide"];

/// Crates that the core must not reach, by any way.
const FORBIDDEN: [&str; 41] = [
    // runtimes
    "async-std",
    "mio",
    "rayon",
    "smol",
    "socket2",
    "tokio",
    // network
    "axum",
    "curl",
    "hyper",
    "isahc",
    "native-tls",
    "openssl",
    "quinn",
    "reqwest",
    "ring",
    "rustls",
    "tungstenite",
    "ureq",
    // disk
    "camino-tempfile",
    "dirs",
    "etcetera",
    "ignore",
    "memmap2",
    "notify",
    "tempfile",
    "walkdir",
    // environment and system
    "libc",
    "nix",
    "rustix",
    "windows-sys",
    // clock
    "chrono",
    "jiff",
    "time",
    // randomness
    "fastrand",
    "getrandom",
    "rand",
    "uuid",
    // the browser: the wasm face knows it, the core does not
    "js-sys",
    "wasm-bindgen",
    "web-sys",
    "web-time",
];

/// Crates that the core reaches through one other crate only: `validator` always names `regex`, whose code is left out
/// of a program that has no pattern rule. Used directly it would double the size of the wasm.
const ONLY_BEHIND: [(&str, &str); 1] = [("regex", "validator")];

/// Crates that `runai-client` must not reach without its default features.
const ONLY_BY_FEATURE: [&str; 6] = ["hyper", "reqwest", "ring", "rustls", "rustls-platform-verifier", "tokio-rustls"];

/// Look through the dependencies of the pure crates as they are for wasm32, and of the client without its transport.
pub(crate) fn check() -> Result<()> {
    PACKAGES.into_iter().try_for_each(check_package)?;
    check_client()
}

fn check_client() -> Result<()> {
    let mut tree = cargo();
    tree.args(["tree", "--package", "runai-client", "--no-default-features", "--edges", "normal"]);
    let tree = process::output(tree.args(["--prefix", "depth", "--format", " {p}"]))?;
    let edges = edges(&tree)?;
    let needless = through(&edges, |_, name| ONLY_BY_FEATURE.contains(&name));
    if needless.is_empty() {
        println!("runai-client builds no HTTP client without its default features");
        return Ok(());
    }
    bail!("`runai-client` without its default features depends on:\n  {}", needless.join("\n  "))
}

fn check_package(package: &str) -> Result<()> {
    let mut tree = cargo();
    tree.args(["tree", "--package", package, "--target", TARGET, "--edges", "normal,no-proc-macro"]);
    let tree = process::output(tree.args(["--prefix", "depth", "--format", " {p}"]))?;
    let edges = edges(&tree)?;
    let impure = impure(&edges);
    if impure.is_empty() {
        println!("{package} depends on nothing that does I/O ({} dependencies looked at)", edges.len());
        return Ok(());
    }
    bail!(
        "the pure crate `{package}` depends on what it must not know:\n  {}\nhint: `cargo tree --package {package} \
         --target {TARGET} --edges normal --invert CRATE` shows how",
        impure.join("\n  ")
    )
}

/// A crate and one of its dependencies.
type Edge<'a> = (&'a str, &'a str);

/// Read a tree whose lines are a depth, a name and more. A crate's dependencies are listed where it stands first.
fn edges(tree: &str) -> Result<Vec<Edge<'_>>> {
    let mut branch: Vec<&str> = Vec::new();
    let mut edges = Vec::new();
    for line in tree.lines().filter(|line| !line.is_empty()) {
        let mut words = line.split_whitespace();
        let depth = words.next().and_then(|depth| depth.parse::<usize>().ok());
        let (Some(depth), Some(name)) = (depth, words.next()) else {
            return Err(anyhow!("`cargo tree` printed a line that is no dependency: {line}"));
        };
        branch.truncate(depth);
        if let Some(parent) = branch.last() {
            edges.push((*parent, name));
        }
        branch.push(name);
    }
    Ok(edges)
}

fn impure(edges: &[Edge<'_>]) -> Vec<String> {
    through(edges, |parent, name| {
        FORBIDDEN.contains(&name) || ONLY_BEHIND.iter().any(|&(inner, outer)| inner == name && outer != parent)
    })
}

/// The refused dependencies, each with the crate that names it.
fn through(edges: &[Edge<'_>], is_refused: impl Fn(&str, &str) -> bool) -> Vec<String> {
    let refused = edges.iter().filter(|(parent, name)| is_refused(parent, name));
    refused.map(|(parent, name)| format!("{name} (through {parent})")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(tree: &str) -> Vec<String> {
        impure(&edges(tree).unwrap())
    }

    #[test]
    fn a_forbidden_crate_is_found_at_any_depth() {
        let tree = "0 runai-spec v0.1.0 (/src)\n1 a v1.0.0\n2 getrandom v0.3.0\n1 b v1.0.0\n2 tokio v1.0.0 (*)";
        assert_eq!(refused(tree), ["getrandom (through a)", "tokio (through b)"]);
    }

    #[test]
    fn regex_is_allowed_behind_validator_only() {
        let behind = "0 runai-spec v0.1.0\n1 validator v0.21.0\n2 regex v1.13.2\n3 regex-automata v0.4.19";
        assert!(refused(behind).is_empty());
        assert_eq!(refused(&format!("{behind}\n1 regex v1.13.2 (*)")), ["regex (through runai-spec)"]);
    }

    #[test]
    fn another_kind_of_output_is_no_pass() {
        assert!(edges("runai-spec v0.1.0\n├── serde v1.0.0").is_err());
    }
}
