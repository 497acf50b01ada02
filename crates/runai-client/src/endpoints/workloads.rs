//! Trainings, workloads of any type, and what happened to them.

use futures_util::stream::Stream;
use runai_spec::request::ApiRequest;
use runai_spec::wire::requests::{self, Filter, Page};
use runai_spec::wire::{
    Event, EventList, HistoryList, HistoryRecord, Training, TrainingCreationRequest, Workload, WorkloadList,
};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{List, names_no_workload, nullable};
use crate::client::{Client, Dated};
use crate::error::Error;
use crate::retry::Repeat;

impl Client {
    /// Submits a training workload, once: a request that may have taken effect is never sent again.
    ///
    /// After an error for which [`Error::may_have_taken_effect`] holds, the workload may exist;
    /// [`StepOperator::submit`](crate::StepOperator::submit) finds that out.
    pub async fn create_training(&self, training: &TrainingCreationRequest) -> Result<Training, Error> {
        let request = requests::create_training(training);
        let training: Training = self.send(&request).await?;
        if training.workload_id.is_empty() { Err(names_no_workload(&request)) } else { Ok(training) }
    }

    /// One training workload, with its specification.
    pub async fn training(&self, workload_id: &str) -> Result<Training, Error> {
        let request = requests::training(workload_id);
        let training: Training = self.send(&request).await?;
        if training.workload_id.is_empty() { Err(names_no_workload(&request)) } else { Ok(training) }
    }

    /// Asks for a training workload to be suspended: its pods end, its entry stays. Returns before it has stopped.
    pub async fn suspend(&self, workload_id: &str) -> Result<(), Error> {
        self.send_repeatable::<IgnoredAny>(&requests::suspend_training(workload_id)).await.map(drop)
    }

    /// Asks for a suspended training workload to be resumed. Returns before it runs.
    pub async fn resume(&self, workload_id: &str) -> Result<(), Error> {
        self.send_repeatable::<IgnoredAny>(&requests::resume_training(workload_id)).await.map(drop)
    }

    /// Asks for a training workload to be deleted. Returns before it is gone.
    pub async fn delete(&self, workload_id: &str) -> Result<(), Error> {
        self.send::<IgnoredAny>(&requests::delete_training(workload_id)).await.map(drop)
    }

    /// Asks the same for up to [`MOST_IN_BATCH`](BatchResult::MOST) workloads at once. Returns before it has happened.
    pub async fn batch(&self, action: BatchAction, workload_ids: &[String]) -> Result<BatchResult, Error> {
        let body = json!({"ids": workload_ids, "action": action});
        self.send_repeatable(&ApiRequest::post("/api/v1/workloads/batch").json(body)).await
    }

    /// One workload, with its phase and times.
    pub async fn workload(&self, workload_id: &str) -> Result<Workload, Error> {
        self.dated_workload(workload_id).await.map(|dated| dated.value)
    }

    pub(crate) async fn dated_workload(&self, workload_id: &str) -> Result<Dated<Workload>, Error> {
        let request = requests::workload(workload_id);
        let dated: Dated<Workload> = self.exchange(&request, Repeat::Freely).await?;
        if dated.value.id.is_empty() { Err(names_no_workload(&request)) } else { Ok(dated) }
    }

    /// The workloads of a project whose name is exactly `name`: the live one, or the deleted ones.
    pub async fn workloads_named(&self, project_id: &str, name: &str, deleted: bool) -> Result<Vec<Workload>, Error> {
        let filters = [Filter::Equals("projectId", project_id), Filter::Equals("name", name)];
        let mut workloads = self.workloads(&filters, deleted).await?;
        workloads.retain(|workload| workload.name == name && workload.project_id == project_id);
        Ok(workloads)
    }

    /// The workloads that pass every one of `filters`, live ones or deleted ones.
    pub async fn workloads(&self, filters: &[Filter<'_>], deleted: bool) -> Result<Vec<Workload>, Error> {
        self.collected(requests::workloads(filters, deleted, Page::default())).await
    }

    /// As [`Client::workloads`], page by page as they are asked for.
    pub fn list_workloads(
        &self,
        filters: &[Filter<'_>],
        deleted: bool,
    ) -> impl Stream<Item = Result<Workload, Error>> + Send + use<> {
        self.listing(requests::workloads(filters, deleted, Page::default()))
    }

    /// As [`Client::list_workloads`], the newest first.
    pub fn list_newest_workloads(
        &self,
        filters: &[Filter<'_>],
        deleted: bool,
    ) -> impl Stream<Item = Result<Workload, Error>> + Send + use<> {
        let request = requests::workloads(filters, deleted, Page::default());
        self.listing(request.query("sortBy", "createdAt").query("sortOrder", "desc"))
    }

    /// What Kubernetes reported about a workload, the newest first, page by page as it is asked for.
    pub fn list_events(&self, workload_id: &str) -> impl Stream<Item = Result<Event, Error>> + Send + use<> {
        self.listing(requests::workload_events(workload_id, Page::default()))
    }

    /// Events and changes of phase of a workload, the newest first, page by page as they are asked for.
    pub fn list_history(&self, workload_id: &str) -> impl Stream<Item = Result<HistoryRecord, Error>> + Send + use<> {
        self.listing(requests::workload_history(workload_id, Page::default()))
    }
}

/// What is asked for several workloads at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum BatchAction {
    /// Remove them.
    Delete,
    /// Let suspended ones run again.
    Resume,
    /// End their pods, and keep their entries.
    Suspend,
}

/// What came of a [`BatchAction`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct BatchResult {
    /// Those that it was refused for.
    #[serde(deserialize_with = "nullable")]
    pub failed: Vec<BatchFailure>,
    /// UUIDs of those that it was taken for.
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
    /// Why, for people.
    #[serde(deserialize_with = "nullable")]
    pub message: String,
}

impl List for Workload {
    type Page = WorkloadList;

    fn split(page: WorkloadList) -> (Vec<Self>, Option<i64>) {
        (page.workloads, page.next)
    }
}

impl List for Event {
    type Page = EventList;

    fn split(page: EventList) -> (Vec<Self>, Option<i64>) {
        (page.events, page.next)
    }
}

impl List for HistoryRecord {
    type Page = HistoryList;

    fn split(page: HistoryList) -> (Vec<Self>, Option<i64>) {
        (page.records, page.next)
    }
}
