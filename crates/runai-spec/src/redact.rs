//! Masks secrets in texts, for excerpts.

use std::borrow::Cow;

use runai_api::secrets::names_a_secret;
use runai_syntax::{Node, SourceId, Span, Value};

/// Returns the spans of secrets in `root`: the client secret, URLs with credentials, and environment variables whose names
/// look like secrets.
pub(crate) fn secrets(root: &Node<'_>) -> Vec<Span> {
    let mut found = Vec::new();
    collect_secrets(root, &mut found);
    found
}

/// Adds the spans of [`secrets`] to `found`.
pub(crate) fn collect_secrets(root: &Node<'_>, found: &mut Vec<Span>) {
    collect(root, false, found);
}

/// Secrets in the sources of a resolution.
#[derive(Debug, Default)]
pub(crate) struct Redaction {
    /// Spans of secrets in the sources that parse.
    pub(crate) secrets: Vec<Span>,
    /// Sources that do not parse.
    pub(crate) unparsed: Vec<SourceId>,
}

impl Redaction {
    /// Returns the text of a source with its secrets masked.
    pub(crate) fn shown<'t>(&self, id: SourceId, text: &'t str) -> Cow<'t, str> {
        if self.unparsed.contains(&id) {
            return redacted_unparsed(text);
        }
        let own: Vec<_> = self.secrets.iter().copied().filter(|secret| secret.source == id).collect();
        redacted(text, &own)
    }
}

/// Returns whether the value of `key` may be a secret; `in_environment` tells keys of an `environment` from others.
#[must_use]
pub fn is_secret_key(key: &str, in_environment: bool) -> bool {
    key == CLIENT_SECRET || in_environment && names_a_secret(key)
}

/// Returns whether a text may contain a URL with a user name or password.
#[must_use]
pub fn may_contain_credentials(text: &str) -> bool {
    text.contains('@') && text.contains("://")
}

fn collect(node: &Node<'_>, in_environment: bool, found: &mut Vec<Span>) {
    match &node.value {
        Value::Map(map) => {
            for entry in &map.0 {
                if is_secret_key(&entry.key, in_environment) {
                    found.push(entry.value.span);
                } else {
                    collect(&entry.value, entry.key == "environment", found);
                }
            }
        }
        Value::List(items) => items.iter().for_each(|item| collect(item, false, found)),
        Value::String(text) if may_contain_credentials(&text.text) => found.push(node.span),
        _ => {}
    }
}

/// Replaces each byte of `secrets` in `text` by `*`, which keeps lines and offsets.
pub(crate) fn redacted<'t>(text: &'t str, secrets: &[Span]) -> Cow<'t, str> {
    if secrets.is_empty() {
        return text.into();
    }
    // The span of an alias is its anchor's, so spans may be out of order.
    let mut secrets = secrets.to_vec();
    secrets.sort_unstable();
    let mut secrets = secrets.iter().peekable();
    let mut hidden_to = 0;
    let mut shown = String::with_capacity(text.len());
    for (offset, c) in text.char_indices() {
        while let Some(secret) = secrets.next_if(|secret| secret.start as usize <= offset) {
            hidden_to = hidden_to.max(secret.end as usize);
        }
        if offset < hidden_to && c != '\n' {
            shown.extend(std::iter::repeat_n('*', c.len_utf8()));
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

/// Masks secrets in `text`, which does not parse: after a key that looks like a secret's, the rest of the line, and further
/// lines of the value by their indentation or quotes.
pub(crate) fn redacted_unparsed(text: &str) -> Cow<'_, str> {
    let mut secrets = Vec::new();
    let mut offset = 0;
    // How the secret of the previous lines may continue.
    let mut open: Option<Open> = None;
    for line in text.split_inclusive('\n') {
        let continues = open.filter(|open| open.continues(line));
        let hidden_from = if continues.is_some() { Some(0) } else { secret_in(line) };
        if let Some(at) = hidden_from {
            let cut = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
            let end = offset + line.trim_end().len().max(at);
            secrets.push(Span { start: cut(offset + at), end: cut(end), ..Span::default() });
        }
        open = match continues {
            Some(Open::Quotes(quotes)) if line.contains(quotes) => None,
            Some(open) => Some(open),
            None => hidden_from.and_then(|at| Open::of(line, at)),
        };
        offset += line.len();
    }
    redacted(text, &secrets)
}

/// How a secret continues on further lines.
#[derive(Clone, Copy)]
enum Open {
    /// On lines with a larger indentation than this.
    Indent(usize),
    /// Until these quotes.
    Quotes(&'static str),
}

impl Open {
    /// Returns how a secret that starts at `at` of `line` may continue.
    fn of(line: &str, at: usize) -> Option<Self> {
        let value = line[at..].trim();
        match ["\"\"\"", "'''"].into_iter().find(|quotes| value.starts_with(quotes)) {
            Some(quotes) => (!value[quotes.len()..].contains(quotes)).then_some(Self::Quotes(quotes)),
            None => (!value.ends_with(',')).then(|| Self::Indent(indent(line))),
        }
    }

    fn continues(self, line: &str) -> bool {
        match self {
            Self::Indent(of_key) => line.trim().is_empty() || indent(line) > of_key,
            Self::Quotes(_) => true,
        }
    }
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// Returns the offset of a secret in a line.
fn secret_in(line: &str) -> Option<usize> {
    let in_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    line.match_indices([':', '=']).map(|(at, _)| at).find_map(|at| {
        let word = line[..at].trim_end_matches(|c: char| !in_word(c) && !":=".contains(c));
        let key = word.rsplit(|c: char| !in_word(c)).next().unwrap_or_default();
        let is_secret_variable = key.bytes().any(|byte| byte.is_ascii_uppercase()) && names_a_secret(key);
        let url = line[at..].strip_prefix("://").is_some_and(has_credentials);
        (key == CLIENT_SECRET || is_secret_variable || url).then_some(at + 1)
    })
}

/// Whether the rest of a URL has credentials, or could have them if the text is cut off.
fn has_credentials(rest: &str) -> bool {
    let authority = rest.split(|c: char| c.is_whitespace() || "/\"'".contains(c)).next().unwrap_or_default();
    let port = authority.split_once(':').map_or("", |(_, port)| port);
    rest.contains('@') || !port.trim_end_matches([',', '}', ']']).bytes().all(|byte| byte.is_ascii_digit())
}

const CLIENT_SECRET: &str = "client_secret";

#[cfg(test)]
mod tests {
    use runai_syntax::{Format, SourceId, parse};

    use super::*;

    #[test]
    fn masks_secrets_with_same_length() {
        let text = "client_secret: \"canary ü\"\nrunai_base_url: https://a:canary@h\nenvironment: {API_KEY: canary, MODE: x}\n";
        let root = parse(text, Format::Yaml, SourceId(0)).unwrap();
        let shown = redacted(text, &secrets(&root));
        assert!(!shown.contains("canary"), "{shown}");
        assert_eq!(shown.len(), text.len());
        assert!(shown.contains("MODE: x"));
    }

    #[test]
    fn masks_secrets_in_unparsed_text() {
        let shown = redacted_unparsed("client_secret: canary\n  HF_TOKEN = \"canary\"\nmode: [x\n");
        assert!(!shown.contains("canary"), "{shown}");
        assert!(shown.contains("mode: [x"));
    }

    #[test]
    fn masks_multiline_secrets_in_unparsed_text() {
        for text in [
            "{\"environment\": {\"MODE\": \"x\", \"HF_TOKEN\": \"canary\", ",
            "client_secret: |\n  canary\n\n  canary\nmode: [x\n",
            "client_secret = \"\"\"\ncanary\n\"\"\"\nmode = [x\n",
            "\"client_secret\":\n  \"canary\",\n\"mode\": [x\n",
            "command: [curl, \"https://me:canary@host/mode: [x",
            "url: https://me:canary",
        ] {
            let shown = redacted_unparsed(text);
            assert!(!shown.contains("canary"), "{shown}");
            assert_eq!(shown.len(), text.len());
            assert_eq!(shown.ends_with("[x\n"), text.ends_with("[x\n"), "{shown}");
        }
    }

    #[test]
    fn masks_urls_with_credentials() {
        let text = "command: [git, clone, \"https://me:canary@host/a\"]\n";
        let root = parse(text, Format::Yaml, SourceId(0)).unwrap();
        assert_eq!(redacted(text, &secrets(&root)), "command: [git, clone, **************************]\n");
    }
}
