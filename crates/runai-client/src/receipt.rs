//! Receipts: what is stored about a submission, so that no crash can lose or double it.

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

/// What another process needs to find a submission again and to resume waiting for it. Holds no secret.
///
/// It does not hold what was submitted: environment variables may be secrets. Whether a submission is the one that was
/// sent is asked of the control plane, which has both its label and its spec.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", default)]
#[non_exhaustive]
pub struct Receipt {
    /// Version of this format; see [`Receipt::VERSION`].
    pub version: u32,
    /// Identifies the attempt that wrote this receipt, so that nobody replaces another's.
    pub attempt: String,
    /// URL of the control plane, without a trailing slash.
    pub base_url: String,
    /// UUID of the cluster.
    pub cluster_id: String,
    /// Tells the submitted request from others without holding it; see [`StepOperator::orphans`](crate::StepOperator::orphans).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// When the request was first sent: milliseconds since the Unix epoch, by this machine's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_sent_at: Option<u64>,
    /// The workload's name.
    pub name: String,
    /// By which rules the workload is waited for.
    pub policy: WaitPolicy,
    /// The project's id.
    pub project_id: String,
    /// The project's name, as the operator has it.
    pub project_name: String,
    /// How far the submission is.
    pub progress: Progress,
    /// The run id that the submission's id was made of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    /// How often the request was sent, or was about to be.
    pub sends: u32,
    /// Where the request came from, such as a file's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The submission's id, as its label says.
    pub submission_id: String,
    /// What was seen of the workload.
    pub wait: WaitState,
    /// Members that a later version wrote; they are kept.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

impl Receipt {
    /// The version of the format that this crate writes.
    pub const VERSION: u32 = 1;

    /// What tells this receipt from all others: twelve characters (`a-z2-7`), usually the submission's id.
    #[must_use]
    pub fn key(&self) -> String {
        receipt_key(&self.submission_id)
    }

    /// The workload, once it is known.
    #[must_use]
    pub fn workload_id(&self) -> Option<&str> {
        match &self.progress {
            Progress::Sending | Progress::Unconfirmed => None,
            Progress::Ended { workload_id, .. } | Progress::Submitted { workload_id } => Some(workload_id),
        }
    }

    /// Whether it is not known if the submission has become a workload.
    #[must_use]
    pub const fn is_unsettled(&self) -> bool {
        matches!(self.progress, Progress::Sending | Progress::Unconfirmed)
    }

    /// How long ago the request was first sent, by this machine's clock.
    pub(crate) fn since_first_send(&self) -> Option<Duration> {
        Some(now().saturating_sub(Duration::from_millis(self.first_sent_at?)))
    }
}

/// The key of the receipt of a submission; see [`Receipt::key`]. An id of another form might be no file name.
pub(crate) fn receipt_key(submission_id: &str) -> String {
    if SubmissionId::is_one(submission_id) {
        submission_id.to_owned()
    } else {
        digest(&[submission_id], SubmissionId::LENGTH)
    }
}

/// This machine's clock. Only receipts need it: no other clock is common to two processes.
pub(crate) fn now() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

/// How far a submission is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Progress {
    /// The workload ended.
    Ended {
        /// How it ended.
        outcome: Outcome,
        /// The workload's UUID.
        workload_id: String,
    },
    /// It is about to be sent, or is being sent.
    #[default]
    Sending,
    /// It has become a workload.
    Submitted {
        /// The workload's UUID.
        workload_id: String,
    },
    /// It was sent, and it could not be found out whether it arrived.
    Unconfirmed,
}

/// Stores receipts.
///
/// An implementation has stored a receipt when [`put`](ReceiptStore::put) is done: a submission is sent right after.
/// Calls about one receipt take effect in the order in which they were made, also when their futures are dropped.
pub trait ReceiptStore: fmt::Debug + Send + Sync + 'static {
    /// Stores `receipt` in place of the one with the same [key](Receipt::key) that the attempt `replaces` wrote, or, where
    /// that is `None`, if there is none.
    fn put(&self, receipt: Receipt, replaces: Option<String>) -> BoxFuture<'_, Result<Put, StoreError>>;

    /// Returns the receipt with this key.
    fn find(&self, key: String) -> BoxFuture<'_, Result<Option<Receipt>, StoreError>>;

    /// Removes the receipt with this key if `attempt` wrote it; says whether it did.
    fn remove(&self, key: String, attempt: String) -> BoxFuture<'_, Result<bool, StoreError>>;

    /// Returns all receipts, in no particular order.
    fn list(&self) -> BoxFuture<'_, Result<ReceiptList, StoreError>>;

    /// Marks the submission with this key as being sent by this process, until the mark is dropped or the process ends.
    fn mark_alive(&self, key: String) -> BoxFuture<'_, Option<AliveMark>> {
        let _ = key;
        Box::pin(async { None })
    }

    /// Says whether a process that lives has marked the submission with this key.
    fn is_alive(&self, key: String) -> BoxFuture<'_, bool> {
        let _ = key;
        Box::pin(async { false })
    }
}

/// The future that a [`ReceiptStore`] returns.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The mark of [`ReceiptStore::mark_alive`]; dropping it takes it back.
pub type AliveMark = Box<dyn std::any::Any + Send + Sync>;

/// The result of [`ReceiptStore::put`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Put {
    /// Another attempt's receipt is stored, or none where one was expected; nothing was written.
    Conflict(Option<Box<Receipt>>),
    /// The receipt is stored.
    Stored,
}

/// All receipts of a [`ReceiptStore`].
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ReceiptList {
    /// Those that can be read.
    pub receipts: Vec<Receipt>,
    /// Why others cannot be read; each may stand for a job that runs.
    pub unreadable: Vec<StoreError>,
}

impl ReceiptList {
    /// Returns a list of receipts that can be read.
    #[must_use]
    pub const fn new(receipts: Vec<Receipt>) -> Self {
        Self { receipts, unreadable: Vec::new() }
    }
}

/// Receipts cannot be written or read.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct StoreError {
    message: String,
    source: Option<Cause>,
}

impl StoreError {
    /// Returns an error of an implementation. `message` does not repeat the message of the
    /// [source](StoreError::with_source).
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), source: None }
    }

    /// Returns the same error with its cause.
    #[must_use]
    pub fn with_source(self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { source: Some(Cause::new(source)), ..self }
    }
}
