//! Which of the simulator's own environment variables a command sees.

use std::ffi::OsString;

/// The variables of `own` that a command gets: all except ours if the whole environment is inherited, else those that
/// programs need to run at all.
pub(super) fn passed_on(
    own: impl Iterator<Item = (OsString, OsString)>,
    inherit: bool,
) -> impl Iterator<Item = (OsString, OsString)> {
    own.filter(move |(name, _)| {
        let name = name.as_encoded_bytes();
        if inherit { !name.starts_with(OURS) } else { PASSED_ON.contains(&name) || name.starts_with(LOCALE) }
    })
}

/// The prefix of the variables that configure this project's programs; the client secret is one of them.
const OURS: &[u8] = b"RUNAI_";

/// The prefix of the locale's categories.
const LOCALE: &[u8] = b"LC_";

const PASSED_ON: [&[u8]; 5] = [b"HOME", b"LANG", b"PATH", b"TMPDIR", b"USER"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_see_no_credentials_unless_asked_and_never_ours() {
        let own = ["PATH", "HOME", "USER", "LANG", "LC_ALL", "TMPDIR", "AWS_SECRET_ACCESS_KEY", "PATHS", "RUNAI_X"];
        let names = |inherit| {
            let own = own.iter().map(|name| (OsString::from(name), OsString::new()));
            passed_on(own, inherit).map(|(name, _)| name.into_string().unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(names(false), own[..6]);
        assert_eq!(names(true), own[..8]);
    }
}
