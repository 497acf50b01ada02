//! One workload being followed: what was seen of it, what to do about it, what to report. It does no I/O.

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

/// What is to be done about a workload before anything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PendingAction {
    Delete(Outcome),
    Nothing(Outcome),
    Poll,
    Suspend,
}

/// What came of asking for a suspension or a deletion.
pub(crate) enum ActionResult {
    /// It was accepted, or is no longer needed: the next poll shows.
    Accepted,
    /// It is refused, for a reason that waiting does not mend.
    Refused(Error),
    /// The control plane could not be asked.
    Unreachable(Error),
}

/// Follows one workload by the rules of [`crate::lifecycle`].
#[derive(Debug)]
pub(crate) struct WorkloadTracker {
    target: Target,
    policy: WaitPolicy,
    state: WaitState,
    pending: PendingAction,
    /// Whether it certainly exists: it was seen, or this client created it.
    is_known: bool,
    kind: String,
    reason: Option<String>,
    reported_phase: Option<String>,
    announced: Option<SuspendReason>,
    is_deletion_announced: bool,
    /// Since when every poll has been refused for lack of permission.
    refused_since: Option<Instant>,
    action_failures: u32,
    action_refusals: u32,
    /// An action that failed is not sent again before.
    act_after: Option<Instant>,
    /// Whether what another process needs to resume has changed since it was stored.
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
            announced: None,
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

    /// The workload, as far as requests about it need it: its id, and its type, which is that of a step before it was
    /// seen.
    pub(crate) fn workload(&self) -> Workload {
        let kind = if self.kind.is_empty() { TRAINING } else { &self.kind };
        Workload { id: self.target.id.clone(), kind: kind.to_owned(), ..Workload::default() }
    }

    pub(crate) fn set_name(&mut self, name: String) {
        self.target.name = Some(name).filter(|name| !name.is_empty());
    }

    /// The control plane has answered that the workload exists.
    pub(crate) const fn set_known(&mut self) {
        self.is_known = true;
    }

    /// This process created the workload; `now` is the caller's clock.
    pub(crate) fn created(&mut self, creation: Creation, now: Duration) {
        // Both clocks are taken to have moved alike since then; if not, `Date` does not count.
        let date = creation.date + creation.at.elapsed();
        self.state.created(creation.created_at, date, now);
    }

    pub(crate) const fn state(&self) -> &WaitState {
        &self.state
    }

    /// What is to be done next.
    pub(crate) const fn pending(&self) -> PendingAction {
        self.pending
    }

    /// How the workload ended, once it has.
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

    /// Whether there is something to store; it counts as stored from then on.
    pub(crate) const fn is_unsaved(&self) -> bool {
        self.is_unsaved
    }

    pub(crate) const fn set_unsaved(&mut self) {
        self.is_unsaved = true;
    }

    pub(crate) const fn saved(&mut self) {
        self.is_unsaved = false;
    }

    /// What a poll that failed means: that the control plane does not speak about this workload, or an error that waiting
    /// does not mend.
    ///
    /// Of a workload that exists nobody can say that it does not by refusing to answer. Only a lack of permission that
    /// lasts ends the patience.
    pub(crate) fn classify(&self, error: Error) -> Result<Poll, Error> {
        let is_patient = self.refused_since.is_none_or(|since| since.elapsed() < AUTH_GRACE);
        // Where tokens came from before and now nothing is, the control plane is missing, not a permission.
        let is_denied = error.is_auth() && !error.is_no_token_endpoint();
        let is_outage = if self.is_known {
            !is_denied || is_patient
        } else {
            error.is_unreachable() || (!error.is_from_api() && !is_denied)
        };
        if is_outage { Ok(Poll::blind(error)) } else { Err(error) }
    }

    /// Takes what a poll gave that began `began`, at `now` on the caller's clock. Returns how long after `began` to poll
    /// again, if that is what comes next.
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
            // It failed a moment ago: sent again later, and only if the reason is still there then.
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
                    self.announced = None;
                }
                return Some(after);
            }
            Action::Suspend(why) => {
                if self.announced != Some(why) {
                    self.announced = Some(why);
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

    /// Takes what came of a suspension or deletion. The machine asks for it again if it had no effect.
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
        self.act_after = Some(Instant::now() + backoff.min(LONGEST_ACTION_BACKOFF));
        self.action_failures = self.action_failures.saturating_add(1);
        if error.is_unreachable() {
            return ActionResult::Unreachable(error);
        }
        // A workload that ended by itself meanwhile refuses too, once, and one that is gone is not found: the next poll
        // shows. What is refused beside a workload that lives is an error.
        self.action_refusals = self.action_refusals.saturating_add(1);
        let may_be_over = error.is_refused() || error.is_not_found();
        if may_be_over && self.action_refusals < MAX_ACTION_REFUSALS {
            return ActionResult::Accepted;
        }
        if let Some(outcome) = deleting {
            // How the workload ended is worth more than what became of it.
            events.push_back(Event::CleanupFailed { error });
            self.end(outcome, events);
            return ActionResult::Accepted;
        }
        ActionResult::Refused(error)
    }

    /// Drops an action that was not sent: the next poll decides anew. A user's cancel stays, because nothing that a poll
    /// shows changes its reason. Says whether the action was dropped.
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
        // A follower that resumes reports the present phase too.
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

/// The type of the workloads that this crate submits.
const TRAINING: &str = "Training";

/// A refused action is sent once more, and then is an error.
const MAX_ACTION_REFUSALS: u32 = 2;

/// The pause after an action that failed; it doubles from there.
const FIRST_ACTION_BACKOFF: Duration = Duration::from_secs(1);

const LONGEST_ACTION_BACKOFF: Duration = Duration::from_secs(30);
