//! The words that `runai-step` understands.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Parser, Subcommand, ValueEnum};
use runai_spec::Kind;
use runai_spec::schema::NAMES;

/// Put steps of machine-learning pipelines on NVIDIA Run:ai GPU clusters.
#[derive(Debug, Parser)]
#[command(name = "runai-step", version, arg_required_else_help = true, max_term_width = 100)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Find every problem in step files, settings, operator files and ZenML run configurations.
    Check(CheckArgs),
    /// Explain a rule or a setting, or list them all.
    Explain(ExplainArgs),
    /// Show the request that would be sent for a step.
    Render(RenderArgs),
    /// Run a step and follow it to its end.
    Run(RunArgs),
    /// Print a JSON Schema for editors and validators.
    Schema(SchemaArgs),
    /// Serve a simulated control plane until it is stopped.
    Simulate(SimulateArgs),
}

/// `runai-step check`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  runai-step check train.runai.yaml
  runai-step check --format github *.runai.yaml
  runai-step check --kind settings - < settings.yaml

Exit code: 0 without errors, 1 with errors, 2 if a file cannot be read. Warnings do not count.")]
pub(crate) struct CheckArgs {
    /// Files to check; `-` reads standard input. Formats go by the ending: .yaml, .yml, .json, .toml.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Take the files for this kind, whatever their keys say.
    #[arg(long, value_parser = kind())]
    pub(crate) kind: Option<Kind>,
    /// Operator file whose defaults stand under the settings; without it, none is looked for.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// How to write what was found.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: CheckFormat,
}

/// How `check` writes what it found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum CheckFormat {
    /// Excerpts of the file, for people.
    #[default]
    Human,
    /// One JSON object for all files.
    Json,
    /// Annotations of GitHub Actions.
    Github,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
}

/// `runai-step render`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  runai-step render train.runai.yaml
  runai-step render train.runai.yaml --set gpu_portion_request=0.25 --set environment.EPOCHS=3
  runai-step render run.yaml --step trainer --curl

What is missing shows as <name>, <image>, <project-id> or <cluster-id>.
Exit code: 0 if the file has no errors, 1 if it has, 2 if it cannot be read, 4 if there is no such step.")]
pub(crate) struct RenderArgs {
    /// File of the step; `-` reads standard input.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Name of the workload, sent exactly as it is; built from the step's name without it.
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Id of the project.
    #[arg(long, value_name = "ID")]
    pub(crate) project_id: Option<String>,
    /// Id of the cluster, a UUID.
    #[arg(long, value_name = "ID")]
    pub(crate) cluster_id: Option<String>,
    /// Print the request as a curl command, with the token as `$RUNAI_TOKEN`.
    #[arg(long, conflicts_with = "format")]
    pub(crate) curl: bool,
    /// How to write the body.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: BodyFormat,
    /// Step of a ZenML run configuration; its first block without it.
    #[arg(long, value_name = "NAME")]
    pub(crate) step: Option<String>,
    #[command(flatten)]
    pub(crate) sources: SourceArgs,
}

/// `runai-step run`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  runai-step run train.runai.yaml --local
  runai-step run train.runai.yaml --local --set environment.SEED=8

Ctrl-C suspends the workload and waits until it has stopped; a second one leaves at once.
Exit code: 0 it succeeded, 1 the file has errors, 2 wrong usage, 5 the request was refused, 7 it failed, 8 it ran into a timeout, 9 someone stopped it, 130 interrupted.")]
pub(crate) struct RunArgs {
    /// File of the step; `-` reads standard input.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Run on a simulated control plane inside this program, which really runs the command as a process of this
    /// machine, in the folder of the file. Images are not used; mounts are folders among the temporary files.
    #[arg(long, required = true)]
    pub(crate) local: bool,
    /// Name of the workload, sent exactly as it is; built from the step's name without it.
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Step of a ZenML run configuration; its first block without it.
    #[arg(long, value_name = "NAME")]
    pub(crate) step: Option<String>,
    #[command(flatten)]
    pub(crate) sources: SourceArgs,
}

/// `runai-step schema`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  runai-step schema step > step.schema.json

Editors find the schema by a line at the top of a file:
  # yaml-language-server: $schema=step.schema.json      YAML
  #:schema step.schema.json                             TOML
  \"$schema\": \"step.schema.json\"                      JSON

Exit code: 0, or 2 if there is no such schema.")]
pub(crate) struct SchemaArgs {
    /// Which one.
    #[arg(value_name = "NAME", value_parser = PossibleValuesParser::new(NAMES))]
    pub(crate) name: String,
}

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

/// How `render` writes a body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum BodyFormat {
    /// As the API takes it.
    #[default]
    Json,
}

/// Where settings come from beside the file.
#[derive(Debug, clap::Args)]
pub(crate) struct SourceArgs {
    /// Override one value: a setting (`gpu_portion_request=0.5`), a part of one (`labels.team=ml`), or a part of the step
    /// (`image=…`, `environment.EPOCHS=3`). May be given several times.
    #[arg(long, value_name = "KEY=VALUE", value_parser = assignment)]
    pub(crate) set: Vec<Assignment>,
    /// Take the file for this kind, whatever its keys say.
    #[arg(long, value_parser = kind())]
    pub(crate) kind: Option<Kind>,
    /// Operator file; else `RUNAI_STEP_CONFIG`, else runai-step.toml or .yaml upward from here, else in the user's
    /// configuration directory.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

/// `runai-step explain`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  runai-step explain limit-below-request
  runai-step explain gpu_portion_request
  runai-step explain pvc_mounts.claim_info
  runai-step explain")]
pub(crate) struct ExplainArgs {
    /// Code of a rule or path of a setting; without one, all are listed.
    #[arg(value_name = "CODE|SETTING")]
    pub(crate) word: Option<String>,
    /// How to write it.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: ResultFormat,
}

/// How a command writes its result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ResultFormat {
    /// For people.
    #[default]
    Human,
    /// For programs.
    Json,
}

fn kind() -> impl clap::builder::TypedValueParser<Value = Kind> {
    use clap::builder::TypedValueParser as _;
    PossibleValuesParser::new(["step", "settings", "operator", "zenml"]).try_map(|word| word.parse::<Kind>())
}

/// A value of `--set`.
#[derive(Clone, Debug)]
pub(crate) struct Assignment {
    /// How messages name it: `--set gpu_portion_request`.
    pub(crate) name: String,
    pub(crate) key: String,
    pub(crate) value: String,
}

fn assignment(text: &str) -> Result<Assignment, String> {
    let (key, value) = text.split_once('=').ok_or_else(|| "write KEY=VALUE".to_owned())?;
    if key.is_empty() || key.split('.').any(str::is_empty) {
        return Err("the key is empty; write KEY=VALUE".to_owned());
    }
    Ok(Assignment { name: format!("--set {key}"), key: key.to_owned(), value: value.to_owned() })
}
