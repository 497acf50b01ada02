//! Suspends and deletes the workloads of a fleet, a few per project at a time.

use tokio::time::Instant;

use super::{Completed, Fleet, FleetEvent, MAX_CONCURRENT_REQUESTS};
use crate::error::Error;
use crate::tracker::ActionResult;
use crate::watch::{MAX_ACTION_DELAY, PAUSE_AFTER_ERROR, act};

impl Fleet {
    /// Starts the pending actions of a project up to the limit.
    pub(super) fn start_actions(&mut self, project_id: &str) {
        let Some(project) = self.projects.get_mut(project_id) else { return };
        let mut reconsidered = Vec::new();
        while project.acting < MAX_CONCURRENT_REQUESTS
            && let Some(id) = project.actions.pop_front()
        {
            let Some(member) = self.members.get_mut(&id) else { continue };
            // The action waited for others, so its reason may be gone: a queued job may run now.
            if member.acting_since.elapsed() > MAX_ACTION_DELAY && member.tracker.reconsider() {
                member.is_acting = false;
                member.due = Instant::now();
                reconsidered.push(id);
                continue;
            }
            project.acting += 1;
            let (client, workload) = (self.client.clone(), member.tracker.workload());
            let (pending, project_id) = (member.tracker.pending(), project_id.to_owned());
            self.in_flight.push(Box::pin(async move {
                let result = act(&client, pending, &workload).await;
                Completed::ActionResult { id, project_id, result }
            }));
        }
        for id in &reconsidered {
            self.save(id);
            self.wake_at(project_id, Instant::now());
        }
    }

    /// Handles the result of an action.
    pub(super) fn acted(&mut self, id: &str, project_id: &str, result: Result<(), Error>) {
        let now = Instant::now();
        if let Some(project) = self.projects.get_mut(project_id) {
            project.acting -= 1;
        }
        let Some(member) = self.members.get_mut(id) else { return self.start_actions(project_id) };
        member.is_acting = false;
        member.due = now;
        match member.tracker.acted(result, &mut member.events) {
            ActionResult::Accepted => self.note_seen(project_id),
            ActionResult::Refused(error) => {
                member.due += PAUSE_AFTER_ERROR;
                if !std::mem::replace(&mut member.is_refusal_reported, true) {
                    self.events.push_back(FleetEvent::Refused { error, workload_ids: vec![id.to_owned()] });
                }
            }
            ActionResult::Unreachable(error) => self.note_outage(project_id, &error),
        }
        self.save(id);
        self.start_actions(project_id);
        self.wake_at(project_id, now);
    }
}
