//! Byte offsets to the positions of the Language Server Protocol, and back.

/// How a position counts the characters of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// Bytes of UTF-8.
    Utf8,
    /// Code units of UTF-16, the default of the protocol.
    #[default]
    Utf16,
    /// Code points.
    Utf32,
}

/// A line and a character in it, both from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The line.
    pub line: u32,
    /// The character, in units of an [`Encoding`].
    pub character: u32,
}

/// Where the lines of a text begin.
///
/// ```
/// use runai_ide::{Encoding, LineIndex, Position};
/// let text = "a: 🚀\nb: 1\n";
/// let lines = LineIndex::new(text);
/// assert_eq!(lines.position(text, 7, Encoding::Utf16), Position { line: 0, character: 5 });
/// assert_eq!(lines.offset(text, Position { line: 1, character: 3 }, Encoding::Utf16), 11);
/// ```
#[derive(Clone, Debug)]
pub struct LineIndex {
    /// First byte of each line.
    starts: Vec<usize>,
}

impl Encoding {
    fn len(self, c: char) -> usize {
        match self {
            Self::Utf8 => c.len_utf8(),
            Self::Utf16 => c.len_utf16(),
            Self::Utf32 => 1,
        }
    }

    fn width(self, text: &str) -> usize {
        if self == Self::Utf8 || text.is_ascii() { text.len() } else { text.chars().map(|c| self.len(c)).sum() }
    }
}

impl LineIndex {
    /// Indexes the lines of `text`, which end with `\n`, `\r\n` or `\r`.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let bytes = text.as_bytes();
        let ends = bytes.iter().enumerate().filter(|(at, byte)| match byte {
            b'\n' => true,
            b'\r' => bytes.get(at + 1) != Some(&b'\n'),
            _ => false,
        });
        Self { starts: std::iter::once(0).chain(ends.map(|(at, _)| at + 1)).collect() }
    }

    /// Returns the number of the line that contains a byte, from 0.
    #[must_use]
    pub fn line_of(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset).saturating_sub(1)
    }

    /// Returns the position of a byte offset. An offset inside a character or behind the text counts as the nearest one before.
    #[must_use]
    pub fn position(&self, text: &str, offset: usize, encoding: Encoding) -> Position {
        let offset = text.floor_char_boundary(offset.min(text.len()));
        let line = self.line_of(offset);
        let start = self.starts.get(line).copied().unwrap_or_default();
        let character = encoding.width(text.get(start..offset).unwrap_or_default());
        Position {
            line: u32::try_from(line).unwrap_or(u32::MAX),
            character: u32::try_from(character).unwrap_or(u32::MAX),
        }
    }

    /// Returns the byte offset of a position. A position behind its line counts as the line's end, one behind the text as the
    /// text's end, and one inside a character as the character's start.
    #[must_use]
    pub fn offset(&self, text: &str, position: Position, encoding: Encoding) -> usize {
        let line = position.line as usize;
        let Some(start) = self.starts.get(line).copied() else { return text.len() };
        let end = self.starts.get(line + 1).copied().unwrap_or(text.len());
        let content = text.get(start..end).unwrap_or_default().trim_end_matches(['\n', '\r']);
        let mut left = position.character as usize;
        let mut at = start;
        for c in content.chars() {
            let len = encoding.len(c);
            if left < len {
                break;
            }
            left -= len;
            at += c.len_utf8();
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_boundary_comes_back_in_every_encoding() {
        for text in ["", "a: é🚀x\r\n\nüb: 1\n", "\u{feff}a\rb", "x"] {
            let lines = LineIndex::new(text);
            for encoding in [Encoding::Utf8, Encoding::Utf16, Encoding::Utf32] {
                for (offset, c) in text.char_indices() {
                    if c != '\n' && c != '\r' {
                        let position = lines.position(text, offset, encoding);
                        assert_eq!(lines.offset(text, position, encoding), offset, "{text:?} {position:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn positions_that_do_not_exist_count_as_the_nearest_before() {
        let text = "aé🚀\nb";
        let lines = LineIndex::new(text);
        let offset = |line, character| lines.offset(text, Position { line, character }, Encoding::Utf16);
        assert_eq!([offset(0, 3), offset(0, 99), offset(1, 9), offset(7, 0)], [3, 7, 9, 9]);
        assert_eq!(offset(u32::MAX, u32::MAX), 9);
    }
}
