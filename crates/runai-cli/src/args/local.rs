//! Words of the commands that serve or describe this program itself.

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

Prints one line of JSON once it serves: base_url, client_id, client_secret, project, cluster.
A page at base_url shows nodes and workloads.
Exit code: 0 it was stopped, 2 wrong usage, or it could not start.")]
pub(crate) struct SimulateArgs {
    /// Port to listen on; without it, one that is free.
    #[arg(long, value_name = "PORT", default_value_t = 0, hide_default_value = true)]
    pub(crate) port: u16,
    /// Address to listen on; everyone who reaches it can use the simulator.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub(crate) host: IpAddr,
    /// Really run commands, as processes of this machine, in the working directory.
    #[arg(long)]
    pub(crate) exec: bool,
    /// Let commands see the whole environment, credentials in it too.
    #[arg(long, requires = "exec")]
    pub(crate) inherit_env: bool,
    /// How many times as fast as real time simulated time passes.
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0)]
    pub(crate) speed: f64,
    /// Refuse what the API's description leaves open, instead of accepting it with a warning.
    #[arg(long)]
    pub(crate) strict: bool,
    /// Scenario: nodes, projects, accounts, templates, a policy, and what goes wrong. TOML by its ending, else JSON.
    #[arg(long, value_name = "FILE")]
    pub(crate) scenario: Option<PathBuf>,
}

/// `runai-step editor`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  runai-step editor
  runai-step editor train.runai.yaml

Serves the page on this machine alone, and prints its address. With a file, the page opens it and saves it.
Exit code: 0 it was stopped; 2 wrong usage, or this program was built without the page.")]
pub(crate) struct EditorArgs {
    /// File to open and save; it is made when it is saved for the first time.
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// Port to listen on; without it, one that is free.
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
    /// Which shell.
    #[arg(value_name = "SHELL", value_enum)]
    pub(crate) shell: Shell,
}

/// `runai-step man`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  runai-step man ~/.local/share/man/man1")]
pub(crate) struct ManArgs {
    /// Folder to write the pages into, one for each command; without it, the page of the program itself is printed.
    #[arg(value_name = "FOLDER")]
    pub(crate) folder: Option<PathBuf>,
}
