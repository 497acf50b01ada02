//! What `--verbose` shows: the client's own log. It holds no secret.

use std::io;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, fmt};

use crate::args::{LogFormat, TalkArgs};
use crate::output;

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
        LogFormat::Json => fmt::layer().json().with_writer(io::stderr).boxed(),
        LogFormat::Text => fmt::layer().with_ansi(false).with_writer(io::stderr).boxed(),
    };
    let _ = tracing_subscriber::registry().with(layer.with_filter(targets)).try_init();
}
