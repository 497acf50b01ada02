//! The schema of the body held against the SDK's models: every body that is rendered, and each with one member broken.

use std::collections::HashSet;

use anyhow::{Result, anyhow, bail};
use runai_spec::schema;
use serde_json::{Value, json};

use crate::peer::Peer;

/// Disagreements that are shown; the rest is only counted.
const SHOWN: usize = 10;

/// How many bodies were asked about, and how many of them both sides accept.
pub(crate) fn compare(bodies: &[Value], peer: &mut Peer) -> Result<(usize, usize)> {
    let schema = schema::value("training-request").ok_or_else(|| anyhow!("there is no schema of the body"))?;
    let schema = jsonschema::draft7::new(&schema).map_err(|error| anyhow!("the schema is none: {error}"))?;
    let asked = questions(bodies);
    let lines: Vec<String> =
        asked.iter().enumerate().map(|(id, body)| json!({"id": id, "body": body}).to_string()).collect();
    let answers = peer.ask_lines(&lines)?;
    let mut accepted = 0;
    let mut failures = Vec::new();
    for (body, answer) in asked.iter().zip(answers) {
        let ours = schema.is_valid(body);
        accepted += usize::from(ours);
        if ours != answer.refused_by.is_none() {
            let words: Vec<_> =
                schema.iter_errors(body).map(|error| format!("{error} at {}", error.instance_path())).collect();
            let theirs: Vec<_> = answer.errors.iter().map(|error| error.message.as_str()).collect();
            failures.push(format!("  {body}\n  the schema: {words:?}\n  the SDK: {theirs:?}"));
        }
    }
    if !failures.is_empty() {
        failures.truncate(SHOWN);
        bail!("the schema of the body and the SDK's models disagree:\n{}", failures.join("\n"));
    }
    Ok((asked.len(), accepted))
}

/// Each body, and each kind of member broken in every way, once.
fn questions(bodies: &[Value]) -> Vec<Value> {
    let mut asked = Vec::new();
    let mut seen = HashSet::new();
    // The SDK is older than the control plane that takes this.
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

/// The body with something else at `pointer`: of another type, or beyond some bound. Nulls are left out on both sides, so
/// they are nothing to ask about.
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
        // What the SDK makes of a map or list in the place of the other is an accident of its code.
        let structured = |value: &Value| value.is_array() || value.is_object();
        if structured(place) && structured(&other) && place.is_array() != other.is_array() || *place == other {
            return None;
        }
        *place = other;
        Some(body)
    })
}
