//! Simulated time: tokio's clock with another start and speed.
//!
//! `tokio::time::pause()` pauses simulated time, too.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use jiff::{Timestamp, fmt::rfc2822::DateTimePrinter};
use tokio::time::Instant;

#[derive(Debug)]
pub(crate) struct Clock {
    origin: Timestamp,
    /// Skipped time, in nanoseconds.
    skipped: AtomicU64,
    started: Instant,
    speed: f64,
}

impl Clock {
    /// Returns a clock that shows `origin` now and runs `speed` times as fast as tokio's.
    pub(crate) fn starting_at(origin: Timestamp, speed: f64) -> Self {
        Self { origin, skipped: AtomicU64::new(0), started: Instant::now(), speed }
    }

    pub(crate) fn now(&self) -> Timestamp {
        let skipped = Duration::from_nanos(self.skipped.load(Ordering::Relaxed));
        later(self.origin, self.started.elapsed().mul_f64(self.speed).saturating_add(skipped))
    }

    /// Advances the clock by `time`.
    pub(crate) fn skip(&self, time: Duration) {
        let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        // Ignores skips beyond 584 years in total.
        let _ = self.skipped.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |it| it.checked_add(nanoseconds));
    }

    pub(crate) async fn sleep_until(&self, due: Timestamp) {
        let left = Duration::try_from(due.duration_since(self.now())).unwrap_or(Duration::ZERO);
        tokio::time::sleep(left.div_f64(self.speed)).await;
    }

    /// Waits for `time` of simulated time.
    pub(crate) async fn sleep(&self, time: Duration) {
        tokio::time::sleep(self.real(time)).await;
    }

    /// Converts simulated time to real time.
    pub(crate) fn real(&self, simulated: Duration) -> Duration {
        // A slow clock can exceed the range of a duration.
        Duration::try_from_secs_f64(simulated.as_secs_f64() / self.speed).unwrap_or(Duration::MAX)
    }

    /// Converts real time to simulated time.
    pub(crate) fn simulated(&self, real: Duration) -> Duration {
        real.mul_f64(self.speed)
    }
}

/// Returns `start` plus `duration`, or the latest timestamp.
pub(crate) fn later(start: Timestamp, duration: Duration) -> Timestamp {
    start.checked_add(duration).unwrap_or(Timestamp::MAX)
}

/// Returns the time from `start` to `end`, or zero if `end` is earlier.
pub(crate) fn between(start: Timestamp, end: Timestamp) -> Duration {
    Duration::try_from(end.duration_since(start)).unwrap_or(Duration::ZERO)
}

/// Formats a timestamp like the API: RFC 3339, in UTC, with milliseconds.
pub(crate) fn rfc3339(timestamp: Timestamp) -> String {
    format!("{timestamp:.3}")
}

/// Formats a timestamp as an HTTP date (RFC 9110, section 5.6.7).
pub(crate) fn http_date(timestamp: Timestamp) -> String {
    DateTimePrinter::new().timestamp_to_rfc9110_string(&timestamp).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn runs_at_its_speed_from_its_start() {
        let origin: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        let clock = Clock::starting_at(origin, 60.0);
        tokio::time::advance(Duration::from_millis(1500)).await;
        assert_eq!(rfc3339(clock.now()), "2026-11-23T10:01:30.000Z");
        assert_eq!(http_date(clock.now()), "Mon, 23 Nov 2026 10:01:30 GMT");
        clock.sleep_until(later(origin, Duration::from_mins(2))).await;
        assert_eq!(rfc3339(clock.now()), "2026-11-23T10:02:00.000Z");
        clock.skip(Duration::from_secs(30));
        assert_eq!(rfc3339(clock.now()), "2026-11-23T10:02:30.000Z");
    }
}
