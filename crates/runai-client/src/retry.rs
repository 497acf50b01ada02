//! When to try again: the policy as data, and what is left of it. Nothing here sleeps.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How persistent the client is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// How many retries all calls of a client can make in a row; a tenth of them is given back every second. When none
    /// is left, calls fail with what they met, so that a control plane in trouble is not asked many times as often.
    pub burst: u32,
    /// How long a call may take altogether, all attempts and pauses included.
    pub give_up_after: Duration,
    /// The first pause, which doubles from try to try; a random part of it is left out.
    pub first_pause: Duration,
    /// The longest pause.
    pub longest_pause: Duration,
}

impl RetryPolicy {
    /// Every request is tried once.
    #[must_use]
    pub const fn once(give_up_after: Duration) -> Self {
        Self { burst: 0, give_up_after, first_pause: FOREVER, longest_pause: FOREVER }
    }
}

impl Default for RetryPolicy {
    /// 15 s for a call; pauses from 200 ms to 5 s; 500 retries in a row.
    fn default() -> Self {
        Self {
            burst: 500,
            give_up_after: Duration::from_secs(15),
            first_pause: Duration::from_millis(200),
            longest_pause: Duration::from_secs(5),
        }
    }
}

/// Whether a request may be sent again although it may have taken effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// It changes nothing, or the second time changes nothing more.
    Freely,
    /// Only when it certainly has had no effect.
    OnlyIfUnsent,
}

/// What is left of a [`RetryPolicy`] during one call.
#[derive(Debug)]
pub(crate) struct Budget {
    policy: RetryPolicy,
    ends: Instant,
    pauses: u32,
}

impl Budget {
    pub(crate) fn of(policy: RetryPolicy) -> Self {
        Self { policy, ends: Instant::now() + policy.give_up_after.min(FOREVER), pauses: 0 }
    }

    /// How long the next attempt may take. Never nothing: a call that had to wait for someone else's token still
    /// gets its one attempt.
    pub(crate) fn attempt_timeout(&self, request_timeout: Duration) -> Duration {
        request_timeout.min(self.left().max(LEAST_ATTEMPT))
    }

    /// How long to pause before the next attempt; nothing when there should be none.
    pub(crate) fn pause(&mut self, retry_after: Option<Duration>) -> Option<Duration> {
        let RetryPolicy { first_pause, longest_pause, .. } = self.policy;
        let pause = first_pause.saturating_mul(1 << self.pauses.min(16)).min(longest_pause);
        self.pauses += 1;
        // At least half, so that a broken server gets its rest; the random rest keeps many clients apart.
        let pause = retry_after.unwrap_or(Duration::ZERO).max(pause.mul_f64(0.5 + fastrand::f64() / 2.0));
        (pause.saturating_add(LEAST_ATTEMPT) <= self.left()).then_some(pause)
    }

    fn left(&self) -> Duration {
        self.ends.saturating_duration_since(Instant::now())
    }
}

/// What is left of [`RetryPolicy::burst`] for all calls of a client.
#[derive(Debug)]
pub(crate) struct Quota {
    burst: f64,
    left: Mutex<(f64, Instant)>,
}

impl Quota {
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
    async fn pauses_grow_and_end_with_the_budget() {
        let mut budget = Budget::of(RetryPolicy::default());
        let start = Instant::now();
        let mut last = Duration::ZERO;
        while let Some(pause) = budget.pause(None) {
            assert!(pause <= Duration::from_secs(5) && pause >= last / 4, "{pause:?} after {last:?}");
            last = pause;
            tokio::time::advance(pause).await;
        }
        assert!(start.elapsed() <= Duration::from_secs(15) && start.elapsed() >= Duration::from_secs(9));
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_that_the_server_asks_for_is_kept_or_not_begun() {
        let mut budget = Budget::of(RetryPolicy::default());
        assert!(budget.pause(Some(Duration::from_secs(7))).unwrap() >= Duration::from_secs(7));
        assert_eq!(budget.pause(Some(Duration::from_mins(1))), None);
        assert_eq!(budget.pause(Some(Duration::MAX)), None);
    }

    #[tokio::test(start_paused = true)]
    async fn retries_run_out_and_come_back() {
        let quota = Quota::of(RetryPolicy { burst: 20, ..RetryPolicy::default() });
        assert_eq!((0..50).filter(|_| quota.take()).count(), 20);
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!((0..50).filter(|_| quota.take()).count(), 4);
        tokio::time::advance(Duration::from_hours(1)).await;
        assert_eq!((0..50).filter(|_| quota.take()).count(), 20);
        assert!(!Quota::of(RetryPolicy::once(Duration::from_secs(9))).take());
    }

    #[tokio::test(start_paused = true)]
    async fn once_is_once() {
        assert_eq!(Budget::of(RetryPolicy::once(Duration::from_secs(9))).pause(None), None);
    }
}
