//! Arguments of `runai-step receipts`.

use std::time::Duration;

use clap::Subcommand;

use super::{ReachArgs, ResultFormat, seconds};

/// `runai-step receipts`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  runai-step receipts list
  runai-step receipts show nightly-2026-11-25
  runai-step receipts recover
  runai-step receipts prune --older-than 30d

A receipt is written before a step is submitted, under the user's state directory. It holds no secret.
Exit code: 0 done, 2 wrong usage, 4 there is no such receipt; `recover` also those of commands that connect.")]
pub(crate) struct ReceiptsArgs {
    #[command(subcommand)]
    pub(crate) command: ReceiptsCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ReceiptsCommand {
    /// List receipts, the newest first.
    List(ReceiptsListArgs),
    /// Show one receipt.
    Show(ReceiptsShowArgs),
    /// Look up what became of unconfirmed submissions.
    Recover(Box<ReceiptsRecoverArgs>),
    /// Remove receipts of ended workloads.
    Prune(ReceiptsPruneArgs),
}

/// `runai-step receipts list`
#[derive(Debug, clap::Args)]
pub(crate) struct ReceiptsListArgs {
    /// How to write results.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: ResultFormat,
}

/// `runai-step receipts show`
#[derive(Debug, clap::Args)]
pub(crate) struct ReceiptsShowArgs {
    /// Receipt, by key, submission id, workload name or run id.
    #[arg(value_name = "RECEIPT")]
    pub(crate) receipt: String,
    /// How to write results.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: ResultFormat,
}

/// `runai-step receipts recover`
#[derive(Debug, clap::Args)]
pub(crate) struct ReceiptsRecoverArgs {
    /// Receipts, by key, submission id, workload name or run id; all unconfirmed ones of this control plane without any.
    #[arg(value_name = "RECEIPT")]
    pub(crate) receipts: Vec<String>,
    /// Seconds over which lookups must find nothing until a submission counts as not arrived; 90 without it.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, allow_negative_numbers = true)]
    pub(crate) settle_time: Option<Duration>,
    #[command(flatten)]
    pub(crate) reach: ReachArgs,
}

/// `runai-step receipts prune`
#[derive(Debug, clap::Args)]
pub(crate) struct ReceiptsPruneArgs {
    /// Receipts, by key, submission id, workload name or run id; all without any.
    #[arg(value_name = "RECEIPT")]
    pub(crate) receipts: Vec<String>,
    /// Only receipts that are at least this old: `90s`, `15m`, `12h`, `30d`.
    #[arg(long, value_name = "AGE", value_parser = age)]
    pub(crate) older_than: Option<Duration>,
    /// Remove receipts too whose workload has not ended, or may exist. A submission without a receipt can run twice.
    #[arg(long)]
    pub(crate) force: bool,
    /// Print what would be removed, and remove nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// How to write results.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: ResultFormat,
}

/// A whole number and its unit.
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
