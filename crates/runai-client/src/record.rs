//! Keeps the receipt of a followed workload up to date.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::error::one_line;
use crate::receipt::{BoxFuture, Progress, PutResult, Receipt, ReceiptStore, StoreError};
use crate::tracker::WorkloadTracker;
use crate::watch::Event;

/// The receipt of a followed workload.
#[derive(Debug)]
pub(crate) struct Record {
    receipt: Receipt,
    store: Arc<dyn ReceiptStore>,
    /// Whether a failed write was reported.
    is_error_reported: bool,
    /// Whether another attempt to submit owns the receipt now.
    is_taken_over: bool,
}

impl Record {
    pub(crate) const fn new(receipt: Receipt, store: Arc<dyn ReceiptStore>) -> Self {
        Self { receipt, store, is_error_reported: false, is_taken_over: false }
    }

    /// Starts to store the state of `tracker` if it has changed. Pass the result to [`Record::stored`].
    pub(crate) fn flush(&mut self, tracker: &mut WorkloadTracker) -> Option<BoxFuture<'static, StoreResult>> {
        if !tracker.is_unsaved() {
            return None;
        }
        tracker.saved();
        let workload_id = tracker.id().to_owned();
        self.receipt.wait = tracker.state().clone();
        self.receipt.progress = match tracker.outcome() {
            Some(outcome) => Progress::Ended { outcome, workload_id },
            None => Progress::Submitted { workload_id },
        };
        if self.is_taken_over {
            return None;
        }
        let (store, receipt) = (Arc::clone(&self.store), self.receipt.clone());
        Some(Box::pin(async move {
            let attempt = receipt.attempt.clone();
            match store.put(receipt.clone(), Some(attempt)).await {
                // The receipt was removed while the workload is followed.
                Ok(PutResult::Conflict(None)) => store.put(receipt, None).await,
                result => result,
            }
        }))
    }

    /// Handles the result of a write. Returns whether to write again.
    pub(crate) fn stored(&mut self, result: StoreResult, events: &mut VecDeque<Event>) -> bool {
        match result {
            Ok(PutResult::Stored) => {}
            // The stored receipt is of the attempt that submitted this workload: adopt it.
            Ok(PutResult::Conflict(Some(stored)))
                if self.receipt.attempt.is_empty() && stored.workload_id() == self.receipt.workload_id() =>
            {
                let Receipt { progress, wait, .. } = std::mem::take(&mut self.receipt);
                self.receipt = Receipt { progress, wait, ..*stored };
                return true;
            }
            Ok(PutResult::Conflict(_)) => self.is_taken_over = true,
            Err(error) if self.is_error_reported => {
                tracing::debug!(error = one_line(&error), "cannot update the receipt");
            }
            Err(error) => {
                self.is_error_reported = true;
                tracing::warn!(error = one_line(&error), "cannot update the receipt");
                events.push_back(Event::ReceiptError { error });
            }
        }
        false
    }
}

pub(crate) type StoreResult = Result<PutResult, StoreError>;
