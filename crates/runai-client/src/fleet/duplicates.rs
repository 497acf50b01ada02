//! Looks for duplicate workloads of submissions that were sent more than once.

use std::time::Duration;

use tokio::time::Instant;

use super::{Completed, Fleet};
use crate::error::{Error, one_line};
use crate::submission::{SubmissionKey, duplicates};
use crate::watch::Event;

impl Fleet {
    /// Starts a lookup of the workloads of a member's submission.
    pub(super) fn start_duplicate_check(&mut self, id: String) {
        let Some(member) = self.members.get(&id) else { return };
        let (client, target) = (self.client.clone(), member.key());
        self.in_flight.push(Box::pin(async move {
            let began = Instant::now();
            let key = SubmissionKey::from_receipt(&target);
            let result = duplicates(&client, &key, &id).await;
            Completed::Checked { id, began, result }
        }));
    }

    /// Reports duplicates that a check found, or schedules the next check. The check began at `began`.
    pub(super) fn checked(&mut self, id: &str, began: Instant, result: Result<Vec<String>, Error>) {
        let Some(member) = self.members.get_mut(id) else { return };
        match result {
            Ok(found) if found.len() > 1 => {
                member.events.push_back(Event::Duplicate { workload_ids: found });
                member.duplicate_until = None;
            }
            result => {
                if let Err(error) = &result {
                    tracing::debug!(error = one_line(error), id, "cannot check for duplicates");
                }
                // Lists lag: only a check that began `LIST_LAG` after the window proves that no duplicate exists.
                let is_settled = |until: Instant| result.is_ok() && began >= until + LIST_LAG;
                match member.duplicate_until.filter(|until| !member.is_checked_at_end && !is_settled(*until)) {
                    Some(_) => {
                        self.duplicate_checks.insert((Instant::now() + INTERVAL, id.to_owned()));
                    }
                    None => member.duplicate_until = None,
                }
            }
        }
        if !member.is_storing && !member.is_queued {
            self.release(id);
        }
    }
}

/// Interval between two duplicate checks of a submission.
pub(super) const INTERVAL: Duration = Duration::from_secs(15);

/// Maximum time until a new workload is listed.
const LIST_LAG: Duration = Duration::from_secs(30);
