//! The receipt of a workload that is followed, kept up to date.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::error::one_line;
use crate::receipt::{BoxFuture, Progress, Put, Receipt, ReceiptStore, StoreError};
use crate::tracker::WorkloadTracker;
use crate::watch::Event;

/// The receipt of a workload that is followed.
#[derive(Debug)]
pub(crate) struct Record {
    receipt: Receipt,
    store: Arc<dyn ReceiptStore>,
    /// Whether it was reported that storing fails.
    is_reported: bool,
    /// Whether another attempt to submit has taken the receipt over.
    is_lost: bool,
}

impl Record {
    pub(crate) const fn new(receipt: Receipt, store: Arc<dyn ReceiptStore>) -> Self {
        Self { receipt, store, is_reported: false, is_lost: false }
    }

    /// Begins to store what `tracker` has seen, if that has changed. The result goes to [`Record::stored`].
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
        if self.is_lost {
            return None;
        }
        let (store, receipt) = (Arc::clone(&self.store), self.receipt.clone());
        Some(Box::pin(async move {
            let attempt = receipt.attempt.clone();
            match store.put(receipt.clone(), Some(attempt)).await {
                // Somebody removed it while the workload is followed.
                Ok(Put::Conflict(None)) => store.put(receipt, None).await,
                result => result,
            }
        }))
    }

    /// Takes what came of storing; says whether to store once more.
    pub(crate) fn stored(&mut self, result: StoreResult, events: &mut VecDeque<Event>) -> bool {
        match result {
            Ok(Put::Stored) => {}
            // The receipt of the attempt that submitted this very workload: it is kept up to date from now on.
            Ok(Put::Conflict(Some(stored)))
                if self.receipt.attempt.is_empty() && stored.workload_id() == self.receipt.workload_id() =>
            {
                let Receipt { progress, wait, .. } = std::mem::take(&mut self.receipt);
                self.receipt = Receipt { progress, wait, ..*stored };
                return true;
            }
            Ok(Put::Conflict(_)) => self.is_lost = true,
            Err(error) if self.is_reported => {
                tracing::debug!(error = one_line(&error), "the receipt is not up to date");
            }
            Err(error) => {
                self.is_reported = true;
                tracing::warn!(error = one_line(&error), "the receipt is not up to date");
                events.push_back(Event::ReceiptError { error });
            }
        }
        false
    }
}

pub(crate) type StoreResult = Result<Put, StoreError>;
