//! Receipts: the stored state of a submission, with which another process resumes after a crash.

use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, SystemTime};

use runai_api::name::{SubmissionId, digest};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::Cause;
use crate::lifecycle::{Outcome, WaitPolicy, WaitState};

/// The state of a submission, with which another process finds the workload and resumes waiting. Contains no secrets.
///
/// It does not contain the spec, because environment variables may be secrets. The client reads label and spec from the
/// control plane.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", default)]
#[non_exhaustive]
pub struct Receipt {
    /// Version of the format; see [`Receipt::VERSION`].
    pub version: u32,
    /// The attempt that wrote this receipt; only that one may replace or remove it.
    pub attempt: String,
    /// URL of the control plane, without a trailing slash.
    pub base_url: String,
    /// UUID of the cluster.
    pub cluster_id: String,
    /// A hash that identifies the request; see [`StepOperator::orphans`](crate::StepOperator::orphans).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// When the request was first sent: milliseconds since the Unix epoch, on this machine's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_sent_at: Option<u64>,
    /// The workload's name.
    pub name: String,
    /// The timeouts and intervals of the wait.
    pub policy: WaitPolicy,
    /// The project's id.
    pub project_id: String,
    /// The project's name, as configured in the operator.
    pub project_name: String,
    /// The progress of the submission.
    pub progress: Progress,
    /// The run id from which the submission id was derived.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    /// How often the request was sent, including a send that may not have happened.
    pub sends: u32,
    /// The source of the request, such as a file name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The submission id, as in the label.
    pub submission_id: String,
    /// The state of the wait.
    pub wait: WaitState,
    /// Members of a later version, which are preserved.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

impl Receipt {
    /// The version of the format that this crate writes.
    pub const VERSION: u32 = 1;

    /// Returns the unique key of this receipt: twelve characters (`a-z2-7`), usually the submission id.
    #[must_use]
    pub fn key(&self) -> String {
        receipt_key(&self.submission_id)
    }

    /// Returns the workload's UUID, if known.
    #[must_use]
    pub fn workload_id(&self) -> Option<&str> {
        match &self.progress {
            Progress::Sending | Progress::Unconfirmed => None,
            Progress::Ended { workload_id, .. } | Progress::Submitted { workload_id } => Some(workload_id),
        }
    }

    /// Returns whether it is unknown if the submission became a workload.
    #[must_use]
    pub const fn is_unsettled(&self) -> bool {
        matches!(self.progress, Progress::Sending | Progress::Unconfirmed)
    }

    /// Returns the time since the first send, on this machine's clock.
    pub(crate) fn since_first_send(&self) -> Option<Duration> {
        Some(now().saturating_sub(Duration::from_millis(self.first_sent_at?)))
    }
}

/// Returns the key of a submission's receipt; see [`Receipt::key`]. Other ids are hashed: they may be invalid file
/// names.
pub(crate) fn receipt_key(submission_id: &str) -> String {
    if SubmissionId::is_one(submission_id) {
        submission_id.to_owned()
    } else {
        digest(&[submission_id], SubmissionId::LENGTH)
    }
}

/// Returns the time since the Unix epoch on this machine's clock, the only one that two processes share.
pub(crate) fn now() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

/// How far a submission is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Progress {
    /// The workload has ended.
    Ended {
        /// How it ended.
        outcome: Outcome,
        /// The workload's UUID.
        workload_id: String,
    },
    /// The request is about to be sent, or is being sent.
    #[default]
    Sending,
    /// The workload exists.
    Submitted {
        /// The workload's UUID.
        workload_id: String,
    },
    /// The request was sent, and it is unknown whether it arrived.
    Unconfirmed,
}

/// Stores receipts.
///
/// [`put`](ReceiptStore::put) must return only after the receipt is durable, because the submission is sent right
/// after. Calls for one receipt must take effect in order, even if their futures are dropped.
pub trait ReceiptStore: fmt::Debug + Send + Sync + 'static {
    /// Stores `receipt` if the stored one with the same [key](Receipt::key) was written by the attempt `replaces`, or,
    /// with `None`, if there is none.
    fn put(&self, receipt: Receipt, replaces: Option<String>) -> BoxFuture<'_, Result<PutResult, StoreError>>;

    /// Returns the receipt with this key.
    fn find(&self, key: String) -> BoxFuture<'_, Result<Option<Receipt>, StoreError>>;

    /// Removes the receipt with this key if `attempt` wrote it. Returns whether it was removed.
    fn remove(&self, key: String, attempt: String) -> BoxFuture<'_, Result<bool, StoreError>>;

    /// Returns all receipts, in no particular order.
    fn list(&self) -> BoxFuture<'_, Result<ReceiptList, StoreError>>;

    /// Marks the submission with this key as being sent, until the mark is dropped or the process ends.
    fn mark_alive(&self, key: String) -> BoxFuture<'_, Option<AliveMark>> {
        let _ = key;
        Box::pin(async { None })
    }

    /// Returns whether a running process has marked the submission with this key.
    fn is_alive(&self, key: String) -> BoxFuture<'_, bool> {
        let _ = key;
        Box::pin(async { false })
    }
}

/// A boxed future that is `Send`, as returned by the traits of this crate.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The mark of [`ReceiptStore::mark_alive`]; dropping it removes the mark.
pub type AliveMark = Box<dyn std::any::Any + Send + Sync>;

/// The result of [`ReceiptStore::put`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PutResult {
    /// Nothing was written: the stored receipt (or none) is not the one to replace.
    Conflict(Option<Box<Receipt>>),
    /// The receipt is stored.
    Stored,
}

/// All receipts of a [`ReceiptStore`].
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ReceiptList {
    /// The readable receipts.
    pub receipts: Vec<Receipt>,
    /// The errors of unreadable receipts; each may belong to a running job.
    pub unreadable: Vec<StoreError>,
}

impl ReceiptList {
    /// Returns a list without unreadable receipts.
    #[must_use]
    pub const fn new(receipts: Vec<Receipt>) -> Self {
        Self { receipts, unreadable: Vec::new() }
    }
}

/// The error of a [`ReceiptStore`].
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct StoreError {
    message: String,
    source: Option<Cause>,
}

impl StoreError {
    /// Returns an error. `message` should not repeat the message of the [source](StoreError::with_source).
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), source: None }
    }

    /// Returns the same error with its cause.
    #[must_use]
    pub fn with_source(self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { source: Some(Cause::new(source)), ..self }
    }
}
