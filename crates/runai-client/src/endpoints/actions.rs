//! Suspending, resuming and deleting workloads of any type.

use http::StatusCode;
use runai_api::request::ApiRequest;
pub use runai_api::wire::requests::BatchAction;
use runai_api::wire::{Workload, requests};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{nullable, odd};
use crate::client::Client;
use crate::error::{ApiError, Error};

impl Client {
    /// Asks for a training workload to be suspended: its pods end, its entry stays. Returns before it has stopped.
    pub async fn suspend(&self, workload_id: &str) -> Result<(), Error> {
        self.act(&requests::suspend_training(workload_id)).await
    }

    /// Asks for a suspended training workload to be resumed. Returns before it runs.
    pub async fn resume(&self, workload_id: &str) -> Result<(), Error> {
        self.act(&requests::resume_training(workload_id)).await
    }

    /// Asks for a training workload to be deleted. Returns before it is gone.
    pub async fn delete(&self, workload_id: &str) -> Result<(), Error> {
        self.act(&requests::delete_training(workload_id)).await
    }

    /// As [`Client::suspend`], for a workload of any type: trainings, workspaces and distributed trainings by their own
    /// endpoints, inferences and types of later versions as a batch of one.
    pub async fn suspend_workload(&self, workload: &Workload) -> Result<(), Error> {
        self.act_on(workload, &requests::suspend_workload(&workload.kind, &workload.id)).await
    }

    /// As [`Client::resume`], for a workload of any type; see [`Client::suspend_workload`].
    pub async fn resume_workload(&self, workload: &Workload) -> Result<(), Error> {
        self.act_on(workload, &requests::resume_workload(&workload.kind, &workload.id)).await
    }

    /// As [`Client::delete`], for a workload of any type; see [`Client::suspend_workload`].
    pub async fn delete_workload(&self, workload: &Workload) -> Result<(), Error> {
        self.act_on(workload, &requests::delete_workload(&workload.kind, &workload.id)).await
    }

    /// Suspends, resumes or deletes up to [`BatchResult::MOST`] workloads of any type. Returns before that has happened.
    pub async fn batch(&self, action: BatchAction, workload_ids: &[String]) -> Result<BatchResult, Error> {
        self.send_batch(&requests::batch(action, workload_ids)).await
    }

    async fn send_batch(&self, request: &ApiRequest) -> Result<BatchResult, Error> {
        let mut result: BatchResult = self.send(request).await?;
        for failure in &mut result.failed {
            failure.message = self.shown(&failure.message);
        }
        Ok(result)
    }

    async fn act(&self, request: &ApiRequest) -> Result<(), Error> {
        self.send::<IgnoredAny>(request).await.map(drop)
    }

    /// Sends the request of an action; only a batch has a body.
    async fn act_on(&self, workload: &Workload, request: &ApiRequest) -> Result<(), Error> {
        if workload.id.is_empty() {
            return Err(Error::Path(request.path.clone() + "/"));
        }
        if request.body.is_none() { self.act(request).await } else { self.act_as_batch(&workload.id, request).await }
    }

    /// A batch is answered with 200 even if all its workloads fail.
    async fn act_as_batch(&self, workload_id: &str, request: &ApiRequest) -> Result<(), Error> {
        let BatchResult { failed, succeeded } = self.send_batch(request).await?;
        if let Some(BatchFailure { code, message, .. }) = failed.into_iter().find(|failure| failure.id == workload_id) {
            let status = u16::try_from(code).ok().and_then(|code| StatusCode::from_u16(code).ok());
            // A failure has an error status, even if the code says otherwise.
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
            Err(odd(request, "does not mention the workload"))
        }
    }
}

/// The result of a [`BatchAction`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct BatchResult {
    /// The workloads that were refused.
    #[serde(deserialize_with = "nullable")]
    pub failed: Vec<BatchFailure>,
    /// UUIDs of the workloads that were accepted.
    #[serde(deserialize_with = "nullable")]
    pub succeeded: Vec<String>,
}

impl BatchResult {
    /// The most workloads that one request may name.
    pub const MOST: usize = 100;
}

/// A workload that a [`BatchAction`] was refused for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct BatchFailure {
    /// An HTTP status.
    #[serde(deserialize_with = "nullable")]
    pub code: i64,
    /// The workload's UUID.
    #[serde(deserialize_with = "nullable")]
    pub id: String,
    /// The reason, for people.
    #[serde(deserialize_with = "nullable")]
    pub message: String,
}
