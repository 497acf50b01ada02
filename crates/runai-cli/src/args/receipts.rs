//! Arguments of `runai-step receipts`.

use std::time::Duration;

use clap::Subcommand;

use super::{RemoteArgs, ResultFormat, seconds};

/// `runai-step receipts`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  runai-step receipts list
  runai-step receipts show nightly-2026-11-25
  runai-step receipts recover
  runai-step receipts prune --older-than 30d

A receipt records a submission. It is written before the request is sent, and contains no secret.
Exit code: 0 success, 2 invalid usage, 4 unknown receipt; `recover` also uses the codes of commands that connect.")]
pub(crate) struct ReceiptsArgs {
    #[command(subcommand)]
    pub(crate) command: ReceiptsCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ReceiptsCommand {
    /// List receipts, newest first.
    List(ReceiptsListArgs),
    /// Show one receipt.
    Show(ReceiptsShowArgs),
    /// Look up workloads of unconfirmed submissions.
    Recover(Box<ReceiptsRecoverArgs>),
    /// Remove receipts of ended workloads.
    Prune(ReceiptsPruneArgs),
}

/// `runai-step receipts list`
#[derive(Debug, clap::Args)]
pub(crate) struct ReceiptsListArgs {
    /// Select the output format.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: ResultFormat,
}

/// `runai-step receipts show`
#[derive(Debug, clap::Args)]
pub(crate) struct ReceiptsShowArgs {
    /// Select a receipt by key, submission ID, workload name or run ID.
    #[arg(value_name = "RECEIPT")]
    pub(crate) receipt: String,
    /// Select the output format.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: ResultFormat,
}

/// `runai-step receipts recover`
#[derive(Debug, clap::Args)]
pub(crate) struct ReceiptsRecoverArgs {
    /// Select receipts by key, submission ID, workload name or run ID [default: all unconfirmed].
    #[arg(value_name = "RECEIPT")]
    pub(crate) receipts: Vec<String>,
    /// Treat a submission as lost after this many seconds of empty lookups [default: 90].
    #[arg(long, value_name = "SECONDS", value_parser = seconds, allow_negative_numbers = true)]
    pub(crate) settle_time: Option<Duration>,
    #[command(flatten)]
    pub(crate) remote: RemoteArgs,
}

/// `runai-step receipts prune`
#[derive(Debug, clap::Args)]
pub(crate) struct ReceiptsPruneArgs {
    /// Select receipts by key, submission ID, workload name or run ID [default: all].
    #[arg(value_name = "RECEIPT")]
    pub(crate) receipts: Vec<String>,
    /// Remove only receipts at least this old, such as `12h` or `30d`.
    #[arg(long, value_name = "AGE", value_parser = age)]
    pub(crate) older_than: Option<Duration>,
    /// Include receipts of running or unconfirmed workloads, which may then run twice.
    #[arg(long)]
    pub(crate) force: bool,
    /// Print receipts without removing them.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Select the output format.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: ResultFormat,
}

/// Parses a whole number and its unit.
fn age(text: &str) -> Result<Duration, String> {
    let wrong = || "write a number and its unit, such as 90s, 15m, 12h or 30d".to_owned();
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let number: u64 = digits.parse().map_err(|_| wrong())?;
    let seconds = match &text[digits.len()..] {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(wrong()),
    };
    number.checked_mul(seconds).map(Duration::from_secs).ok_or_else(wrong)
}
