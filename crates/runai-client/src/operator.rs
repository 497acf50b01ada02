//! The step operator: from a project's name to a workload that has ended, without losing or doubling it on the way.

use std::time::Duration;

use runai_spec::name::SUBMISSION_LABEL;
use runai_spec::wait::{Outcome, WaitPolicy, WaitState};
use runai_spec::wire::{Label, Project, Training, TrainingCreationRequest, Workload};
use serde::{Deserialize, Serialize};
use tokio::time::sleep;

use crate::agreement::difference;
use crate::client::Client;
use crate::error::Error;
use crate::watch::Watch;

/// How often one submission is sent at most; after every time it is made certain that it does not exist yet.
pub const MOST_SENDS: usize = 4;

/// Runs steps in one project.
#[derive(Clone, Debug)]
pub struct StepOperator {
    client: Client,
    project_name: String,
    cluster_name: Option<String>,
}

/// Where workloads go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

/// A submission that has become a workload. Holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submitted {
    /// The workload's UUID.
    pub workload_id: String,
    /// The workload's name.
    pub name: String,
    /// The project's id.
    pub project_id: String,
    /// The cluster's UUID.
    pub cluster_id: String,
    /// The submission's id, as its label says.
    pub submission_id: String,
    /// Whether the workload existed already: the answer to its submission had got lost, or it is of an earlier call.
    pub adopted: bool,
}

impl StepOperator {
    /// An operator for the project that is called `project_name`.
    pub fn new(client: Client, project_name: impl Into<String>) -> Self {
        Self { client, project_name: project_name.into(), cluster_name: None }
    }

    /// The same operator, which insists on the cluster that is called `cluster_name`, or has it as its UUID.
    #[must_use]
    pub fn cluster_name(self, cluster_name: impl Into<String>) -> Self {
        Self { cluster_name: Some(cluster_name.into()), ..self }
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

    /// Submits a step that was never submitted before, under a name chosen for it alone.
    ///
    /// The request must carry the label `runai-step/submission`. It becomes one workload: if an answer does not say
    /// whether it did (none came, it made no sense, it says that the name exists), the workload is looked up by its
    /// name, and adopted if it carries the same label and holds what was sent. It is sent again only after it was
    /// made certain that it does not exist.
    ///
    /// If this future is dropped, or fails with [`Error::Unconfirmed`], the workload may exist;
    /// [`StepOperator::attach_or_submit`] with the same request goes on from there.
    ///
    /// # Errors
    /// What the control plane refuses; [`Error::NameTaken`]; [`Error::DifferentSpec`]; [`Error::AlreadyDeleted`];
    /// [`Error::Unconfirmed`] when it cannot be found out whether the workload exists.
    pub async fn submit(&self, request: &TrainingCreationRequest) -> Result<Submitted, Error> {
        let submission_id = submission_id(request)?;
        let mut sends = 0;
        loop {
            sends += 1;
            let error = match self.client.create_training(request).await {
                Ok(training) => return Ok(submitted(&training, request, submission_id, false)),
                Err(error) if error.may_have_taken_effect() || error.says_name_exists() => error,
                Err(error) => return Err(error),
            };
            tracing::warn!(%error, name = request.name, "not known whether the workload was created; looking for it");
            match self.find_after(&error, request, submission_id).await {
                Ok(Some(submitted)) => return Ok(submitted),
                // The control plane says that the name exists and shows nobody who has it.
                Ok(None) if error.says_name_exists() => return Err(error),
                Ok(None) if sends < MOST_SENDS => {}
                Ok(None) => return Err(error),
                Err(lookup) if lookup.is_unreachable() || lookup.is_auth() => {
                    return Err(Error::Unconfirmed { name: request.name.clone(), source: Box::new(lookup) });
                }
                Err(found) => return Err(found),
            }
        }
    }

    /// As [`StepOperator::submit`], for a step that may have been submitted before: attaches to its workload if there
    /// is one. A workload that has been deleted since is not submitted again.
    pub async fn attach_or_submit(&self, request: &TrainingCreationRequest) -> Result<Submitted, Error> {
        match self.find(request, submission_id(request)?).await? {
            Some(submitted) => Ok(submitted),
            None => self.submit(request).await,
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
        let projects = self.client.projects().await.unwrap_or_default();
        let wanted = self.project_name.to_lowercase();
        let mut names: Vec<(f64, String)> = projects
            .into_iter()
            .map(|project| (strsim::jaro_winkler(&wanted, &project.name.to_lowercase()), project.name))
            .filter(|(likeness, _)| *likeness >= LEAST_LIKENESS)
            .collect();
        names.sort_by(|(one, _), (other, _)| other.total_cmp(one));
        names.dedup_by(|(_, one), (_, other)| one == other);
        names.into_iter().take(MOST_NAMES).map(|(_, name)| name).collect()
    }

    /// Looks for what became of a submission after `error`, until it is certain that nothing did.
    async fn find_after(
        &self,
        error: &Error,
        request: &TrainingCreationRequest,
        submission_id: &str,
    ) -> Result<Option<Submitted>, Error> {
        let mut last = self.find(request, submission_id).await?;
        for pause in SETTLING {
            if last.is_some() {
                break;
            }
            // A request may still be on its way through the control plane when its connection is long gone.
            sleep(pause).await;
            last = self.find(request, submission_id).await?;
        }
        tracing::debug!(%error, found = last.is_some(), "looked for the workload");
        Ok(last)
    }

    /// The workload of this submission; nothing if there is none; an error if its name is someone else's or if it has
    /// been deleted.
    async fn find(&self, request: &TrainingCreationRequest, submission_id: &str) -> Result<Option<Submitted>, Error> {
        let TrainingCreationRequest { name, project_id, .. } = request;
        for workload in self.client.workloads_named(project_id, name, false).await? {
            match self.client.training(&workload.id).await {
                Ok(training) if training.deleted_at.is_none() => {
                    return adopt(&training, request, submission_id).map(Some);
                }
                // Deleted between the two requests: it shows among the deleted ones.
                Ok(_) => {}
                Err(error) if error.is_not_found() => {
                    let still_there = self.client.workload(&workload.id).await;
                    if still_there.is_ok_and(|workload| workload.deleted_at.is_none()) {
                        // Another kind of workload, which no submission of ours can be.
                        return Err(taken(request, workload.id, None, submission_id));
                    }
                }
                Err(error) => return Err(error),
            }
        }
        for workload in self.client.workloads_named(project_id, name, true).await? {
            let ours = match self.client.training(&workload.id).await {
                Ok(training) => label(&training).as_deref() == Some(submission_id),
                // Nothing is left but its name, which says the same unless the user chose it.
                Err(error) if error.is_not_found() => name.ends_with(submission_id),
                Err(error) => return Err(error),
            };
            if ours {
                return Err(Error::AlreadyDeleted {
                    name: name.clone(),
                    workload_id: workload.id,
                    submission_id: submission_id.to_owned(),
                });
            }
        }
        Ok(None)
    }
}

fn placement(project: &Project, cluster_name: Option<String>) -> Placement {
    Placement {
        project_id: project.id.clone(),
        project_name: project.name.clone(),
        cluster_id: project.cluster_id.clone(),
        cluster_name,
    }
}

fn submission_id(request: &TrainingCreationRequest) -> Result<&str, Error> {
    Label::value_of(&request.spec.labels, SUBMISSION_LABEL).filter(|id| !id.is_empty()).ok_or(Error::NoSubmissionId)
}

fn adopt(training: &Training, request: &TrainingCreationRequest, submission_id: &str) -> Result<Submitted, Error> {
    let found = label(training);
    if found.as_deref() != Some(submission_id) {
        return Err(taken(request, training.workload_id.clone(), found, submission_id));
    }
    // Strings, numbers, lists and structs cannot fail to serialise.
    let sent = serde_json::to_value(&request.spec).unwrap_or_default();
    match difference(&sent, &training.spec) {
        None => Ok(submitted(training, request, submission_id, true)),
        Some(at) => Err(Error::DifferentSpec {
            name: request.name.clone(),
            workload_id: training.workload_id.clone(),
            at,
            submission_id: submission_id.to_owned(),
        }),
    }
}

/// The submission that a training belongs to. Read leniently: a spec with words of a later API still has its labels.
fn label(training: &Training) -> Option<String> {
    let labels: Vec<Label> = serde_json::from_value(training.spec.get("labels")?.clone()).ok()?;
    Label::value_of(&labels, SUBMISSION_LABEL).map(str::to_owned)
}

fn taken(request: &TrainingCreationRequest, workload_id: String, other: Option<String>, submission_id: &str) -> Error {
    Error::NameTaken { name: request.name.clone(), workload_id, other, submission_id: submission_id.to_owned() }
}

fn submitted(training: &Training, request: &TrainingCreationRequest, submission_id: &str, adopted: bool) -> Submitted {
    let name = if training.name.is_empty() { &request.name } else { &training.name };
    Submitted {
        workload_id: training.workload_id.clone(),
        name: name.clone(),
        project_id: request.project_id.clone(),
        cluster_id: request.cluster_id.clone(),
        submission_id: submission_id.to_owned(),
        adopted,
    }
}

/// Pauses between the looks that make certain that a submission does not exist.
///
/// Should it appear later still, the control plane refuses the second one for its name, and the first is adopted.
const SETTLING: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(3)];

/// Jaro-Winkler likeness from which a name may be a slip for another.
const LEAST_LIKENESS: f64 = 0.7;

/// The most names that an error offers.
const MOST_NAMES: usize = 3;
