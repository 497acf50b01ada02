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
        Self { hangup: unless_ignored(SignalKind::hangup()), quit: unless_ignored(SignalKind::quit()) }
    }

    /// The next one; never, where none can be listened to.
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            () = received(&mut self.hangup) => {}
            () = received(&mut self.quit) => {}
        }
    }
}

/// Listens for a signal, unless whoever started this program has it ignored, as `nohup` does.
fn unless_ignored(kind: SignalKind) -> Option<Signal> {
    // Asking the system call would need unsafe code. Where there is no such file, the signal counts.
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
