//! Finds probable causes of YAML syntax errors.

use std::ops::Range;

use crate::unusual::{self, is_word_character};

/// A probable cause.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mistake {
    /// The range in bytes.
    pub(super) place: Range<usize>,
    pub(super) why: String,
    pub(super) help: String,
    /// A range and its replacement.
    pub(super) fix: Option<(Range<usize>, String)>,
}

/// The number of lines before the parser's position that are searched.
const LINES_BEFORE: usize = 3;

/// Searches the line where the parser failed, and those before it.
pub(super) fn find(body: &str, at: usize) -> Option<Mistake> {
    let at = body.floor_char_boundary(at.min(body.len()));
    alias(body, at).or_else(|| lines(body, at).find_map(|line| of_line(body, line)))
}

/// Returns the line at an offset and those before it, the nearest first.
fn lines(body: &str, at: usize) -> impl Iterator<Item = Range<usize>> {
    let mut end = body[at..].find('\n').map_or(body.len(), |length| at + length);
    let mut left = LINES_BEFORE + 1;
    std::iter::from_fn(move || {
        left = left.checked_sub(1)?;
        let start = body[..end].rfind('\n').map_or(0, |at| at + 1);
        let line = start..end;
        if start == 0 {
            left = 0;
        }
        end = start.saturating_sub(1);
        Some(line)
    })
}

/// A `*` at the start of a string.
fn alias(body: &str, at: usize) -> Option<Mistake> {
    let rest = body[at..].strip_prefix('*')?;
    let length = rest.find([',', ']', '}', '\n', ' ']).unwrap_or(rest.len());
    let place = at..at + 1 + length;
    let text = &body[place.clone()];
    let fix = Some((place.clone(), quoted(text)));
    Some(Mistake {
        place,
        why: format!("unknown anchor of the alias `{text}`"),
        help: format!("quote a string that starts with `*`: `{}`", quoted(text)),
        fix,
    })
}

fn of_line(body: &str, line: Range<usize>) -> Option<Mistake> {
    let text = &body[line.clone()];
    let indent = text.len() - text.trim_start().len();
    if let Some((at, c)) = text[..indent].char_indices().find(|(_, c)| !matches!(c, ' ' | '\t' | '\r')) {
        let place = line.start + at..line.start + at + c.len_utf8();
        let found = unusual::find(&c.to_string())?;
        let plain = text[..indent].chars().filter_map(|c| match unusual::find(&c.to_string()) {
            Some(found) if found.instead == "nothing" => None,
            Some(_) => Some(' '),
            None => Some(c),
        });
        let fix = Some((line.start..line.start + indent, plain.collect()));
        return Some(Mistake { place, why: format!("{} in indentation", found.name), help: found.help(), fix });
    }
    let trimmed = text.trim();
    if trimmed.starts_with('#') {
        return None;
    }
    template(text).or_else(|| apostrophe(text)).or_else(|| colon(text)).or_else(|| start(text)).map(|mistake| {
        let in_body = |place: Range<usize>| line.start + place.start..line.start + place.end;
        let fix = mistake.fix.map(|(place, text)| (in_body(place), text));
        Mistake { place: in_body(mistake.place), fix, ..mistake }
    })
}

/// A template such as `{{ name }}`, which YAML parses as a map with a map as its key.
pub(super) fn template(line: &str) -> Option<Mistake> {
    let start = line.find("{{")?;
    let before = line[..start].trim_end();
    let is_value = before.is_empty() || before.ends_with([':', '-', '[', ',']);
    let value = line[start..].trim_end_matches([']', ',', ' ']);
    let end = line[start..].find("}}").map_or(line.len(), |length| start + length + 2);
    is_value.then(|| Mistake {
        place: start..end,
        why: "template `{{`, which is not replaced".to_owned(),
        help: format!("render the template first, or quote it: `{}`", quoted(value)),
        fix: Some((start..start + value.len(), quoted(value))),
    })
}

/// An apostrophe in single quotes.
fn apostrophe(line: &str) -> Option<Mistake> {
    let open = line.match_indices('\'').map(|(at, _)| at).find(|at| {
        let before = line[..*at].trim_end();
        before.is_empty() || before.ends_with([':', '-', '[', ',', '{'])
    })?;
    let inner = &line[open + 1..];
    let close = inner.find('\'')?;
    let behind = inner[close + 1..].chars().next()?;
    if !is_word_character(behind) {
        return None;
    }
    let end = inner.rfind('\'').filter(|end| *end > close).unwrap_or(inner.len());
    let text = inner[..end].trim_end();
    let place = open + 1 + close..open + 2 + close;
    Some(Mistake {
        place,
        why: "unescaped apostrophe in single quotes".to_owned(),
        help: format!("use double quotes: `{}`", quoted(text)),
        fix: Some((open..open + 1 + if end < inner.len() { end + 1 } else { text.len() }, quoted(text))),
    })
}

/// `key:value` without a space.
fn colon(line: &str) -> Option<Mistake> {
    let entry = line.trim_start().trim_start_matches("- ").trim_start();
    let start = line.len() - entry.len();
    let (key, value) = key_without_space(entry)?;
    let value = value.trim_end();
    Some(Mistake {
        place: start..start + key.len() + 1 + value.len(),
        why: format!("missing space after the `:` of `{key}`"),
        help: format!("write `{key}: {value}`"),
        fix: Some((start..start + key.len() + 1 + value.len(), format!("{key}: {value}"))),
    })
}

/// Splits `key:value` at a colon without a space that is not part of a URL, a port or a time.
#[must_use]
pub fn key_without_space(text: &str) -> Option<(&str, &str)> {
    let (key, value) = text.split_once(':')?;
    let is_key = key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'));
    (is_key && !value.is_empty() && !value.starts_with([' ', '\t', '/', ':', '\r'])).then_some((key, value))
}

/// A value that starts with a character that plain scalars cannot start with.
fn start(line: &str) -> Option<Mistake> {
    let at = match line.find(": ") {
        Some(at) => at + 2,
        None => line.len() - line.trim_start().strip_prefix("- ")?.len(),
    };
    let value = &line[at..];
    let text = value.trim();
    let at = at + (value.len() - value.trim_start().len());
    let found = unusual::find(text);
    match text.chars().next()? {
        c @ ('@' | '`' | '%') => Some(Mistake {
            place: at..at + 1,
            why: format!("unquoted string starts with `{c}`"),
            help: format!("quote it: `{}`", quoted(text)),
            fix: Some((at..at + text.len(), quoted(text))),
        }),
        _ => found.map(|found| Mistake {
            place: at..at + text.len(),
            why: format!("the value contains {}", found.name),
            help: found.help(),
            fix: Some((at..at + text.len(), unusual::plain(text).into_owned())),
        }),
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cause_and_help(body: &str, at: &str) -> (String, String) {
        let found = find(body, body.find(at).unwrap()).unwrap();
        (body[found.place].to_owned(), found.help)
    }

    #[test]
    fn finds_causes() {
        for (body, at, place, help) in [
            ("a: [x, *.csv]\n", "*", "*.csv", "quote a string that starts with `*`: `\"*.csv\"`"),
            ("a: {{ image }}\n", "}}", "{{ image }}", "render the template first, or quote it: `\"{{ image }}\"`"),
            ("a: 'it's'\n", "s'", "'", "use double quotes: `\"it's\"`"),
            ("s:\n  a:0.5\n  b: 8Gi\n", ": 8", "a:0.5", "write `a: 0.5`"),
            ("s:\n\u{a0}\u{a0}a: 1\n", "a: 1", "\u{a0}", "write a space instead of a no-break space (U+00A0)"),
            ("a: @x\n", "@", "@", "quote it: `\"@x\"`"),
        ] {
            let (found, actual_help) = cause_and_help(body, at);
            assert_eq!((found.as_str(), actual_help.as_str()), (place, help), "{body}");
        }
    }

    #[test]
    fn ignores_urls_ports_and_times() {
        for text in ["https://a", "a: b", "a::b", "12:30", "a", ":a"] {
            assert_eq!(key_without_space(text), None, "{text}");
        }
        assert_eq!(key_without_space("gpu:0.5"), Some(("gpu", "0.5")));
    }
}
