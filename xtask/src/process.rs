//! Runs other programs: prints the command line, and names the command in errors.

use std::{
    env,
    ffi::OsStr,
    io,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Result, anyhow, bail};

use crate::workspace;

/// Returns a command for the cargo that started this program, in the workspace root.
pub(crate) fn cargo() -> Command {
    let mut command = command(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    unset_variables(&mut command, describes_this_package);
    command
}

/// Returns a command that runs in the workspace root without standard input, so that a task behaves the same at a
/// terminal and in CI.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(workspace::root()).stdin(Stdio::null());
    command
}

/// Prints the command line, runs it, and fails unless it succeeds.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    println!("$ {}", shown(command));
    let status = command.status().map_err(|error| not_started(command, &error))?;
    if !status.success() {
        bail!("`{}` failed with {status}", named(command));
    }
    Ok(())
}

/// Returns the command's stdout without the final line end. Does not print the command line.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command.output().map_err(|error| not_started(command, &error))?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        bail!("`{}` failed with {}\n{}", named(command), output.status, stderr.trim_end());
    }
    let text = String::from_utf8(output.stdout);
    let text = text.map_err(|_| anyhow!("`{}` printed invalid UTF-8", named(command)))?;
    Ok(text.trim_end().to_owned())
}

/// Removes variables of the current toolchain, so that a child can use another one.
pub(crate) fn unset_toolchain(command: &mut Command) {
    unset_variables(command, |name| describes_this_package(name) || chooses_a_toolchain(name));
}

fn unset_variables(command: &mut Command, unwanted: impl Fn(&str) -> bool) {
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(&unwanted) {
            command.env_remove(name);
        }
    }
}

/// Returns whether `cargo run` sets the variable to describe the package. Build scripts that watch such variables, like
/// ring's, would rerun whenever a build switches between `cargo xtask` and plain cargo.
fn describes_this_package(name: &str) -> bool {
    name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") || name == "CARGO_BIN_NAME"
}

fn chooses_a_toolchain(name: &str) -> bool {
    const NAMES: [&str; 15] = [
        "CARGO",
        "CARGO_BUILD_RUSTC",
        "CARGO_BUILD_RUSTFLAGS",
        "CARGO_BUILD_TARGET",
        "CARGO_ENCODED_RUSTFLAGS",
        "CARGO_TARGET_DIR",
        "LD_LIBRARY_PATH",
        "RUSTC",
        "RUSTC_BOOTSTRAP",
        "RUSTC_WORKSPACE_WRAPPER",
        "RUSTC_WRAPPER",
        "RUSTDOC",
        "RUSTDOCFLAGS",
        "RUSTFLAGS",
        "SYSROOT",
    ];
    NAMES.contains(&name)
        || name.starts_with("RUSTUP_TOOLCHAIN")
        || name.starts_with("CARGO_PROFILE_")
        || name.starts_with("CARGO_TARGET_WASM32_")
}

fn not_started(command: &Command, error: &io::Error) -> anyhow::Error {
    let program = command.get_program().display();
    match error.kind() {
        io::ErrorKind::NotFound => anyhow!("cannot start `{program}`: program not found"),
        _ => anyhow!("cannot start `{program}`: {error}"),
    }
}

/// Returns the command line to print: variables, the program's file name, quoted arguments.
fn shown(command: &Command) -> String {
    let variables = command.get_envs().filter_map(|(name, value)| {
        let value = value?.to_string_lossy();
        match name.to_str()? {
            "PATH" => None,
            // Print as `RUSTFLAGS`, because the separator of this variable is not printable.
            "CARGO_ENCODED_RUSTFLAGS" => Some(format!("RUSTFLAGS={}", quoted(&value.replace('\x1f', " ")))),
            name => Some(format!("{name}={}", quoted(&value))),
        }
    });
    variables.chain([named(command)]).collect::<Vec<_>>().join(" ")
}

/// Returns the command line without variables.
fn named(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let program = program.file_name().unwrap_or(program.as_os_str());
    let words = [program].into_iter().chain(command.get_args());
    words.map(|word| quoted(&word.to_string_lossy())).collect::<Vec<_>>().join(" ")
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:=,@+%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_arguments() {
        let mut command = command("/usr/bin/cargo");
        command.env("RUSTDOCFLAGS", "-D warnings").env("PATH", "/somewhere").env_remove("RUSTFLAGS");
        command.args(["doc", "it's", ""]);
        assert_eq!(shown(&command), r"RUSTDOCFLAGS='-D warnings' cargo doc 'it'\''s' ''");
    }

    #[test]
    fn decodes_encoded_flags() {
        let mut command = command("cargo");
        command.env("CARGO_ENCODED_RUSTFLAGS", "-Cpanic=abort\x1f-Clto").arg("build");
        assert_eq!(shown(&command), "RUSTFLAGS='-Cpanic=abort -Clto' cargo build");
    }

    #[test]
    fn names_missing_program() {
        let error = run(&mut command("no-such-program-anywhere")).unwrap_err();
        assert_eq!(error.to_string(), "cannot start `no-such-program-anywhere`: program not found");
    }
}
