//! `runai-step receipts prune`: removes receipts of ended workloads.

use serde_json::json;

use super::store::{ReceiptProgress, StoredReceipt, read_all};
use super::{find, report_unreadable};
use crate::args::ReceiptsPruneArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::runtime::block_on;

/// Removes the receipts of ended workloads. Others need `--force`, because their workloads may be running.
pub(crate) fn prune(args: &ReceiptsPruneArgs) -> Result<Exit, Failure> {
    let (receipts, unreadable) = read_all()?;
    report_unreadable(&unreadable);
    let named = args.receipts.iter().map(|selector| find(&receipts, selector)).collect::<Result<Vec<_>, _>>()?;
    if let Some(live) = named.iter().find(|receipt| !args.force && !has_ended(receipt)) {
        let name = &live.receipt.name;
        return Err(Failure::usage(format!(
            "receipt of {name} not removed: its progress is `{}`, so the workload may be running",
            live.progress().as_str()
        ))
        .hint("check with `runai-step receipts recover`, or remove it with `--force`"));
    }
    let chosen: Vec<&StoredReceipt> = if named.is_empty() { receipts.iter().collect() } else { named };
    let is_old = |receipt: &&StoredReceipt| args.older_than.is_none_or(|limit| receipt.age() >= limit);
    let chosen: Vec<_> = chosen.into_iter().filter(is_old).filter(|receipt| args.force || has_ended(receipt)).collect();
    block_on(async {
        let mut exits = Vec::new();
        let mut removed = Vec::new();
        for receipt in chosen {
            let name = &receipt.receipt.name;
            let done = if receipt.is_being_submitted().await {
                // Even with `--force`: the other command needs it.
                Err(Failure::usage(format!("receipt of {name} not removed: another command is submitting it")))
            } else if args.dry_run {
                Ok(())
            } else {
                receipt.remove().await
            };
            match done {
                Ok(()) => removed.push(receipt),
                Err(failure) => exits.push(failure.report()),
            }
        }
        let keys: Vec<_> = removed.iter().map(|receipt| receipt.receipt.key()).collect();
        let printed = output::result(args.format, &json!({"removed": keys, "dry_run": args.dry_run}), || {
            let verb = if args.dry_run { "would remove" } else { "removed" };
            for receipt in &removed {
                let age = output::time::coarse(receipt.age());
                output::line(&format!("{verb} {} ({}, {age})", receipt.receipt.name, receipt.progress().as_str()))?;
            }
            if removed.is_empty() {
                output::status("no receipts to remove");
            }
            Ok(())
        });
        exits.push(output::exit_of(&printed));
        Ok(Exit::first_failure(exits))
    })
}

fn has_ended(receipt: &StoredReceipt) -> bool {
    receipt.progress() == ReceiptProgress::Ended
}
