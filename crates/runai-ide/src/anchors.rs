//! Anchors and aliases of YAML: where they are, and how they are renamed.

use std::ops::Range;

use runai_syntax::{Format, SourceId, Tree, parse};

use crate::document::{EditorDocument, Target, TextEdit};

/// An anchor or an alias.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Anchor {
    pub(crate) is_alias: bool,
    /// The name, without `&` or `*`.
    pub(crate) name: Range<usize>,
}

/// Finds the anchors and aliases of a text, which need not parse.
pub(crate) fn find(text: &str) -> Vec<Anchor> {
    let mut finder = Finder { text, found: Vec::new(), quote: None, depth: 0 };
    let mut at = 0;
    // Lines of a block scalar are indented by more than this.
    let mut block: Option<usize> = None;
    for line in text.split_inclusive('\n') {
        let indent = line.len() - line.trim_start_matches(' ').len();
        if block.is_some_and(|block| line.trim().is_empty() || indent > block) {
            at += line.len();
            continue;
        }
        block = finder.line(at, line.trim_end_matches(['\n', '\r'])).then_some(indent);
        at += line.len();
    }
    finder.found
}

struct Finder<'t> {
    text: &'t str,
    found: Vec<Anchor>,
    /// The quote that is open.
    quote: Option<u8>,
    /// How many braces and brackets are open.
    depth: usize,
}

impl Finder<'_> {
    /// Reads a line, and returns whether a block scalar begins in it.
    fn line(&mut self, start: usize, line: &str) -> bool {
        let bytes = line.as_bytes();
        let is_blank = |at: usize| bytes.get(at).is_none_or(|byte| matches!(byte, b' ' | b'\t'));
        let mut at = 0;
        // Whether a value or key may begin here.
        let mut begins = self.quote.is_none();
        while at < bytes.len() {
            let byte = bytes[at];
            if let Some(quote) = self.quote {
                match byte {
                    b'\\' if quote == b'"' => at += 1,
                    _ if byte == quote => self.quote = None,
                    _ => {}
                }
                at += 1;
                continue;
            }
            match byte {
                b' ' | b'\t' => {}
                b'#' if at == 0 || is_blank(at - 1) => return false,
                b'&' | b'*' if begins => {
                    let length = self.name_length(start + at + 1, start + line.len());
                    if length > 0 {
                        let name = start + at + 1..start + at + 1 + length;
                        self.found.push(Anchor { is_alias: byte == b'*', name });
                    }
                    at += length;
                    begins = byte == b'&';
                }
                b'!' if begins => {
                    while !is_blank(at + 1) {
                        at += 1;
                    }
                }
                b'"' | b'\'' if begins => {
                    self.quote = Some(byte);
                    begins = false;
                }
                b'|' | b'>' if begins && self.depth == 0 => return true,
                b'-' | b'?' if begins && is_blank(at + 1) => {}
                b'{' | b'[' if begins => self.depth += 1,
                b'}' | b']' if self.depth > 0 => {
                    self.depth -= 1;
                    begins = false;
                }
                b',' if self.depth > 0 => begins = true,
                b':' if is_blank(at + 1) => begins = true,
                _ => begins = false,
            }
            at += 1;
        }
        false
    }

    fn name_length(&self, from: usize, end: usize) -> usize {
        let text = self.text.get(from..end).unwrap_or_default();
        text.find(|c: char| c.is_whitespace() || ",[]{}".contains(c)).unwrap_or(text.len())
    }
}

impl EditorDocument {
    fn anchors(&self) -> Vec<Anchor> {
        if self.format() == Format::Yaml { find(self.text()) } else { Vec::new() }
    }

    /// The anchor or alias at `offset`, and all of the text.
    fn anchor_at(&self, offset: usize) -> Option<(Anchor, Vec<Anchor>)> {
        let all = self.anchors();
        let at = all.iter().find(|anchor| (anchor.name.start - 1..=anchor.name.end).contains(&offset)).cloned()?;
        Some((at, all))
    }

    /// The place of the anchor that the alias at `offset` names.
    pub(crate) fn anchor_definition(&self, offset: usize) -> Option<Target> {
        let (at, all) = self.anchor_at(offset)?;
        let name = &self.text()[at.name.clone()];
        // The last one of the name before the alias counts.
        let before = all.into_iter().filter(|other| !other.is_alias && other.name.start <= at.name.start);
        let anchor = before.filter(|other| &self.text()[other.name.clone()] == name).last()?;
        Some(Target { name: self.name().to_owned(), range: anchor.name })
    }

    /// Returns the name of the anchor or alias at `offset`, which can be renamed.
    #[must_use]
    pub fn renameable(&self, offset: usize) -> Option<Range<usize>> {
        self.anchor_at(offset).map(|(anchor, _)| anchor.name)
    }

    /// Renames the anchor at `offset` and its aliases.
    ///
    /// # Errors
    ///
    /// Why it cannot be renamed so.
    pub fn rename(&self, offset: usize, name: &str) -> Result<Vec<TextEdit>, String> {
        let (at, all) = self.anchor_at(offset).ok_or("there is no anchor or alias here")?;
        let text = self.text();
        let old = &text[at.name.clone()];
        if name.is_empty() || name.contains(|c: char| c.is_whitespace() || c.is_control() || ",[]{}&*".contains(c)) {
            return Err(format!("`{name}` is not a name of an anchor"));
        }
        if name != old && all.iter().any(|anchor| &text[anchor.name.clone()] == name) {
            return Err(format!("the anchor `{name}` exists already"));
        }
        let same = all.iter().filter(|anchor| &text[anchor.name.clone()] == old);
        let edits: Vec<_> = same.map(|anchor| self.text_edit(anchor.name.clone(), name)).collect();
        let renamed = crate::actions::applied(text, &edits);
        let value = |text: &str| parse(text, Format::Yaml, SourceId(0)).ok().map(|node| Tree::from(&node).into_owned());
        match (value(text), value(&renamed)) {
            (Some(before), Some(after)) if before == after => Ok(edits),
            _ => Err("the text does not parse, so the anchor cannot be renamed".to_owned()),
        }
    }

    pub(crate) fn text_edit(&self, range: Range<usize>, insert: &str) -> TextEdit {
        TextEdit { name: self.name().to_owned(), range, insert: insert.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_anchors_and_aliases_are_found() {
        let text = "a: &x {b: *y, c: [&z 1, 'it *s']}\n<<: *x\nd: ls *.txt & more\ne: |\n  *no\n- &f !!str \"&q\n  *q\"\n# &c\n*k : 1\n";
        let names: Vec<_> = find(text).into_iter().map(|anchor| (anchor.is_alias, &text[anchor.name])).collect();
        let expected = [(false, "x"), (true, "y"), (false, "z"), (true, "x"), (false, "f"), (true, "k")];
        assert_eq!(names, expected);
    }
}
