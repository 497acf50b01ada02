//! Random keys, and how they are compared.

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// A key of 244 random bits, in hexadecimal digits.
pub(crate) fn random_key() -> String {
    // The operating system's randomness, as for the key of the tokens.
    format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
}

/// Whether two secrets are the same. The time that it takes tells nothing about how much of them agrees.
pub(crate) fn same_secret(one: &str, other: &str) -> bool {
    Sha256::digest(one) == Sha256::digest(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_differ_and_are_compared_as_a_whole() {
        let (one, other) = (random_key(), random_key());
        assert_eq!(one.len(), 64);
        assert!(same_secret(&one, &one.clone()) && !same_secret(&one, &other) && !same_secret(&one, &one[..63]));
    }
}
