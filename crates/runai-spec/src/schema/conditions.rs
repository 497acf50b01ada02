//! Schema conditions between settings (`if`/`then`), and the required members of a request.

use runai_syntax::Tree;

use super::{Schema, below, from_template};

/// Adds the conditions between settings to the schema of a step's settings.
pub(super) fn add_to_settings(settings: &mut Schema) {
    settings.set("allOf", from_template(MEMORY_NEEDS_AN_AMOUNT, &[]));
    below(settings, &["properties", "tolerations", "items"]).set("allOf", from_template(TOLERATIONS, &[]));
    below(settings, &["properties", "external_urls", "items"]).set("allOf", from_template(USERS_OR_GROUPS, &[]));
}

/// The condition reports the error at `gpu_request_type`, as the rule does: the missing `gpu_memory_request` has no
/// location.
const MEMORY_NEEDS_AN_AMOUNT: &str = r#"[{
    "if": {
        "properties": {"gpu_request_type": {"const": "memory"}, "gpu_memory_request": {"type": "null"}},
        "required": ["gpu_request_type"]
    },
    "then": {"properties": {"gpu_request_type": {
        "const": "portion",
        "errorMessage": "`gpu_request_type: memory` requires `gpu_memory_request`, such as `20Gi`."
    }}}
}]"#;

const TOLERATIONS: &str = r#"[{
    "if": {"properties": {"operator": {"const": "Exists"}}, "required": ["operator"]},
    "then": {"properties": {"value": {
        "type": "null",
        "errorMessage": "`operator: Exists` excludes `value`: remove it, or write `operator: Equal`."
    }}}
}, {
    "if": {"properties": {"key": {"type": "string"}}, "required": ["key"]},
    "else": {
        "properties": {"operator": {
            "const": "Exists",
            "errorMessage": "A toleration without a key requires `operator: Exists`: add it, or a `key`."
        }},
        "required": ["operator"],
        "errorMessage": "A toleration without a key requires `operator: Exists`: add it, or a `key`."
    }
}]"#;

const USERS_OR_GROUPS: &str = r#"[{
    "if": {"properties": {"authorized_users": {"type": "array", "minItems": 1}}, "required": ["authorized_users"]},
    "then": {"properties": {"authorized_groups": {
        "enum": [[], null],
        "errorMessage": "Keep either `authorized_users` or `authorized_groups`."
    }}}
}]"#;

/// Marks the members that the API requires.
///
/// The schema of the wire types does not: they have a default for each member, so that responses always deserialize.
pub(super) fn require_in_request(request: &mut Schema) {
    for (path, members) in [
        (&[][..], &["clusterId", "name", "projectId", "spec"][..]),
        (&["spec", "storage", "pvc", "claimInfo", "addedAttrValues"], &["key"]),
        (&["spec", "nodeAffinityRequired", "nodeSelectorTerms", "matchExpressions"], &["key", "operator"]),
    ] {
        let place = path.iter().fold(&mut *request, |place, member| {
            let place = below(place, &["properties", *member]);
            if place.get("items").is_some() { below(place, &["items"]) } else { place }
        });
        place.set("required", members.iter().copied().collect::<Tree<'_>>());
    }
}
