//! Finding the workload of a submission by its name.

use std::time::Duration;

use runai_api::wire::Workload;
use tokio::time::{Instant, sleep};

use super::{SubmissionKey, Submitted};
use crate::client::Client;
use crate::error::{Error, one_line};
use crate::operator::StepOperator;
use crate::submission::key::Ownership;

/// What one lookup found.
pub(crate) enum Lookup {
    /// No workload has the name, and none of the submission was deleted.
    Absent,
    /// The workload of the submission.
    Found(Box<Submitted>),
    /// A list shows a training of that name that cannot be read yet: reads lag behind lists.
    NotReadable(Box<Workload>),
}

impl StepOperator {
    /// Looks for a submission until it is found, or until lookups that were answered have found nothing over the settle
    /// time.
    ///
    /// # Errors
    /// What settles the submission otherwise, or the last error, if no lookup was answered for the settle time.
    pub(super) async fn settle(&self, key: &SubmissionKey<'_>) -> Result<Option<Submitted>, Error> {
        let began = Instant::now();
        let mut absent_since: Option<Instant> = None;
        let mut last_answer = None;
        let mut pause = FIRST_PAUSE;
        loop {
            let asked = Instant::now();
            let result = self.lookup(key).await;
            let (error, unreadable) = match result {
                Ok(Lookup::Found(submitted)) => return Ok(Some(*submitted)),
                Err(error) if error.settles_a_submission() => return Err(error),
                Ok(Lookup::Absent) => (None, None),
                Ok(Lookup::NotReadable(workload)) => (None, Some(workload)),
                Err(error) => (Some(error), None),
            };
            if let Some(error) = error {
                tracing::debug!(error = one_line(&error), name = key.name, "the lookup failed");
                if last_answer.unwrap_or(began).elapsed() >= self.settle_time.max(LOOKUP_PATIENCE) {
                    return Err(error);
                }
            } else {
                last_answer = Some(asked);
                let since = *absent_since.get_or_insert(asked);
                // The first answer and the last one must lie so far apart.
                if asked.duration_since(since) >= self.settle_time {
                    tracing::debug!(name = key.name, found = unreadable.is_some(), "looked for the workload");
                    return match unreadable {
                        None => Ok(None),
                        Some(workload) if key.is_generated_name() => {
                            Ok(Some(key.submitted(workload.id, Some(workload.name), true)))
                        }
                        Some(workload) => Err(key.taken(workload.id, None)),
                    };
                }
            }
            let left = absent_since.map_or(pause, |since| (since + self.settle_time).duration_since(Instant::now()));
            sleep(pause.min(left.max(SHORTEST_PAUSE))).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Looks for a submission once, among the live workloads and then among the deleted ones.
    ///
    /// # Errors
    /// What settles the submission: its name is someone else's, it is another file's, it has been deleted. Or whatever
    /// keeps the client from asking.
    pub(super) async fn lookup(&self, key: &SubmissionKey<'_>) -> Result<Lookup, Error> {
        let mut ours = Vec::new();
        let (mut unreadable, mut foreign) = (None, None);
        for workload in self.client.workloads_named(key.project_id, key.name, false).await? {
            if !is_training(&workload) {
                foreign = Some((workload.id, None));
                continue;
            }
            match self.client.training(&workload.id).await {
                // Deleted between the two requests: it shows among the deleted ones.
                Ok(training) if training.deleted_at.is_some() => {}
                Ok(training) => match key.ownership(&training) {
                    Ownership::Ours => ours.push((workload.created_at, training)),
                    Ownership::Theirs(other) => foreign = Some((workload.id, other)),
                },
                Err(error) if error.is_not_found() => unreadable = Some(workload),
                Err(error) => return Err(error),
            }
        }
        ours.sort_by(|(one, _), (other, _)| one.cmp(other));
        let mut ours = ours.into_iter().map(|(_, training)| training);
        if let Some(oldest) = ours.next() {
            let mut submitted = key.attach(&oldest)?;
            submitted.duplicates = ours.map(|training| training.workload_id).collect();
            return Ok(Lookup::Found(Box::new(submitted)));
        }
        if let Some(workload) = unreadable {
            return Ok(Lookup::NotReadable(Box::new(workload)));
        }
        if let Some((workload_id, other)) = foreign {
            return Err(key.taken(workload_id, other));
        }
        let mut unproven = None;
        for workload in self.client.workloads_named(key.project_id, key.name, true).await? {
            let is_ours = match self.client.training(&workload.id).await {
                Ok(training) => key.ownership(&training) == Ownership::Ours,
                // Nothing is left but its name.
                Err(error) if error.is_not_found() => {
                    if !key.is_generated_name() {
                        unproven = Some(workload.id.clone());
                    }
                    key.is_generated_name()
                }
                Err(error) => return Err(error),
            };
            if is_ours {
                return Err(key.already_deleted(workload.id));
            }
        }
        match unproven {
            Some(workload_id) if key.has_unsettled_send() => Err(key.unproven_deletion(workload_id)),
            _ => Ok(Lookup::Absent),
        }
    }
}

/// The live workloads of a submission beside `workload_id`, the oldest first, with that one among them.
///
/// Fewer than two: there is no duplicate.
pub(crate) async fn duplicates(
    client: &Client,
    key: &SubmissionKey<'_>,
    workload_id: &str,
) -> Result<Vec<String>, Error> {
    let mut found = Vec::new();
    for workload in client.workloads_named(key.project_id, key.name, false).await? {
        let is_ours = workload.id == workload_id
            || (is_training(&workload)
                && match client.training(&workload.id).await {
                    Ok(training) => training.deleted_at.is_none() && key.ownership(&training) == Ownership::Ours,
                    Err(error) if error.is_not_found() => key.is_generated_name(),
                    Err(error) => return Err(error),
                });
        if is_ours {
            found.push((workload.created_at, workload.id));
        }
    }
    found.sort();
    Ok(found.into_iter().map(|(_, id)| id).collect())
}

/// Workloads of other types cannot be submissions of a step. An answer without a type is a training's.
fn is_training(workload: &Workload) -> bool {
    workload.kind.is_empty() || workload.kind.eq_ignore_ascii_case("training")
}

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);

/// The least time without an answer to a lookup after which the lookups end.
const LOOKUP_PATIENCE: Duration = Duration::from_secs(15);
