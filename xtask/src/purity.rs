//! Checks that the pure crates have no dependency that uses the clock, disk, network, environment or randomness.
//!
//! Clippy checks the core's own code (`clippy.toml`); this checks its dependencies. It also checks that the client has no
//! HTTP transport without its default features.

use anyhow::{Result, anyhow, bail};

use crate::{
    process::{self, cargo},
    wasm::TARGET,
};

/// The pure crates.
const PACKAGES: [&str; 4] = ["runai-syntax", "runai-api", "runai-spec", "runai-ide"];

/// Crates that the core must not depend on, directly or indirectly.
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
    // browser: allowed in `runai-wasm` only
    "js-sys",
    "wasm-bindgen",
    "web-sys",
    "web-time",
];

/// Crates that are allowed only as a dependency of one other crate. `validator` always depends on `regex`, whose code the
/// linker drops unless a pattern rule uses it. Used directly it would double the size of the wasm module.
const ONLY_THROUGH: [(&str, &str); 1] = [("regex", "validator")];

/// Crates that `runai-client` must not depend on without its default features.
const ONLY_BY_FEATURE: [&str; 6] = ["hyper", "reqwest", "ring", "rustls", "rustls-platform-verifier", "tokio-rustls"];

/// Checks the dependencies of the pure crates for wasm32, and of the client without default features.
pub(crate) fn check() -> Result<()> {
    PACKAGES.into_iter().try_for_each(check_package)?;
    check_client()
}

fn check_client() -> Result<()> {
    let mut tree = cargo();
    tree.args(["tree", "--package", "runai-client", "--no-default-features", "--edges", "normal"]);
    let tree = process::output(tree.args(["--prefix", "depth", "--format", " {p}"]))?;
    let edges = edges(&tree)?;
    let forbidden = through(&edges, |_, name| ONLY_BY_FEATURE.contains(&name));
    if forbidden.is_empty() {
        println!("runai-client has no HTTP client without its default features");
        return Ok(());
    }
    bail!("`runai-client` without its default features depends on:\n  {}", forbidden.join("\n  "))
}

fn check_package(package: &str) -> Result<()> {
    let mut tree = cargo();
    tree.args(["tree", "--package", package, "--target", TARGET, "--edges", "normal,no-proc-macro"]);
    let tree = process::output(tree.args(["--prefix", "depth", "--format", " {p}"]))?;
    let edges = edges(&tree)?;
    let impure = impure(&edges);
    if impure.is_empty() {
        println!("{package} has no I/O dependencies ({} checked)", edges.len());
        return Ok(());
    }
    bail!(
        "forbidden dependencies of the pure crate `{package}`:\n  {}\nhint: run `cargo tree --package {package} \
         --target {TARGET} --edges normal --invert CRATE`",
        impure.join("\n  ")
    )
}

/// A crate and one of its dependencies.
type Edge<'a> = (&'a str, &'a str);

/// Parses lines of depth and name. A crate's dependencies are listed at its first occurrence.
fn edges(tree: &str) -> Result<Vec<Edge<'_>>> {
    let mut branch: Vec<&str> = Vec::new();
    let mut edges = Vec::new();
    for line in tree.lines().filter(|line| !line.is_empty()) {
        let mut words = line.split_whitespace();
        let depth = words.next().and_then(|depth| depth.parse::<usize>().ok());
        let (Some(depth), Some(name)) = (depth, words.next()) else {
            return Err(anyhow!("unexpected line from `cargo tree`: {line}"));
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
        FORBIDDEN.contains(&name) || ONLY_THROUGH.iter().any(|&(inner, outer)| inner == name && outer != parent)
    })
}

/// Returns the forbidden dependencies, each with the crate that depends on it.
fn through(edges: &[Edge<'_>], is_forbidden: impl Fn(&str, &str) -> bool) -> Vec<String> {
    let forbidden = edges.iter().filter(|(parent, name)| is_forbidden(parent, name));
    forbidden.map(|(parent, name)| format!("{name} (through {parent})")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forbidden(tree: &str) -> Vec<String> {
        impure(&edges(tree).unwrap())
    }

    #[test]
    fn finds_indirect_dependencies() {
        let tree = "0 runai-spec v0.1.0 (/src)\n1 a v1.0.0\n2 getrandom v0.3.0\n1 b v1.0.0\n2 tokio v1.0.0 (*)";
        assert_eq!(forbidden(tree), ["getrandom (through a)", "tokio (through b)"]);
    }

    #[test]
    fn allows_regex_through_validator() {
        let behind = "0 runai-spec v0.1.0\n1 validator v0.21.0\n2 regex v1.13.2\n3 regex-automata v0.4.19";
        assert!(forbidden(behind).is_empty());
        assert_eq!(forbidden(&format!("{behind}\n1 regex v1.13.2 (*)")), ["regex (through runai-spec)"]);
    }

    #[test]
    fn rejects_unexpected_output() {
        assert!(edges("runai-spec v0.1.0\n├── serde v1.0.0").is_err());
    }
}
