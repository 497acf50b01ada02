//! Looks up the workload of a submission by its name.

use std::time::Duration;

use runai_api::wire::Workload;
use tokio::time::{Instant, sleep};

use super::{SubmissionKey, Submitted};
use crate::client::Client;
use crate::error::{Error, one_line};
use crate::operator::StepOperator;
use crate::submission::key::Ownership;

/// The result of a lookup.
pub(crate) enum Lookup {
    /// Neither a live nor a deleted workload of the submission exists.
    Absent,
    /// The workload of the submission.
    Found(Box<Submitted>),
    /// A list contains a training of that name, but reading it returns 404: reads lag behind lists.
    NotReadable(Box<Workload>),
}

impl StepOperator {
    /// Looks a submission up until it is found, or until successful lookups have found nothing for the settle time.
    ///
    /// # Errors
    /// An error that settles the submission, or the last error if no lookup succeeded for the settle time.
    pub(super) async fn settle(&self, key: &SubmissionKey<'_>) -> Result<Option<Submitted>, Error> {
        let began = Instant::now();
        let mut absent_since: Option<Instant> = None;
        let mut last_success = None;
        let mut interval = FIRST_INTERVAL;
        loop {
            let asked = Instant::now();
            let result = self.lookup(key).await;
            let (error, unreadable) = match result {
                Ok(Lookup::Found(submitted)) => return Ok(Some(*submitted)),
                Err(error) if error.settles_submission() => return Err(error),
                Ok(Lookup::Absent) => (None, None),
                Ok(Lookup::NotReadable(workload)) => (None, Some(workload)),
                Err(error) => (Some(error), None),
            };
            if let Some(error) = error {
                tracing::debug!(error = one_line(&error), name = key.name, "the lookup failed");
                if last_success.unwrap_or(began).elapsed() >= self.settle_time.max(MIN_LOOKUP_TIME) {
                    return Err(error);
                }
            } else {
                last_success = Some(asked);
                let since = *absent_since.get_or_insert(asked);
                // The first and the last successful lookup must be this far apart.
                if asked.duration_since(since) >= self.settle_time {
                    tracing::debug!(name = key.name, found = unreadable.is_some(), "looked the workload up");
                    return match unreadable {
                        None => Ok(None),
                        Some(workload) if key.is_generated_name() => {
                            Ok(Some(key.submitted(workload.id, Some(workload.name), true)))
                        }
                        Some(workload) => Err(key.name_taken(workload.id, None)),
                    };
                }
            }
            let left = absent_since.map_or(interval, |since| (since + self.settle_time).duration_since(Instant::now()));
            sleep(interval.min(left.max(MIN_INTERVAL))).await;
            interval = (interval * 2).min(MAX_INTERVAL);
        }
    }

    /// Looks a submission up once, among the live workloads and then among the deleted ones.
    ///
    /// # Errors
    /// An error that settles the submission: the name is taken, another file was submitted, or the workload is deleted.
    /// Otherwise the error of a request.
    pub(super) async fn lookup(&self, key: &SubmissionKey<'_>) -> Result<Lookup, Error> {
        let mut ours = Vec::new();
        let (mut unreadable, mut foreign) = (None, None);
        for workload in self.client.workloads_named(key.project_id, key.name, false).await? {
            if !is_training(&workload) {
                foreign = Some((workload.id, None));
                continue;
            }
            match self.client.training(&workload.id).await {
                // Deleted between the two requests: the list of deleted workloads contains it.
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
            return Err(key.name_taken(workload_id, other));
        }
        let mut unproven = None;
        for workload in self.client.workloads_named(key.project_id, key.name, true).await? {
            let is_ours = match self.client.training(&workload.id).await {
                Ok(training) => key.ownership(&training) == Ownership::Ours,
                // Only its name is known.
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

/// Returns the live workloads of a submission, including `workload_id`, oldest first.
///
/// Two or more are duplicates.
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

/// Returns whether a workload is a training, as all steps are. One without a type counts as a training.
fn is_training(workload: &Workload) -> bool {
    workload.kind.is_empty() || workload.kind.eq_ignore_ascii_case("training")
}

const FIRST_INTERVAL: Duration = Duration::from_secs(1);
const MAX_INTERVAL: Duration = Duration::from_secs(10);
const MIN_INTERVAL: Duration = Duration::from_millis(100);

/// Minimum time without a successful lookup before the client gives up.
const MIN_LOOKUP_TIME: Duration = Duration::from_secs(15);
