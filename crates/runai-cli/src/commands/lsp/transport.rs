//! Reads and writes messages of the Language Server Protocol, framed by `Content-Length` headers.

use std::io::{self, BufRead, Read as _, Write};

use lsp_server::Message;

/// Maximum size of a message, in bytes. The content of a larger message is discarded.
const MAX_MESSAGE: u64 = 64 << 20;
/// Maximum length of a header line, in bytes.
const MAX_HEADER: u64 = 8 << 10;

/// A frame from a client.
#[derive(Debug)]
pub(super) enum Incoming {
    Message(Message),
    /// The reason why the content of the frame is not a message.
    Malformed(String),
}

/// Reads one message. Returns `None` at the end of the stream.
///
/// Malformed input must not stop the server. The function skips lines that are not headers, and returns
/// [`Incoming::Malformed`] for content that is not a message.
pub(super) fn read(input: &mut impl BufRead) -> io::Result<Option<Incoming>> {
    let Some(length) = content_length(input)? else { return Ok(None) };
    if length > MAX_MESSAGE {
        io::copy(&mut input.take(length), &mut io::sink())?;
        return Ok(Some(Incoming::Malformed(format!("a message of {length} bytes is more than {MAX_MESSAGE} bytes"))));
    }
    let mut content = Vec::new();
    if input.take(length).read_to_end(&mut content)? as u64 != length {
        return Ok(None);
    }
    Ok(Some(match serde_json::from_slice(&content) {
        Ok(message) => Incoming::Message(message),
        Err(error) => Incoming::Malformed(format!("not a message: {error}")),
    }))
}

/// Reads headers up to the blank line after a valid `Content-Length`. Returns `None` at the end of the stream.
fn content_length(input: &mut impl BufRead) -> io::Result<Option<u64>> {
    let mut length = None;
    let mut line = Vec::new();
    loop {
        line.clear();
        if input.take(MAX_HEADER).read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        let text = String::from_utf8_lossy(&line);
        let text = text.trim();
        if text.is_empty() {
            match length {
                Some(length) => return Ok(Some(length)),
                None => continue,
            }
        }
        if let Some((name, value)) = text.split_once(':')
            && name.trim().eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().ok();
        }
    }
}

/// Writes one message.
pub(super) fn write(output: &mut impl Write, message: &Message) -> io::Result<()> {
    message.write(output)
}

/// Writes a parse error as the response to malformed content. Its `id` is null, because the request's id is unknown.
pub(super) fn write_parse_error(output: &mut impl Write, message: &str) -> io::Result<()> {
    let error = serde_json::json!({"code": lsp_server::ErrorCode::ParseError as i32, "message": message});
    let text = serde_json::json!({"jsonrpc": "2.0", "id": null, "error": error}).to_string();
    write!(output, "Content-Length: {}\r\n\r\n{text}", text.len())?;
    output.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(mut input: &[u8]) -> Vec<String> {
        let mut found = Vec::new();
        while let Some(incoming) = read(&mut input).unwrap() {
            found.push(match incoming {
                Incoming::Message(Message::Request(request)) => request.method,
                Incoming::Message(Message::Notification(notification)) => notification.method,
                Incoming::Message(Message::Response(response)) => response.id.to_string(),
                Incoming::Malformed(_) => "malformed".to_owned(),
            });
        }
        found
    }

    #[test]
    fn skips_invalid_messages() {
        let exit = r#"{"jsonrpc":"2.0","method":"exit"}"#;
        let exit = format!("content-length: {}\r\n\r\n{exit}", exit.len());
        for (before, found) in [
            ("", &["exit"][..]),
            ("Content-Type: x\r\n", &["exit"]),
            ("garbage\n\n\r\n", &["exit"]),
            ("Content-Length: x\r\n\r\n", &["exit"]),
            ("Content-Length: -1\r\n\r\n", &["exit"]),
            ("Content-Length: 1\r\n\r\n{", &["malformed", "exit"]),
            ("Content-Length: 2\r\n\r\n[]", &["malformed", "exit"]),
            ("Content-Length: 2\r\n\r\n\u{e9}", &["malformed", "exit"]),
        ] {
            assert_eq!(all(format!("{before}{exit}").as_bytes()), found, "{before:?}");
        }
    }

    #[test]
    fn streams_that_end_early_end() {
        for text in ["", "Content-Length: 10", "Content-Length: 10\r\n\r\n{", "Content-Length: 99999999999999\r\n\r\nx"]
        {
            assert!(all(text.as_bytes()).iter().all(|found| found == "malformed"), "{text}");
        }
    }

    #[test]
    fn random_bytes_do_not_panic() {
        for seed in 0..500 {
            let mut random = fastrand::Rng::with_seed(seed);
            let words: [&[u8]; 8] = [
                b"Content-Length: ",
                b"\r\n\r\n",
                b"{\"id\":1,\"method\":\"shutdown\"}",
                b"\n",
                b"28",
                b"{\"jsonrpc\":\"2.0\"",
                b"\xff\x00",
                b":",
            ];
            let text: Vec<u8> = (0..random.usize(0..40)).flat_map(|_| words[random.usize(0..8)].to_vec()).collect();
            all(&text);
        }
    }
}
