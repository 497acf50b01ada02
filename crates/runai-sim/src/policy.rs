//! Templates and policies: merging of specifications and validation of policy rules.

use runai_api::wire::ComplianceIssue;
use serde_json::{Map, Value};

use crate::scheduler::quantity;

/// Merges `over` into `under`: objects by member, lists of named items by name, and replaces everything else. Nulls are
/// ignored.
///
/// An item with `exclude` replaces the item with the same name.
pub(crate) fn overlay(under: &Value, over: &Value) -> Value {
    match (under, over) {
        (_, Value::Null) => under.clone(),
        (Value::Object(under), Value::Object(over)) => {
            let mut merged = under.clone();
            for (key, value) in over {
                let below = merged.get(key).cloned().unwrap_or(Value::Null);
                merged.insert(key.clone(), overlay(&below, value));
            }
            Value::Object(merged)
        }
        (Value::Array(under), Value::Array(over)) if named(under) && named(over) => {
            let mut merged = under.clone();
            for item in over {
                match merged.iter_mut().find(|it| it["name"] == item["name"]) {
                    Some(below) => *below = item.clone(),
                    None => merged.push(item.clone()),
                }
            }
            Value::Array(merged)
        }
        // An empty list removes nothing.
        (Value::Array(under), Value::Array(over)) if over.is_empty() => Value::Array(under.clone()),
        _ => over.clone(),
    }
}

fn named(items: &[Value]) -> bool {
    items.iter().all(|item| item["name"].is_string())
}

/// Converts the defaults of a policy to a specification. Lists are in `instances`; `attributes` are ignored.
pub(crate) fn defaults_as_spec(defaults: &Value) -> Value {
    let Value::Object(members) = defaults else { return defaults.clone() };
    if let Some(instances) = members.get("instances") {
        return instances.clone();
    }
    let members = members.iter().map(|(key, value)| (key.clone(), defaults_as_spec(value)));
    Value::Object(members.filter(|(_, value)| !value.is_null()).collect())
}

/// Returns the violations of `rules` by `given`, the sent specification, and `spec`, the same with all defaults.
pub(crate) fn violations(rules: &Value, given: &Value, spec: &Value) -> Vec<ComplianceIssue> {
    let mut issues = Vec::new();
    if let Value::Object(rules) = rules {
        walk(rules, given, spec, "", &mut issues);
    }
    issues
}

fn walk(rules: &Map<String, Value>, given: &Value, spec: &Value, path: &str, issues: &mut Vec<ComplianceIssue>) {
    for (key, rule) in rules {
        let Value::Object(rule) = rule else { continue };
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        let (given, value) = (&given[key.as_str()], &spec[key.as_str()]);
        if let Some(Value::Object(list)) = rule.get("instances") {
            instances(list, given, &path, issues);
        }
        if let Some(Value::Object(attributes)) = rule.get("attributes") {
            for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                walk(attributes, item, item, &format!("{path}[{index}]"), issues);
            }
        }
        if KINDS.iter().any(|kind| rule.contains_key(*kind)) {
            leaf(rule, given, value, &path, issues);
        } else {
            walk(rule, given, value, &path, issues);
        }
    }
}

/// Validates the rules for the items of a list.
fn instances(rule: &Map<String, Value>, given: &Value, path: &str, issues: &mut Vec<ComplianceIssue>) {
    let items = given.as_array().map(Vec::as_slice).unwrap_or_default();
    if rule.get("canAdd") == Some(&Value::Bool(false)) && !items.is_empty() {
        push(issues, path, "canAdd", "the policy does not allow additional items".to_owned());
    }
    for locked in rule.get("locked").and_then(Value::as_array).into_iter().flatten() {
        if let Some(index) = items.iter().position(|item| item["name"] == *locked) {
            let name = locked.as_str().unwrap_or_default();
            push(
                issues,
                &format!("{path}[{index}]"),
                "locked",
                format!("the policy does not allow changes of `{name}`"),
            );
        }
    }
}

fn leaf(rule: &Map<String, Value>, given: &Value, value: &Value, path: &str, issues: &mut Vec<ComplianceIssue>) {
    let says = |kind: &str, wanted: bool| rule.get(kind) == Some(&Value::Bool(wanted));
    if says("required", true) && value.is_null() {
        return push(issues, path, "required", "the policy requires a value".to_owned());
    }
    if says("canEdit", false) && !given.is_null() {
        push(issues, path, "canEdit", "the policy does not allow another value".to_owned());
    }
    let bound = |kind: &str| rule.get(kind).and_then(|bound| Some((amount(bound)?, bound)));
    if let Some(have) = amount(value) {
        if let Some((min, shown)) = bound("min").filter(|(min, _)| have < *min) {
            let _ = min;
            push(issues, path, "min", format!("{} is less than {}", plain(value), plain(shown)));
        }
        if let Some((max, shown)) = bound("max").filter(|(max, _)| have > *max) {
            let _ = max;
            push(issues, path, "max", format!("{} is more than {}", plain(value), plain(shown)));
        }
        if let Some((step, shown)) = bound("step").filter(|(step, _)| *step > 0.0) {
            let steps = (have - bound("min").map_or(0.0, |(min, _)| min)) / step;
            if (steps - steps.round()).abs() > 1e-9 {
                push(issues, path, "step", format!("{} is not a multiple of {}", plain(value), plain(shown)));
            }
        }
    }
    if let Some(options) = rule.get("options").and_then(Value::as_array)
        && !value.is_null()
        && !options.iter().any(|option| plain(&option["value"]) == plain(value))
    {
        let options: Vec<String> = options.iter().map(|option| plain(&option["value"])).collect();
        push(issues, path, "options", format!("`{}` is not one of {}", plain(value), options.join(", ")));
    }
}

/// Adds the source of each rule.
pub(crate) fn with_source(rules: &Value) -> Value {
    let Value::Object(members) = rules else { return rules.clone() };
    let is_rule = KINDS.iter().chain(&["canAdd", "locked"]).any(|kind| members.contains_key(*kind));
    let mut sourced: Map<String, Value> = Map::new();
    for (key, value) in members {
        sourced.insert(key.clone(), if is_rule { value.clone() } else { with_source(value) });
    }
    if is_rule {
        sourced.entry("sourceOfRule").or_insert_with(|| serde_json::json!({"scope": "tenant"}));
    }
    Value::Object(sourced)
}

fn amount(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str().and_then(quantity))
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn push(issues: &mut Vec<ComplianceIssue>, field: &str, rule: &str, details: String) {
    issues.push(ComplianceIssue { details, field: field.to_owned(), rule: Some(rule.to_owned()) });
}

/// Keys that distinguish a rule from an object of rules.
const KINDS: [&str; 7] = ["canEdit", "defaultFrom", "max", "min", "options", "required", "step"];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn overlay_merges_by_member_and_name() {
        let under = json!({
            "image": "a",
            "compute": {"cpuCoreRequest": 1, "gpuDevicesRequest": 2},
            "environmentVariables": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
            "nodePools": ["x"],
            "labels": [{"name": "l", "value": "v"}]
        });
        let over = json!({
            "compute": {"gpuDevicesRequest": 4, "cpuCoreRequest": null},
            "environmentVariables": [{"name": "B", "exclude": true}, {"name": "C", "value": "3"}],
            "nodePools": ["y", "z"],
            "labels": []
        });
        let expected = json!({
            "image": "a",
            "compute": {"cpuCoreRequest": 1, "gpuDevicesRequest": 4},
            "environmentVariables": [
                {"name": "A", "value": "1"}, {"name": "B", "exclude": true}, {"name": "C", "value": "3"}
            ],
            "nodePools": ["y", "z"],
            "labels": [{"name": "l", "value": "v"}]
        });
        assert_eq!(overlay(&under, &over), expected);
    }

    #[test]
    fn reads_default_lists_from_instances() {
        let defaults = json!({
            "compute": {"cpuCoreRequest": 1, "gpuPortionRequest": null},
            "labels": {"instances": [{"name": "l", "value": "v"}]},
            "ports": {"attributes": {"serviceType": "ClusterIP"}, "instances": []}
        });
        let expected = json!({"compute": {"cpuCoreRequest": 1}, "labels": [{"name": "l", "value": "v"}], "ports": []});
        assert_eq!(defaults_as_spec(&defaults), expected);
    }

    #[test]
    fn validates_every_kind_of_rule() {
        let rules = json!({
            "image": {"required": true, "canEdit": true},
            "command": {"canEdit": false},
            "priorityClass": {"options": [{"value": "low"}, {"value": "high"}]},
            "compute": {
                "gpuDevicesRequest": {"min": 1, "max": 4},
                "cpuCoreRequest": {"step": 0.5},
                "cpuMemoryRequest": {"max": "8Gi"}
            },
            "labels": {"instances": {"canAdd": false}},
            "environmentVariables": {"instances": {"locked": ["HTTP_PROXY"]}},
            "ports": {"attributes": {"container": {"min": 1024}}}
        });
        let given = json!({
            "command": "sh",
            "priorityClass": "medium",
            "compute": {"gpuDevicesRequest": 8, "cpuCoreRequest": 0.75, "cpuMemoryRequest": "16Gi"},
            "labels": [{"name": "l"}],
            "environmentVariables": [{"name": "A"}, {"name": "HTTP_PROXY"}],
            "ports": [{"container": 8080}, {"container": 80}]
        });
        let mut found: Vec<String> = violations(&rules, &given, &given)
            .into_iter()
            .map(|issue| format!("{} {}", issue.field, issue.rule.unwrap_or_default()))
            .collect();
        found.sort();
        assert_eq!(
            found,
            [
                "command canEdit",
                "compute.cpuCoreRequest step",
                "compute.cpuMemoryRequest max",
                "compute.gpuDevicesRequest max",
                "environmentVariables[1] locked",
                "image required",
                "labels canAdd",
                "ports[1].container min",
                "priorityClass options",
            ]
        );
        let fine = json!({"image": "i", "priorityClass": "low", "compute": {"gpuDevicesRequest": 1}});
        assert_eq!(violations(&rules, &fine, &fine), []);
    }
}
