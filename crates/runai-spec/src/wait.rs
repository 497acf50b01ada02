//! The wait machine: what to do next about a workload, from what was last seen of it.
//!
//! [`WaitState::step`] takes an [`Observation`] and says [`Next`]. It has no clock and does no I/O: the caller looks,
//! sleeps and acts. The state is a small serialisable value, so a waiter that starts again goes on counting where the
//! last one ended.
//!
//! Two promises hold whatever is observed. A job that cannot be seen is never touched: an outage only leads to
//! [`Next::LookAgain`]. And only a timeout that the user set, the user's own cancel, or `delete_on_failure` on a failed
//! or timed-out workload leads to [`Next::Suspend`] or [`Next::Delete`]; a workload that someone else stopped is left
//! as it is.
//!
//! ```
//! use std::time::Duration;
//! use runai_spec::wait::{Next, Observation, Outcome, Sighting, WaitPolicy, WaitState};
//!
//! let policy = WaitPolicy::default();
//! let mut state = WaitState::default();
//! let running = Observation::Seen(Sighting::of_phase("Running"));
//! assert!(matches!(state.step(&policy, Duration::ZERO, &running), Next::LookAgain { .. }));
//! let completed = Observation::Seen(Sighting::of_phase("Completed"));
//! assert_eq!(state.step(&policy, Duration::from_secs(1), &completed), Next::Done(Outcome::Succeeded));
//! ```

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::phase::Stage;

/// The interval between looks when the user sets none (`monitoring_interval` of the operator configuration).
pub const DEFAULT_MONITORING_INTERVAL: Duration = Duration::from_secs(30);

/// The longest interval between two looks while the control plane cannot be seen.
pub const LONGEST_OUTAGE_INTERVAL: Duration = Duration::from_secs(30);

/// How many looks in a row must find no trace of a workload that was seen before, until it counts as vanished.
///
/// More than one, because a proxy in front of a control plane that is being upgraded answers 404 for everything.
pub const MISSING_LOOKS: u32 = 3;

/// As [`MISSING_LOOKS`], for a workload that was never seen: a new one may take a while to appear.
pub const NEVER_SEEN_LOOKS: u32 = 6;

/// What the user set about waiting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitPolicy {
    /// Longest time to be queued; then the workload is suspended.
    pub pending_timeout: Option<Duration>,
    /// Longest time to be running; then the workload is suspended.
    pub workload_timeout: Option<Duration>,
    /// Whether a failed or timed-out workload is deleted.
    pub delete_on_failure: bool,
    /// Interval between looks while nothing changes.
    pub monitoring_interval: Duration,
}

impl Default for WaitPolicy {
    fn default() -> Self {
        Self {
            pending_timeout: None,
            workload_timeout: None,
            delete_on_failure: false,
            monitoring_interval: DEFAULT_MONITORING_INTERVAL,
        }
    }
}

/// What one look at the control plane gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Observation {
    /// The workload does not exist any more; this is its record among the deleted ones.
    Deleted(Sighting),
    /// The control plane answered that it knows no such workload, neither live nor deleted.
    Missing,
    /// The control plane could not be asked: no answer, an error, or an answer that makes no sense.
    NotSeen,
    /// The workload as it is.
    Seen(Sighting),
}

/// A workload as the control plane showed it in one answer. All moments are on the control plane's clock.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sighting {
    /// The API's `phase`, as it came.
    pub phase: String,
    /// The API's `phaseUpdatedAt`, since the Unix epoch.
    pub phase_updated_at: Option<Duration>,
    /// The answer's `Date` header, since the Unix epoch.
    pub server_time: Option<Duration>,
    /// The API's `totalPendingTimeSeconds`.
    pub total_pending: Option<Duration>,
    /// The API's `totalRunningTimeSeconds`.
    pub total_running: Option<Duration>,
}

impl Sighting {
    /// A sighting of which nothing but the phase is known.
    #[must_use]
    pub fn of_phase(phase: impl Into<String>) -> Self {
        Self { phase: phase.into(), ..Self::default() }
    }
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Delete the workload, look again at once, and feed what is seen; the wait will end with this outcome.
    Delete(Outcome),
    /// Nothing more: this is the end.
    Done(Outcome),
    /// Look again.
    LookAgain {
        /// How long after the last look began.
        after: Duration,
    },
    /// Suspend the workload, look again at once, and feed what is seen.
    Suspend(StopReason),
}

/// How a wait ended. A closed list: every end has its own exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Stopped because the user of this waiter asked for it.
    Cancelled,
    /// The workload failed.
    Failed,
    /// Stopped because it was queued longer than `pending_timeout`.
    PendingTimeout,
    /// Stopped by someone else.
    Stopped,
    /// The workload completed.
    Succeeded,
    /// Deleted by someone before it ended, or never there.
    Vanished,
    /// Stopped because it ran longer than `workload_timeout`.
    WorkloadTimeout,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 7] = [
        Self::Cancelled,
        Self::Failed,
        Self::PendingTimeout,
        Self::Stopped,
        Self::Succeeded,
        Self::Vanished,
        Self::WorkloadTimeout,
    ];

    /// Whether `delete_on_failure` deletes a workload that ends so: a failed or a timed-out one, nothing else.
    #[must_use]
    pub const fn is_cleaned_up(self) -> bool {
        matches!(self, Self::Failed | Self::PendingTimeout | Self::WorkloadTimeout)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
            Self::PendingTimeout => "pending timeout",
            Self::Stopped => "stopped",
            Self::Succeeded => "succeeded",
            Self::Vanished => "vanished",
            Self::WorkloadTimeout => "workload timeout",
        })
    }
}

/// Why this waiter stops a workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StopReason {
    /// Its user asked for it.
    Cancelled,
    /// It was queued longer than `pending_timeout`.
    PendingTimeout,
    /// It ran longer than `workload_timeout`.
    WorkloadTimeout,
}

impl StopReason {
    /// The outcome of a workload that was stopped for this reason.
    #[must_use]
    pub const fn outcome(self) -> Outcome {
        match self {
            Self::Cancelled => Outcome::Cancelled,
            Self::PendingTimeout => Outcome::PendingTimeout,
            Self::WorkloadTimeout => Outcome::WorkloadTimeout,
        }
    }
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.outcome().fmt(f)
    }
}

/// What a waiter has to remember between two looks, and from one process to the next.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WaitState {
    goal: Goal,
    phase: Option<String>,
    phase_updated_at: Option<Duration>,
    total_pending: Duration,
    total_running: Duration,
    ended: Spells,
    /// How long the present phase was seen to last.
    spell: Duration,
    looks_since_change: u32,
    outage_looks: u32,
    missing_looks: u32,
    /// The caller's `now` of the last sighting. Means nothing in another process, so it is not written down.
    #[serde(skip)]
    last_sighting: Option<Duration>,
}

impl WaitState {
    /// Takes what one look gave and says what to do next.
    ///
    /// `now` is the time since any fixed moment on a clock of the caller's that never goes back. It is needed only
    /// where an answer carries no usable dates, and never compared across processes.
    #[must_use = "the machine decides, the caller acts"]
    pub fn step(&mut self, policy: &WaitPolicy, now: Duration, observation: &Observation) -> Next {
        if *observation == Observation::NotSeen {
            self.last_sighting = None;
            self.outage_looks = self.outage_looks.saturating_add(1);
            let after = doubled(FIRST_INTERVAL, self.outage_looks - 1, LONGEST_OUTAGE_INTERVAL);
            return Next::LookAgain { after };
        }
        self.outage_looks = 0;
        match observation {
            Observation::Seen(sighting) => {
                self.missing_looks = 0;
                self.count(now, sighting);
                self.decide(policy, Stage::of_phase(&sighting.phase))
            }
            Observation::Deleted(sighting) => Next::Done(self.end_of_deleted(Stage::of_phase(&sighting.phase))),
            Observation::Missing | Observation::NotSeen => {
                self.last_sighting = None;
                self.miss(policy)
            }
        }
    }

    /// From now on the workload is to be stopped, because the user of this waiter asks for it.
    ///
    /// Changes nothing once the workload is being stopped or deleted for another reason.
    pub fn cancel(&mut self) {
        if self.goal == Goal::Follow {
            self.aim(Goal::Stop { why: StopReason::Cancelled, asked: false });
        }
    }

    /// The last [`Next::Suspend`] or [`Next::Delete`] did not reach the control plane: it is to be asked for again at
    /// the next sighting.
    pub fn action_failed(&mut self) {
        match &mut self.goal {
            Goal::Follow => {}
            Goal::Stop { asked, .. } | Goal::Delete { asked, .. } => *asked = false,
        }
    }

    /// The phase that was last seen, as the API spells it; nothing before the first sighting.
    #[must_use]
    pub fn phase(&self) -> Option<&str> {
        self.phase.as_deref()
    }

    /// What the last seen phase means.
    #[must_use]
    pub fn stage(&self) -> Option<Stage> {
        self.phase().map(Stage::of_phase)
    }

    /// How long the workload has been queued, as far as it is known. Never more than it really was.
    #[must_use]
    pub fn queued(&self) -> Duration {
        let seen = self.seen();
        self.total_pending.max(seen.pending) + seen.otherwise_queued
    }

    /// How long the workload has been running, as far as it is known. Never more than it really was.
    #[must_use]
    pub fn running(&self) -> Duration {
        let seen = self.seen();
        self.total_running.max(seen.running) + seen.otherwise_running
    }

    /// Why the workload is being stopped, if this waiter stops it.
    #[must_use]
    pub fn stopping(&self) -> Option<StopReason> {
        match self.goal {
            Goal::Stop { why, .. } => Some(why),
            Goal::Follow | Goal::Delete { .. } => None,
        }
    }

    /// Whether the last look did not reach the control plane.
    #[must_use]
    pub fn is_blind(&self) -> bool {
        self.outage_looks > 0
    }

    fn seen(&self) -> Spells {
        let mut seen = self.ended.clone();
        if let Some(phase) = &self.phase {
            seen.add(phase, self.spell);
        }
        seen
    }

    fn count(&mut self, now: Duration, sighting: &Sighting) {
        // A `phaseUpdatedAt` that moved means that the workload left this phase and came back between two looks.
        let same_spell = self.phase.as_ref().is_some_and(|phase| phase.eq_ignore_ascii_case(&sighting.phase))
            && (self.phase_updated_at == sighting.phase_updated_at
                || self.phase_updated_at.is_none()
                || sighting.phase_updated_at.is_none());
        if same_spell {
            self.looks_since_change = self.looks_since_change.saturating_add(1);
        } else {
            // The spell that ended counts up to the look that last saw it; whatever came between the two looks may
            // have been anything, and a timeout must not fire on time that was not seen.
            self.ended = self.seen();
            self.spell = Duration::ZERO;
            self.looks_since_change = 0;
            self.last_sighting = None;
            self.phase = Some(sighting.phase.clone());
            self.phase_updated_at = None;
        }
        self.phase_updated_at = sighting.phase_updated_at.or(self.phase_updated_at);
        let (figure, known) = match sighting.phase.as_str() {
            phase if phase.eq_ignore_ascii_case("Pending") => (sighting.total_pending, self.total_pending),
            phase if phase.eq_ignore_ascii_case("Running") => (sighting.total_running, self.total_running),
            _ => (None, Duration::ZERO),
        };
        let watched = self.last_sighting.map_or(Duration::ZERO, |last| now.saturating_sub(last));
        self.spell = match (figure, sighting.server_time, self.phase_updated_at) {
            (None, Some(server_time), Some(since)) => self.spell.max(server_time.saturating_sub(since)),
            // A figure that moves says it all. Beside one that stands still, what was watched counts; never a `Date`,
            // which may be off.
            (Some(figure), ..) if figure > known => self.spell + watched.min(figure.saturating_sub(known)),
            _ => self.spell + watched,
        };
        self.last_sighting = Some(now);
        self.total_pending = sighting.total_pending.unwrap_or(self.total_pending);
        self.total_running = sighting.total_running.unwrap_or(self.total_running);
    }

    fn decide(&mut self, policy: &WaitPolicy, stage: Stage) -> Next {
        match self.goal {
            Goal::Follow => self.follow(policy, stage),
            Goal::Stop { why, asked } => self.stop(policy, stage, why, asked),
            Goal::Delete { outcome, asked } => {
                // Once more only while it lies as it was left: a workload that someone resumed is theirs.
                let lies = matches!(stage, Stage::Failed | Stage::Stopped);
                if lies && (!asked || self.is_time_to_ask_again()) {
                    self.aim(Goal::Delete { outcome, asked: true });
                    return Next::Delete(outcome);
                }
                self.look_again(policy, Some(CONFIRM_INTERVAL))
            }
        }
    }

    fn follow(&mut self, policy: &WaitPolicy, stage: Stage) -> Next {
        let (timeout, counted, why) = match stage {
            Stage::Succeeded => return Next::Done(Outcome::Succeeded),
            Stage::Failed => return self.finish(policy, Outcome::Failed),
            Stage::Stopped => return Next::Done(Outcome::Stopped),
            Stage::Ending | Stage::Unknown => return self.look_again(policy, None),
            Stage::Queued => (policy.pending_timeout, self.queued(), StopReason::PendingTimeout),
            Stage::Running => (policy.workload_timeout, self.running(), StopReason::WorkloadTimeout),
        };
        match timeout.map(|timeout| timeout.saturating_sub(counted)) {
            Some(Duration::ZERO) => {
                self.aim(Goal::Stop { why, asked: true });
                Next::Suspend(why)
            }
            left => self.look_again(policy, left),
        }
    }

    fn stop(&mut self, policy: &WaitPolicy, stage: Stage, why: StopReason, asked: bool) -> Next {
        match stage {
            // It ended well before the suspend reached it; that is what happened.
            Stage::Succeeded => Next::Done(Outcome::Succeeded),
            // Failed by itself, unless the suspend is what killed it.
            Stage::Failed if !asked => self.finish(policy, Outcome::Failed),
            Stage::Failed | Stage::Stopped => self.finish(policy, why.outcome()),
            Stage::Ending => self.look_again(policy, Some(CONFIRM_INTERVAL)),
            Stage::Queued | Stage::Running | Stage::Unknown => {
                if asked && !self.is_time_to_ask_again() {
                    return self.look_again(policy, Some(CONFIRM_INTERVAL));
                }
                self.aim(Goal::Stop { why, asked: true });
                Next::Suspend(why)
            }
        }
    }

    fn finish(&mut self, policy: &WaitPolicy, outcome: Outcome) -> Next {
        if !(policy.delete_on_failure && outcome.is_cleaned_up()) {
            return Next::Done(outcome);
        }
        self.aim(Goal::Delete { outcome, asked: true });
        Next::Delete(outcome)
    }

    fn end_of_deleted(&self, stage: Stage) -> Outcome {
        match (self.goal, stage) {
            (Goal::Delete { outcome, .. }, _) => outcome,
            (_, Stage::Succeeded) => Outcome::Succeeded,
            (Goal::Stop { why, asked: true }, _) => why.outcome(),
            (_, Stage::Failed) => Outcome::Failed,
            _ => Outcome::Vanished,
        }
    }

    fn miss(&mut self, policy: &WaitPolicy) -> Next {
        if let Goal::Delete { outcome, .. } = self.goal {
            return Next::Done(outcome);
        }
        self.missing_looks = self.missing_looks.saturating_add(1);
        let enough = if self.phase.is_some() { MISSING_LOOKS } else { NEVER_SEEN_LOOKS };
        if self.missing_looks >= enough {
            return Next::Done(match self.goal {
                Goal::Stop { why, asked: true } => why.outcome(),
                _ => Outcome::Vanished,
            });
        }
        let longest = policy.monitoring_interval.min(CONFIRM_INTERVAL);
        Next::LookAgain { after: paced(longest, self.missing_looks - 1) }
    }

    /// Looks again after the user's interval, sooner just after a change, and no later than `at_most`.
    fn look_again(&self, policy: &WaitPolicy, at_most: Option<Duration>) -> Next {
        let after = paced(policy.monitoring_interval, self.looks_since_change);
        Next::LookAgain { after: at_most.map_or(after, |at_most| after.min(at_most)).max(SHORTEST_INTERVAL) }
    }

    fn aim(&mut self, goal: Goal) {
        self.goal = goal;
        self.looks_since_change = 0;
    }

    /// Whether so many looks have passed since the last ask that it is likely to have got lost.
    const fn is_time_to_ask_again(&self) -> bool {
        self.looks_since_change > 0 && self.looks_since_change.is_multiple_of(LOOKS_BEFORE_ASKING_AGAIN)
    }
}

/// What a waiter is about to bring about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Goal {
    /// Only watch.
    #[default]
    Follow,
    /// Stop it and see it stopped.
    Stop { why: StopReason, asked: bool },
    /// Delete it and see it gone.
    Delete { outcome: Outcome, asked: bool },
}

/// Time seen in the phases that count, by who counts it: the control plane has a figure of its own for `Pending` and
/// for `Running`, and none for the other queued and running phases.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Spells {
    pending: Duration,
    otherwise_queued: Duration,
    running: Duration,
    otherwise_running: Duration,
}

impl Spells {
    fn add(&mut self, phase: &str, spell: Duration) {
        let counter = match Stage::of_phase(phase) {
            Stage::Queued if phase.eq_ignore_ascii_case("Pending") => &mut self.pending,
            Stage::Queued => &mut self.otherwise_queued,
            Stage::Running if phase.eq_ignore_ascii_case("Running") => &mut self.running,
            Stage::Running => &mut self.otherwise_running,
            Stage::Ending | Stage::Succeeded | Stage::Failed | Stage::Stopped | Stage::Unknown => return,
        };
        *counter = counter.saturating_add(spell);
    }
}

fn paced(longest: Duration, looks: u32) -> Duration {
    let longest = longest.max(SHORTEST_INTERVAL);
    doubled(FIRST_INTERVAL.min(longest), looks, longest)
}

fn doubled(first: Duration, times: u32, longest: Duration) -> Duration {
    first.saturating_mul(1 << times.min(16)).min(longest)
}

/// The interval after a change and at the start of an outage; it doubles from there.
const FIRST_INTERVAL: Duration = Duration::from_secs(1);

/// Keeps a `monitoring_interval` of nearly nothing from becoming a busy loop.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(100);

/// The longest interval while a suspend or a delete is being confirmed.
const CONFIRM_INTERVAL: Duration = Duration::from_secs(5);

/// After so many looks that show no effect, a suspend or a delete is asked for again. Both may be repeated.
const LOOKS_BEFORE_ASKING_AGAIN: u32 = 5;

#[cfg(test)]
mod tests {
    use super::*;

    const ALL_PHASES: [&str; 14] = [
        "Creating",
        "Initializing",
        "Resuming",
        "Pending",
        "Deleting",
        "Running",
        "Updating",
        "Stopped",
        "Stopping",
        "Degraded",
        "Failed",
        "Completed",
        "Terminating",
        "Unknown",
    ];

    const fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn seen(phase: &str) -> Observation {
        Observation::Seen(Sighting::of_phase(phase))
    }

    /// The phase since `since`, in an answer of the moment `date`, with the two figures.
    fn figures(phase: &str, since: u64, date: u64, pending: u64, running: u64) -> Observation {
        Observation::Seen(Sighting {
            phase: phase.into(),
            phase_updated_at: Some(secs(since)),
            server_time: Some(secs(date)),
            total_pending: Some(secs(pending)),
            total_running: Some(secs(running)),
        })
    }

    fn timeouts(pending: u64, workload: u64, delete_on_failure: bool) -> WaitPolicy {
        WaitPolicy {
            pending_timeout: Some(secs(pending)),
            workload_timeout: Some(secs(workload)),
            delete_on_failure,
            ..WaitPolicy::default()
        }
    }

    /// A waiter and what it is fed; `now` advances by what it is told to wait.
    struct Waiter {
        policy: WaitPolicy,
        state: WaitState,
        now: Duration,
    }

    impl Waiter {
        fn new(policy: WaitPolicy) -> Self {
            Self { policy, state: WaitState::default(), now: secs(7) }
        }

        fn step(&mut self, observation: &Observation) -> Next {
            let next = self.state.step(&self.policy, self.now, observation);
            if let Next::LookAgain { after } = next {
                self.now += after;
            }
            next
        }

        #[track_caller]
        fn looks_again(&mut self, observation: &Observation) -> Duration {
            match self.step(observation) {
                Next::LookAgain { after } => after,
                other => panic!("{other:?} after {observation:?}"),
            }
        }

        /// Another process goes on with what was written down.
        fn restart(self) -> Self {
            let written = serde_json::to_string(&self.state).unwrap();
            Self { state: serde_json::from_str(&written).unwrap(), now: secs(0), policy: self.policy }
        }
    }

    #[test]
    fn every_phase_leads_where_its_stage_says() {
        for phase in ALL_PHASES.into_iter().chain(["Hibernating", "", "succeeded", "ERROR"]) {
            let next = Waiter::new(WaitPolicy::default()).step(&seen(phase));
            let expected = match Stage::of_phase(phase) {
                Stage::Succeeded => Some(Outcome::Succeeded),
                Stage::Failed => Some(Outcome::Failed),
                Stage::Stopped => Some(Outcome::Stopped),
                Stage::Queued | Stage::Running | Stage::Ending | Stage::Unknown => None,
            };
            match expected {
                Some(outcome) => assert_eq!(next, Next::Done(outcome), "{phase:?}"),
                None => assert!(matches!(next, Next::LookAgain { .. }), "{phase:?}: {next:?}"),
            }
        }
    }

    #[test]
    fn a_state_tells_the_phase_that_was_seen_last() {
        let mut waiter = Waiter::new(WaitPolicy::default());
        assert_eq!((waiter.state.phase(), waiter.state.stage()), (None, None));
        waiter.looks_again(&seen("running"));
        waiter.looks_again(&Observation::NotSeen);
        assert_eq!((waiter.state.phase(), waiter.state.stage()), (Some("running"), Some(Stage::Running)));
    }

    #[test]
    fn a_date_that_comes_or_goes_does_not_make_another_spell() {
        let mut waiter = Waiter::new(WaitPolicy::default());
        let dated = |since: Option<u64>| {
            Observation::Seen(Sighting { phase_updated_at: since.map(secs), ..Sighting::of_phase("Pending") })
        };
        let looks = [None, Some(100), None, Some(100)].map(|since| waiter.looks_again(&dated(since)).as_secs());
        assert_eq!(looks, [1, 2, 4, 8]);
        // Another date is another spell.
        assert_eq!(waiter.looks_again(&dated(Some(101))), secs(1));
    }

    #[test]
    fn without_timeouts_nothing_is_touched_however_long_it_takes() {
        let mut waiter = Waiter::new(WaitPolicy { delete_on_failure: true, ..WaitPolicy::default() });
        for phase in ALL_PHASES.into_iter().filter(|phase| !Stage::of_phase(phase).is_final()) {
            for date in [0, 1_000_000] {
                waiter.looks_again(&figures(phase, 0, date, date, date));
            }
        }
    }

    #[test]
    fn looks_quickly_after_a_change_and_then_at_the_interval_of_the_user() {
        let mut waiter = Waiter::new(WaitPolicy { monitoring_interval: secs(10), ..WaitPolicy::default() });
        let intervals: Vec<_> = (0..6).map(|_| waiter.looks_again(&seen("Pending")).as_secs()).collect();
        assert_eq!(intervals, [1, 2, 4, 8, 10, 10]);
        assert_eq!(waiter.looks_again(&seen("Running")), secs(1));
    }

    #[test]
    fn an_interval_of_nothing_is_no_busy_loop() {
        let mut waiter = Waiter::new(WaitPolicy { monitoring_interval: Duration::ZERO, ..WaitPolicy::default() });
        assert_eq!(waiter.looks_again(&seen("Pending")), SHORTEST_INTERVAL);
        assert_eq!(waiter.looks_again(&Observation::Missing), SHORTEST_INTERVAL);
    }

    #[test]
    fn looks_when_a_timeout_is_due_rather_than_an_interval_later() {
        let mut waiter = Waiter::new(WaitPolicy { monitoring_interval: secs(300), ..timeouts(500, 500, false) });
        for date in [0, 1, 3, 7, 15, 31, 63, 127, 255] {
            waiter.looks_again(&figures("Pending", 0, date, date, 0));
        }
        assert_eq!(waiter.looks_again(&figures("Pending", 0, 470, 470, 0)), secs(30));
        assert_eq!(waiter.step(&figures("Pending", 0, 500, 500, 0)), Next::Suspend(StopReason::PendingTimeout));
    }

    #[test]
    fn an_outage_grows_to_thirty_seconds_and_touches_nothing() {
        let mut waiter = Waiter::new(timeouts(60, 60, true));
        waiter.looks_again(&figures("Running", 100, 110, 0, 10));
        let intervals: Vec<_> = (0..8).map(|_| waiter.looks_again(&Observation::NotSeen).as_secs()).collect();
        assert_eq!(intervals, [1, 2, 4, 8, 16, 30, 30, 30]);
        for _ in 0..10_000 {
            assert!(waiter.state.is_blind());
            assert_eq!(waiter.looks_again(&Observation::NotSeen), LONGEST_OUTAGE_INTERVAL);
        }
        assert_eq!(waiter.step(&figures("Completed", 150, 9_000, 0, 50)), Next::Done(Outcome::Succeeded));
        assert!(!waiter.state.is_blind());
    }

    #[test]
    fn queued_phases_without_a_figure_count_by_the_dates() {
        for phase in ["Creating", "Initializing", "Resuming"] {
            let mut waiter = Waiter::new(timeouts(60, 1, false));
            waiter.looks_again(&figures("Pending", 1_000, 1_020, 20, 0));
            waiter.looks_again(&figures(phase, 1_020, 1_059, 20, 0));
            assert_eq!(waiter.state.queued(), secs(59), "{phase}");
            let next = waiter.step(&figures(phase, 1_020, 1_060, 20, 0));
            assert_eq!(next, Next::Suspend(StopReason::PendingTimeout), "{phase}");
        }
    }

    #[test]
    fn running_phases_without_a_figure_count_by_the_dates() {
        for phase in ["Updating", "Degraded"] {
            let mut waiter = Waiter::new(timeouts(1_000, 60, false));
            waiter.looks_again(&figures("Running", 1_000, 1_020, 500, 20));
            waiter.looks_again(&figures(phase, 1_020, 1_059, 500, 20));
            let next = waiter.step(&figures(phase, 1_020, 1_060, 500, 20));
            assert_eq!(next, Next::Suspend(StopReason::WorkloadTimeout), "{phase}");
        }
    }

    #[test]
    fn beside_a_figure_no_clock_that_is_off_counts() {
        for phase in ["Pending", "Running"] {
            let mut waiter = Waiter::new(timeouts(300, 300, true));
            for second in [0, 100, 299] {
                waiter.looks_again(&figures(phase, 1_000, 90_000 + second, second, second));
            }
        }
    }

    #[test]
    fn a_figure_that_stands_still_does_not_hold_up_a_timeout() {
        let mut waiter = Waiter::new(timeouts(0, 60, false));
        while !matches!(waiter.step(&figures("Running", 0, 90, 0, 0)), Next::Suspend(_)) {
            assert!(waiter.now < secs(200));
        }
        assert!(waiter.now >= secs(7 + 60));
    }

    #[test]
    fn a_figure_is_not_counted_twice() {
        // The figure is null at first, as the API allows, and later covers what was counted meanwhile.
        let mut waiter = Waiter::new(timeouts(150, 1, false));
        let mut sighting = Sighting {
            phase: "Pending".into(),
            phase_updated_at: Some(secs(1_000)),
            server_time: Some(secs(1_100)),
            ..Sighting::default()
        };
        waiter.looks_again(&Observation::Seen(sighting.clone()));
        assert_eq!(waiter.state.queued(), secs(100));
        sighting = Sighting { phase: "Initializing".into(), phase_updated_at: Some(secs(1_100)), ..sighting };
        sighting.total_pending = Some(secs(100));
        sighting.server_time = Some(secs(1_120));
        waiter.looks_again(&Observation::Seen(sighting));
        assert_eq!(waiter.state.queued(), secs(120));
    }

    #[test]
    fn time_between_two_looks_counts_only_for_a_phase_that_was_seen_at_both() {
        let mut waiter = Waiter::new(timeouts(100, 1_000, false));
        waiter.looks_again(&figures("Initializing", 1_000, 1_010, 0, 0));
        waiter.looks_again(&Observation::NotSeen);
        // It was back in the same phase since a later moment: what lay between is not known.
        waiter.looks_again(&figures("Initializing", 4_990, 5_000, 0, 0));
        assert_eq!(waiter.state.queued(), secs(20));
        // And in the same spell all the time: known in full, even across the outage.
        waiter.looks_again(&Observation::NotSeen);
        assert_eq!(
            waiter.step(&figures("Initializing", 4_990, 9_000, 0, 0)),
            Next::Suspend(StopReason::PendingTimeout)
        );
    }

    #[test]
    fn a_queue_timeout_does_not_fire_on_a_running_job_nor_the_other_way_round() {
        let mut waiter = Waiter::new(timeouts(10, 1_000, false));
        waiter.looks_again(&figures("Running", 1_000, 1_001, 5_000, 1));
        let mut waiter = Waiter::new(timeouts(1_000, 10, false));
        waiter.looks_again(&figures("Pending", 1_000, 1_001, 1, 5_000));
    }

    #[test]
    fn timeouts_are_suspended_and_confirmed() {
        for (phase, why) in [("Pending", StopReason::PendingTimeout), ("Running", StopReason::WorkloadTimeout)] {
            let mut waiter = Waiter::new(timeouts(60, 60, false));
            assert_eq!(waiter.step(&figures(phase, 0, 60, 60, 60)), Next::Suspend(why));
            assert_eq!(waiter.state.stopping(), Some(why));
            waiter.looks_again(&figures(phase, 0, 61, 61, 61));
            waiter.looks_again(&seen("Stopping"));
            waiter.looks_again(&Observation::NotSeen);
            assert_eq!(waiter.step(&seen("Stopped")), Next::Done(why.outcome()));
        }
    }

    #[test]
    fn a_suspend_without_effect_is_asked_for_again_but_not_at_every_look() {
        let mut waiter = Waiter::new(timeouts(60, 60, false));
        let asks = (0..26)
            .filter(|_| waiter.step(&figures("Running", 0, 70, 0, 70)) == Next::Suspend(StopReason::WorkloadTimeout))
            .count();
        assert_eq!(asks, 6);
        waiter.state.action_failed();
        assert!(matches!(waiter.step(&figures("Running", 0, 70, 0, 70)), Next::Suspend(_)));
    }

    #[test]
    fn a_suspend_is_not_asked_for_again_because_the_phase_changes() {
        let mut waiter = Waiter::new(WaitPolicy::default());
        waiter.state.cancel();
        assert_eq!(waiter.step(&seen("Creating")), Next::Suspend(StopReason::Cancelled));
        waiter.looks_again(&seen("Running"));
    }

    #[test]
    fn a_job_that_completes_before_the_suspend_reaches_it_has_succeeded() {
        let mut waiter = Waiter::new(timeouts(60, 60, true));
        let _ = waiter.step(&figures("Running", 0, 60, 0, 60));
        assert_eq!(waiter.step(&seen("Completed")), Next::Done(Outcome::Succeeded));
    }

    #[test]
    fn timeouts_go_on_counting_in_another_process() {
        let mut waiter = Waiter::new(timeouts(100, 100, false));
        waiter.looks_again(&figures("Creating", 1_000, 1_040, 0, 0));
        waiter.looks_again(&figures("Pending", 1_040, 1_060, 20, 0));
        waiter.looks_again(&figures("Initializing", 1_060, 1_065, 20, 0));
        let mut waiter = waiter.restart();
        waiter.looks_again(&figures("Initializing", 1_060, 1_099, 20, 0));
        assert_eq!(waiter.state.queued(), secs(99));
        let mut waiter = waiter.restart();
        assert_eq!(
            waiter.step(&figures("Initializing", 1_060, 1_100, 20, 0)),
            Next::Suspend(StopReason::PendingTimeout)
        );
        // A stop that one process asked for is not taken for someone else's by the next.
        let mut waiter = waiter.restart();
        assert_eq!(waiter.step(&seen("Stopped")), Next::Done(Outcome::PendingTimeout));
    }

    #[test]
    fn without_dates_the_clock_of_the_caller_counts_but_not_through_an_outage_or_a_restart() {
        let mut waiter = Waiter::new(timeouts(1_000, 1_000, false));
        for _ in 0..4 {
            waiter.looks_again(&seen("Initializing"));
        }
        assert_eq!(waiter.state.queued(), secs(1 + 2 + 4));
        waiter.looks_again(&Observation::NotSeen);
        waiter.looks_again(&seen("Initializing"));
        let mut waiter = waiter.restart();
        waiter.looks_again(&seen("Initializing"));
        assert_eq!(waiter.state.queued(), secs(1 + 2 + 4));
    }

    #[test]
    fn clocks_that_go_backwards_never_fire_a_timeout() {
        let mut waiter = Waiter::new(timeouts(10, 10, false));
        waiter.looks_again(&figures("Initializing", 5_000, 1_000, 0, 0));
        waiter.now = Duration::ZERO;
        waiter.looks_again(&seen("Initializing"));
        assert_eq!(waiter.state.queued(), Duration::ZERO);
    }

    #[test]
    fn deletes_on_failure_only_what_failed_or_timed_out() {
        let policy = timeouts(60, 60, true);
        for (phases, deleted) in [
            (&["Failed"][..], Some(Outcome::Failed)),
            (&["Running", "error"], Some(Outcome::Failed)),
            (&["Completed"], None),
            (&["Stopped"], None),
            (&["Running", "Stopping", "Stopped"], None),
        ] {
            let mut waiter = Waiter::new(policy.clone());
            let next = phases.iter().map(|phase| waiter.step(&seen(phase))).last();
            match deleted {
                Some(outcome) => assert_eq!(next, Some(Next::Delete(outcome)), "{phases:?}"),
                None => assert!(matches!(next, Some(Next::Done(_))), "{phases:?}: {next:?}"),
            }
        }
        let mut waiter = Waiter::new(policy);
        assert!(matches!(waiter.step(&figures("Pending", 0, 60, 60, 0)), Next::Suspend(_)));
        assert_eq!(waiter.step(&seen("Stopped")), Next::Delete(Outcome::PendingTimeout));
        waiter.looks_again(&seen("Stopped"));
        waiter.looks_again(&seen("Deleting"));
        assert_eq!(waiter.step(&Observation::Missing), Next::Done(Outcome::PendingTimeout));
    }

    #[test]
    fn a_delete_is_confirmed_and_asked_for_again_only_while_the_workload_lies() {
        let mut waiter = Waiter::new(timeouts(60, 60, true));
        assert_eq!(waiter.step(&seen("Failed")), Next::Delete(Outcome::Failed));
        let again = (0..10).filter(|_| waiter.step(&seen("Failed")) == Next::Delete(Outcome::Failed)).count();
        assert_eq!(again, 2);
        waiter.state.action_failed();
        waiter.looks_again(&seen("Resuming"));
        waiter.looks_again(&seen("Running"));
        assert_eq!(waiter.step(&seen("Failed")), Next::Delete(Outcome::Failed));
        let deleted = Observation::Deleted(Sighting::of_phase("Deleting"));
        assert_eq!(waiter.restart().step(&deleted), Next::Done(Outcome::Failed));
    }

    #[test]
    fn a_stop_by_someone_else_is_stopped_and_left_alone() {
        let mut waiter = Waiter::new(timeouts(60, 60, true));
        waiter.looks_again(&figures("Running", 0, 10, 0, 10));
        waiter.looks_again(&seen("Stopping"));
        assert_eq!(waiter.step(&seen("Stopped")), Next::Done(Outcome::Stopped));
    }

    #[test]
    fn a_cancel_suspends_confirms_and_never_deletes() {
        let mut waiter = Waiter::new(timeouts(60, 60, true));
        waiter.looks_again(&figures("Running", 0, 10, 0, 10));
        waiter.state.cancel();
        assert_eq!(waiter.step(&seen("Running")), Next::Suspend(StopReason::Cancelled));
        waiter.looks_again(&seen("Running"));
        waiter.state.cancel();
        assert_eq!(waiter.step(&seen("Stopped")), Next::Done(Outcome::Cancelled));
        // What the suspend killed was cancelled; what had failed before had failed.
        let mut waiter = Waiter::new(timeouts(60, 60, false));
        waiter.state.cancel();
        assert_eq!(waiter.step(&seen("Failed")), Next::Done(Outcome::Failed));
        let mut waiter = Waiter::new(timeouts(60, 60, true));
        waiter.state.cancel();
        let _ = waiter.step(&seen("Hibernating"));
        assert_eq!(waiter.step(&seen("Failed")), Next::Done(Outcome::Cancelled));
    }

    #[test]
    fn a_cancel_does_not_hide_a_timeout_that_came_first() {
        let mut waiter = Waiter::new(timeouts(60, 60, false));
        let _ = waiter.step(&figures("Running", 0, 60, 0, 60));
        waiter.state.cancel();
        assert_eq!(waiter.step(&seen("Stopped")), Next::Done(Outcome::WorkloadTimeout));
    }

    #[test]
    fn a_workload_vanishes_only_after_several_looks() {
        let mut waiter = Waiter::new(WaitPolicy::default());
        waiter.looks_again(&seen("Running"));
        waiter.looks_again(&Observation::Missing);
        waiter.looks_again(&Observation::Missing);
        waiter.looks_again(&seen("Running"));
        waiter.looks_again(&Observation::Missing);
        waiter.looks_again(&Observation::Missing);
        assert_eq!(waiter.step(&Observation::Missing), Next::Done(Outcome::Vanished));

        let mut waiter = Waiter::new(WaitPolicy::default());
        let pauses = (1..NEVER_SEEN_LOOKS).map(|_| waiter.looks_again(&Observation::Missing).as_secs());
        assert!(pauses.eq([1, 2, 4, 5, 5]));
        assert_eq!(waiter.step(&Observation::Missing), Next::Done(Outcome::Vanished));
    }

    #[test]
    fn a_deleted_workload_ended_as_its_record_says() {
        for (phase, outcome) in [
            ("Completed", Outcome::Succeeded),
            ("Failed", Outcome::Failed),
            ("Running", Outcome::Vanished),
            ("Deleting", Outcome::Vanished),
            ("Stopped", Outcome::Vanished),
            ("Deleted", Outcome::Vanished),
        ] {
            let deleted = Observation::Deleted(Sighting::of_phase(phase));
            let mut waiter = Waiter::new(timeouts(60, 60, true));
            assert_eq!(waiter.step(&deleted), Next::Done(outcome), "{phase}");
        }
    }

    #[test]
    fn a_workload_deleted_while_it_is_being_stopped_was_stopped() {
        let deleted = Observation::Deleted(Sighting::of_phase("Deleting"));
        let mut waiter = Waiter::new(timeouts(60, 60, true));
        let _ = waiter.step(&figures("Running", 0, 60, 0, 60));
        assert_eq!(waiter.step(&deleted), Next::Done(Outcome::WorkloadTimeout));

        let mut waiter = Waiter::new(WaitPolicy::default());
        waiter.state.cancel();
        let _ = waiter.step(&seen("Running"));
        waiter.looks_again(&Observation::Missing);
        waiter.looks_again(&Observation::Missing);
        assert_eq!(waiter.step(&Observation::Missing), Next::Done(Outcome::Cancelled));
    }

    #[test]
    fn outcomes_and_states_print_and_parse_back() {
        for outcome in Outcome::ALL {
            let written = serde_json::to_string(&outcome).unwrap();
            assert_eq!(serde_json::from_str::<Outcome>(&written).unwrap(), outcome);
            assert_eq!(outcome.to_string().replace(' ', "-"), written.trim_matches('"'));
        }
        let why = [StopReason::Cancelled, StopReason::PendingTimeout, StopReason::WorkloadTimeout];
        assert_eq!(why.map(|why| why.to_string()), why.map(|why| why.outcome().to_string()));
        // A receipt of an older version lacks what it did not know.
        assert_eq!(serde_json::from_str::<WaitState>("{}").unwrap(), WaitState::default());
    }
}
