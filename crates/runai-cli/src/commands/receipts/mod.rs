//! `runai-step receipts`: manages the stored receipts, which prevent lost and duplicate submissions.

mod prune;
mod recover;
mod store;

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::json;

pub(crate) use self::store::read_all;
use self::store::{ReceiptProgress, StoredReceipt, UnreadableReceipt};
use crate::args::{ReceiptsArgs, ReceiptsCommand, ReceiptsListArgs, ReceiptsShowArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::output::time;

/// `runai-step receipts`
pub(crate) fn receipts(args: &ReceiptsArgs) -> Result<Exit, Failure> {
    match &args.command {
        ReceiptsCommand::List(args) => list(args),
        ReceiptsCommand::Prune(args) => prune::prune(args),
        ReceiptsCommand::Recover(args) => recover::recover(args),
        ReceiptsCommand::Show(args) => show(args),
    }
}

/// The fields of a receipt that are shown.
#[derive(Serialize)]
struct ReceiptSummary<'a> {
    key: String,
    run_id: Option<&'a str>,
    name: &'a str,
    project: &'a str,
    base_url: &'a str,
    progress: ReceiptProgress,
    outcome: Option<&'a str>,
    workload_id: Option<&'a str>,
    age_seconds: u64,
}

impl<'a> ReceiptSummary<'a> {
    fn of(stored: &'a StoredReceipt) -> Self {
        let receipt = &stored.receipt;
        Self {
            key: receipt.key(),
            run_id: stored.run_id(),
            name: &receipt.name,
            project: &receipt.project_name,
            base_url: &receipt.base_url,
            progress: stored.progress(),
            outcome: stored.outcome(),
            workload_id: receipt.workload_id(),
            age_seconds: stored.age().as_secs(),
        }
    }

    fn state(&self) -> String {
        match self.outcome {
            Some(outcome) => format!("{}: {outcome}", self.progress.as_str()),
            None => self.progress.as_str().to_owned(),
        }
    }
}

fn list(args: &ReceiptsListArgs) -> Result<Exit, Failure> {
    let (receipts, unreadable) = read_all()?;
    let lines: Vec<_> = receipts.iter().map(ReceiptSummary::of).collect();
    let printed = output::result(args.format, &json!({"receipts": lines, "unreadable": unreadable}), || {
        report_unreadable(&unreadable);
        if lines.is_empty() {
            output::status("no receipts");
            return Ok(());
        }
        output::line(&output::table(
            ["NAME", "RUN ID", "PROJECT", "PROGRESS", "AGE", "RECEIPT"],
            lines.iter().zip(&receipts).map(|(line, receipt)| {
                [
                    line.name.to_owned(),
                    line.run_id.unwrap_or("-").to_owned(),
                    line.project.to_owned(),
                    line.state(),
                    time::coarse(receipt.age()),
                    line.key.clone(),
                ]
            }),
        ))
    });
    Ok(output::exit_of(&printed))
}

fn show(args: &ReceiptsShowArgs) -> Result<Exit, Failure> {
    let (receipts, unreadable) = read_all()?;
    report_unreadable(&unreadable);
    let stored = find(&receipts, &args.receipt)?;
    let printed = output::result(args.format, &stored.members, || output::line(details(stored).trim_end()));
    Ok(output::exit_of(&printed))
}

fn details(stored: &StoredReceipt) -> String {
    let summary = ReceiptSummary::of(stored);
    let mut text = format!("{}\n", summary.name);
    let mut row = |name: &str, value: &str| {
        let _ = writeln!(text, "  {name:<18}{value}");
    };
    row("receipt", &summary.key);
    row("progress", &summary.state());
    row("age", &time::coarse(stored.age()));
    if let Some(run_id) = summary.run_id {
        row("run id", run_id);
    }
    if let Some(id) = summary.workload_id {
        row("workload", id);
    }
    row("submission id", &stored.receipt.submission_id);
    row("project", summary.project);
    row("control plane", summary.base_url);
    for (name, timeout) in [
        ("pending timeout", stored.receipt.policy.pending_timeout),
        ("workload timeout", stored.receipt.policy.workload_timeout),
    ] {
        if let Some(timeout) = timeout {
            row(name, &time::rough(timeout));
        }
    }
    if let Some(phase) = stored.receipt.wait.phase() {
        row("last phase", phase);
    }
    if let Some(why) = stored.receipt.wait.suspending() {
        row("suspending", &format!("requested, unconfirmed: {why}"));
    }
    text
}

/// Finds the receipt that `selector` selects.
fn find<'r>(receipts: &'r [StoredReceipt], selector: &str) -> Result<&'r StoredReceipt, Failure> {
    let found: Vec<_> = receipts.iter().filter(|receipt| receipt.matches(selector)).collect();
    match found.as_slice() {
        [receipt] => Ok(receipt),
        [] => {
            let names = receipts.iter().map(|receipt| receipt.receipt.name.as_str());
            let near = runai_client::nearest(selector, names);
            let failure = Failure::new(Exit::NotFound, format!("unknown receipt `{selector}`"));
            Err(if near.is_empty() {
                failure.hint("list receipts with `runai-step receipts list`")
            } else {
                failure.hint(format!("did you mean `{}`?", near.join("`, `")))
            })
        }
        several => {
            let keys: Vec<_> = several.iter().map(|receipt| receipt.receipt.key()).collect();
            Err(Failure::usage(format!("{} receipts match `{selector}`", several.len()))
                .hint(format!("use a key: {}", keys.join(", "))))
        }
    }
}

/// Warns about each file that cannot be read.
fn report_unreadable(unreadable: &[UnreadableReceipt]) {
    for UnreadableReceipt { path, error } in unreadable {
        output::warning(&format!(
            "cannot read `{}`: {error}\nhint: it may be the receipt of a running workload; check with `runai-step list`",
            path.display()
        ));
    }
}
