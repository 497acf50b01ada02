//! Lines of output.

use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};

/// The next line, or the next piece of a very long one; `None` at the end of the pipe or when it breaks.
pub(super) async fn next_line(pipe: &mut BufReader<impl AsyncRead + Unpin>) -> Option<String> {
    let mut line = Vec::new();
    loop {
        let bytes = pipe.fill_buf().await.ok()?;
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let take = end.unwrap_or(bytes.len()).min(LONGEST_LINE - line.len());
        let at_end = bytes.is_empty();
        line.extend_from_slice(&bytes[..take]);
        let complete = end == Some(take);
        pipe.consume(take + usize::from(complete));
        if complete || line.len() == LONGEST_LINE || (at_end && !line.is_empty()) {
            let line = line.strip_suffix(b"\r").unwrap_or(&line);
            return Some(String::from_utf8_lossy(line).into_owned());
        }
        if at_end {
            return None;
        }
    }
}

/// The most bytes of a line; a longer one is cut in pieces.
const LONGEST_LINE: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_are_cut_at_their_ends_and_when_too_long() {
        let long = "x".repeat(LONGEST_LINE + 3);
        let text = format!("a\r\n\n{long}\nü");
        let mut pipe = BufReader::with_capacity(7, text.as_bytes());
        let mut lines = Vec::new();
        while let Some(line) = next_line(&mut pipe).await {
            lines.push(line);
        }
        assert_eq!(lines.iter().map(String::len).collect::<Vec<_>>(), [1, 0, LONGEST_LINE, 3, 2]);
        assert_eq!((lines[0].as_str(), lines[4].as_str()), ("a", "ü"));
    }
}
