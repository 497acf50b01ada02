//! Words of the commands that read and write files, and talk to nobody.

use std::path::PathBuf;

use clap::ValueEnum;
use clap::builder::PossibleValuesParser;
use runai_spec::Kind;
use runai_spec::schema::NAMES;

use super::{ResultFormat, SourceArgs, kind};

/// `runai-step check`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  runai-step check train.runai.yaml
  runai-step check --format github *.runai.yaml
  runai-step check --kind settings - < settings.yaml
  runai-step check --fix train.runai.yaml
  runai-step check --diff --unsafe-fixes train.runai.yaml

Exit code: 0 without errors, 1 with errors, 2 if a file cannot be read or written. Warnings do not count.
With --diff: 0 if there is nothing to fix, 1 if there is.")]
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
    /// Apply the safe fixes, and write the files. The fixed text of `-` goes to standard output.
    #[arg(long)]
    pub(crate) fix: bool,
    /// Apply the fixes that may change the meaning of a file, too.
    #[arg(long)]
    pub(crate) unsafe_fixes: bool,
    /// Print what `--fix` would change as a unified diff, and write nothing.
    #[arg(long, conflicts_with = "format")]
    pub(crate) diff: bool,
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
    #[arg(long, value_enum, default_value_t = ResultFormat::Json)]
    pub(crate) format: ResultFormat,
    /// Image, in place of the file's.
    #[arg(long, value_name = "IMAGE")]
    pub(crate) image: Option<String>,
    /// Command, in place of the file's.
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<String>,
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

/// `runai-step init`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  runai-step init
  runai-step init experiments/resnet --name train-resnet

Exit code: 0, or 2 if a file is there already and --force is not given.")]
pub(crate) struct InitArgs {
    /// Folder to write into.
    #[arg(value_name = "FOLDER", default_value = ".")]
    pub(crate) folder: PathBuf,
    /// Name of the step, and of its file.
    #[arg(long, value_name = "NAME", default_value = "train")]
    pub(crate) name: String,
    /// Write over files that are there.
    #[arg(long)]
    pub(crate) force: bool,
    /// Print what would be written, and write nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
}
