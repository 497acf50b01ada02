//! Converts byte offsets to lines and columns.

/// An index of the lines and multi-byte characters of a text. Lookups take logarithmic time, even in very long lines.
#[derive(Clone, Debug)]
pub struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
    /// Offsets of bytes that do not start a character, and of the byte order mark.
    uncounted: Vec<usize>,
}

impl<'t> Lines<'t> {
    /// Indexes the lines of `text`.
    #[must_use]
    pub fn new(text: &'t str) -> Self {
        let mut starts = vec![0];
        let mut uncounted = Vec::new();
        if text.starts_with('\u{feff}') {
            uncounted.push(0);
        }
        for (offset, byte) in text.bytes().enumerate() {
            if byte == b'\n' {
                starts.push(offset + 1);
            } else if !text.is_char_boundary(offset) {
                uncounted.push(offset);
            }
        }
        Self { text, starts, uncounted }
    }

    /// Returns the line and column of a byte offset, both from 1. Columns count characters, without a byte order mark.
    #[must_use]
    pub fn position(&self, offset: usize) -> (usize, usize) {
        let offset = self.text.floor_char_boundary(offset.min(self.text.len()));
        let line = self.starts.partition_point(|start| *start <= offset) - 1;
        let uncounted_before = |offset: usize| self.uncounted.partition_point(|uncounted| *uncounted < offset);
        let start = self.starts[line];
        (line + 1, offset - start - (uncounted_before(offset) - uncounted_before(start)) + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters() {
        let lines = Lines::new("a: é\r\nüb: x\n");
        assert_eq!(lines.position(0), (1, 1));
        assert_eq!(lines.position(5), (1, 5));
        assert_eq!(lines.position(7), (2, 1));
        assert_eq!(lines.position(10), (2, 3));
        assert_eq!(lines.position(99), (3, 1));
    }

    #[test]
    fn columns_exclude_byte_order_mark() {
        let lines = Lines::new("\u{feff}aé\n");
        assert_eq!([0, 3, 4, 6, 7].map(|offset| lines.position(offset)), [(1, 1), (1, 1), (1, 2), (1, 3), (2, 1)]);
    }
}
