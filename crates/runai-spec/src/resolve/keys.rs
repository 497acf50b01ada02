//! Keys of each kind of document, and hints for keys of other kinds.

use crate::check::KeyHint;
use crate::kind::OPERATOR_KEYS;
use crate::setting_schema;

/// The key that refers editors to a JSON Schema. Allowed at the top level of every document.
pub(super) const SCHEMA_KEY: &str = "$schema";
pub(crate) const SETTINGS_KEY: &str = "settings";
/// Keys of a step file.
pub(super) const STEP_KEYS: [&str; 5] = ["command", "environment", "image", "name", SETTINGS_KEY];
/// Maps with arbitrary keys, which may contain dots.
pub(super) const FREE_MAPS: [&str; 4] = ["annotations", "environment", "extended_resources", "labels"];

pub(super) fn in_operator_file(key: &str) -> Option<KeyHint> {
    STEP_KEYS.contains(&key).then(|| format!("`{key}` belongs in a step file").into())
}

pub(crate) fn in_settings(key: &str) -> Option<KeyHint> {
    if OPERATOR_KEYS.contains(&key) {
        Some(format!("`{key}` belongs in the operator file").into())
    } else {
        STEP_KEYS
            .contains(&key)
            .then(|| format!("`{key}` belongs in a step file, next to `image` and `command`").into())
    }
}

pub(super) fn in_step_file(key: &str) -> Option<KeyHint> {
    let setting_schema::Kind::Struct(settings) = &setting_schema::STEP_SETTINGS.kind else { return None };
    if settings.field(key).is_some() {
        Some(KeyHint { help: format!("`{key}` belongs below `settings:`"), below_settings: true })
    } else {
        OPERATOR_KEYS.contains(&key).then(|| format!("`{key}` belongs in the operator file").into())
    }
}
