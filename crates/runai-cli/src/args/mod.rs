//! Command-line arguments of `runai-step`.

mod cluster;
mod files;
mod local;
mod receipts;

use std::convert::Infallible;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::PossibleValuesParser;
use clap::{Parser, Subcommand, ValueEnum};
use runai_api::name::{MAX_NAME_LENGTH, sanitize};
use runai_spec::Kind;

pub(crate) use self::cluster::{
    ActionArgs, CancelArgs, ConfigArgs, ConfigShowArgs, ConnectArgs, DeleteArgs, DoctorArgs, EventsArgs, LaunchArgs,
    ListArgs, PermissionsArgs, RemoteArgs, ResumeArgs, RunArgs, SnapshotArgs, StatusArgs, SubmitArgs, WaitArgs,
};
pub(crate) use self::files::{CheckArgs, CheckFormat, ExplainArgs, InitArgs, RenderArgs, SchemaArgs};
pub(crate) use self::local::{CompletionsArgs, EditorArgs, LspArgs, ManArgs, SimulateArgs};
pub(crate) use self::receipts::{
    ReceiptsArgs, ReceiptsCommand, ReceiptsListArgs, ReceiptsPruneArgs, ReceiptsRecoverArgs, ReceiptsShowArgs,
};

/// Run steps of machine-learning pipelines on NVIDIA Run:ai GPU clusters.
#[derive(Debug, Parser)]
#[command(
    name = "runai-step",
    version,
    arg_required_else_help = true,
    max_term_width = 100,
    after_help = "\
Examples:
  runai-step init                                create an operator file and a step file
  runai-step run train.runai.yaml --local        run a step on this machine, without a cluster
  runai-step check *.runai.yaml                  find all problems in these files
  runai-step doctor train.runai.yaml             diagnose configuration and permissions
  runai-step run train.runai.yaml                run a step on the cluster and wait for its end

Exit codes: 0 success, 1 invalid file, 2 invalid usage or configuration, 3 not authenticated or not permitted, \
4 not found, 5 rejected by the control plane, 6 control plane unreachable, 7 workload failed, 8 timed out, \
9 stopped by someone else, 101 internal error, 130 interrupted."
)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) verbosity: VerbosityArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Check step, settings, operator and ZenML files.
    Check(CheckArgs),
    /// Print the request for a step.
    Render(RenderArgs),
    /// Run steps and wait for their end.
    Run(RunArgs),
    /// Submit steps and print workload IDs.
    Submit(SubmitArgs),
    /// Show workload status.
    Status(StatusArgs),
    /// Wait for workloads to end.
    Wait(WaitArgs),
    /// Suspend workloads and wait for confirmation.
    Cancel(CancelArgs),
    /// Resume suspended workloads.
    Resume(ResumeArgs),
    /// Delete workloads.
    Delete(DeleteArgs),
    /// List workloads of the project.
    List(ListArgs),
    /// Show Kubernetes events of a workload.
    Events(EventsArgs),
    /// Manage receipts of submissions.
    Receipts(ReceiptsArgs),
    /// Diagnose configuration and permissions.
    Doctor(DoctorArgs),
    /// Show permissions that the service account needs.
    Permissions(PermissionsArgs),
    /// Show configuration values and their sources.
    Config(ConfigShowArgs),
    /// Create an operator file and a step file.
    Init(InitArgs),
    /// Serve a simulated control plane.
    Simulate(SimulateArgs),
    /// Edit settings in the browser.
    Editor(EditorArgs),
    /// Write names and limits for editors.
    Snapshot(SnapshotArgs),
    /// Serve the Language Server Protocol.
    Lsp(LspArgs),
    /// Print a JSON Schema for editors.
    Schema(SchemaArgs),
    /// Explain a rule or a setting.
    Explain(ExplainArgs),
    /// Print shell completions.
    Completions(CompletionsArgs),
    /// Write manual pages.
    Man(ManArgs),
}

/// What is written to stderr.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct VerbosityArgs {
    /// Print only warnings and errors.
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Log client requests; repeat to log everything.
    #[arg(long, short, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Select the log format of `--verbose`.
    #[arg(long, global = true, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) log_format: LogFormat,
}

/// Formats of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    Json,
    #[default]
    Text,
}

/// Output formats of results.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ResultFormat {
    #[default]
    Human,
    // Commands that report several results print one JSON object per line,
    Json,
    // or one YAML document per result.
    Yaml,
}

/// Sources of settings other than the step file.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct SourceArgs {
    /// Override a setting or a part of the step, such as `gpu_portion_request=0.5`, `labels.team=ml` or
    /// `environment.EPOCHS=3`; repeatable.
    #[arg(long, value_name = "KEY=VALUE", value_parser = assignment)]
    pub(crate) set: Vec<Assignment>,
    /// Read environment variables from this file (`NAME=VALUE` lines).
    #[arg(long, value_name = "FILE")]
    pub(crate) env_file: Option<PathBuf>,
    /// Select a step of a ZenML file [default: the first].
    #[arg(long, value_name = "NAME")]
    pub(crate) step: Option<String>,
    /// Override the detected kind of the file.
    #[arg(long, value_parser = kind())]
    pub(crate) kind: Option<Kind>,
    /// Pull private images with this secret.
    #[arg(long, value_name = "NAME")]
    pub(crate) image_pull_secret: Option<String>,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
}

/// A value of `--set`. Its `Debug` does not show the value.
#[derive(Clone)]
pub(crate) struct Assignment {
    /// Its name in messages: `--set gpu_portion_request`.
    pub(crate) name: String,
    pub(crate) key: String,
    pub(crate) value: String,
    /// Why it is malformed. Not a parse error of clap, which would print the value.
    pub(crate) problem: Option<String>,
}

impl fmt::Debug for Assignment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Assignment").field("name", &self.name).finish_non_exhaustive()
    }
}

fn kind() -> impl clap::builder::TypedValueParser<Value = Kind> {
    use clap::builder::TypedValueParser as _;
    PossibleValuesParser::new(["step", "settings", "operator", "zenml"]).try_map(|name| name.parse::<Kind>())
}

/// Parses the exact name of a workload, so that an invalid name is reported for the flag, not for the file.
fn workload_name(text: &str) -> Result<String, String> {
    let bytes = text.as_bytes();
    let is_letter_or_digit = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let fits = bytes.len() <= MAX_NAME_LENGTH
        && bytes.first().is_some_and(u8::is_ascii_lowercase)
        && bytes.last().is_some_and(is_letter_or_digit)
        && bytes.iter().all(|byte| is_letter_or_digit(byte) || *byte == b'-');
    if fits {
        return Ok(text.to_owned());
    }
    let near = sanitize(text);
    let hint = if near.is_empty() { String::new() } else { format!(", such as `{near}`") };
    Err(format!(
        "a workload name has at most {MAX_NAME_LENGTH} lowercase letters, digits and dashes, starts with a letter and does \
         not end with a dash{hint}"
    ))
}

#[expect(clippy::unnecessary_wraps, reason = "a parser of arguments returns a result")]
fn assignment(text: &str) -> Result<Assignment, Infallible> {
    let (key, value) = text.split_once('=').unwrap_or_default();
    let problem = if !text.contains('=') {
        Some("missing `=` in a value of `--set`".to_owned())
    } else if key.is_empty() || key.split('.').any(str::is_empty) {
        Some(format!("empty part in the key `{key}` of `--set`"))
    } else {
        None
    };
    Ok(Assignment { name: format!("--set {key}"), key: key.to_owned(), value: value.to_owned(), problem })
}

/// Parses a run id. It rejects an empty one, such as an unset variable, which would attach every run to one workload.
fn run_id(text: &str) -> Result<String, String> {
    if text.chars().any(char::is_alphanumeric) {
        return Ok(text.to_owned());
    }
    Err("a run id must contain a letter or digit; is a variable unset? In GitHub Actions use \
         \"$GITHUB_RUN_ID-$GITHUB_RUN_ATTEMPT\""
        .to_owned())
}

/// Parses a number of seconds; decimals are allowed.
fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().map_err(|_| "write a number of seconds, such as 90 or 2.5".to_owned())?;
    if seconds < 0.0 {
        return Err("a duration cannot be negative; write a number of seconds, such as 90 or 2.5".to_owned());
    }
    Duration::try_from_secs_f64(seconds)
        .map_err(|_| "duration out of range; write a number of seconds, such as 90".to_owned())
}

/// Parses a timeout: a positive number of seconds.
fn timeout(text: &str) -> Result<Duration, String> {
    let timeout = seconds(text)?;
    if timeout.is_zero() { Err("a timeout must be longer than 0 s".to_owned()) } else { Ok(timeout) }
}
