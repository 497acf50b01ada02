//! Rate limits: after a 429 all calls of a client wait, and are then sent one by one.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{DATE, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use tokio::time::{Instant, sleep_until, timeout};

use crate::retry::Deadline;
use crate::transport::Response;

/// Delays the requests of a client.
///
/// A 429 holds all requests for the time in `Retry-After`. Then they are released one by one. The spacing between them
/// doubles with each 429 and shrinks by a tenth with each success, so that it converges to the limit.
#[derive(Debug, Default)]
pub(crate) struct RateLimit {
    state: Mutex<State>,
    /// Locked by the next request; the others wait in order.
    queue: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    /// No request is sent before.
    opens_at: Option<Instant>,
    spacing: Duration,
    last_release: Option<Instant>,
    /// Number of 429s that changed the spacing. Those of one burst count once.
    generation: u64,
    /// The latest 429.
    refusal: Option<Response>,
}

/// The generation of the state when a request was released.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ticket(u64);

impl RateLimit {
    /// Waits until a request may be sent, but not before `not_before`.
    ///
    /// # Errors
    /// The latest 429, if the wait exceeds the call's remaining time for rate limits.
    pub(crate) async fn wait(
        &self,
        deadline: &mut Deadline,
        not_before: Option<Instant>,
    ) -> Result<Ticket, Box<Response>> {
        let begun = Instant::now();
        let opens_at = {
            let state = self.state();
            let opens_at = state.opens_at.max(not_before).filter(|&at| at > begun);
            if opens_at.is_none() && state.spacing.is_zero() {
                return Ok(Ticket(state.generation));
            }
            opens_at.unwrap_or(begun)
        };
        let left = deadline.rate_limit_left();
        let is_too_late = opens_at - begun > left;
        let result = if is_too_late { None } else { timeout(left, self.turn(not_before)).await.ok() };
        deadline.spend_on_rate_limit(begun.elapsed());
        result.ok_or_else(|| Box::new(self.refusal()))
    }

    async fn turn(&self, not_before: Option<Instant>) -> Ticket {
        if let Some(at) = not_before {
            sleep_until(at).await;
        }
        let _turn = self.queue.lock().await;
        loop {
            let at = {
                let mut state = self.state();
                let now = Instant::now();
                let spaced = state.last_release.map(|last| last + state.spacing);
                let Some(at) = state.opens_at.max(spaced).filter(|&at| at > now) else {
                    state.last_release = Some(now);
                    return Ticket(state.generation);
                };
                at
            };
            // Another 429 may extend the wait.
            sleep_until(at).await;
        }
    }

    /// Returns whether requests are held or spaced.
    pub(crate) fn is_active(&self) -> bool {
        let state = self.state();
        !state.spacing.is_zero() || state.opens_at.is_some_and(|at| at > Instant::now())
    }

    /// Holds requests for `hold` after a 429.
    pub(crate) fn refused(&self, Ticket(generation): Ticket, hold: Duration, refusal: &Response) {
        let mut state = self.state();
        state.opens_at = state.opens_at.max(Some(Instant::now() + hold.min(MAX_HOLD)));
        if state.generation == generation {
            state.generation += 1;
            state.spacing = (state.spacing * 2).clamp(MIN_SPACING, MAX_SPACING);
        }
        let mut refusal = refusal.clone();
        if refusal.body().len() > MAX_KEPT_BODY {
            *refusal.body_mut() = Bytes::new();
        }
        state.refusal = Some(refusal);
    }

    /// Shrinks the spacing after any other response.
    pub(crate) fn succeeded(&self, Ticket(generation): Ticket) {
        let mut state = self.state();
        if state.generation == generation && !state.spacing.is_zero() {
            state.spacing = state.spacing * 9 / 10;
            if state.spacing < NO_SPACING {
                state.spacing = Duration::ZERO;
            }
        }
    }

    /// Returns the latest 429 with the remaining `Retry-After`.
    fn refusal(&self) -> Response {
        let state = self.state();
        let mut refusal = state.refusal.clone().unwrap_or_default();
        *refusal.status_mut() = StatusCode::TOO_MANY_REQUESTS;
        let headers = refusal.headers_mut();
        // Both headers date from the 429.
        if headers.contains_key(RETRY_AFTER) {
            let left = state.opens_at.map_or(Duration::ZERO, |at| at.saturating_duration_since(Instant::now()));
            headers.remove(DATE);
            headers.insert(RETRY_AFTER, HeaderValue::from(left.as_secs() + u64::from(left.subsec_nanos() > 0)));
        }
        refusal
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Maximum time for which a response holds all requests. The call itself waits for all of `Retry-After`.
const MAX_HOLD: Duration = Duration::from_mins(10);

const MIN_SPACING: Duration = Duration::from_millis(100);
const MAX_SPACING: Duration = Duration::from_secs(10);

/// A shorter spacing counts as none.
const NO_SPACING: Duration = Duration::from_millis(10);

const MAX_KEPT_BODY: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::retry::RetryPolicy;

    fn refusal() -> Response {
        let mut refusal = Response::new("slow down".into());
        *refusal.status_mut() = StatusCode::TOO_MANY_REQUESTS;
        refusal.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("3"));
        refusal
    }

    #[tokio::test(start_paused = true)]
    async fn burst_counts_once() {
        let gate = RateLimit::default();
        let mut deadline = Deadline::of(RetryPolicy::default());
        let ticket = gate.wait(&mut deadline, None).await.unwrap();
        for _ in 0..50 {
            gate.refused(ticket, Duration::from_secs(3), &refusal());
        }
        assert_eq!(gate.state().spacing, MIN_SPACING);
        let begun = Instant::now();
        let mut successes = 0;
        while !gate.state().spacing.is_zero() {
            let ticket = gate.wait(&mut deadline, None).await.unwrap();
            gate.succeeded(ticket);
            successes += 1;
        }
        assert!(begun.elapsed() >= Duration::from_secs(3) && begun.elapsed() < Duration::from_secs(5));
        assert!((10..40).contains(&successes), "{successes}");
    }

    #[tokio::test(start_paused = true)]
    async fn returns_remaining_retry_after() {
        let gate = RateLimit::default();
        let mut deadline = Deadline::of(RetryPolicy::once(Duration::from_secs(5)));
        let ticket = gate.wait(&mut deadline, None).await.unwrap();
        gate.refused(ticket, Duration::from_secs(3), &refusal());
        tokio::time::advance(Duration::from_millis(1500)).await;
        let refusal = gate.wait(&mut deadline, None).await.unwrap_err();
        assert_eq!((refusal.headers()[RETRY_AFTER].to_str().unwrap(), &refusal.body()[..]), ("2", &b"slow down"[..]));
    }

    #[tokio::test(start_paused = true)]
    async fn dropped_waiter_blocks_nobody() {
        let gate = RateLimit::default();
        let mut deadline = Deadline::of(RetryPolicy::default());
        let ticket = gate.wait(&mut deadline, None).await.unwrap();
        gate.refused(ticket, Duration::from_secs(3), &refusal());
        for _ in 0..100 {
            let waited = timeout(Duration::from_millis(10), gate.wait(&mut deadline, None)).await;
            assert!(waited.is_err());
        }
        let begun = Instant::now();
        gate.wait(&mut deadline, None).await.unwrap();
        assert!(begun.elapsed() < Duration::from_secs(3));
    }
}
