//! Follows one workload to its end.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{self, Context, ready};
use std::time::Duration;

use futures_core::Stream;
use runai_api::phase::Stage;
use runai_api::wire::Workload;
use tokio::time::Instant;

use crate::client::Client;
use crate::error::Error;
use crate::lifecycle::{Outcome, SuspendReason, WaitPolicy, WaitState};
use crate::poll::{Poll, Target, poll};
use crate::receipt::{BoxFuture, StoreError};
use crate::record::{Record, StoreResult};
use crate::timer::Timer;
use crate::tracker::{ActionResult, PendingAction, WorkloadTracker};

/// How long polls of an existing workload may be refused for lack of permission before a watch fails: an identity
/// provider that restarts causes such refusals too.
pub const AUTH_GRACE: Duration = Duration::from_mins(5);

/// An event of a followed workload.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// The workload could not be deleted, as `delete_on_failure` asks.
    CleanupFailed {
        /// The error of the deletion.
        error: Error,
    },
    /// The workload is about to be deleted, as `delete_on_failure` asks.
    Deleting {
        /// The outcome of the workload.
        outcome: Outcome,
    },
    /// The submission has several workloads: its first request took effect after the resend. None is deleted. Only a
    /// [`Fleet`](crate::Fleet) reports this.
    Duplicate {
        /// UUIDs of the live workloads of the submission, oldest first.
        workload_ids: Vec<String>,
    },
    /// The wait ended. This is the last event.
    Ended {
        /// How the workload ended.
        outcome: Outcome,
    },
    /// An outage began: the control plane reports nothing about the workload. Polling continues, and the workload is
    /// not touched.
    OutageBegan {
        /// The error of the last poll.
        error: Error,
    },
    /// An outage ended.
    OutageEnded {
        /// How long it lasted.
        lasted: Duration,
    },
    /// The phase has changed since the last poll. The first poll reports the current one.
    Phase {
        /// The phase, as the API spells it.
        phase: String,
        /// The stage of the phase.
        stage: Stage,
        /// The workload's node pools.
        node_pools: Vec<String>,
    },
    /// The receipt cannot be written. Following continues; reported once.
    ReceiptError {
        /// The error of the store.
        error: StoreError,
    },
    /// The workload is about to be suspended.
    Suspending {
        /// The reason.
        why: SuspendReason,
    },
    /// The control plane reports why the workload is pending.
    Waiting {
        /// The control plane's message.
        reason: String,
    },
}

/// Follows a workload by the rules of [`crate::lifecycle`].
///
/// [`Watch::next`] is cancel safe: its request stays in flight, and no action is repeated. Another process resumes from
/// [`Watch::state`], or from the receipt that [`StepOperator::watch_receipt`](crate::StepOperator::watch_receipt) keeps
/// up to date.
///
/// A watch is also a [`Stream`].
pub struct Watch {
    client: Client,
    tracker: WorkloadTracker,
    begun: Instant,
    due: Instant,
    max_outage: Option<Duration>,
    events: VecDeque<Event>,
    outage_since: Option<Instant>,
    record: Option<Record>,
    in_flight: Option<BoxFuture<'static, Completed>>,
    timer: Timer,
}

/// The result of a request or a write.
enum Completed {
    ActionResult(Result<(), Error>),
    Polled { began: Instant, result: Result<Box<Poll>, Error> },
    Stored(StoreResult),
}

impl Watch {
    pub(crate) fn new(client: Client, workload_id: String, policy: WaitPolicy, state: WaitState) -> Self {
        let now = Instant::now();
        let target = Target { id: workload_id, ..Target::default() };
        Self {
            client,
            tracker: WorkloadTracker::new(target, policy, state),
            begun: now,
            due: now,
            max_outage: None,
            events: VecDeque::new(),
            outage_since: None,
            record: None,
            in_flight: None,
            timer: Timer::default(),
        }
    }

    /// Sets the name of a workload that exists.
    pub(crate) fn with_name(mut self, name: String) -> Self {
        self.tracker.set_name(name);
        self.tracker.set_known();
        self
    }

    /// Keeps a receipt up to date.
    pub(crate) fn with_record(mut self, record: Record) -> Self {
        self.record = Some(record);
        self
    }

    /// Sets how long an outage may last before [`Watch::next`] fails. The default is no limit.
    pub const fn set_max_outage(&mut self, max_outage: Option<Duration>) {
        self.max_outage = max_outage;
    }

    /// Returns the workload's UUID.
    #[must_use]
    pub fn workload_id(&self) -> &str {
        self.tracker.id()
    }

    /// Returns the state with which another process resumes.
    #[must_use]
    pub const fn state(&self) -> &WaitState {
        self.tracker.state()
    }

    /// Returns the outcome, after the workload has ended.
    #[must_use]
    pub const fn outcome(&self) -> Option<Outcome> {
        self.tracker.outcome()
    }

    /// Cancels the workload. Call [`Watch::next`] until [`Event::Ended`], or [`Watch::run`].
    pub fn cancel(&mut self) {
        self.tracker.cancel();
        self.due = Instant::now();
    }

    /// Waits for the next event; `None` after [`Event::Ended`].
    ///
    /// # Errors
    /// Polls are refused for a permanent reason, the workload cannot be suspended, or an outage exceeded
    /// [`Watch::set_max_outage`]. The workload is unchanged, and the watch remains usable.
    pub async fn next(&mut self) -> Result<Option<Event>, Error> {
        poll_fn(|cx| self.poll_event(cx)).await
    }

    /// Polls for the next event. All pending work is in `self`, so that dropping [`Watch::next`] loses nothing.
    fn poll_event(&mut self, cx: &mut Context<'_>) -> task::Poll<Result<Option<Event>, Error>> {
        loop {
            if self.in_flight.is_none() {
                // Store decisions before events are reported and actions start, so that a process that resumes after a
                // crash knows them.
                self.in_flight = self.flush();
            }
            if self.in_flight.is_none() {
                if let Some(event) = self.events.pop_front() {
                    return task::Poll::Ready(Ok(Some(event)));
                }
                let pending = self.tracker.pending();
                match pending {
                    PendingAction::Nothing(_) => return task::Poll::Ready(Ok(None)),
                    PendingAction::Poll => ready!(self.timer.poll_until(self.due, cx)),
                    PendingAction::Delete(_) | PendingAction::Suspend => {}
                }
                self.in_flight = Some(self.start(pending));
            }
            let Some(request) = &mut self.in_flight else { continue };
            let completed = ready!(request.as_mut().poll(cx));
            self.in_flight = None;
            self.complete(completed)?;
        }
    }

    /// Follows the workload to its end, reports events to `on_event` and returns the outcome.
    ///
    /// # Errors
    /// Those of [`Watch::next`].
    pub async fn run(&mut self, mut on_event: impl FnMut(&Event)) -> Result<Outcome, Error> {
        loop {
            if let Some(event) = self.next().await? {
                on_event(&event);
            } else if let Some(outcome) = self.outcome() {
                return Ok(outcome);
            }
        }
    }

    fn flush(&mut self) -> Option<BoxFuture<'static, Completed>> {
        let stored = self.record.as_mut()?.flush(&mut self.tracker)?;
        Some(Box::pin(async { Completed::Stored(stored.await) }))
    }

    fn start(&self, pending: PendingAction) -> BoxFuture<'static, Completed> {
        match pending {
            PendingAction::Delete(_) | PendingAction::Suspend => {
                let (client, workload) = (self.client.clone(), self.tracker.workload());
                Box::pin(async move { Completed::ActionResult(act(&client, pending, &workload).await) })
            }
            PendingAction::Poll | PendingAction::Nothing(_) => {
                let client = self.client.clone();
                let target = self.tracker.target().clone();
                Box::pin(async move {
                    let began = Instant::now();
                    Completed::Polled { began, result: poll(&client, &target).await.map(Box::new) }
                })
            }
        }
    }

    fn complete(&mut self, completed: Completed) -> Result<(), Error> {
        match completed {
            Completed::Stored(result) => {
                if let Some(record) = &mut self.record
                    && record.stored(result, &mut self.events)
                {
                    self.tracker.set_unsaved();
                }
                Ok(())
            }
            Completed::ActionResult(result) => self.acted(result),
            Completed::Polled { began, result } => {
                match result.map(|poll| *poll).or_else(|error| self.tracker.classify(error)) {
                    Ok(poll) => self.take(poll, began),
                    Err(error) => {
                        // A caller that retries in a loop gets a pause.
                        self.due = Instant::now() + PAUSE_AFTER_ERROR;
                        Err(error)
                    }
                }
            }
        }
    }

    fn take(&mut self, poll: Poll, began: Instant) -> Result<(), Error> {
        let error = poll.error.clone();
        self.note_outage(error.as_ref());
        if let Some(after) = self.tracker.take(poll, began, self.begun.elapsed(), &mut self.events) {
            // Counted from the start of the poll, so that a slow one does not delay the next. Up to a tenth earlier,
            // to spread the polls of many waiters.
            let due = began + after.mul_f64(1.0 - fastrand::f64() / 10.0);
            self.due = due.max(Instant::now() + after.min(MIN_POLL_PAUSE));
        }
        match (error, self.outage_since, self.max_outage) {
            (Some(error), Some(since), Some(max_outage)) if since.elapsed() >= max_outage => Err(error),
            _ => Ok(()),
        }
    }

    fn note_outage(&mut self, error: Option<&Error>) {
        match (error, self.outage_since) {
            (Some(error), None) => {
                self.outage_since = Some(Instant::now());
                self.events.push_back(Event::OutageBegan { error: error.clone() });
            }
            (None, Some(since)) => {
                self.outage_since = None;
                self.events.push_back(Event::OutageEnded { lasted: since.elapsed() });
            }
            (Some(_), Some(_)) | (None, None) => {}
        }
    }

    fn acted(&mut self, result: Result<(), Error>) -> Result<(), Error> {
        self.due = Instant::now();
        match self.tracker.acted(result, &mut self.events) {
            ActionResult::Accepted => Ok(()),
            ActionResult::Unreachable(error) => {
                self.note_outage(Some(&error));
                Ok(())
            }
            ActionResult::Refused(error) => Err(error),
        }
    }
}

/// Yields the events of [`Watch::next`]. The stream can be polled after an error; it ends after [`Event::Ended`].
impl Stream for Watch {
    type Item = Result<Event, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> task::Poll<Option<Self::Item>> {
        self.poll_event(cx).map(Result::transpose)
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("tracker", &self.tracker).finish_non_exhaustive()
    }
}

/// Minimum pause between two polls.
pub(crate) const MIN_POLL_PAUSE: Duration = Duration::from_millis(500);

/// Executes a pending deletion or suspension.
pub(crate) async fn act(client: &Client, pending: PendingAction, workload: &Workload) -> Result<(), Error> {
    let client = client.retrying_for(MAX_ACTION_DELAY);
    match pending {
        PendingAction::Delete(_) => client.delete_workload(workload).await,
        _ => client.suspend_workload(workload).await,
    }
}

/// How long an action may be retried or wait for others before another poll is needed to confirm it.
pub(crate) const MAX_ACTION_DELAY: Duration = Duration::from_secs(5);

/// Pause after an error that [`Watch::next`] returned.
pub(crate) const PAUSE_AFTER_ERROR: Duration = Duration::from_secs(1);
