//! Rate limits: after a 429 all calls of a client wait together, and then go one by one.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{DATE, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use tokio::time::{Instant, sleep_until, timeout};

use crate::retry::Deadline;
use crate::transport::Response;

/// The gate that all requests of a client go through.
///
/// A 429 closes it until the time that `Retry-After` states. Afterwards it releases requests one by one. The distance
/// between them doubles with each further 429 and shrinks by a tenth with each success, so that it settles near the
/// limit.
#[derive(Debug, Default)]
pub(crate) struct RateLimit {
    state: Mutex<State>,
    /// Locked by the request that goes next; the others wait in order.
    queue: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    /// No request goes before.
    opens_at: Option<Instant>,
    spacing: Duration,
    last_release: Option<Instant>,
    /// Number of 429s that changed the distance: those of one burst count once.
    generation: u64,
    /// The newest 429.
    refusal: Option<Response>,
}

/// Ties an answer to the state of the gate at its request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ticket(u64);

impl RateLimit {
    /// Waits until a request may go, not before `not_before`.
    ///
    /// # Errors
    /// The newest 429, if the wait exceeds the rest of the call's patience.
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
        let patience = deadline.rate_limit_left();
        let is_too_late = opens_at - begun > patience;
        let result = if is_too_late { None } else { timeout(patience, self.turn(not_before)).await.ok() };
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
            // Another 429 may have closed the gate meanwhile.
            sleep_until(at).await;
        }
    }

    /// Whether requests have to wait, or had to a short time ago.
    pub(crate) fn is_active(&self) -> bool {
        let state = self.state();
        !state.spacing.is_zero() || state.opens_at.is_some_and(|at| at > Instant::now())
    }

    /// Closes the gate for `hold` after a 429.
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

    /// Shrinks the distance after any other answer.
    pub(crate) fn passed(&self, Ticket(generation): Ticket) {
        let mut state = self.state();
        if state.generation == generation && !state.spacing.is_zero() {
            state.spacing = state.spacing * 9 / 10;
            if state.spacing < NO_SPACING {
                state.spacing = Duration::ZERO;
            }
        }
    }

    /// Returns the newest 429 with the `Retry-After` that is left now.
    fn refusal(&self) -> Response {
        let state = self.state();
        let mut refusal = state.refusal.clone().unwrap_or_default();
        *refusal.status_mut() = StatusCode::TOO_MANY_REQUESTS;
        let headers = refusal.headers_mut();
        // Both headers are as old as the 429.
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

/// The longest time that one answer closes the gate for. The call that got it waits as long as `Retry-After` states.
const MAX_HOLD: Duration = Duration::from_mins(10);

const MIN_SPACING: Duration = Duration::from_millis(100);
const MAX_SPACING: Duration = Duration::from_secs(10);

/// A shorter distance needs no queue.
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
    async fn a_burst_of_refusals_counts_once_and_successes_open_the_gate() {
        let gate = RateLimit::default();
        let mut deadline = Deadline::of(RetryPolicy::default());
        let ticket = gate.wait(&mut deadline, None).await.unwrap();
        for _ in 0..50 {
            gate.refused(ticket, Duration::from_secs(3), &refusal());
        }
        assert_eq!(gate.state().spacing, MIN_SPACING);
        let begun = Instant::now();
        let mut passes = 0;
        while !gate.state().spacing.is_zero() {
            let ticket = gate.wait(&mut deadline, None).await.unwrap();
            gate.passed(ticket);
            passes += 1;
        }
        assert!(begun.elapsed() >= Duration::from_secs(3) && begun.elapsed() < Duration::from_secs(5));
        assert!((10..40).contains(&passes), "{passes}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_without_patience_gets_the_newest_refusal_with_the_time_that_is_left() {
        let gate = RateLimit::default();
        let mut deadline = Deadline::of(RetryPolicy::once(Duration::from_secs(5)));
        let ticket = gate.wait(&mut deadline, None).await.unwrap();
        gate.refused(ticket, Duration::from_secs(3), &refusal());
        tokio::time::advance(Duration::from_millis(1500)).await;
        let refusal = gate.wait(&mut deadline, None).await.unwrap_err();
        assert_eq!((refusal.headers()[RETRY_AFTER].to_str().unwrap(), &refusal.body()[..]), ("2", &b"slow down"[..]));
    }

    #[tokio::test(start_paused = true)]
    async fn a_waiter_that_is_dropped_keeps_nobody_back() {
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
