//! Following one workload to its end.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use runai_spec::phase::Stage;
use runai_spec::wait::{Outcome, StopReason, WaitPolicy, WaitState};
use tokio::time::{Instant, sleep_until};

use crate::client::Client;
use crate::error::Error;
use crate::follower::{Acted, Follower, Todo};
use crate::look::{Look, look};
use crate::receipt::{Progress, Receipt, ReceiptStore, StoreError};

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
    /// The receipt cannot be written. The workload is followed all the same; told once.
    Unrecorded {
        /// Why not.
        error: StoreError,
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
/// should be done once. Another process goes on from [`Watch::state`], or from the receipt that
/// [`StepOperator::watch_receipt`](crate::StepOperator::watch_receipt) keeps up to date.
#[derive(Debug)]
pub struct Watch {
    client: Client,
    follower: Follower,
    begun: Instant,
    due: Instant,
    max_outage: Option<Duration>,
    events: VecDeque<Event>,
    blind_since: Option<Instant>,
    record: Option<Record>,
}

/// The receipt that is kept up to date.
#[derive(Debug)]
pub(crate) struct Record {
    receipt: Receipt,
    store: Arc<dyn ReceiptStore>,
    /// Whether it was told that this does not work.
    told: bool,
}

impl Record {
    pub(crate) const fn new(receipt: Receipt, store: Arc<dyn ReceiptStore>) -> Self {
        Self { receipt, store, told: false }
    }

    /// Writes down how far `follower` is, if that has changed.
    async fn keep(&mut self, follower: &mut Follower, events: &mut VecDeque<Event>) {
        if let Some(receipt) = self.pending(follower) {
            let result = self.store.put(receipt).await;
            self.written(follower, result, events);
        }
    }

    /// The receipt as it should be, if it is not.
    pub(crate) fn pending(&mut self, follower: &Follower) -> Option<Receipt> {
        if !follower.is_unsaved() {
            return None;
        }
        let workload_id = follower.workload_id().to_owned();
        self.receipt.wait = follower.state().clone();
        self.receipt.progress = match follower.outcome() {
            Some(outcome) => Progress::Ended { outcome, workload_id },
            None => Progress::Submitted { workload_id },
        };
        Some(self.receipt.clone())
    }

    /// Takes what came of writing it. Nothing about `follower` can have changed meanwhile.
    pub(crate) fn written(
        &mut self,
        follower: &mut Follower,
        result: Result<(), StoreError>,
        events: &mut VecDeque<Event>,
    ) {
        follower.saved();
        if let Err(error) = result
            && !self.told
        {
            self.told = true;
            tracing::warn!(%error, "the receipt is not up to date");
            events.push_back(Event::Unrecorded { error });
        }
    }
}

impl Watch {
    pub(crate) fn new(client: Client, workload_id: String, policy: WaitPolicy, state: WaitState) -> Self {
        let now = Instant::now();
        Self {
            client,
            follower: Follower::new(workload_id, policy, state),
            begun: now,
            due: now,
            max_outage: None,
            events: VecDeque::new(),
            blind_since: None,
            record: None,
        }
    }

    /// The same watch, of a workload whose name is known.
    pub(crate) fn named(mut self, name: String) -> Self {
        self.follower.set_name(name);
        self
    }

    /// The same watch, which keeps a receipt up to date.
    pub(crate) fn recorded(mut self, record: Record) -> Self {
        self.record = Some(record);
        self
    }

    /// How long the control plane may be out of sight until [`Watch::next`] fails; for ever when not given.
    pub const fn set_max_outage(&mut self, max_outage: Option<Duration>) {
        self.max_outage = max_outage;
    }

    /// The workload that is followed.
    #[must_use]
    pub fn workload_id(&self) -> &str {
        self.follower.workload_id()
    }

    /// What another process needs to go on from here.
    #[must_use]
    pub const fn state(&self) -> &WaitState {
        self.follower.state()
    }

    /// How the workload ended, once it has.
    #[must_use]
    pub const fn outcome(&self) -> Option<Outcome> {
        self.follower.outcome()
    }

    /// From now on the workload is to be stopped. Go on with [`Watch::next`] or [`Watch::run`] until it has.
    pub fn cancel(&mut self) {
        self.follower.cancel();
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
            // Before an event is told, and before anything is done about the workload: whoever goes on after a crash
            // must know what this process had decided.
            if let Some(record) = &mut self.record {
                record.keep(&mut self.follower, &mut self.events).await;
            }
            if let Some(event) = self.events.pop_front() {
                return Ok(Some(event));
            }
            // Every branch changes the watch only after its last await, so that a dropped future changes nothing.
            match self.follower.todo() {
                Todo::Nothing(_) => return Ok(None),
                Todo::Suspend => {
                    let result = self.client.suspend(self.follower.workload_id()).await;
                    self.acted(result)?;
                }
                Todo::Delete(_) => {
                    let result = self.client.delete(self.follower.workload_id()).await;
                    self.acted(result)?;
                }
                Todo::Look => {
                    sleep_until(self.due).await;
                    let began = Instant::now();
                    let looked = look(&self.client, self.follower.workload_id(), self.follower.name()).await;
                    match looked.or_else(|error| self.follower.judge(error)) {
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

    fn take(&mut self, look: Look, began: Instant) -> Result<(), Error> {
        let error = look.error.clone();
        self.note_outage(error.as_ref());
        if let Some(after) = self.follower.take(look, began, self.begun.elapsed(), &mut self.events) {
            // From when the look began, so that one that hangs does not delay the next. Up to a tenth earlier, so that
            // many waiters do not look all at once.
            let due = began + after.mul_f64(1.0 - fastrand::f64() / 10.0);
            self.due = due.max(Instant::now() + after.min(SHORTEST_REST));
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

    fn acted(&mut self, result: Result<(), Error>) -> Result<(), Error> {
        self.due = Instant::now();
        match self.follower.acted(result, &mut self.events) {
            Acted::Taken => Ok(()),
            Acted::Unreachable(error) => {
                self.note_outage(Some(&error));
                Ok(())
            }
            Acted::Refused(error) => {
                self.due += PAUSE_AFTER_ERROR;
                Err(error)
            }
        }
    }
}

/// The least rest between two looks, however long the first one took.
pub(crate) const SHORTEST_REST: Duration = Duration::from_millis(500);

pub(crate) const PAUSE_AFTER_ERROR: Duration = Duration::from_secs(1);
