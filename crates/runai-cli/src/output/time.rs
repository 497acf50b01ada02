//! Moments and durations for people.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// A duration to the tenth of a second: `2.1 s`, from a minute on `3m 5s`.
pub(crate) fn precise(duration: Duration) -> String {
    if duration < Duration::from_mins(1) { format!("{:.1} s", duration.as_secs_f64()) } else { rough(duration) }
}

/// A duration to the second: `3m 5s`.
pub(crate) fn rough(duration: Duration) -> String {
    let seconds = i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
    format!("{:#}", SignedDuration::from_secs(seconds))
}

/// How long ago a moment of the API was; the moment itself where it makes no sense.
pub(crate) fn ago(moment: &str) -> String {
    match moment.parse::<Timestamp>() {
        Ok(then) => match Duration::try_from(Timestamp::now().duration_since(then)) {
            Ok(passed) => coarse(passed),
            // A clock that goes ahead of ours.
            Err(_) => coarse(Duration::ZERO),
        },
        Err(_) => moment.to_owned(),
    }
}

/// The one unit that says most: `42s`, `5m`, `3h`, `12d`.
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
    fn durations_are_told_in_the_units_that_fit() {
        for (seconds, shown) in [(0.04, "0.0 s"), (2.13, "2.1 s"), (59.96, "60.0 s"), (185.0, "3m 5s"), (7_200.0, "2h")]
        {
            assert_eq!(precise(Duration::from_secs_f64(seconds)), shown);
        }
        for (seconds, shown) in [(0, "0s"), (119, "119s"), (120, "2m"), (7_200, "2h"), (172_800, "2d")] {
            assert_eq!(coarse(Duration::from_secs(seconds)), shown);
        }
    }

    #[test]
    fn a_moment_that_makes_no_sense_is_shown_as_it_is() {
        assert_eq!(ago("yesterday"), "yesterday");
        assert_eq!(ago("2999-01-01T00:00:00Z"), "0s");
    }
}
