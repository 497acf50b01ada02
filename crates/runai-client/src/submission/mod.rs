//! Submits a step once: writes the receipt, sends the request, and looks the workload up after ambiguous responses.

mod key;
mod ledger;
mod lookup;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, Stream, StreamExt as _};
use runai_api::Submission;
use runai_api::name::SubmissionId;
use runai_api::wire::Workload;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

pub(crate) use self::key::SubmissionKey;
use self::ledger::Ledger;
pub(crate) use self::ledger::duplicate_until;
pub(crate) use self::lookup::{Lookup, duplicates};
use crate::client::Dated;
use crate::error::{Error, one_line};
use crate::operator::{Placement, StepOperator};
use crate::receipt::{Progress, Receipt, StoreError, receipt_key};
use crate::time::rfc3339;

/// Maximum number of times one call sends a submission, each after lookups found no workload.
pub const MAX_SUBMIT_ATTEMPTS: u32 = 4;

/// Default of [`StepOperator::settle_time`]: how long lookups must find nothing before a resend.
pub const DEFAULT_SETTLE_TIME: Duration = Duration::from_secs(90);

/// How long after the first send a resent submission may still have a duplicate.
pub const DUPLICATE_WINDOW: Duration = Duration::from_mins(3);

/// A submission that became a workload. Contains no secrets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Submitted {
    /// The workload's UUID.
    pub workload_id: String,
    /// The workload's name.
    pub name: String,
    /// The project's id.
    pub project_id: String,
    /// The cluster's UUID.
    pub cluster_id: String,
    /// The submission's id, as in its label; empty for a workload that this crate did not submit.
    pub submission_id: String,
    /// Whether the workload existed already: an earlier call submitted it, or the response was lost.
    #[serde(rename = "adopted")]
    pub already_existed: bool,
    /// The error that kept the receipt from being written.
    #[serde(rename = "unrecorded", default, skip_serializing_if = "Option::is_none")]
    pub receipt_error: Option<String>,
    /// JSON pointers to the members of the sent spec that differ in the stored one. Never image, command or arguments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<String>,
    /// UUIDs of newer workloads of the same submission.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub duplicates: Vec<String>,
    /// UUID of the older workload of the same submission that the receipt contains, if lists no longer show it.
    #[serde(rename = "second_to", default, skip_serializing_if = "Option::is_none")]
    pub duplicate_of: Option<String>,
    /// When this process created the workload, on both clocks.
    #[serde(skip)]
    pub(crate) creation: Option<Creation>,
    /// Until when a duplicate may appear, because the submission was sent more than once.
    #[serde(skip)]
    pub(crate) duplicate_until: Option<Instant>,
}

/// The time of a creation, on three clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Creation {
    pub(crate) at: Instant,
    /// The API's `createdAt`, since the Unix epoch.
    pub(crate) created_at: Duration,
    /// The response's `Date`, since the Unix epoch.
    pub(crate) date: Duration,
}

impl Submitted {
    /// Returns the value that a [`Fleet`](crate::Fleet) needs to follow a workload that this crate did not submit.
    #[must_use]
    pub fn existing(workload: &Workload) -> Self {
        Self {
            workload_id: workload.id.clone(),
            name: workload.name.clone(),
            project_id: workload.project_id.clone(),
            cluster_id: workload.cluster_id.clone(),
            already_existed: true,
            ..Self::default()
        }
    }

    /// Returns how long a duplicate of this submission may still appear; `None` if it was sent once.
    #[must_use]
    pub fn duplicate_may_appear_for(&self) -> Option<Duration> {
        let left = self.duplicate_until?.saturating_duration_since(Instant::now());
        (!left.is_zero()).then_some(left)
    }
}

/// An event of a submission; see [`StepOperator::on_submit_event`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum SubmitEvent {
    /// The response is ambiguous: the request may have taken effect. The client looks the workload up.
    Ambiguous {
        /// The workload's name.
        name: String,
        /// The error of the request.
        error: Error,
        /// How long lookups must find nothing before the request is resent.
        settle_time: Duration,
    },
    /// Lookups found no workload, so the client resends the request.
    Resending {
        /// The workload's name.
        name: String,
    },
}

/// The callback of [`StepOperator::on_submit_event`].
#[derive(Clone)]
pub(crate) struct SubmitObserver(pub(crate) Arc<dyn Fn(SubmitEvent) + Send + Sync>);

impl fmt::Debug for SubmitObserver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SubmitObserver(..)")
    }
}

impl StepOperator {
    /// Returns the submission id of the run `run_id`.
    #[must_use]
    pub fn submission_id(&self, placement: &Placement, run_id: &str) -> SubmissionId {
        SubmissionId::new(self.client.base_url(), &placement.project_id, run_id)
    }

    /// Submits a step that was not submitted before, under a unique name.
    ///
    /// The request must have the label `runai-step/submission`. After an ambiguous response, or one that reports that
    /// the name is taken, the client looks the workload up by name and attaches to it if it has the same submission id.
    /// It resends the request only after successful lookups found nothing for the [settle
    /// time](StepOperator::settle_time).
    ///
    /// With [receipts](StepOperator::receipts), the client writes one before the first send. If the submission already
    /// has a receipt, this call behaves like [`StepOperator::attach_or_submit`].
    ///
    /// If this future is dropped or fails with [`Error::Unconfirmed`], the workload may exist:
    /// [`StepOperator::attach_or_submit`] with the same request resumes.
    ///
    /// # Errors
    /// The control plane's refusal; [`Error::NameTaken`]; [`Error::DifferentSpec`]; [`Error::AlreadyDeleted`];
    /// [`Error::UnprovenDeletion`]; [`Error::Unconfirmed`] if the client cannot determine whether the workload exists.
    pub async fn submit(&self, request: &Submission) -> Result<Submitted, Error> {
        let key = SubmissionKey::of(request)?;
        match self.stored_receipt(&key).await {
            StoredReceipt::None => self.send(request, &key, Ledger::new(self, request, None)).await,
            stored => self.attach(request, &key, stored).await,
        }
    }

    /// Like [`StepOperator::submit`], for a step that may have been submitted before: attaches to its workload if there
    /// is one. A deleted workload is not submitted again.
    pub async fn attach_or_submit(&self, request: &Submission) -> Result<Submitted, Error> {
        let key = SubmissionKey::of(request)?;
        let stored = self.stored_receipt(&key).await;
        self.attach(request, &key, stored).await
    }

    /// Submits many steps with [`StepOperator::submit`], `concurrency` at a time. Returns results as they complete,
    /// each with the index of its request.
    ///
    /// If the stream is dropped, submissions in progress may exist; with receipts, the same call resumes them.
    pub fn submit_all(
        &self,
        requests: impl IntoIterator<Item = Submission>,
        concurrency: usize,
    ) -> impl Stream<Item = (usize, Result<Submitted, Error>)> {
        stream::iter(requests.into_iter().enumerate())
            .map(move |(index, request)| async move { (index, self.submit(&request).await) })
            .buffer_unordered(concurrency.max(1))
    }

    /// Returns the workload of a receipt's submission; `None` if the request never arrived.
    ///
    /// Looks an unsettled submission up by name and updates its receipt. Never sends the submission.
    ///
    /// # Errors
    /// [`Error::AlreadyDeleted`], [`Error::NameTaken`], or the error of a lookup.
    pub async fn recover(&self, receipt: &Receipt) -> Result<Option<Submitted>, Error> {
        let key = SubmissionKey::from_receipt(receipt);
        if let Some(workload_id) = receipt.workload_id() {
            return Ok(Some(key.submitted(workload_id.to_owned(), None, true)));
        }
        let Some(submitted) = self.settle(&key).await? else { return Ok(None) };
        let mut ledger = Ledger::resume(self, receipt.clone());
        ledger.write(Progress::Submitted { workload_id: submitted.workload_id.clone() }).await;
        Ok(Some(Submitted { receipt_error: ledger.error(), ..submitted }))
    }

    /// Returns the receipt of a submission, if it has a readable one.
    pub async fn receipt_of(&self, submitted: &Submitted) -> Option<Receipt> {
        self.receipts.as_ref()?.find(receipt_key(&submitted.submission_id)).await.ok()?
    }

    /// Returns unsettled receipts of the same request under other run ids, whose processes have ended.
    ///
    /// A process with a random run id leaves one if it is killed. Unreadable receipts are not included.
    pub async fn orphans(&self, request: &Submission) -> Vec<Receipt> {
        let (Some(store), Ok(key)) = (&self.receipts, SubmissionKey::of(request)) else { return Vec::new() };
        let fingerprint = key.fingerprint(self.client.base_url());
        let mut orphans = Vec::new();
        for receipt in store.list().await.unwrap_or_default().receipts {
            let is_orphan = receipt.is_unsettled()
                && receipt.submission_id != key.submission_id
                && receipt.fingerprint.is_some()
                && receipt.fingerprint == fingerprint;
            if is_orphan && !store.is_alive(receipt.key()).await {
                orphans.push(receipt);
            }
        }
        orphans
    }

    async fn stored_receipt(&self, key: &SubmissionKey<'_>) -> StoredReceipt {
        let Some(store) = &self.receipts else { return StoredReceipt::None };
        match store.find(receipt_key(key.submission_id)).await {
            Ok(None) => StoredReceipt::None,
            Ok(Some(receipt)) => StoredReceipt::Receipt(Box::new(receipt)),
            Err(error) => {
                tracing::warn!(error = one_line(&error), "cannot read the receipt; looking the workload up");
                StoredReceipt::Unreadable(error)
            }
        }
    }

    async fn attach(
        &self,
        request: &Submission,
        key: &SubmissionKey<'_>,
        stored: StoredReceipt,
    ) -> Result<Submitted, Error> {
        let (earlier, unreadable) = match stored {
            StoredReceipt::None => (None, None),
            StoredReceipt::Receipt(receipt) => (Some(*receipt), None),
            StoredReceipt::Unreadable(error) => (None, Some(one_line(&error))),
        };
        if let Some(receipt) = earlier.as_ref().filter(|receipt| !key.matches(receipt)) {
            // The same run under another name: one submission would have two workloads.
            if let Some(Submitted { name, workload_id, .. }) = self.recover(receipt).await? {
                return Err(Error::DifferentSpec {
                    name,
                    workload_id,
                    at: "/name",
                    submission_id: key.submission_id.to_owned(),
                    stored_source: receipt.source.as_deref().map(Box::from),
                    source_name: self.source.as_deref().map(Box::from),
                });
            }
        }
        let key = &key.with_receipt(earlier.as_ref(), self.source.clone());
        let found = match (&earlier, self.lookup(key).await) {
            // A workload that may exist or existed is absent only if several lookups find nothing.
            (Some(_), Ok(Lookup::Absent)) | (_, Ok(Lookup::NotReadable(_))) => self.settle(key).await,
            (Some(_), Err(error)) if !error.settles_submission() => self.settle(key).await,
            (None, Ok(Lookup::Absent)) => Ok(None),
            (_, Ok(Lookup::Found(submitted))) => Ok(Some(*submitted)),
            (_, Err(error)) => Err(error),
        };
        let earlier_id = earlier.as_ref().and_then(Receipt::workload_id).map(str::to_owned);
        let mut ledger = Ledger::new(self, request, earlier).with_error(unreadable);
        match found {
            Ok(Some(mut submitted)) => {
                submitted.duplicate_of = earlier_id.filter(|older| *older != submitted.workload_id);
                ledger.record_attached(&submitted).await;
                Ok(ledger.finish(submitted))
            }
            Ok(None) => match earlier_id {
                // The workload existed, even if the control plane no longer lists it.
                Some(workload_id) => Err(key.already_deleted(workload_id)),
                None => self.send(request, key, ledger).await,
            },
            // The receipt contains the workload of the same request.
            Err(error) if ledger.has_workload() && !error.settles_submission() => {
                let workload_id = earlier_id.unwrap_or_default();
                tracing::warn!(
                    error = one_line(&error),
                    workload_id,
                    "cannot look the workload up; attaching by the receipt"
                );
                Ok(ledger.finish(key.submitted(workload_id, None, true)))
            }
            Err(error) => {
                ledger.record_deleted(&error).await;
                if ledger.is_unsettled() && !error.settles_submission() {
                    ledger.write(Progress::Unconfirmed).await;
                    return Err(key.unconfirmed(error));
                }
                Err(error)
            }
        }
    }

    /// Sends the request, and resends it after ambiguous responses, until the result is known.
    async fn send(
        &self,
        request: &Submission,
        key: &SubmissionKey<'_>,
        mut ledger: Ledger<'_>,
    ) -> Result<Submitted, Error> {
        let _alive = ledger.mark_alive().await;
        let sent_before = ledger.sends() > 0;
        let began = Instant::now();
        let body = request.request();
        let mut attempts = 0;
        loop {
            attempts += 1;
            ledger.record_send().await;
            let error = match self.client.dated_create_training(&body).await {
                Ok(Dated { value, date }) => {
                    let creation = date.zip(rfc3339(&value.created_at)).map(|(date, created_at)| Creation {
                        at: Instant::now(),
                        created_at,
                        date,
                    });
                    let submitted = key.submitted(value.workload_id, Some(value.name), false);
                    return Ok(ledger.record_submitted(Submitted { creation, ..submitted }, began).await);
                }
                Err(error) => error,
            };
            let is_conflict = error.is_name_conflict();
            if !is_conflict && !error.may_have_taken_effect() {
                // This request had no effect. An earlier one still may.
                if attempts > 1 || sent_before {
                    ledger.write(Progress::Unconfirmed).await;
                } else {
                    ledger.remove().await;
                }
                return Err(error);
            }
            tracing::warn!(
                error = one_line(&error),
                name = request.name,
                "ambiguous response to the submission; looking the workload up"
            );
            self.notify(|| SubmitEvent::Ambiguous {
                name: request.name.clone(),
                error: error.clone(),
                settle_time: self.settle_time,
            });
            let key = &key.after_sends(ledger.sends());
            match self.settle(key).await {
                Ok(Some(submitted)) => return Ok(ledger.record_submitted(submitted, began).await),
                // Another workload has the name, but lists do not show it.
                Ok(None) if is_conflict && attempts == 1 && !sent_before => {
                    ledger.remove().await;
                    return Err(error);
                }
                Ok(None) if is_conflict || attempts == MAX_SUBMIT_ATTEMPTS => {
                    ledger.write(Progress::Unconfirmed).await;
                    return Err(key.unconfirmed(error));
                }
                Ok(None) => self.notify(|| SubmitEvent::Resending { name: request.name.clone() }),
                Err(found) if found.settles_submission() => {
                    ledger.settle(&found).await;
                    return Err(found);
                }
                Err(lookup) => {
                    ledger.write(Progress::Unconfirmed).await;
                    return Err(key.unconfirmed(lookup));
                }
            }
        }
    }

    fn notify(&self, event: impl FnOnce() -> SubmitEvent) {
        if let Some(SubmitObserver(observer)) = &self.observer {
            observer(event());
        }
    }
}

/// The stored receipt of a submission.
enum StoredReceipt {
    None,
    Receipt(Box<Receipt>),
    Unreadable(StoreError),
}
