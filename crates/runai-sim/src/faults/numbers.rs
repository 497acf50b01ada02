//! Deserializers for the numbers of faults, with their bounds.

use serde::{Deserialize, Deserializer, de::Error as _};

/// A number that is neither infinite nor "not a number".
pub(super) fn finite<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let number = f64::deserialize(deserializer)?;
    if number.is_finite() && number.abs() <= LONGEST {
        return Ok(number);
    }
    Err(D::Error::custom(format!("{number} seconds, must be between -{LONGEST} and {LONGEST}")))
}

/// A number of seconds.
pub(super) fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    check(f64::deserialize(deserializer)?)
}

/// A number of seconds, if there is one.
pub(super) fn optional_seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    Option::<f64>::deserialize(deserializer)?.map(check).transpose()
}

/// A number of seconds that is not zero.
pub(super) fn positive<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let seconds = seconds(deserializer)?;
    if seconds > 0.0 { Ok(seconds) } else { Err(D::Error::custom("0 seconds, must be more")) }
}

/// A probability.
pub(super) fn probability<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let number = f64::deserialize(deserializer)?;
    if (0.0..=1.0).contains(&number) {
        return Ok(number);
    }
    Err(D::Error::custom(format!("the probability is {number}, must be between 0 and 1")))
}

/// A status that ends an HTTP exchange.
pub(super) fn status<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u16, D::Error> {
    let status = u16::deserialize(deserializer)?;
    if (200..=599).contains(&status) {
        return Ok(status);
    }
    Err(D::Error::custom(format!("the status is {status}, must be between 200 and 599")))
}

fn check<E: serde::de::Error>(seconds: f64) -> Result<f64, E> {
    if (0.0..=LONGEST).contains(&seconds) {
        return Ok(seconds);
    }
    Err(E::custom(format!("{seconds} seconds, must be between 0 and {LONGEST}")))
}

/// Thirty years: beyond that it is a mistake, and the calendar ends.
const LONGEST: f64 = 1e9;
