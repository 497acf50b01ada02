//! Tracks a followed workload: its state, the pending action and the events to report. Does no I/O.

use std::collections::VecDeque;
use std::time::Duration;

use runai_api::phase::Stage;
use runai_api::wire::Workload;
use tokio::time::Instant;

use crate::error::Error;
use crate::lifecycle::{Action, Outcome, SuspendReason, WaitPolicy, WaitState};
use crate::poll::{Poll, Target};
use crate::submission::Creation;
use crate::watch::{AUTH_GRACE, Event};

/// The next action for a workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PendingAction {
    Delete(Outcome),
    Nothing(Outcome),
    Poll,
    Suspend,
}

/// The result of requesting a suspension or a deletion.
pub(crate) enum ActionResult {
    /// The request was accepted, or may no longer be needed: the next poll decides.
    Accepted,
    /// The request was refused for a permanent reason.
    Refused(Error),
    /// The control plane is unreachable.
    Unreachable(Error),
}

/// Tracks a workload by the rules of [`crate::lifecycle`].
#[derive(Debug)]
pub(crate) struct WorkloadTracker {
    target: Target,
    policy: WaitPolicy,
    state: WaitState,
    pending: PendingAction,
    /// Whether the workload is known to exist: a poll showed it, or this client created it.
    is_known: bool,
    kind: String,
    reason: Option<String>,
    reported_phase: Option<String>,
    announced_suspend: Option<SuspendReason>,
    is_deletion_announced: bool,
    /// Since when all polls have been refused for lack of permission.
    refused_since: Option<Instant>,
    action_failures: u32,
    action_refusals: u32,
    /// A failed action is not retried before.
    act_after: Option<Instant>,
    /// Whether the state has changed since it was stored.
    is_unsaved: bool,
}

impl WorkloadTracker {
    pub(crate) fn new(target: Target, policy: WaitPolicy, state: WaitState) -> Self {
        Self {
            is_known: state.phase().is_some(),
            target,
            policy,
            state,
            pending: PendingAction::Poll,
            kind: String::new(),
            reason: None,
            reported_phase: None,
            announced_suspend: None,
            is_deletion_announced: false,
            refused_since: None,
            action_failures: 0,
            action_refusals: 0,
            act_after: None,
            is_unsaved: false,
        }
    }

    pub(crate) fn id(&self) -> &str {
        &self.target.id
    }

    pub(crate) const fn target(&self) -> &Target {
        &self.target
    }

    /// Returns the id and type of the workload, for requests. The default type is that of a step.
    pub(crate) fn workload(&self) -> Workload {
        let kind = if self.kind.is_empty() { TRAINING } else { &self.kind };
        Workload { id: self.target.id.clone(), kind: kind.to_owned(), ..Workload::default() }
    }

    pub(crate) fn set_name(&mut self, name: String) {
        self.target.name = Some(name).filter(|name| !name.is_empty());
    }

    /// Records that the workload exists.
    pub(crate) const fn set_known(&mut self) {
        self.is_known = true;
    }

    /// Records that this process created the workload; `now` is the caller's clock.
    pub(crate) fn created(&mut self, creation: Creation, now: Duration) {
        // Assumes that both clocks have advanced alike; if not, `Date` is ignored.
        let date = creation.date + creation.at.elapsed();
        self.state.created(creation.created_at, date, now);
    }

    pub(crate) const fn state(&self) -> &WaitState {
        &self.state
    }

    /// Returns the next action.
    pub(crate) const fn pending(&self) -> PendingAction {
        self.pending
    }

    /// Returns the outcome, after the workload has ended.
    pub(crate) const fn outcome(&self) -> Option<Outcome> {
        match self.pending {
            PendingAction::Nothing(outcome) => Some(outcome),
            PendingAction::Delete(_) | PendingAction::Poll | PendingAction::Suspend => None,
        }
    }

    pub(crate) fn cancel(&mut self) {
        self.state.cancel();
        self.is_unsaved = true;
    }

    /// Returns whether the state has changed since it was stored.
    pub(crate) const fn is_unsaved(&self) -> bool {
        self.is_unsaved
    }

    pub(crate) const fn set_unsaved(&mut self) {
        self.is_unsaved = true;
    }

    pub(crate) const fn saved(&mut self) {
        self.is_unsaved = false;
    }

    /// Classifies a failed poll: an outage, or a permanent error.
    ///
    /// For a workload that exists every failure is an outage, except a lack of permission that lasts longer than
    /// [`AUTH_GRACE`].
    pub(crate) fn classify(&self, error: Error) -> Result<Poll, Error> {
        let is_in_grace = self.refused_since.is_none_or(|since| since.elapsed() < AUTH_GRACE);
        // A token endpoint that disappeared is an outage, not a lack of permission.
        let is_denied = error.is_auth() && !error.is_no_token_endpoint();
        let is_outage = if self.is_known {
            !is_denied || is_in_grace
        } else {
            error.is_unreachable() || (!error.is_from_api() && !is_denied)
        };
        if is_outage { Ok(Poll::outage(error)) } else { Err(error) }
    }

    /// Handles a poll that started at `began`; `now` is the caller's clock. Returns how long after `began` to poll
    /// again, if no other action is pending.
    pub(crate) fn take(
        &mut self,
        poll: Poll,
        began: Instant,
        now: Duration,
        events: &mut VecDeque<Event>,
    ) -> Option<Duration> {
        let Poll { observation, workload, error } = poll;
        let is_refused = error.as_ref().is_some_and(Error::is_auth);
        self.refused_since = is_refused.then(|| self.refused_since.unwrap_or(began));
        let phase = self.state.phase().map(str::to_owned);
        let mut action = self.state.step(&self.policy, now, &observation);
        if matches!(action, Action::Delete(_) | Action::Suspend(_))
            && let Some(act_after) = self.act_after.filter(|act_after| *act_after > Instant::now())
        {
            // The action has just failed: retry it later, if its reason still exists.
            self.state.action_failed(false);
            action = Action::PollAgain { after: act_after.duration_since(began) };
        }
        self.is_unsaved |= phase.as_deref() != self.state.phase();
        if let Some(workload) = workload {
            self.is_known = true;
            self.note(workload, events);
        }
        match action {
            Action::PollAgain { after } => {
                self.pending = PendingAction::Poll;
                if self.state.suspending().is_none() {
                    self.announced_suspend = None;
                }
                return Some(after);
            }
            Action::Suspend(why) => {
                if self.announced_suspend != Some(why) {
                    self.announced_suspend = Some(why);
                    events.push_back(Event::Suspending { why });
                }
                self.pending = PendingAction::Suspend;
            }
            Action::Delete(outcome) => {
                if !self.is_deletion_announced {
                    self.is_deletion_announced = true;
                    events.push_back(Event::Deleting { outcome });
                }
                self.pending = PendingAction::Delete(outcome);
            }
            Action::Done(outcome) => self.end(outcome, events),
        }
        self.is_unsaved = true;
        None
    }

    /// Handles the result of a suspension or deletion. The state machine requests it again if it had no effect.
    pub(crate) fn acted(&mut self, result: Result<(), Error>, events: &mut VecDeque<Event>) -> ActionResult {
        let deleting = match self.pending {
            PendingAction::Delete(outcome) => Some(outcome),
            PendingAction::Nothing(_) | PendingAction::Poll | PendingAction::Suspend => None,
        };
        self.pending = PendingAction::Poll;
        let Err(error) = result else {
            (self.action_failures, self.action_refusals) = (0, 0);
            self.act_after = None;
            return ActionResult::Accepted;
        };
        self.state.action_failed(error.may_have_taken_effect());
        self.is_unsaved = true;
        let backoff = FIRST_ACTION_BACKOFF.saturating_mul(1 << self.action_failures.min(8));
        self.act_after = Some(Instant::now() + backoff.min(MAX_ACTION_BACKOFF));
        self.action_failures = self.action_failures.saturating_add(1);
        if error.is_unreachable() {
            return ActionResult::Unreachable(error);
        }
        // A workload that has just ended refuses the action too, and a deleted one is not found: the next poll decides.
        // A second refusal is an error.
        self.action_refusals = self.action_refusals.saturating_add(1);
        let may_be_over = error.is_refused() || error.is_not_found();
        if may_be_over && self.action_refusals < MAX_ACTION_REFUSALS {
            return ActionResult::Accepted;
        }
        if let Some(outcome) = deleting {
            // The outcome matters more than the failed deletion.
            events.push_back(Event::CleanupFailed { error });
            self.end(outcome, events);
            return ActionResult::Accepted;
        }
        ActionResult::Refused(error)
    }

    /// Drops an action that was not sent, so that the next poll decides again. Keeps a user's cancel. Returns whether
    /// the action was dropped.
    pub(crate) fn reconsider(&mut self) -> bool {
        let is_due = matches!(self.pending, PendingAction::Delete(_) | PendingAction::Suspend);
        if !is_due || self.state.suspending() == Some(SuspendReason::Cancelled) {
            return false;
        }
        self.pending = PendingAction::Poll;
        self.state.action_failed(false);
        self.is_unsaved = true;
        true
    }

    fn note(&mut self, workload: Workload, events: &mut VecDeque<Event>) {
        let stage = Stage::of_phase(&workload.phase);
        let reason = if stage == Stage::Queued { workload.reason() } else { None };
        // A tracker that resumes reports the current phase too.
        if self.reported_phase.as_ref() != Some(&workload.phase) {
            self.reported_phase = Some(workload.phase.clone());
            let node_pools = workload.current_node_pools;
            events.push_back(Event::Phase { phase: workload.phase, stage, node_pools });
        }
        if let Some(reason) = &reason
            && self.reason.as_ref() != Some(reason)
        {
            events.push_back(Event::Waiting { reason: reason.clone() });
        }
        self.reason = reason;
        if !workload.name.is_empty() {
            self.target.name = Some(workload.name);
        }
        if !workload.project_id.is_empty() {
            self.target.project_id = Some(workload.project_id);
        }
        if !workload.kind.is_empty() {
            self.kind = workload.kind;
        }
    }

    fn end(&mut self, outcome: Outcome, events: &mut VecDeque<Event>) {
        events.push_back(Event::Ended { outcome });
        self.pending = PendingAction::Nothing(outcome);
        self.is_unsaved = true;
    }
}

/// The type of workloads that this crate submits.
const TRAINING: &str = "Training";

/// Number of refusals after which an action is an error.
const MAX_ACTION_REFUSALS: u32 = 2;

/// Backoff after a failed action; it doubles with each failure.
const FIRST_ACTION_BACKOFF: Duration = Duration::from_secs(1);

const MAX_ACTION_BACKOFF: Duration = Duration::from_secs(30);
