//! The wait machine: what to do next about a workload, from what the last poll showed.
//!
//! [`WaitState::step`] takes an [`Observation`] and returns an [`Action`]. It has no clock and does no I/O: the caller
//! polls, sleeps and acts. The state is a small serialisable value, so a waiter that restarts resumes the count.
//!
//! Two promises hold whatever is observed:
//!
//! - A job that cannot be seen is never touched: an outage only leads to [`Action::PollAgain`].
//! - Only a timeout that the user set, the user's own cancel, or `delete_on_failure` on a failed or timed-out workload
//!   leads to [`Action::Suspend`] or [`Action::Delete`]. A workload that someone else stopped or resumed is left alone.
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

/// The longest interval between two polls while the control plane cannot be seen.
pub const MAX_OUTAGE_INTERVAL: Duration = Duration::from_secs(30);

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Delete the workload, poll at once, and feed what is seen; the wait will end with this outcome.
    Delete(Outcome),
    /// Nothing more: this is the end.
    Done(Outcome),
    /// Poll again.
    PollAgain {
        /// How long after the last poll began.
        after: Duration,
    },
    /// Suspend the workload, poll at once, and feed what is seen.
    Suspend(SuspendReason),
}

/// What a waiter remembers between two polls, and from one process to the next.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct WaitState {
    goal: Goal,
    durations: PhaseDurations,
    /// A timeout that fired and that someone overruled by resuming the workload; it does not fire again.
    overruled: Option<SuspendReason>,
    /// Why a suspend was sent whose reason is gone; it may still take effect.
    sent: Option<SuspendReason>,
    polls_since_change: u32,
    outage_polls: u32,
    missing_polls: u32,
    /// How long the workload has been absent, by the caller's clock.
    missing_for: Duration,
    /// How long a phase that is not known has been final, by the caller's clock.
    unknown_end_for: Duration,
    /// Polls in a row that showed an older state than one before.
    stale_polls: u32,
    /// The caller's `now` of the last poll that was answered. Means nothing in another process.
    #[serde(skip)]
    last_answer: Option<Duration>,
}

impl WaitState {
    /// Takes what one poll showed and returns what to do next.
    ///
    /// `now` is the time since any fixed moment on a clock of the caller's that never goes back; it is never compared
    /// across processes.
    #[must_use = "the machine decides, the caller acts"]
    pub fn step(&mut self, policy: &WaitPolicy, now: Duration, observation: &Observation) -> Action {
        let since_last = self.last_answer.map_or(Duration::ZERO, |last| now.saturating_sub(last));
        self.last_answer = (*observation != Observation::Unavailable).then_some(now);
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
                    self.sent = None;
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

    /// Tells the machine that this process created the workload.
    ///
    /// `created_at` is the API's, `date` the `Date` of the answer, `now` the caller's clock when it came. With them the
    /// machine measures the skew between the two clocks; without them `Date` never counts.
    pub const fn created(&mut self, created_at: Duration, date: Duration, now: Duration) {
        self.durations.created(created_at, date, now);
    }

    /// From now on the workload is to be stopped, because the user of this waiter asks for it.
    ///
    /// Changes nothing once the workload is being stopped or deleted for another reason.
    pub fn cancel(&mut self) {
        if self.goal == Goal::Follow {
            self.set_goal(Goal::stop(SuspendReason::Cancelled, None));
        }
    }

    /// Drops the decision to stop the workload and returns its reason, if there was one.
    ///
    /// For a waiter that resumes from another process's state and must not carry out its decisions. A suspend that was
    /// sent already may still take effect; the workload then ended for that reason.
    pub fn discard_suspend(&mut self) -> Option<SuspendReason> {
        let Goal::Stop { why, .. } = self.goal else { return None };
        self.sent = self.goal.is_sent().then_some(why);
        self.set_goal(Goal::Follow);
        Some(why)
    }

    /// The last [`Action::Suspend`] or [`Action::Delete`] failed: it is to be asked for again at the next poll that
    /// shows the workload. `may_have_taken_effect` says whether the control plane may have carried it out.
    pub fn action_failed(&mut self, may_have_taken_effect: bool) {
        match &mut self.goal {
            Goal::Follow => {}
            Goal::Stop { is_asked, may_be_reached, .. } => {
                *is_asked = false;
                *may_be_reached |= may_have_taken_effect;
            }
            Goal::Delete { is_asked, .. } => *is_asked = false,
        }
    }

    /// The phase that was seen last, as the API spells it; `None` before the first poll that showed the workload.
    #[must_use]
    pub fn phase(&self) -> Option<&str> {
        self.durations.phase()
    }

    /// What the last seen phase means.
    #[must_use]
    pub fn stage(&self) -> Option<Stage> {
        self.phase().map(Stage::of_phase)
    }

    /// How long the present wait in the queue has lasted, as far as it is known. Never more than it really did.
    #[must_use]
    pub fn queued(&self) -> Duration {
        self.durations.queued()
    }

    /// How long the workload has been running, as far as it is known. Never more than it really was.
    #[must_use]
    pub fn running(&self) -> Duration {
        self.durations.running()
    }

    /// Why the workload is being stopped, if this waiter stops it.
    #[must_use]
    pub const fn suspending(&self) -> Option<SuspendReason> {
        match self.goal {
            Goal::Stop { why, .. } => Some(why),
            Goal::Follow | Goal::Delete { .. } => None,
        }
    }

    /// Whether the last poll did not reach the control plane.
    #[must_use]
    pub const fn is_outage(&self) -> bool {
        self.outage_polls > 0
    }

    /// Whether a poll shows an older state than one before: lists lag behind single reads. Accepted after a while, in
    /// case the control plane's clock was set back.
    fn is_stale(&mut self, snapshot: &Snapshot) -> bool {
        let is_older =
            snapshot.phase_updated_at.zip(self.durations.phase_updated_at()).is_some_and(|(new, old)| new < old);
        self.stale_polls = if is_older { self.stale_polls.saturating_add(1) } else { 0 };
        is_older && self.stale_polls <= MAX_STALE_POLLS
    }

    fn decide(&mut self, policy: &WaitPolicy, stage: Stage) -> Action {
        match self.goal {
            Goal::Follow => self.follow(policy, stage),
            Goal::Stop { .. } => self.stop(policy, stage),
            Goal::Delete { outcome, is_asked } => {
                // Once more only while it lies as it was left: a workload that someone resumed is theirs.
                let lies = matches!(stage, Stage::Failed | Stage::Stopped);
                if lies && (!is_asked || self.is_time_to_ask_again()) {
                    self.set_goal(Goal::Delete { outcome, is_asked: true });
                    return Action::Delete(outcome);
                }
                self.poll_again(policy, Some(CONFIRM_INTERVAL))
            }
        }
    }

    fn follow(&mut self, policy: &WaitPolicy, stage: Stage) -> Action {
        let (timeout, counted, why) = match stage {
            Stage::Succeeded => return Action::Done(Outcome::Succeeded),
            Stage::Failed => return self.finish(policy, Outcome::Failed),
            Stage::Stopped => return Action::Done(self.sent.map_or(Outcome::Stopped, SuspendReason::outcome)),
            Stage::Ending | Stage::Unknown => return self.poll_again(policy, None),
            Stage::Queued => (policy.pending_timeout, self.queued(), SuspendReason::PendingTimeout),
            Stage::Running => (policy.workload_timeout, self.running(), SuspendReason::WorkloadTimeout),
        };
        let timeout = timeout.filter(|_| self.overruled != Some(why));
        match timeout.map(|timeout| timeout.saturating_sub(counted)) {
            Some(Duration::ZERO) => {
                self.set_goal(Goal::stop(why, self.durations.phase_updated_at()).asked());
                Action::Suspend(why)
            }
            left => self.poll_again(policy, left),
        }
    }

    fn stop(&mut self, policy: &WaitPolicy, stage: Stage) -> Action {
        let Goal::Stop { why, is_asked, may_be_reached, takes_effect, decided_at } = self.goal else {
            return self.follow(policy, stage);
        };
        let is_sent = self.goal.is_sent();
        let is_live = matches!(stage, Stage::Queued | Stage::Running);
        match stage {
            // It ended well before the suspend reached it; that is what happened.
            Stage::Succeeded => return Action::Done(Outcome::Succeeded),
            // Failed by itself, unless the suspend is what killed it.
            Stage::Failed if !is_sent => return self.finish(policy, Outcome::Failed),
            // Stopped by someone else, before a decision of ours was sent.
            Stage::Stopped if !is_sent && why != SuspendReason::Cancelled => {
                return Action::Done(Outcome::Stopped);
            }
            Stage::Failed | Stage::Stopped => return self.finish(policy, why.outcome()),
            Stage::Ending => {
                let takes_effect = takes_effect || is_sent;
                self.goal = Goal::Stop { why, is_asked, may_be_reached, takes_effect, decided_at };
                return self.poll_again(policy, Some(CONFIRM_INTERVAL));
            }
            Stage::Queued | Stage::Running | Stage::Unknown => {}
        }
        if is_live && takes_effect {
            // It was on its way to a stop and lives: someone resumed it, and wants it to run.
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
            if !self.holds(policy, stage, why) {
                // A suspend that is on its way may still take effect; it is not asked for again.
                if is_sent && self.polls_since_change < POLLS_BEFORE_ASKING_AGAIN {
                    return self.poll_again(policy, Some(CONFIRM_INTERVAL));
                }
                self.discard_suspend();
                return self.follow(policy, stage);
            }
        }
        if is_asked && !self.is_time_to_ask_again() {
            return self.poll_again(policy, Some(CONFIRM_INTERVAL));
        }
        self.set_goal(self.goal.asked());
        Action::Suspend(why)
    }

    /// Whether the reason for which a workload is to be stopped is there.
    fn holds(&self, policy: &WaitPolicy, stage: Stage, why: SuspendReason) -> bool {
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
        self.set_goal(Goal::Delete { outcome, is_asked: true });
        Action::Delete(outcome)
    }

    fn end_of_deleted(&self, stage: Stage) -> Outcome {
        match (self.goal, stage) {
            (Goal::Delete { outcome, .. }, _) => outcome,
            (_, Stage::Succeeded) => Outcome::Succeeded,
            (goal @ Goal::Stop { why, .. }, _) if goal.is_sent() => why.outcome(),
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

    /// Polls again after the user's interval, sooner just after a change, and no later than `at_most`.
    fn poll_again(&self, policy: &WaitPolicy, at_most: Option<Duration>) -> Action {
        let after = paced(policy.monitoring_interval, self.polls_since_change);
        Action::PollAgain { after: at_most.map_or(after, |at_most| after.min(at_most)).max(SHORTEST_INTERVAL) }
    }

    const fn set_goal(&mut self, goal: Goal) {
        self.goal = goal;
        self.polls_since_change = 0;
    }

    /// Resend the action after this many polls without effect.
    const fn is_time_to_ask_again(&self) -> bool {
        self.polls_since_change > 0 && self.polls_since_change.is_multiple_of(POLLS_BEFORE_ASKING_AGAIN)
    }
}

fn is_deleting(phase: &str) -> bool {
    phase.eq_ignore_ascii_case("Deleting") || phase.eq_ignore_ascii_case("Terminating")
}

fn paced(longest: Duration, polls: u32) -> Duration {
    let longest = longest.max(SHORTEST_INTERVAL);
    doubled(FIRST_INTERVAL.min(longest), polls, longest)
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

/// After this many polls without effect, a suspend or a delete is sent again. Both may be repeated.
const POLLS_BEFORE_ASKING_AGAIN: u32 = 5;

/// How many polls in a row may show an older state than one before, until it is accepted.
const MAX_STALE_POLLS: u32 = 20;

/// How long a phase that is not known must have had a `completedAt`, until the wait ends.
const UNKNOWN_END_GRACE: Duration = Duration::from_mins(1);
