//! The log of `--verbose`, without secrets.

use std::io::{self, Write};

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, fmt};

use crate::args::{LogFormat, VerbosityArgs};
use crate::output;
use crate::output::secrets::scrub;

/// Applies `--quiet`, `--verbose` and `--log-format`.
pub(crate) fn start(args: &VerbosityArgs) {
    if args.quiet {
        output::set_quiet();
    }
    let targets = match args.verbose {
        // Commands report problems by events.
        0 => return,
        1 => Targets::new().with_target("runai_client", LevelFilter::DEBUG).with_target("runai_sim", LevelFilter::INFO),
        _ => Targets::new().with_default(LevelFilter::TRACE),
    };
    let layer = match args.log_format {
        LogFormat::Json => fmt::layer().json().with_writer(|| Scrubbed(io::stderr())).boxed(),
        LogFormat::Text => fmt::layer().with_ansi(false).with_writer(|| Scrubbed(io::stderr())).boxed(),
    };
    let _ = tracing_subscriber::registry().with(layer.with_filter(targets)).try_init();
}

/// Writes text without concealed values. Each log entry is one write.
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
    fn log_scrubs_concealed_values() {
        conceal("not-a-real-log-secret");
        let mut log = Vec::new();
        Scrubbed(&mut log).write_all(b"sent not-a-real-log-secret\n").unwrap();
        assert_eq!(log, b"sent [redacted]\n");
    }
}
