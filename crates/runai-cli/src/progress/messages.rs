//! Formats events for people and for programs.

use runai_client::lifecycle::{Outcome, SuspendReason};
use runai_client::{Event, one_line};
use serde_json::{Value, json};

use super::Interruption;
use crate::output::secrets::scrub;
use crate::tracking::End;

pub(super) fn end_message(end: &End) -> String {
    match end.outcome {
        Outcome::Cancelled => "was suspended".to_owned(),
        Outcome::Failed => match end.why.as_deref().filter(|why| !why.is_empty()) {
            Some(why) => format!("failed: {why}"),
            None => "failed".to_owned(),
        },
        Outcome::PendingTimeout => "was queued longer than `pending_timeout` and is suspended".to_owned(),
        Outcome::Stopped => "was stopped by someone else".to_owned(),
        Outcome::Succeeded => "succeeded".to_owned(),
        Outcome::Vanished => "vanished: deleted by someone else, or never created".to_owned(),
        Outcome::WorkloadTimeout => "ran longer than `workload_timeout` and is suspended".to_owned(),
        _ => match &end.why {
            Some(phase) => format!("ended in the unknown phase `{phase}`"),
            None => "ended in an unknown phase".to_owned(),
        },
    }
}

/// Warns that a submission created several workloads. The oldest is first in `workload_ids`.
pub(super) fn duplicate_message(name: &str, workload_ids: &[String]) -> String {
    let younger = workload_ids.get(1..).unwrap_or_default().join(" ");
    format!(
        "{name} was submitted once and exists {} times: {}\nhint: keep the oldest and delete the rest with `runai-step \
         delete {younger}`",
        workload_ids.len(),
        workload_ids.join(", ")
    )
}

/// Describes the effect of an interrupt.
pub(super) fn interruption_message(interruption: &Interruption) -> String {
    let Interruption::Suspend { names, in_flight } = interruption else {
        return "interrupted: workloads continue to run".to_owned();
    };
    let followed = match names.as_slice() {
        [] => None,
        [name] => Some(format!("suspending {name}")),
        names => Some(format!("suspending {} workloads", names.len())),
    };
    let in_flight = match in_flight {
        0 => None,
        1 => Some("1 submission in flight will be suspended once confirmed".to_owned()),
        count => Some(format!("{count} submissions in flight will be suspended once confirmed")),
    };
    let mut parts: Vec<_> = followed.into_iter().chain(in_flight).collect();
    if parts.is_empty() {
        parts.push("collecting outcomes of ended workloads".to_owned());
    }
    format!("interrupted: {}; press Ctrl-C again to exit immediately", parts.join("; "))
}

/// Formats an event for people. The reporter formats the end itself.
pub(super) fn event_message(event: &Event) -> Option<String> {
    Some(match event {
        Event::CleanupFailed { error } => format!("cannot delete the workload: {}", scrub(&error.to_string())),
        Event::Deleting { .. } => "deleting the workload because of `delete_on_failure`".to_owned(),
        Event::Phase { phase, node_pools, .. } if node_pools.is_empty() => phase.clone(),
        Event::Phase { phase, node_pools, .. } => format!("{phase} on {}", node_pools.join(", ")),
        Event::Suspending { why: SuspendReason::PendingTimeout } => {
            "suspending the workload: queued longer than `pending_timeout`".to_owned()
        }
        Event::Suspending { why: SuspendReason::WorkloadTimeout } => {
            "suspending the workload: running longer than `workload_timeout`".to_owned()
        }
        Event::OutageBegan { error } => {
            format!("lost contact with the workload ({}); it continues to run", scrub(&error.to_string()))
        }
        Event::OutageEnded { lasted } => format!("contact restored after {:.0} s", lasted.as_secs_f64()),
        Event::ReceiptError { error } => format!("cannot update the receipt: {}", one_line(error)),
        Event::Waiting { reason } => format!("waiting: {reason}"),
        _ => return None,
    })
}

/// Returns an event as JSON, for programs.
pub(super) fn event_json(event: &Event) -> Option<Value> {
    Some(match event {
        Event::CleanupFailed { error } => json!({"event": "cleanup_failed", "error": scrub(&error.to_string())}),
        Event::Duplicate { workload_ids } => json!({"event": "duplicate", "workload_ids": workload_ids}),
        Event::Deleting { outcome } => json!({"event": "deleting", "outcome": outcome}),
        Event::Phase { phase, stage, node_pools } => {
            json!({"event": "phase", "phase": phase, "stage": stage, "node_pools": node_pools})
        }
        Event::Suspending { why } => json!({"event": "suspending", "why": why.outcome()}),
        Event::OutageBegan { error } => json!({"event": "outage_began", "error": scrub(&error.to_string())}),
        Event::OutageEnded { lasted } => json!({"event": "outage_ended", "seconds": lasted.as_secs_f64()}),
        Event::ReceiptError { error } => json!({"event": "unrecorded", "error": one_line(error)}),
        Event::Waiting { reason } => json!({"event": "waiting", "reason": reason}),
        _ => return None,
    })
}

/// Adds the members of `more` to `object`.
pub(super) fn merge(object: &mut Value, more: Value) {
    if let (Value::Object(object), Value::Object(more)) = (object, more) {
        object.extend(more);
    }
}
