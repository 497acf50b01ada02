//! The words that `runai-step` understands.

mod cluster;
mod files;
mod local;

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Parser, Subcommand, ValueEnum};
use runai_spec::Kind;

pub(crate) use self::cluster::{
    ActArgs, CancelArgs, ConfigArgs, ConfigShowArgs, ConnectArgs, DeleteArgs, DoctorArgs, EventsArgs, LaunchArgs,
    ListArgs, PermissionsArgs, ResumeArgs, RunArgs, StatusArgs, SubmitArgs, WaitArgs,
};
pub(crate) use self::files::{CheckArgs, CheckFormat, ExplainArgs, InitArgs, RenderArgs, SchemaArgs};
pub(crate) use self::local::{CompletionsArgs, EditorArgs, ManArgs, SimulateArgs};

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
9 stopped by someone else, 130 interrupted."
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
    /// Submit steps, and leave them to the cluster.
    Submit(SubmitArgs),
    /// Show how workloads are.
    Status(StatusArgs),
    /// Follow workloads to their end.
    Wait(WaitArgs),
    /// Stop workloads, and wait until they have stopped.
    Cancel(CancelArgs),
    /// Let stopped workloads run again.
    Resume(ResumeArgs),
    /// Delete workloads.
    Delete(DeleteArgs),
    /// List the workloads of the project.
    List(ListArgs),
    /// Show what happened to a workload, the newest last.
    Events(EventsArgs),
    /// Find out what would keep a step from running.
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

/// A value of `--set`.
#[derive(Clone, Debug)]
pub(crate) struct Assignment {
    /// How messages name it: `--set gpu_portion_request`.
    pub(crate) name: String,
    pub(crate) key: String,
    pub(crate) value: String,
}

fn kind() -> impl clap::builder::TypedValueParser<Value = Kind> {
    use clap::builder::TypedValueParser as _;
    PossibleValuesParser::new(["step", "settings", "operator", "zenml"]).try_map(|word| word.parse::<Kind>())
}

fn assignment(text: &str) -> Result<Assignment, String> {
    let (key, value) = text.split_once('=').ok_or_else(|| "write KEY=VALUE".to_owned())?;
    if key.is_empty() || key.split('.').any(str::is_empty) {
        return Err("the key is empty; write KEY=VALUE".to_owned());
    }
    Ok(Assignment { name: format!("--set {key}"), key: key.to_owned(), value: value.to_owned() })
}
