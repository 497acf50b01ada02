//! Faults in the bodies of successful responses: empty lists, malformed items, unknown phases, wrong total times.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    clock::between,
    faults::{Damage, FaultKind, Injection, TotalsChange},
};

/// Whether a fault of this kind changes response bodies.
pub(super) const fn changes_body(kind: &FaultKind) -> bool {
    matches!(
        kind,
        FaultKind::EmptyList
            | FaultKind::MalformedItem { .. }
            | FaultKind::TotalTimes { .. }
            | FaultKind::UnknownPhase { .. }
    )
}

/// Applies the fault to the body of a successful response. `now` is the simulated time at the start of the request.
pub(super) fn change(body: &mut Value, injection: &mut Injection, now: Timestamp) {
    match injection.kind.clone() {
        FaultKind::EmptyList => empty(body),
        FaultKind::MalformedItem { damage, member } => malform(body, damage, member.as_deref(), injection),
        FaultKind::TotalTimes { change } => {
            for item in items(body) {
                total_times(item, change, now);
            }
        }
        FaultKind::UnknownPhase { completed, phase } => {
            for item in items(body) {
                unknown_phase(item, completed, &phase);
            }
        }
        _ => {}
    }
}

/// Returns the items of a list response, or the resource itself.
fn items(body: &mut Value) -> Vec<&mut Value> {
    if let Some(name) = LISTS.iter().find(|name| body.get(**name).is_some()) {
        return body[*name].as_array_mut().into_iter().flatten().collect();
    }
    match body {
        Value::Array(items) => items.iter_mut().collect(),
        Value::Object(_) => vec![body],
        _ => Vec::new(),
    }
}

fn empty(body: &mut Value) {
    match body {
        Value::Array(items) => items.clear(),
        Value::Object(members) => {
            if let Some(name) = LISTS.iter().find(|name| members.contains_key(**name)) {
                members[*name] = json!([]);
                members.shift_remove("next");
            } else if let Some(count) = members.get_mut("count") {
                *count = json!(0);
            }
        }
        _ => {}
    }
}

fn malform(body: &mut Value, damage: Damage, member: Option<&str>, injection: &mut Injection) {
    let mut items = items(body);
    if items.is_empty() {
        return;
    }
    let item = injection.random.below(items.len());
    let Some(members) = items[item].as_object_mut() else { return };
    let known: Vec<&str> = NEEDED.iter().copied().filter(|name| members.contains_key(*name)).collect();
    let chosen = match member {
        Some(member) => member,
        None if known.is_empty() => return,
        None => known[injection.random.below(known.len())],
    };
    if damage == Damage::Missing {
        members.shift_remove(chosen);
    } else if let Some(value) = members.get_mut(chosen) {
        *value = other_type(value);
    }
}

fn other_type(value: &Value) -> Value {
    match value {
        Value::Array(_) => json!({}),
        Value::Bool(it) => json!(it.to_string()),
        Value::Null | Value::String(_) => json!(7),
        Value::Number(number) => json!(number.to_string()),
        Value::Object(_) => json!([]),
    }
}

fn unknown_phase(item: &mut Value, completed: Option<bool>, phase: &str) {
    let Some(members) = item.as_object_mut() else { return };
    for name in ["phase", "actualPhase"] {
        if let Some(value) = members.get_mut(name) {
            *value = json!(phase);
        }
    }
    let Some(updated) = members.get("phaseUpdatedAt").cloned() else { return };
    match completed {
        Some(true) if members.get("completedAt").is_none_or(Value::is_null) => {
            members.insert("completedAt".to_owned(), updated);
        }
        Some(false) => {
            members.shift_remove("completedAt");
        }
        _ => {}
    }
}

fn total_times(item: &mut Value, change: TotalsChange, now: Timestamp) {
    let Some(since) = item["phaseUpdatedAt"].as_str().and_then(|text| text.parse::<Timestamp>().ok()) else { return };
    for (name, counted) in [("totalPendingTimeSeconds", "Pending"), ("totalRunningTimeSeconds", "Running")] {
        let present = if item["phase"] == counted { between(since, now) } else { Duration::ZERO }.as_secs();
        let Some(value) = item.get_mut(name) else { continue };
        let total = value.as_u64().unwrap_or_default();
        *value = match change {
            TotalsChange::Backwards => json!(total.saturating_sub(2 * present)),
            TotalsChange::Reset => json!(present.min(total)),
        };
    }
}

/// Names of the members that contain the items of a list response.
const LISTS: &[&str] = &["events", "nodepools", "pods", "projects", "records", "templates", "workloads"];

/// Members of workloads and projects that clients need: the default targets of [`FaultKind::MalformedItem`].
const NEEDED: &[&str] =
    &["clusterId", "createdAt", "id", "name", "phase", "phaseUpdatedAt", "projectId", "type", "workloadId"];
