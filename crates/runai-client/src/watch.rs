//! Following one workload to its end.

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

/// How long polls may be refused for lack of permission until that ends a watch of a workload that exists: an identity
/// provider that restarts says so too.
pub const AUTH_GRACE: Duration = Duration::from_mins(5);

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
    /// The submission of this workload has become several: its first request took effect after it was sent again.
    /// Nothing is deleted. Reported by a [`Fleet`](crate::Fleet).
    Duplicate {
        /// UUIDs of the live workloads of the submission, the oldest first.
        workload_ids: Vec<String>,
    },
    /// The end. Nothing comes after it.
    Ended {
        /// How the workload ended.
        outcome: Outcome,
    },
    /// The control plane does not speak about the workload any more. The workload is not touched, and polled again and
    /// again.
    OutageBegan {
        /// What the last poll met.
        error: Error,
    },
    /// The workload can be seen again.
    OutageEnded {
        /// How long it could not.
        lasted: Duration,
    },
    /// The workload is in a phase that it was not in at the last poll; the first poll reports the present one.
    Phase {
        /// The phase, as the API spells it.
        phase: String,
        /// What the phase means.
        stage: Stage,
        /// The node pools that the workload runs on.
        node_pools: Vec<String>,
    },
    /// The receipt cannot be written. The workload is followed all the same; reported once.
    ReceiptError {
        /// Why not.
        error: StoreError,
    },
    /// The workload is about to be suspended.
    Suspending {
        /// Why.
        why: SuspendReason,
    },
    /// The control plane says why the workload does not run yet.
    Waiting {
        /// The reason, for people.
        reason: String,
    },
}

/// A workload that is being followed, by the rules of [`crate::lifecycle`].
///
/// [`Watch::next`] may be dropped at any moment and called again: its request stays in flight, nothing is lost, and
/// nothing is done twice that should be done once. Another process resumes from [`Watch::state`], or from the receipt
/// that [`StepOperator::watch_receipt`](crate::StepOperator::watch_receipt) keeps up to date.
///
/// A watch is a [`Stream`] too.
pub struct Watch {
    client: Client,
    tracker: WorkloadTracker,
    begun: Instant,
    due: Instant,
    max_outage: Option<Duration>,
    events: VecDeque<Event>,
    blind_since: Option<Instant>,
    record: Option<Record>,
    in_flight: Option<BoxFuture<'static, Completed>>,
    timer: Timer,
}

/// What a request or a write gave.
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
            blind_since: None,
            record: None,
            in_flight: None,
            timer: Timer::default(),
        }
    }

    /// The same watch, of a workload whose name is known and that exists.
    pub(crate) fn named(mut self, name: String) -> Self {
        self.tracker.set_name(name);
        self.tracker.set_known();
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
        self.tracker.id()
    }

    /// What another process needs to resume from here.
    #[must_use]
    pub const fn state(&self) -> &WaitState {
        self.tracker.state()
    }

    /// How the workload ended, once it has.
    #[must_use]
    pub const fn outcome(&self) -> Option<Outcome> {
        self.tracker.outcome()
    }

    /// From now on the workload is to be stopped. Call [`Watch::next`] or [`Watch::run`] until it has.
    pub fn cancel(&mut self) {
        self.tracker.cancel();
        self.due = Instant::now();
    }

    /// Waits for the next event; `None` after [`Event::Ended`].
    ///
    /// # Errors
    /// Polling is refused for a reason that waiting does not mend, the workload cannot be suspended, or the control
    /// plane was out of sight for longer than [`Watch::set_max_outage`] allows. The workload is as it was, and the
    /// watch can be used further.
    pub async fn next(&mut self) -> Result<Option<Event>, Error> {
        poll_fn(|cx| self.poll_event(cx)).await
    }

    /// The step of [`Watch::next`]. What is under way stays in `self`, so that nothing is lost between two calls.
    fn poll_event(&mut self, cx: &mut Context<'_>) -> task::Poll<Result<Option<Event>, Error>> {
        loop {
            if self.in_flight.is_none() {
                // Before an event is reported, and before anything is done about the workload: whoever resumes after a
                // crash must know what this process had decided.
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
                self.in_flight = Some(self.begin(pending));
            }
            let Some(request) = &mut self.in_flight else { continue };
            let completed = ready!(request.as_mut().poll(cx));
            self.in_flight = None;
            self.complete(completed)?;
        }
    }

    /// Follows the workload to its end, and reports what happens on the way to `on_event`.
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

    fn flush(&mut self) -> Option<BoxFuture<'static, Completed>> {
        let stored = self.record.as_mut()?.flush(&mut self.tracker)?;
        Some(Box::pin(async { Completed::Stored(stored.await) }))
    }

    fn begin(&self, pending: PendingAction) -> BoxFuture<'static, Completed> {
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
                        // Whoever calls again in spite of it should not do so without a pause.
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
            // From when the poll began, so that one that hangs does not delay the next. Up to a tenth earlier, so that
            // many waiters do not poll all at once.
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

/// The events of [`Watch::next`]. After an error the stream can be polled again; it ends after [`Event::Ended`].
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

/// The least rest between two polls, however long the first one took.
pub(crate) const SHORTEST_REST: Duration = Duration::from_millis(500);

/// Deletes or suspends a workload, as its tracker decided.
pub(crate) async fn act(client: &Client, pending: PendingAction, workload: &Workload) -> Result<(), Error> {
    let client = client.retrying_for(MAX_ACTION_DELAY);
    match pending {
        PendingAction::Delete(_) => client.delete_workload(workload).await,
        _ => client.suspend_workload(workload).await,
    }
}

/// How long an action may be retried, or wait for others, before another poll decides anew.
pub(crate) const MAX_ACTION_DELAY: Duration = Duration::from_secs(5);

pub(crate) const PAUSE_AFTER_ERROR: Duration = Duration::from_secs(1);
