//! Redacts secrets from the errors, hints and logs of a client.

use std::collections::VecDeque;
use std::sync::{PoisonError, RwLock};

use runai_api::request::encode_component;
use runai_api::secrets::SecretValue;
use secrecy::{ExposeSecret, SecretString};

/// The secrets of one client. Values are kept until the client is dropped, tokens until there are [`KEPT_TOKENS`] newer
/// ones.
#[derive(Debug, Default)]
pub(crate) struct Secrets {
    inner: RwLock<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// Every spelling of every value, sorted by [`order`].
    spellings: Vec<SecretString>,
    /// Spellings of the latest tokens, oldest first.
    tokens: VecDeque<Vec<SecretString>>,
}

impl Secrets {
    /// Redacts a credential of at least [`MIN_CREDENTIAL`] characters.
    pub(crate) fn add_credential(&self, secret: &SecretString) {
        self.add(secret.expose_secret(), MIN_CREDENTIAL);
    }

    /// Redacts a value of at least [`MIN_VALUE`] characters.
    pub(crate) fn add_value(&self, secret: &SecretString) {
        self.add(secret.expose_secret(), MIN_VALUE);
    }

    /// Redacts a value of a request body.
    pub(crate) fn add_sent(&self, SecretValue { text, is_credential }: SecretValue<'_>) {
        self.add(text, if is_credential { MIN_CREDENTIAL } else { MIN_VALUE });
    }

    /// Redacts a bearer token.
    pub(crate) fn add_token(&self, token: &SecretString) {
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        inner.tokens.push_back(spellings(token.expose_secret()));
        if inner.tokens.len() > KEPT_TOKENS {
            inner.tokens.pop_front();
        }
    }

    fn add(&self, text: &str, min_length: usize) {
        // Servers may trim white space.
        let text = text.trim();
        if text.chars().count() < min_length {
            return;
        }
        let is_known = |inner: &Inner| inner.spellings.binary_search_by(|known| order(known, text)).is_ok();
        if is_known(&self.inner.read().unwrap_or_else(PoisonError::into_inner)) {
            return;
        }
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        for spelling in spellings(text) {
            let place = inner.spellings.binary_search_by(|known| order(known, spelling.expose_secret()));
            if let Err(place) = place {
                inner.spellings.insert(place, spelling);
            }
        }
    }

    /// Returns `text` with `[redacted]` in place of each spelling of each secret.
    pub(crate) fn scrub(&self, text: &str) -> String {
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        // Spellings longer than the text come first.
        let first = inner.spellings.partition_point(|spelling| spelling.expose_secret().len() > text.len());
        let spellings = inner.tokens.iter().flatten().chain(&inner.spellings[first..]);
        // Secrets may overlap, so all matches are collected before any is replaced.
        let mut places: Vec<(usize, usize)> = spellings
            .map(ExposeSecret::expose_secret)
            .flat_map(|spelling| text.match_indices(spelling).map(|(at, found)| (at, at + found.len())))
            .collect();
        places.sort_unstable();
        let mut shown = String::with_capacity(text.len());
        let mut end = 0;
        for (from, to) in places {
            if from >= end {
                shown.push_str(&text[end..from]);
                shown.push_str(REDACTED);
            }
            end = end.max(to);
        }
        shown.push_str(&text[end..]);
        shown
    }
}

/// Orders spellings by descending length, so that those longer than a text can be skipped.
fn order(known: &SecretString, text: &str) -> std::cmp::Ordering {
    let known = known.expose_secret();
    text.len().cmp(&known.len()).then_with(|| known.cmp(text))
}

/// Returns the spellings of a text: plain, percent-encoded, form, JSON, JSON inside JSON, HTML.
fn spellings(text: &str) -> Vec<SecretString> {
    let json = |text: &str| {
        let quoted = serde_json::Value::from(text).to_string();
        quoted[1..quoted.len() - 1].to_owned()
    };
    let percent = encode_component(text);
    let form = percent.replace("%20", "+");
    let once = json(text);
    let twice = json(&once);
    let html = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let (named, numbered) = (html.replace('"', "&quot;"), html.replace('"', "&#34;").replace('\'', "&#39;"));
    let mut all = vec![text.to_owned(), percent, form, once, twice, named, numbered];
    all.sort_unstable();
    all.dedup();
    all.into_iter().map(SecretString::from).collect()
}

/// Minimum length of a credential, in characters. Redacting shorter ones would garble every text and hide nothing.
const MIN_CREDENTIAL: usize = 4;

/// Minimum length of an environment value, in characters. Shorter ones are mostly words such as `offline`.
const MIN_VALUE: usize = 8;

/// Number of older tokens to redact: requests in flight may still use them.
const KEPT_TOKENS: usize = 4;

const REDACTED: &str = "[redacted]";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redacts_all_spellings() {
        let secrets = Secrets::default();
        secrets.add_credential(&"the id".into());
        secrets.add_credential(&"s\"e/c+r<".into());
        secrets.add_token(&"to.k-en".into());
        for text in [
            r#"x s"e/c+r< y"#,
            "x s%22e%2Fc%2Br%3C y",
            r#"x s\"e/c+r< y"#,
            r#"x s\\\"e/c+r< y"#,
            "x s&quot;e/c+r&lt; y",
            "x the%20id y",
            "x the+id y",
            "x to.k-en y",
        ] {
            assert_eq!(secrets.scrub(text), "x [redacted] y", "{text}");
        }
    }

    #[test]
    fn minimum_lengths() {
        let secrets = Secrets::default();
        secrets.add_value(&"offline".into());
        secrets.add_value(&"12345678".into());
        secrets.add_credential(&"1234".into());
        secrets.add_credential(&"abc".into());
        assert_eq!(secrets.scrub("offline abc 1234 12345678"), "offline abc [redacted] [redacted]");
    }

    #[test]
    fn redacts_overlapping_secrets() {
        let secrets = Secrets::default();
        for value in ["abcdefgh", "efghijkl", "abcdefghij"] {
            secrets.add_value(&value.into());
        }
        assert_eq!(secrets.scrub("abcdefghijkl, efghijkl"), "[redacted], [redacted]");
    }

    #[test]
    fn deduplicates_values_and_drops_old_tokens() {
        let secrets = Secrets::default();
        for serial in 0..10 {
            secrets.add_value(&"one value".into());
            secrets.add_token(&format!("token-{serial}").into());
        }
        let inner = secrets.inner.read().unwrap();
        assert_eq!((inner.spellings.len(), inner.tokens.len()), (spellings("one value").len(), KEPT_TOKENS));
    }
}
