//! A step's request, ready to be submitted once.

use std::fmt;

use bytes::Bytes;
use serde_json::Value;

use crate::name::SUBMISSION_LABEL;
use crate::request::ApiRequest;
use crate::wire::{Label, TrainingCreationRequest, requests};

/// A training workload to create, and by what the control plane recognizes it.
///
/// [`body`](Self::body) is what is sent, byte for byte; the other members repeat parts of it, so that nobody has to parse
/// it for them.
///
/// ```
/// use runai_api::Submission;
/// use runai_api::name::SUBMISSION_LABEL;
/// use runai_api::wire::{Label, TrainingCreationRequest};
///
/// let mut training = TrainingCreationRequest { name: "fit-k3q7xw2ah5mb".to_owned(), ..Default::default() };
/// assert_eq!(Submission::of(&training), None, "nothing tells it from other submissions");
/// let (name, value) = (Some(SUBMISSION_LABEL.to_owned()), Some("k3q7xw2ah5mb".to_owned()));
/// training.spec.labels.push(Label { name, value, ..Label::default() });
/// let submission = Submission::of(&training).unwrap();
/// assert_eq!(submission.name, "fit-k3q7xw2ah5mb");
/// assert_eq!(submission.request().body, Some(submission.body));
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Submission {
    /// Name of the workload.
    pub name: String,
    /// Id of the project.
    pub project_id: String,
    /// UUID of the cluster.
    pub cluster_id: String,
    /// Id of the submission: the value of the label [`SUBMISSION_LABEL`]. Empty if there is none.
    pub submission_id: String,
    /// The body of the request: a [`TrainingCreationRequest`] as JSON.
    pub body: Bytes,
}

impl Submission {
    /// Returns the submission of a body that names these. The caller vouches that the body says the same.
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

    /// Returns the submission of a request that was built in Rust; `None` without the label [`SUBMISSION_LABEL`].
    #[must_use]
    pub fn of(training: &TrainingCreationRequest) -> Option<Self> {
        let submission_id = Label::value_of(&training.spec.labels, SUBMISSION_LABEL).filter(|id| !id.is_empty())?;
        // Strings, numbers, lists and structs cannot fail to serialize.
        let body = serde_json::to_vec(training).unwrap_or_default();
        Some(Self::new(&training.name, &training.project_id, &training.cluster_id, submission_id, body))
    }

    /// The request that creates the workload.
    #[must_use]
    pub fn request(&self) -> ApiRequest {
        requests::create().body(self.body.clone())
    }

    /// The body as a value; null if it is not JSON.
    #[must_use]
    pub fn value(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The body in the API's types; `None` if it is not one.
    #[must_use]
    pub fn training(&self) -> Option<TrainingCreationRequest> {
        serde_json::from_slice(&self.body).ok()
    }
}

/// Shows no body: it may contain secrets.
impl fmt::Debug for Submission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, project_id, cluster_id, submission_id, .. } = self;
        let mut debug = f.debug_struct("Submission");
        debug.field("name", name).field("project_id", project_id).field("cluster_id", cluster_id);
        debug.field("submission_id", submission_id).finish_non_exhaustive()
    }
}
