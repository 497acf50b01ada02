//! Where the two sides differ.

use serde_json::Value;

use crate::{
    case::{Case, Found, Ours},
    peer::{Answer, PeerError},
};

/// One point on which the sides differ.
#[derive(Debug)]
pub(crate) struct Disagreement<'a> {
    pub(crate) case: &'a Case,
    pub(crate) about: About<'a>,
}

/// What they differ on.
#[derive(Debug)]
pub(crate) enum About<'a> {
    /// A member of the body.
    Body {
        /// JSON pointer in the body.
        path: String,
        ours: Option<Value>,
        peers: Option<Value>,
        /// The peer's whole body.
        body: &'a Value,
    },
    /// Only we refuse, for this.
    OursRefuses(&'a Found),
    /// Only the peer refuses, at this gate, for this.
    PeerRefuses(&'a str, &'a PeerError),
}

/// Every point on which the sides differ about `case`.
pub(crate) fn compare<'a>(case: &'a Case, ours: &'a Ours, answer: &'a Answer) -> Vec<Disagreement<'a>> {
    let mut found = match (&ours.body, &answer.body) {
        (Some(body), Some(peers)) => bodies(body, peers),
        (None, Some(_)) => ours.errors.iter().map(About::OursRefuses).collect(),
        (Some(_), None) => {
            let gate = answer.refused_by.as_deref().unwrap_or_default();
            answer.errors.iter().map(|error| About::PeerRefuses(gate, error)).collect()
        }
        (None, None) => Vec::new(),
    };
    found.drain(..).map(|about| Disagreement { case, about }).collect()
}

impl Disagreement<'_> {
    /// What stays the same while a case shrinks.
    pub(crate) fn sort(&self) -> String {
        match &self.about {
            About::Body { path, .. } => {
                let path = path.split('/').filter(|part| part.parse::<usize>().is_err());
                format!("body {}", path.collect::<Vec<_>>().join("/"))
            }
            About::OursRefuses(found) => format!("ours {}", found.code),
            About::PeerRefuses(gate, error) => format!("peer {gate} {}", error.kind),
        }
    }

    /// The disagreement in words.
    pub(crate) fn words(&self) -> String {
        let shown = |value: &Option<Value>| value.as_ref().map_or_else(|| "nothing".to_owned(), Value::to_string);
        match &self.about {
            About::Body { path, ours, peers, .. } => {
                format!("at `{path}` of the body we send {}, the peer {}", shown(ours), shown(peers))
            }
            About::OursRefuses(found) => {
                format!("only we refuse it, `{}` at `{}`: {}", found.code, found.path, found.message)
            }
            About::PeerRefuses(gate, error) => {
                format!("only the peer refuses it, at its {gate}: `{}` {}", error.loc.join("."), error.message)
            }
        }
    }
}

/// Where the bodies differ, members that are null or empty left out on both sides.
pub(crate) fn bodies<'a>(ours: &Value, peers: &'a Value) -> Vec<About<'a>> {
    let (mut ours, mut full_peers) = (full(ours), full(peers));
    let mut differences = Vec::new();
    // Set apart, so that the other annotations stand beside one another.
    let (_, zenml) = (take_zenml(&mut ours), take_zenml(&mut full_peers));
    if let Some(zenml) = zenml {
        differences.push((ZENML_ANNOTATIONS.to_owned(), None, Some(zenml)));
    }
    differ(Some(&ours), Some(&full_peers), String::new(), &mut differences);
    differences.into_iter().map(|(path, ours, theirs)| About::Body { path, ours, peers: theirs, body: peers }).collect()
}

/// Where annotations of ZenML's own are said to be.
pub(crate) const ZENML_ANNOTATIONS: &str = "/spec/annotations/zenml.io";

/// Takes ZenML's annotations out of a body.
fn take_zenml(body: &mut Value) -> Option<Value> {
    let spec = body.get_mut("spec")?.as_object_mut()?;
    let annotations = spec.get_mut("annotations")?.as_array_mut()?;
    let is_zenml = |one: &Value| one["name"].as_str().is_some_and(|name| name.starts_with("zenml.io/"));
    let zenml: Vec<Value> = annotations.iter().filter(|one| is_zenml(one)).cloned().collect();
    annotations.retain(|one| !is_zenml(one));
    if annotations.is_empty() {
        spec.remove("annotations");
    }
    (!zenml.is_empty()).then_some(Value::Array(zenml))
}

/// The value without members that are null, an empty list or an empty object.
fn full(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(full).collect(),
        Value::Object(map) => {
            let empty = |value: &Value| match value {
                Value::Null => true,
                Value::Array(items) => items.is_empty(),
                Value::Object(map) => map.is_empty(),
                _ => false,
            };
            let members = map.iter().map(|(key, value)| (key.clone(), full(value)));
            Value::Object(members.filter(|(_, value)| !empty(value)).collect())
        }
        value => value.clone(),
    }
}

fn differ(
    ours: Option<&Value>,
    peers: Option<&Value>,
    path: String,
    found: &mut Vec<(String, Option<Value>, Option<Value>)>,
) {
    match (ours, peers) {
        (Some(Value::Object(ours)), Some(Value::Object(peers))) => {
            let more = peers.keys().filter(|key| !ours.contains_key(*key));
            for key in ours.keys().chain(more) {
                differ(ours.get(key), peers.get(key), format!("{path}/{key}"), found);
            }
        }
        (Some(Value::Array(ours)), Some(Value::Array(peers))) if ours.len() == peers.len() => {
            for (index, (ours, peers)) in ours.iter().zip(peers).enumerate() {
                differ(Some(ours), Some(peers), format!("{path}/{index}"), found);
            }
        }
        // `2` and `2.0` are one number.
        (Some(Value::Number(ours)), Some(Value::Number(peers)))
            if ours == peers || (ours.is_f64() || peers.is_f64()) && ours.as_f64() == peers.as_f64() => {}
        (ours, peers) if ours == peers => {}
        (ours, peers) => found.push((path, ours.cloned(), peers.cloned())),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn paths(ours: &Value, peers: &Value) -> Vec<String> {
        let path = |about| match about {
            About::Body { path, .. } => path,
            other => panic!("{other:?}"),
        };
        bodies(ours, peers).into_iter().map(path).collect()
    }

    #[test]
    fn what_is_null_or_empty_is_not_compared_and_numbers_are_by_value() {
        let ours = json!({"a": 2, "b": {"c": {}}, "list": [{"x": 1.0}]});
        let peers = json!({"a": 2.0, "d": null, "list": [{"x": 1, "y": []}]});
        assert_eq!(paths(&ours, &peers), [""; 0]);
    }

    #[test]
    fn every_other_difference_has_its_place() {
        let ours = json!({"a": "", "list": [1, 2], "items": [{"x": 1}]});
        let peers = json!({"b": 0, "list": [1], "items": [{"x": true}]});
        assert_eq!(paths(&ours, &peers), ["/a", "/list", "/items/0/x", "/b"]);
    }

    #[test]
    fn zenmls_annotations_are_one_difference_and_hide_no_other() {
        let own = json!({"name": "a", "value": "b"});
        let peers = json!({"spec": {"annotations": [own, {"name": "zenml.io/user", "value": "1"}]}});
        assert_eq!(paths(&json!({"spec": {"annotations": [own]}}), &peers), [ZENML_ANNOTATIONS]);
        assert_eq!(paths(&json!({"spec": {"x": 1}}), &peers), [ZENML_ANNOTATIONS, "/spec/x", "/spec/annotations"]);
    }
}
