//! Texts without their secrets, for showing to people.

use std::borrow::Cow;

use crate::document::{Node, Span, Value};
use crate::rules::step::names_a_secret;

/// Places of the values in `root` that must not be shown: the client secret, and variables of the environment that look
/// like secrets.
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
        _ => {}
    }
}

/// `text` with a star for each character of `secrets`, so that lines and columns stay what they are.
pub(crate) fn redacted<'t>(text: &'t str, secrets: &[Span]) -> Cow<'t, str> {
    if secrets.is_empty() {
        return text.into();
    }
    let hidden = |offset: usize| secrets.iter().any(|span| (span.start as usize..span.end as usize).contains(&offset));
    let starred = text.char_indices().map(|(offset, c)| if hidden(offset) && c != '\n' { stars(c) } else { Cow::Owned(c.to_string()) });
    Cow::Owned(starred.collect())
}

/// As many stars as the character has bytes would move columns; as many as it is columns wide would move offsets. Offsets
/// are what the excerpt is cut by.
fn stars(c: char) -> Cow<'static, str> {
    const STARS: &str = "****";
    Cow::Borrowed(&STARS[..c.len_utf8()])
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
            if key == CLIENT_SECRET || loud {
                let start = offset + at + 1;
                let cut = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
                secrets.push(Span { start: cut(start), end: cut(offset + line.trim_end().len()), ..Span::default() });
            }
        }
        offset += line.len();
    }
    match redacted(text, &secrets) {
        Cow::Borrowed(_) => Cow::Borrowed(text),
        Cow::Owned(redacted) => Cow::Owned(redacted),
    }
}

const CLIENT_SECRET: &str = "client_secret";

#[cfg(test)]
mod tests {
    use crate::document::{Format, SourceId, parse};

    use super::*;

    #[test]
    fn secrets_become_stars_of_the_same_length() {
        let text = "client_secret: \"canary ü\"\nenvironment: {API_KEY: canary, MODE: x}\n";
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
