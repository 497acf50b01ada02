//! Secrets, which no result contains.

use std::borrow::Cow;

use runai_api::secrets::secret_values;
use runai_spec::{is_secret_key, may_contain_credentials};
use serde_json::Value as Json;

/// What is shown in place of a secret.
pub(crate) const HIDDEN: &str = "***";

/// Whether the value at a pointer may be a secret, by its key or by its text.
pub(crate) fn is_secret(pointer: &str, text: &str) -> bool {
    let (parent, key) = pointer.rsplit_once('/').unwrap_or_default();
    is_secret_key(key, parent.ends_with("/environment")) || may_contain_credentials(text)
}

/// `text` of the value at a pointer, unless it may be a secret.
pub(crate) fn shown<'t>(pointer: &str, text: &'t str) -> Cow<'t, str> {
    if is_secret(pointer, text) { HIDDEN.into() } else { text.into() }
}

/// Hides the credentials of a body, and texts that contain one.
pub(crate) fn hide_in_body(body: &mut Json) {
    let secrets: Vec<String> = secret_values(body)
        .into_iter()
        .filter(|value| value.is_credential && !value.text.is_empty())
        .map(|value| value.text.to_owned())
        .collect();
    hide(body, &secrets);
}

fn hide(value: &mut Json, secrets: &[String]) {
    match value {
        Json::String(text)
            if may_contain_credentials(text) || secrets.iter().any(|secret| text.contains(secret.as_str())) =>
        {
            HIDDEN.clone_into(text);
        }
        Json::Array(items) => items.iter_mut().for_each(|item| hide(item, secrets)),
        Json::Object(members) => members.values_mut().for_each(|member| hide(member, secrets)),
        _ => {}
    }
}
