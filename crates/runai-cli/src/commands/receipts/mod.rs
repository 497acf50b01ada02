//! `runai-step receipts`: what is stored about submissions, so that no crash loses or doubles one.

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

/// What is shown of a receipt.
#[derive(Serialize)]
struct Line<'a> {
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

impl<'a> Line<'a> {
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
    let lines: Vec<_> = receipts.iter().map(Line::of).collect();
    let printed = output::result(args.format, &json!({"receipts": lines, "unreadable": unreadable}), || {
        report_unreadable(&unreadable);
        if lines.is_empty() {
            output::say("there are no receipts");
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
    let printed = output::result(args.format, &stored.members, || output::line(block(stored).trim_end()));
    Ok(output::exit_of(&printed))
}

fn block(stored: &StoredReceipt) -> String {
    let line = Line::of(stored);
    let mut text = format!("{}\n", line.name);
    let mut row = |name: &str, value: &str| {
        let _ = writeln!(text, "  {name:<18}{value}");
    };
    row("receipt", &line.key);
    row("progress", &line.state());
    row("age", &time::coarse(stored.age()));
    if let Some(run_id) = line.run_id {
        row("run id", run_id);
    }
    if let Some(id) = line.workload_id {
        row("workload", id);
    }
    row("submission id", &stored.receipt.submission_id);
    row("project", line.project);
    row("control plane", line.base_url);
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
        row("suspending", &format!("requested, not confirmed: {why}"));
    }
    text
}

/// The one receipt that is called `word`.
fn find<'r>(receipts: &'r [StoredReceipt], word: &str) -> Result<&'r StoredReceipt, Failure> {
    let found: Vec<_> = receipts.iter().filter(|receipt| receipt.is_called(word)).collect();
    match found.as_slice() {
        [receipt] => Ok(receipt),
        [] => {
            let names = receipts.iter().map(|receipt| receipt.receipt.name.as_str());
            let near = runai_client::nearest(word, names);
            let failure = Failure::new(Exit::NotFound, format!("there is no receipt `{word}`"));
            Err(if near.is_empty() {
                failure.hint("`runai-step receipts list` shows those that exist")
            } else {
                failure.hint(format!("did you mean `{}`?", near.join("`, `")))
            })
        }
        several => {
            let keys: Vec<_> = several.iter().map(|receipt| receipt.receipt.key()).collect();
            Err(Failure::usage(format!("{} receipts are called `{word}`", several.len()))
                .hint(format!("give the key: {}", keys.join(", "))))
        }
    }
}

/// Reports files that cannot be read, once each.
fn report_unreadable(unreadable: &[UnreadableReceipt]) {
    for UnreadableReceipt { path, error } in unreadable {
        output::warning(&format!(
            "cannot read `{}`: {error}\nhint: it may be the receipt of a running job; `runai-step list` shows those",
            path.display()
        ));
    }
}
