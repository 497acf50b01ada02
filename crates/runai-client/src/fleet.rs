//! Following thousands of workloads with one poller.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use runai_spec::request::ApiRequest;
use runai_spec::wait::{Outcome, WaitPolicy, WaitState};
use runai_spec::wire::requests::{Filter, PAGE_LIMIT, Page, workloads};
use runai_spec::wire::{Workload, WorkloadList};
use tokio::time::{Instant, sleep_until};

use crate::client::{Client, Dated};
use crate::endpoints::MOST_PAGES;
use crate::error::Error;
use crate::follower::{Acted, Follower, Todo};
use crate::look::{Look, look};
use crate::receipt::{Progress, Receipt, ReceiptStore, StoreError};
use crate::retry::Repeat;
use crate::submission::Submitted;
use crate::time::rfc3339;
use crate::watch::{Event, PAUSE_AFTER_ERROR, Record, SHORTEST_REST};

/// What happens to a [`Fleet`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum FleetEvent {
    /// The control plane cannot be seen any more. No workload is touched, and all are looked for again and again.
    OutageBegan {
        /// What the last look met.
        error: Error,
    },
    /// The control plane can be seen again.
    OutageEnded {
        /// How long it could not.
        lasted: Duration,
    },
    /// Something is refused for a reason that waiting does not mend; it is tried again all the same, less often.
    Refused {
        /// Why.
        error: Error,
        /// The workload that it is about; all of a project when not given.
        workload_id: Option<String>,
    },
    /// Something happened to one workload.
    Workload {
        /// What happened. Nothing comes after [`Event::Ended`].
        event: Event,
        /// The workload.
        workload_id: String,
    },
}

/// Many workloads that are being followed, each by the rules of [`runai_spec::wait`].
///
/// Their phases come from lists of 500, project by project, so that `n` workloads cost about `n / 500` requests an
/// interval. When only few are due, and for those that a list does not show, the workloads are asked for one by one.
/// After a change looks come soon, in long runs seldom; the longer a project's list, the longer it is left alone.
///
/// Why a workload is pending, lists tell in fewer words than [`Watch`](crate::Watch) gets.
///
/// [`Fleet::next`] may be dropped at any moment and called again: nothing is lost.
///
/// ```no_run
/// use runai_client::{Client, Event, Fleet, FleetEvent, Submitted};
/// use runai_spec::wait::WaitPolicy;
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
#[derive(Debug)]
pub struct Fleet {
    client: Client,
    members: HashMap<String, Member>,
    projects: HashMap<String, Project>,
    events: VecDeque<FleetEvent>,
    /// Members of which something has to be written down, done, or left out.
    touched: Vec<String>,
    /// The list that is being read.
    sweep: Option<Sweep>,
    begun: Instant,
    blind_since: Option<Instant>,
    store: Option<Arc<dyn ReceiptStore>>,
}

#[derive(Debug)]
struct Member {
    follower: Follower,
    project_id: String,
    /// As the API wrote it.
    created_at: Option<String>,
    due: Instant,
    record: Option<Record>,
}

/// A project's list that is being read, page by page, so that a dropped future loses no more than one page.
#[derive(Debug)]
struct Sweep {
    project_id: String,
    /// From when on, as the API writes it.
    since: Option<String>,
    page: Page,
    /// Pages that were read.
    pages: usize,
    /// Members that are due and were not shown yet.
    left: HashSet<String>,
}

/// How a project's list is asked for.
#[derive(Debug)]
struct Project {
    /// Not before.
    next: Instant,
    /// Pages of the last list.
    pages: usize,
}

impl Fleet {
    /// A fleet without workloads.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self {
            client,
            members: HashMap::new(),
            projects: HashMap::new(),
            events: VecDeque::new(),
            touched: Vec::new(),
            sweep: None,
            begun: Instant::now(),
            blind_since: None,
            store: None,
        }
    }

    /// The same fleet, which keeps receipts of its workloads up to date.
    #[must_use]
    pub fn receipts(self, store: Arc<dyn ReceiptStore>) -> Self {
        Self { store: Some(store), ..self }
    }

    /// Goes on with all that another process left behind: every workload of this control plane whose receipt says
    /// that it has not ended.
    ///
    /// Gives the receipts of submissions of which it is not known whether they arrived:
    /// [`StepOperator::recover`](crate::StepOperator::recover) finds that out.
    ///
    /// # Errors
    /// The receipts cannot be read.
    pub async fn resume(client: Client, store: Arc<dyn ReceiptStore>) -> Result<(Self, Vec<Receipt>), StoreError> {
        let receipts = store.all().await?;
        let mut fleet = Self::new(client).receipts(store);
        let mut unknown = Vec::new();
        for receipt in receipts {
            match receipt.progress {
                _ if receipt.base_url != fleet.client.base_url() => {}
                Progress::Ended { .. } => {}
                Progress::Sending => unknown.push(receipt),
                Progress::Submitted { .. } => {
                    fleet.follow_receipt(receipt);
                }
            }
        }
        Ok((fleet, unknown))
    }

    /// Follows a workload from now on. One that is followed already stays as it is.
    pub fn follow(&mut self, submitted: &Submitted, policy: WaitPolicy) {
        let Submitted { workload_id, name, project_id, cluster_id, submission_id, .. } = submitted;
        // A workload that is no submission of ours has no receipt.
        let receipt = (self.store.is_some() && !submission_id.is_empty()).then(|| Receipt {
            base_url: self.client.base_url().to_owned(),
            cluster_id: cluster_id.clone(),
            name: name.clone(),
            policy: policy.clone(),
            project_id: project_id.clone(),
            // The fleet knows projects by their ids alone.
            project_name: String::new(),
            progress: Progress::Submitted { workload_id: workload_id.clone() },
            submission_id: submission_id.clone(),
            wait: WaitState::default(),
        });
        self.add(workload_id.clone(), name.clone(), project_id.clone(), policy, WaitState::default(), receipt);
    }

    /// Follows the workload of a receipt from where it says; says whether it names a workload that has not ended.
    pub fn follow_receipt(&mut self, receipt: Receipt) -> bool {
        let Progress::Submitted { workload_id } = &receipt.progress else { return false };
        let Receipt { name, project_id, policy, wait, .. } = &receipt;
        let (workload_id, name, project_id) = (workload_id.clone(), name.clone(), project_id.clone());
        let (policy, wait) = (policy.clone(), wait.clone());
        self.add(workload_id, name, project_id, policy, wait, Some(receipt));
        true
    }

    /// From now on the workload is to be stopped; says whether it is followed. Go on with [`Fleet::next`].
    pub fn cancel(&mut self, workload_id: &str) -> bool {
        let Some(member) = self.members.get_mut(workload_id) else { return false };
        member.follower.cancel();
        member.due = Instant::now();
        // Whoever cancels does not want to wait until the list may be read again.
        if let Some(project) = self.projects.get_mut(&member.project_id) {
            project.next = member.due;
        }
        self.touched.push(workload_id.to_owned());
        true
    }

    /// From now on all workloads are to be stopped. Go on with [`Fleet::next`] until none is left.
    pub fn cancel_all(&mut self) {
        let ids: Vec<String> = self.members.keys().cloned().collect();
        for id in ids {
            self.cancel(&id);
        }
    }

    /// How many workloads are followed and have not ended.
    #[must_use]
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether no workload is followed any more.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// What was seen of a workload that is followed.
    #[must_use]
    pub fn state(&self, workload_id: &str) -> Option<&WaitState> {
        self.members.get(workload_id).map(|member| member.follower.state())
    }

    /// Waits for the next event; nothing once every workload has ended.
    pub async fn next(&mut self) -> Option<FleetEvent> {
        loop {
            self.write_down().await;
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            self.act().await;
            if !self.touched.is_empty() || !self.events.is_empty() {
                continue;
            }
            if self.sweep.is_some() {
                self.read_page().await;
                continue;
            }
            let (project_id, at) = self.next_project()?;
            sleep_until(at).await;
            self.look_at(&project_id).await;
        }
    }

    fn add(
        &mut self,
        workload_id: String,
        name: String,
        project_id: String,
        policy: WaitPolicy,
        state: WaitState,
        receipt: Option<Receipt>,
    ) {
        let now = Instant::now();
        self.projects.entry(project_id.clone()).or_insert(Project { next: now, pages: 0 });
        let record = receipt.zip(self.store.clone()).map(|(receipt, store)| Record::new(receipt, store));
        self.members.entry(workload_id.clone()).or_insert_with(|| {
            let mut follower = Follower::new(workload_id, policy, state);
            follower.set_name(name);
            Member { follower, project_id, created_at: None, due: now, record }
        });
    }

    /// Brings receipts up to date, and leaves out what has ended.
    async fn write_down(&mut self) {
        let Some(store) = self.store.clone() else { return self.leave_out() };
        let pending: Vec<(String, Receipt)> = self
            .touched
            .iter()
            .filter_map(|id| {
                let Member { follower, record, .. } = self.members.get_mut(id)?;
                Some((id.clone(), record.as_mut()?.pending(follower)?))
            })
            .collect();
        let mut written = stream::iter(pending)
            .map(|(id, receipt)| {
                let store = &store;
                async move { (id, store.put(receipt).await) }
            })
            .buffer_unordered(WRITES_AT_ONCE);
        while let Some((id, result)) = written.next().await {
            let Some(Member { follower, record: Some(record), .. }) = self.members.get_mut(&id) else { continue };
            let mut events = VecDeque::new();
            record.written(follower, result, &mut events);
            self.events.extend(events.into_iter().map(|event| of(&id, event)));
        }
        drop(written);
        self.leave_out();
    }

    fn leave_out(&mut self) {
        // Those with something to be done about them are found by `act`.
        for id in std::mem::take(&mut self.touched) {
            let ended = self.members.get(&id).is_some_and(|member| member.follower.outcome().is_some());
            if ended {
                self.members.remove(&id);
            }
        }
    }

    /// Asks for the suspensions and deletions that are due.
    async fn act(&mut self) {
        let todo: Vec<(String, Todo)> = self
            .members
            .iter()
            .map(|(id, member)| (id.clone(), member.follower.todo()))
            .filter(|(_, todo)| matches!(todo, Todo::Delete(_) | Todo::Suspend))
            .collect();
        let client = self.client.clone();
        let mut results = stream::iter(todo)
            .map(|(id, todo)| {
                let client = &client;
                async move {
                    let result = match todo {
                        Todo::Delete(_) => client.delete(&id).await,
                        _ => client.suspend(&id).await,
                    };
                    (id, result)
                }
            })
            .buffer_unordered(REQUESTS_AT_ONCE);
        while let Some((id, result)) = results.next().await {
            let Some(member) = self.members.get_mut(&id) else { continue };
            let mut events = VecDeque::new();
            member.due = Instant::now();
            let acted = member.follower.acted(result, &mut events);
            if matches!(acted, Acted::Refused(_)) {
                member.due += PAUSE_AFTER_ERROR;
            }
            self.events.extend(events.into_iter().map(|event| of(&id, event)));
            self.touched.push(id.clone());
            match acted {
                Acted::Taken => {}
                Acted::Refused(error) => {
                    self.events.push_back(FleetEvent::Refused { error, workload_id: Some(id) });
                }
                Acted::Unreachable(error) => {
                    // The others would meet the same, each after its own attempts.
                    drop(results);
                    for (id, member) in &mut self.members {
                        if matches!(member.follower.todo(), Todo::Delete(_) | Todo::Suspend) {
                            member.follower.acted(Err(error.clone()), &mut VecDeque::new());
                            self.touched.push(id.clone());
                        }
                    }
                    return self.note_outage(Some(&error));
                }
            }
        }
    }

    /// The project whose workloads are to be looked at next, and when.
    fn next_project(&self) -> Option<(String, Instant)> {
        let mut earliest: HashMap<&str, Instant> = HashMap::new();
        for member in self.members.values() {
            let due = earliest.entry(&member.project_id).or_insert(member.due);
            *due = member.due.min(*due);
        }
        let at = |(id, due): (&str, Instant)| {
            let next = self.projects.get(id).map_or(due, |project| project.next);
            (id.to_owned(), due.max(next))
        };
        earliest.into_iter().map(at).min_by_key(|(_, at)| *at)
    }

    async fn look_at(&mut self, project_id: &str) {
        let now = Instant::now();
        let members = || self.members.values().filter(|member| member.project_id == project_id);
        // Who is nearly due is due: looking once for all of them is what makes it cheap.
        let due: HashSet<String> = members()
            .filter(|member| member.due <= now + COALESCED)
            .map(|member| member.follower.workload_id().to_owned())
            .collect();
        let seen = self.projects.get(project_id).map_or(0, |project| project.pages);
        let pages = seen.max(members().count().div_ceil(PAGE_LIMIT as usize)).max(1);
        if due.len() > pages {
            let since = self.oldest(project_id);
            let page = Page::first(PAGE_LIMIT);
            self.sweep = Some(Sweep { project_id: project_id.to_owned(), since, page, pages: 0, left: due });
        } else {
            self.look_singly(due).await;
            self.rest(project_id);
        }
    }

    /// Leaves a project alone for a while: the longer its list, the longer; not to the second, so that many fleets spread
    /// out.
    fn rest(&mut self, project_id: &str) {
        let Some(project) = self.projects.get_mut(project_id) else { return };
        let rest = u32::try_from(project.pages.max(1)).map_or(LONGEST_REST, |pages| REST_PER_PAGE * pages);
        let rest = rest.clamp(SHORTEST_REST, LONGEST_REST).mul_f64(0.9 + fastrand::f64() / 5.0);
        project.next = Instant::now() + rest;
    }

    /// Reads the next page of the list at hand, and after the last one looks for those that it did not show.
    async fn read_page(&mut self) {
        let Some(sweep) = &self.sweep else { return };
        let began = Instant::now();
        let request = list(&sweep.project_id, sweep.since.as_deref(), sweep.page);
        let answer: Result<Dated<WorkloadList>, Error> = self.client.exchange(&request, Repeat::Freely).await;
        let Some(mut sweep) = self.sweep.take() else { return };
        let Dated { value: WorkloadList { next, workloads }, date } = match answer {
            Ok(dated) => dated,
            // Another version may not know such a list.
            Err(error) if error.is_refused() || error.is_not_found() => {
                self.look_singly(sweep.left).await;
                return self.rest(&sweep.project_id);
            }
            Err(error) => {
                self.lost(sweep.left, &error, began);
                return self.rest(&sweep.project_id);
            }
        };
        self.note_outage(None);
        sweep.pages += 1;
        for workload in workloads {
            let id = workload.id.clone();
            sweep.left.remove(&id);
            self.take(&id, Look::at(workload, date), began);
        }
        let next = next.and_then(|next| u32::try_from(next).ok()).filter(|next| *next > sweep.page.offset);
        if let Some(offset) = next.filter(|_| !sweep.left.is_empty() && sweep.pages < MOST_PAGES) {
            sweep.page = sweep.page.from(offset);
            self.sweep = Some(sweep);
            return;
        }
        if let Some(project) = self.projects.get_mut(&sweep.project_id) {
            project.pages = sweep.pages;
        }
        self.look_singly(sweep.left).await;
        self.rest(&sweep.project_id);
    }

    async fn look_singly(&mut self, ids: HashSet<String>) {
        let client = self.client.clone();
        let looks: Vec<(String, Option<String>)> = ids
            .into_iter()
            .map(|id| {
                let name = self.members.get(&id).and_then(|member| member.follower.name()).map(str::to_owned);
                (id, name)
            })
            .collect();
        let mut looks = stream::iter(looks)
            .map(|(id, name)| {
                let client = &client;
                async move {
                    let began = Instant::now();
                    let result = look(client, &id, name.as_deref()).await;
                    (id, began, result)
                }
            })
            .buffer_unordered(REQUESTS_AT_ONCE);
        while let Some((id, began, result)) = looks.next().await {
            match result {
                Ok(Look { error: Some(error), .. }) | Err(error) => self.lost(HashSet::from([id]), &error, began),
                Ok(look) => {
                    self.note_outage(None);
                    self.take(&id, look, began);
                }
            }
        }
    }

    /// The members could not be looked at.
    fn lost(&mut self, ids: HashSet<String>, error: &Error, began: Instant) {
        let mut refused = None;
        for id in ids {
            let Some(member) = self.members.get_mut(&id) else { continue };
            match member.follower.judge(error.clone()) {
                Ok(look) => self.take(&id, look, began),
                Err(error) => {
                    member.due = Instant::now() + LONGEST_REST;
                    refused = Some((error, id));
                }
            }
        }
        match refused {
            Some((error, id)) => {
                let workload_id = error.is_not_found().then_some(id);
                self.events.push_back(FleetEvent::Refused { error, workload_id });
            }
            None => self.note_outage(Some(error)),
        }
    }

    fn take(&mut self, id: &str, look: Look, began: Instant) {
        let now = self.begun.elapsed();
        // The list shows what others submitted, too.
        let Some(member) = self.members.get_mut(id) else { return };
        if member.follower.todo() != Todo::Look {
            return;
        }
        if let Some(Workload { created_at, .. }) = &look.workload
            && member.created_at.is_none()
            && rfc3339(created_at).is_some()
        {
            member.created_at = Some(created_at.clone());
        }
        let mut events = VecDeque::new();
        if let Some(after) = member.follower.take(look, began, now, &mut events) {
            member.due = (began + after).max(Instant::now() + after.min(SHORTEST_REST));
        }
        if member.follower.is_unsaved() {
            self.touched.push(id.to_owned());
        }
        self.events.extend(events.into_iter().map(|event| of(id, event)));
    }

    fn note_outage(&mut self, error: Option<&Error>) {
        match (error, self.blind_since) {
            (Some(error), None) => {
                self.blind_since = Some(Instant::now());
                self.events.push_back(FleetEvent::OutageBegan { error: error.clone() });
            }
            (None, Some(since)) => {
                self.blind_since = None;
                self.events.push_back(FleetEvent::OutageEnded { lasted: since.elapsed() });
            }
            (Some(_), Some(_)) | (None, None) => {}
        }
    }

    /// When the project's oldest member was created; not known before all of them were seen.
    fn oldest(&self, project_id: &str) -> Option<String> {
        let mut oldest: Option<(Duration, &String)> = None;
        for member in self.members.values().filter(|member| member.project_id == project_id) {
            let text = member.created_at.as_ref()?;
            let at = rfc3339(text)?;
            if oldest.is_none_or(|(other, _)| at < other) {
                oldest = Some((at, text));
            }
        }
        oldest.map(|(_, text)| text.clone())
    }
}

fn of(workload_id: &str, event: Event) -> FleetEvent {
    FleetEvent::Workload { event, workload_id: workload_id.to_owned() }
}

/// A page of a project's workloads, the oldest first: what is submitted meanwhile comes last and shifts no page.
///
/// Only from the oldest member on, so that what ended long ago costs nothing.
fn list(project_id: &str, since: Option<&str>, page: Page) -> ApiRequest {
    let mut request = workloads(&[Filter::Equals("projectId", project_id)], false, page);
    if let Some(since) = since
        && let Some((_, filters)) = request.query.iter_mut().find(|(name, _)| *name == "filterBy")
    {
        filters.push_str(",createdAt>=");
        filters.push_str(since);
    }
    request.query("sortBy", "createdAt").query("sortOrder", "asc")
}

/// How many outcomes there are of each kind, in the order of [`Outcome::ALL`]; for a summary of a fleet.
#[must_use]
pub fn tally(outcomes: impl IntoIterator<Item = Outcome>) -> Vec<(Outcome, usize)> {
    let mut counts: HashMap<Outcome, usize> = HashMap::new();
    for outcome in outcomes {
        *counts.entry(outcome).or_default() += 1;
    }
    Outcome::ALL.into_iter().filter_map(|outcome| Some((outcome, counts.remove(&outcome)?))).collect()
}

/// Members that are due within this time are looked at together.
const COALESCED: Duration = Duration::from_secs(2);

/// A project's list is left alone for so long, for every page that it has.
const REST_PER_PAGE: Duration = Duration::from_millis(500);

/// The longest that a project's list is left alone.
const LONGEST_REST: Duration = Duration::from_secs(30);

const REQUESTS_AT_ONCE: usize = 8;
const WRITES_AT_ONCE: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_begin_with_the_oldest_member() {
        let target = list("7", Some("2026-11-23T10:00:00.000Z"), Page::first(500).from(500)).target();
        assert_eq!(
            target,
            "/api/v1/workloads?filterBy=projectId%3D%3D7%2CcreatedAt%3E%3D2026-11-23T10%3A00%3A00.000Z&offset=500\
             &limit=500&sortBy=createdAt&sortOrder=asc"
        );
    }

    #[test]
    fn outcomes_are_counted_in_their_order() {
        let counted = tally([Outcome::Succeeded, Outcome::Failed, Outcome::Succeeded]);
        assert_eq!(counted, [(Outcome::Failed, 1), (Outcome::Succeeded, 2)]);
    }
}
