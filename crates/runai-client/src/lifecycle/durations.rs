//! Measures how long a workload has been queued and running.
//!
//! Every duration is a lower bound, even if the control plane's clocks and counters are wrong: a timeout that fires too
//! early suspends a healthy job, one that fires late only costs time.

use std::time::Duration;

use runai_api::phase::Stage;
use serde::{Deserialize, Serialize};

use super::Snapshot;

/// Maximum drift between the server's `Date` and the local clock. Covers the resolution of 1 s and the latency of a
/// response.
const MAX_DATE_DRIFT: Duration = Duration::from_secs(5);

/// Maximum number of stored stays. Responses lag by fewer phase changes.
const MAX_STAYS: usize = 16;

/// The durations that count for the two timeouts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct PhaseDurations {
    phase: Option<String>,
    phase_updated_at: Option<Duration>,
    created_at: Option<Duration>,
    /// Duration of the current phase.
    #[serde(rename = "present")]
    current: Duration,
    /// Stays in earlier phases. Stale responses and unknown phases may interrupt a stay, which must not count twice.
    stays: Vec<Stay>,
    /// Duration of earlier phases of the current wait in the queue.
    queued: Duration,
    /// Start of the current wait in the queue, on the control plane's clock.
    queue_entered_at: Option<Duration>,
    /// Duration of the current wait in the queue that `totalPendingTimeSeconds` proves.
    queued_by_total: Duration,
    /// Duration of earlier phases of the stage `Running`.
    running: Duration,
    /// Running time that `totalRunningTimeSeconds` proves.
    running_by_total: Duration,
    last_total_running: Option<Duration>,
    /// The caller's `now` of the last poll, if it showed the workload.
    #[serde(skip)]
    last_seen: Option<Duration>,
    #[serde(skip)]
    clock: Option<ServerClock>,
}

/// A stay in a phase that counts for a timeout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Stay {
    phase: String,
    /// The API's `phaseUpdatedAt`, if a response had one.
    since: Option<Duration>,
    /// The counted duration.
    lasted: Duration,
}

impl Stay {
    /// Returns whether a response may show this stay. One without `phaseUpdatedAt` may show any, which counts less.
    fn may_match(&self, snapshot: &Snapshot) -> bool {
        let same_time =
            self.since.is_none() || snapshot.phase_updated_at.is_none() || self.since == snapshot.phase_updated_at;
        same_time && self.phase.eq_ignore_ascii_case(&snapshot.phase)
    }
}

/// The control plane's clocks at the creation of the workload.
#[derive(Clone, Debug, PartialEq, Eq)]
struct ServerClock {
    /// The `Date` of the response.
    date: Duration,
    /// The workload's `createdAt`: the same instant on the clock of `phaseUpdatedAt`.
    created_at: Duration,
    /// The caller's clock at that instant.
    now: Duration,
}

impl ServerClock {
    /// Returns the time on the clock of `phaseUpdatedAt`, if `Date` has advanced with the local clock since the
    /// creation.
    fn at(&self, date: Duration, now: Duration) -> Option<Duration> {
        let (by_date, by_clock) = (date.checked_sub(self.date)?, now.saturating_sub(self.now));
        (by_date.abs_diff(by_clock) <= MAX_DATE_DRIFT).then(|| self.created_at + by_date.min(by_clock))
    }
}

impl PhaseDurations {
    /// Records that this process created the workload; `created_at` and `date` are those of the response.
    pub(super) const fn created(&mut self, created_at: Duration, date: Duration, now: Duration) {
        self.created_at = Some(created_at);
        self.clock = Some(ServerClock { date, created_at, now });
    }

    /// Returns the last phase, as the API spells it.
    pub(super) fn phase(&self) -> Option<&str> {
        self.phase.as_deref()
    }

    pub(super) const fn phase_updated_at(&self) -> Option<Duration> {
        self.phase_updated_at
    }

    /// Returns the duration of the current wait in the queue; zero outside the queue.
    pub(super) fn queued(&self) -> Duration {
        if self.stage() != Some(Stage::Queued) {
            return Duration::ZERO;
        }
        (self.queued + self.current).max(self.queued_by_total)
    }

    /// Returns the time in running phases, over all runs.
    pub(super) fn running(&self) -> Duration {
        let current = if self.stage() == Some(Stage::Running) { self.current } else { Duration::ZERO };
        (self.running + current).max(self.running_by_total)
    }

    /// Records a poll that did not show the workload. The time until the next poll does not count.
    pub(super) const fn not_seen(&mut self) {
        self.last_seen = None;
    }

    /// Updates the durations with a poll at `now`. Returns whether the phase has changed.
    pub(super) fn update(&mut self, now: Duration, snapshot: &Snapshot) -> bool {
        let same_phase = self.phase().is_some_and(|phase| phase.eq_ignore_ascii_case(&snapshot.phase));
        // A new `phaseUpdatedAt` means that the workload left the phase and returned between two polls.
        let is_change = !same_phase
            || matches!((self.phase_updated_at, snapshot.phase_updated_at), (Some(old), Some(new)) if old != new);
        if is_change {
            self.change_phase(snapshot, same_phase);
        }
        self.phase_updated_at = snapshot.phase_updated_at.or(self.phase_updated_at);
        self.created_at = self.created_at.or(snapshot.created_at);

        let watched = self.last_seen.map_or(Duration::ZERO, |last| now.saturating_sub(last));
        let watched = if is_change { Duration::ZERO } else { watched };
        self.last_seen = Some(now);
        let by_date = snapshot.server_time.zip(self.phase_updated_at).and_then(|(date, since)| {
            let time = self.clock.as_ref()?.at(date, now)?;
            Some(time.saturating_sub(since))
        });
        self.current = (self.current + watched).max(by_date.unwrap_or_default());
        self.take_totals(snapshot, watched);
        is_change
    }

    fn stage(&self) -> Option<Stage> {
        self.phase().map(Stage::of_phase)
    }

    fn change_phase(&mut self, snapshot: &Snapshot, same_phase: bool) {
        let (old, new) = (self.stage(), Stage::of_phase(&snapshot.phase));
        match old {
            // Only until the last poll that showed it: the phase may have changed any time after that.
            Some(Stage::Running) => self.running += self.current,
            Some(Stage::Queued) => self.queued += self.current,
            _ => {}
        }
        let is_resumed = snapshot.phase.eq_ignore_ascii_case("Resuming");
        let stays_queued = old == Some(Stage::Queued)
            && new == Stage::Queued
            && !is_resumed
            // It may have run in between, unless the running total is unchanged.
            && match (self.last_total_running, snapshot.total_running) {
                (Some(old), Some(new)) => old == new,
                _ => self.last_seen.is_some() && !same_phase,
            };
        if !stays_queued {
            self.queued = Duration::ZERO;
            self.queued_by_total = Duration::ZERO;
            self.queue_entered_at = (new == Stage::Queued).then_some(snapshot.phase_updated_at).flatten();
        }
        let since = self.phase_updated_at.take();
        // Other phases do not count for a timeout.
        if let (Some(phase), Some(Stage::Running | Stage::Queued)) = (self.phase.take(), old) {
            self.stays.push(Stay { phase, since, lasted: self.current });
            let surplus = self.stays.len().saturating_sub(MAX_STAYS);
            self.stays.drain(..surplus);
        }
        self.current = Duration::ZERO;
        if let Some(index) = self.stays.iter().rposition(|stay| stay.may_match(snapshot)) {
            // The stay did not end: count it as the current phase again.
            let Stay { since, lasted, .. } = self.stays.remove(index);
            // After a run, a wait in the queue is a new one, unless `phaseUpdatedAt` proves that it is the same.
            if new == Stage::Queued && !stays_queued && (since.is_none() || since != snapshot.phase_updated_at) {
                self.phase = Some(snapshot.phase.clone());
                return;
            }
            self.phase_updated_at = since;
            self.current = lasted;
            match new {
                Stage::Running => self.running = self.running.saturating_sub(lasted),
                Stage::Queued => self.queued = self.queued.saturating_sub(lasted),
                _ => {}
            }
        }
        self.phase = Some(snapshot.phase.clone());
    }

    fn take_totals(&mut self, snapshot: &Snapshot, watched: Duration) {
        match self.stage() {
            Some(Stage::Queued) => {
                self.queued_by_total += if self.queued_by_total.is_zero() { Duration::ZERO } else { watched };
                if let (Some(total), Some(entered), Some(created)) =
                    (snapshot.total_pending, self.queue_entered_at, self.created_at)
                {
                    // The sum of earlier waits is at most the time between the creation and the start of this one.
                    let earlier = entered.saturating_sub(created);
                    self.queued_by_total = self.queued_by_total.max(total.saturating_sub(earlier));
                }
            }
            Some(Stage::Running) => {
                self.running_by_total += if self.running_by_total.is_zero() { Duration::ZERO } else { watched };
            }
            _ => {}
        }
        if let Some(total) = snapshot.total_running {
            // A total that decreased was reset; keep the larger one.
            self.running_by_total = self.running_by_total.max(total);
            self.last_total_running = Some(total);
        }
    }
}
