//! How the workloads of one project are polled: by lists, page by page, or one by one.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use runai_api::request::ApiRequest;
use runai_api::wire::Workload;
use runai_api::wire::requests::{ListParams, PAGE_LIMIT, Page, SortOrder, workloads};
use tokio::time::Instant;

use super::{Completed, Fleet, FleetEvent, REQUESTS_AT_ONCE};
use crate::client::Dated;
use crate::endpoints::MAX_PAGES;
use crate::endpoints::page::LenientPage;
use crate::error::{Error, one_line};
use crate::poll::{Poll, poll};
use crate::retry::Idempotency;
use crate::time::rfc3339;

/// A project whose workloads are followed.
#[derive(Debug)]
pub(super) struct Project {
    pub(super) members: HashSet<String>,
    /// When the fleet looks after it next, as planned.
    pub(super) wakes_at: Option<Instant>,
    /// Its list is left alone until then.
    pub(super) not_before: Instant,
    round: Option<PollRound>,
    /// Pages of the last list, at [`PAGE_LIMIT`] items.
    pages: usize,
    /// Items to ask for on a page; fewer after a page that failed.
    page_limit: u32,
    /// The list does not work until then.
    list_fails_until: Option<Instant>,
    is_singly_reported: bool,
    /// Members that are to be suspended or deleted.
    pub(super) actions: VecDeque<String>,
    pub(super) acting: usize,
}

/// The polls of one project at one time.
#[derive(Debug)]
pub(super) struct PollRound {
    /// The list that is being read.
    list: Option<ListCursor>,
    /// Members to be polled one by one.
    queue: VecDeque<String>,
    /// Those whose requests are in flight.
    polling: usize,
    /// A list that failed, and the member that shows whether it is the list's fault.
    probe: Option<(ListCursor, String)>,
    /// Members that a complete list did not show.
    unlisted: HashSet<String>,
}

/// Where the reading of a project's list is.
#[derive(Debug)]
pub(super) struct ListCursor {
    /// From when on, as the API writes it.
    since: Option<String>,
    page: Page,
    /// Pages that were read.
    pages: usize,
    /// Members that are due and were not shown yet.
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
            is_singly_reported: false,
            actions: VecDeque::new(),
            acting: 0,
        }
    }
}

impl Fleet {
    /// Begins to poll the members of a project that are due, unless it is being polled.
    pub(super) fn begin_project(&mut self, project_id: &str) {
        let now = Instant::now();
        let Some(project) = self.projects.get(project_id) else { return };
        if project.round.is_some() {
            // The end of the round plans the next one.
            return;
        }
        if project.not_before > now {
            let at = project.not_before;
            return self.wake_at(project_id, at);
        }
        // Who is nearly due is due: polling once for all of them is what makes it cheap.
        let members = project.members.iter().filter_map(|id| Some((id, self.members.get(id)?)));
        let due: Vec<(&String, bool)> = members
            .filter(|(_, member)| member.due <= now + COALESCED)
            .map(|(id, member)| (id, member.unlisted >= UNLISTED_LISTS))
            .collect();
        if due.is_empty() {
            return self.plan(project_id);
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
                // Tried again from the beginning.
                project.list_fails_until = None;
                project.page_limit = PAGE_LIMIT;
            }
            project.round = Some(round);
        }
        self.begin_page(project_id);
        self.begin_polls(project_id);
    }

    /// Asks for the next page of the list that is being read.
    fn begin_page(&mut self, project_id: &str) {
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

    /// Begins single polls, as many as there may be at a time; ends the round when there is none left.
    fn begin_polls(&mut self, project_id: &str) {
        let Some(project) = self.projects.get_mut(project_id) else { return };
        let Some(round) = &mut project.round else { return };
        while round.polling < REQUESTS_AT_ONCE
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
            self.rest(project_id);
            self.plan(project_id);
        }
    }

    /// Leaves a project alone for a while: the longer its list, the longer; not to the second, so that many fleets spread
    /// out.
    fn rest(&mut self, project_id: &str) {
        let Some(project) = self.projects.get_mut(project_id) else { return };
        let rest = u32::try_from(project.pages.max(1)).map_or(LONGEST_REST, |pages| REST_PER_PAGE * pages);
        let rest = rest.clamp(SHORTEST_REST, LONGEST_REST).mul_f64(0.9 + fastrand::f64() / 5.0);
        project.not_before = Instant::now() + rest;
    }

    /// Plans when the project is polled next: when its first member is due.
    fn plan(&mut self, project_id: &str) {
        let Some(project) = self.projects.get(project_id) else { return };
        let due = project.members.iter().filter_map(|id| self.members.get(id)).map(|member| member.due).min();
        if let Some(due) = due {
            let at = due.max(project.not_before);
            self.wake_at(project_id, at);
        }
    }

    /// Takes a page of a list.
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
            self.begin_polls(project_id);
        } else {
            self.begin_page(project_id);
        }
    }

    /// A page could not be read: is it the list's fault, or can the project not be seen?
    fn list_failed(&mut self, project_id: &str, cursor: ListCursor, error: &Error, began: Instant) {
        let probe = cursor.left.iter().find(|id| self.members.contains_key(*id)).cloned();
        let Some(probe) = probe.filter(|_| !error.is_control_plane_outage()) else {
            self.lost(project_id, cursor.left, error, began);
            return self.begin_polls(project_id);
        };
        tracing::debug!(
            error = one_line(error),
            project_id,
            limit = cursor.page.limit,
            "a page failed; polling one workload"
        );
        if let Some(round) = self.projects.get_mut(project_id).and_then(|project| project.round.as_mut()) {
            round.queue.push_front(probe.clone());
            round.probe = Some((cursor, probe));
        }
        self.begin_polls(project_id);
    }

    /// Takes a single poll.
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
            // The others would meet the same, each after its own attempts.
            if error.is_control_plane_outage()
                && let Some(PollRound { queue, .. }) =
                    self.projects.get_mut(project_id).and_then(|it| it.round.as_mut())
            {
                lost.extend(queue.drain(..));
            }
            self.lost(project_id, lost, &error, began);
        } else if let Some((cursor, _)) = probe {
            self.halve_page(project_id, cursor, id);
        }
        self.begin_polls(project_id);
    }

    /// Tries a page again with half the items, or gives the list up for a while.
    fn halve_page(&mut self, project_id: &str, mut cursor: ListCursor, seen: &str) {
        cursor.left.remove(seen);
        let Some(project) = self.projects.get_mut(project_id) else { return };
        let Some(round) = &mut project.round else { return };
        let limit = cursor.page.limit / 2;
        if limit < SMALLEST_PAGE {
            project.list_fails_until = Some(Instant::now() + LIST_AGAIN);
            round.queue.extend(cursor.left);
            return self.report_singly(project_id);
        }
        project.page_limit = limit;
        cursor.page.limit = limit;
        round.list = Some(cursor);
        self.begin_page(project_id);
    }

    /// Remembers that lists do not show a workload: from the second time on it is polled by itself.
    fn note_unlisted(&mut self, project_id: &str, id: &str) {
        let Some(member) = self.members.get_mut(id) else { return };
        member.unlisted = member.unlisted.saturating_add(1);
        if member.unlisted == UNLISTED_LISTS {
            self.report_singly(project_id);
        }
    }

    /// Says once that a project's workloads cost more than they should.
    fn report_singly(&mut self, project_id: &str) {
        let Some(project) = self.projects.get_mut(project_id) else { return };
        if !std::mem::replace(&mut project.is_singly_reported, true) {
            self.events.push_back(FleetEvent::PollingIndividually { project_id: project_id.to_owned() });
        }
    }

    /// When the project's oldest member was created; not known before all of them were seen.
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

/// A page of a project's workloads, the oldest first: what is submitted meanwhile comes last and shifts no page.
///
/// Only from the oldest member on, so that what ended long ago costs nothing.
fn list(project_id: &str, since: Option<&str>, page: Page) -> ApiRequest {
    let all = ListParams::default().equals("projectId", project_id);
    let params = if let Some(since) = since { all.at_least("createdAt", since) } else { all };
    workloads(&params.page(page).sort_by("createdAt", SortOrder::Ascending))
}

/// Members that are due within this time are polled together.
const COALESCED: Duration = Duration::from_secs(2);

/// A project's list is left alone for so long, for every page that it has.
const REST_PER_PAGE: Duration = Duration::from_millis(500);

const SHORTEST_REST: Duration = Duration::from_millis(500);

/// The longest that a project's list is left alone.
pub(super) const LONGEST_REST: Duration = Duration::from_secs(30);

/// A page that fails with so few items fails for another reason than its length.
const SMALLEST_PAGE: u32 = 8;

/// A list that does not work is tried again after this time.
const LIST_AGAIN: Duration = Duration::from_mins(5);

/// After so many lists that did not show a workload it is polled by itself.
const UNLISTED_LISTS: u32 = 2;

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
}
