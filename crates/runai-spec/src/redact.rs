//! Texts without their secrets, for showing to people.

use std::borrow::Cow;

use runai_syntax::{Node, Span, Value};
use serde_json::Value as Json;

use crate::rules::step::names_a_secret;

/// A value of a request body that no message and no log may show.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SecretValue<'a> {
    /// The value.
    pub text: &'a str,
    /// Whether it is a credential by its name or its place in a URL; any other value is one of the environment.
    pub is_credential: bool,
}

/// Returns the values of a request body that no message and no log may show: the environment of the workload, members
/// that are named like a secret, and the credentials of URLs.
///
/// An environment is a list of `{"name": …, "value": …}` or an object, in a member `environmentVariables`.
#[must_use]
pub fn secret_values(body: &Json) -> Vec<SecretValue<'_>> {
    let mut found = Vec::new();
    collect_values(body, &mut found);
    found
}

fn collect_values<'a>(value: &'a Json, found: &mut Vec<SecretValue<'a>>) {
    match value {
        Json::Object(members) => {
            for (name, member) in members {
                match member.as_str() {
                    // Alone it is the name of a Kubernetes Secret.
                    Some(text) if names_a_secret(name) && name != "secret" => {
                        found.push(SecretValue { text, is_credential: true });
                    }
                    _ => {}
                }
                if name == "environmentVariables" {
                    collect_environment(member, found);
                }
                collect_values(member, found);
            }
        }
        Json::Array(items) => items.iter().for_each(|item| collect_values(item, found)),
        Json::String(text) => {
            found.extend(url_credentials(text).map(|text| SecretValue { text, is_credential: true }));
        }
        _ => {}
    }
}

fn collect_environment<'a>(environment: &'a Json, found: &mut Vec<SecretValue<'a>>) {
    let listed = environment.as_array().into_iter().flatten().filter_map(|variable| {
        let value = variable.get("value")?.as_str()?;
        Some((variable.get("name").and_then(Json::as_str).unwrap_or_default(), value))
    });
    let mapped = environment.as_object().into_iter().flatten();
    let mapped = mapped.filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)));
    let secret = |(name, text)| SecretValue { text, is_credential: names_a_secret(name) };
    found.extend(listed.chain(mapped).map(secret));
}

/// The passwords in the URLs of a text; the user name where there is no password.
fn url_credentials(text: &str) -> impl Iterator<Item = &str> {
    text.split("://").skip(1).filter_map(|rest| {
        let ends = |c: char| c.is_whitespace() || "/?#\"'".contains(c);
        let (user_info, _) = rest.split(ends).next()?.rsplit_once('@')?;
        Some(user_info.split_once(':').map_or(user_info, |(_, password)| password)).filter(|found| !found.is_empty())
    })
}

/// Places of the values in `root` that must not be shown: the client secret, URLs with credentials, and variables of the
/// environment that look like secrets.
pub(crate) fn secrets(root: &Node<'_>) -> Vec<Span> {
    let mut found = Vec::new();
    collect(root, false, &mut found);
    found
}

fn collect(node: &Node<'_>, in_environment: bool, found: &mut Vec<Span>) {
    match &node.value {
        Value::Map(map) => {
            for entry in &map.0 {
                if entry.key == CLIENT_SECRET || in_environment && names_a_secret(&entry.key) {
                    found.push(entry.value.span);
                } else {
                    collect(&entry.value, entry.key == "environment", found);
                }
            }
        }
        Value::List(items) => items.iter().for_each(|item| collect(item, false, found)),
        Value::String(text) if text.text.contains('@') && text.text.contains("://") => found.push(node.span),
        _ => {}
    }
}

/// `text` with a star for each byte of `secrets`, so that lines and offsets stay what they are.
pub(crate) fn redacted<'t>(text: &'t str, secrets: &[Span]) -> Cow<'t, str> {
    if secrets.is_empty() {
        return text.into();
    }
    // An alias puts the place of its anchor behind later ones.
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

/// `text`, which does not parse, without whatever stands behind a key that looks like a secret's: the rest of its line,
/// and the lines below that belong to it by their indent or quotes.
pub(crate) fn redacted_unparsed(text: &str) -> Cow<'_, str> {
    let mut secrets = Vec::new();
    let mut offset = 0;
    // How the secret of the lines before may go on.
    let mut open: Option<Open> = None;
    for line in text.split_inclusive('\n') {
        let goes_on = open.filter(|open| open.goes_on(line));
        let hidden_from = if goes_on.is_some() { Some(0) } else { secret_in(line) };
        if let Some(at) = hidden_from {
            let cut = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
            let end = offset + line.trim_end().len().max(at);
            secrets.push(Span { start: cut(offset + at), end: cut(end), ..Span::default() });
        }
        open = match goes_on {
            Some(Open::Quotes(quotes)) if line.contains(quotes) => None,
            Some(open) => Some(open),
            None => hidden_from.and_then(|at| Open::of(line, at)),
        };
        offset += line.len();
    }
    redacted(text, &secrets)
}

/// How a secret goes on below its line.
#[derive(Clone, Copy)]
enum Open {
    /// On lines that are indented by more than this.
    Indent(usize),
    /// Up to these quotes.
    Quotes(&'static str),
}

impl Open {
    /// What a secret that begins at `at` of `line` leaves open.
    fn of(line: &str, at: usize) -> Option<Self> {
        let value = line[at..].trim();
        match ["\"\"\"", "'''"].into_iter().find(|quotes| value.starts_with(quotes)) {
            Some(quotes) => (!value[quotes.len()..].contains(quotes)).then_some(Self::Quotes(quotes)),
            None => (!value.ends_with(',')).then(|| Self::Indent(indent(line))),
        }
    }

    fn goes_on(self, line: &str) -> bool {
        match self {
            Self::Indent(of_key) => line.trim().is_empty() || indent(line) > of_key,
            Self::Quotes(_) => true,
        }
    }
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// Where in a line something begins that must not be shown.
fn secret_in(line: &str) -> Option<usize> {
    let in_word = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices([':', '=']).map(|(at, _)| at).find_map(|at| {
        let word = line[..at].trim_end_matches(|c: char| !in_word(c) && !":=".contains(c));
        let key = word.rsplit(|c: char| !in_word(c)).next().unwrap_or_default();
        let loud = key.bytes().any(|byte| byte.is_ascii_uppercase()) && names_a_secret(key);
        let url = line[at..].strip_prefix("://").is_some_and(has_credentials);
        (key == CLIENT_SECRET || loud || url).then_some(at + 1)
    })
}

/// Whether the rest of a URL names a user or, as the text may be cut off, could have named one.
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
    fn secret_values_of_a_body_are_its_environment_credentials_and_urls() {
        let body = serde_json::json!({
            "name": "fit",
            "spec": {
                "args": "clone https://me:canary-1@host/a and ssh://canary-2@host \"https://host/@x\"",
                "environmentVariables": [
                    {"name": "MODE", "value": "canary-3"},
                    {"name": "HF_TOKEN", "value": "canary-4"},
                    {"name": "FROM", "secret": {"name": "kept", "key": "kept"}}
                ],
                "storage": {"secretVolume": [{"secret": "kept", "mountPath": "/kept"}]}
            },
            "password": "canary-5",
            "environmentVariables": {"A": "canary-6"}
        });
        let mut found: Vec<_> =
            secret_values(&body).into_iter().map(|secret| (secret.text, secret.is_credential)).collect();
        found.sort_unstable();
        let expected = [("1", true), ("2", true), ("3", false), ("4", true), ("5", true), ("6", false)]
            .map(|(n, is)| (format!("canary-{n}"), is));
        assert_eq!(found, expected.each_ref().map(|(text, is)| (text.as_str(), *is)));
    }

    #[test]
    fn secrets_become_stars_of_the_same_length() {
        let text = "client_secret: \"canary ü\"\nrunai_base_url: https://a:canary@h\nenvironment: {API_KEY: canary, MODE: x}\n";
        let root = parse(text, Format::Yaml, SourceId(0)).unwrap();
        let shown = redacted(text, &secrets(&root));
        assert!(!shown.contains("canary"), "{shown}");
        assert_eq!(shown.len(), text.len());
        assert!(shown.contains("MODE: x"));
    }

    #[test]
    fn texts_that_do_not_parse_hide_what_looks_like_a_secret() {
        let shown = redacted_unparsed("client_secret: canary\n  HF_TOKEN = \"canary\"\nmode: [x\n");
        assert!(!shown.contains("canary"), "{shown}");
        assert!(shown.contains("mode: [x"));
    }

    #[test]
    fn texts_that_do_not_parse_hide_all_of_a_secret() {
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
    fn urls_with_credentials_are_hidden_wherever_they_stand() {
        let text = "command: [git, clone, \"https://me:canary@host/a\"]\n";
        let root = parse(text, Format::Yaml, SourceId(0)).unwrap();
        assert_eq!(redacted(text, &secrets(&root)), "command: [git, clone, **************************]\n");
    }
}
