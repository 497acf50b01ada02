//! Deserializes the numbers of faults and checks their bounds.

use serde::{Deserialize, Deserializer, de::Error as _};

/// Deserializes a number of seconds, which may be negative.
pub(super) fn finite<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let number = f64::deserialize(deserializer)?;
    if number.is_finite() && number.abs() <= MAX_SECONDS {
        return Ok(number);
    }
    Err(D::Error::custom(format!("invalid duration {number} s: must be between -{MAX_SECONDS} and {MAX_SECONDS}")))
}

/// Deserializes a number of seconds.
pub(super) fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    check(f64::deserialize(deserializer)?)
}

/// Deserializes an optional number of seconds.
pub(super) fn optional_seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    Option::<f64>::deserialize(deserializer)?.map(check).transpose()
}

/// Deserializes a positive number of seconds.
pub(super) fn positive<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let seconds = seconds(deserializer)?;
    if seconds > 0.0 { Ok(seconds) } else { Err(D::Error::custom("invalid duration 0 s: must be more than 0")) }
}

/// Deserializes a probability.
pub(super) fn probability<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let number = f64::deserialize(deserializer)?;
    if (0.0..=1.0).contains(&number) {
        return Ok(number);
    }
    Err(D::Error::custom(format!("invalid probability {number}: must be between 0 and 1")))
}

/// Deserializes a final HTTP status.
pub(super) fn status<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u16, D::Error> {
    let status = u16::deserialize(deserializer)?;
    if (200..=599).contains(&status) {
        return Ok(status);
    }
    Err(D::Error::custom(format!("invalid status {status}: must be between 200 and 599")))
}

fn check<E: serde::de::Error>(seconds: f64) -> Result<f64, E> {
    if (0.0..=MAX_SECONDS).contains(&seconds) {
        return Ok(seconds);
    }
    Err(E::custom(format!("invalid duration {seconds} s: must be between 0 and {MAX_SECONDS}")))
}

/// Maximum duration, 31 years: more could exceed the range of timestamps.
const MAX_SECONDS: f64 = 1e9;
