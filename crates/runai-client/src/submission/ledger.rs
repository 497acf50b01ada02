//! The receipt of one attempt to submit: written before anything is sent, and after every decision.

use std::sync::Arc;
use std::time::Duration;

use runai_api::Submission;
use tokio::time::Instant;

use super::{DUPLICATE_WINDOW, SubmissionKey, Submitted};
use crate::error::{Error, one_line};
use crate::lifecycle::{Outcome, WaitState};
use crate::operator::StepOperator;
use crate::receipt::{AliveMark, Progress, Put, Receipt, ReceiptStore, now};

/// The receipt of an attempt to submit, and whose receipt is stored.
///
/// A receipt is a note: where it cannot be written, the submission proceeds without, and says so.
pub(super) struct Ledger<'a> {
    store: Option<&'a Arc<dyn ReceiptStore>>,
    receipt: Receipt,
    /// The attempt whose receipt is stored, as far as this one knows.
    stored: Option<String>,
    /// Whether the earlier receipt is of the same request.
    is_same_request: bool,
    error: Option<String>,
}

impl<'a> Ledger<'a> {
    /// The receipt of an attempt to submit `request`, which resumes from `earlier`.
    pub(super) fn new(operator: &'a StepOperator, request: &Submission, earlier: Option<Receipt>) -> Self {
        let base_url = operator.client.base_url();
        let stored = earlier.as_ref().map(|receipt| receipt.attempt.clone());
        let key = SubmissionKey::of(request).ok();
        let fingerprint = key.as_ref().and_then(|key| key.fingerprint(base_url));
        let is_same_request = earlier.as_ref().is_some_and(|earlier| earlier.fingerprint == fingerprint);
        let receipt = Receipt {
            version: Receipt::VERSION,
            attempt: attempt(),
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

    /// Resumes from a receipt alone.
    pub(super) fn resume(operator: &'a StepOperator, receipt: Receipt) -> Self {
        let stored = Some(receipt.attempt.clone());
        let receipt = Receipt { attempt: attempt(), ..receipt };
        Self { store: operator.receipts.as_ref(), receipt, stored, is_same_request: true, error: None }
    }

    pub(super) fn with_error(self, error: Option<String>) -> Self {
        Self { error: error.or(self.error), ..self }
    }

    /// How often the request was sent, by this attempt and earlier ones.
    pub(super) const fn sends(&self) -> u32 {
        self.receipt.sends
    }

    /// Whether an earlier attempt left it open if the submission has become a workload.
    pub(super) const fn is_unsettled(&self) -> bool {
        self.stored.is_some() && self.receipt.is_unsettled()
    }

    /// Whether an earlier attempt's receipt says which workload this very request has become.
    pub(super) const fn is_known(&self) -> bool {
        self.is_same_request && matches!(self.receipt.progress, Progress::Submitted { .. })
    }

    /// Why the receipt is not up to date.
    pub(super) fn error(&self) -> Option<String> {
        self.error.clone()
    }

    /// Says to other processes that this one is sending.
    pub(super) async fn mark_alive(&self) -> Option<AliveMark> {
        self.store?.mark_alive(self.receipt.key()).await
    }

    pub(super) async fn about_to_send(&mut self) {
        // A receipt without a count is of a process that died before it could count.
        let is_earlier = self.stored.as_ref().is_some_and(|stored| *stored != self.receipt.attempt);
        if self.receipt.sends == 0 && is_earlier && self.receipt.is_unsettled() {
            self.receipt.sends = 1;
        }
        self.receipt.sends += 1;
        self.receipt.first_sent_at.get_or_insert_with(|| u64::try_from(now().as_millis()).unwrap_or(u64::MAX));
        self.receipt.wait = WaitState::default();
        self.write(Progress::Sending).await;
    }

    /// Writes what an attempt that attached found.
    pub(super) async fn attach(&mut self, submitted: &Submitted) {
        let progress = Progress::Submitted { workload_id: submitted.workload_id.clone() };
        // How a wait for this very workload ended stays known.
        if matches!(&self.receipt.progress, Progress::Ended { workload_id, .. } if *workload_id == submitted.workload_id)
        {
            return;
        }
        if self.receipt.progress != progress {
            // Of another workload, or of a wait that has ended.
            self.receipt.wait = WaitState::default();
        }
        self.write(progress).await;
    }

    /// Writes that the submission has become a workload, and says until when another may appear.
    pub(super) async fn submitted(mut self, submitted: Submitted, began: Instant) -> Submitted {
        self.write(Progress::Submitted { workload_id: submitted.workload_id.clone() }).await;
        let since = self.receipt.since_first_send().map_or(began.elapsed(), |since| since.max(began.elapsed()));
        let submitted = self.finish(submitted);
        match submitted.duplicate_until {
            Some(_) => Submitted { duplicate_until: window(since), ..submitted },
            None => submitted,
        }
    }

    /// The result of an attempt, with what its receipt adds.
    pub(super) fn finish(&self, submitted: Submitted) -> Submitted {
        let duplicate_until = duplicate_until(&self.receipt);
        Submitted { receipt_error: self.error(), duplicate_until, ..submitted }
    }

    /// Remembers a workload that is known to be deleted for longer than the control plane does. How it ended is worth
    /// more than that it is gone.
    pub(super) async fn note_deleted(&mut self, error: &Error) -> bool {
        let Error::AlreadyDeleted { workload_id, .. } = error else { return false };
        if !matches!(self.receipt.progress, Progress::Ended { .. }) {
            self.write(Progress::Ended { outcome: Outcome::Vanished, workload_id: workload_id.clone() }).await;
        }
        true
    }

    /// Writes or removes the receipt after an error that says what became of the submission.
    pub(super) async fn settle(&mut self, error: &Error) {
        match error {
            Error::AlreadyDeleted { .. } => {
                self.note_deleted(error).await;
            }
            // Without a label it may be ours all the same.
            Error::NameTaken { other: None, .. } | Error::UnprovenDeletion { .. } => {
                self.write(Progress::Unconfirmed).await;
            }
            _ => self.remove().await,
        }
    }

    /// Writes how far the submission is.
    pub(super) async fn write(&mut self, progress: Progress) {
        self.receipt.progress = progress;
        let Some(store) = self.store else { return };
        let mut put = store.put(self.receipt.clone(), self.stored.clone()).await;
        if let Ok(Put::Conflict(other)) = &put {
            // Another process took it over. What is certain is written over what is not, and nothing else.
            let is_certain = !self.receipt.is_unsettled();
            match other {
                Some(other) if is_certain && other.is_unsettled() => {
                    put = store.put(self.receipt.clone(), Some(other.attempt.clone())).await;
                }
                None if is_certain => put = store.put(self.receipt.clone(), None).await,
                _ => {}
            }
        }
        match put {
            Ok(Put::Stored) => self.stored = Some(self.receipt.attempt.clone()),
            Ok(Put::Conflict(_)) => tracing::debug!(key = self.receipt.key(), "another process keeps the receipt"),
            Err(error) => {
                tracing::warn!(error = one_line(&error), "proceeding without a receipt");
                self.error = Some(one_line(&error));
            }
        }
    }

    /// Removes the receipt of a submission that certainly has become nothing, if this attempt wrote it.
    pub(super) async fn remove(&mut self) {
        let Some(store) = self.store else { return };
        if let Err(error) = store.remove(self.receipt.key(), self.receipt.attempt.clone()).await {
            tracing::warn!(error = one_line(&error), "cannot remove the receipt of a refused submission");
        }
    }
}

/// Until when another workload of a receipt's submission may appear, because it was sent more than once.
pub(crate) fn duplicate_until(receipt: &Receipt) -> Option<Instant> {
    receipt.since_first_send().filter(|_| receipt.sends > 1).and_then(window)
}

/// Until when another workload may appear of a submission that was first sent so long ago.
fn window(since: Duration) -> Option<Instant> {
    let left = DUPLICATE_WINDOW.saturating_sub(since);
    (!left.is_zero()).then(|| Instant::now() + left)
}

fn attempt() -> String {
    format!("{:016x}", fastrand::u64(..))
}
