//! Tests of the program: exit code, stdout and stderr.
#![expect(clippy::unwrap_used, reason = "a test that cannot continue has failed")]

mod campaign;
mod check;
mod cluster;
mod config;
mod credentials;
mod describe;
mod docs;
mod doctor;
mod editor;
mod explain;
mod failures;
mod fix;
mod help;
mod hooks;
mod hostile;
mod init;
mod launch;
mod lsp;
mod neovim;
mod orphans;
mod permissions;
mod receipts;
mod render;
mod run;
mod sarif;
mod schema;
mod secrets;
mod simulate;
mod snapshot;
mod terminal;
mod unconfirmed;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// A temporary folder for a test, without any configuration.
struct Scratch(TempDir);

impl Scratch {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) -> &Self {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self
    }

    /// Returns a command of the program without the environment of the test.
    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_runai-step"));
        command
            .args(args)
            .current_dir(self.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.path().join("home"))
            .stdin(Stdio::null());
        command
    }

    fn run(&self, args: &[&str]) -> String {
        shown(&self.command(args).output().unwrap())
    }

    fn run_with_input(&self, args: &[&str], input: &str) -> String {
        let mut child =
            self.command(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        shown(&child.wait_with_output().unwrap())
    }
}

/// Returns exit code, stdout and stderr as one text.
fn shown(output: &Output) -> String {
    let stream = |name: &str, bytes: &[u8]| match String::from_utf8_lossy(bytes).trim_end() {
        "" => String::new(),
        text => format!("--- {name}\n{text}\n"),
    };
    let code = output.status.code().map_or("none".to_owned(), |code| code.to_string());
    format!("exit {code}\n{}{}", stream("stdout", &output.stdout), stream("stderr", &output.stderr))
}

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples")
}
