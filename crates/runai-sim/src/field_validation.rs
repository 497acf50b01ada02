//! Validates single fields of the raw body against the API description.
//!
//! It contains constraints that the wire types do not enforce; `check` contains rules about several fields.

use runai_api::wire::ComplianceIssue;
use serde_json::Value;
use uuid::Uuid;

/// Returns the invalid fields of the `sent` specification; `known` is the part that the wire types decoded.
pub(crate) fn validate_fields(sent: &Value, known: &Value) -> Vec<ComplianceIssue> {
    let mut issues = Vec::new();
    walk(sent, known, "", "", &mut issues);
    issues
}

/// `path` is the field path in messages, `place` the same path without indexes, as in the tables below.
fn walk(sent: &Value, known: &Value, path: &str, place: &str, issues: &mut Vec<ComplianceIssue>) {
    let mut add = |details: String| issues.push(ComplianceIssue { details, field: path.to_owned(), rule: None });
    match sent {
        Value::Object(members) => {
            for (key, value) in members {
                let join = |parent: &str| if parent.is_empty() { key.clone() } else { format!("{parent}.{key}") };
                walk(value, &known[key.as_str()], &join(path), &join(place), issues);
            }
        }
        // serde would accept a list of the object's values.
        Value::Array(_) if known.is_object() => add("must be an object, not a list".to_owned()),
        Value::Array(items) => {
            let mut read = known.as_array().into_iter().flatten();
            for (index, item) in items.iter().enumerate().filter(|(_, item)| !item.is_null()) {
                let known = read.next().unwrap_or(&Value::Null);
                walk(item, known, &format!("{path}[{index}]"), &format!("{place}[]"), issues);
            }
        }
        Value::Number(number) => {
            if INT32_FIELDS.contains(&place) && number.as_i64().is_none_or(|number| i32::try_from(number).is_err()) {
                add(format!("{number} is out of range for a 32-bit integer"));
            }
        }
        Value::String(text) => {
            if text.is_empty() && NON_EMPTY.contains(&place) {
                add("must not be empty".to_owned());
            } else if let Some((_, form, is)) = STRING_FORMATS.iter().find(|(at, ..)| *at == place)
                && !is(text)
            {
                add(format!("`{text}` is not a valid {form}"));
            }
        }
        Value::Bool(_) | Value::Null => {}
    }
}

const INT32_FIELDS: &[&str] = &[
    "completions",
    "compute.gpuDevicesRequest",
    "parallelism",
    "probes.readiness.failureThreshold",
    "probes.readiness.initialDelaySeconds",
    "probes.readiness.periodSeconds",
    "probes.readiness.successThreshold",
    "probes.readiness.timeoutSeconds",
];

const NON_EMPTY: &[&str] = &[
    "exposedUrls[].name",
    "ports[].name",
    "storage.configMapVolume[].name",
    "storage.configMapVolume[].subPath",
    "storage.emptyDirVolume[].medium",
    "storage.emptyDirVolume[].name",
    "storage.git[].branch",
    "storage.git[].name",
    "storage.git[].passwordSecret",
    "storage.git[].revision",
    "storage.git[].secretKeyOfPassword",
    "storage.git[].secretKeyOfUser",
    "storage.git[].secretRef.name",
    "storage.git[].secretRef.secretKeyOfPassword",
    "storage.git[].secretRef.secretKeyOfUser",
    "storage.hostPath[].name",
    "storage.nfs[].name",
    "storage.pvc[].claimName",
    "storage.pvc[].name",
    "storage.s3[].name",
    "storage.s3[].secretKeyOfAccessKeyId",
    "storage.s3[].secretKeyOfSecretKey",
    "storage.s3[].url",
    "storage.secretVolume[].name",
    "tolerations[].name",
];

/// A field, the name of its format, and the check.
type StringFormat = (&'static str, &'static str, fn(&str) -> bool);

const STRING_FORMATS: &[StringFormat] = &[
    ("probes.readiness.handler.httpGet.path", "path", is_url_path),
    ("storage.dataVolume[].id", "UUID", |text| Uuid::parse_str(text).is_ok()),
    ("storage.pvc[].claimInfo.addedAttrValues[].key", "attribute key", is_attribute_key),
    ("storage.pvc[].claimInfo.storageClass", "Kubernetes object name", crate::check::is_object_name),
    ("storage.s3[].accessKeySecret", "Kubernetes object name", crate::check::is_object_name),
];

/// `^(/[a-zA-Z0-9\-_./]*)?$`
fn is_url_path(text: &str) -> bool {
    text.is_empty() || (text.starts_with('/') && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c)))
}

/// `^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$`, of at most 63 characters.
fn is_attribute_key(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric();
    let inside = text.chars().all(|c| plain(c) || "-_.".contains(c));
    text.len() <= 63 && inside && text.starts_with(plain) && text.ends_with(plain)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reports_invalid_fields() {
        let sent = json!({
            "completions": 2_147_483_648_u64,
            "compute": [1],
            "ports": [null, {"name": ""}, {"name": "ok"}],
            "storage": {
                "dataVolume": [{"id": "nope"}],
                "pvc": [{"claimInfo": {"storageClass": "Not This", "addedAttrValues": [{"key": "a!"}, {"key": "a.b"}]}}]
            },
            "probes": {"readiness": {"handler": {"httpGet": {"path": "health"}}}}
        });
        let known = json!({"compute": {"cpuCoreLimit": 1}, "ports": [{}, {"name": "ok"}]});
        let mut fields: Vec<String> = validate_fields(&sent, &known).into_iter().map(|issue| issue.field).collect();
        fields.sort();
        assert_eq!(
            fields,
            [
                "completions",
                "compute",
                "ports[1].name",
                "probes.readiness.handler.httpGet.path",
                "storage.dataVolume[0].id",
                "storage.pvc[0].claimInfo.addedAttrValues[0].key",
                "storage.pvc[0].claimInfo.storageClass",
            ]
        );
        let fine = json!({"completions": 3, "ports": [{"name": "a"}], "storage": {"pvc": [{"claimName": "c"}]}});
        assert_eq!(validate_fields(&fine, &fine), []);
    }
}
