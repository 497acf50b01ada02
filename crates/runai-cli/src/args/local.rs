//! Arguments of the commands that serve or describe this program.

use std::net::IpAddr;
use std::path::PathBuf;

use clap_complete::Shell;

/// `runai-step simulate`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  runai-step simulate
  runai-step simulate --port 8080 --speed 60
  runai-step simulate --exec --scenario busy-cluster.toml

Prints one line of JSON when it is ready: base_url, client_id, client_secret, project, cluster.
A page at base_url shows nodes and workloads. With --exec, commands run in the working directory.
Exit code: 0 stopped, 2 invalid usage or failed start.")]
pub(crate) struct SimulateArgs {
    /// Listen on this port [default: a free port].
    #[arg(long, value_name = "PORT", default_value_t = 0, hide_default_value = true)]
    pub(crate) port: u16,
    /// Listen on this address, open to everyone who reaches it.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub(crate) host: IpAddr,
    /// Run commands as processes of this machine.
    #[arg(long)]
    pub(crate) exec: bool,
    /// Pass the whole environment, including credentials, to commands.
    #[arg(long, requires = "exec")]
    pub(crate) inherit_env: bool,
    /// Run simulated time FACTOR times faster.
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0)]
    pub(crate) speed: f64,
    /// Reject requests that the API description leaves undefined.
    #[arg(long)]
    pub(crate) strict: bool,
    /// Load the scenario from a TOML or JSON file.
    #[arg(long, value_name = "FILE")]
    pub(crate) scenario: Option<PathBuf>,
}

/// `runai-step editor`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  runai-step editor
  runai-step editor train.runai.yaml

Serves the page on localhost and prints its address. With a file, the page opens it and saves it.
Exit code: 0 stopped, 2 invalid usage, or a build without the page.")]
pub(crate) struct EditorArgs {
    /// Open this file, and create it when saving.
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// Listen on this port [default: a free port].
    #[arg(long, value_name = "PORT", default_value_t = 0, hide_default_value = true)]
    pub(crate) port: u16,
}

/// `runai-step lsp`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  runai-step lsp

Speaks the Language Server Protocol 3.17 over stdin and stdout; docs/editors.md shows how editors start it.
Reads operator files and the facts file of `runai-step snapshot`. Runs no command and uses no network.
Exit code: 0 the client shut it down, 1 the client left without shutting it down.")]
pub(crate) struct LspArgs {
    /// Use stdin and stdout, which is the only transport.
    #[arg(long)]
    pub(crate) stdio: bool,
}

/// `runai-step completions`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  runai-step completions bash > ~/.local/share/bash-completion/completions/runai-step
  runai-step completions zsh > ~/.zfunc/_runai-step
  runai-step completions fish > ~/.config/fish/completions/runai-step.fish")]
pub(crate) struct CompletionsArgs {
    /// Select the shell.
    #[arg(value_name = "SHELL", value_enum)]
    pub(crate) shell: Shell,
}

/// `runai-step man`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  runai-step man ~/.local/share/man/man1")]
pub(crate) struct ManArgs {
    /// Write one page per command into this folder [default: print the main page].
    #[arg(value_name = "FOLDER")]
    pub(crate) folder: Option<PathBuf>,
}
