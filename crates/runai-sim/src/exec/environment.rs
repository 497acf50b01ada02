//! Selects the environment variables that commands inherit.

use std::ffi::OsString;

/// Returns the variables of `own` that a command inherits: all except `RUNAI_*` if `inherit` is set, else only those
/// that most programs need.
pub(super) fn passed_variables(
    own: impl Iterator<Item = (OsString, OsString)>,
    inherit: bool,
) -> impl Iterator<Item = (OsString, OsString)> {
    own.filter(move |(name, _)| {
        let name = name.as_encoded_bytes();
        if inherit {
            !name.starts_with(OWN_PREFIX)
        } else {
            PASSED_VARIABLES.contains(&name) || name.starts_with(LOCALE_PREFIX)
        }
    })
}

/// The prefix of this project's variables, which include the client secret.
const OWN_PREFIX: &[u8] = b"RUNAI_";

/// The prefix of locale categories.
const LOCALE_PREFIX: &[u8] = b"LC_";

const PASSED_VARIABLES: [&[u8]; 5] = [b"HOME", b"LANG", b"PATH", b"TMPDIR", b"USER"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hides_credentials_by_default() {
        let own = ["PATH", "HOME", "USER", "LANG", "LC_ALL", "TMPDIR", "AWS_SECRET_ACCESS_KEY", "PATHS", "RUNAI_X"];
        let names = |inherit| {
            let own = own.iter().map(|name| (OsString::from(name), OsString::new()));
            passed_variables(own, inherit).map(|(name, _)| name.into_string().unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(names(false), own[..6]);
        assert_eq!(names(true), own[..8]);
    }
}
