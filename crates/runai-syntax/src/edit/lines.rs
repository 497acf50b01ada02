//! Lines of a text, seen from a byte in them.

use std::ops::Range;

/// First byte of the line that `at` is in.
pub(super) fn start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |line_break| line_break + 1)
}

/// Where the line that `at` is in ends, before its line break.
pub(super) fn end(text: &str, at: usize) -> usize {
    let end = text[at..].find('\n').map_or(text.len(), |length| at + length);
    if end > at && text[..end].ends_with('\r') { end - 1 } else { end }
}

/// First byte of the line below.
pub(super) fn next(text: &str, at: usize) -> usize {
    text[at..].find('\n').map_or(text.len(), |length| at + length + 1)
}

/// The line break that the text uses.
pub(super) fn line_break(text: &str) -> &'static str {
    match text.find('\n') {
        Some(at) if text[..at].ends_with('\r') => "\r\n",
        _ => "\n",
    }
}

/// What the line that `at` is in begins with: blanks.
pub(super) fn indent(text: &str, at: usize) -> &str {
    let start = start(text, at);
    let line = &text[start..end(text, at).max(start)];
    &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
}

/// Whether only blanks stand before `at` in its line.
pub(super) fn is_first(text: &str, at: usize) -> bool {
    text[start(text, at)..at].bytes().all(|byte| byte == b' ' || byte == b'\t')
}

/// Column of a byte, in characters from 0.
pub(super) fn column(text: &str, at: usize) -> usize {
    text[start(text, at)..at].chars().count()
}

/// Whether nothing but blanks and line breaks stands in `range`.
pub(super) fn is_blank(text: &str, range: Range<usize>) -> bool {
    text.get(range).is_some_and(|part| part.bytes().all(|byte| byte.is_ascii_whitespace()))
}

/// The first byte from `at` that is neither blank nor line break nor part of a comment.
pub(super) fn skip(text: &str, at: usize) -> usize {
    let mut at = at;
    loop {
        let rest = &text[at..];
        at += rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
        if !text[at..].starts_with('#') {
            return at;
        }
        at = end(text, at);
    }
}
