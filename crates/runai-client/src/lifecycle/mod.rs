//! The state machine of a wait: determines the next action for a workload from the last poll.
//!
//! [`WaitState::step`] takes an [`Observation`] and returns an [`Action`]. It has no clock and does no I/O: the caller
//! polls, sleeps and acts. The state is a small serializable value, so a waiter that restarts resumes its timers.
//!
//! Two guarantees hold for all observations:
//!
//! - An outage only leads to [`Action::PollAgain`]: a job that cannot be seen is never touched.
//! - Only a timeout that the user set, the user's own cancel, or `delete_on_failure` on a failed or timed-out workload
//!   leads to [`Action::Suspend`] or [`Action::Delete`]. The machine never touches a workload that someone else stopped
//!   or resumed.
//!
//! ```
//! use std::time::Duration;
//! use runai_client::lifecycle::{Action, Observation, Outcome, Snapshot, WaitPolicy, WaitState};
//!
//! let policy = WaitPolicy::default();
//! let mut state = WaitState::default();
//! let running = Observation::Seen(Snapshot::of_phase("Running"));
//! assert!(matches!(state.step(&policy, Duration::ZERO, &running), Action::PollAgain { .. }));
//! let completed = Observation::Seen(Snapshot::of_phase("Completed"));
//! assert_eq!(state.step(&policy, Duration::from_secs(1), &completed), Action::Done(Outcome::Succeeded));
//! ```

#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod durations;
mod goal;
mod observation;
mod outcome;
mod policy;

use std::time::Duration;

use runai_api::phase::Stage;
use serde::{Deserialize, Serialize};

use self::durations::PhaseDurations;
use self::goal::Goal;
pub use self::observation::{Observation, Snapshot};
pub use self::outcome::{Outcome, SuspendReason};
pub use self::policy::{DEFAULT_MONITORING_INTERVAL, DEFAULT_VANISH_AFTER, WaitPolicy};

/// Maximum interval between two polls during an outage.
pub const MAX_OUTAGE_INTERVAL: Duration = Duration::from_secs(30);

/// The next action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Delete the workload and poll immediately. The wait will end with this outcome.
    Delete(Outcome),
    /// Stop polling: the wait has ended.
    Done(Outcome),
    /// Poll again.
    PollAgain {
        /// Time after the start of the last poll.
        after: Duration,
    },
    /// Suspend the workload and poll immediately.
    Suspend(SuspendReason),
}

/// The state of a wait, between polls and between processes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct WaitState {
    goal: Goal,
    durations: PhaseDurations,
    /// A timeout that fired before someone resumed the workload. It does not fire again.
    overruled: Option<SuspendReason>,
    /// The reason of a suspend that was sent and discarded; it may still take effect.
    #[serde(rename = "sent")]
    discarded: Option<SuspendReason>,
    polls_since_change: u32,
    outage_polls: u32,
    missing_polls: u32,
    /// How long the workload has been missing, on the caller's clock.
    missing_for: Duration,
    /// How long an unknown phase has had a `completedAt`, on the caller's clock.
    unknown_end_for: Duration,
    /// Number of consecutive polls that showed an older state than an earlier one.
    stale_polls: u32,
    /// The caller's `now` of the last successful poll. Not valid in another process.
    #[serde(skip)]
    last_success: Option<Duration>,
}

impl WaitState {
    /// Handles an observation and returns the next action.
    ///
    /// `now` is the time on a monotonic clock of the caller; it is never compared across processes.
    #[must_use = "the caller must execute the action"]
    pub fn step(&mut self, policy: &WaitPolicy, now: Duration, observation: &Observation) -> Action {
        let since_last = self.last_success.map_or(Duration::ZERO, |last| now.saturating_sub(last));
        self.last_success = (*observation != Observation::Unavailable).then_some(now);
        if *observation != Observation::Unavailable {
            self.outage_polls = 0;
        }
        match observation {
            Observation::Seen(snapshot) => {
                self.missing_polls = 0;
                self.missing_for = Duration::ZERO;
                if self.is_stale(snapshot) {
                    return self.poll_again(policy, Some(CONFIRM_INTERVAL));
                }
                let is_change = self.durations.update(now, snapshot);
                self.polls_since_change = if is_change { 0 } else { self.polls_since_change.saturating_add(1) };
                let stage = Stage::of_phase(&snapshot.phase);
                if is_change && matches!(stage, Stage::Queued | Stage::Running) {
                    self.discarded = None;
                }
                if stage == Stage::Unknown && snapshot.is_completed {
                    self.unknown_end_for += if is_change { Duration::ZERO } else { since_last };
                    if self.unknown_end_for >= UNKNOWN_END_GRACE {
                        return Action::Done(Outcome::UnknownEnd);
                    }
                } else {
                    self.unknown_end_for = Duration::ZERO;
                }
                self.decide(policy, stage)
            }
            Observation::Deleted(snapshot) => Action::Done(self.end_of_deleted(Stage::of_phase(&snapshot.phase))),
            Observation::Missing => {
                self.durations.not_seen();
                self.missing_for += if self.missing_polls > 0 { since_last } else { Duration::ZERO };
                self.on_missing(policy)
            }
            Observation::Unavailable => {
                self.durations.not_seen();
                self.outage_polls = self.outage_polls.saturating_add(1);
                let after = doubled(FIRST_INTERVAL, self.outage_polls - 1, MAX_OUTAGE_INTERVAL);
                Action::PollAgain { after }
            }
        }
    }

    /// Records that this process created the workload.
    ///
    /// `created_at` is the API's, `date` the `Date` of the response, `now` the caller's clock at its arrival. They give
    /// the skew between the clocks; without them `Date` is ignored.
    pub const fn created(&mut self, created_at: Duration, date: Duration, now: Duration) {
        self.durations.created(created_at, date, now);
    }

    /// Decides to suspend the workload, because the user cancelled it.
    ///
    /// Does nothing if the workload is already being suspended or deleted.
    pub fn cancel(&mut self) {
        if self.goal == Goal::Follow {
            self.set_goal(Goal::suspend(SuspendReason::Cancelled, None));
        }
    }

    /// Discards the decision to suspend the workload and returns its reason, if there was one.
    ///
    /// Use it to resume from the state of another process without executing its decisions. A suspend that was sent may
    /// still take effect; then it determines the outcome.
    pub fn discard_suspend(&mut self) -> Option<SuspendReason> {
        let Goal::Suspend { why, .. } = self.goal else { return None };
        self.discarded = self.goal.may_be_sent().then_some(why);
        self.set_goal(Goal::Follow);
        Some(why)
    }

    /// Records that the last [`Action::Suspend`] or [`Action::Delete`] failed. The next poll that shows the workload
    /// returns it again. `may_have_taken_effect` tells whether the control plane may have executed it.
    pub fn action_failed(&mut self, may_have_taken_effect: bool) {
        match &mut self.goal {
            Goal::Follow => {}
            Goal::Suspend { is_requested, may_have_taken_effect: has_effect, .. } => {
                *is_requested = false;
                *has_effect |= may_have_taken_effect;
            }
            Goal::Delete { is_requested, .. } => *is_requested = false,
        }
    }

    /// Returns the last phase, as the API spells it; `None` before the first poll that showed the workload.
    #[must_use]
    pub fn phase(&self) -> Option<&str> {
        self.durations.phase()
    }

    /// Returns the stage of the last phase.
    #[must_use]
    pub fn stage(&self) -> Option<Stage> {
        self.phase().map(Stage::of_phase)
    }

    /// Returns the duration of the current wait in the queue: a lower bound.
    #[must_use]
    pub fn queued(&self) -> Duration {
        self.durations.queued()
    }

    /// Returns how long the workload has been running, over all runs: a lower bound.
    #[must_use]
    pub fn running(&self) -> Duration {
        self.durations.running()
    }

    /// Returns why this waiter suspends the workload, if it does.
    #[must_use]
    pub const fn suspending(&self) -> Option<SuspendReason> {
        match self.goal {
            Goal::Suspend { why, .. } => Some(why),
            Goal::Follow | Goal::Delete { .. } => None,
        }
    }

    /// Returns whether the last poll failed.
    #[must_use]
    pub const fn is_outage(&self) -> bool {
        self.outage_polls > 0
    }

    /// Returns whether a poll shows an older state than an earlier one, because lists lag behind reads. Accepts the
    /// older state after [`MAX_STALE_POLLS`], in case the control plane's clock was set back.
    fn is_stale(&mut self, snapshot: &Snapshot) -> bool {
        let is_older =
            snapshot.phase_updated_at.zip(self.durations.phase_updated_at()).is_some_and(|(new, old)| new < old);
        self.stale_polls = if is_older { self.stale_polls.saturating_add(1) } else { 0 };
        is_older && self.stale_polls <= MAX_STALE_POLLS
    }

    fn decide(&mut self, policy: &WaitPolicy, stage: Stage) -> Action {
        match self.goal {
            Goal::Follow => self.follow(policy, stage),
            Goal::Suspend { .. } => self.suspend(policy, stage),
            Goal::Delete { outcome, is_requested } => {
                // Resend only while the workload has not been resumed by someone.
                let has_ended = matches!(stage, Stage::Failed | Stage::Stopped);
                if has_ended && (!is_requested || self.is_resend_due()) {
                    self.set_goal(Goal::Delete { outcome, is_requested: true });
                    return Action::Delete(outcome);
                }
                self.poll_again(policy, Some(CONFIRM_INTERVAL))
            }
        }
    }

    fn follow(&mut self, policy: &WaitPolicy, stage: Stage) -> Action {
        let (timeout, elapsed, why) = match stage {
            Stage::Succeeded => return Action::Done(Outcome::Succeeded),
            Stage::Failed => return self.finish(policy, Outcome::Failed),
            Stage::Stopped => return Action::Done(self.discarded.map_or(Outcome::Stopped, SuspendReason::outcome)),
            Stage::Ending | Stage::Unknown => return self.poll_again(policy, None),
            Stage::Queued => (policy.pending_timeout, self.queued(), SuspendReason::PendingTimeout),
            Stage::Running => (policy.workload_timeout, self.running(), SuspendReason::WorkloadTimeout),
        };
        let timeout = timeout.filter(|_| self.overruled != Some(why));
        match timeout.map(|timeout| timeout.saturating_sub(elapsed)) {
            Some(Duration::ZERO) => {
                self.set_goal(Goal::suspend(why, self.durations.phase_updated_at()).requested());
                Action::Suspend(why)
            }
            left => self.poll_again(policy, left),
        }
    }

    fn suspend(&mut self, policy: &WaitPolicy, stage: Stage) -> Action {
        let Goal::Suspend { why, is_requested, may_have_taken_effect, is_stopping, decided_at } = self.goal else {
            return self.follow(policy, stage);
        };
        let is_sent = self.goal.may_be_sent();
        let is_live = matches!(stage, Stage::Queued | Stage::Running);
        match stage {
            // The workload succeeded before the suspend took effect.
            Stage::Succeeded => return Action::Done(Outcome::Succeeded),
            // Without a suspend, the workload failed by itself.
            Stage::Failed if !is_sent => return self.finish(policy, Outcome::Failed),
            // Someone else stopped the workload before our suspend was sent.
            Stage::Stopped if !is_sent && why != SuspendReason::Cancelled => {
                return Action::Done(Outcome::Stopped);
            }
            Stage::Failed | Stage::Stopped => return self.finish(policy, why.outcome()),
            Stage::Ending => {
                let is_stopping = is_stopping || is_sent;
                self.goal = Goal::Suspend { why, is_requested, may_have_taken_effect, is_stopping, decided_at };
                return self.poll_again(policy, Some(CONFIRM_INTERVAL));
            }
            Stage::Queued | Stage::Running | Stage::Unknown => {}
        }
        if is_live && is_stopping {
            // The workload was stopping and is live again: someone resumed it.
            if why == SuspendReason::Cancelled {
                return Action::Done(Outcome::Cancelled);
            }
            return self.overrule(policy, stage, why);
        }
        if why != SuspendReason::Cancelled {
            if stage == Stage::Unknown {
                return self.poll_again(policy, Some(CONFIRM_INTERVAL));
            }
            let has_changed = decided_at != self.durations.phase_updated_at();
            if why == SuspendReason::WorkloadTimeout && is_sent && has_changed && stage == Stage::Running {
                return self.overrule(policy, stage, why);
            }
            if !self.reason_exists(policy, stage, why) {
                // A suspend that was sent may still take effect; do not resend it.
                if is_sent && self.polls_since_change < POLLS_BEFORE_RESEND {
                    return self.poll_again(policy, Some(CONFIRM_INTERVAL));
                }
                self.discard_suspend();
                return self.follow(policy, stage);
            }
        }
        if is_requested && !self.is_resend_due() {
            return self.poll_again(policy, Some(CONFIRM_INTERVAL));
        }
        self.set_goal(self.goal.requested());
        Action::Suspend(why)
    }

    /// Returns whether the reason of a suspend still exists.
    fn reason_exists(&self, policy: &WaitPolicy, stage: Stage, why: SuspendReason) -> bool {
        match (why, stage) {
            (SuspendReason::Cancelled, _) => true,
            (SuspendReason::PendingTimeout, Stage::Queued) => {
                policy.pending_timeout.is_some_and(|it| self.queued() >= it)
            }
            (SuspendReason::WorkloadTimeout, Stage::Running) => {
                policy.workload_timeout.is_some_and(|it| self.running() >= it)
            }
            (SuspendReason::PendingTimeout | SuspendReason::WorkloadTimeout, _) => false,
        }
    }

    fn overrule(&mut self, policy: &WaitPolicy, stage: Stage, why: SuspendReason) -> Action {
        self.overruled = Some(why);
        self.set_goal(Goal::Follow);
        self.follow(policy, stage)
    }

    fn finish(&mut self, policy: &WaitPolicy, outcome: Outcome) -> Action {
        if !(policy.delete_on_failure && outcome.is_cleaned_up()) {
            return Action::Done(outcome);
        }
        self.set_goal(Goal::Delete { outcome, is_requested: true });
        Action::Delete(outcome)
    }

    fn end_of_deleted(&self, stage: Stage) -> Outcome {
        match (self.goal, stage) {
            (Goal::Delete { outcome, .. }, _) => outcome,
            (_, Stage::Succeeded) => Outcome::Succeeded,
            (goal @ Goal::Suspend { why, .. }, _) if goal.may_be_sent() => why.outcome(),
            (_, Stage::Failed) => Outcome::Failed,
            _ => Outcome::Vanished,
        }
    }

    fn on_missing(&mut self, policy: &WaitPolicy) -> Action {
        self.missing_polls = self.missing_polls.saturating_add(1);
        let was_deleted = self.phase().is_some_and(is_deleting) || matches!(self.goal, Goal::Delete { .. });
        if was_deleted || self.missing_for >= policy.vanish_after {
            return Action::Done(self.end_of_deleted(Stage::Unknown));
        }
        let longest = policy.monitoring_interval.min(CONFIRM_INTERVAL);
        Action::PollAgain { after: paced(longest, self.missing_polls - 1) }
    }

    /// Returns a poll after the user's interval, sooner after a change, and at the latest after `at_most`.
    fn poll_again(&self, policy: &WaitPolicy, at_most: Option<Duration>) -> Action {
        let after = paced(policy.monitoring_interval, self.polls_since_change);
        Action::PollAgain { after: at_most.map_or(after, |at_most| after.min(at_most)).max(MIN_INTERVAL) }
    }

    const fn set_goal(&mut self, goal: Goal) {
        self.goal = goal;
        self.polls_since_change = 0;
    }

    /// Returns whether to resend an action that had no effect.
    const fn is_resend_due(&self) -> bool {
        self.polls_since_change > 0 && self.polls_since_change.is_multiple_of(POLLS_BEFORE_RESEND)
    }
}

fn is_deleting(phase: &str) -> bool {
    phase.eq_ignore_ascii_case("Deleting") || phase.eq_ignore_ascii_case("Terminating")
}

fn paced(longest: Duration, polls: u32) -> Duration {
    let longest = longest.max(MIN_INTERVAL);
    doubled(FIRST_INTERVAL.min(longest), polls, longest)
}

fn doubled(first: Duration, times: u32, longest: Duration) -> Duration {
    first.saturating_mul(1 << times.min(16)).min(longest)
}

/// Interval after a change and at the start of an outage; it doubles with each poll.
const FIRST_INTERVAL: Duration = Duration::from_secs(1);

/// Minimum interval, to prevent a busy loop.
const MIN_INTERVAL: Duration = Duration::from_millis(100);

/// Maximum interval while a suspend or a delete is being confirmed.
const CONFIRM_INTERVAL: Duration = Duration::from_secs(5);

/// Number of polls without effect after which a suspend or a delete is resent. Both are idempotent.
const POLLS_BEFORE_RESEND: u32 = 5;

/// Maximum number of consecutive polls with an older state before it is accepted.
const MAX_STALE_POLLS: u32 = 20;

/// How long an unknown phase must have had a `completedAt` before the wait ends.
const UNKNOWN_END_GRACE: Duration = Duration::from_mins(1);
