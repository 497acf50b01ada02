//! Arguments of `check`, `render`, `schema`, `explain` and `init`, which work offline.

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

The file ending selects the format: .yaml, .yml, .json or .toml. With --fix, the fixed text of `-` goes to stdout.
Exit code: 0 no errors (warnings allowed), 1 errors, 2 unreadable or unwritable file.
With --diff: 0 nothing to fix, 1 fixes available.")]
pub(crate) struct CheckArgs {
    /// Check these files; `-` reads stdin.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Override the detected kind of the files.
    #[arg(long, value_parser = kind())]
    pub(crate) kind: Option<Kind>,
    /// Apply defaults from this operator file [default: none].
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Select the output format.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: CheckFormat,
    /// Apply safe fixes to the files.
    #[arg(long)]
    pub(crate) fix: bool,
    /// Include fixes that may change the meaning.
    #[arg(long)]
    pub(crate) unsafe_fixes: bool,
    /// Print fixes as a diff without writing files.
    #[arg(long, conflicts_with = "format")]
    pub(crate) diff: bool,
}

/// Output formats of `check`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum CheckFormat {
    /// Source excerpts.
    #[default]
    Human,
    /// A single JSON object.
    Json,
    /// GitHub Actions annotations.
    Github,
    /// SARIF 2.1.0.
    Sarif,
}

/// `runai-step render`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  runai-step render train.runai.yaml
  runai-step render train.runai.yaml --set gpu_portion_request=0.25 --set environment.EPOCHS=3
  runai-step render run.yaml --step trainer --curl

Missing values are printed as <name>, <image>, <project-id> or <cluster-id>.
Exit code: 0 printed, 1 invalid file, 2 unreadable file, 4 unknown step.")]
pub(crate) struct RenderArgs {
    /// Render the step in this file; `-` reads stdin.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Set the exact workload name.
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Set the project ID.
    #[arg(long, value_name = "ID")]
    pub(crate) project_id: Option<String>,
    /// Set the cluster ID (a UUID).
    #[arg(long, value_name = "ID")]
    pub(crate) cluster_id: Option<String>,
    /// Print a curl command that reads `$RUNAI_TOKEN`.
    #[arg(long, conflicts_with = "format")]
    pub(crate) curl: bool,
    /// Select the output format.
    #[arg(long, value_enum, default_value_t = ResultFormat::Json)]
    pub(crate) format: ResultFormat,
    /// Override the image.
    #[arg(long, value_name = "IMAGE")]
    pub(crate) image: Option<String>,
    /// Override the command.
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

To select the schema in an editor, put one of these lines at the top of a file:
  # yaml-language-server: $schema=step.schema.json      YAML
  #:schema step.schema.json                             TOML
  \"$schema\": \"step.schema.json\"                      JSON

Exit code: 0 printed, 2 unknown schema.")]
pub(crate) struct SchemaArgs {
    /// Select the schema.
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
    /// Explain this rule or setting [default: list all].
    #[arg(value_name = "CODE|SETTING")]
    pub(crate) name: Option<String>,
    /// Select the output format.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: ResultFormat,
}

/// `runai-step init`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  runai-step init
  runai-step init experiments/resnet --name train-resnet

Exit code: 0 written, 2 a file exists and --force is missing.")]
pub(crate) struct InitArgs {
    /// Write the files into this folder.
    #[arg(value_name = "FOLDER", default_value = ".")]
    pub(crate) folder: PathBuf,
    /// Name the step and its file.
    #[arg(long, value_name = "NAME", default_value = "train")]
    pub(crate) name: String,
    /// Overwrite existing files.
    #[arg(long)]
    pub(crate) force: bool,
    /// Print the files without writing them.
    #[arg(long)]
    pub(crate) dry_run: bool,
}
