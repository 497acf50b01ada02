//! One workload being followed: what was seen of it, what is to be done about it, what is told. It does no I/O itself.

use std::collections::VecDeque;
use std::time::Duration;

use runai_spec::phase::Stage;
use runai_spec::wait::{Next, Outcome, StopReason, WaitPolicy, WaitState};
use runai_spec::wire::Workload;
use tokio::time::Instant;

use crate::error::Error;
use crate::look::Look;
use crate::watch::{AUTH_PATIENCE, Event};

/// What is to be done about a workload before anything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Todo {
    Delete(Outcome),
    Look,
    Nothing(Outcome),
    Suspend,
}

/// What came of asking for a suspension or a deletion.
pub(crate) enum Acted {
    /// It was taken, or is no longer needed: the next look tells.
    Taken,
    /// The control plane could not be asked.
    Unreachable(Error),
    /// It is refused, for a reason that waiting does not mend.
    Refused(Error),
}

/// Follows one workload by the rules of [`runai_spec::wait`].
#[derive(Debug)]
pub(crate) struct Follower {
    workload_id: String,
    policy: WaitPolicy,
    state: WaitState,
    todo: Todo,
    /// Deleted workloads are listed by it.
    name: Option<String>,
    reason: Option<String>,
    announced: Option<StopReason>,
    /// Since when every look has been refused for lack of permission.
    refused_since: Option<Instant>,
    action_refusals: u32,
    /// Whether what another process needs to go on has changed since it was written down.
    unsaved: bool,
}

impl Follower {
    pub(crate) const fn new(workload_id: String, policy: WaitPolicy, state: WaitState) -> Self {
        Self {
            workload_id,
            policy,
            state,
            todo: Todo::Look,
            name: None,
            reason: None,
            announced: None,
            refused_since: None,
            action_refusals: 0,
            unsaved: false,
        }
    }

    pub(crate) fn workload_id(&self) -> &str {
        &self.workload_id
    }

    pub(crate) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    pub(crate) fn set_name(&mut self, name: String) {
        self.name = Some(name).filter(|name| !name.is_empty());
    }

    pub(crate) const fn state(&self) -> &WaitState {
        &self.state
    }

    pub(crate) const fn todo(&self) -> Todo {
        self.todo
    }

    /// How the workload ended, once it has.
    pub(crate) const fn outcome(&self) -> Option<Outcome> {
        match self.todo {
            Todo::Nothing(outcome) => Some(outcome),
            Todo::Delete(_) | Todo::Look | Todo::Suspend => None,
        }
    }

    pub(crate) fn cancel(&mut self) {
        self.state.cancel();
        self.unsaved = true;
    }

    /// Whether there is something to write down; it counts as written from then on.
    pub(crate) const fn is_unsaved(&self) -> bool {
        self.unsaved
    }

    pub(crate) const fn saved(&mut self) {
        self.unsaved = false;
    }

    /// What a look that failed means: that the control plane is out of sight, or an error that waiting does not mend.
    pub(crate) fn judge(&self, error: Error) -> Result<Look, Error> {
        let seen_before = self.state.phase().is_some();
        let patient = self.refused_since.is_none_or(|since| since.elapsed() < AUTH_PATIENCE);
        // Where tokens came from before and now nothing is, the control plane is missing, not a permission.
        let is_outage =
            error.is_unreachable() || (seen_before && (error.is_no_token_endpoint() || (error.is_auth() && patient)));
        if is_outage { Ok(Look::blind(error)) } else { Err(error) }
    }

    /// Takes what a look gave that began `began`, at `now` on the caller's clock. Gives how long after `began` to look
    /// again, if that is what comes next.
    pub(crate) fn take(
        &mut self,
        look: Look,
        began: Instant,
        now: Duration,
        events: &mut VecDeque<Event>,
    ) -> Option<Duration> {
        let Look { observation, workload, error } = look;
        let refused = error.as_ref().is_some_and(Error::is_auth);
        self.refused_since = refused.then(|| self.refused_since.unwrap_or(began));
        let phase = self.state.phase().map(str::to_owned);
        let next = self.state.step(&self.policy, now, &observation);
        self.unsaved |= phase.as_deref() != self.state.phase();
        if let Some(workload) = workload {
            self.note(workload, phase.as_deref(), events);
        }
        match next {
            Next::LookAgain { after } => {
                self.todo = Todo::Look;
                return Some(after);
            }
            Next::Suspend(why) => {
                if self.announced != Some(why) {
                    self.announced = Some(why);
                    events.push_back(Event::Suspending { why });
                }
                self.todo = Todo::Suspend;
            }
            Next::Delete(outcome) => {
                events.push_back(Event::Deleting { outcome });
                self.todo = Todo::Delete(outcome);
            }
            Next::Done(outcome) => self.end(outcome, events),
        }
        self.unsaved = true;
        None
    }

    /// Takes what came of a suspension or deletion. The machine asks for it again if it had no effect.
    pub(crate) fn acted(&mut self, result: Result<(), Error>, events: &mut VecDeque<Event>) -> Acted {
        let deleting = match self.todo {
            Todo::Delete(outcome) => Some(outcome),
            Todo::Look | Todo::Nothing(_) | Todo::Suspend => None,
        };
        self.todo = Todo::Look;
        let Err(error) = result else {
            self.action_refusals = 0;
            return Acted::Taken;
        };
        // A workload that is not there any more, the next look finds out about.
        if error.is_not_found() {
            return Acted::Taken;
        }
        self.state.action_failed();
        self.unsaved = true;
        if error.is_unreachable() {
            return Acted::Unreachable(error);
        }
        // A workload that ended by itself meanwhile refuses too, once.
        self.action_refusals += 1;
        if error.is_refused() && self.action_refusals < MOST_ACTION_REFUSALS {
            return Acted::Taken;
        }
        self.action_refusals = 0;
        if let Some(outcome) = deleting {
            // How the workload ended is worth more than what became of it.
            events.push_back(Event::CleanupFailed { error });
            self.end(outcome, events);
            return Acted::Taken;
        }
        Acted::Refused(error)
    }

    fn note(&mut self, workload: Workload, last_phase: Option<&str>, events: &mut VecDeque<Event>) {
        let stage = Stage::of_phase(&workload.phase);
        let reason = if stage == Stage::Queued { workload.reason() } else { None };
        if last_phase != Some(&workload.phase) {
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
            self.name = Some(workload.name);
        }
    }

    fn end(&mut self, outcome: Outcome, events: &mut VecDeque<Event>) {
        events.push_back(Event::Ended { outcome });
        self.todo = Todo::Nothing(outcome);
        self.unsaved = true;
    }
}

/// A refused action is asked for once more, and then is an error.
const MOST_ACTION_REFUSALS: u32 = 2;
