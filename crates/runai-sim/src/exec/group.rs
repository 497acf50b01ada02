//! Process groups of pods, which never outlive this program.
//!
//! A shell, the guard, leads the group and reads from a pipe whose other end only this program has. When this program
//! ends, even by `SIGKILL`, the kernel closes that end, and the guard kills the group. This needs no signal handler, no
//! unsafe code, and works on every POSIX system. The guard ignores the signals that terminate commands.

use std::{io, process::Stdio};

use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use tokio::{
    io::AsyncReadExt as _,
    process::{Child, ChildStdin, Command},
};

/// A process group, killed when this is dropped.
pub(super) struct Group {
    id: Pid,
    /// Never waited for, so that the kernel does not reuse its process id, which is the group id.
    _guard: Child,
    /// The write end of the pipe; the guard acts when it closes.
    _pipe: ChildStdin,
}

impl Group {
    /// Creates a group that contains only its guard.
    pub(super) async fn new() -> io::Result<Self> {
        let mut guard = Command::new("/bin/sh")
            .args(["-c", GUARD])
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        let gone = || io::Error::other("the guard has already ended");
        let id = guard.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw).ok_or_else(gone)?;
        let (pipe, stdout) = (guard.stdin.take().ok_or_else(gone)?, guard.stdout.take());
        // From here on, dropping `group` kills the guard.
        let group = Self { id, _guard: guard, _pipe: pipe };
        // Wait until the guard ignores signals, so that a signal to the pod does not end it.
        stdout.ok_or_else(gone)?.read_u8().await?;
        Ok(group)
    }

    /// Returns the id of the group.
    pub(super) fn id(&self) -> Pid {
        self.id
    }

    pub(super) fn signal(&self, kind: Signal) {
        signal(self.id, kind);
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::SIGKILL);
    }
}

/// Sends a signal to a group; ignores a group that has ended.
pub(super) fn signal(group: Pid, kind: Signal) {
    let _ = killpg(group, kind);
}

/// Reports that it is ready, waits for the end of its input, and kills its group and itself.
const GUARD: &str = "trap '' HUP INT QUIT TERM; echo; read -r line; kill -s KILL 0";
