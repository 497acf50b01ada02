//! Ctrl-C, and the signal with which other programs end this one.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Listened to all the time, so that none is missed.
pub(crate) struct Signals {
    interrupt: Option<Signal>,
    terminate: Option<Signal>,
}

impl Signals {
    pub(crate) fn listen() -> Self {
        Self { interrupt: signal(SignalKind::interrupt()).ok(), terminate: signal(SignalKind::terminate()).ok() }
    }

    /// The next one; never, where none can be listened to.
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            () = received(&mut self.interrupt) => {}
            () = received(&mut self.terminate) => {}
        }
    }
}

/// The end of the terminal, and Ctrl-\: commands that run on this machine are killed then.
pub(crate) struct Hangup {
    hangup: Option<Signal>,
    quit: Option<Signal>,
}

impl Hangup {
    pub(crate) fn listen() -> Self {
        Self { hangup: signal(SignalKind::hangup()).ok(), quit: signal(SignalKind::quit()).ok() }
    }

    /// The next one; never, where none can be listened to.
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            () = received(&mut self.hangup) => {}
            () = received(&mut self.quit) => {}
        }
    }
}

async fn received(signal: &mut Option<Signal>) {
    if let Some(signal) = signal
        && signal.recv().await.is_some()
    {
        return;
    }
    std::future::pending::<()>().await;
}
