//! The policy of a project, and the check of a spec against it.

use std::fmt;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::quantity::Amount;
use crate::wire::nullable;

/// The defaults and rules of a project's trainings, as the API returns them.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct EffectivePolicy {
    /// Default values of members.
    pub defaults: Value,
    /// Rules by member, such as `{"compute": {"gpuDevicesRequest": {"max": 4}}}`, each with its `sourceOfRule`.
    pub rules: Value,
}

/// The origin of a rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct PolicySource {
    /// UUID of the cluster, for a cluster's policy.
    pub cluster_id: Option<String>,
    /// Id of the department, for a department's policy.
    pub department_id: Option<String>,
    /// Id of the project, for a project's policy.
    pub project_id: Option<Value>,
    /// `system`, `tenant`, `cluster`, `department` or `project`.
    #[serde(deserialize_with = "nullable")]
    pub scope: String,
}

impl fmt::Display for PolicySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = match self.scope.as_str() {
            "cluster" => self.cluster_id.clone(),
            "department" => self.department_id.clone(),
            "project" => self.project_id.as_ref().map(|id| id.as_str().map_or_else(|| id.to_string(), str::to_owned)),
            _ => None,
        };
        match (self.scope.as_str(), id) {
            ("", _) => f.write_str("the policy"),
            (scope, None) => write!(f, "the {scope}'s policy"),
            (scope, Some(id)) => write!(f, "the policy of {scope} {id}"),
        }
    }
}

/// A rule of a policy that a submission violates.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PolicyViolation {
    /// The rule and the offending value.
    pub details: String,
    /// The member's path, such as `compute.gpuDevicesRequest`.
    pub field: String,
    /// The kind of rule: `min`, `max`, `step`, `options`, `required`, `canEdit`, `canAdd`, `locked`, `blocked`.
    pub rule: &'static str,
    /// The origin of the rule.
    pub source: PolicySource,
}

impl EffectivePolicy {
    /// Returns the violations of a submission's `spec`.
    ///
    /// This is a preview: the control plane decides. Unknown kinds of rules are ignored.
    #[must_use]
    pub fn violations(&self, spec: &Value) -> Vec<PolicyViolation> {
        let mut violations = Vec::new();
        if let Value::Object(rules) = &self.rules {
            walk(rules, &self.defaults, spec, "", &mut violations);
        }
        violations
    }
}

fn walk(rules: &Map<String, Value>, defaults: &Value, spec: &Value, path: &str, violations: &mut Vec<PolicyViolation>) {
    for (name, rule) in rules {
        let Value::Object(rule) = rule else { continue };
        let field = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let (default, value) = (&defaults[name.as_str()], &spec[name.as_str()]);
        if KINDS.iter().any(|kind| rule.contains_key(*kind)) {
            check_member(rule, default, value, &field, violations);
            continue;
        }
        if let Some(Value::Object(list)) = rule.get("instances") {
            check_items(list, default, value, &field, violations);
        }
        match rule.get("attributes") {
            Some(Value::Object(attributes)) => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    walk(attributes, &default["attributes"], item, &format!("{field}[{index}]"), violations);
                }
            }
            _ => walk(rule, default, value, &field, violations),
        }
    }
}

/// Checks the rules of a member.
fn check_member(
    rule: &Map<String, Value>,
    default: &Value,
    given: &Value,
    field: &str,
    violations: &mut Vec<PolicyViolation>,
) {
    let mut push = |kind, details| violations.push(violation(rule, field, kind, details));
    let is = |kind: &str, wanted: bool| rule.get(kind) == Some(&Value::Bool(wanted));
    let value = if given.is_null() { default } else { given };
    if is("required", true) && value.is_null() && !rule.contains_key("defaultFrom") {
        push("required", "a value is required".to_owned());
    }
    // A value that equals the default is allowed.
    if is("canEdit", false) && !given.is_null() && !same(given, default) {
        push("canEdit", format!("the value must not be set (`{}`)", plain(given)));
    }
    if given.is_null() {
        return;
    }
    let bound = |kind: &str| rule.get(kind).filter(|bound| !bound.is_null());
    let actual = number(given);
    if let (Some(actual), Some((min, shown))) = (actual, bound("min").and_then(|min| Some((number(min)?, min))))
        && actual < min
    {
        push("min", format!("`{}` is less than {}", plain(given), plain(shown)));
    }
    if let (Some(actual), Some((max, shown))) = (actual, bound("max").and_then(|max| Some((number(max)?, max))))
        && actual > max
    {
        push("max", format!("`{}` is more than {}", plain(given), plain(shown)));
    }
    if let (Some(actual), Some((step, shown))) = (actual, bound("step").and_then(|step| Some((number(step)?, step))))
        && step > 0.0
    {
        let steps = (actual - bound("min").and_then(number).unwrap_or(0.0)) / step;
        if (steps - steps.round()).abs() > 1e-9 {
            push("step", format!("`{}` is not a multiple of {}", plain(given), plain(shown)));
        }
    }
    if let Some(Value::Array(options)) = bound("options") {
        let options: Vec<&Value> = options.iter().map(|option| option.get("value").unwrap_or(option)).collect();
        if !options.iter().any(|option| same(option, given)) {
            let options: Vec<String> = options.into_iter().map(plain).collect();
            push("options", format!("`{}` is not one of {}", plain(given), options.join(", ")));
        }
    }
}

/// Checks the rules of the items of a list.
fn check_items(
    rule: &Map<String, Value>,
    default: &Value,
    given: &Value,
    field: &str,
    violations: &mut Vec<PolicyViolation>,
) {
    let given = given.as_array().map_or(&[][..], Vec::as_slice);
    let defaults = default.get("instances").unwrap_or(default).as_array().map_or(&[][..], Vec::as_slice);
    let is_default = |item: &Value| defaults.iter().any(|default| default["name"] == item["name"]);
    if rule.get("canAdd") == Some(&Value::Bool(false))
        && let Some(index) = given.iter().position(|item| !is_default(item))
    {
        let details = "items must not be added".to_owned();
        violations.push(violation(rule, &format!("{field}[{index}]"), "canAdd", details));
    }
    for (kind, problem) in [("locked", "cannot be changed"), ("blocked", "is not allowed")] {
        for name in rule.get(kind).and_then(Value::as_array).into_iter().flatten() {
            if let Some(index) = given.iter().position(|item| item["name"] == *name) {
                let details = format!("`{}` {problem}", plain(name));
                violations.push(violation(rule, &format!("{field}[{index}]"), kind, details));
            }
        }
    }
}

fn violation(rule: &Map<String, Value>, field: &str, kind: &'static str, details: String) -> PolicyViolation {
    let source = rule.get("sourceOfRule").and_then(|source| serde_json::from_value(source.clone()).ok());
    PolicyViolation { details, field: field.to_owned(), rule: kind, source: source.unwrap_or_default() }
}

fn same(one: &Value, other: &Value) -> bool {
    match (number(one), number(other)) {
        (Some(one), Some(other)) => (one - other).abs() < 1e-9 * one.abs().max(1.0),
        _ => plain(one) == plain(other),
    }
}

/// Returns the value of a number, or of a quantity such as `8Gi`.
fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| Amount::parse(value.as_str()?).map(|amount| amount.to_f64()))
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The keys that distinguish a rule from an object of rules.
const KINDS: [&str; 7] = ["canEdit", "defaultFrom", "max", "min", "options", "required", "step"];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(policy: Value, spec: &Value) -> Vec<(String, &'static str, String)> {
        let policy: EffectivePolicy = serde_json::from_value(policy).unwrap();
        policy.violations(spec).into_iter().map(|it| (it.field, it.rule, it.source.to_string())).collect()
    }

    #[test]
    fn reports_violations_of_all_kinds() {
        let project = json!({"scope": "project", "projectId": 7});
        let policy = json!({
            "defaults": {"preemptibility": "preemptible", "tolerations": {"instances": [{"name": "gpu"}]}},
            "rules": {
                "compute": {
                    "gpuDevicesRequest": {"max": 4, "sourceOfRule": project},
                    "cpuCoreRequest": {"min": 2, "step": 2},
                    "cpuMemoryRequest": {"max": "8Gi"},
                },
                "priorityClass": {"options": [{"value": "low"}, {"value": "high", "displayed": "High"}]},
                "preemptibility": {"canEdit": false, "required": true},
                "category": {"required": true},
                "tolerations": {"instances": {"canAdd": false}},
                "environmentVariables": {"instances": {"locked": ["TEAM"], "blocked": ["BAD"]}},
                "storage": {"hostPath": {"attributes": {"readOnly": {"options": [{"value": true}]}}}},
                "addedLater": {"rule": 1},
            },
        });
        let spec = json!({
            "compute": {"gpuDevicesRequest": 8, "cpuCoreRequest": 1, "cpuMemoryRequest": "16G"},
            "priorityClass": "medium",
            "preemptibility": "non-preemptible",
            "tolerations": [{"name": "gpu"}, {"name": "mine"}],
            "environmentVariables": [{"name": "A"}, {"name": "TEAM"}, {"name": "BAD"}],
            "storage": {"hostPath": [{"readOnly": true}, {"readOnly": false}]},
        });
        let plain = |field: &str, rule| (field.to_owned(), rule, "the policy".to_owned());
        assert_eq!(
            found(policy, &spec),
            [
                ("compute.gpuDevicesRequest".to_owned(), "max", "the policy of project 7".to_owned()),
                plain("compute.cpuCoreRequest", "min"),
                plain("compute.cpuCoreRequest", "step"),
                plain("compute.cpuMemoryRequest", "max"),
                plain("priorityClass", "options"),
                plain("preemptibility", "canEdit"),
                plain("category", "required"),
                plain("tolerations[1]", "canAdd"),
                plain("environmentVariables[1]", "locked"),
                plain("environmentVariables[2]", "blocked"),
                plain("storage.hostPath[1].readOnly", "options"),
            ]
        );
    }

    #[test]
    fn accepts_specs_within_rules() {
        let rules = json!({"compute": {
            "gpuDevicesRequest": {"min": 1, "max": 4}, "cpuMemoryRequest": {"max": "8Gi", "canEdit": false},
            "gpuPortionLimit": {"min": 0.5},
        }});
        let policy = json!({"defaults": {"compute": {"cpuMemoryRequest": "4Gi"}}, "rules": rules});
        let spec = json!({"compute": {"gpuDevicesRequest": 4, "cpuMemoryRequest": "4096Mi"}});
        assert_eq!(found(policy, &spec), []);
        assert_eq!(found(json!({}), &spec), []);
        assert_eq!(found(json!({"defaults": null, "rules": {"compute": 7}}), &json!(null)), []);
    }
}
