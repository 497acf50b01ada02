//! Events as people and as programs read them.

use runai_client::lifecycle::{Outcome, SuspendReason};
use runai_client::{Event, one_line};
use serde_json::{Value, json};

use super::Interruption;
use crate::output::secrets::scrub;
use crate::tracking::End;

pub(super) fn end_words(end: &End) -> String {
    match end.outcome {
        Outcome::Cancelled => "was suspended".to_owned(),
        Outcome::Failed => match end.why.as_deref().filter(|why| !why.is_empty()) {
            Some(why) => format!("failed: {why}"),
            None => "failed".to_owned(),
        },
        Outcome::PendingTimeout => "was queued too long and is suspended".to_owned(),
        Outcome::Stopped => "was stopped by someone else".to_owned(),
        Outcome::Succeeded => "succeeded".to_owned(),
        Outcome::Vanished => "vanished: someone deleted it, or it never was".to_owned(),
        Outcome::WorkloadTimeout => "ran too long and is suspended".to_owned(),
        _ => match &end.why {
            Some(phase) => format!("ended in the unknown phase `{phase}`"),
            None => "ended in an unknown phase".to_owned(),
        },
    }
}

/// That one submission has become several workloads, the oldest of which comes first.
pub(super) fn duplicate_words(name: &str, workload_ids: &[String]) -> String {
    let younger = workload_ids.get(1..).unwrap_or_default().join(" ");
    format!(
        "the submission of {name} exists {} times, and nothing is deleted: {}\nhint: `runai-step delete {younger}` deletes \
         the younger",
        workload_ids.len(),
        workload_ids.join(", ")
    )
}

/// What people read when they interrupt.
pub(super) fn interruption_words(interruption: &Interruption) -> String {
    let Interruption::Suspend { names, in_flight } = interruption else {
        return "interrupted: leaving the workloads alone".to_owned();
    };
    let followed = match names.as_slice() {
        [] => None,
        [name] => Some(format!("suspending {name}")),
        names => Some(format!("suspending {} workloads", names.len())),
    };
    let in_flight = match in_flight {
        0 => None,
        1 => Some("1 submission in flight is suspended once it is confirmed".to_owned()),
        count => Some(format!("{count} submissions in flight are suspended once they are confirmed")),
    };
    let mut parts: Vec<_> = followed.into_iter().chain(in_flight).collect();
    if parts.is_empty() {
        parts.push("collecting how the workloads ended".to_owned());
    }
    format!("interrupted: {}; Ctrl-C again leaves at once", parts.join("; "))
}

/// An event for people; the end is summed up with what is known about it.
pub(super) fn words(event: &Event) -> Option<String> {
    Some(match event {
        Event::CleanupFailed { error } => format!("could not delete the workload: {}", scrub(&error.to_string())),
        Event::Deleting { .. } => "deleting the workload, as `delete_on_failure` asks".to_owned(),
        Event::Phase { phase, node_pools, .. } if node_pools.is_empty() => phase.clone(),
        Event::Phase { phase, node_pools, .. } => format!("{phase} on {}", node_pools.join(", ")),
        Event::Suspending { why: SuspendReason::PendingTimeout } => {
            "suspending the workload, which was queued longer than `pending_timeout`".to_owned()
        }
        Event::Suspending { why: SuspendReason::WorkloadTimeout } => {
            "suspending the workload, which ran longer than `workload_timeout`".to_owned()
        }
        Event::OutageBegan { error } => {
            format!("lost sight of it ({}); it continues to run", scrub(&error.to_string()))
        }
        Event::OutageEnded { lasted } => format!("it is in sight again after {:.0} s", lasted.as_secs_f64()),
        Event::ReceiptError { error } => format!("the receipt is not up to date: {}", one_line(error)),
        Event::Waiting { reason } => format!("waiting: {reason}"),
        _ => return None,
    })
}

/// An event for programs.
pub(super) fn object(event: &Event) -> Option<Value> {
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

/// Adds the members of `more`.
pub(super) fn merge(object: &mut Value, more: Value) {
    if let (Value::Object(object), Value::Object(more)) = (object, more) {
        object.extend(more);
    }
}
