//! Compares the schema of the body with the SDK's models, on rendered bodies and on bodies with one invalid member.

use std::collections::HashSet;

use anyhow::{Result, anyhow, bail};
use runai_spec::schema;
use serde_json::{Value, json};

use crate::reference::Reference;

/// Disagreements to print; the rest is only counted.
const SHOWN: usize = 10;

/// Returns the numbers of compared and accepted bodies.
pub(crate) fn compare(bodies: &[Value], reference: &mut Reference) -> Result<(usize, usize)> {
    let schema = schema::value("training-request").ok_or_else(|| anyhow!("missing schema of the body"))?;
    let schema = jsonschema::draft7::new(&schema).map_err(|error| anyhow!("invalid schema: {error}"))?;
    let asked = questions(bodies);
    let lines: Vec<String> =
        asked.iter().enumerate().map(|(id, body)| json!({"id": id, "body": body}).to_string()).collect();
    let answers = reference.ask_lines(&lines)?;
    let mut accepted = 0;
    let mut failures = Vec::new();
    for (body, answer) in asked.iter().zip(answers) {
        let core = schema.is_valid(body);
        accepted += usize::from(core);
        if core != answer.refused_by.is_none() {
            let words: Vec<_> =
                schema.iter_errors(body).map(|error| format!("{error} at {}", error.instance_path())).collect();
            let reference: Vec<_> = answer.errors.iter().map(|error| error.message.as_str()).collect();
            failures.push(format!("  {body}\n  the schema: {words:?}\n  the SDK: {reference:?}"));
        }
    }
    if !failures.is_empty() {
        failures.truncate(SHOWN);
        bail!("the schema of the body and the SDK's models disagree:\n{}", failures.join("\n"));
    }
    Ok((asked.len(), accepted))
}

/// Returns each body, and one variant per kind of member and error.
fn questions(bodies: &[Value]) -> Vec<Value> {
    let mut asked = Vec::new();
    let mut seen = HashSet::new();
    // The SDK is older than the control plane that accepts this value.
    for body in bodies.iter().filter(|body| body["spec"]["preemptibility"] != "semi-preemptible") {
        asked.push(body.clone());
        let mut members = Vec::new();
        collect(body, String::new(), &mut members);
        for pointer in members {
            let kind: Vec<&str> =
                pointer.split('/').map(|part| if part.parse::<usize>().is_ok() { "*" } else { part }).collect();
            if seen.insert(kind.join("/")) {
                asked.extend(broken(body, &pointer));
            }
        }
    }
    asked
}

fn collect(value: &Value, pointer: String, found: &mut Vec<String>) {
    match value {
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| collect(item, format!("{pointer}/{index}"), found));
        }
        Value::Object(map) => {
            for (key, item) in map {
                collect(item, format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1")), found);
            }
        }
        _ => {}
    }
    if !pointer.is_empty() {
        found.push(pointer);
    }
}

/// Returns variants of the body with another value at `pointer`: of another type, or out of range. Nulls are dropped by
/// both sides and not tested.
fn broken<'b>(body: &'b Value, pointer: &'b str) -> impl Iterator<Item = Value> + use<'b> {
    let others = [
        json!(""),
        json!("x"),
        json!("x".repeat(64)),
        json!("-not-a-name-"),
        json!("4 gigs"),
        json!("0999"),
        json!(-1),
        json!(0),
        json!(70_000),
        json!(0.5),
        json!(true),
        json!([[]]),
        json!({"noSuchMember": 1}),
    ];
    others.into_iter().filter_map(move |other| {
        let mut body = body.clone();
        let place = body.pointer_mut(pointer)?;
        // The SDK's conversion between maps and lists is undefined.
        let structured = |value: &Value| value.is_array() || value.is_object();
        if structured(place) && structured(&other) && place.is_array() != other.is_array() || *place == other {
            return None;
        }
        *place = other;
        Some(body)
    })
}
