//! The step operator: from a project's name to a workload that has ended, without losing or doubling it on the way.

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

/// Where workloads go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Placement {
    /// The project's id, a number in a string.
    pub project_id: String,
    /// The project's name.
    pub project_name: String,
    /// UUID of the cluster that the project lives in.
    pub cluster_id: String,
    /// The cluster's name, where it had to be looked up.
    pub cluster_name: Option<String>,
}

impl Placement {
    /// Returns a placement that is known already, so that nothing needs to be looked up.
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
    /// An operator for the project that is called `project_name`.
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

    /// The same operator, which insists on the cluster that is called `cluster_name`, or has it as its UUID.
    #[must_use]
    pub fn cluster_name(self, cluster_name: impl Into<String>) -> Self {
        Self { cluster_name: Some(cluster_name.into()), ..self }
    }

    /// The same operator, which writes a receipt before anything is submitted, and keeps it up to date afterwards.
    ///
    /// Where a receipt cannot be written, the submission goes on without: see [`Submitted::receipt_error`](crate::Submitted::receipt_error).
    #[must_use]
    pub fn receipts(self, store: Arc<dyn ReceiptStore>) -> Self {
        Self { receipts: Some(store), ..self }
    }

    /// The same operator, whose receipts say that workloads are to be waited for by `policy`.
    #[must_use]
    pub fn wait_policy(self, policy: WaitPolicy) -> Self {
        Self { policy, ..self }
    }

    /// The same operator, which sends an ambiguous submission again only after lookups that were answered found nothing
    /// over this time; [`DEFAULT_SETTLE_TIME`] when not given, a day at most.
    ///
    /// Control planes may carry out a request long after they answered with an error: the longer this is, the less often
    /// a job is submitted twice.
    #[must_use]
    pub fn settle_time(self, settle_time: Duration) -> Self {
        Self { settle_time: settle_time.min(LONGEST_SETTLE_TIME), ..self }
    }

    /// The same operator, whose receipts hold the run id that its submissions' ids are made of.
    #[must_use]
    pub fn run_id(self, run_id: impl Into<String>) -> Self {
        Self { run_id: Some(run_id.into()), ..self }
    }

    /// The same operator, whose receipts say where its requests come from, such as a file's name.
    #[must_use]
    pub fn source(self, source: impl Into<String>) -> Self {
        Self { source: Some(source.into()), ..self }
    }

    /// The same operator, which reports what happens on the way to a workload.
    #[must_use]
    pub fn on_submit_event(self, observer: impl Fn(SubmitEvent) + Send + Sync + 'static) -> Self {
        Self { observer: Some(SubmitObserver(Arc::new(observer))), ..self }
    }

    /// The client that this operator uses.
    #[must_use]
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// Finds the project by its exact name, over all pages, and its cluster.
    ///
    /// A project lives in one cluster, so that clusters are looked up only to check a configured name against it.
    ///
    /// # Errors
    /// [`Error::ProjectNotFound`] with the nearest names, [`Error::ProjectAmbiguous`], [`Error::ClusterMismatch`], or
    /// whatever keeps the client from asking.
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
        let elsewhere = projects[0].clone();
        projects.retain(|project| {
            project.cluster_id == *configured || name_of(project).is_some_and(|name| name == *configured)
        });
        match projects.as_slice() {
            [project] => Ok(placement(project, name_of(project))),
            [] => Err(Error::ClusterMismatch {
                project: self.project_name.clone(),
                cluster: name_of(&elsewhere).unwrap_or(elsewhere.cluster_id),
                configured: configured.clone(),
            }),
            _ => Err(self.ambiguous(&projects)),
        }
    }

    /// Follows the workload to its end, from now on.
    #[must_use]
    pub fn watch(&self, workload_id: impl Into<String>, policy: WaitPolicy) -> Watch {
        self.watch_from(workload_id, policy, WaitState::default())
    }

    /// Follows the workload to its end, from where an earlier [`Watch`] left off: see [`Watch::state`].
    #[must_use]
    pub fn watch_from(&self, workload_id: impl Into<String>, policy: WaitPolicy, state: WaitState) -> Watch {
        Watch::new(self.client.clone(), workload_id.into(), policy, state)
    }

    /// Follows the workload of a receipt to its end, by the receipt's rules, and keeps the receipt up to date.
    ///
    /// Nothing is followed if the receipt does not say which workload it became; see [`StepOperator::recover`].
    #[must_use]
    pub fn watch_receipt(&self, receipt: Receipt) -> Option<Watch> {
        let workload_id = receipt.workload_id()?.to_owned();
        let state = match receipt.progress {
            // What was decided about it is done: someone who resumed it since must not see it stopped again.
            Progress::Ended { .. } => WaitState::default(),
            _ => receipt.wait.clone(),
        };
        let watch = self.watch_from(workload_id, receipt.policy.clone(), state).named(receipt.name.clone());
        Some(match &self.receipts {
            Some(store) => watch.recorded(Record::new(receipt, Arc::clone(store))),
            None => watch,
        })
    }

    /// The workload as it is now.
    pub async fn status(&self, workload_id: &str) -> Result<Workload, Error> {
        self.client.workload(workload_id).await
    }

    /// Suspends the workload and waits until it has stopped.
    ///
    /// Gives [`Outcome::Cancelled`], or how it ended before it could be stopped. While the control plane cannot be
    /// reached, it keeps trying as long as the client's retry policy says. If this future is dropped, the suspension
    /// may have been asked for.
    pub async fn cancel(&self, workload_id: &str) -> Result<Outcome, Error> {
        // A watch is patient with a workload that does not show yet; an unknown one should be told at once.
        self.client.workload(workload_id).await?;
        let mut watch = self.watch(workload_id, WaitPolicy::default());
        watch.set_max_outage(Some(self.client.retry_policy().give_up_after));
        watch.cancel();
        watch.run(|_| {}).await
    }

    /// Cancels many workloads, `at_once` at a time; results come as they are ready, each with its workload's UUID.
    pub fn cancel_all(
        &self,
        workload_ids: impl IntoIterator<Item = String>,
        at_once: usize,
    ) -> impl Stream<Item = (String, Result<Outcome, Error>)> {
        stream::iter(workload_ids)
            .map(|workload_id| async {
                let result = self.cancel(&workload_id).await;
                (workload_id, result)
            })
            .buffer_unordered(at_once.max(1))
    }

    /// Asks for a suspended workload to be resumed. Returns before it runs.
    pub async fn resume(&self, workload_id: &str) -> Result<(), Error> {
        self.client.resume(workload_id).await
    }

    /// Asks for the workload to be deleted. Returns before it is gone.
    pub async fn delete(&self, workload_id: &str) -> Result<(), Error> {
        self.client.delete(workload_id).await
    }

    fn ambiguous(&self, projects: &[Project]) -> Error {
        Error::ProjectAmbiguous {
            name: self.project_name.clone(),
            clusters: projects.iter().map(|project| project.cluster_id.clone()).collect(),
        }
    }

    /// Only ever part of an error that has its own cause, so that a failure to list gives no names.
    async fn nearest_projects(&self) -> Vec<String> {
        let projects = self.client.projects(&ListParams::default()).await.unwrap_or_default();
        nearest(&self.project_name, projects.iter().map(|project| project.name.as_str()))
    }
}

/// Those of `names` that `wanted` may be a slip for, the nearest first; three at most.
pub fn nearest<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let wanted = wanted.to_lowercase();
    let mut names: Vec<(f64, &str)> = names
        .map(|name| (strsim::jaro_winkler(&wanted, &name.to_lowercase()), name))
        .filter(|(likeness, _)| *likeness >= LEAST_LIKENESS)
        .collect();
    names.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    names.dedup_by(|(_, one), (_, other)| one == other);
    names.into_iter().take(MOST_NAMES).map(|(_, name)| name.to_owned()).collect()
}

fn placement(project: &Project, cluster_name: Option<String>) -> Placement {
    Placement {
        project_id: project.id.clone(),
        project_name: project.name.clone(),
        cluster_id: project.cluster_id.clone(),
        cluster_name,
    }
}

/// Jaro-Winkler likeness from which a name may be a slip for another.
const LEAST_LIKENESS: f64 = 0.7;

/// The most names that an error offers.
const MOST_NAMES: usize = 3;

/// Keeps the end of a settle time away from where moments overflow.
const LONGEST_SETTLE_TIME: Duration = Duration::from_hours(24);
