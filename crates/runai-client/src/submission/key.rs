//! Identifies the workloads of a submission.

use runai_api::Submission;
use runai_api::name::{SUBMISSION_LABEL, SubmissionId, digest};
use runai_api::wire::{Label, Training};
use serde_json::Value;

use super::Submitted;
use crate::error::Error;
use crate::receipt::Receipt;
use crate::spec_diff::{differences, identity_difference};

/// The identity of a submission.
#[derive(Clone)]
pub(crate) struct SubmissionKey<'a> {
    pub(crate) cluster_id: &'a str,
    pub(crate) name: &'a str,
    pub(crate) project_id: &'a str,
    pub(crate) submission_id: &'a str,
    request: Option<&'a Submission>,
    /// Whether an earlier request may have arrived.
    has_unsettled_send: bool,
    /// The sources of the earlier request and of this one.
    sources: [Option<String>; 2],
}

/// The owner of a workload with the name of a submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ownership {
    /// The submission.
    Ours,
    /// Another submission, or none.
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

    /// Returns the key of a submission with this receipt.
    pub(crate) fn with_receipt(&self, receipt: Option<&Receipt>, source: Option<String>) -> Self {
        let has_unsettled_send = receipt.is_some_and(Receipt::is_unsettled);
        let stored = receipt.and_then(|receipt| receipt.source.clone());
        Self { has_unsettled_send, sources: [stored, source], ..self.clone() }
    }

    /// Returns the key after this number of requests, which may have arrived.
    pub(crate) fn after_sends(&self, sends: u32) -> Self {
        Self { has_unsettled_send: sends > 0, ..self.clone() }
    }

    /// Returns whether `receipt` has the same name and project.
    pub(crate) fn matches(&self, receipt: &Receipt) -> bool {
        self.name == receipt.name && self.project_id == receipt.project_id
    }

    /// Returns whether the name ends with the submission's id, which makes it a proof of identity.
    pub(crate) fn is_generated_name(&self) -> bool {
        self.name.strip_suffix(self.submission_id).is_some_and(|base| base.ends_with('-'))
    }

    pub(crate) const fn has_unsettled_send(&self) -> bool {
        self.has_unsettled_send
    }

    /// Returns the owner of `training`, which has the submission's name.
    ///
    /// The label proves ownership. If the control plane dropped or masked it, a generated name does.
    pub(crate) fn ownership(&self, training: &Training) -> Ownership {
        match label(training) {
            Some(id) if id == self.submission_id => Ownership::Ours,
            Some(other) if SubmissionId::is_one(&other) || !self.is_generated_name() => Ownership::Theirs(Some(other)),
            _ if self.is_generated_name() => Ownership::Ours,
            _ => Ownership::Theirs(None),
        }
    }

    /// Attaches to a training of this submission.
    ///
    /// # Errors
    /// [`Error::DifferentSpec`] if it runs another image, command or arguments.
    pub(crate) fn attach(&self, training: &Training) -> Result<Submitted, Error> {
        let workload_id = training.workload_id.clone();
        let mut submitted = self.submitted(workload_id, Some(training.name.clone()), true);
        let Some(request) = self.request else { return Ok(submitted) };
        let body = request.value();
        let sent = &body["spec"];
        if let Some(at) = identity_difference(sent, &training.spec, body["templateId"].is_string()) {
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

    pub(crate) fn name_taken(&self, workload_id: String, other: Option<String>) -> Error {
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

    /// Returns a hash that identifies the request under any run id; `None` if only a receipt is known.
    ///
    /// It covers the whole request except the name's suffix and the submission's label.
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

/// Returns the submission id in the labels of a training. Ignores the rest of the spec, which may be of a later API.
fn label(training: &Training) -> Option<String> {
    let labels: Vec<Label> = serde_json::from_value(training.spec.get("labels")?.clone()).ok()?;
    Label::value_of(&labels, SUBMISSION_LABEL).map(str::to_owned)
}

/// Length of a fingerprint, in characters of 5 bits.
const FINGERPRINT_LENGTH: usize = 20;
