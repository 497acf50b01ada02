//! The retry policy as data, and the remaining time and retries. Nothing here sleeps.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use runai_api::request::ApiRequest;
use tokio::time::Instant;

/// How persistent the client is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// How many retries all calls of a client can make in a row; a tenth of them is given back every second. When none
    /// is left, calls fail with what they met, so that a control plane in trouble is not asked many times as often.
    pub burst: u32,
    /// How long a call may take altogether, including all attempts and pauses, excluding waits for rate limits.
    pub give_up_after: Duration,
    /// The first pause, which doubles from try to try; a random part of it is left out.
    pub first_pause: Duration,
    /// The longest pause.
    pub longest_pause: Duration,
    /// How long a call may wait altogether because of rate limits (429, "too many requests"). A call fails at once if
    /// `Retry-After` is longer than the rest of this time.
    pub rate_limit_patience: Duration,
}

impl RetryPolicy {
    /// Every request is tried once.
    #[must_use]
    pub const fn once(give_up_after: Duration) -> Self {
        Self {
            burst: 0,
            give_up_after,
            first_pause: FOREVER,
            longest_pause: FOREVER,
            rate_limit_patience: Duration::ZERO,
        }
    }

    /// Sets how many retries all calls can make in a row; see [`RetryPolicy::burst`](#structfield.burst).
    #[must_use]
    pub const fn burst(mut self, burst: u32) -> Self {
        self.burst = burst;
        self
    }

    /// Sets how long a call may take altogether; see [`RetryPolicy::give_up_after`](#structfield.give_up_after).
    #[must_use]
    pub const fn give_up_after(mut self, give_up_after: Duration) -> Self {
        self.give_up_after = give_up_after;
        self
    }

    /// Sets the first pause; see [`RetryPolicy::first_pause`](#structfield.first_pause).
    #[must_use]
    pub const fn first_pause(mut self, first_pause: Duration) -> Self {
        self.first_pause = first_pause;
        self
    }

    /// Sets the longest pause; see [`RetryPolicy::longest_pause`](#structfield.longest_pause).
    #[must_use]
    pub const fn longest_pause(mut self, longest_pause: Duration) -> Self {
        self.longest_pause = longest_pause;
        self
    }

    /// Sets how long a call may wait for rate limits; see [`RetryPolicy::rate_limit_patience`](#structfield.rate_limit_patience).
    #[must_use]
    pub const fn rate_limit_patience(mut self, rate_limit_patience: Duration) -> Self {
        self.rate_limit_patience = rate_limit_patience;
        self
    }
}

impl Default for RetryPolicy {
    /// 15 s for a call; pauses from 200 ms to 5 s; 500 retries in a row; 5 min for rate limits.
    fn default() -> Self {
        Self {
            burst: 500,
            give_up_after: Duration::from_secs(15),
            first_pause: Duration::from_millis(200),
            longest_pause: Duration::from_secs(5),
            rate_limit_patience: Duration::from_mins(5),
        }
    }
}

/// Whether a request may be sent again although it may have taken effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Idempotency {
    /// It changes nothing, or the second time changes nothing more.
    Freely,
    /// Only when it certainly has had no effect.
    OnlyIfUnsent,
}

impl Idempotency {
    pub(crate) const fn of(request: &ApiRequest) -> Self {
        if request.is_idempotent { Self::Freely } else { Self::OnlyIfUnsent }
    }
}

/// The remaining time of one call by its [`RetryPolicy`].
#[derive(Debug)]
pub(crate) struct Deadline {
    policy: RetryPolicy,
    ends: Instant,
    pauses: u32,
    rate_limit_left: Duration,
    rate_limits: u32,
}

impl Deadline {
    pub(crate) fn of(policy: RetryPolicy) -> Self {
        Self {
            policy,
            ends: Instant::now() + policy.give_up_after.min(FOREVER),
            pauses: 0,
            rate_limit_left: policy.rate_limit_patience.min(FOREVER),
            rate_limits: 0,
        }
    }

    /// How long the next attempt may take. Never nothing: a call that had to wait for someone else's token still
    /// gets its one attempt.
    pub(crate) fn attempt_timeout(&self, request_timeout: Duration) -> Duration {
        request_timeout.min(self.left().max(LEAST_ATTEMPT))
    }

    /// How long to pause before the next attempt; nothing when there should be none.
    pub(crate) fn pause(&mut self, retry_after: Option<Duration>) -> Option<Duration> {
        let pause = retry_after.unwrap_or(Duration::ZERO).max(self.backoff(self.pauses));
        self.pauses += 1;
        (pause.saturating_add(LEAST_ATTEMPT) <= self.left()).then_some(pause)
    }

    /// Returns the pause after a 429 without `Retry-After`.
    pub(crate) fn rate_limit_backoff(&mut self) -> Duration {
        let backoff = self.backoff(self.rate_limits);
        self.rate_limits += 1;
        backoff
    }

    /// Returns how long this call may still wait because of rate limits.
    pub(crate) const fn rate_limit_left(&self) -> Duration {
        self.rate_limit_left
    }

    /// Charges `time` to the patience for rate limits, and extends the deadline by it.
    pub(crate) fn spend_on_rate_limit(&mut self, time: Duration) {
        self.rate_limit_left = self.rate_limit_left.saturating_sub(time);
        self.ends = (self.ends + time.min(FOREVER)).min(Instant::now() + FOREVER);
    }

    /// Equal jitter: 50–100 % of a pause that doubles, to spread clients.
    fn backoff(&self, count: u32) -> Duration {
        let RetryPolicy { first_pause, longest_pause, .. } = self.policy;
        let pause = first_pause.saturating_mul(1 << count.min(16)).min(longest_pause);
        pause.mul_f64(0.5 + fastrand::f64() / 2.0)
    }

    fn left(&self) -> Duration {
        self.ends.saturating_duration_since(Instant::now())
    }
}

/// The remaining [`RetryPolicy::burst`] of all calls of a client.
#[derive(Debug)]
pub(crate) struct RetryBudget {
    burst: f64,
    left: Mutex<(f64, Instant)>,
}

impl RetryBudget {
    pub(crate) fn of(policy: RetryPolicy) -> Self {
        let burst = f64::from(policy.burst);
        Self { burst, left: Mutex::new((burst, Instant::now())) }
    }

    /// Takes one retry, if there is one.
    pub(crate) fn take(&self) -> bool {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let (count, since) = *left;
        let count = (count + since.elapsed().as_secs_f64() * self.burst / 10.0).min(self.burst);
        let is_given = count >= 1.0;
        *left = (if is_given { count - 1.0 } else { count }, Instant::now());
        is_given
    }
}

/// Longer than any program runs, and far from where times overflow.
const FOREVER: Duration = Duration::from_hours(100 * 365 * 24);

const LEAST_ATTEMPT: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn pauses_grow_and_end_with_the_deadline() {
        let mut deadline = Deadline::of(RetryPolicy::default());
        let start = Instant::now();
        let mut last = Duration::ZERO;
        while let Some(pause) = deadline.pause(None) {
            assert!(pause <= Duration::from_secs(5) && pause >= last / 4, "{pause:?} after {last:?}");
            last = pause;
            tokio::time::advance(pause).await;
        }
        assert!(start.elapsed() <= Duration::from_secs(15) && start.elapsed() >= Duration::from_secs(9));
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_that_the_server_asks_for_is_kept_or_not_begun() {
        let mut deadline = Deadline::of(RetryPolicy::default());
        assert!(deadline.pause(Some(Duration::from_secs(7))).unwrap() >= Duration::from_secs(7));
        assert_eq!(deadline.pause(Some(Duration::from_mins(1))), None);
        assert_eq!(deadline.pause(Some(Duration::MAX)), None);
    }

    #[tokio::test(start_paused = true)]
    async fn time_that_a_rate_limit_takes_is_given_back() {
        let mut deadline = Deadline::of(RetryPolicy::default());
        let before = deadline.left();
        tokio::time::advance(Duration::from_mins(1)).await;
        deadline.spend_on_rate_limit(Duration::from_mins(1));
        assert_eq!((deadline.left(), deadline.rate_limit_left()), (before, Duration::from_mins(4)));
        deadline.spend_on_rate_limit(Duration::MAX / 4);
        assert_eq!(deadline.rate_limit_left(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn retries_run_out_and_come_back() {
        let budget = RetryBudget::of(RetryPolicy { burst: 20, ..RetryPolicy::default() });
        assert_eq!((0..50).filter(|_| budget.take()).count(), 20);
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!((0..50).filter(|_| budget.take()).count(), 4);
        tokio::time::advance(Duration::from_hours(1)).await;
        assert_eq!((0..50).filter(|_| budget.take()).count(), 20);
        assert!(!RetryBudget::of(RetryPolicy::once(Duration::from_secs(9))).take());
    }

    #[tokio::test(start_paused = true)]
    async fn once_is_once() {
        assert_eq!(Deadline::of(RetryPolicy::once(Duration::from_secs(9))).pause(None), None);
    }
}
