//! Random keys and their comparison.

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// Returns a key of 244 random bits, in hexadecimal digits.
pub(crate) fn random_key() -> String {
    // Version 4 UUIDs use the randomness of the operating system.
    format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
}

/// Whether two secrets are equal. The time of the comparison does not reveal a common prefix.
pub(crate) fn same_secret(one: &str, other: &str) -> bool {
    Sha256::digest(one) == Sha256::digest(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares_whole_keys() {
        let (one, other) = (random_key(), random_key());
        assert_eq!(one.len(), 64);
        assert!(same_secret(&one, &one.clone()) && !same_secret(&one, &other) && !same_secret(&one, &one[..63]));
    }
}
