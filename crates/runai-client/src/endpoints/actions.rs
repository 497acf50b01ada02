//! Suspends, resumes and deletes workloads of any type.

use http::StatusCode;
use runai_api::request::ApiRequest;
pub use runai_api::wire::requests::BatchAction;
use runai_api::wire::{Workload, requests};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{nullable, unexpected};
use crate::client::Client;
use crate::error::{ApiError, Error};

impl Client {
    /// Requests the suspension of a training workload: its pods end, its record remains. Returns before it has stopped.
    pub async fn suspend(&self, workload_id: &str) -> Result<(), Error> {
        self.act(&requests::suspend_training(workload_id)).await
    }

    /// Requests that a suspended training workload be resumed. Returns before it runs.
    pub async fn resume(&self, workload_id: &str) -> Result<(), Error> {
        self.act(&requests::resume_training(workload_id)).await
    }

    /// Requests the deletion of a training workload. Returns before it is gone.
    pub async fn delete(&self, workload_id: &str) -> Result<(), Error> {
        self.act(&requests::delete_training(workload_id)).await
    }

    /// Like [`Client::suspend`], for a workload of any type. Trainings, workspaces and distributed trainings have their
    /// own endpoints; inferences and unknown types are sent as a batch of one.
    pub async fn suspend_workload(&self, workload: &Workload) -> Result<(), Error> {
        self.act_on(workload, &requests::suspend_workload(&workload.kind, &workload.id)).await
    }

    /// Like [`Client::resume`], for a workload of any type; see [`Client::suspend_workload`].
    pub async fn resume_workload(&self, workload: &Workload) -> Result<(), Error> {
        self.act_on(workload, &requests::resume_workload(&workload.kind, &workload.id)).await
    }

    /// Like [`Client::delete`], for a workload of any type; see [`Client::suspend_workload`].
    pub async fn delete_workload(&self, workload: &Workload) -> Result<(), Error> {
        self.act_on(workload, &requests::delete_workload(&workload.kind, &workload.id)).await
    }

    /// Requests an action on up to [`BatchResult::MAX_WORKLOADS`] workloads of any type. Returns before it has taken
    /// effect.
    pub async fn batch(&self, action: BatchAction, workload_ids: &[String]) -> Result<BatchResult, Error> {
        self.send_batch(&requests::batch(action, workload_ids)).await
    }

    async fn send_batch(&self, request: &ApiRequest) -> Result<BatchResult, Error> {
        let mut result: BatchResult = self.send(request).await?;
        for failure in &mut result.failed {
            failure.message = self.sanitized(&failure.message);
        }
        Ok(result)
    }

    async fn act(&self, request: &ApiRequest) -> Result<(), Error> {
        self.send::<IgnoredAny>(request).await.map(drop)
    }

    /// Sends the request of an action. Only batch requests have a body.
    async fn act_on(&self, workload: &Workload, request: &ApiRequest) -> Result<(), Error> {
        if workload.id.is_empty() {
            return Err(Error::Path(request.path.clone() + "/"));
        }
        if request.body.is_none() { self.act(request).await } else { self.act_as_batch(&workload.id, request).await }
    }

    /// Sends a batch request for one workload. The status is 200 even if all workloads fail.
    async fn act_as_batch(&self, workload_id: &str, request: &ApiRequest) -> Result<(), Error> {
        let BatchResult { failed, succeeded } = self.send_batch(request).await?;
        if let Some(BatchFailure { code, message, .. }) = failed.into_iter().find(|failure| failure.id == workload_id) {
            let status = u16::try_from(code).ok().and_then(|code| StatusCode::from_u16(code).ok());
            // A failure gets an error status, whatever its code is.
            let status = status.filter(|status| status.is_client_error() || status.is_server_error());
            return Err(Error::Api(Box::new(ApiError {
                call: format!("{} {}", request.method, request.path),
                status: status.unwrap_or(StatusCode::BAD_REQUEST),
                message,
                details: None,
                issues: Vec::new(),
                retry_after: None,
                location: None,
                from_api: true,
            })));
        }
        if succeeded.iter().any(|id| id == workload_id) {
            Ok(())
        } else {
            Err(unexpected(request, "does not mention the workload"))
        }
    }
}

/// The result of a [`BatchAction`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct BatchResult {
    /// The refused workloads.
    #[serde(deserialize_with = "nullable")]
    pub failed: Vec<BatchFailure>,
    /// UUIDs of the accepted workloads.
    #[serde(deserialize_with = "nullable")]
    pub succeeded: Vec<String>,
}

impl BatchResult {
    /// Maximum number of workloads of one request.
    pub const MAX_WORKLOADS: usize = 100;
}

/// A refused workload of a [`BatchAction`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct BatchFailure {
    /// The HTTP status.
    #[serde(deserialize_with = "nullable")]
    pub code: i64,
    /// The workload's UUID.
    #[serde(deserialize_with = "nullable")]
    pub id: String,
    /// The reason.
    #[serde(deserialize_with = "nullable")]
    pub message: String,
}
