//! Workload names and submission ids.

use data_encoding::{BASE32, Encoding, Specification};
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

/// Maximum length of a workload name, in characters: that of a Kubernetes label.
pub const MAX_NAME_LENGTH: usize = 63;

/// Base of the workload name of a step without a name.
pub const DEFAULT_BASE: &str = "step";

/// Label that contains the submission id.
pub const SUBMISSION_LABEL: &str = "runai-step/submission";

/// A submission id: 12 characters of base32 (`a-z2-7`), in the workload's name and label.
///
/// It is derived from control plane, project and run id, so that repeated submissions of a run have the same id.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SubmissionId(String);

impl SubmissionId {
    /// Length of an id, in characters of 5 bits.
    pub const LENGTH: usize = 12;

    /// Returns the id of the run `run_id` in a project: the first characters of a SHA-256 hash of all three arguments.
    ///
    /// `base_url` is the control plane's URL without a trailing slash. A recreated project has another `project_id`,
    /// and so has a project of the same name in another cluster.
    ///
    /// ```
    /// use runai_api::name::SubmissionId;
    /// let id = SubmissionId::new("https://org.run.ai", "1000", "nightly-2026-11-23");
    /// assert_eq!(id.as_str().len(), SubmissionId::LENGTH);
    /// assert_eq!(id, SubmissionId::new("https://org.run.ai", "1000", "nightly-2026-11-23"));
    /// assert_ne!(id, SubmissionId::new("https://org.run.ai", "1001", "nightly-2026-11-23"));
    /// ```
    #[must_use]
    pub fn new(base_url: &str, project_id: &str, run_id: &str) -> Self {
        Self(digest(&[base_url, project_id, run_id], Self::LENGTH))
    }

    /// Returns whether `text` has the syntax of an id.
    #[must_use]
    pub fn is_one(text: &str) -> bool {
        text.len() == Self::LENGTH && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'2'..=b'7'))
    }

    /// Returns the id as a string.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Returns a hash of texts: the first `length` base32 characters of their SHA-256.
#[must_use]
pub fn digest(texts: &[&str], length: usize) -> String {
    let mut hash = Sha256::new();
    for (index, text) in texts.iter().enumerate() {
        // A zero byte separates the texts, so that different lists have different bytes.
        if index > 0 {
            hash.update([0]);
        }
        hash.update(text.as_bytes());
    }
    let mut text = LOWER_BASE32.encode(&hash.finalize());
    text.truncate(length);
    text
}

static LOWER_BASE32: LazyLock<Encoding> = LazyLock::new(|| {
    let mut specification: Specification = BASE32.specification();
    specification.symbols = specification.symbols.to_ascii_lowercase();
    specification.padding = None;
    specification.encoding().unwrap_or(BASE32)
});

/// Returns the workload name of a step called `base`, which ends with the submission id if there is one.
///
/// The name is always valid: lowercase letters, digits and dashes, a letter first, at most 63 characters.
#[must_use]
pub fn workload_name(base: Option<&str>, submission: Option<&SubmissionId>) -> String {
    let base = base.map(sanitize).filter(|base| !base.is_empty()).unwrap_or_else(|| DEFAULT_BASE.to_owned());
    let room = MAX_NAME_LENGTH - submission.map_or(0, |_| SubmissionId::LENGTH + 1);
    let base = base[..base.len().min(room)].trim_end_matches('-');
    match submission {
        Some(id) => format!("{base}-{}", id.as_str()),
        None => base.to_owned(),
    }
}

/// Converts `name` to the characters of a workload name: lowercase letters, digits and single dashes, a letter first,
/// at most 63 characters. Returns an empty string if nothing remains.
#[must_use]
pub fn sanitize(name: &str) -> String {
    let mut sanitized = String::with_capacity(name.len());
    for c in name.chars() {
        match lowercase(c) {
            '0'..='9' if sanitized.is_empty() => sanitized.extend([FIRST_LETTER, c]),
            c @ ('a'..='z' | '0'..='9') => sanitized.push(c),
            _ if sanitized.is_empty() || sanitized.ends_with('-') => {}
            _ => sanitized.push('-'),
        }
        // Its lowercase is `i` with a combining dot.
        if c == CAPITAL_I_WITH_DOT {
            sanitized.push('-');
        }
    }
    sanitized.truncate(MAX_NAME_LENGTH);
    sanitized.truncate(sanitized.trim_end_matches('-').len());
    sanitized
}

const CAPITAL_I_WITH_DOT: char = '\u{130}';

/// Returns the lowercase of a character if that is ASCII. std's Unicode tables are too large for browsers.
fn lowercase(c: char) -> char {
    match c {
        '\u{212a}' => 'k',
        CAPITAL_I_WITH_DOT => 'i',
        c => c.to_ascii_lowercase(),
    }
}

/// Prefix of names that begin with a digit.
const FIRST_LETTER: char = 's';

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sanitizes_names() {
        for (name, sanitized) in [
            ("train-resnet", "train-resnet"),
            ("Train ResNet_50", "train-resnet-50"),
            ("--a--b--", "a-b"),
            ("50-epochs", "s50-epochs"),
            ("Größe", "gr-e"),
            ("日本", ""),
            ("", ""),
        ] {
            assert_eq!(sanitize(name), sanitized, "{name}");
        }
    }

    #[test]
    fn lowercases_ascii_like_std() {
        for c in '\0'..=char::MAX {
            let ascii = c.to_lowercase().find(char::is_ascii_alphanumeric);
            assert_eq!(Some(lowercase(c)).filter(char::is_ascii_alphanumeric), ascii, "{c:?}");
            assert_eq!(c.to_lowercase().len() > 1, c == CAPITAL_I_WITH_DOT, "{c:?}");
        }
        assert_eq!(sanitize("a\u{130}b"), "ai-b");
    }

    #[test]
    fn id_is_prefix_of_hash() {
        // printf 'u\0p\0r' | sha256sum | xxd -r -p | base32 | tr A-Z a-z | cut -c1-12
        assert_eq!(SubmissionId::new("u", "p", "r").as_str(), "w64foj4rjw2c");
        assert!(SubmissionId::is_one("g5tzhfudeoqz") && !SubmissionId::is_one("g5tzhfudeoq1"));
    }

    #[test]
    fn truncates_long_names() {
        let id = SubmissionId::new("u", "p", "r");
        let base = "a".repeat(2 * MAX_NAME_LENGTH);
        assert_eq!(workload_name(Some(&base), None), "a".repeat(63));
        assert_eq!(workload_name(Some(&base), Some(&id)), format!("{}-w64foj4rjw2c", "a".repeat(50)));
    }

    proptest! {
        #[test]
        fn names_are_always_valid(base in ".{0,80}", run in proptest::option::of(".{0,20}")) {
            let id = run.map(|run| SubmissionId::new("url", "project", &run));
            let name = workload_name(Some(&base), id.as_ref());
            prop_assert!(name.len() <= MAX_NAME_LENGTH && name.starts_with(|c: char| c.is_ascii_lowercase()));
            prop_assert!(!name.ends_with('-') && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'));
            if let Some(id) = id {
                prop_assert!(name.ends_with(id.as_str()));
            }
            let sanitized = sanitize(&base);
            prop_assert_eq!(sanitize(&sanitized), sanitized);
        }
    }
}
