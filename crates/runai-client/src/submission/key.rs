//! By what a submission is recognised, and what proves that a workload is of it.

use runai_api::Submission;
use runai_api::name::{SUBMISSION_LABEL, SubmissionId, digest};
use runai_api::wire::{Label, Training};
use serde_json::Value;

use super::Submitted;
use crate::error::Error;
use crate::receipt::Receipt;
use crate::spec_diff::{differences, is_other_file};

/// By what a submission is recognised.
#[derive(Clone)]
pub(crate) struct SubmissionKey<'a> {
    pub(crate) cluster_id: &'a str,
    pub(crate) name: &'a str,
    pub(crate) project_id: &'a str,
    pub(crate) submission_id: &'a str,
    request: Option<&'a Submission>,
    /// Whether a request may have arrived of which nothing is known.
    has_unsettled_send: bool,
    /// Where the earlier request and this one came from.
    sources: [Option<String>; 2],
}

/// Whose a workload is that has the name of a submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ownership {
    /// It is of the submission.
    Ours,
    /// It is of another submission, if it is of any.
    Theirs(Option<String>),
}

impl<'a> SubmissionKey<'a> {
    pub(crate) fn of(request: &'a Submission) -> Result<Self, Error> {
        if request.submission_id.is_empty() {
            return Err(Error::NoSubmissionId);
        }
        Ok(Self {
            cluster_id: &request.cluster_id,
            name: &request.name,
            project_id: &request.project_id,
            submission_id: &request.submission_id,
            request: Some(request),
            has_unsettled_send: false,
            sources: [None, None],
        })
    }

    pub(crate) fn from_receipt(receipt: &'a Receipt) -> Self {
        Self {
            cluster_id: &receipt.cluster_id,
            name: &receipt.name,
            project_id: &receipt.project_id,
            submission_id: &receipt.submission_id,
            request: None,
            has_unsettled_send: receipt.is_unsettled(),
            sources: [receipt.source.clone(), None],
        }
    }

    /// The same key, of a submission that has this receipt.
    pub(crate) fn sent_before(&self, receipt: Option<&Receipt>, source: Option<String>) -> Self {
        let has_unsettled_send = receipt.is_some_and(Receipt::is_unsettled);
        let stored = receipt.and_then(|receipt| receipt.source.clone());
        Self { has_unsettled_send, sources: [stored, source], ..self.clone() }
    }

    /// The same key, after a request that may have arrived.
    pub(crate) fn after_sends(&self, sends: u32) -> Self {
        Self { has_unsettled_send: sends > 0, ..self.clone() }
    }

    /// Whether `receipt` is about the workload that is looked for.
    pub(crate) fn is_of(&self, receipt: &Receipt) -> bool {
        self.name == receipt.name && self.project_id == receipt.project_id
    }

    /// Whether the name ends with the submission's id, and so proves it.
    pub(crate) fn is_generated_name(&self) -> bool {
        self.name.strip_suffix(self.submission_id).is_some_and(|base| base.ends_with('-'))
    }

    pub(crate) const fn has_unsettled_send(&self) -> bool {
        self.has_unsettled_send
    }

    /// Whose `training` is, which has the submission's name.
    ///
    /// The label proves it. Where the control plane dropped or masked the label, a generated name proves the same.
    pub(crate) fn ownership(&self, training: &Training) -> Ownership {
        match label(training) {
            Some(id) if id == self.submission_id => Ownership::Ours,
            Some(other) if SubmissionId::is_one(&other) || !self.is_generated_name() => Ownership::Theirs(Some(other)),
            _ if self.is_generated_name() => Ownership::Ours,
            _ => Ownership::Theirs(None),
        }
    }

    /// Attaches to a training that is of this submission.
    ///
    /// # Errors
    /// [`Error::DifferentSpec`] if it runs another image, command or arguments.
    pub(crate) fn attach(&self, training: &Training) -> Result<Submitted, Error> {
        let workload_id = training.workload_id.clone();
        let mut submitted = self.submitted(workload_id, Some(training.name.clone()), true);
        let Some(request) = self.request else { return Ok(submitted) };
        let body = request.value();
        let sent = &body["spec"];
        if let Some(at) = is_other_file(sent, &training.spec, body["templateId"].is_string()) {
            let [stored_source, source_name] = self.sources.each_ref().map(|source| source.as_deref().map(Box::from));
            return Err(Error::DifferentSpec {
                name: self.name.to_owned(),
                workload_id: submitted.workload_id,
                at,
                submission_id: self.submission_id.to_owned(),
                stored_source,
                source_name,
            });
        }
        submitted.differences = differences(sent, &training.spec);
        Ok(submitted)
    }

    pub(crate) fn submitted(&self, workload_id: String, name: Option<String>, already_existed: bool) -> Submitted {
        Submitted {
            workload_id,
            name: name.filter(|name| !name.is_empty()).unwrap_or_else(|| self.name.to_owned()),
            project_id: self.project_id.to_owned(),
            cluster_id: self.cluster_id.to_owned(),
            submission_id: self.submission_id.to_owned(),
            already_existed,
            ..Submitted::default()
        }
    }

    pub(crate) fn taken(&self, workload_id: String, other: Option<String>) -> Error {
        let submission_id = self.submission_id.to_owned();
        Error::NameTaken { name: self.name.to_owned(), workload_id, other, submission_id }
    }

    pub(crate) fn already_deleted(&self, workload_id: String) -> Error {
        let submission_id = self.submission_id.to_owned();
        Error::AlreadyDeleted { name: self.name.to_owned(), workload_id, submission_id }
    }

    pub(crate) fn unproven_deletion(&self, workload_id: String) -> Error {
        let submission_id = self.submission_id.to_owned();
        Error::UnprovenDeletion { name: self.name.to_owned(), workload_id, submission_id }
    }

    pub(crate) fn unconfirmed(&self, source: Error) -> Error {
        match source {
            Error::Unconfirmed { .. } => source,
            source => Error::Unconfirmed { name: self.name.to_owned(), source: Box::new(source) },
        }
    }

    /// What tells the request from others, whatever its run id; `None` if only a receipt is known.
    ///
    /// A hash of all that is sent but the name's suffix and the submission's label.
    pub(crate) fn fingerprint(&self, base_url: &str) -> Option<String> {
        let request = self.request?;
        let mut body = request.value();
        let template = body["templateId"].as_str().unwrap_or_default().to_owned();
        let mut spec = body["spec"].take();
        if let Some(labels) = spec.get_mut("labels").and_then(Value::as_array_mut) {
            labels.retain(|label| label["name"] != SUBMISSION_LABEL);
        }
        let base = self.name.strip_suffix(self.submission_id).unwrap_or(self.name);
        let texts = [base_url, self.project_id, self.cluster_id, base, &template, &spec.to_string()];
        Some(digest(&texts, FINGERPRINT_LENGTH))
    }
}

/// The submission that a training belongs to. Read leniently: a spec with words of a later API still has its labels.
fn label(training: &Training) -> Option<String> {
    let labels: Vec<Label> = serde_json::from_value(training.spec.get("labels")?.clone()).ok()?;
    Label::value_of(&labels, SUBMISSION_LABEL).map(str::to_owned)
}

/// Characters of a fingerprint: 100 bits.
const FINGERPRINT_LENGTH: usize = 20;
