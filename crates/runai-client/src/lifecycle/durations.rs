//! How long a workload has been queued and has been running, from what single polls show.
//!
//! Every figure here is a lower bound of the truth, whatever the control plane's clocks and counters do: a timeout
//! that fires too early suspends a healthy job, one that fires late only costs time.

use std::time::Duration;

use runai_api::phase::Stage;
use serde::{Deserialize, Serialize};

use super::Snapshot;

/// How far the server's `Date` may drift from the local clock and still count; covers its resolution of 1 s and the
/// time that an answer takes.
const MAX_DATE_DRIFT: Duration = Duration::from_secs(5);

/// Most stays that are remembered, the latest ones. Answers lag by less than so many changes of the phase.
const MAX_STAYS: usize = 16;

/// What is known of the times that count for the two timeouts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct PhaseDurations {
    phase: Option<String>,
    phase_updated_at: Option<Duration>,
    created_at: Option<Duration>,
    /// How long the present phase has lasted.
    present: Duration,
    /// What was counted for earlier phases: stale answers and phases that nobody knows may come between two answers
    /// that show the same stay in a phase, and it must not count twice.
    stays: Vec<Stay>,
    /// Earlier phases of the present wait in the queue.
    queued: Duration,
    /// When the present wait in the queue began or was first seen, on the control plane's clock.
    queue_entered_at: Option<Duration>,
    /// What `totalPendingTimeSeconds` proves about the present wait in the queue.
    queued_by_total: Duration,
    /// Earlier phases of the stage `Running`.
    running: Duration,
    /// What `totalRunningTimeSeconds` proves.
    running_by_total: Duration,
    last_total_running: Option<Duration>,
    /// The caller's `now` of the last poll that showed the workload; `None` after one that did not.
    #[serde(skip)]
    last_seen: Option<Duration>,
    #[serde(skip)]
    clock: Option<ServerClock>,
}

/// A stay in a phase that counts for a timeout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Stay {
    phase: String,
    /// The API's `phaseUpdatedAt`, where an answer had one.
    since: Option<Duration>,
    /// What was counted for it.
    lasted: Duration,
}

impl Stay {
    /// Whether an answer may show this stay. One without `phaseUpdatedAt` may show any: less is counted then.
    fn may_be(&self, snapshot: &Snapshot) -> bool {
        let same_time =
            self.since.is_none() || snapshot.phase_updated_at.is_none() || self.since == snapshot.phase_updated_at;
        same_time && self.phase.eq_ignore_ascii_case(&snapshot.phase)
    }
}

/// The control plane's clock, measured when it created the workload.
#[derive(Clone, Debug, PartialEq, Eq)]
struct ServerClock {
    /// The `Date` of the answer.
    date: Duration,
    /// The workload's `createdAt`: the same moment on the clock that stamps phases.
    created_at: Duration,
    /// The caller's clock at that moment.
    now: Duration,
}

impl ServerClock {
    /// The time on the clock that stamps phases, if `Date` has moved with the local clock since the creation.
    fn at(&self, date: Duration, now: Duration) -> Option<Duration> {
        let (moved, passed) = (date.checked_sub(self.date)?, now.saturating_sub(self.now));
        (moved.abs_diff(passed) <= MAX_DATE_DRIFT).then(|| self.created_at + moved.min(passed))
    }
}

impl PhaseDurations {
    /// The workload was created by this process: `created_at` and `date` are of the answer that said so.
    pub(super) const fn created(&mut self, created_at: Duration, date: Duration, now: Duration) {
        self.created_at = Some(created_at);
        self.clock = Some(ServerClock { date, created_at, now });
    }

    /// The phase that was seen last, as the API spells it.
    pub(super) fn phase(&self) -> Option<&str> {
        self.phase.as_deref()
    }

    pub(super) const fn phase_updated_at(&self) -> Option<Duration> {
        self.phase_updated_at
    }

    /// How long the present wait in the queue has lasted; nothing outside the queue.
    pub(super) fn queued(&self) -> Duration {
        if self.stage() != Some(Stage::Queued) {
            return Duration::ZERO;
        }
        (self.queued + self.present).max(self.queued_by_total)
    }

    /// How long the workload has been running, over all its visits to running phases.
    pub(super) fn running(&self) -> Duration {
        let present = if self.stage() == Some(Stage::Running) { self.present } else { Duration::ZERO };
        (self.running + present).max(self.running_by_total)
    }

    /// A poll did not show the workload: what happens until the next one is not known.
    pub(super) const fn not_seen(&mut self) {
        self.last_seen = None;
    }

    /// Takes what a poll showed at `now`; says whether the workload entered another phase.
    pub(super) fn update(&mut self, now: Duration, snapshot: &Snapshot) -> bool {
        let same_phase = self.phase().is_some_and(|phase| phase.eq_ignore_ascii_case(&snapshot.phase));
        // A `phaseUpdatedAt` that moved means that the workload left the phase and came back between two polls.
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
        self.present = (self.present + watched).max(by_date.unwrap_or_default());
        self.take_totals(snapshot, watched);
        is_change
    }

    fn stage(&self) -> Option<Stage> {
        self.phase().map(Stage::of_phase)
    }

    fn change_phase(&mut self, snapshot: &Snapshot, same_phase: bool) {
        let (old, new) = (self.stage(), Stage::of_phase(&snapshot.phase));
        match old {
            // Only up to the poll that last saw it: what came between the two polls may have been anything.
            Some(Stage::Running) => self.running += self.present,
            Some(Stage::Queued) => self.queued += self.present,
            _ => {}
        }
        let is_resumed = snapshot.phase.eq_ignore_ascii_case("Resuming");
        let stays_queued = old == Some(Stage::Queued)
            && new == Stage::Queued
            && !is_resumed
            // It may have run in between, unless the control plane's own count says that it did not.
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
        // Other phases count for no timeout, however many of them come in between.
        if let (Some(phase), Some(Stage::Running | Stage::Queued)) = (self.phase.take(), old) {
            self.stays.push(Stay { phase, since, lasted: self.present });
            let surplus = self.stays.len().saturating_sub(MAX_STAYS);
            self.stays.drain(..surplus);
        }
        self.present = Duration::ZERO;
        if let Some(index) = self.stays.iter().rposition(|stay| stay.may_be(snapshot)) {
            // It never left: what was counted when it seemed to is counted as the present phase again.
            let Stay { since, lasted, .. } = self.stays.remove(index);
            // After the workload ran, a wait in the queue is another one, unless its time proves that it is the same.
            if new == Stage::Queued && !stays_queued && (since.is_none() || since != snapshot.phase_updated_at) {
                self.phase = Some(snapshot.phase.clone());
                return;
            }
            self.phase_updated_at = since;
            self.present = lasted;
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
                    // All earlier waits together fit between the creation and the beginning of this one.
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
            // A total that goes back was reset: the larger one was true.
            self.running_by_total = self.running_by_total.max(total);
            self.last_total_running = Some(total);
        }
    }
}
