//! Ctrl-C and other signals that end the program.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::UnboundedReceiver;

use crate::exit::Exit;
use crate::failure::Failure;

/// Requests to stop. Listens from its creation, so that no request is missed.
pub(crate) struct Interrupts(Source);

enum Source {
    /// Interrupts sent by a test.
    Channel(UnboundedReceiver<()>),
    /// SIGINT and SIGTERM; `None` if the program cannot listen to the signal.
    Signals { interrupt: Option<Signal>, terminate: Option<Signal> },
}

impl Interrupts {
    pub(crate) fn listen() -> Self {
        let listen = |kind| signal(kind).ok();
        Self(Source::Signals { interrupt: listen(SignalKind::interrupt()), terminate: listen(SignalKind::terminate()) })
    }

    /// Returns interrupts that `receiver` delivers.
    pub(crate) const fn from_channel(receiver: UnboundedReceiver<()>) -> Self {
        Self(Source::Channel(receiver))
    }

    /// Waits for the next interrupt; forever if there can be none.
    pub(crate) async fn next(&mut self) {
        match &mut self.0 {
            Source::Channel(receiver) => {
                if receiver.recv().await.is_none() {
                    std::future::pending::<()>().await;
                }
            }
            Source::Signals { interrupt, terminate } => tokio::select! {
                () = received(interrupt) => {}
                () = received(terminate) => {}
            },
        }
    }

    /// Returns the result of `work`, or a failure that names `consequence` if the user interrupts.
    pub(crate) async fn guard<T>(
        &mut self,
        work: impl Future<Output = Result<T, Failure>>,
        consequence: &str,
    ) -> Result<T, Failure> {
        tokio::select! {
            biased;
            () = self.next() => Err(Failure::new(Exit::Interrupted, format!("interrupted: {consequence}"))),
            done = work => done,
        }
    }
}

/// SIGHUP and SIGQUIT (Ctrl-\), on which local commands are killed.
pub(crate) struct Hangup {
    hangup: Option<Signal>,
    quit: Option<Signal>,
}

impl Hangup {
    pub(crate) fn listen() -> Self {
        Self { hangup: unless_ignored(SignalKind::hangup()), quit: unless_ignored(SignalKind::quit()) }
    }

    /// Waits for the next signal; forever if the program cannot listen to it.
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            () = received(&mut self.hangup) => {}
            () = received(&mut self.quit) => {}
        }
    }
}

/// Listens for a signal, unless it was ignored when the program started, as `nohup` does.
fn unless_ignored(kind: SignalKind) -> Option<Signal> {
    // The system call would need unsafe code. Without this file, listen to the signal.
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
    let bit = u32::try_from(kind.as_raw_value() - 1).ok().and_then(|bit| 1_u64.checked_shl(bit)).unwrap_or_default();
    (mask & bit == 0).then(|| signal(kind).ok()).flatten()
}

async fn received(signal: &mut Option<Signal>) {
    if let Some(signal) = signal
        && signal.recv().await.is_some()
    {
        return;
    }
    std::future::pending::<()>().await;
}
