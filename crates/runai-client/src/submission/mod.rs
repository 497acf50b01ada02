//! Submitting a step once: the receipt, the send, and how the client finds out what became of it.

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

/// How often one command sends a submission at most; each time after it has made certain that it does not exist.
pub const MAX_SUBMIT_ATTEMPTS: u32 = 4;

/// How long lookups must have found nothing until an ambiguous submission is sent again, when the operator says
/// nothing else.
pub const DEFAULT_SETTLE_TIME: Duration = Duration::from_secs(90);

/// How long after the first send a submission that was sent again is looked for twice.
pub const DUPLICATE_WINDOW: Duration = Duration::from_mins(3);

/// A submission that has become a workload. Holds no secret.
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
    /// The submission's id, as its label says; empty for a workload that is no submission of this crate's.
    pub submission_id: String,
    /// Whether the workload existed already: the answer to its submission was lost, or it is of an earlier call.
    #[serde(rename = "adopted")]
    pub already_existed: bool,
    /// Why there is no receipt that is up to date, where there should be one.
    #[serde(rename = "unrecorded", default, skip_serializing_if = "Option::is_none")]
    pub receipt_error: Option<String>,
    /// Where the stored spec differs from what was sent, as JSON pointers into the spec. Image, command and arguments are
    /// never among them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<String>,
    /// UUIDs of younger workloads of the same submission: it exists twice.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub duplicates: Vec<String>,
    /// UUID of an older workload of the same submission, which the receipt knows and no list of live workloads shows any
    /// more: this one is a second workload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_to: Option<String>,
    /// When this process created the workload, by both clocks.
    #[serde(skip)]
    pub(crate) creation: Option<Creation>,
    /// Until when another workload of the submission may appear, because it was sent more than once.
    #[serde(skip)]
    pub(crate) duplicate_until: Option<Instant>,
}

/// The moment of a creation, on three clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Creation {
    pub(crate) at: Instant,
    /// The API's `createdAt`, since the Unix epoch.
    pub(crate) created_at: Duration,
    /// The answer's `Date`, since the Unix epoch.
    pub(crate) date: Duration,
}

impl Submitted {
    /// Returns a workload that exists and is no submission of this crate's, as a [`Fleet`](crate::Fleet) takes it.
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

    /// How long another workload of this submission may still appear; `None` if it was sent once.
    #[must_use]
    pub fn duplicate_may_appear_for(&self) -> Option<Duration> {
        let left = self.duplicate_until?.saturating_duration_since(Instant::now());
        (!left.is_zero()).then_some(left)
    }
}

/// What happens on the way to a workload; see [`StepOperator::on_submit_event`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum SubmitEvent {
    /// It is not known whether a request took effect. The workload is looked for.
    Ambiguous {
        /// The workload's name.
        name: String,
        /// What was answered.
        error: Error,
        /// How long lookups must find nothing until the request is sent again.
        settle_time: Duration,
    },
    /// The workload does not exist, and the request is sent again.
    Resending {
        /// The workload's name.
        name: String,
    },
}

/// What [`StepOperator::on_submit_event`] calls.
#[derive(Clone)]
pub(crate) struct SubmitObserver(pub(crate) Arc<dyn Fn(SubmitEvent) + Send + Sync>);

impl fmt::Debug for SubmitObserver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SubmitObserver(..)")
    }
}

impl StepOperator {
    /// Returns the id of the submission of the run `run_id`.
    #[must_use]
    pub fn submission_id(&self, placement: &Placement, run_id: &str) -> SubmissionId {
        SubmissionId::new(self.client.base_url(), &placement.project_id, run_id)
    }

    /// Submits a step that was never submitted before, under a name chosen for it alone.
    ///
    /// The request must carry the label `runai-step/submission`. It becomes one workload: if an answer does not say
    /// whether it did (none came, it made no sense, it says that the name exists), the client looks the workload up by its
    /// name, and attaches to it if it is of the same submission. It is sent again only after lookups that were answered
    /// found nothing over the [settle time](StepOperator::settle_time).
    ///
    /// With [receipts](StepOperator::receipts), one is written before the first send; a submission that has one
    /// already is attached to, as [`StepOperator::attach_or_submit`] does.
    ///
    /// If this future is dropped, or fails with [`Error::Unconfirmed`], the workload may exist;
    /// [`StepOperator::attach_or_submit`] with the same request resumes from there.
    ///
    /// # Errors
    /// What the control plane refuses; [`Error::NameTaken`]; [`Error::DifferentSpec`]; [`Error::AlreadyDeleted`];
    /// [`Error::UnprovenDeletion`]; [`Error::Unconfirmed`] when it cannot be found out whether the workload exists.
    pub async fn submit(&self, request: &Submission) -> Result<Submitted, Error> {
        let key = SubmissionKey::of(request)?;
        match self.stored_receipt(&key).await {
            StoredReceipt::None => self.send(request, &key, Ledger::new(self, request, None)).await,
            stored => self.attach(request, &key, stored).await,
        }
    }

    /// As [`StepOperator::submit`], for a step that may have been submitted before: attaches to its workload if there
    /// is one. A workload that has been deleted since is not submitted again.
    pub async fn attach_or_submit(&self, request: &Submission) -> Result<Submitted, Error> {
        let key = SubmissionKey::of(request)?;
        let stored = self.stored_receipt(&key).await;
        self.attach(request, &key, stored).await
    }

    /// Submits many steps, `at_once` at a time; results come as they are ready, each with the index of its request.
    ///
    /// Each is submitted as by [`StepOperator::submit`]. When the stream is dropped, those that were begun may exist:
    /// with receipts, the same call resumes from there.
    pub fn submit_all(
        &self,
        requests: impl IntoIterator<Item = Submission>,
        at_once: usize,
    ) -> impl Stream<Item = (usize, Result<Submitted, Error>)> {
        stream::iter(requests.into_iter().enumerate())
            .map(move |(index, request)| async move { (index, self.submit(&request).await) })
            .buffer_unordered(at_once.max(1))
    }

    /// Finds out what became of the submission of a receipt; `None` if it never arrived.
    ///
    /// An unsettled receipt is looked up by its name and brought up to date. Nothing is ever sent.
    ///
    /// # Errors
    /// [`Error::AlreadyDeleted`], [`Error::NameTaken`], or whatever keeps the client from asking.
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

    /// Returns the receipt of a submission, if there is one that can be read.
    pub async fn receipt_of(&self, submitted: &Submitted) -> Option<Receipt> {
        self.receipts.as_ref()?.find(receipt_key(&submitted.submission_id)).await.ok()?
    }

    /// Returns the receipts of the same request under other run ids of which it is not known whether they arrived, and
    /// whose processes do not live any more.
    ///
    /// A process that was killed without a run id of the user's leaves one. A receipt that cannot be read is not among
    /// them.
    pub async fn orphans(&self, request: &Submission) -> Vec<Receipt> {
        let (Some(store), Ok(key)) = (&self.receipts, SubmissionKey::of(request)) else { return Vec::new() };
        let fingerprint = key.fingerprint(self.client.base_url());
        let mut orphans = Vec::new();
        for receipt in store.list().await.unwrap_or_default().receipts {
            let is_meant = receipt.is_unsettled()
                && receipt.submission_id != key.submission_id
                && receipt.fingerprint.is_some()
                && receipt.fingerprint == fingerprint;
            if is_meant && !store.is_alive(receipt.key()).await {
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
                tracing::warn!(error = one_line(&error), "cannot read the receipt; asking the control plane");
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
        if let Some(receipt) = earlier.as_ref().filter(|receipt| !key.is_of(receipt)) {
            // The same run under another name: two workloads would be one submission.
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
        let key = &key.sent_before(earlier.as_ref(), self.source.clone());
        let found = match (&earlier, self.lookup(key).await) {
            // Only an absence that lasts proves anything about what may be, or was, there.
            (Some(_), Ok(Lookup::Absent)) | (_, Ok(Lookup::NotReadable(_))) => self.settle(key).await,
            (Some(_), Err(error)) if !error.settles_a_submission() => self.settle(key).await,
            (None, Ok(Lookup::Absent)) => Ok(None),
            (_, Ok(Lookup::Found(submitted))) => Ok(Some(*submitted)),
            (_, Err(error)) => Err(error),
        };
        let was = earlier.as_ref().and_then(Receipt::workload_id).map(str::to_owned);
        let mut ledger = Ledger::new(self, request, earlier).with_error(unreadable);
        match found {
            Ok(Some(mut submitted)) => {
                submitted.second_to = was.filter(|older| *older != submitted.workload_id);
                ledger.attach(&submitted).await;
                Ok(ledger.finish(submitted))
            }
            Ok(None) => match was {
                // It was a workload once, even if the control plane has forgotten it altogether.
                Some(workload_id) => Err(key.already_deleted(workload_id)),
                None => self.send(request, key, ledger).await,
            },
            // The receipt says what it became, and that it is the same request.
            Err(error) if ledger.is_known() && !error.settles_a_submission() => {
                let workload_id = was.unwrap_or_default();
                tracing::warn!(
                    error = one_line(&error),
                    workload_id,
                    "the workload cannot be seen; attaching by the receipt"
                );
                Ok(ledger.finish(key.submitted(workload_id, None, true)))
            }
            Err(error) => {
                ledger.note_deleted(&error).await;
                if ledger.is_unsettled() && !error.settles_a_submission() {
                    ledger.write(Progress::Unconfirmed).await;
                    return Err(key.unconfirmed(error));
                }
                Err(error)
            }
        }
    }

    /// Sends the request until it has become a workload, or until it is known that it will not by this call.
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
            ledger.about_to_send().await;
            let error = match self.client.dated_create_training(&body).await {
                Ok(Dated { value, date }) => {
                    let creation = date.zip(rfc3339(&value.created_at)).map(|(date, created_at)| Creation {
                        at: Instant::now(),
                        created_at,
                        date,
                    });
                    let submitted = key.submitted(value.workload_id, Some(value.name), false);
                    return Ok(ledger.submitted(Submitted { creation, ..submitted }, began).await);
                }
                Err(error) => error,
            };
            let is_conflict = error.says_name_exists();
            if !is_conflict && !error.may_have_taken_effect() {
                // This request did nothing. An earlier one still may.
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
                "not known whether the workload was created; looking for it"
            );
            self.notify(|| SubmitEvent::Ambiguous {
                name: request.name.clone(),
                error: error.clone(),
                settle_time: self.settle_time,
            });
            let key = &key.after_sends(ledger.sends());
            match self.settle(key).await {
                Ok(Some(submitted)) => return Ok(ledger.submitted(submitted, began).await),
                // Somebody else has the name, whom lists do not show.
                Ok(None) if is_conflict && attempts == 1 && !sent_before => {
                    ledger.remove().await;
                    return Err(error);
                }
                Ok(None) if is_conflict || attempts == MAX_SUBMIT_ATTEMPTS => {
                    ledger.write(Progress::Unconfirmed).await;
                    return Err(key.unconfirmed(error));
                }
                Ok(None) => self.notify(|| SubmitEvent::Resending { name: request.name.clone() }),
                Err(found) if found.settles_a_submission() => {
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

/// What is stored about a submission.
enum StoredReceipt {
    None,
    Receipt(Box<Receipt>),
    Unreadable(StoreError),
}
