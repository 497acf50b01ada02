//! Trainings, workloads of any type, and what happened to them.

use futures_core::Stream;
use runai_api::request::ApiRequest;
use runai_api::wire::requests::{self, ListParams};
use runai_api::wire::{Event, HistoryRecord, Training, TrainingCreationRequest, Workload};

use super::names_no_workload;
use super::page::Listed;
use crate::client::{Client, Dated};
use crate::error::Error;
use crate::retry::Idempotency;

impl Client {
    /// Submits a training workload, once: a request that may have taken effect is never sent again.
    ///
    /// The values of its environment are [concealed](Client::conceal) from now on.
    ///
    /// After an error for which [`Error::may_have_taken_effect`] holds, the workload may exist;
    /// [`StepOperator::submit`](crate::StepOperator::submit) finds that out.
    pub async fn create_training(&self, training: &TrainingCreationRequest) -> Result<Training, Error> {
        self.dated_create_training(&requests::create_training(training)).await.map(|dated| dated.value)
    }

    pub(crate) async fn dated_create_training(&self, request: &ApiRequest) -> Result<Dated<Training>, Error> {
        let dated: Dated<Training> = self.exchange(request, Idempotency::OnlyIfUnsent).await?;
        if dated.value.workload_id.is_empty() { Err(names_no_workload(request)) } else { Ok(dated) }
    }

    /// One training workload, with its specification.
    pub async fn training(&self, workload_id: &str) -> Result<Training, Error> {
        let request = requests::training(workload_id);
        let training: Training = self.send(&request).await?;
        if training.workload_id.is_empty() { Err(names_no_workload(&request)) } else { Ok(training) }
    }

    /// One workload, with its phase and times.
    pub async fn workload(&self, workload_id: &str) -> Result<Workload, Error> {
        self.dated_workload(workload_id).await.map(|dated| dated.value)
    }

    pub(crate) async fn dated_workload(&self, workload_id: &str) -> Result<Dated<Workload>, Error> {
        let request = requests::workload(workload_id);
        let dated: Dated<Workload> = self.exchange(&request, Idempotency::Freely).await?;
        if dated.value.id.is_empty() { Err(names_no_workload(&request)) } else { Ok(dated) }
    }

    /// The workloads of a project whose name is exactly `name`: the live one, or the deleted ones.
    pub async fn workloads_named(&self, project_id: &str, name: &str, deleted: bool) -> Result<Vec<Workload>, Error> {
        let params = ListParams::default().equals("projectId", project_id).equals("name", name).deleted(deleted);
        let mut workloads = self.workloads(&params).await?;
        workloads.retain(|workload| workload.name == name && workload.project_id == project_id);
        Ok(workloads)
    }

    /// All workloads that `params` select.
    pub async fn workloads(&self, params: &ListParams) -> Result<Vec<Workload>, Error> {
        self.collected(requests::workloads(params)).await
    }

    /// As [`Client::workloads`], page by page as they are asked for.
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
        self.listing(requests::workloads(params))
    }

    /// What Kubernetes reported about a workload, the newest first, page by page as it is asked for.
    pub fn list_events(
        &self,
        workload_id: &str,
        params: &ListParams,
    ) -> impl Stream<Item = Result<Event, Error>> + Send + use<> {
        self.listing(requests::workload_events(workload_id, params))
    }

    /// Events and changes of phase of a workload, the newest first, page by page as they are asked for.
    pub fn list_history(
        &self,
        workload_id: &str,
        params: &ListParams,
    ) -> impl Stream<Item = Result<HistoryRecord, Error>> + Send + use<> {
        self.listing(requests::workload_history(workload_id, params))
    }
}

impl Listed for Workload {
    const MEMBER: &'static str = "workloads";
}

impl Listed for Event {
    const MEMBER: &'static str = "events";
}

impl Listed for HistoryRecord {
    const MEMBER: &'static str = "records";
}
