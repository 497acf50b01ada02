//! Compares the results of the core and the reference implementation.

use serde_json::Value;

use crate::{
    case::{Case, CoreResult, Found},
    reference::{Answer, PeerError},
};

/// A disagreement between the core and the reference implementation.
#[derive(Debug)]
pub(crate) struct Disagreement<'a> {
    pub(crate) case: &'a Case,
    pub(crate) about: About<'a>,
}

/// The subject of a disagreement.
#[derive(Debug)]
pub(crate) enum About<'a> {
    /// A member of the body.
    Body {
        /// JSON pointer in the body.
        path: String,
        core: Option<Value>,
        reference: Option<Value>,
        /// The whole body of the reference implementation.
        body: &'a Value,
    },
    /// Only the core rejects the document.
    CoreRejects(&'a Found),
    /// Only the reference implementation rejects the document, at this stage.
    ReferenceRejects(&'a str, &'a PeerError),
}

/// Returns all disagreements about `case`.
pub(crate) fn compare<'a>(case: &'a Case, core: &'a CoreResult, answer: &'a Answer) -> Vec<Disagreement<'a>> {
    let mut found = match (&core.body, &answer.body) {
        (Some(body), Some(reference)) => bodies(body, reference),
        (None, Some(_)) => core.errors.iter().map(About::CoreRejects).collect(),
        (Some(_), None) => {
            let gate = answer.refused_by.as_deref().unwrap_or_default();
            answer.errors.iter().map(|error| About::ReferenceRejects(gate, error)).collect()
        }
        (None, None) => Vec::new(),
    };
    found.drain(..).map(|about| Disagreement { case, about }).collect()
}

impl Disagreement<'_> {
    /// Returns the kind, which does not change while a case is minimized.
    pub(crate) fn sort(&self) -> String {
        match &self.about {
            About::Body { path, .. } => {
                let path = path.split('/').filter(|part| part.parse::<usize>().is_err());
                format!("body {}", path.collect::<Vec<_>>().join("/"))
            }
            About::CoreRejects(found) => format!("core {}", found.code),
            About::ReferenceRejects(gate, error) => format!("reference {gate} {}", error.kind),
        }
    }

    /// Returns a description.
    pub(crate) fn words(&self) -> String {
        let shown = |value: &Option<Value>| value.as_ref().map_or_else(|| "nothing".to_owned(), Value::to_string);
        match &self.about {
            About::Body { path, core, reference, .. } => {
                format!("at `{path}` of the body, the core sends {}, the reference {}", shown(core), shown(reference))
            }
            About::CoreRejects(found) => {
                format!("rejected only by the core, `{}` at `{}`: {}", found.code, found.path, found.message)
            }
            About::ReferenceRejects(gate, error) => {
                format!("rejected only by the reference, in stage {gate}: `{}` {}", error.loc.join("."), error.message)
            }
        }
    }
}

/// Returns the differences between the bodies, without members that are null or empty.
pub(crate) fn bodies<'a>(core: &Value, reference: &'a Value) -> Vec<About<'a>> {
    let (mut core, mut full_reference) = (full(core), full(reference));
    let mut differences = Vec::new();
    // Separated, so that the other annotations have equal indices.
    let (_, zenml) = (take_zenml(&mut core), take_zenml(&mut full_reference));
    if let Some(zenml) = zenml {
        differences.push((ZENML_ANNOTATIONS.to_owned(), None, Some(zenml)));
    }
    differ(Some(&core), Some(&full_reference), String::new(), &mut differences);
    differences
        .into_iter()
        .map(|(path, core, other)| About::Body { path, core, reference: other, body: reference })
        .collect()
}

/// The pseudo path of ZenML's annotations.
pub(crate) const ZENML_ANNOTATIONS: &str = "/spec/annotations/zenml.io";

/// Removes ZenML's annotations from a body.
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

/// Returns the value without members that are null, an empty list or an empty object.
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
    core: Option<&Value>,
    reference: Option<&Value>,
    path: String,
    found: &mut Vec<(String, Option<Value>, Option<Value>)>,
) {
    match (core, reference) {
        (Some(Value::Object(core)), Some(Value::Object(reference))) => {
            let more = reference.keys().filter(|key| !core.contains_key(*key));
            for key in core.keys().chain(more) {
                differ(core.get(key), reference.get(key), format!("{path}/{key}"), found);
            }
        }
        (Some(Value::Array(core)), Some(Value::Array(reference))) if core.len() == reference.len() => {
            for (index, (core, reference)) in core.iter().zip(reference).enumerate() {
                differ(Some(core), Some(reference), format!("{path}/{index}"), found);
            }
        }
        // `2` equals `2.0`.
        (Some(Value::Number(core)), Some(Value::Number(reference)))
            if core == reference || (core.is_f64() || reference.is_f64()) && core.as_f64() == reference.as_f64() => {}
        (core, reference) if core == reference => {}
        (core, reference) => found.push((path, core.cloned(), reference.cloned())),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn paths(core: &Value, reference: &Value) -> Vec<String> {
        let path = |about| match about {
            About::Body { path, .. } => path,
            other => panic!("{other:?}"),
        };
        bodies(core, reference).into_iter().map(path).collect()
    }

    #[test]
    fn ignores_null_and_empty_members() {
        let core = json!({"a": 2, "b": {"c": {}}, "list": [{"x": 1.0}]});
        let reference = json!({"a": 2.0, "d": null, "list": [{"x": 1, "y": []}]});
        assert_eq!(paths(&core, &reference), [""; 0]);
    }

    #[test]
    fn reports_paths_of_differences() {
        let core = json!({"a": "", "list": [1, 2], "items": [{"x": 1}]});
        let reference = json!({"b": 0, "list": [1], "items": [{"x": true}]});
        assert_eq!(paths(&core, &reference), ["/a", "/list", "/items/0/x", "/b"]);
    }

    #[test]
    fn groups_zenml_annotations() {
        let own = json!({"name": "a", "value": "b"});
        let reference = json!({"spec": {"annotations": [own, {"name": "zenml.io/user", "value": "1"}]}});
        assert_eq!(paths(&json!({"spec": {"annotations": [own]}}), &reference), [ZENML_ANNOTATIONS]);
        assert_eq!(paths(&json!({"spec": {"x": 1}}), &reference), [ZENML_ANNOTATIONS, "/spec/x", "/spec/annotations"]);
    }
}
