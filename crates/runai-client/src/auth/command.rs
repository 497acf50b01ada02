//! A command that prints a bearer token, for people who log in with single sign-on.

use std::ffi::OsString;
use std::fmt;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use secrecy::SecretString;
use tokio::io::AsyncReadExt as _;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::error::{Cause, Error};

/// A command that prints a bearer token to stdout, such as `runai auth get-token -o plaintext`.
///
/// It runs without a shell, with the environment and working directory of this process and an empty stdin. After 10 s
/// it is killed, on Unix with its process group. It must print one line. Neither its output nor its arguments are ever
/// shown: both may contain secrets.
#[derive(Clone)]
pub struct TokenCommand {
    program: OsString,
    arguments: Vec<OsString>,
}

impl TokenCommand {
    /// Returns a command from a program, found in `PATH` unless it is a path, and its arguments.
    #[must_use]
    pub fn new(program: impl Into<OsString>, arguments: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        Self { program: program.into(), arguments: arguments.into_iter().map(Into::into).collect() }
    }

    /// Splits a command line into words as a POSIX shell does, with quotes and backslashes but without variables, globs
    /// and pipes. Returns `None` if it has no words or an unclosed quote.
    ///
    /// ```
    /// use runai_client::TokenCommand;
    ///
    /// assert!(TokenCommand::split("runai auth get-token -o 'plaintext'").is_some());
    /// assert!(TokenCommand::split("runai 'auth").is_none());
    /// ```
    #[must_use]
    pub fn split(line: &str) -> Option<Self> {
        let mut words = shlex::split(line)?.into_iter();
        let program = words.next().filter(|program| !program.is_empty())?;
        Some(Self::new(program, words))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.program.is_empty()
    }

    /// Runs the command and returns its token.
    pub(super) async fn run(&self) -> Result<SecretString, Error> {
        let failed = |problem: String| Error::TokenCommand { program: self.name(), problem, source: None };
        // The operating system's message contains neither program nor arguments.
        let failed_because = |problem: &str, error: std::io::Error| Error::TokenCommand {
            program: self.name(),
            problem: problem.to_owned(),
            source: Some(Cause::new(error)),
        };
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        command.kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        let child = command.spawn().map_err(|error| failed_because("cannot be started", error))?;
        let Some(result) = timeout(COMMAND_TIMEOUT, output(ProcessGroup(child))).await.ok() else {
            return Err(failed(format!("did not end within {} s", COMMAND_TIMEOUT.as_secs())));
        };
        let (status, printed) = result.map_err(|error| failed_because("has unreadable output", error))?;
        if !status.success() {
            return Err(failed(format!("failed with {status}")));
        }
        token_in(&printed).map_err(failed)
    }

    /// Returns the program's name. Arguments may contain secrets.
    fn name(&self) -> String {
        Path::new(&self.program).file_name().unwrap_or(&self.program).to_string_lossy().into_owned()
    }
}

/// Shows only the program.
impl fmt::Debug for TokenCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenCommand").field("program", &self.name()).finish_non_exhaustive()
    }
}

async fn output(mut group: ProcessGroup) -> std::io::Result<(std::process::ExitStatus, Vec<u8>)> {
    let mut printed = Vec::new();
    if let Some(stdout) = group.0.stdout.take() {
        stdout.take(MAX_OUTPUT + 1).read_to_end(&mut printed).await?;
    }
    if printed.len() as u64 > MAX_OUTPUT {
        // Dropping the group kills the command.
        return Ok((std::process::ExitStatus::default(), printed));
    }
    let status = group.0.wait().await?;
    Ok((status, printed))
}

/// Returns the token in the output of a command, or describes the output without quoting it.
fn token_in(printed: &[u8]) -> Result<SecretString, String> {
    if printed.len() as u64 > MAX_OUTPUT {
        return Err(format!("printed more than {} KiB", MAX_OUTPUT >> 10));
    }
    let text = str::from_utf8(printed).map_err(|_| "printed bytes that are not UTF-8")?.trim();
    match text.lines().count() {
        0 => Err("printed nothing".into()),
        1 if text.contains(char::is_whitespace) => Err("printed several words instead of a token".into()),
        1 if text.contains(|c: char| !c.is_ascii_graphic()) => {
            Err("printed characters that are invalid in a token".into())
        }
        1 => Ok(text.into()),
        lines => Err(format!("printed {lines} lines instead of one")),
    }
}

/// A running command. Dropping it kills the command and its process group.
struct ProcessGroup(Child);

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        #[cfg(unix)]
        {
            use nix::sys::signal::{Signal, killpg};
            use nix::unistd::Pid;

            // The id of a child that was not waited for is not reused.
            if let Some(id) = self.0.id().and_then(|id| i32::try_from(id).ok()) {
                let _ = killpg(Pid::from_raw(id), Signal::SIGKILL);
            }
        }
    }
}

/// Timeout of a command and of a [`TokenProvider`](super::TokenProvider).
pub(super) const COMMAND_TIMEOUT: Duration = Duration::from_secs(10);

/// Maximum size of the output, in bytes: servers limit headers to 8 to 64 KiB.
const MAX_OUTPUT: u64 = 64 << 10;

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn parses_output() {
        assert_eq!(token_in(b" canary-t\r\n").unwrap().expose_secret(), "canary-t");
        let long = vec![b'x'; 65 << 10];
        for (printed, problem) in [
            (b"".as_slice(), "printed nothing"),
            (b" \n\n", "printed nothing"),
            (b"canary-a\ncanary-b\n", "printed 2 lines instead of one"),
            (b"please log in: canary\n", "printed several words instead of a token"),
            (b"canary\x1b[0m\n", "printed characters that are invalid in a token"),
            (b"canary\xff\n", "printed bytes that are not UTF-8"),
            (&long, "printed more than 64 KiB"),
        ] {
            assert_eq!(token_in(printed).unwrap_err(), problem);
        }
    }

    #[test]
    fn splits_command_lines() {
        let command = TokenCommand::split(r#"/opt/run\ ai/runai auth "get token" $HOME"#).unwrap();
        assert_eq!(command.program, "/opt/run ai/runai");
        assert_eq!(command.arguments, ["auth", "get token", "$HOME"]);
        for line in ["", "  ", "runai \"x", "''"] {
            assert!(TokenCommand::split(line).is_none(), "{line}");
        }
    }

    #[test]
    fn debug_hides_arguments() {
        let command = TokenCommand::new("/opt/bin/get-token", ["--password", "canary"]);
        let shown = format!("{command:?}");
        assert!(shown.contains("get-token") && !shown.contains("canary"), "{shown}");
    }
}
