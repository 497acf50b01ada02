//! The request of a submission, with its identity.

use std::fmt;

use bytes::Bytes;
use serde_json::Value;

use crate::name::SUBMISSION_LABEL;
use crate::request::ApiRequest;
use crate::wire::{Label, TrainingCreationRequest, requests};

/// A training workload to create, with the identity of its submission.
///
/// [`body`](Self::body) is sent byte for byte; the other fields repeat parts of it.
///
/// ```
/// use runai_api::Submission;
/// use runai_api::name::SUBMISSION_LABEL;
/// use runai_api::wire::{Label, TrainingCreationRequest};
///
/// let mut training = TrainingCreationRequest { name: "fit-k3q7xw2ah5mb".to_owned(), ..Default::default() };
/// assert_eq!(Submission::of(&training), None, "the label is missing");
/// let (name, value) = (Some(SUBMISSION_LABEL.to_owned()), Some("k3q7xw2ah5mb".to_owned()));
/// training.spec.labels.push(Label { name, value, ..Label::default() });
/// let submission = Submission::of(&training).unwrap();
/// assert_eq!(submission.name, "fit-k3q7xw2ah5mb");
/// assert_eq!(submission.request().body, Some(submission.body));
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Submission {
    /// The workload's name.
    pub name: String,
    /// The project's id.
    pub project_id: String,
    /// The cluster's UUID.
    pub cluster_id: String,
    /// The submission id: the value of the label [`SUBMISSION_LABEL`]. Empty if there is none.
    pub submission_id: String,
    /// The body of the request: a [`TrainingCreationRequest`] as JSON.
    pub body: Bytes,
}

impl Submission {
    /// Returns the submission of a body. The caller must pass the same values that the body contains.
    #[must_use]
    pub fn new(
        name: impl Into<String>,
        project_id: impl Into<String>,
        cluster_id: impl Into<String>,
        submission_id: impl Into<String>,
        body: impl Into<Bytes>,
    ) -> Self {
        Self {
            name: name.into(),
            project_id: project_id.into(),
            cluster_id: cluster_id.into(),
            submission_id: submission_id.into(),
            body: body.into(),
        }
    }

    /// Returns the submission of a request; `None` without the label [`SUBMISSION_LABEL`].
    #[must_use]
    pub fn of(training: &TrainingCreationRequest) -> Option<Self> {
        let submission_id = Label::value_of(&training.spec.labels, SUBMISSION_LABEL).filter(|id| !id.is_empty())?;
        // Strings, numbers, lists and structs always serialize.
        let body = serde_json::to_vec(training).unwrap_or_default();
        Some(Self::new(&training.name, &training.project_id, &training.cluster_id, submission_id, body))
    }

    /// Returns the request that creates the workload.
    #[must_use]
    pub fn request(&self) -> ApiRequest {
        requests::create().body(self.body.clone())
    }

    /// Returns the body as a value; null if it is not JSON.
    #[must_use]
    pub fn value(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// Returns the body as the API's type; `None` if it does not match.
    #[must_use]
    pub fn training(&self) -> Option<TrainingCreationRequest> {
        serde_json::from_slice(&self.body).ok()
    }
}

/// Omits the body, which may contain secrets.
impl fmt::Debug for Submission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, project_id, cluster_id, submission_id, .. } = self;
        let mut debug = f.debug_struct("Submission");
        debug.field("name", name).field("project_id", project_id).field("cluster_id", cluster_id);
        debug.field("submission_id", submission_id).finish_non_exhaustive()
    }
}
