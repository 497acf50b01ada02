//! Formats points in time and durations.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// Formats a duration in tenths of a second below one minute (`2.1 s`), in seconds above (`3m 5s`).
pub(crate) fn precise(duration: Duration) -> String {
    if duration < Duration::from_mins(1) { format!("{:.1} s", duration.as_secs_f64()) } else { rough(duration) }
}

/// Formats a duration in seconds: `3m 5s`.
pub(crate) fn rough(duration: Duration) -> String {
    let seconds = i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
    format!("{:#}", SignedDuration::from_secs(seconds))
}

/// Formats the age of an API timestamp; returns an invalid timestamp unchanged.
pub(crate) fn ago(moment: &str) -> String {
    match moment.parse::<Timestamp>() {
        Ok(then) => match Duration::try_from(Timestamp::now().duration_since(then)) {
            Ok(passed) => coarse(passed),
            // The clock of the control plane is ahead.
            Err(_) => coarse(Duration::ZERO),
        },
        Err(_) => moment.to_owned(),
    }
}

/// Formats a duration in its largest useful unit: `42s`, `5m`, `3h`, `12d`.
pub(crate) fn coarse(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7_200 => format!("{}m", seconds / 60),
        7_200..172_800 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_durations() {
        for (seconds, shown) in [(0.04, "0.0 s"), (2.13, "2.1 s"), (59.96, "60.0 s"), (185.0, "3m 5s"), (7_200.0, "2h")]
        {
            assert_eq!(precise(Duration::from_secs_f64(seconds)), shown);
        }
        for (seconds, shown) in [(0, "0s"), (119, "119s"), (120, "2m"), (7_200, "2h"), (172_800, "2d")] {
            assert_eq!(coarse(Duration::from_secs(seconds)), shown);
        }
    }

    #[test]
    fn keeps_invalid_timestamps() {
        assert_eq!(ago("yesterday"), "yesterday");
        assert_eq!(ago("2999-01-01T00:00:00Z"), "0s");
    }
}
