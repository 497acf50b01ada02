//! The retry policy, and the remaining time and retries. Does not sleep.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use runai_api::request::ApiRequest;
use tokio::time::Instant;

/// The retry policy of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// Maximum number of retries in a burst, over all calls of a client; a tenth of it is refilled every second.
    /// Without retries left calls fail, which keeps the load on a failing control plane low.
    pub burst: u32,
    /// Total timeout of a call, including all attempts and pauses, excluding waits for rate limits.
    pub give_up_after: Duration,
    /// The pause before the first retry; it doubles with each retry, with equal jitter.
    pub initial_backoff: Duration,
    /// Maximum pause before a retry, unless `Retry-After` is longer.
    pub max_backoff: Duration,
    /// Total time that a call may wait for rate limits (429). A call fails immediately if `Retry-After` is longer than
    /// what is left of it.
    pub max_rate_limit_wait: Duration,
}

impl RetryPolicy {
    /// Returns a policy without retries.
    #[must_use]
    pub const fn once(give_up_after: Duration) -> Self {
        Self {
            burst: 0,
            give_up_after,
            initial_backoff: FOREVER,
            max_backoff: FOREVER,
            max_rate_limit_wait: Duration::ZERO,
        }
    }

    /// Sets the maximum number of retries in a burst; see [`RetryPolicy::burst`](#structfield.burst).
    #[must_use]
    pub const fn burst(mut self, burst: u32) -> Self {
        self.burst = burst;
        self
    }

    /// Sets the total timeout of a call; see [`RetryPolicy::give_up_after`](#structfield.give_up_after).
    #[must_use]
    pub const fn give_up_after(mut self, give_up_after: Duration) -> Self {
        self.give_up_after = give_up_after;
        self
    }

    /// Sets the pause before the first retry; see [`RetryPolicy::initial_backoff`](#structfield.initial_backoff).
    #[must_use]
    pub const fn initial_backoff(mut self, initial_backoff: Duration) -> Self {
        self.initial_backoff = initial_backoff;
        self
    }

    /// Sets the maximum pause before a retry; see [`RetryPolicy::max_backoff`](#structfield.max_backoff).
    #[must_use]
    pub const fn max_backoff(mut self, max_backoff: Duration) -> Self {
        self.max_backoff = max_backoff;
        self
    }

    /// Sets how long a call may wait for rate limits; see
    /// [`RetryPolicy::max_rate_limit_wait`](#structfield.max_rate_limit_wait).
    #[must_use]
    pub const fn max_rate_limit_wait(mut self, max_rate_limit_wait: Duration) -> Self {
        self.max_rate_limit_wait = max_rate_limit_wait;
        self
    }
}

impl Default for RetryPolicy {
    /// 15 s per call; pauses from 200 ms to 5 s; bursts of 500 retries; 5 min for rate limits.
    fn default() -> Self {
        Self {
            burst: 500,
            give_up_after: Duration::from_secs(15),
            initial_backoff: Duration::from_millis(200),
            max_backoff: Duration::from_secs(5),
            max_rate_limit_wait: Duration::from_mins(5),
        }
    }
}

/// Whether a request may be resent although it may have taken effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Idempotency {
    /// It may: repeating it has no further effect.
    Idempotent,
    /// It may not: only a request that certainly had no effect is resent.
    NotIdempotent,
}

impl Idempotency {
    pub(crate) const fn of(request: &ApiRequest) -> Self {
        if request.is_idempotent { Self::Idempotent } else { Self::NotIdempotent }
    }
}

/// The remaining time of a call.
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
            rate_limit_left: policy.max_rate_limit_wait.min(FOREVER),
            rate_limits: 0,
        }
    }

    /// Returns the timeout of the next attempt; at least [`MIN_ATTEMPT`], so that a call that waited for a shared token
    /// request still gets an attempt.
    pub(crate) fn attempt_timeout(&self, request_timeout: Duration) -> Duration {
        request_timeout.min(self.left().max(MIN_ATTEMPT))
    }

    /// Returns the pause before the next attempt; `None` if the deadline allows no other attempt.
    pub(crate) fn pause(&mut self, retry_after: Option<Duration>) -> Option<Duration> {
        let pause = retry_after.unwrap_or(Duration::ZERO).max(self.backoff(self.pauses));
        self.pauses += 1;
        (pause.saturating_add(MIN_ATTEMPT) <= self.left()).then_some(pause)
    }

    /// Returns the pause after a 429 without `Retry-After`.
    pub(crate) fn rate_limit_backoff(&mut self) -> Duration {
        let backoff = self.backoff(self.rate_limits);
        self.rate_limits += 1;
        backoff
    }

    /// Returns how long this call may still wait for rate limits.
    pub(crate) const fn rate_limit_left(&self) -> Duration {
        self.rate_limit_left
    }

    /// Subtracts `time` from the wait for rate limits, and extends the deadline by it.
    pub(crate) fn spend_on_rate_limit(&mut self, time: Duration) {
        self.rate_limit_left = self.rate_limit_left.saturating_sub(time);
        self.ends = (self.ends + time.min(FOREVER)).min(Instant::now() + FOREVER);
    }

    /// Returns 50–100 % of a pause that doubles (equal jitter), to spread clients.
    fn backoff(&self, count: u32) -> Duration {
        let RetryPolicy { initial_backoff, max_backoff, .. } = self.policy;
        let pause = initial_backoff.saturating_mul(1 << count.min(16)).min(max_backoff);
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

    /// Takes a retry from the budget. Returns whether there was one.
    pub(crate) fn take(&self) -> bool {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let (count, since) = *left;
        let count = (count + since.elapsed().as_secs_f64() * self.burst / 10.0).min(self.burst);
        let is_available = count >= 1.0;
        *left = (if is_available { count - 1.0 } else { count }, Instant::now());
        is_available
    }
}

/// Longer than any program runs, but short enough not to overflow.
const FOREVER: Duration = Duration::from_hours(100 * 365 * 24);

/// Minimum time for an attempt.
const MIN_ATTEMPT: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn pauses_grow_until_deadline() {
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
    async fn respects_retry_after() {
        let mut deadline = Deadline::of(RetryPolicy::default());
        assert!(deadline.pause(Some(Duration::from_secs(7))).unwrap() >= Duration::from_secs(7));
        assert_eq!(deadline.pause(Some(Duration::from_mins(1))), None);
        assert_eq!(deadline.pause(Some(Duration::MAX)), None);
    }

    #[tokio::test(start_paused = true)]
    async fn rate_limits_extend_the_deadline() {
        let mut deadline = Deadline::of(RetryPolicy::default());
        let before = deadline.left();
        tokio::time::advance(Duration::from_mins(1)).await;
        deadline.spend_on_rate_limit(Duration::from_mins(1));
        assert_eq!((deadline.left(), deadline.rate_limit_left()), (before, Duration::from_mins(4)));
        deadline.spend_on_rate_limit(Duration::MAX / 4);
        assert_eq!(deadline.rate_limit_left(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn budget_drains_and_refills() {
        let budget = RetryBudget::of(RetryPolicy { burst: 20, ..RetryPolicy::default() });
        assert_eq!((0..50).filter(|_| budget.take()).count(), 20);
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!((0..50).filter(|_| budget.take()).count(), 4);
        tokio::time::advance(Duration::from_hours(1)).await;
        assert_eq!((0..50).filter(|_| budget.take()).count(), 20);
        assert!(!RetryBudget::of(RetryPolicy::once(Duration::from_secs(9))).take());
    }

    #[tokio::test(start_paused = true)]
    async fn once_never_retries() {
        assert_eq!(Deadline::of(RetryPolicy::once(Duration::from_secs(9))).pause(None), None);
    }
}
