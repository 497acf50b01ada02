//! `runai-step receipts recover`: looks up the workloads of unconfirmed submissions.

use runai_client::Error;
use serde_json::{Value, json};

use super::store::{StoredReceipt, read_all};
use super::{find, report_unreadable};
use crate::args::ReceiptsRecoverArgs;
use crate::config::connect::Connection;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::interrupts::Interrupts;
use crate::output;
use crate::runtime::block_on;

/// Looks up each unsettled submission and updates its receipt. Submits nothing.
pub(crate) fn recover(args: &ReceiptsRecoverArgs) -> Result<Exit, Failure> {
    let (receipts, unreadable) = read_all()?;
    report_unreadable(&unreadable);
    let connection =
        Connection::open(&args.remote.config, &args.remote.connect, Vec::new())?.settle_time(args.settle_time);
    let base_url = connection.client().base_url().to_owned();
    let named = args.receipts.iter().map(|selector| find(&receipts, selector)).collect::<Result<Vec<_>, _>>()?;
    if let Some(other) = named.iter().find(|receipt| receipt.receipt.base_url != base_url) {
        let message =
            format!("receipt of {} belongs to {}, not to {base_url}", other.receipt.name, other.receipt.base_url);
        return Err(Failure::usage(message).hint("select the control plane with `--config` or `--base-url`"));
    }
    let chosen: Vec<&StoredReceipt> = if named.is_empty() {
        let unsettled = receipts.iter().filter(|receipt| receipt.progress().is_unsettled());
        unsettled.filter(|receipt| receipt.receipt.base_url == base_url).collect()
    } else {
        named
    };
    block_on(async {
        let mut interrupts = Interrupts::listen();
        let mut exits = Vec::new();
        let mut results = Vec::new();
        for stored in chosen {
            if stored.is_being_submitted().await {
                results.push(being_submitted(stored));
                continue;
            }
            let look_up = Box::pin(async { Ok::<_, Failure>(connection.operator.recover(&stored.receipt).await) });
            match result(stored, interrupts.guard(look_up, "no receipt was changed").await?) {
                Ok(result) => results.push(result),
                Err(failure) => exits.push(failure.report()),
            }
        }
        let printed = output::result(args.remote.format, &json!({"receipts": results}), || {
            if results.is_empty() && exits.is_empty() {
                output::status("no unconfirmed submissions");
            }
            results.iter().try_for_each(|result| output::line(result["message"].as_str().unwrap_or_default()))
        });
        exits.push(output::exit_of(&printed));
        Ok(Exit::first_failure(exits))
    })
}

fn being_submitted(stored: &StoredReceipt) -> Value {
    let (key, name) = (stored.receipt.key(), &stored.receipt.name);
    let message = format!("{name} is being submitted by another command");
    json!({"key": key, "name": name, "became": "sending", "workload_id": null, "message": message})
}

fn result(stored: &StoredReceipt, found: Result<Option<runai_client::Submitted>, Error>) -> Result<Value, Failure> {
    let (key, name) = (stored.receipt.key(), &stored.receipt.name);
    let (became, workload_id, message) = match found {
        Ok(Some(submitted)) => {
            let message = format!("{name} was submitted; follow it with `runai-step wait {name}`");
            ("submitted", Some(submitted.workload_id), message)
        }
        Ok(None) => {
            let message =
                format!("{name} was not submitted; remove its receipt with `runai-step receipts prune --force {key}`");
            ("absent", None, message)
        }
        Err(Error::AlreadyDeleted { workload_id, .. }) => {
            ("deleted", Some(workload_id), format!("{name} was submitted and later deleted by someone else"))
        }
        Err(error) => return Err(Failure::from(error).about(name)),
    };
    Ok(json!({"key": key, "name": name, "became": became, "workload_id": workload_id, "message": message}))
}
