//! What `--verbose` shows: the client's own log. It holds no secret.

use std::io::{self, Write};

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, fmt};

use crate::args::{LogFormat, TalkArgs};
use crate::output;
use crate::output::secrets::scrub;

/// Sets up how much is said.
pub(crate) fn start(talk: &TalkArgs) {
    if talk.quiet {
        output::be_quiet();
    }
    let targets = match talk.verbose {
        // What goes wrong on the way is told by events.
        0 => return,
        1 => Targets::new().with_target("runai_client", LevelFilter::DEBUG).with_target("runai_sim", LevelFilter::INFO),
        _ => Targets::new().with_default(LevelFilter::TRACE),
    };
    let layer = match talk.log_format {
        LogFormat::Json => fmt::layer().json().with_writer(|| Scrubbed(io::stderr())).boxed(),
        LogFormat::Text => fmt::layer().with_ansi(false).with_writer(|| Scrubbed(io::stderr())).boxed(),
    };
    let _ = tracing_subscriber::registry().with(layer.with_filter(targets)).try_init();
}

/// Writes texts without the values that the user gave as secrets. A log entry is one write.
struct Scrubbed<W>(W);

impl<W: Write> Write for Scrubbed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        self.0.write_all(scrub(&text).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::secrets::conceal;

    #[test]
    fn a_log_shows_no_concealed_value() {
        conceal("not-a-real-log-secret");
        let mut log = Vec::new();
        Scrubbed(&mut log).write_all(b"sent not-a-real-log-secret\n").unwrap();
        assert_eq!(log, b"sent [redacted]\n");
    }
}
