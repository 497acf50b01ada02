//! The words that `runai-step` understands.

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
    ActArgs, CancelArgs, ConfigArgs, ConfigShowArgs, ConnectArgs, DeleteArgs, DoctorArgs, EventsArgs, LaunchArgs,
    ListArgs, PermissionsArgs, ReachArgs, ResumeArgs, RunArgs, SnapshotArgs, StatusArgs, SubmitArgs, WaitArgs,
};
pub(crate) use self::files::{CheckArgs, CheckFormat, ExplainArgs, InitArgs, RenderArgs, SchemaArgs};
pub(crate) use self::local::{CompletionsArgs, EditorArgs, LspArgs, ManArgs, SimulateArgs};
pub(crate) use self::receipts::{
    ReceiptsArgs, ReceiptsCommand, ReceiptsListArgs, ReceiptsPruneArgs, ReceiptsRecoverArgs, ReceiptsShowArgs,
};

/// Put steps of machine-learning pipelines on NVIDIA Run:ai GPU clusters.
#[derive(Debug, Parser)]
#[command(
    name = "runai-step",
    version,
    arg_required_else_help = true,
    max_term_width = 100,
    after_help = "\
Examples:
  runai-step init                                write an operator file and a step file to begin with
  runai-step run train.runai.yaml --local        run a step on this machine, without any cluster
  runai-step check *.runai.yaml                  find every problem in these files
  runai-step doctor train.runai.yaml             find out what would keep the step from running
  runai-step run train.runai.yaml                run it on the cluster, and follow it to its end

Exit codes: 0 success, 1 the file has errors, 2 wrong usage or configuration, 3 not authenticated or not permitted, \
4 not found, 5 refused by the control plane, 6 control plane unreachable, 7 the workload failed, 8 timed out, \
9 stopped by someone else, 101 internal error, 130 interrupted."
)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) talk: TalkArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Find every problem in step files, settings, operator files and ZenML run configurations.
    Check(CheckArgs),
    /// Show the request that would be sent for a step.
    Render(RenderArgs),
    /// Run steps and follow them to their end.
    Run(RunArgs),
    /// Submit steps.
    Submit(SubmitArgs),
    /// Show workload status.
    Status(StatusArgs),
    /// Follow workloads to their end.
    Wait(WaitArgs),
    /// Suspend workloads, and wait until they are.
    Cancel(CancelArgs),
    /// Resume suspended workloads.
    Resume(ResumeArgs),
    /// Delete workloads.
    Delete(DeleteArgs),
    /// List the workloads of the project.
    List(ListArgs),
    /// Show what happened to a workload, the newest last.
    Events(EventsArgs),
    /// List, show, recover and prune receipts of submissions.
    Receipts(ReceiptsArgs),
    /// Diagnose what would prevent a step from running.
    Doctor(DoctorArgs),
    /// Show the least that the service account has to be allowed.
    Permissions(PermissionsArgs),
    /// Show every value of the configuration, and where it came from.
    Config(ConfigShowArgs),
    /// Write an operator file and a step file to begin with.
    Init(InitArgs),
    /// Serve a simulated control plane until it is stopped.
    Simulate(SimulateArgs),
    /// Edit settings in the browser, served from this program.
    Editor(EditorArgs),
    /// Write the names and limits of a control plane for editors.
    Snapshot(SnapshotArgs),
    /// Serve editors by the Language Server Protocol.
    Lsp(LspArgs),
    /// Print a JSON Schema for editors and validators.
    Schema(SchemaArgs),
    /// Explain a rule or a setting, or list them all.
    Explain(ExplainArgs),
    /// Print the completions of a shell.
    Completions(CompletionsArgs),
    /// Write the manual pages.
    Man(ManArgs),
}

/// How much is said on standard error, and how.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct TalkArgs {
    /// Say nothing but errors.
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Log what the client does; twice, everything.
    #[arg(long, short, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// How `--verbose` writes its log; `json` is an object a line.
    #[arg(long, global = true, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) log_format: LogFormat,
}

/// How a log is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    Json,
    #[default]
    Text,
}

/// How a command writes its result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ResultFormat {
    #[default]
    Human,
    // Where results come one by one, each is an object on a line of its own,
    Json,
    // or a document of its own.
    Yaml,
}

/// Where settings come from beside the file.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct SourceArgs {
    /// Override one value: a setting (`gpu_portion_request=0.5`), a part of one (`labels.team=ml`), or a part of the step
    /// (`image=…`, `environment.EPOCHS=3`). May be given several times.
    #[arg(long, value_name = "KEY=VALUE", value_parser = assignment)]
    pub(crate) set: Vec<Assignment>,
    /// Environment variables of the step, one NAME=VALUE a line; stronger than the file, weaker than `--set`.
    #[arg(long, value_name = "FILE")]
    pub(crate) env_file: Option<PathBuf>,
    /// Step of a ZenML run configuration; its first block without it.
    #[arg(long, value_name = "NAME")]
    pub(crate) step: Option<String>,
    /// Take the file for this kind, whatever its keys say.
    #[arg(long, value_parser = kind())]
    pub(crate) kind: Option<Kind>,
    /// Name of the secret that private images are pulled with.
    #[arg(long, value_name = "NAME")]
    pub(crate) image_pull_secret: Option<String>,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
}

/// A value of `--set`. Its `Debug` does not show the value.
#[derive(Clone)]
pub(crate) struct Assignment {
    /// How messages name it: `--set gpu_portion_request`.
    pub(crate) name: String,
    pub(crate) key: String,
    pub(crate) value: String,
    /// What is wrong with it. Not an error of the parser, which would print the value.
    pub(crate) problem: Option<String>,
}

impl fmt::Debug for Assignment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Assignment").field("name", &self.name).finish_non_exhaustive()
    }
}

fn kind() -> impl clap::builder::TypedValueParser<Value = Kind> {
    use clap::builder::TypedValueParser as _;
    PossibleValuesParser::new(["step", "settings", "operator", "zenml"]).try_map(|word| word.parse::<Kind>())
}

/// A name that is sent exactly as it is: what is wrong with it is the flag's fault, not the file's.
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
        "a workload's name has up to {MAX_NAME_LENGTH} lowercase letters, digits and dashes, with a letter first and no dash \
         last{hint}"
    ))
}

#[expect(clippy::unnecessary_wraps, reason = "a parser of arguments returns a result")]
fn assignment(text: &str) -> Result<Assignment, Infallible> {
    let (key, value) = text.split_once('=').unwrap_or_default();
    let problem = if !text.contains('=') {
        Some("a value of `--set` has no `=`".to_owned())
    } else if key.is_empty() || key.split('.').any(str::is_empty) {
        Some(format!("the key `{key}` of `--set` has an empty part"))
    } else {
        None
    };
    Ok(Assignment { name: format!("--set {key}"), key: key.to_owned(), value: value.to_owned(), problem })
}

/// Name of a run. An unset variable gives an empty one, which would attach every run to the first one's workload.
fn run_id(text: &str) -> Result<String, String> {
    if text.chars().any(char::is_alphanumeric) {
        return Ok(text.to_owned());
    }
    Err("a run id must have a letter or digit, or every run would attach to one workload; is a variable unset? In GitHub \
         Actions use \"$GITHUB_RUN_ID-$GITHUB_RUN_ATTEMPT\""
        .to_owned())
}

/// Seconds, decimals allowed.
fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().map_err(|_| "write a number of seconds, such as 90 or 2.5".to_owned())?;
    if seconds < 0.0 {
        return Err("a duration cannot be negative; write a number of seconds, such as 90 or 2.5".to_owned());
    }
    Duration::try_from_secs_f64(seconds)
        .map_err(|_| "this is no duration; write a number of seconds, such as 90".to_owned())
}

/// Seconds of a timeout.
fn timeout(text: &str) -> Result<Duration, String> {
    let timeout = seconds(text)?;
    if timeout.is_zero() {
        Err("a timeout of 0 s would be over at once; write at least 1".to_owned())
    } else {
        Ok(timeout)
    }
}
