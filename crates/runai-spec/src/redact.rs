//! Texts without their secrets, for showing to people.

use std::borrow::Cow;

use crate::document::{Node, Span, Value};
use crate::rules::step::names_a_secret;

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
                let in_url = entry.value.as_str().is_some_and(|text| text.contains('@') && text.contains("://"));
                if entry.key == CLIENT_SECRET || in_url || in_environment && names_a_secret(&entry.key) {
                    found.push(entry.value.span);
                } else {
                    collect(&entry.value, entry.key == "environment", found);
                }
            }
        }
        Value::List(items) => items.iter().for_each(|item| collect(item, false, found)),
        _ => {}
    }
}

/// `text` with a star for each byte of `secrets`, so that lines and offsets stay what they are.
pub(crate) fn redacted<'t>(text: &'t str, secrets: &[Span]) -> Cow<'t, str> {
    if secrets.is_empty() {
        return text.into();
    }
    let hidden = |offset: usize| secrets.iter().any(|span| (span.start as usize..span.end as usize).contains(&offset));
    let mut shown = String::with_capacity(text.len());
    for (offset, c) in text.char_indices() {
        if hidden(offset) && c != '\n' {
            shown.extend(std::iter::repeat_n('*', c.len_utf8()));
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

/// `text`, which does not parse, without whatever stands behind a key that looks like a secret's.
pub(crate) fn redacted_unparsed(text: &str) -> Cow<'_, str> {
    let mut secrets = Vec::new();
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        if let Some(at) = line.find([':', '=']) {
            let key = line[..at].trim_matches(|c: char| !c.is_alphanumeric() && c != '_');
            let key = key.rsplit(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
            let loud = key.bytes().any(|byte| byte.is_ascii_uppercase()) && names_a_secret(key);
            let in_url = line[at..].contains("://") && line[at..].contains('@');
            if key == CLIENT_SECRET || loud || in_url {
                let start = offset + at + 1;
                let cut = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
                secrets.push(Span { start: cut(start), end: cut(offset + line.trim_end().len()), ..Span::default() });
            }
        }
        offset += line.len();
    }
    redacted(text, &secrets)
}

const CLIENT_SECRET: &str = "client_secret";

#[cfg(test)]
mod tests {
    use crate::document::{Format, SourceId, parse};

    use super::*;

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
}
