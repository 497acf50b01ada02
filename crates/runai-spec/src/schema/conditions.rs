//! Rules that take several settings together, as far as JSON Schema has words for them.

use serde_json::{Value as Json, json};

/// Adds the conditions to the schema of a step's settings.
pub(super) fn add_to_settings(settings: &mut Json) {
    settings["allOf"] = json!([memory_needs_an_amount()]);
    settings["properties"]["tolerations"]["items"]["allOf"] = json!([exists_has_no_value(), no_key_is_exists()]);
    settings["properties"]["external_urls"]["items"]["allOf"] = json!([users_or_groups()]);
}

/// Said of the kind of request, as the check does: what is missing has no place.
fn memory_needs_an_amount() -> Json {
    json!({
        "if": {
            "properties": {"gpu_request_type": {"const": "memory"}, "gpu_memory_request": {"type": "null"}},
            "required": ["gpu_request_type"],
        },
        "then": {"properties": {"gpu_request_type": {
            "const": "portion",
            "errorMessage": "With `gpu_request_type: memory` write `gpu_memory_request` as well, such as `20Gi`.",
        }}},
    })
}

fn exists_has_no_value() -> Json {
    json!({
        "if": {"properties": {"operator": {"const": "Exists"}}, "required": ["operator"]},
        "then": {"properties": {"value": {
            "type": "null",
            "errorMessage": "A toleration with `operator: Exists` has no value: remove it, or write `operator: Equal`.",
        }}},
    })
}

fn no_key_is_exists() -> Json {
    let message =
        "A toleration without a key tolerates every taint, which needs `operator: Exists`: add it, or a `key`.";
    json!({
        "if": {"properties": {"key": {"type": "string"}}, "required": ["key"]},
        "else": {
            "properties": {"operator": {"const": "Exists", "errorMessage": message}},
            "required": ["operator"],
            "errorMessage": message,
        },
    })
}

fn users_or_groups() -> Json {
    let some = |key: &str| json!({"properties": {key: {"type": "array", "minItems": 1}}, "required": [key]});
    json!({
        "if": some("authorized_users"),
        "then": {"properties": {"authorized_groups": {
            "enum": [[], null],
            "errorMessage": "A URL is for users or for groups: keep `authorized_users` or `authorized_groups`.",
        }}},
    })
}

/// Members that the API does not do without. The wire types have a default for each, so that an answer is always read.
pub(super) fn require_in_request(request: &mut Json) {
    for (path, members) in [
        (&[][..], &["clusterId", "name", "projectId", "spec"][..]),
        (&["spec", "storage", "pvc", "claimInfo", "addedAttrValues"], &["key"]),
        (&["spec", "nodeAffinityRequired", "nodeSelectorTerms", "matchExpressions"], &["key", "operator"]),
    ] {
        let place = path.iter().fold(&mut *request, |place, member| {
            let place = &mut place["properties"][*member];
            if place["items"].is_object() { &mut place["items"] } else { place }
        });
        place["required"] = json!(members);
    }
}
