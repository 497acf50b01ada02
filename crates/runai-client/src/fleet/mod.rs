//! Follows thousands of workloads with one poller.

mod actions;
mod duplicates;
mod event;
mod member;
mod project;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Context, ready};

use futures_core::Stream;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use runai_api::wire::Workload;
use tokio::time::Instant;

use crate::lifecycle::{WaitPolicy, WaitState};

pub use self::event::{FleetEvent, OutageScope, tally};
use self::member::Member;
use self::project::Project;
use crate::client::{Client, Dated};
use crate::endpoints::page::LenientPage;
use crate::error::{Error, one_line};
use crate::poll::Poll;
use crate::receipt::{BoxFuture, Progress, Receipt, ReceiptStore, StoreError};
use crate::record::StoreResult;
use crate::submission::{Submitted, duplicate_until};
use crate::timer::Timer;
use crate::tracker::PendingAction;

/// Follows many workloads, each by the rules of [`crate::lifecycle`].
///
/// Phases come from lists of 500 per project, so `n` workloads cost about `n / 500` requests per interval. If only a
/// few workloads are due, or a list omits some, these are polled individually. Polling is frequent after a change and
/// rare in long runs. The pause between two lists grows with their length. Projects are polled concurrently, so one
/// that hangs does not delay the others.
///
/// Lists contain less detail than [`Watch`](crate::Watch) about why a workload is pending.
///
/// [`Fleet::next`] is cancel safe: its requests stay in flight. A fleet is also a [`Stream`].
///
/// ```no_run
/// use runai_client::{Client, Event, Fleet, FleetEvent, Submitted};
/// use runai_client::lifecycle::WaitPolicy;
///
/// # async fn run(client: Client, submitted: Vec<Submitted>) {
/// let mut fleet = Fleet::new(client);
/// for one in &submitted {
///     fleet.follow(one, WaitPolicy::default());
/// }
/// while let Some(event) = fleet.next().await {
///     if let FleetEvent::Workload { workload_id, event: Event::Ended { outcome } } = event {
///         println!("{workload_id}: {outcome}");
///     }
/// }
/// # }
/// ```
pub struct Fleet {
    client: Client,
    store: Option<Arc<dyn ReceiptStore>>,
    begun: Instant,
    members: HashMap<String, Member>,
    projects: HashMap<String, Project>,
    events: VecDeque<FleetEvent>,
    outages: HashMap<OutageScope, Instant>,
    /// Projects to poll, by time.
    wake: BTreeSet<(Instant, String)>,
    /// Members to check for duplicates, by time.
    duplicate_checks: BTreeSet<(Instant, String)>,
    /// Members whose receipts must be stored.
    unsaved: VecDeque<String>,
    storing: usize,
    in_flight: FuturesUnordered<BoxFuture<'static, Completed>>,
    timer: Timer,
}

/// The result of a request or a write.
enum Completed {
    ActionResult { id: String, project_id: String, result: Result<(), Error> },
    Checked { id: String, began: Instant, result: Result<Vec<String>, Error> },
    Listed { project_id: String, began: Instant, result: Result<Dated<LenientPage<Workload>>, Error> },
    Polled { id: String, project_id: String, began: Instant, result: Result<Box<Poll>, Error> },
    Stored { id: String, result: StoreResult },
}

impl Fleet {
    /// Returns a fleet without workloads.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self {
            client,
            store: None,
            begun: Instant::now(),
            members: HashMap::new(),
            projects: HashMap::new(),
            events: VecDeque::new(),
            outages: HashMap::new(),
            wake: BTreeSet::new(),
            duplicate_checks: BTreeSet::new(),
            unsaved: VecDeque::new(),
            storing: 0,
            in_flight: FuturesUnordered::new(),
            timer: Timer::default(),
        }
    }

    /// Keeps the receipts of workloads in `store` up to date.
    #[must_use]
    pub fn receipts(self, store: Arc<dyn ReceiptStore>) -> Self {
        Self { store: Some(store), ..self }
    }

    /// Resumes the workloads of another process: all of this control plane with a receipt that has not ended.
    ///
    /// Also returns the receipts of unsettled submissions; [`StepOperator::recover`](crate::StepOperator::recover)
    /// resolves them. Unreadable receipts are logged.
    ///
    /// # Errors
    /// The store cannot list receipts.
    pub async fn resume(client: Client, store: Arc<dyn ReceiptStore>) -> Result<(Self, Vec<Receipt>), StoreError> {
        let list = store.list().await?;
        for error in list.unreadable {
            tracing::warn!(error = one_line(&error), "unreadable receipt; its workload is not followed");
        }
        let mut fleet = Self::new(client).receipts(store);
        let mut unsettled = Vec::new();
        for receipt in list.receipts {
            if receipt.base_url != fleet.client.base_url() {
                continue;
            }
            if receipt.is_unsettled() {
                unsettled.push(receipt);
            } else {
                fleet.follow_receipt(receipt);
            }
        }
        Ok((fleet, unsettled))
    }

    /// Starts to follow a workload, unless it is followed already.
    pub fn follow(&mut self, submitted: &Submitted, policy: WaitPolicy) {
        let Submitted { workload_id, name, project_id, cluster_id, submission_id, .. } = submitted;
        // A workload that this crate did not submit has no receipt.
        let receipt = (self.store.is_some() && !submission_id.is_empty()).then(|| Receipt {
            version: Receipt::VERSION,
            base_url: self.client.base_url().to_owned(),
            cluster_id: cluster_id.clone(),
            name: name.clone(),
            policy: policy.clone(),
            project_id: project_id.clone(),
            progress: Progress::Submitted { workload_id: workload_id.clone() },
            submission_id: submission_id.clone(),
            ..Receipt::default()
        });
        let member = Member::new(submitted, policy, WaitState::default());
        self.add(member, receipt, Some(submitted));
    }

    /// Resumes following the workload of a receipt. Returns whether the receipt has one that has not ended.
    pub fn follow_receipt(&mut self, receipt: Receipt) -> bool {
        self.follow_recorded(None, receipt)
    }

    /// Like [`Fleet::follow_receipt`], for a workload that this process submitted: its clocks are known, and the fleet
    /// checks it for duplicates.
    pub fn follow_submitted(&mut self, submitted: &Submitted, receipt: Receipt) -> bool {
        self.follow_recorded(Some(submitted), receipt)
    }

    fn follow_recorded(&mut self, submitted: Option<&Submitted>, receipt: Receipt) -> bool {
        let Progress::Submitted { workload_id } = &receipt.progress else { return false };
        let of_receipt = Submitted {
            workload_id: workload_id.clone(),
            name: receipt.name.clone(),
            project_id: receipt.project_id.clone(),
            cluster_id: receipt.cluster_id.clone(),
            submission_id: receipt.submission_id.clone(),
            ..Submitted::default()
        };
        let member = Member::new(&of_receipt, receipt.policy.clone(), receipt.wait.clone());
        self.add(member, Some(receipt), submitted);
        true
    }

    fn add(&mut self, mut member: Member, receipt: Option<Receipt>, submitted: Option<&Submitted>) {
        let id = member.tracker.id().to_owned();
        if self.members.contains_key(&id) {
            return;
        }
        if let Some(creation) = submitted.and_then(|submitted| submitted.creation) {
            member.tracker.created(creation, self.begun.elapsed());
        }
        // A receipt also contains how often the request was sent.
        let of_receipt = receipt.as_ref().and_then(duplicate_until);
        member.duplicate_until = submitted.map_or(of_receipt, |submitted| submitted.duplicate_until);
        if let Some(until) = member.duplicate_until {
            self.duplicate_checks.insert((until.min(Instant::now() + duplicates::INTERVAL), id.clone()));
        }
        member.record_in(receipt, self.store.as_ref());
        let project_id = member.project_id.clone();
        self.projects.entry(project_id.clone()).or_default().members.insert(id.clone());
        self.members.insert(id, member);
        self.wake_at(&project_id, Instant::now());
    }

    /// Cancels a workload. Returns whether it is followed. Call [`Fleet::next`] until it has ended.
    pub fn cancel(&mut self, workload_id: &str) -> bool {
        let Some(member) = self.members.get_mut(workload_id) else { return false };
        member.tracker.cancel();
        member.due = Instant::now();
        let (project_id, due) = (member.project_id.clone(), member.due);
        // A cancel does not wait for the next list.
        if let Some(project) = self.projects.get_mut(&project_id) {
            project.not_before = due;
        }
        self.wake_at(&project_id, due);
        self.save(workload_id);
        true
    }

    /// Cancels all workloads. Call [`Fleet::next`] until it returns `None`.
    pub fn cancel_all(&mut self) {
        let ids: Vec<String> = self.members.keys().cloned().collect();
        for id in ids {
            self.cancel(&id);
        }
    }

    /// Returns the number of followed workloads that have not ended.
    #[must_use]
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Returns whether no workload is followed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Returns the wait state of a followed workload.
    #[must_use]
    pub fn state(&self, workload_id: &str) -> Option<&WaitState> {
        self.members.get(workload_id).map(|member| member.tracker.state())
    }

    /// Waits for the next event; `None` after every workload has ended.
    pub async fn next(&mut self) -> Option<FleetEvent> {
        poll_fn(|cx| self.poll_event(cx)).await
    }

    /// Polls for the next event. All pending work is in `self`, so that dropping [`Fleet::next`] loses nothing.
    fn poll_event(&mut self, cx: &mut Context<'_>) -> task::Poll<Option<FleetEvent>> {
        loop {
            self.start_due_work();
            if let Some(event) = self.events.pop_front() {
                return task::Poll::Ready(Some(event));
            }
            if self.members.is_empty() {
                return task::Poll::Ready(None);
            }
            let due = [self.wake.first(), self.duplicate_checks.first()].into_iter().flatten().map(|(at, _)| *at).min();
            debug_assert!(due.is_some() || !self.in_flight.is_empty(), "nothing is planned for {} members", self.len());
            if let task::Poll::Ready(Some(completed)) = self.in_flight.poll_next_unpin(cx) {
                self.complete(completed);
                continue;
            }
            match due {
                Some(due) => ready!(self.timer.poll_until(due, cx)),
                None => return task::Poll::Pending,
            }
        }
    }

    fn start_due_work(&mut self) {
        let now = Instant::now();
        while self.storing < MAX_CONCURRENT_WRITES
            && let Some(id) = self.unsaved.pop_front()
        {
            self.start_store(&id);
        }
        while let Some((at, _)) = self.wake.first()
            && *at <= now
            && let Some((_, project_id)) = self.wake.pop_first()
        {
            if let Some(project) = self.projects.get_mut(&project_id) {
                project.wakes_at = None;
            }
            self.start_round(&project_id);
        }
        while let Some((at, _)) = self.duplicate_checks.first()
            && *at <= now
            && let Some((_, id)) = self.duplicate_checks.pop_first()
        {
            self.start_duplicate_check(id);
        }
    }

    /// Schedules a poll of a project at `at` or earlier.
    fn wake_at(&mut self, project_id: &str, at: Instant) {
        let Some(project) = self.projects.get_mut(project_id) else { return };
        if let Some(planned) = project.wakes_at {
            if planned <= at {
                return;
            }
            self.wake.remove(&(planned, project_id.to_owned()));
        }
        project.wakes_at = Some(at);
        self.wake.insert((at, project_id.to_owned()));
    }

    fn save(&mut self, id: &str) {
        if let Some(member) = self.members.get_mut(id)
            && !member.is_queued
        {
            member.is_queued = true;
            self.unsaved.push_back(id.to_owned());
        }
    }

    /// Stores the receipt of a member before its events are reported and its actions start, so that a process that
    /// resumes after a crash knows the decisions of this one.
    fn start_store(&mut self, id: &str) {
        let Some(member) = self.members.get_mut(id) else { return };
        member.is_queued = false;
        if member.is_storing {
            return;
        }
        if let Some(stored) = member.flush() {
            member.is_storing = true;
            self.storing += 1;
            let id = id.to_owned();
            self.in_flight.push(Box::pin(async move { Completed::Stored { id, result: stored.await } }));
        } else {
            self.release(id);
        }
    }

    /// Reports a member's events and starts its pending action; removes a member that has ended.
    pub(super) fn release(&mut self, id: &str) {
        let Some(member) = self.members.get_mut(id) else { return };
        let to_fleet_event = |event| FleetEvent::Workload { event, workload_id: id.to_owned() };
        match member.tracker.pending() {
            PendingAction::Nothing(_) => {
                if member.duplicate_until.is_some() && !member.is_checked_at_end {
                    // The last chance to find a duplicate.
                    member.is_checked_at_end = true;
                    return self.start_duplicate_check(id.to_owned());
                }
                self.events.extend(member.events.drain(..).map(to_fleet_event));
                let project_id = member.project_id.clone();
                self.members.remove(id);
                if let Some(project) = self.projects.get_mut(&project_id) {
                    project.members.remove(id);
                }
            }
            PendingAction::Poll => self.events.extend(member.events.drain(..).map(to_fleet_event)),
            PendingAction::Delete(_) | PendingAction::Suspend => {
                self.events.extend(member.events.drain(..).map(to_fleet_event));
                if !member.is_acting {
                    member.is_acting = true;
                    member.acting_since = Instant::now();
                    let project_id = member.project_id.clone();
                    self.projects.entry(project_id.clone()).or_default().actions.push_back(id.to_owned());
                    self.start_actions(&project_id);
                }
            }
        }
    }

    fn complete(&mut self, completed: Completed) {
        match completed {
            Completed::ActionResult { id, project_id, result } => self.acted(&id, &project_id, result),
            Completed::Checked { id, began, result } => self.checked(&id, began, result),
            Completed::Listed { project_id, began, result } => self.listed(&project_id, began, result),
            Completed::Polled { id, project_id, began, result } => {
                self.polled(&id, &project_id, began, result.map(|poll| *poll));
            }
            Completed::Stored { id, result } => {
                self.storing -= 1;
                if let Some(member) = self.members.get_mut(&id) {
                    member.stored(result);
                    if member.tracker.is_unsaved() {
                        self.save(&id);
                    } else {
                        self.release(&id);
                    }
                }
            }
        }
    }

    /// Handles the poll of a member.
    fn take(&mut self, id: &str, poll: Poll, began: Instant) {
        let now = self.begun.elapsed();
        // Lists also contain workloads that are not followed.
        let Some(member) = self.members.get_mut(id) else { return };
        if member.take(poll, began, now) {
            self.save(id);
        }
    }

    /// Handles a failed poll of members.
    fn poll_failed(&mut self, project_id: &str, ids: impl IntoIterator<Item = String>, error: &Error, began: Instant) {
        let mut refused = Vec::new();
        for id in ids {
            let Some(member) = self.members.get_mut(&id) else { continue };
            if let Ok(poll) = member.tracker.classify(error.clone()) {
                self.take(&id, poll, began);
            } else {
                member.due = Instant::now() + project::MAX_LIST_PAUSE;
                refused.push(id);
            }
        }
        if refused.is_empty() {
            self.note_outage(project_id, error);
        } else {
            self.events.push_back(FleetEvent::Refused { error: error.clone(), workload_ids: refused });
        }
    }

    fn note_outage(&mut self, project_id: &str, error: &Error) {
        // Without a connection or a token, no project can be polled.
        let scope = if error.is_control_plane_outage() {
            OutageScope::ControlPlane
        } else {
            OutageScope::Project { project_id: project_id.to_owned() }
        };
        let is_reported = self.outages.contains_key(&OutageScope::ControlPlane) || self.outages.contains_key(&scope);
        if !is_reported {
            self.outages.insert(scope.clone(), Instant::now());
            self.events.push_back(FleetEvent::OutageBegan { scope, error: error.clone() });
        }
    }

    fn note_seen(&mut self, project_id: &str) {
        if self.outages.is_empty() {
            return;
        }
        for scope in [OutageScope::ControlPlane, OutageScope::Project { project_id: project_id.to_owned() }] {
            if let Some(since) = self.outages.remove(&scope) {
                self.events.push_back(FleetEvent::OutageEnded { scope, lasted: since.elapsed() });
            }
        }
    }
}

/// Yields the events of [`Fleet::next`].
impl Stream for Fleet {
    type Item = FleetEvent;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> task::Poll<Option<FleetEvent>> {
        self.poll_event(cx)
    }
}

impl fmt::Debug for Fleet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fleet").field("members", &self.members.len()).finish_non_exhaustive()
    }
}

/// Maximum number of concurrent polls of one project, and of concurrent actions.
const MAX_CONCURRENT_REQUESTS: usize = 8;

/// Maximum number of concurrent writes of receipts.
const MAX_CONCURRENT_WRITES: usize = 16;
