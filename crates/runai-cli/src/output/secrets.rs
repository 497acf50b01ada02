//! Concealed values of `--set environment.…` and `--env-file`, which no message, excerpt or log shows.
//!
//! Messages of this program do not contain these values. Messages of the control plane and of libraries may, so they
//! pass through [`scrub`].

use std::borrow::Cow;
use std::sync::{PoisonError, RwLock};

/// Minimum length of a concealed value, in bytes. Shorter values occur in texts by chance.
const MIN_LENGTH: usize = 4;
/// Replaces a concealed value.
const REDACTED: &str = "[redacted]";

/// Every spelling of every concealed value of this process, longest first.
static CONCEALED: RwLock<Vec<String>> = RwLock::new(Vec::new());

/// Conceals `value` from now on, both literally and JSON-escaped.
pub(crate) fn conceal(value: &str) {
    let value = value.trim();
    if value.len() < MIN_LENGTH {
        return;
    }
    let mut concealed = CONCEALED.write().unwrap_or_else(PoisonError::into_inner);
    let json = serde_json::to_string(value).unwrap_or_default();
    for spelling in [value, json.trim_matches('"')] {
        if !spelling.is_empty() && !concealed.iter().any(|known| known == spelling) {
            concealed.push(spelling.to_owned());
        }
    }
    concealed.sort_by_key(|spelling| std::cmp::Reverse(spelling.len()));
}

/// Returns `text` without concealed values.
pub(crate) fn scrub(text: &str) -> Cow<'_, str> {
    let concealed = CONCEALED.read().unwrap_or_else(PoisonError::into_inner);
    concealed.iter().fold(Cow::Borrowed(text), |text, value| {
        if text.contains(value.as_str()) { Cow::Owned(text.replace(value.as_str(), REDACTED)) } else { text }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scrubs_every_spelling() {
        conceal("not-a-\"real\"-secret ");
        conceal("abc");
        let shown = scrub(r#"refused: not-a-"real"-secret, {"value":"not-a-\"real\"-secret"}, abc"#);
        assert_eq!(shown, r#"refused: [redacted], {"value":"[redacted]"}, abc"#);
    }
}
