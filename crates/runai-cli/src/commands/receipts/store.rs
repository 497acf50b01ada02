//! Reads the receipt files of this user. An unreadable file does not affect the others.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use runai_client::{Receipt, ReceiptDirectory, ReceiptStore as _};
use serde::Serialize;
use serde_json::Value;

use crate::config::connect::state_folder;
use crate::failure::Failure;

/// A receipt and its file.
#[derive(Clone, Debug)]
pub(crate) struct StoredReceipt {
    pub(crate) receipt: Receipt,
    /// All members of the file, including those of other versions of the program.
    pub(crate) members: Value,
    modified: SystemTime,
}

/// A file that cannot be read.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct UnreadableReceipt {
    pub(crate) path: PathBuf,
    pub(crate) error: String,
}

/// The progress of a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ReceiptProgress {
    /// The workload ended.
    Ended,
    /// The request is being sent, or is about to be.
    Sending,
    /// The workload exists.
    Submitted,
    /// It is unknown whether the control plane received the request.
    Unconfirmed,
    /// A value of another version of the program.
    Unknown,
}

impl ReceiptProgress {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Ended => "ended",
            Self::Sending => "sending",
            Self::Submitted => "submitted",
            Self::Unconfirmed => "unconfirmed",
            Self::Unknown => "unknown",
        }
    }

    /// Whether it is unknown if the workload exists.
    pub(crate) const fn is_unsettled(self) -> bool {
        matches!(self, Self::Sending | Self::Unconfirmed)
    }
}

/// Returns all receipts, newest first, and the files that cannot be read.
pub(crate) fn read_all() -> Result<(Vec<StoredReceipt>, Vec<UnreadableReceipt>), Failure> {
    let folder = state_folder();
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Default::default()),
        Err(error) => return Err(Failure::usage(format!("cannot read `{}`: {error}", folder.display()))),
    };
    let (mut receipts, mut unreadable) = (Vec::new(), Vec::new());
    for entry in entries.flatten() {
        let path = entry.path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        match StoredReceipt::read(&path) {
            Ok(receipt) => receipts.push(receipt),
            // Removed by another process.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => unreadable.push(UnreadableReceipt { path, error: error.to_string() }),
        }
    }
    receipts.sort_by_key(|receipt| std::cmp::Reverse(receipt.modified));
    unreadable.sort_by(|one, other| one.path.cmp(&other.path));
    Ok((receipts, unreadable))
}

impl StoredReceipt {
    fn read(path: &PathBuf) -> io::Result<Self> {
        let bytes = fs::read(path)?;
        let modified = fs::metadata(path)?.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        let members: Value = serde_json::from_slice(&bytes)?;
        let receipt = serde_json::from_slice(&bytes)?;
        Ok(Self { receipt, members, modified })
    }

    pub(crate) fn progress(&self) -> ReceiptProgress {
        let progress = &self.members["progress"];
        let name = progress.as_str().or_else(|| progress.as_object()?.keys().next().map(String::as_str));
        match name.unwrap_or_default() {
            "ended" => ReceiptProgress::Ended,
            "sending" => ReceiptProgress::Sending,
            "submitted" => ReceiptProgress::Submitted,
            "unconfirmed" => ReceiptProgress::Unconfirmed,
            _ => ReceiptProgress::Unknown,
        }
    }

    /// Returns how the workload ended.
    pub(crate) fn outcome(&self) -> Option<&str> {
        self.members["progress"]["ended"]["outcome"].as_str()
    }

    pub(crate) fn run_id(&self) -> Option<&str> {
        self.members["run_id"].as_str()
    }

    /// Returns the time since the request was first sent, or since the receipt was written.
    pub(crate) fn age(&self) -> Duration {
        let first_sent = self.members["first_sent_at"].as_u64().map(Duration::from_millis);
        let since = first_sent.and_then(|sent| SystemTime::UNIX_EPOCH.checked_add(sent)).unwrap_or(self.modified);
        // Zero if the clock was set back.
        since.elapsed().unwrap_or_default()
    }

    /// Whether `selector` is the key, submission id, name or run id of this receipt.
    pub(crate) fn matches(&self, selector: &str) -> bool {
        self.receipt.name == selector
            || self.receipt.submission_id == selector
            || self.run_id() == Some(selector)
            || self.receipt.key() == selector
    }

    /// Removes the receipt.
    pub(crate) async fn remove(&self) -> Result<(), Failure> {
        let store = ReceiptDirectory::new(state_folder());
        let removed = store.remove(self.receipt.key(), self.receipt.attempt.clone()).await;
        // Keeps a receipt that another command has replaced.
        removed.map(drop).map_err(|problem| Failure::usage(problem.to_string()))
    }

    /// Whether a running command is submitting it.
    pub(crate) async fn is_being_submitted(&self) -> bool {
        self.progress().is_unsettled() && ReceiptDirectory::new(state_folder()).is_alive(self.receipt.key()).await
    }
}
