//! Trainings, workloads of any type, and their events and history.

use futures_core::Stream;
use runai_api::request::ApiRequest;
use runai_api::wire::requests::{self, ListParams};
use runai_api::wire::{Event, HistoryRecord, Training, TrainingCreationRequest, Workload};

use super::missing_workload_id;
use super::page::ListItem;
use crate::client::{Client, Dated};
use crate::error::Error;
use crate::retry::Idempotency;

impl Client {
    /// Submits a training workload once: a request that may have taken effect is never resent.
    ///
    /// From now on the client [redacts](Client::redact) the values of the workload's environment.
    ///
    /// After an error with [`Error::may_have_taken_effect`] the workload may exist;
    /// [`StepOperator::submit`](crate::StepOperator::submit) resolves this.
    pub async fn create_training(&self, training: &TrainingCreationRequest) -> Result<Training, Error> {
        self.dated_create_training(&requests::create_training(training)).await.map(|dated| dated.value)
    }

    pub(crate) async fn dated_create_training(&self, request: &ApiRequest) -> Result<Dated<Training>, Error> {
        let dated: Dated<Training> = self.exchange(request, Idempotency::NotIdempotent).await?;
        if dated.value.workload_id.is_empty() { Err(missing_workload_id(request)) } else { Ok(dated) }
    }

    /// Returns a training workload with its spec.
    pub async fn training(&self, workload_id: &str) -> Result<Training, Error> {
        let request = requests::training(workload_id);
        let training: Training = self.send(&request).await?;
        if training.workload_id.is_empty() { Err(missing_workload_id(&request)) } else { Ok(training) }
    }

    /// Returns a workload with its phase and times.
    pub async fn workload(&self, workload_id: &str) -> Result<Workload, Error> {
        self.dated_workload(workload_id).await.map(|dated| dated.value)
    }

    pub(crate) async fn dated_workload(&self, workload_id: &str) -> Result<Dated<Workload>, Error> {
        let request = requests::workload(workload_id);
        let dated: Dated<Workload> = self.exchange(&request, Idempotency::Idempotent).await?;
        if dated.value.id.is_empty() { Err(missing_workload_id(&request)) } else { Ok(dated) }
    }

    /// Returns a project's live or deleted workloads whose name is exactly `name`.
    pub async fn workloads_named(&self, project_id: &str, name: &str, deleted: bool) -> Result<Vec<Workload>, Error> {
        let params = ListParams::default().equals("projectId", project_id).equals("name", name).deleted(deleted);
        let mut workloads = self.workloads(&params).await?;
        workloads.retain(|workload| workload.name == name && workload.project_id == project_id);
        Ok(workloads)
    }

    /// Returns all workloads that match `params`.
    pub async fn workloads(&self, params: &ListParams) -> Result<Vec<Workload>, Error> {
        self.all_items(requests::workloads(params)).await
    }

    /// Like [`Client::workloads`], but as a stream that requests pages on demand.
    ///
    /// ```no_run
    /// use futures_util::TryStreamExt as _;
    /// use runai_client::{Client, Error, ListParams};
    ///
    /// # async fn example(client: &Client) -> Result<(), Error> {
    /// let params = ListParams::default().equals("projectId", "7").newest_first();
    /// let mut workloads = std::pin::pin!(client.list_workloads(&params));
    /// while let Some(workload) = workloads.try_next().await? {
    ///     println!("{} {}", workload.name, workload.phase);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn list_workloads(&self, params: &ListParams) -> impl Stream<Item = Result<Workload, Error>> + Send + use<> {
        self.item_stream(requests::workloads(params))
    }

    /// Returns the Kubernetes events of a workload, newest first, as a stream that requests pages on demand.
    pub fn list_events(
        &self,
        workload_id: &str,
        params: &ListParams,
    ) -> impl Stream<Item = Result<Event, Error>> + Send + use<> {
        self.item_stream(requests::workload_events(workload_id, params))
    }

    /// Returns the events and phase changes of a workload, newest first, as a stream that requests pages on demand.
    pub fn list_history(
        &self,
        workload_id: &str,
        params: &ListParams,
    ) -> impl Stream<Item = Result<HistoryRecord, Error>> + Send + use<> {
        self.item_stream(requests::workload_history(workload_id, params))
    }
}

impl ListItem for Workload {
    const MEMBER: &'static str = "workloads";
}

impl ListItem for Event {
    const MEMBER: &'static str = "events";
}

impl ListItem for HistoryRecord {
    const MEMBER: &'static str = "records";
}
