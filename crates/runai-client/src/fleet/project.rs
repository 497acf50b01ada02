//! Polls the workloads of one project, by lists or individually.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use runai_api::request::ApiRequest;
use runai_api::wire::Workload;
use runai_api::wire::requests::{ListParams, PAGE_LIMIT, Page, SortOrder, workloads};
use tokio::time::Instant;

use super::{Completed, Fleet, FleetEvent, MAX_CONCURRENT_REQUESTS};
use crate::client::Dated;
use crate::endpoints::MAX_PAGES;
use crate::endpoints::page::LenientPage;
use crate::error::{Error, one_line};
use crate::poll::{Poll, poll};
use crate::retry::Idempotency;
use crate::time::rfc3339;

/// A project with followed workloads.
#[derive(Debug)]
pub(super) struct Project {
    pub(super) members: HashSet<String>,
    /// The scheduled time of the next poll.
    pub(super) wakes_at: Option<Instant>,
    /// The project is not polled before.
    pub(super) not_before: Instant,
    round: Option<PollRound>,
    /// Number of pages of the last list, of [`PAGE_LIMIT`] items.
    pages: usize,
    /// Number of items per page; halved after a failed page.
    page_limit: u32,
    /// Until when lists are not tried, after one that failed.
    list_fails_until: Option<Instant>,
    is_individual_polling_reported: bool,
    /// Members to suspend or delete.
    pub(super) actions: VecDeque<String>,
    /// Number of actions in flight.
    pub(super) acting: usize,
}

/// One round of polls of a project.
#[derive(Debug)]
pub(super) struct PollRound {
    /// The list in progress.
    list: Option<ListCursor>,
    /// Members to poll individually.
    queue: VecDeque<String>,
    /// Number of individual polls in flight.
    polling: usize,
    /// A failed list, and the member whose poll shows whether only the list fails.
    probe: Option<(ListCursor, String)>,
    /// Members that a complete list did not contain.
    unlisted: HashSet<String>,
}

/// The position in a project's list.
#[derive(Debug)]
pub(super) struct ListCursor {
    /// Minimum `createdAt` of the listed workloads, as the API wrote it.
    since: Option<String>,
    page: Page,
    /// Number of pages read.
    pages: usize,
    /// Due members that the list has not contained yet.
    left: HashSet<String>,
}

impl Default for Project {
    fn default() -> Self {
        Self {
            members: HashSet::new(),
            wakes_at: None,
            not_before: Instant::now(),
            round: None,
            pages: 0,
            page_limit: PAGE_LIMIT,
            list_fails_until: None,
            is_individual_polling_reported: false,
            actions: VecDeque::new(),
            acting: 0,
        }
    }
}

impl Fleet {
    /// Starts a round of polls of the project's due members, unless one is in progress.
    pub(super) fn start_round(&mut self, project_id: &str) {
        let now = Instant::now();
        let Some(project) = self.projects.get(project_id) else { return };
        if project.round.is_some() {
            // The end of the round schedules the next one.
            return;
        }
        if project.not_before > now {
            let at = project.not_before;
            return self.wake_at(project_id, at);
        }
        // Members that are nearly due are included: one list for all of them is cheaper.
        let members = project.members.iter().filter_map(|id| Some((id, self.members.get(id)?)));
        let due: Vec<(&String, bool)> = members
            .filter(|(_, member)| member.due <= now + DUE_WINDOW)
            .map(|(id, member)| (id, member.unlisted >= UNLISTED_LISTS))
            .collect();
        if due.is_empty() {
            return self.schedule(project_id);
        }
        let pages = project.pages.max(project.members.len().div_ceil(PAGE_LIMIT as usize)).max(1);
        let is_listed = due.len() > pages && project.list_fails_until.is_none_or(|until| until <= now);
        let mut round =
            PollRound { list: None, queue: VecDeque::new(), polling: 0, probe: None, unlisted: HashSet::new() };
        let mut left = HashSet::new();
        for (id, is_unlisted) in due {
            if is_listed && !is_unlisted {
                left.insert(id.clone());
            } else {
                round.queue.push_back(id.clone());
            }
        }
        if !left.is_empty() {
            let page = Page::first(project.page_limit);
            round.list = Some(ListCursor { since: self.oldest(project_id), page, pages: 0, left });
        }
        if let Some(project) = self.projects.get_mut(project_id) {
            if project.list_fails_until.is_some_and(|until| until <= now) {
                // Try full pages again.
                project.list_fails_until = None;
                project.page_limit = PAGE_LIMIT;
            }
            project.round = Some(round);
        }
        self.start_page(project_id);
        self.start_polls(project_id);
    }

    /// Requests the next page of the list.
    fn start_page(&mut self, project_id: &str) {
        let Some(PollRound { list: Some(cursor), .. }) = self.projects.get(project_id).and_then(|it| it.round.as_ref())
        else {
            return;
        };
        let request = list(project_id, cursor.since.as_deref(), cursor.page);
        let (client, project_id) = (self.client.clone(), project_id.to_owned());
        self.in_flight.push(Box::pin(async move {
            let began = Instant::now();
            let result = client.exchange(&request, Idempotency::Idempotent).await;
            Completed::Listed { project_id, began, result }
        }));
    }

    /// Starts individual polls up to the limit; ends the round if none is left.
    fn start_polls(&mut self, project_id: &str) {
        let Some(project) = self.projects.get_mut(project_id) else { return };
        let Some(round) = &mut project.round else { return };
        while round.polling < MAX_CONCURRENT_REQUESTS
            && let Some(id) = round.queue.pop_front()
        {
            let Some(member) = self.members.get(&id) else { continue };
            round.polling += 1;
            let (client, target) = (self.client.clone(), member.tracker.target().clone());
            let project_id = project_id.to_owned();
            self.in_flight.push(Box::pin(async move {
                let began = Instant::now();
                let result = poll(&client, &target).await.map(Box::new);
                Completed::Polled { id, project_id, began, result }
            }));
        }
        if round.polling == 0 && round.list.is_none() && round.probe.is_none() {
            project.round = None;
            self.pause_lists(project_id);
            self.schedule(project_id);
        }
    }

    /// Pauses polls of a project, for a time that grows with its list. Jitter spreads the load of many fleets.
    fn pause_lists(&mut self, project_id: &str) {
        let Some(project) = self.projects.get_mut(project_id) else { return };
        let pause = u32::try_from(project.pages.max(1)).map_or(MAX_LIST_PAUSE, |pages| PAUSE_PER_PAGE * pages);
        let pause = pause.clamp(MIN_LIST_PAUSE, MAX_LIST_PAUSE).mul_f64(0.9 + fastrand::f64() / 5.0);
        project.not_before = Instant::now() + pause;
    }

    /// Schedules the next poll of the project, at the time its first member is due.
    fn schedule(&mut self, project_id: &str) {
        let Some(project) = self.projects.get(project_id) else { return };
        let due = project.members.iter().filter_map(|id| self.members.get(id)).map(|member| member.due).min();
        if let Some(due) = due {
            let at = due.max(project.not_before);
            self.wake_at(project_id, at);
        }
    }

    /// Handles a page of a list.
    pub(super) fn listed(
        &mut self,
        project_id: &str,
        began: Instant,
        result: Result<Dated<LenientPage<Workload>>, Error>,
    ) {
        let Some(project) = self.projects.get_mut(project_id) else { return };
        let Some(round) = &mut project.round else { return };
        let Some(mut cursor) = round.list.take() else { return };
        let Dated { value: LenientPage { items, next, .. }, date } = match result {
            Ok(dated) => dated,
            Err(error) => return self.list_failed(project_id, cursor, &error, began),
        };
        cursor.pages += 1;
        let next = next.and_then(|next| u32::try_from(next).ok()).filter(|next| *next > cursor.page.offset);
        for workload in &items {
            cursor.left.remove(&workload.id);
        }
        let is_last = next.is_none() || cursor.left.is_empty() || cursor.pages >= MAX_PAGES;
        if let Some(offset) = next.filter(|_| !is_last) {
            cursor.page = cursor.page.from(offset);
            round.list = Some(cursor);
        } else {
            project.pages = (cursor.pages * cursor.page.limit as usize).div_ceil(PAGE_LIMIT as usize);
            round.unlisted.clone_from(&cursor.left);
            round.queue.extend(cursor.left);
        }
        self.note_seen(project_id);
        for workload in items {
            let id = workload.id.clone();
            if let Some(member) = self.members.get_mut(&id) {
                member.unlisted = 0;
                self.take(&id, Poll::at(workload, date), began);
            }
        }
        if is_last {
            self.start_polls(project_id);
        } else {
            self.start_page(project_id);
        }
    }

    /// Handles a failed page: polls one workload to tell a failing list from an outage.
    fn list_failed(&mut self, project_id: &str, cursor: ListCursor, error: &Error, began: Instant) {
        let probe = cursor.left.iter().find(|id| self.members.contains_key(*id)).cloned();
        let Some(probe) = probe.filter(|_| !error.is_control_plane_outage()) else {
            self.poll_failed(project_id, cursor.left, error, began);
            return self.start_polls(project_id);
        };
        tracing::debug!(
            error = one_line(error),
            project_id,
            limit = cursor.page.limit,
            "cannot list workloads; polling one of them"
        );
        if let Some(round) = self.projects.get_mut(project_id).and_then(|project| project.round.as_mut()) {
            round.queue.push_front(probe.clone());
            round.probe = Some((cursor, probe));
        }
        self.start_polls(project_id);
    }

    /// Handles an individual poll.
    pub(super) fn polled(&mut self, id: &str, project_id: &str, began: Instant, result: Result<Poll, Error>) {
        let Some(round) = self.projects.get_mut(project_id).and_then(|project| project.round.as_mut()) else { return };
        round.polling -= 1;
        let is_unlisted = round.unlisted.remove(id);
        let probe = round.probe.take_if(|(_, probed)| probed == id);
        let error = match result {
            Ok(Poll { error: Some(error), .. }) | Err(error) => Some(error),
            Ok(poll) => {
                let is_live = poll.workload.as_ref().is_some_and(|workload| workload.deleted_at.is_none());
                if is_live && is_unlisted {
                    self.note_unlisted(project_id, id);
                }
                self.note_seen(project_id);
                self.take(id, poll, began);
                None
            }
        };
        if let Some(error) = error {
            let mut lost = vec![id.to_owned()];
            if let Some((cursor, _)) = probe {
                lost.extend(cursor.left.into_iter().filter(|left| left != id));
            }
            // The polls of the others would fail too.
            if error.is_control_plane_outage()
                && let Some(PollRound { queue, .. }) =
                    self.projects.get_mut(project_id).and_then(|it| it.round.as_mut())
            {
                lost.extend(queue.drain(..));
            }
            self.poll_failed(project_id, lost, &error, began);
        } else if let Some((cursor, _)) = probe {
            self.halve_page(project_id, cursor, id);
        }
        self.start_polls(project_id);
    }

    /// Retries a page with half the items, or stops listing for [`LIST_RETRY_AFTER`].
    fn halve_page(&mut self, project_id: &str, mut cursor: ListCursor, seen: &str) {
        cursor.left.remove(seen);
        let Some(project) = self.projects.get_mut(project_id) else { return };
        let Some(round) = &mut project.round else { return };
        let limit = cursor.page.limit / 2;
        if limit < MIN_PAGE_LIMIT {
            project.list_fails_until = Some(Instant::now() + LIST_RETRY_AFTER);
            round.queue.extend(cursor.left);
            return self.report_individual_polling(project_id);
        }
        project.page_limit = limit;
        cursor.page.limit = limit;
        round.list = Some(cursor);
        self.start_page(project_id);
    }

    /// Counts a list that did not contain a workload. From [`UNLISTED_LISTS`] on it is polled individually.
    fn note_unlisted(&mut self, project_id: &str, id: &str) {
        let Some(member) = self.members.get_mut(id) else { return };
        member.unlisted = member.unlisted.saturating_add(1);
        if member.unlisted == UNLISTED_LISTS {
            self.report_individual_polling(project_id);
        }
    }

    /// Reports once that workloads of a project are polled individually.
    fn report_individual_polling(&mut self, project_id: &str) {
        let Some(project) = self.projects.get_mut(project_id) else { return };
        if !std::mem::replace(&mut project.is_individual_polling_reported, true) {
            self.events.push_back(FleetEvent::PollingIndividually { project_id: project_id.to_owned() });
        }
    }

    /// Returns the `createdAt` of the project's oldest member, if that of all members is known.
    fn oldest(&self, project_id: &str) -> Option<String> {
        let mut oldest: Option<(Duration, &String)> = None;
        for id in &self.projects.get(project_id)?.members {
            let text = self.members.get(id)?.created_at.as_ref()?;
            let at = rfc3339(text)?;
            if oldest.is_none_or(|(other, _)| at < other) {
                oldest = Some((at, text));
            }
        }
        oldest.map(|(_, text)| text.clone())
    }
}

/// Returns the request of a page of a project's workloads, oldest first, so that new workloads do not shift pages.
///
/// The list starts with the oldest member, which excludes workloads that ended long ago.
fn list(project_id: &str, since: Option<&str>, page: Page) -> ApiRequest {
    let all = ListParams::default().equals("projectId", project_id);
    let params = if let Some(since) = since { all.at_least("createdAt", since) } else { all };
    workloads(&params.page(page).sort_by("createdAt", SortOrder::Ascending))
}

/// Members that are due within this time are polled in the same round.
const DUE_WINDOW: Duration = Duration::from_secs(2);

/// Pause after a round, per page of the list.
const PAUSE_PER_PAGE: Duration = Duration::from_millis(500);

const MIN_LIST_PAUSE: Duration = Duration::from_millis(500);

/// Maximum pause after a round.
pub(super) const MAX_LIST_PAUSE: Duration = Duration::from_secs(30);

/// Minimum number of items per page: a shorter one would not help.
const MIN_PAGE_LIMIT: u32 = 8;

/// Time after which a failed list is tried again.
const LIST_RETRY_AFTER: Duration = Duration::from_mins(5);

/// Number of lists without a workload after which it is polled individually.
const UNLISTED_LISTS: u32 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_start_with_oldest_member() {
        let target = list("7", Some("2026-11-23T10:00:00.000Z"), Page::first(500).from(500)).target();
        assert_eq!(
            target,
            "/api/v1/workloads?filterBy=projectId%3D%3D7%2CcreatedAt%3E%3D2026-11-23T10%3A00%3A00.000Z&offset=500\
             &limit=500&sortBy=createdAt&sortOrder=asc"
        );
    }
}
