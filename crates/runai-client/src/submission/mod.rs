//! Submitting a step once: the receipt, the send, and how it is found out what became of it.

use std::time::Duration;

use futures_util::stream::{self, Stream, StreamExt as _};
use runai_spec::name::SUBMISSION_LABEL;
use runai_spec::wait::{Outcome, WaitState};
use runai_spec::wire::{Label, Training, TrainingCreationRequest};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::sleep;

use crate::agreement::difference;
use crate::error::Error;
use crate::operator::StepOperator;
use crate::receipt::{Progress, Receipt, StoreError, receipt_key};

/// How often one submission is sent at most; after every time it is made certain that it does not exist yet.
pub const MOST_SENDS: usize = 4;

/// A submission that has become a workload. Holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submitted {
    /// The workload's UUID.
    pub workload_id: String,
    /// The workload's name.
    pub name: String,
    /// The project's id.
    pub project_id: String,
    /// The cluster's UUID.
    pub cluster_id: String,
    /// The submission's id, as its label says.
    pub submission_id: String,
    /// Whether the workload existed already: the answer to its submission had got lost, or it is of an earlier call.
    pub adopted: bool,
    /// Why there is no receipt that is up to date, where there should be one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unrecorded: Option<String>,
}

impl StepOperator {
    /// Submits a step that was never submitted before, under a name chosen for it alone.
    ///
    /// The request must carry the label `runai-step/submission`. It becomes one workload: if an answer does not say
    /// whether it did (none came, it made no sense, it says that the name exists), the workload is looked up by its
    /// name, and adopted if it carries the same label and holds what was sent. It is sent again only after it was
    /// made certain that it does not exist.
    ///
    /// With [receipts](StepOperator::receipts), one is written before the first send; a submission that has one
    /// already is attached to, as [`StepOperator::attach_or_submit`] does.
    ///
    /// If this future is dropped, or fails with [`Error::Unconfirmed`], the workload may exist;
    /// [`StepOperator::attach_or_submit`] with the same request goes on from there.
    ///
    /// # Errors
    /// What the control plane refuses; [`Error::NameTaken`]; [`Error::DifferentSpec`]; [`Error::AlreadyDeleted`];
    /// [`Error::Unconfirmed`] when it cannot be found out whether the workload exists.
    pub async fn submit(&self, request: &TrainingCreationRequest) -> Result<Submitted, Error> {
        let sought = Sought::of(request)?;
        match self.recall(&sought).await {
            Recall::Nothing => self.send(request, &sought, None).await,
            recall => self.attach(request, &sought, recall).await,
        }
    }

    /// As [`StepOperator::submit`], for a step that may have been submitted before: attaches to its workload if there
    /// is one. A workload that has been deleted since is not submitted again.
    pub async fn attach_or_submit(&self, request: &TrainingCreationRequest) -> Result<Submitted, Error> {
        let sought = Sought::of(request)?;
        let recall = self.recall(&sought).await;
        self.attach(request, &sought, recall).await
    }

    /// Submits many steps, `at_once` at a time; results come as they are ready, each with the place of its request.
    ///
    /// Each is submitted as by [`StepOperator::submit`]. When the stream is dropped, those that were begun may exist:
    /// with receipts, the same call goes on from there.
    pub fn submit_all(
        &self,
        requests: impl IntoIterator<Item = TrainingCreationRequest>,
        at_once: usize,
    ) -> impl Stream<Item = (usize, Result<Submitted, Error>)> {
        stream::iter(requests.into_iter().enumerate())
            .map(move |(place, request)| async move { (place, self.submit(&request).await) })
            .buffer_unordered(at_once.max(1))
    }

    /// Finds out what became of the submission of a receipt; nothing, if it never arrived.
    ///
    /// A receipt that is [`Progress::Sending`] is looked up by its name and label, and brought up to date. Nothing is
    /// ever sent.
    ///
    /// # Errors
    /// [`Error::AlreadyDeleted`], [`Error::NameTaken`], or whatever keeps the client from asking.
    pub async fn recover(&self, receipt: &Receipt) -> Result<Option<Submitted>, Error> {
        let sought = Sought::from_receipt(receipt);
        if let Some(workload_id) = receipt.workload_id() {
            return Ok(Some(sought.submitted(workload_id.to_owned(), None, true)));
        }
        let Some(submitted) = self.find_settled(&sought).await? else { return Ok(None) };
        let progress = Progress::Submitted { workload_id: submitted.workload_id.clone() };
        let unrecorded = self.record(Receipt { progress, ..receipt.clone() }).await;
        Ok(Some(Submitted { unrecorded, ..submitted }))
    }

    /// The receipt of a submission, if there is one that can be read.
    pub async fn receipt_of(&self, submitted: &Submitted) -> Option<Receipt> {
        let key = receipt_key(self.client.base_url(), &submitted.submission_id);
        self.receipts.as_ref()?.find(key).await.ok()?
    }

    /// The receipt of this submission.
    async fn recall(&self, sought: &Sought<'_>) -> Recall {
        let Some(store) = &self.receipts else { return Recall::Nothing };
        match store.find(receipt_key(self.client.base_url(), sought.submission_id)).await {
            Ok(None) => Recall::Nothing,
            Ok(Some(receipt)) => Recall::Receipt(Box::new(receipt)),
            Err(error) => {
                tracing::warn!(%error, "the receipt cannot be read; asking the control plane");
                Recall::Unreadable(error)
            }
        }
    }

    async fn attach(
        &self,
        request: &TrainingCreationRequest,
        sought: &Sought<'_>,
        recall: Recall,
    ) -> Result<Submitted, Error> {
        let (earlier, unrecorded) = match recall {
            Recall::Nothing => (None, None),
            Recall::Receipt(receipt) => (Some(receipt), None),
            Recall::Unreadable(error) => (None, Some(error.to_string())),
        };
        if let Some(receipt) = earlier.as_deref().filter(|receipt| !sought.is_of(receipt)) {
            // The same run under another name: two workloads would be one submission.
            let other = self.recover(receipt).await?;
            if let Some(Submitted { name, workload_id, .. }) = other {
                let submission_id = sought.submission_id.to_owned();
                return Err(Error::DifferentSpec { name, workload_id, at: "/name".to_owned(), submission_id });
            }
        }
        let may_be_on_its_way = earlier.as_ref().is_some_and(|receipt| receipt.progress == Progress::Sending);
        let found = if may_be_on_its_way { self.find_settled(sought).await } else { self.find(sought).await };
        match found {
            Ok(Some(submitted)) => {
                let wait = earlier.filter(|receipt| {
                    matches!(&receipt.progress, Progress::Submitted { workload_id } if *workload_id == submitted.workload_id)
                });
                let submitted = self.record_submitted(submitted, wait.map(|receipt| receipt.wait)).await;
                Ok(Submitted { unrecorded: unrecorded.or(submitted.unrecorded), ..submitted })
            }
            Ok(None) => match earlier.as_ref().and_then(|receipt| receipt.workload_id()) {
                // It was a workload once, even if the control plane has forgotten it altogether.
                Some(workload_id) => Err(sought.already_deleted(workload_id.to_owned())),
                None => self.send(request, sought, unrecorded).await,
            },
            Err(error) => {
                // How it ended is worth more than that it is gone.
                let has_ended = earlier.is_some_and(|receipt| matches!(receipt.progress, Progress::Ended { .. }));
                if !has_ended {
                    self.note_deleted(&error, sought).await;
                }
                Err(error)
            }
        }
    }

    async fn send(
        &self,
        request: &TrainingCreationRequest,
        sought: &Sought<'_>,
        unrecorded: Option<String>,
    ) -> Result<Submitted, Error> {
        let written = self.record(self.receipt(sought, Progress::Sending, WaitState::default())).await;
        let mut sends = 0;
        let result = loop {
            sends += 1;
            let error = match self.client.create_training(request).await {
                Ok(training) => break Ok(sought.submitted(training.workload_id, Some(training.name), false)),
                Err(error) if error.may_have_taken_effect() || error.says_name_exists() => error,
                Err(error) => break Err(error),
            };
            tracing::warn!(%error, name = request.name, "not known whether the workload was created; looking for it");
            let unconfirmed = |source| Error::Unconfirmed { name: request.name.clone(), source: Box::new(source) };
            match self.find_settled(sought).await {
                Ok(Some(submitted)) => break Ok(submitted),
                // The control plane says that the name exists and shows nobody who has it: after an earlier send, it may
                // be ours.
                Ok(None) if error.says_name_exists() && sends > 1 => return Err(unconfirmed(error)),
                Ok(None) if error.says_name_exists() || sends == MOST_SENDS => break Err(error),
                Ok(None) => {}
                Err(found) if found.settles_a_submission() => break Err(found),
                Err(lookup) => return Err(unconfirmed(lookup)),
            }
        };
        match result {
            Ok(submitted) => {
                let submitted = self.record_submitted(submitted, None).await;
                Ok(Submitted { unrecorded: unrecorded.or(written).or(submitted.unrecorded), ..submitted })
            }
            Err(error) => {
                // What was sent more than once was looked for in vain, which lists that lag behind would explain too.
                let is_nothing = error.settles_a_submission()
                    || (sends == 1 && !error.may_have_taken_effect() && !error.says_name_exists());
                if !self.note_deleted(&error, sought).await && is_nothing {
                    self.forget(sought).await;
                }
                Err(error)
            }
        }
    }

    fn receipt(&self, sought: &Sought<'_>, progress: Progress, wait: WaitState) -> Receipt {
        Receipt {
            base_url: self.client.base_url().to_owned(),
            cluster_id: sought.cluster_id.to_owned(),
            name: sought.name.to_owned(),
            policy: self.policy.clone(),
            project_id: sought.project_id.to_owned(),
            project_name: self.project_name.clone(),
            progress,
            submission_id: sought.submission_id.to_owned(),
            wait,
        }
    }

    /// Writes a receipt. Why it could not, if it could not: a job is worth more than the note about it.
    async fn record(&self, receipt: Receipt) -> Option<String> {
        let store = self.receipts.as_ref()?;
        let error = store.put(receipt).await.err()?;
        tracing::warn!(%error, "going on without a receipt");
        Some(error.to_string())
    }

    async fn record_submitted(&self, submitted: Submitted, wait: Option<WaitState>) -> Submitted {
        let sought = Sought {
            cluster_id: &submitted.cluster_id,
            name: &submitted.name,
            project_id: &submitted.project_id,
            spec: None,
            submission_id: &submitted.submission_id,
        };
        let progress = Progress::Submitted { workload_id: submitted.workload_id.clone() };
        let unrecorded = self.record(self.receipt(&sought, progress, wait.unwrap_or_default())).await;
        Submitted { unrecorded, ..submitted }
    }

    /// Remembers a workload that is known to be deleted for longer than the control plane does.
    async fn note_deleted(&self, error: &Error, sought: &Sought<'_>) -> bool {
        let Error::AlreadyDeleted { workload_id, .. } = error else { return false };
        let progress = Progress::Ended { outcome: Outcome::Vanished, workload_id: workload_id.clone() };
        self.record(self.receipt(sought, progress, WaitState::default())).await;
        true
    }

    /// Forgets a submission that certainly has become nothing.
    async fn forget(&self, sought: &Sought<'_>) {
        let Some(store) = &self.receipts else { return };
        if let Err(error) = store.remove(receipt_key(self.client.base_url(), sought.submission_id)).await {
            tracing::warn!(%error, "a receipt of a refused submission stays");
        }
    }

    /// Looks for a submission until it is certain that it has become nothing.
    async fn find_settled(&self, sought: &Sought<'_>) -> Result<Option<Submitted>, Error> {
        let mut last = self.find(sought).await?;
        for pause in SETTLING {
            if last.is_some() {
                break;
            }
            // A request may still be on its way through the control plane when its connection is long gone.
            sleep(pause).await;
            last = self.find(sought).await?;
        }
        tracing::debug!(found = last.is_some(), name = sought.name, "looked for the workload");
        Ok(last)
    }

    /// The workload of this submission; nothing if there is none; an error if its name is someone else's or if it has
    /// been deleted.
    async fn find(&self, sought: &Sought<'_>) -> Result<Option<Submitted>, Error> {
        let Sought { name, project_id, submission_id, .. } = *sought;
        for workload in self.client.workloads_named(project_id, name, false).await? {
            match self.client.training(&workload.id).await {
                Ok(training) if training.deleted_at.is_none() => {
                    return sought.adopt(&training).map(Some);
                }
                // Deleted between the two requests: it shows among the deleted ones.
                Ok(_) => {}
                Err(error) if error.is_not_found() => {
                    let still_there = self.client.workload(&workload.id).await;
                    if still_there.is_ok_and(|workload| workload.deleted_at.is_none()) {
                        // Another kind of workload, which no submission of ours can be.
                        return Err(sought.taken(workload.id, None));
                    }
                }
                Err(error) => return Err(error),
            }
        }
        for workload in self.client.workloads_named(project_id, name, true).await? {
            let ours = match self.client.training(&workload.id).await {
                Ok(training) => label(&training).as_deref() == Some(submission_id),
                // Nothing is left but its name, which says the same unless the user chose it.
                Err(error) if error.is_not_found() => name.ends_with(submission_id),
                Err(error) => return Err(error),
            };
            if ours {
                return Err(sought.already_deleted(workload.id));
            }
        }
        Ok(None)
    }
}

/// What is remembered of a submission.
enum Recall {
    Nothing,
    Receipt(Box<Receipt>),
    Unreadable(StoreError),
}

/// A submission that is looked for.
struct Sought<'a> {
    cluster_id: &'a str,
    name: &'a str,
    project_id: &'a str,
    /// What was sent, where it is at hand.
    spec: Option<Value>,
    submission_id: &'a str,
}

impl<'a> Sought<'a> {
    fn of(request: &'a TrainingCreationRequest) -> Result<Self, Error> {
        let submission_id = Label::value_of(&request.spec.labels, SUBMISSION_LABEL)
            .filter(|id| !id.is_empty())
            .ok_or(Error::NoSubmissionId)?;
        Ok(Self {
            cluster_id: &request.cluster_id,
            name: &request.name,
            project_id: &request.project_id,
            // Strings, numbers, lists and structs cannot fail to serialise.
            spec: Some(serde_json::to_value(&request.spec).unwrap_or_default()),
            submission_id,
        })
    }

    fn from_receipt(receipt: &'a Receipt) -> Self {
        Self {
            cluster_id: &receipt.cluster_id,
            name: &receipt.name,
            project_id: &receipt.project_id,
            spec: None,
            submission_id: &receipt.submission_id,
        }
    }

    /// Whether `receipt` is about the workload that is looked for.
    fn is_of(&self, receipt: &Receipt) -> bool {
        self.name == receipt.name && self.project_id == receipt.project_id
    }

    fn adopt(&self, training: &Training) -> Result<Submitted, Error> {
        let found = label(training);
        if found.as_deref() != Some(self.submission_id) {
            return Err(self.taken(training.workload_id.clone(), found));
        }
        match self.spec.as_ref().and_then(|sent| difference(sent, &training.spec)) {
            None => Ok(self.submitted(training.workload_id.clone(), Some(training.name.clone()), true)),
            Some(at) => Err(Error::DifferentSpec {
                name: self.name.to_owned(),
                workload_id: training.workload_id.clone(),
                at,
                submission_id: self.submission_id.to_owned(),
            }),
        }
    }

    fn submitted(&self, workload_id: String, name: Option<String>, adopted: bool) -> Submitted {
        Submitted {
            workload_id,
            name: name.filter(|name| !name.is_empty()).unwrap_or_else(|| self.name.to_owned()),
            project_id: self.project_id.to_owned(),
            cluster_id: self.cluster_id.to_owned(),
            submission_id: self.submission_id.to_owned(),
            adopted,
            unrecorded: None,
        }
    }

    fn taken(&self, workload_id: String, other: Option<String>) -> Error {
        let submission_id = self.submission_id.to_owned();
        Error::NameTaken { name: self.name.to_owned(), workload_id, other, submission_id }
    }

    fn already_deleted(&self, workload_id: String) -> Error {
        let submission_id = self.submission_id.to_owned();
        Error::AlreadyDeleted { name: self.name.to_owned(), workload_id, submission_id }
    }
}

/// The submission that a training belongs to. Read leniently: a spec with words of a later API still has its labels.
fn label(training: &Training) -> Option<String> {
    let labels: Vec<Label> = serde_json::from_value(training.spec.get("labels")?.clone()).ok()?;
    Label::value_of(&labels, SUBMISSION_LABEL).map(str::to_owned)
}

/// Pauses between the looks that make certain that a submission does not exist.
///
/// Should it appear later still, the control plane refuses the second one for its name, and the first is adopted.
const SETTLING: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(3)];
