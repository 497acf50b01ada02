//! Arguments of the commands that connect to a control plane.

use std::path::PathBuf;
use std::time::Duration;

use super::{ResultFormat, SourceArgs, run_id, seconds, timeout};
use crate::config::ConfigOverride;
use crate::tracking::OnInterrupt;

/// The operator file to use.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct ConfigArgs {
    /// Use this operator file [env: `RUNAI_STEP_CONFIG`].
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

/// How to reach a control plane. A flag overrides its variable, which overrides the operator file.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Connection")]
pub(crate) struct ConnectArgs {
    /// Connect to the control plane at this URL [env: `RUNAI_BASE_URL`].
    #[arg(long, value_name = "URL")]
    pub(crate) base_url: Option<String>,
    /// Use this service account client ID [env: `RUNAI_CLIENT_ID`].
    #[arg(long, value_name = "ID")]
    pub(crate) client_id: Option<String>,
    /// Read the client secret from a file [env: `RUNAI_CLIENT_SECRET`, `RUNAI_CLIENT_SECRET_FILE`].
    #[arg(long, value_name = "FILE")]
    pub(crate) client_secret_file: Option<PathBuf>,
    /// Get a bearer token from this command [env: `RUNAI_TOKEN_COMMAND`, `RUNAI_TOKEN`].
    #[arg(long, value_name = "COMMAND", conflicts_with = "client_secret_file")]
    pub(crate) token_command: Option<String>,
    /// Use this project [env: `RUNAI_PROJECT_NAME`].
    #[arg(long, short, value_name = "NAME")]
    pub(crate) project: Option<String>,
    /// Require the project to be in this cluster [env: `RUNAI_CLUSTER_NAME`].
    #[arg(long, value_name = "NAME")]
    pub(crate) cluster: Option<String>,
    /// Allow credentials over plain HTTP to remote hosts.
    #[arg(long)]
    pub(crate) allow_http: bool,
    /// Trust additional certificate authorities (PEM).
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
    /// Present this client certificate chain (PEM).
    #[arg(long, value_name = "FILE", requires = "client_key")]
    pub(crate) client_certificate: Option<PathBuf>,
    /// Use this private key for the client certificate (PEM).
    #[arg(long, value_name = "FILE", requires = "client_certificate")]
    pub(crate) client_key: Option<PathBuf>,
}

impl ConnectArgs {
    /// Returns the operator keys that flags override.
    pub(crate) fn overrides(&self) -> Vec<ConfigOverride> {
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
    /// Poll unchanged workloads at this interval [env: `RUNAI_MONITORING_INTERVAL`].
    #[arg(long, value_name = "SECONDS")]
    monitoring_interval: Option<String>,
    /// Delete workloads that fail or time out [env: `RUNAI_DELETE_ON_FAILURE`].
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    delete_on_failure: Option<String>,
}

impl WatchArgs {
    /// Returns the operator keys that flags override.
    pub(crate) fn overrides(&self) -> Vec<ConfigOverride> {
        [
            ("--monitoring-interval", "monitoring_interval", &self.monitoring_interval),
            ("--delete-on-failure", "delete_on_failure", &self.delete_on_failure),
        ]
        .into_iter()
        .filter_map(|(flag, key, value)| Some(ConfigOverride::flag(flag, key, value.as_ref()?)))
        .collect()
    }
}

/// Arguments of the commands that submit steps.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct LaunchArgs {
    /// Submit the steps in these files; `-` reads stdin.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Set the exact workload name.
    #[arg(long, value_name = "NAME", value_parser = super::workload_name)]
    pub(crate) name: Option<String>,
    /// Identify this run; repeating a run never resubmits its file.
    #[arg(long, value_name = "ID", value_parser = run_id)]
    pub(crate) run_id: Option<String>,
    /// Resend an unanswered submission after this many seconds of empty lookups [default: 90].
    #[arg(long, value_name = "SECONDS", value_parser = seconds, allow_negative_numbers = true)]
    pub(crate) settle_time: Option<Duration>,
    /// Override the image.
    #[arg(long, value_name = "IMAGE")]
    pub(crate) image: Option<String>,
    /// Override the command.
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<String>,
    /// Print requests without submitting them.
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) sources: SourceArgs,
    #[command(flatten)]
    pub(crate) connect: ConnectArgs,
    #[command(flatten)]
    pub(crate) watch: WatchArgs,
    /// Select the output format.
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

Ctrl-C suspends the workloads and waits for confirmation; a second Ctrl-C exits immediately. With --on-interrupt leave, \
the first one exits and leaves the workloads running.
With --local, commands run as processes of this machine, in the folder of their file. Images are ignored; mounts are \
temporary folders.
Exit code: 0 all succeeded, 1 invalid file, 2 invalid usage or configuration, 3 not authenticated or not permitted, \
4 not found, 5 rejected, 6 unreachable, 7 failed, 8 timed out, 9 stopped by someone else, 101 internal error, \
130 interrupted. With several steps, the first nonzero code.")]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) launch: LaunchArgs,
    /// Run commands on this machine, without a cluster.
    #[arg(long, conflicts_with_all = ["base_url", "client_id", "client_secret_file", "token_command", "project", "cluster", "detach"])]
    pub(crate) local: bool,
    /// Pass the whole environment, including credentials, to commands.
    #[arg(long, requires = "local")]
    pub(crate) inherit_env: bool,
    /// Submit without waiting, like `submit`.
    #[arg(long)]
    pub(crate) detach: bool,
    /// Run at most N steps at a time [default: all].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) jobs: Option<u16>,
    /// Suspend workloads on Ctrl-C, or leave them running.
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

Prints the ID of each workload. Every step is submitted once: if a response is lost, the command looks up the workload.
With --run-id, a killed command can be repeated.
Ctrl-C leaves the workloads running.
Exit code: 0 submitted (with --wait: succeeded), 1 invalid file, 2 invalid usage or configuration, 3 not authenticated \
or not permitted, 4 not found, 5 rejected, 6 unreachable, 130 interrupted; with --wait also 7 failed, 8 timed out, \
9 stopped by someone else.")]
pub(crate) struct SubmitArgs {
    #[command(flatten)]
    pub(crate) launch: LaunchArgs,
    /// Wait for the workloads to end.
    #[arg(long)]
    pub(crate) wait: bool,
    /// Submit at most N steps at a time.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) jobs: u16,
}

/// `runai-step status`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  runai-step status train-resnet-k3q7xw2ah5mb
  runai-step status 7a53b7ae-6d4c-4a3c-9b42-0b2f7a7f9a11 --format json

Exit code: 0 in any phase, 4 unknown workload.")]
pub(crate) struct StatusArgs {
    /// Select workloads by ID or name.
    #[arg(required = true, value_name = "ID")]
    pub(crate) ids: Vec<String>,
    #[command(flatten)]
    pub(crate) remote: RemoteArgs,
}

/// Arguments of every command about workloads.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct RemoteArgs {
    /// Select the output format.
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

Timeouts come from the receipt of a step that this user submitted. An unreachable control plane never stops a workload.
Ctrl-C leaves the workloads running.
Exit code: 0 all succeeded, 4 unknown or vanished, 7 failed, 8 timed out, 9 stopped by someone else, 130 interrupted. \
With several workloads, the first nonzero code.")]
pub(crate) struct WaitArgs {
    /// Select workloads by ID or name.
    #[arg(required = true, value_name = "ID")]
    pub(crate) ids: Vec<String>,
    /// Suspend workloads queued longer than this [default: from the receipt].
    #[arg(long, value_name = "SECONDS", value_parser = timeout, allow_negative_numbers = true)]
    pub(crate) pending_timeout: Option<Duration>,
    /// Suspend workloads running longer than this [default: from the receipt].
    #[arg(long, value_name = "SECONDS", value_parser = timeout, allow_negative_numbers = true)]
    pub(crate) workload_timeout: Option<Duration>,
    /// Complete cancels that an interrupted command started.
    #[arg(long, conflicts_with_all = ["pending_timeout", "workload_timeout"])]
    pub(crate) resume_cancel: bool,
    #[command(flatten)]
    pub(crate) watch: WatchArgs,
    #[command(flatten)]
    pub(crate) remote: RemoteArgs,
}

/// `runai-step cancel`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  runai-step cancel train-resnet-k3q7xw2ah5mb
  runai-step cancel --dry-run 7a53b7ae-6d4c-4a3c-9b42-0b2f7a7f9a11

A suspended workload has no pods; `resume` starts it again.
Exit code: 0 suspended, or ended before; 4 unknown workload; 8 suspension not confirmed within --timeout.")]
pub(crate) struct CancelArgs {
    /// Wait at most this long for confirmation [default: forever].
    #[arg(long, value_name = "SECONDS", value_parser = timeout, allow_negative_numbers = true, conflicts_with = "dry_run")]
    pub(crate) timeout: Option<Duration>,
    #[command(flatten)]
    pub(crate) action: ActionArgs,
}

/// `runai-step resume`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  runai-step resume train-resnet-k3q7xw2ah5mb && runai-step wait train-resnet-k3q7xw2ah5mb

Exit code: 0 accepted, 4 unknown workload, 5 rejected.")]
pub(crate) struct ResumeArgs {
    #[command(flatten)]
    pub(crate) action: ActionArgs,
}

/// `runai-step delete`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  runai-step delete train-resnet-k3q7xw2ah5mb
  runai-step delete --wait 7a53b7ae-6d4c-4a3c-9b42-0b2f7a7f9a11

Exit code: 0 accepted (with --wait: deleted), 4 unknown workload.")]
pub(crate) struct DeleteArgs {
    #[command(flatten)]
    pub(crate) action: ActionArgs,
    /// Wait until the workloads are deleted.
    #[arg(long)]
    pub(crate) wait: bool,
}

/// Arguments of the commands that change the state of workloads.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ActionArgs {
    /// Select workloads by ID or name.
    #[arg(required = true, value_name = "ID")]
    pub(crate) ids: Vec<String>,
    /// Print requests without sending them.
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) remote: RemoteArgs,
}

/// `runai-step list`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  runai-step list
  runai-step list --phase Running --format json
  runai-step list --all-projects --limit 500

Exit code: 0 listed.")]
pub(crate) struct ListArgs {
    /// Show only workloads in this phase, such as `Running`.
    #[arg(long, value_name = "PHASE")]
    pub(crate) phase: Option<String>,
    /// Show only workloads with this name prefix.
    #[arg(long, value_name = "PREFIX")]
    pub(crate) name: Option<String>,
    /// Show deleted workloads instead of existing ones.
    #[arg(long)]
    pub(crate) deleted: bool,
    /// Show workloads of all visible projects.
    #[arg(long, short = 'A')]
    pub(crate) all_projects: bool,
    /// Show at most the N newest workloads.
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub(crate) limit: usize,
    #[command(flatten)]
    pub(crate) remote: RemoteArgs,
}

/// `runai-step events`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  runai-step events train-resnet-k3q7xw2ah5mb
  runai-step events train-resnet-k3q7xw2ah5mb --limit 5 --format json

Exit code: 0 listed, 4 unknown workload.")]
pub(crate) struct EventsArgs {
    /// Select the workload by ID or name.
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// Show at most the N newest events.
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub(crate) limit: usize,
    #[command(flatten)]
    pub(crate) remote: RemoteArgs,
}

/// `runai-step doctor`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  runai-step doctor
  runai-step doctor train.runai.yaml
  runai-step doctor --format json

With a step file, the command also checks node pools, quota, template, policy and permissions for these settings.
Exit code: 0 no problem found, otherwise the code that the first problem gives other commands.")]
pub(crate) struct DoctorArgs {
    /// Check whether this step can run; `-` reads stdin.
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) sources: SourceArgs,
    #[command(flatten)]
    pub(crate) connect: ConnectArgs,
    /// Select the output format.
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

Only --lookup contacts the control plane.
Exit code: 0 printed, 1 invalid file.")]
pub(crate) struct PermissionsArgs {
    /// Include the permissions that this step needs.
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// Print a `POST /api/v2/authorization/roles` body for the smallest role.
    #[arg(long, conflicts_with = "format")]
    pub(crate) role_json: bool,
    /// Look up the IDs of its permission sets.
    #[arg(long, requires = "role_json")]
    pub(crate) lookup: bool,
    #[command(flatten)]
    pub(crate) sources: SourceArgs,
    #[command(flatten)]
    pub(crate) connect: ConnectArgs,
    /// Select the output format.
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

Precedence: flag, variable, operator file, default. Secrets are masked.
Exit code: 0 printed, 1 invalid operator file.")]
pub(crate) struct ConfigShowArgs {
    #[command(flatten)]
    pub(crate) remote: RemoteArgs,
    #[command(flatten)]
    pub(crate) watch: WatchArgs,
}
