//! Words of the commands that talk to a control plane.

use std::path::PathBuf;
use std::time::Duration;

use super::{ResultFormat, SourceArgs, run_id, seconds, timeout};
use crate::config::ConfigOverride;
use crate::tracking::OnInterrupt;

/// Which operator file counts.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct ConfigArgs {
    /// Operator file; else `RUNAI_STEP_CONFIG`, else runai-step.toml or .yaml upward from here, else in the user's
    /// configuration directory.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

/// How to reach a control plane. Every flag is stronger than its variable, and that than the operator file.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Connection")]
pub(crate) struct ConnectArgs {
    /// URL of the control plane [variable: `RUNAI_BASE_URL`].
    #[arg(long, value_name = "URL")]
    pub(crate) base_url: Option<String>,
    /// Client id of the service account [variable: `RUNAI_CLIENT_ID`].
    #[arg(long, value_name = "ID")]
    pub(crate) client_id: Option<String>,
    /// File with nothing but the client secret [variables: `RUNAI_CLIENT_SECRET`, `RUNAI_CLIENT_SECRET_FILE`].
    #[arg(long, value_name = "FILE")]
    pub(crate) client_secret_file: Option<PathBuf>,
    /// Command that prints a bearer token, in place of a client secret [variable: `RUNAI_TOKEN_COMMAND`; a token itself:
    /// `RUNAI_TOKEN`].
    #[arg(long, value_name = "COMMAND", conflicts_with = "client_secret_file")]
    pub(crate) token_command: Option<String>,
    /// Name of the project [variable: `RUNAI_PROJECT_NAME`].
    #[arg(long, short, value_name = "NAME")]
    pub(crate) project: Option<String>,
    /// Name of the cluster that the project has to be in [variable: `RUNAI_CLUSTER_NAME`].
    #[arg(long, value_name = "NAME")]
    pub(crate) cluster: Option<String>,
    /// Send credentials over plain HTTP to other machines too.
    #[arg(long)]
    pub(crate) allow_http: bool,
    /// Trust the certificate authorities in this PEM file too.
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
    /// Client certificate, and those that lead to its authority, as PEM.
    #[arg(long, value_name = "FILE", requires = "client_key")]
    pub(crate) client_certificate: Option<PathBuf>,
    /// Private key of the client certificate, as PEM.
    #[arg(long, value_name = "FILE", requires = "client_certificate")]
    pub(crate) client_key: Option<PathBuf>,
}

impl ConnectArgs {
    /// The keys of the operator file that were given, named as messages call them.
    pub(crate) fn given(&self) -> Vec<ConfigOverride> {
        [
            ("--base-url", "runai_base_url", &self.base_url),
            ("--client-id", "client_id", &self.client_id),
            ("--token-command", "token_command", &self.token_command),
            ("--project", "project_name", &self.project),
            ("--cluster", "cluster_name", &self.cluster),
        ]
        .into_iter()
        .filter_map(|(flag, key, value)| Some(ConfigOverride::flag(flag, key, value.as_ref()?)))
        .collect()
    }
}

/// How workloads are followed.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Following")]
pub(crate) struct WatchArgs {
    /// Seconds between two looks while nothing changes [variable: `RUNAI_MONITORING_INTERVAL`].
    #[arg(long, value_name = "SECONDS")]
    monitoring_interval: Option<String>,
    /// Delete workloads that failed or ran into a timeout [variable: `RUNAI_DELETE_ON_FAILURE`].
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    delete_on_failure: Option<String>,
}

impl WatchArgs {
    /// The keys of the operator file that were given, named as messages call them.
    pub(crate) fn given(&self) -> Vec<ConfigOverride> {
        [
            ("--monitoring-interval", "monitoring_interval", &self.monitoring_interval),
            ("--delete-on-failure", "delete_on_failure", &self.delete_on_failure),
        ]
        .into_iter()
        .filter_map(|(flag, key, value)| Some(ConfigOverride::flag(flag, key, value.as_ref()?)))
        .collect()
    }
}

/// What is submitted, and under which name.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct LaunchArgs {
    /// Files of the steps; `-` reads standard input.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Name of the workload, sent exactly as it is; built from the step's name without it.
    #[arg(long, value_name = "NAME", value_parser = super::workload_name)]
    pub(crate) name: Option<String>,
    /// Name of this run: the same file with the same run id is submitted once, however often the command is repeated.
    #[arg(long, value_name = "ID", value_parser = run_id)]
    pub(crate) run_id: Option<String>,
    /// Seconds over which lookups must find nothing before an unanswered submission is sent again; 90 without it.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, allow_negative_numbers = true)]
    pub(crate) settle_time: Option<Duration>,
    /// Image, in place of the file's.
    #[arg(long, value_name = "IMAGE")]
    pub(crate) image: Option<String>,
    /// Command, in place of the file's.
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<String>,
    /// Look up project and cluster, print what would be sent, and send nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) sources: SourceArgs,
    #[command(flatten)]
    pub(crate) connect: ConnectArgs,
    #[command(flatten)]
    pub(crate) watch: WatchArgs,
    /// How to write results.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: ResultFormat,
}

/// `runai-step run`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  runai-step run train.runai.yaml
  runai-step run train.runai.yaml --local --set environment.SEED=8
  runai-step run fold-*.runai.yaml --jobs 4
  runai-step run zenml.yaml --step trainer --image registry.example.com/ml/train:4 -- python -m train
  runai-step run train.runai.yaml --format json | jq .event

Ctrl-C suspends the workloads and waits until they are; a second one leaves at once. With --on-interrupt leave, the first \
one leaves.
Exit code: 0 all succeeded, 1 a file has errors, 2 wrong usage or configuration, 3 not authenticated or not permitted, \
4 not found, 5 refused, 6 unreachable, 7 it failed, 8 it ran into a timeout, 9 someone stopped it, 101 internal error, 130 interrupted; \
of several steps, that of the first that is not 0.")]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) launch: LaunchArgs,
    /// Run on a simulated control plane inside this program, which really runs the command as a process of this
    /// machine, in the folder of the file. Images are not used; mounts are folders among the temporary files.
    #[arg(long, conflicts_with_all = ["base_url", "client_id", "client_secret_file", "token_command", "project", "cluster", "detach"])]
    pub(crate) local: bool,
    /// Let a local command see the whole environment, credentials in it too.
    #[arg(long, requires = "local")]
    pub(crate) inherit_env: bool,
    /// Submit, print the receipts, and follow nothing: as `submit`.
    #[arg(long)]
    pub(crate) detach: bool,
    /// Most steps that are on their way at a time; all of them without it.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) jobs: Option<u16>,
    /// What Ctrl-C does to the workloads: suspend them and wait until they are, or leave them running.
    #[arg(long, value_enum, default_value_t = OnInterrupt::Cancel, value_name = "ACTION", conflicts_with_all = ["detach", "local"])]
    pub(crate) on_interrupt: OnInterrupt,
}

/// `runai-step submit`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  id=$(runai-step submit train.runai.yaml)
  runai-step submit train.runai.yaml --run-id nightly-2026-11-25
  runai-step submit train.runai.yaml --run-id \"$GITHUB_RUN_ID-$GITHUB_RUN_ATTEMPT\" --wait
  runai-step submit fold-*.runai.yaml --jobs 8 --format json

Prints the id of each workload. A submission happens once: when an answer is lost, the workload is looked up, and with
--run-id a command that was killed can simply be repeated.
Ctrl-C leaves the workloads running.
Exit code: 0 submitted (with --wait: succeeded), 1 a file has errors, 2 wrong usage or configuration, 3 not authenticated \
or not permitted, 4 not found, 5 refused, 6 unreachable; with --wait also 7 it failed, 8 it ran into a timeout, \
9 someone stopped it; 130 interrupted.")]
pub(crate) struct SubmitArgs {
    #[command(flatten)]
    pub(crate) launch: LaunchArgs,
    /// Follow the workloads to their end.
    #[arg(long)]
    pub(crate) wait: bool,
    /// Most submissions at a time.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) jobs: u16,
}

/// `runai-step status`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  runai-step status train-resnet-k3q7xw2ah5mb
  runai-step status 7a53b7ae-6d4c-4a3c-9b42-0b2f7a7f9a11 --format json

Exit code: 0 answered, whatever the phase; 4 there is no such workload.")]
pub(crate) struct StatusArgs {
    /// Workloads, by id or by name.
    #[arg(required = true, value_name = "ID")]
    pub(crate) ids: Vec<String>,
    #[command(flatten)]
    pub(crate) reach: ReachArgs,
}

/// What every command about workloads takes.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ReachArgs {
    /// How to write results.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: ResultFormat,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    #[command(flatten)]
    pub(crate) connect: ConnectArgs,
}

/// `runai-step wait`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  runai-step wait train-resnet-k3q7xw2ah5mb
  runai-step wait $(runai-step submit a.runai.yaml b.runai.yaml)

The timeouts of a step that was submitted from here are in its receipt, and go on counting. Losing sight of the
control plane never stops a workload. Ctrl-C only stops watching.
Exit code: 0 all succeeded, 4 vanished or not there, 7 it failed, 8 it ran into a timeout, 9 someone stopped it, \
130 interrupted; of several, that of the first that is not 0.")]
pub(crate) struct WaitArgs {
    /// Workloads, by id or by name.
    #[arg(required = true, value_name = "ID")]
    pub(crate) ids: Vec<String>,
    /// Suspend a workload that was queued for longer than this; that of its receipt without it.
    #[arg(long, value_name = "SECONDS", value_parser = timeout, allow_negative_numbers = true)]
    pub(crate) pending_timeout: Option<Duration>,
    /// Suspend a workload that ran for longer than this; that of its receipt without it.
    #[arg(long, value_name = "SECONDS", value_parser = timeout, allow_negative_numbers = true)]
    pub(crate) workload_timeout: Option<Duration>,
    /// Suspend a workload if an interrupted command asked for that and could not confirm it.
    #[arg(long, conflicts_with_all = ["pending_timeout", "workload_timeout"])]
    pub(crate) resume_cancel: bool,
    #[command(flatten)]
    pub(crate) watch: WatchArgs,
    #[command(flatten)]
    pub(crate) reach: ReachArgs,
}

/// `runai-step cancel`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  runai-step cancel train-resnet-k3q7xw2ah5mb
  runai-step cancel --dry-run 7a53b7ae-6d4c-4a3c-9b42-0b2f7a7f9a11

The workload is suspended: its pods end, its entry stays, and `resume` lets it run again.
Exit code: 0 it is suspended, or had ended before; 4 there is no such workload; 8 the control plane accepted the request,
and did not confirm the suspension within --timeout.")]
pub(crate) struct CancelArgs {
    /// Longest time to wait for the confirmation that a workload is suspended; without it, for ever.
    #[arg(long, value_name = "SECONDS", value_parser = timeout, allow_negative_numbers = true, conflicts_with = "dry_run")]
    pub(crate) timeout: Option<Duration>,
    #[command(flatten)]
    pub(crate) act: ActArgs,
}

/// `runai-step resume`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  runai-step resume train-resnet-k3q7xw2ah5mb && runai-step wait train-resnet-k3q7xw2ah5mb

Exit code: 0 the control plane took it; 4 there is no such workload; 5 it cannot be resumed.")]
pub(crate) struct ResumeArgs {
    #[command(flatten)]
    pub(crate) act: ActArgs,
}

/// `runai-step delete`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  runai-step delete train-resnet-k3q7xw2ah5mb
  runai-step delete --wait 7a53b7ae-6d4c-4a3c-9b42-0b2f7a7f9a11

Exit code: 0 the control plane took it (with --wait: it is gone); 4 there is no such workload.")]
pub(crate) struct DeleteArgs {
    #[command(flatten)]
    pub(crate) act: ActArgs,
    /// Wait until they are gone.
    #[arg(long)]
    pub(crate) wait: bool,
}

/// What is done to workloads.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ActArgs {
    /// Workloads, by id or by name.
    #[arg(required = true, value_name = "ID")]
    pub(crate) ids: Vec<String>,
    /// Print the requests that would be sent, and send nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) reach: ReachArgs,
}

/// `runai-step list`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  runai-step list
  runai-step list --phase Running --format json
  runai-step list --all-projects --limit 500

Exit code: 0 if it was answered.")]
pub(crate) struct ListArgs {
    /// Only workloads in this phase, as the control plane spells it: `Running`.
    #[arg(long, value_name = "PHASE")]
    pub(crate) phase: Option<String>,
    /// Only workloads whose name begins so.
    #[arg(long, value_name = "PREFIX")]
    pub(crate) name: Option<String>,
    /// Workloads that were deleted, in place of those that are there.
    #[arg(long)]
    pub(crate) deleted: bool,
    /// Workloads of all projects that can be seen.
    #[arg(long, short = 'A')]
    pub(crate) all_projects: bool,
    /// Most workloads, the newest first.
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub(crate) limit: usize,
    #[command(flatten)]
    pub(crate) reach: ReachArgs,
}

/// `runai-step events`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  runai-step events train-resnet-k3q7xw2ah5mb
  runai-step events train-resnet-k3q7xw2ah5mb --limit 5 --format json

Exit code: 0 if it was answered; 4 there is no such workload.")]
pub(crate) struct EventsArgs {
    /// Workload, by id or by name.
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// Most events, the newest ones.
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub(crate) limit: usize,
    #[command(flatten)]
    pub(crate) reach: ReachArgs,
}

/// `runai-step doctor`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  runai-step doctor
  runai-step doctor train.runai.yaml
  runai-step doctor --format json

With a step file, node pools, quota, template, policy and permissions are held against just these settings.
Exit code: 0 nothing bad was found; else that of the first bad finding, as the commands would give it.")]
pub(crate) struct DoctorArgs {
    /// File of the step that is meant to run; `-` reads standard input.
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) sources: SourceArgs,
    #[command(flatten)]
    pub(crate) connect: ConnectArgs,
    /// How to write results.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: ResultFormat,
}

/// `runai-step permissions`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  runai-step permissions
  runai-step permissions train.runai.yaml
  runai-step permissions train.runai.yaml --role-json > role.json

Nothing is sent, unless --lookup asks the control plane for the ids of permission sets.
Exit code: 0, or 1 if the file has errors.")]
pub(crate) struct PermissionsArgs {
    /// File of the step; without it, what every step needs.
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// Print the body of `POST /api/v2/authorization/roles` that makes the smallest role.
    #[arg(long, conflicts_with = "format")]
    pub(crate) role_json: bool,
    /// Ask the control plane for the ids of the permission sets in that role.
    #[arg(long, requires = "role_json")]
    pub(crate) lookup: bool,
    #[command(flatten)]
    pub(crate) sources: SourceArgs,
    #[command(flatten)]
    pub(crate) connect: ConnectArgs,
    /// How to write results.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: ResultFormat,
}

/// `runai-step snapshot`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  runai-step snapshot --output .runai-facts.json
  runai-step snapshot --project ml | jq .node_pools

Writes names and limits, and no secret: projects with their quotas, clusters, node pools, templates, priority classes and the
policy of the project. The language server completes names from this file and checks requests against the policy.
Exit code: 0, or that of the first question that had to be answered.")]
pub(crate) struct SnapshotArgs {
    /// File to write; stdout without it.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    #[command(flatten)]
    pub(crate) connect: ConnectArgs,
}

/// `runai-step config`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  runai-step config
  runai-step config --format json

Strength: flag, then variable, then operator file, then default. Secrets are shown as stars.
Exit code: 0, or 1 if the operator file has errors.")]
pub(crate) struct ConfigShowArgs {
    #[command(flatten)]
    pub(crate) reach: ReachArgs,
    #[command(flatten)]
    pub(crate) watch: WatchArgs,
}
