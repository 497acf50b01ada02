//! Following one workload to its end.

use std::collections::VecDeque;
use std::time::Duration;

use runai_spec::phase::Stage;
use runai_spec::wait::{Next, Observation, Outcome, Sighting, StopReason, WaitPolicy, WaitState};
use runai_spec::wire::Workload;
use runai_spec::wire::requests::Filter;
use tokio::time::{Instant, sleep_until};

use crate::client::{Client, Dated};
use crate::error::Error;
use crate::time::rfc3339;

/// How long looks may be refused for lack of permission until that ends a watch that was permitted before: an identity
/// provider that restarts says so too.
pub const AUTH_PATIENCE: Duration = Duration::from_mins(5);

/// What happens while a workload is followed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// The workload should be deleted and could not be; it is left as it is.
    CleanupFailed {
        /// Why not.
        error: Error,
    },
    /// The workload is about to be deleted, as `delete_on_failure` asks.
    Deleting {
        /// How the workload ended.
        outcome: Outcome,
    },
    /// The end. Nothing comes after it.
    Ended {
        /// How the workload ended.
        outcome: Outcome,
    },
    /// The control plane cannot be seen any more. The workload is not touched, and looked for again and again.
    OutageBegan {
        /// What the last look met.
        error: Error,
    },
    /// The control plane can be seen again.
    OutageEnded {
        /// How long it could not.
        lasted: Duration,
    },
    /// The workload is in a phase that it was not in at the last look.
    Phase {
        /// The phase, as the API spells it.
        phase: String,
        /// What the phase means.
        stage: Stage,
        /// The node pools that the workload runs on.
        node_pools: Vec<String>,
    },
    /// The workload is about to be suspended.
    Suspending {
        /// Why.
        why: StopReason,
    },
    /// The control plane says why the workload does not run yet.
    Waiting {
        /// The reason, for people.
        reason: String,
    },
}

/// A workload that is being followed, by the rules of [`runai_spec::wait`].
///
/// [`Watch::next`] may be dropped at any moment and called again: nothing is lost, and nothing is done twice that
/// should be done once. [`Watch::state`] can be written down after every event, for another process to go on with.
#[derive(Debug)]
pub struct Watch {
    client: Client,
    workload_id: String,
    policy: WaitPolicy,
    state: WaitState,
    begun: Instant,
    due: Instant,
    max_outage: Option<Duration>,
    events: VecDeque<Event>,
    todo: Todo,
    /// The workload's name, once it was seen; deleted workloads are listed by it.
    name: Option<String>,
    reason: Option<String>,
    announced: Option<StopReason>,
    blind_since: Option<Instant>,
    /// Since when every look has been refused for lack of permission.
    refused_since: Option<Instant>,
    action_refusals: u32,
}

/// What is to be done before anything else.
#[derive(Clone, Copy, Debug)]
enum Todo {
    Delete(Outcome),
    Look,
    Nothing(Outcome),
    Suspend,
}

/// What one look gave.
struct Look {
    observation: Observation,
    workload: Option<Workload>,
    error: Option<Error>,
}

impl Watch {
    pub(crate) fn new(client: Client, workload_id: String, policy: WaitPolicy, state: WaitState) -> Self {
        let now = Instant::now();
        Self {
            client,
            workload_id,
            policy,
            state,
            begun: now,
            due: now,
            max_outage: None,
            events: VecDeque::new(),
            todo: Todo::Look,
            name: None,
            reason: None,
            announced: None,
            blind_since: None,
            refused_since: None,
            action_refusals: 0,
        }
    }

    /// How long the control plane may be out of sight until [`Watch::next`] fails; for ever when not given.
    pub const fn set_max_outage(&mut self, max_outage: Option<Duration>) {
        self.max_outage = max_outage;
    }

    /// The workload that is followed.
    #[must_use]
    pub fn workload_id(&self) -> &str {
        &self.workload_id
    }

    /// What another process needs to go on from here.
    #[must_use]
    pub const fn state(&self) -> &WaitState {
        &self.state
    }

    /// How the workload ended, once it has.
    #[must_use]
    pub const fn outcome(&self) -> Option<Outcome> {
        match self.todo {
            Todo::Nothing(outcome) => Some(outcome),
            Todo::Delete(_) | Todo::Look | Todo::Suspend => None,
        }
    }

    /// From now on the workload is to be stopped. Go on with [`Watch::next`] or [`Watch::run`] until it has.
    pub fn cancel(&mut self) {
        self.state.cancel();
        self.due = Instant::now();
    }

    /// Waits for the next event; nothing after [`Event::Ended`].
    ///
    /// # Errors
    /// Looking is refused for a reason that waiting does not mend, the workload cannot be suspended, or the control
    /// plane was out of sight for longer than [`Watch::set_max_outage`] allows. The workload is as it was, and the
    /// watch can be gone on with.
    pub async fn next(&mut self) -> Result<Option<Event>, Error> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(Some(event));
            }
            // Every branch changes the watch only after its last await, so that a dropped future changes nothing.
            match self.todo {
                Todo::Nothing(_) => return Ok(None),
                Todo::Suspend => {
                    let result = self.client.suspend(&self.workload_id).await;
                    self.acted(result)?;
                }
                Todo::Delete(outcome) => {
                    let result = self.client.delete(&self.workload_id).await;
                    if let Err(error) = self.acted(result) {
                        // How the workload ended is worth more than what became of it.
                        self.events.push_back(Event::CleanupFailed { error });
                        self.end(outcome);
                    }
                }
                Todo::Look => {
                    sleep_until(self.due).await;
                    let began = Instant::now();
                    match self.look().await {
                        Ok(look) => self.take(look, began)?,
                        Err(error) => {
                            // Whoever goes on in spite of it should not do so without a pause.
                            self.due = Instant::now() + PAUSE_AFTER_ERROR;
                            return Err(error);
                        }
                    }
                }
            }
        }
    }

    /// Follows the workload to its end, and tells `on_event` what happens on the way.
    ///
    /// # Errors
    /// As for [`Watch::next`].
    pub async fn run(&mut self, mut on_event: impl FnMut(&Event)) -> Result<Outcome, Error> {
        loop {
            if let Some(event) = self.next().await? {
                on_event(&event);
            } else if let Some(outcome) = self.outcome() {
                return Ok(outcome);
            }
        }
    }

    async fn look(&self) -> Result<Look, Error> {
        match self.client.dated_workload(&self.workload_id).await {
            Ok(Dated { value: workload, date }) => {
                let sighting = sighting(&workload, date);
                let observation = if workload.deleted_at.is_some() {
                    Observation::Deleted(sighting)
                } else {
                    Observation::Seen(sighting)
                };
                Ok(Look { observation, workload: Some(workload), error: None })
            }
            Err(error) if error.is_not_found() => match self.deleted().await {
                Ok(Some(workload)) => {
                    let observation = Observation::Deleted(sighting(&workload, None));
                    Ok(Look { observation, workload: Some(workload), error: None })
                }
                Ok(None) => Ok(Look { observation: Observation::Missing, workload: None, error: None }),
                // Where not even the list is found, it is the control plane that is missing.
                Err(error) if error.is_not_found() => Ok(Look::blind(error)),
                Err(error) => self.lost(error),
            },
            Err(error) => self.lost(error),
        }
    }

    /// The record of the workload among the deleted ones.
    async fn deleted(&self) -> Result<Option<Workload>, Error> {
        let by_name = self.name.as_deref().map(|name| Filter::Equals("name", name));
        let workloads = self.client.workloads(by_name.as_slice(), true).await?;
        Ok(workloads.into_iter().find(|workload| workload.id == self.workload_id))
    }

    fn lost(&self, error: Error) -> Result<Look, Error> {
        let seen_before = self.state.phase().is_some();
        let patient = self.refused_since.is_none_or(|since| since.elapsed() < AUTH_PATIENCE);
        // Where tokens came from before and now nothing is, the control plane is missing, not a permission.
        let is_outage =
            error.is_unreachable() || (seen_before && (error.is_no_token_endpoint() || (error.is_auth() && patient)));
        if is_outage { Ok(Look::blind(error)) } else { Err(error) }
    }

    fn take(&mut self, look: Look, began: Instant) -> Result<(), Error> {
        let Look { observation, workload, error } = look;
        let refused = error.as_ref().is_some_and(Error::is_auth);
        self.refused_since = refused.then(|| self.refused_since.unwrap_or(began));
        self.note_outage(error.as_ref());
        let phase = self.state.phase().map(str::to_owned);
        let next = self.state.step(&self.policy, self.begun.elapsed(), &observation);
        if let Some(workload) = workload {
            self.note_workload(workload, phase.as_deref());
        }
        match next {
            Next::LookAgain { after } => {
                // From when the look began, so that one that hangs does not delay the next. Up to a tenth earlier, so
                // that many waiters do not look all at once.
                let due = began + after.mul_f64(1.0 - fastrand::f64() / 10.0);
                self.due = due.max(Instant::now() + after.min(SHORTEST_REST));
                self.todo = Todo::Look;
            }
            Next::Suspend(why) => {
                if self.announced != Some(why) {
                    self.announced = Some(why);
                    self.events.push_back(Event::Suspending { why });
                }
                self.todo = Todo::Suspend;
            }
            Next::Delete(outcome) => {
                self.events.push_back(Event::Deleting { outcome });
                self.todo = Todo::Delete(outcome);
            }
            Next::Done(outcome) => self.end(outcome),
        }
        match (error, self.blind_since, self.max_outage) {
            (Some(error), Some(since), Some(max_outage)) if since.elapsed() >= max_outage => Err(error),
            _ => Ok(()),
        }
    }

    fn note_outage(&mut self, error: Option<&Error>) {
        match (error, self.blind_since) {
            (Some(error), None) => {
                self.blind_since = Some(Instant::now());
                self.events.push_back(Event::OutageBegan { error: error.clone() });
            }
            (None, Some(since)) => {
                self.blind_since = None;
                self.events.push_back(Event::OutageEnded { lasted: since.elapsed() });
            }
            (Some(_), Some(_)) | (None, None) => {}
        }
    }

    fn note_workload(&mut self, workload: Workload, last_phase: Option<&str>) {
        let stage = Stage::of_phase(&workload.phase);
        let reason = if stage == Stage::Queued { reason(&workload) } else { None };
        if last_phase != Some(&workload.phase) {
            let node_pools = workload.current_node_pools;
            self.events.push_back(Event::Phase { phase: workload.phase, stage, node_pools });
        }
        if let Some(reason) = &reason
            && self.reason.as_ref() != Some(reason)
        {
            self.events.push_back(Event::Waiting { reason: reason.clone() });
        }
        self.reason = reason;
        if !workload.name.is_empty() {
            self.name = Some(workload.name);
        }
    }

    /// What came of asking for a suspension or a deletion. The machine asks for it again if it had no effect.
    fn acted(&mut self, result: Result<(), Error>) -> Result<(), Error> {
        self.todo = Todo::Look;
        self.due = Instant::now();
        let Err(error) = result else {
            self.action_refusals = 0;
            return Ok(());
        };
        // A workload that is not there any more, the next look finds out about.
        if error.is_not_found() {
            return Ok(());
        }
        self.state.action_failed();
        if error.is_unreachable() {
            self.note_outage(Some(&error));
            return Ok(());
        }
        // A workload that ended by itself meanwhile refuses too, once.
        self.action_refusals += 1;
        if error.is_refused() && self.action_refusals < MOST_ACTION_REFUSALS {
            return Ok(());
        }
        self.action_refusals = 0;
        self.due += PAUSE_AFTER_ERROR;
        Err(error)
    }

    fn end(&mut self, outcome: Outcome) {
        self.events.push_back(Event::Ended { outcome });
        self.todo = Todo::Nothing(outcome);
    }
}

impl Look {
    const fn blind(error: Error) -> Self {
        Self { observation: Observation::NotSeen, workload: None, error: Some(error) }
    }
}

fn sighting(workload: &Workload, date: Option<Duration>) -> Sighting {
    let seconds = |figure: Option<i64>| u64::try_from(figure?).ok().map(Duration::from_secs);
    Sighting {
        phase: workload.phase.clone(),
        phase_updated_at: workload.phase_updated_at.as_deref().and_then(rfc3339),
        server_time: date,
        total_pending: seconds(workload.total_pending_time_seconds),
        total_running: seconds(workload.total_running_time_seconds),
    }
}

/// Why a workload does not run yet, in the most telling words that the control plane has for it.
fn reason(workload: &Workload) -> Option<String> {
    let messages: Vec<String> = workload
        .pending_scheduling_messages
        .iter()
        .map(|message| {
            let words = message.user_message.as_deref().filter(|words| !words.is_empty()).unwrap_or(&message.reason);
            if message.node_pool.is_empty() { words.to_owned() } else { format!("{}: {words}", message.node_pool) }
        })
        .collect();
    let given = |words: &Option<String>| words.clone().filter(|words| !words.is_empty());
    if messages.is_empty() {
        given(&workload.phase_message).or_else(|| given(&workload.phase_reason))
    } else {
        Some(messages.join("; "))
    }
}

/// A refused action is asked for once more, and then is an error.
const MOST_ACTION_REFUSALS: u32 = 2;

/// The least rest between two looks, however long the first one took.
const SHORTEST_REST: Duration = Duration::from_millis(500);

const PAUSE_AFTER_ERROR: Duration = Duration::from_secs(1);
