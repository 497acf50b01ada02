//! Layout of the text: blanks, blank lines and line ends, never values, order or comments.

use runai_syntax::{Format, SourceId, Tree, convert, parse};

use crate::document::{EditorDocument, TextEdit};
use crate::scan::{Entry, scan};

impl EditorDocument {
    /// Returns the edits that lay the text out: one blank behind separators, no blanks at the end of lines, at most one blank
    /// line in a row, one line break at the end; JSON gets a line for each of its parts. Comments stay. No edits if the text does not
    /// parse, or would mean something else afterwards. Formatting twice changes nothing more.
    #[must_use]
    pub fn format_edits(&self) -> Vec<TextEdit> {
        let (text, format) = (self.text(), self.format());
        let formatted = match format {
            Format::Json => convert(text, format, format).unwrap_or_default(),
            Format::Toml | Format::Yaml => laid_out(text, format),
        };
        let value = |text: &str| parse(text, format, SourceId(0)).ok().map(|node| Tree::from(&node).into_owned());
        match (value(text), value(&formatted)) {
            (Some(before), Some(after)) if before == after && text != formatted => self.difference(&formatted),
            _ => Vec::new(),
        }
    }

    /// One edit from what differs first to what differs last.
    fn difference(&self, formatted: &str) -> Vec<TextEdit> {
        let text = self.text();
        let same = |one: &mut dyn Iterator<Item = char>, other: &mut dyn Iterator<Item = char>| -> usize {
            one.zip(other).take_while(|(one, other)| one == other).map(|(c, _)| c.len_utf8()).sum()
        };
        let before = same(&mut text.chars(), &mut formatted.chars());
        let behind = same(&mut text[before..].chars().rev(), &mut formatted[before..].chars().rev());
        vec![self.text_edit(before..text.len() - behind, &formatted[before..formatted.len() - behind])]
    }
}

fn laid_out(text: &str, format: Format) -> String {
    let spaced = with_one_blank(text, format);
    let text = &*spaced;
    let outline = scan(text, format, None);
    let starts_text = |entry: &&Entry| {
        text[entry.value.clone()].starts_with(['|', '>', '"', '\'']) && text[entry.value.clone()].contains('\n')
    };
    let texts: Vec<_> = outline.entries.iter().filter(starts_text).map(|entry| entry.value.clone()).collect();
    let line_break = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let mut formatted = String::with_capacity(text.len());
    let mut blank_lines = 0;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        // The line breaks and blanks of a text are a part of it.
        if texts.iter().any(|inner| inner.start < at && start <= inner.end) {
            formatted.push_str(line);
            blank_lines = 0;
            continue;
        }
        let content = line.trim_end();
        blank_lines = if content.is_empty() { blank_lines + 1 } else { 0 };
        if blank_lines > 1 || (content.is_empty() && formatted.is_empty()) {
            continue;
        }
        formatted.push_str(content);
        formatted.push_str(line_break);
    }
    if texts.iter().any(|inner| inner.end >= text.trim_end().len()) {
        return formatted;
    }
    formatted.truncate(formatted.trim_end().len());
    formatted.push_str(line_break);
    formatted
}

/// Writes one blank between separators and values on the same line.
fn with_one_blank(text: &str, format: Format) -> String {
    let (separator, spaced) = if format == Format::Toml { ("=", " = ") } else { (":", ": ") };
    let mut result = String::with_capacity(text.len());
    let mut at = 0;
    for entry in scan(text, format, None).entries {
        let Some(between) = text.get(entry.key.end..entry.value.start) else { continue };
        if entry.key.is_empty() || entry.value.is_empty() || entry.key.start < at || between.trim() != separator {
            continue;
        }
        if between.contains('\n') {
            continue;
        }
        result.push_str(&text[at..entry.key.end]);
        result.push_str(spaced);
        at = entry.value.start;
    }
    result.push_str(&text[at..]);
    result
}
