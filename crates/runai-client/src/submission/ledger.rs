//! The receipt of one attempt to submit: written before the first send, and after every decision.

use std::sync::Arc;
use std::time::Duration;

use runai_api::Submission;
use tokio::time::Instant;

use super::{DUPLICATE_WINDOW, SubmissionKey, Submitted};
use crate::error::{Error, one_line};
use crate::lifecycle::{Outcome, WaitState};
use crate::operator::StepOperator;
use crate::receipt::{AliveMark, Progress, PutResult, Receipt, ReceiptStore, now};

/// The receipt of an attempt to submit, and the attempt that wrote the stored one.
///
/// If a receipt cannot be written, the submission proceeds and [`Ledger::error`] returns the error.
pub(super) struct Ledger<'a> {
    store: Option<&'a Arc<dyn ReceiptStore>>,
    receipt: Receipt,
    /// The attempt that wrote the stored receipt, as of the last access.
    stored: Option<String>,
    /// Whether the earlier receipt has the same fingerprint.
    is_same_request: bool,
    error: Option<String>,
}

impl<'a> Ledger<'a> {
    /// Returns the ledger of an attempt to submit `request`, which resumes from `earlier`.
    pub(super) fn new(operator: &'a StepOperator, request: &Submission, earlier: Option<Receipt>) -> Self {
        let base_url = operator.client.base_url();
        let stored = earlier.as_ref().map(|receipt| receipt.attempt.clone());
        let key = SubmissionKey::of(request).ok();
        let fingerprint = key.as_ref().and_then(|key| key.fingerprint(base_url));
        let is_same_request = earlier.as_ref().is_some_and(|earlier| earlier.fingerprint == fingerprint);
        let receipt = Receipt {
            version: Receipt::VERSION,
            attempt: new_attempt(),
            base_url: base_url.to_owned(),
            cluster_id: request.cluster_id.clone(),
            fingerprint,
            name: request.name.clone(),
            policy: operator.policy.clone(),
            project_id: request.project_id.clone(),
            project_name: operator.project_name.clone(),
            run_id: operator.run_id.clone(),
            source: operator.source.clone(),
            submission_id: key.map(|key| key.submission_id.to_owned()).unwrap_or_default(),
            ..earlier.unwrap_or_default()
        };
        Self { store: operator.receipts.as_ref(), receipt, stored, is_same_request, error: None }
    }

    /// Returns the ledger of an attempt that resumes from a receipt without its request.
    pub(super) fn resume(operator: &'a StepOperator, receipt: Receipt) -> Self {
        let stored = Some(receipt.attempt.clone());
        let receipt = Receipt { attempt: new_attempt(), ..receipt };
        Self { store: operator.receipts.as_ref(), receipt, stored, is_same_request: true, error: None }
    }

    pub(super) fn with_error(self, error: Option<String>) -> Self {
        Self { error: error.or(self.error), ..self }
    }

    /// Returns how often this attempt and earlier ones sent the request.
    pub(super) const fn sends(&self) -> u32 {
        self.receipt.sends
    }

    /// Returns whether an earlier attempt ended without knowing its result.
    pub(super) const fn is_unsettled(&self) -> bool {
        self.stored.is_some() && self.receipt.is_unsettled()
    }

    /// Returns whether an earlier receipt contains the workload of the same request.
    pub(super) const fn has_workload(&self) -> bool {
        self.is_same_request && matches!(self.receipt.progress, Progress::Submitted { .. })
    }

    /// Returns why the receipt is not up to date.
    pub(super) fn error(&self) -> Option<String> {
        self.error.clone()
    }

    /// Marks the submission as being sent by this process.
    pub(super) async fn mark_alive(&self) -> Option<AliveMark> {
        self.store?.mark_alive(self.receipt.key()).await
    }

    /// Counts a send and stores the receipt.
    pub(super) async fn record_send(&mut self) {
        // The process of an unsettled receipt without a count died before it could count.
        let is_earlier = self.stored.as_ref().is_some_and(|stored| *stored != self.receipt.attempt);
        if self.receipt.sends == 0 && is_earlier && self.receipt.is_unsettled() {
            self.receipt.sends = 1;
        }
        self.receipt.sends += 1;
        self.receipt.first_sent_at.get_or_insert_with(|| u64::try_from(now().as_millis()).unwrap_or(u64::MAX));
        self.receipt.wait = WaitState::default();
        self.write(Progress::Sending).await;
    }

    /// Stores the workload that an attempt attached to.
    pub(super) async fn record_attached(&mut self, submitted: &Submitted) {
        let progress = Progress::Submitted { workload_id: submitted.workload_id.clone() };
        // Keep the outcome of an earlier wait for this workload.
        if matches!(&self.receipt.progress, Progress::Ended { workload_id, .. } if *workload_id == submitted.workload_id)
        {
            return;
        }
        if self.receipt.progress != progress {
            // The state is that of another workload, or of a wait that has ended.
            self.receipt.wait = WaitState::default();
        }
        self.write(progress).await;
    }

    /// Stores the workload of the submission, and sets until when a duplicate may appear.
    pub(super) async fn record_submitted(mut self, submitted: Submitted, began: Instant) -> Submitted {
        self.write(Progress::Submitted { workload_id: submitted.workload_id.clone() }).await;
        let since = self.receipt.since_first_send().map_or(began.elapsed(), |since| since.max(began.elapsed()));
        let submitted = self.finish(submitted);
        match submitted.duplicate_until {
            Some(_) => Submitted { duplicate_until: duplicate_deadline(since), ..submitted },
            None => submitted,
        }
    }

    /// Returns the result of an attempt, with the fields that come from its receipt.
    pub(super) fn finish(&self, submitted: Submitted) -> Submitted {
        let duplicate_until = duplicate_until(&self.receipt);
        Submitted { receipt_error: self.error(), duplicate_until, ..submitted }
    }

    /// Stores that the workload is deleted, because the control plane may forget it. Keeps an outcome that is stored
    /// already. Returns whether `error` is about a deleted workload.
    pub(super) async fn record_deleted(&mut self, error: &Error) -> bool {
        let Error::AlreadyDeleted { workload_id, .. } = error else { return false };
        if !matches!(self.receipt.progress, Progress::Ended { .. }) {
            self.write(Progress::Ended { outcome: Outcome::Vanished, workload_id: workload_id.clone() }).await;
        }
        true
    }

    /// Updates or removes the receipt after an error that settles the submission.
    pub(super) async fn settle(&mut self, error: &Error) {
        match error {
            Error::AlreadyDeleted { .. } => {
                self.record_deleted(error).await;
            }
            // Without a label the workload may still be ours.
            Error::NameTaken { other: None, .. } | Error::UnprovenDeletion { .. } => {
                self.write(Progress::Unconfirmed).await;
            }
            _ => self.remove().await,
        }
    }

    /// Stores the receipt with this progress.
    pub(super) async fn write(&mut self, progress: Progress) {
        self.receipt.progress = progress;
        let Some(store) = self.store else { return };
        let mut put = store.put(self.receipt.clone(), self.stored.clone()).await;
        if let Ok(PutResult::Conflict(other)) = &put {
            // Another process replaced the receipt. Only a settled receipt replaces its unsettled one.
            let is_settled = !self.receipt.is_unsettled();
            match other {
                Some(other) if is_settled && other.is_unsettled() => {
                    put = store.put(self.receipt.clone(), Some(other.attempt.clone())).await;
                }
                None if is_settled => put = store.put(self.receipt.clone(), None).await,
                _ => {}
            }
        }
        match put {
            Ok(PutResult::Stored) => self.stored = Some(self.receipt.attempt.clone()),
            Ok(PutResult::Conflict(_)) => tracing::debug!(key = self.receipt.key(), "another process owns the receipt"),
            Err(error) => {
                tracing::warn!(error = one_line(&error), "cannot write the receipt; proceeding without it");
                self.error = Some(one_line(&error));
            }
        }
    }

    /// Removes the receipt of a submission without a workload, if this attempt wrote it.
    pub(super) async fn remove(&mut self) {
        let Some(store) = self.store else { return };
        if let Err(error) = store.remove(self.receipt.key(), self.receipt.attempt.clone()).await {
            tracing::warn!(error = one_line(&error), "cannot remove the receipt of a refused submission");
        }
    }
}

/// Returns until when a duplicate of a receipt's submission may appear; `None` if it was sent once.
pub(crate) fn duplicate_until(receipt: &Receipt) -> Option<Instant> {
    receipt.since_first_send().filter(|_| receipt.sends > 1).and_then(duplicate_deadline)
}

/// Returns the end of the duplicate window of a submission that was first sent `since` ago, unless it has passed.
fn duplicate_deadline(since: Duration) -> Option<Instant> {
    let left = DUPLICATE_WINDOW.saturating_sub(since);
    (!left.is_zero()).then(|| Instant::now() + left)
}

fn new_attempt() -> String {
    format!("{:016x}", fastrand::u64(..))
}
