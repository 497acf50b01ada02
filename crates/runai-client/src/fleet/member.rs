//! A workload of a fleet.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use runai_api::wire::Workload;
use tokio::time::Instant;

use crate::lifecycle::{WaitPolicy, WaitState};
use crate::poll::{Poll, Target};
use crate::receipt::{BoxFuture, Receipt, ReceiptStore};
use crate::record::{Record, StoreResult};
use crate::submission::Submitted;
use crate::time::rfc3339;
use crate::tracker::{PendingAction, WorkloadTracker};
use crate::watch::{Event, MIN_POLL_PAUSE};

/// A workload of a fleet.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) tracker: WorkloadTracker,
    pub(super) project_id: String,
    submitted: Submitted,
    /// The API's `createdAt`.
    pub(super) created_at: Option<String>,
    pub(super) due: Instant,
    record: Option<Record>,
    /// Events to report after the receipt is stored.
    pub(super) events: VecDeque<Event>,
    /// Whether the receipt is queued for storing.
    pub(super) is_queued: bool,
    pub(super) is_storing: bool,
    pub(super) is_acting: bool,
    /// Since when its action is pending.
    pub(super) acting_since: Instant,
    /// Whether a refused action was reported.
    pub(super) is_refusal_reported: bool,
    /// Number of consecutive lists that omitted the live workload.
    pub(super) unlisted: u32,
    /// Until when a duplicate of the submission may appear.
    pub(super) duplicate_until: Option<Instant>,
    pub(super) is_checked_at_end: bool,
}

impl Member {
    pub(super) fn new(submitted: &Submitted, policy: WaitPolicy, state: WaitState) -> Self {
        let target = Target {
            id: submitted.workload_id.clone(),
            name: Some(submitted.name.clone()).filter(|name| !name.is_empty()),
            project_id: Some(submitted.project_id.clone()).filter(|id| !id.is_empty()),
        };
        let mut tracker = WorkloadTracker::new(target, policy, state);
        // The control plane has reported that the workload exists.
        tracker.set_known();
        Self {
            tracker,
            project_id: submitted.project_id.clone(),
            submitted: submitted.clone(),
            created_at: None,
            due: Instant::now(),
            record: None,
            events: VecDeque::new(),
            is_queued: false,
            is_storing: false,
            is_acting: false,
            acting_since: Instant::now(),
            is_refusal_reported: false,
            unlisted: 0,
            duplicate_until: None,
            is_checked_at_end: false,
        }
    }

    /// Sets the receipt to keep up to date in `store`.
    pub(super) fn record_in(&mut self, receipt: Option<Receipt>, store: Option<&Arc<dyn ReceiptStore>>) {
        self.record = receipt.zip(store).map(|(receipt, store)| Record::new(receipt, Arc::clone(store)));
    }

    /// Returns a receipt with the identity of the submission, for lookups.
    pub(super) fn key(&self) -> Receipt {
        Receipt {
            cluster_id: self.submitted.cluster_id.clone(),
            name: self.submitted.name.clone(),
            project_id: self.project_id.clone(),
            submission_id: self.submitted.submission_id.clone(),
            ..Receipt::default()
        }
    }

    pub(super) fn flush(&mut self) -> Option<BoxFuture<'static, StoreResult>> {
        let Some(record) = &mut self.record else {
            self.tracker.saved();
            return None;
        };
        record.flush(&mut self.tracker)
    }

    pub(super) fn stored(&mut self, result: StoreResult) {
        self.is_storing = false;
        if let Some(record) = &mut self.record
            && record.stored(result, &mut self.events)
        {
            self.tracker.set_unsaved();
        }
    }

    /// Handles a poll. Returns whether there is something to store, report or do.
    pub(super) fn take(&mut self, poll: Poll, began: Instant, now: Duration) -> bool {
        if self.tracker.pending() != PendingAction::Poll || self.is_acting {
            return false;
        }
        if let Some(Workload { created_at, .. }) = &poll.workload
            && self.created_at.is_none()
            && rfc3339(created_at).is_some()
        {
            self.created_at = Some(created_at.clone());
        }
        if let Some(after) = self.tracker.take(poll, began, now, &mut self.events) {
            self.due = (began + after).max(Instant::now() + after.min(MIN_POLL_PAUSE));
        }
        self.tracker.is_unsaved() || !self.events.is_empty()
    }
}
