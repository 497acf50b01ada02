//! Receipts: what is written down about a submission, so that no crash can lose or double it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use runai_spec::name::SubmissionId;
use runai_spec::wait::{Outcome, WaitPolicy, WaitState};
use serde::{Deserialize, Serialize};

/// What another process needs to find a submission again, and to go on waiting for it. Holds no secret.
///
/// It does not hold what was submitted: environment variables may be secrets. Whether a submission is the one that was
/// sent is asked of the control plane, which has both its label and its spec.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub struct Receipt {
    /// URL of the control plane, without a trailing slash.
    pub base_url: String,
    /// UUID of the cluster.
    pub cluster_id: String,
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
    /// The submission's id, as its label says.
    pub submission_id: String,
    /// What was seen of the workload.
    #[serde(default)]
    pub wait: WaitState,
}

impl Receipt {
    /// What tells this receipt from all others: a name of twelve characters (`a-z2-7`).
    ///
    /// The same project and run give the same submission id at every control plane, so the URL is part of it.
    #[must_use]
    pub fn key(&self) -> String {
        receipt_key(&self.base_url, &self.submission_id)
    }

    /// The workload, once it is known.
    #[must_use]
    pub fn workload_id(&self) -> Option<&str> {
        match &self.progress {
            Progress::Sending => None,
            Progress::Ended { workload_id, .. } | Progress::Submitted { workload_id } => Some(workload_id),
        }
    }
}

/// The key of the receipt of a submission at the control plane at `base_url`; see [`Receipt::key`].
pub(crate) fn receipt_key(base_url: &str, submission_id: &str) -> String {
    SubmissionId::new(base_url, submission_id).as_str().to_owned()
}

/// How far a submission is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Progress {
    /// The workload ended.
    Ended {
        /// How it ended.
        outcome: Outcome,
        /// The workload's UUID.
        workload_id: String,
    },
    /// It is about to be sent, or was sent; whether it arrived is not known yet.
    Sending,
    /// It has become a workload.
    Submitted {
        /// The workload's UUID.
        workload_id: String,
    },
}

/// Where receipts are kept.
///
/// An implementation has written a receipt when [`put`](ReceiptStore::put) is done: a submission is sent right after.
pub trait ReceiptStore: fmt::Debug + Send + Sync + 'static {
    /// Writes a receipt, in place of the one with the same [key](Receipt::key).
    fn put(&self, receipt: Receipt) -> Storing<'_, ()>;

    /// The receipt with this key.
    fn find(&self, key: String) -> Storing<'_, Option<Receipt>>;

    /// Forgets the receipt with this key, if there is one.
    fn remove(&self, key: String) -> Storing<'_, ()>;

    /// All receipts, in no particular order.
    fn all(&self) -> Storing<'_, Vec<Receipt>>;
}

/// The future that a [`ReceiptStore`] gives.
pub type Storing<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Receipts cannot be written or read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct StoreError(String);

impl StoreError {
    /// An error of an implementation's own.
    pub fn new(problem: impl Into<String>) -> Self {
        Self(problem.into())
    }
}
