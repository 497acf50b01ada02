//! Reads output line by line.

use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};

/// Reads the next line, or the next part of a long line; `None` at the end of the pipe or on an error.
pub(super) async fn next_line(pipe: &mut BufReader<impl AsyncRead + Unpin>) -> Option<String> {
    let mut line = Vec::new();
    loop {
        let bytes = pipe.fill_buf().await.ok()?;
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let take = end.unwrap_or(bytes.len()).min(MAX_LINE_LENGTH - line.len());
        let at_end = bytes.is_empty();
        line.extend_from_slice(&bytes[..take]);
        let complete = end == Some(take);
        pipe.consume(take + usize::from(complete));
        if complete || line.len() == MAX_LINE_LENGTH || (at_end && !line.is_empty()) {
            let line = line.strip_suffix(b"\r").unwrap_or(&line);
            return Some(String::from_utf8_lossy(line).into_owned());
        }
        if at_end {
            return None;
        }
    }
}

/// Maximum length of a line in bytes; longer lines are split.
const MAX_LINE_LENGTH: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn splits_lines() {
        let long = "x".repeat(MAX_LINE_LENGTH + 3);
        let text = format!("a\r\n\n{long}\nü");
        let mut pipe = BufReader::with_capacity(7, text.as_bytes());
        let mut lines = Vec::new();
        while let Some(line) = next_line(&mut pipe).await {
            lines.push(line);
        }
        assert_eq!(lines.iter().map(String::len).collect::<Vec<_>>(), [1, 0, MAX_LINE_LENGTH, 3, 2]);
        assert_eq!((lines[0].as_str(), lines[4].as_str()), ("a", "ü"));
    }
}
