//! The step operator: resolves a project, submits steps and follows their workloads.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, Stream, StreamExt as _};
use runai_api::wire::requests::ListParams;
use runai_api::wire::{Project, Workload};
use serde::{Deserialize, Serialize};

use crate::client::Client;
use crate::error::Error;
use crate::lifecycle::{Outcome, WaitPolicy, WaitState};
use crate::receipt::{Progress, Receipt, ReceiptStore};
use crate::record::Record;
use crate::submission::{DEFAULT_SETTLE_TIME, SubmitEvent, SubmitObserver};
use crate::watch::Watch;

/// Runs steps in one project.
#[derive(Clone, Debug)]
pub struct StepOperator {
    pub(crate) client: Client,
    pub(crate) project_name: String,
    cluster_name: Option<String>,
    pub(crate) receipts: Option<Arc<dyn ReceiptStore>>,
    pub(crate) policy: WaitPolicy,
    pub(crate) settle_time: Duration,
    pub(crate) run_id: Option<String>,
    pub(crate) source: Option<String>,
    pub(crate) observer: Option<SubmitObserver>,
}

/// The project and cluster of workloads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Placement {
    /// The project's id, a number in a string.
    pub project_id: String,
    /// The project's name.
    pub project_name: String,
    /// UUID of the project's cluster.
    pub cluster_id: String,
    /// The cluster's name, if it was looked up.
    pub cluster_name: Option<String>,
}

impl Placement {
    /// Returns a placement from known ids, without a lookup.
    pub fn new(project_id: impl Into<String>, project_name: impl Into<String>, cluster_id: impl Into<String>) -> Self {
        Self {
            project_id: project_id.into(),
            project_name: project_name.into(),
            cluster_id: cluster_id.into(),
            cluster_name: None,
        }
    }
}

impl StepOperator {
    /// Returns an operator of the project `project_name`.
    pub fn new(client: Client, project_name: impl Into<String>) -> Self {
        Self {
            client,
            project_name: project_name.into(),
            cluster_name: None,
            receipts: None,
            policy: WaitPolicy::default(),
            settle_time: DEFAULT_SETTLE_TIME,
            run_id: None,
            source: None,
            observer: None,
        }
    }

    /// Requires the project to be in the cluster with this name or UUID.
    #[must_use]
    pub fn cluster_name(self, cluster_name: impl Into<String>) -> Self {
        Self { cluster_name: Some(cluster_name.into()), ..self }
    }

    /// Stores a receipt in `store` before each submission, and keeps it up to date.
    ///
    /// If a receipt cannot be written, the submission proceeds: see
    /// [`Submitted::receipt_error`](crate::Submitted::receipt_error).
    #[must_use]
    pub fn receipts(self, store: Arc<dyn ReceiptStore>) -> Self {
        Self { receipts: Some(store), ..self }
    }

    /// Sets the wait policy in receipts.
    #[must_use]
    pub fn wait_policy(self, policy: WaitPolicy) -> Self {
        Self { policy, ..self }
    }

    /// Sets how long successful lookups must find nothing before an ambiguous submission is resent. The default is
    /// [`DEFAULT_SETTLE_TIME`], the maximum one day.
    ///
    /// Control planes may execute a request long after they returned an error, so a longer time avoids duplicates.
    #[must_use]
    pub fn settle_time(self, settle_time: Duration) -> Self {
        Self { settle_time: settle_time.min(MAX_SETTLE_TIME), ..self }
    }

    /// Sets the run id in receipts, from which the submission ids are derived.
    #[must_use]
    pub fn run_id(self, run_id: impl Into<String>) -> Self {
        Self { run_id: Some(run_id.into()), ..self }
    }

    /// Sets the source of the requests in receipts, such as a file name.
    #[must_use]
    pub fn source(self, source: impl Into<String>) -> Self {
        Self { source: Some(source.into()), ..self }
    }

    /// Reports the events of submissions to `observer`.
    #[must_use]
    pub fn on_submit_event(self, observer: impl Fn(SubmitEvent) + Send + Sync + 'static) -> Self {
        Self { observer: Some(SubmitObserver(Arc::new(observer))), ..self }
    }

    /// Returns the client of this operator.
    #[must_use]
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// Resolves the project by its exact name, and its cluster.
    ///
    /// A project belongs to one cluster. Clusters are listed only to check a configured name.
    ///
    /// # Errors
    /// [`Error::ProjectNotFound`] with similar names, [`Error::ProjectAmbiguous`], [`Error::ClusterMismatch`], or the
    /// error of a request.
    pub async fn prepare(&self) -> Result<Placement, Error> {
        let mut projects = self.client.projects_named(&self.project_name).await?;
        if projects.is_empty() {
            return Err(Error::ProjectNotFound {
                name: self.project_name.clone(),
                nearest: self.nearest_projects().await,
            });
        }
        let Some(configured) = &self.cluster_name else {
            return match projects.as_slice() {
                [project] => Ok(placement(project, None)),
                _ => Err(self.ambiguous(&projects)),
            };
        };
        let clusters = self.client.clusters().await?;
        let name_of = |project: &Project| {
            clusters.iter().find(|cluster| cluster.uuid == project.cluster_id).map(|cluster| cluster.name.clone())
        };
        let other = projects[0].clone();
        projects.retain(|project| {
            project.cluster_id == *configured || name_of(project).is_some_and(|name| name == *configured)
        });
        match projects.as_slice() {
            [project] => Ok(placement(project, name_of(project))),
            [] => Err(Error::ClusterMismatch {
                project: self.project_name.clone(),
                cluster: name_of(&other).unwrap_or(other.cluster_id),
                configured: configured.clone(),
            }),
            _ => Err(self.ambiguous(&projects)),
        }
    }

    /// Follows a workload to its end.
    #[must_use]
    pub fn watch(&self, workload_id: impl Into<String>, policy: WaitPolicy) -> Watch {
        self.watch_from(workload_id, policy, WaitState::default())
    }

    /// Follows a workload to its end, from the [state](Watch::state) of an earlier [`Watch`].
    #[must_use]
    pub fn watch_from(&self, workload_id: impl Into<String>, policy: WaitPolicy, state: WaitState) -> Watch {
        Watch::new(self.client.clone(), workload_id.into(), policy, state)
    }

    /// Follows the workload of a receipt to its end, with the receipt's policy, and keeps the receipt up to date.
    ///
    /// Returns `None` if the receipt has no workload; see [`StepOperator::recover`].
    #[must_use]
    pub fn watch_receipt(&self, receipt: Receipt) -> Option<Watch> {
        let workload_id = receipt.workload_id()?.to_owned();
        let state = match receipt.progress {
            // Earlier decisions were executed. If someone resumed the workload since, it must not be suspended again.
            Progress::Ended { .. } => WaitState::default(),
            _ => receipt.wait.clone(),
        };
        let watch = self.watch_from(workload_id, receipt.policy.clone(), state).with_name(receipt.name.clone());
        Some(match &self.receipts {
            Some(store) => watch.with_record(Record::new(receipt, Arc::clone(store))),
            None => watch,
        })
    }

    /// Returns the workload with its current phase.
    pub async fn status(&self, workload_id: &str) -> Result<Workload, Error> {
        self.client.workload(workload_id).await
    }

    /// Suspends the workload and waits until it has stopped.
    ///
    /// Returns [`Outcome::Cancelled`], or the outcome of a workload that ended before. Retries an unreachable control
    /// plane for [`RetryPolicy::give_up_after`](crate::RetryPolicy). If this future is dropped, the suspension may have
    /// been requested.
    pub async fn cancel(&self, workload_id: &str) -> Result<Outcome, Error> {
        // A watch waits for a workload that lists do not show yet; an unknown one must fail immediately.
        self.client.workload(workload_id).await?;
        let mut watch = self.watch(workload_id, WaitPolicy::default());
        watch.set_max_outage(Some(self.client.retry_policy().give_up_after));
        watch.cancel();
        watch.run(|_| {}).await
    }

    /// Cancels many workloads, `concurrency` at a time. Returns results as they complete, each with the workload's
    /// UUID.
    pub fn cancel_all(
        &self,
        workload_ids: impl IntoIterator<Item = String>,
        concurrency: usize,
    ) -> impl Stream<Item = (String, Result<Outcome, Error>)> {
        stream::iter(workload_ids)
            .map(|workload_id| async {
                let result = self.cancel(&workload_id).await;
                (workload_id, result)
            })
            .buffer_unordered(concurrency.max(1))
    }

    /// Requests that a suspended workload be resumed. Returns before it runs.
    pub async fn resume(&self, workload_id: &str) -> Result<(), Error> {
        self.client.resume(workload_id).await
    }

    /// Requests the deletion of a workload. Returns before it is gone.
    pub async fn delete(&self, workload_id: &str) -> Result<(), Error> {
        self.client.delete(workload_id).await
    }

    fn ambiguous(&self, projects: &[Project]) -> Error {
        Error::ProjectAmbiguous {
            name: self.project_name.clone(),
            clusters: projects.iter().map(|project| project.cluster_id.clone()).collect(),
        }
    }

    /// Returns similar project names, for an error. If listing fails, there are none.
    async fn nearest_projects(&self) -> Vec<String> {
        let projects = self.client.projects(&ListParams::default()).await.unwrap_or_default();
        nearest(&self.project_name, projects.iter().map(|project| project.name.as_str()))
    }
}

/// Returns up to three of `names` that are similar to `wanted`, most similar first.
pub fn nearest<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let wanted = wanted.to_lowercase();
    let mut names: Vec<(f64, &str)> = names
        .map(|name| (strsim::jaro_winkler(&wanted, &name.to_lowercase()), name))
        .filter(|(similarity, _)| *similarity >= MIN_SIMILARITY)
        .collect();
    names.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    names.dedup_by(|(_, one), (_, other)| one == other);
    names.into_iter().take(MAX_NAMES).map(|(_, name)| name.to_owned()).collect()
}

fn placement(project: &Project, cluster_name: Option<String>) -> Placement {
    Placement {
        project_id: project.id.clone(),
        project_name: project.name.clone(),
        cluster_id: project.cluster_id.clone(),
        cluster_name,
    }
}

/// Minimum Jaro-Winkler similarity of a suggestion.
const MIN_SIMILARITY: f64 = 0.7;

/// Maximum number of suggestions.
const MAX_NAMES: usize = 3;

/// Maximum settle time; keeps instants from overflowing.
const MAX_SETTLE_TIME: Duration = Duration::from_hours(24);
