//! What was probably meant by YAML that does not parse.

use std::ops::Range;

use crate::unusual::{self, is_word_character};

/// A cause that can be named.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mistake {
    /// In bytes of the text.
    pub(super) place: Range<usize>,
    pub(super) why: String,
    pub(super) help: String,
    /// A place and what to write there.
    pub(super) fix: Option<(Range<usize>, String)>,
}

/// How many lines before the parser's place are looked at.
const LINES_BEFORE: usize = 3;

/// Looks for a cause in the line where the parser stopped, and in those before it.
pub(super) fn find(body: &str, at: usize) -> Option<Mistake> {
    let at = body.floor_char_boundary(at.min(body.len()));
    alias(body, at).or_else(|| lines(body, at).find_map(|line| of_line(body, line)))
}

/// The line at a place and those before it, the nearest first.
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

/// A `*` where a text begins.
fn alias(body: &str, at: usize) -> Option<Mistake> {
    let rest = body[at..].strip_prefix('*')?;
    let length = rest.find([',', ']', '}', '\n', ' ']).unwrap_or(rest.len());
    let place = at..at + 1 + length;
    let text = &body[place.clone()];
    let fix = Some((place.clone(), quoted(text)));
    Some(Mistake {
        place,
        why: format!("`{text}` is an alias, and there is no anchor of that name"),
        help: format!("quote a text that begins with `*`: `{}`", quoted(text)),
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
        return Some(Mistake { place, why: format!("{} cannot indent", found.name), help: found.help(), fix });
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

/// `{{ name }}`, which is a map as the key of a map.
pub(super) fn template(line: &str) -> Option<Mistake> {
    let start = line.find("{{")?;
    let before = line[..start].trim_end();
    let is_value = before.is_empty() || before.ends_with([':', '-', '[', ',']);
    let value = line[start..].trim_end_matches([']', ',', ' ']);
    let end = line[start..].find("}}").map_or(line.len(), |length| start + length + 2);
    is_value.then(|| Mistake {
        place: start..end,
        why: "`{{` begins a template, which nothing fills in here".to_owned(),
        help: format!("fill it in first, or quote it to keep it: `{}`", quoted(value)),
        fix: Some((start..start + value.len(), quoted(value))),
    })
}

/// An apostrophe inside of single quotes.
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
        why: "the apostrophe ends the text in single quotes".to_owned(),
        help: format!("write it in double quotes: `{}`", quoted(text)),
        fix: Some((open..open + 1 + if end < inner.len() { end + 1 } else { text.len() }, quoted(text))),
    })
}

/// `key:value` without a blank.
fn colon(line: &str) -> Option<Mistake> {
    let entry = line.trim_start().trim_start_matches("- ").trim_start();
    let start = line.len() - entry.len();
    let (key, value) = key_without_blank(entry)?;
    let value = value.trim_end();
    Some(Mistake {
        place: start..start + key.len() + 1 + value.len(),
        why: format!("there is no blank behind the `:` of `{key}`"),
        help: format!("write `{key}: {value}`"),
        fix: Some((start..start + key.len() + 1 + value.len(), format!("{key}: {value}"))),
    })
}

/// Splits `key:value` whose colon has no blank behind it, and is not that of a URL, a port or a time.
#[must_use]
pub fn key_without_blank(text: &str) -> Option<(&str, &str)> {
    let (key, value) = text.split_once(':')?;
    let is_key = key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'));
    (is_key && !value.is_empty() && !value.starts_with([' ', '\t', '/', ':', '\r'])).then_some((key, value))
}

/// A value that begins with a character that no plain text may begin with.
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
            why: format!("no text begins with `{c}` without quotes"),
            help: format!("quote it: `{}`", quoted(text)),
            fix: Some((at..at + text.len(), quoted(text))),
        }),
        _ => found.map(|found| Mistake {
            place: at..at + text.len(),
            why: format!("the text has {} in it", found.name),
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

    fn said(body: &str, at: &str) -> (String, String) {
        let found = find(body, body.find(at).unwrap()).unwrap();
        (body[found.place].to_owned(), found.help)
    }

    #[test]
    fn causes_are_found_where_they_stand() {
        for (body, at, place, help) in [
            ("a: [x, *.csv]\n", "*", "*.csv", "quote a text that begins with `*`: `\"*.csv\"`"),
            ("a: {{ image }}\n", "}}", "{{ image }}", "fill it in first, or quote it to keep it: `\"{{ image }}\"`"),
            ("a: 'it's'\n", "s'", "'", "write it in double quotes: `\"it's\"`"),
            ("s:\n  a:0.5\n  b: 8Gi\n", ": 8", "a:0.5", "write `a: 0.5`"),
            ("s:\n\u{a0}\u{a0}a: 1\n", "a: 1", "\u{a0}", "write a blank in the place of a no-break space (U+00A0)"),
            ("a: @x\n", "@", "@", "quote it: `\"@x\"`"),
        ] {
            let (found, said) = said(body, at);
            assert_eq!((found.as_str(), said.as_str()), (place, help), "{body}");
        }
    }

    #[test]
    fn urls_ports_and_times_are_no_keys() {
        for text in ["https://a", "a: b", "a::b", "12:30", "a", ":a"] {
            assert_eq!(key_without_blank(text), None, "{text}");
        }
        assert_eq!(key_without_blank("gpu:0.5"), Some(("gpu", "0.5")));
    }
}
