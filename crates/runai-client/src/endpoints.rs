//! The API's endpoints as methods of [`Client`], each one request (or one list, over all its pages).

use http::StatusCode;
use runai_spec::request::ApiRequest;
use runai_spec::wire::requests::{self, Filter, PAGE_LIMIT, Page};
use runai_spec::wire::{Cluster, Project, ProjectList, Training, TrainingCreationRequest, Workload, WorkloadList};
use serde::de::{DeserializeOwned, IgnoredAny};

use crate::client::{Client, Dated};
use crate::error::Error;
use crate::retry::Repeat;

/// The most pages of a list that are read; at 500 items each, more than a control plane holds.
pub const MOST_PAGES: usize = 1_000;

impl Client {
    /// The projects whose name is exactly `name`. One name may be used once in every cluster.
    pub async fn projects_named(&self, name: &str) -> Result<Vec<Project>, Error> {
        let mut projects = self.pages(|page| requests::projects_named(name, page)).await?;
        // A filter is a hint: a version may ignore it, or compare otherwise.
        projects.retain(|project: &Project| project.name == name);
        projects.sort_by(|one, other| one.id.cmp(&other.id));
        projects.dedup_by(|one, other| one.id == other.id);
        Ok(projects)
    }

    /// All projects that the credentials can see.
    pub async fn projects(&self) -> Result<Vec<Project>, Error> {
        self.pages(requests::projects).await
    }

    /// One project.
    pub async fn project(&self, project_id: &str) -> Result<Project, Error> {
        self.send(&requests::project(project_id)).await
    }

    /// All clusters that the credentials can see.
    pub async fn clusters(&self) -> Result<Vec<Cluster>, Error> {
        self.send(&requests::clusters()).await
    }

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
        self.pages(|page| requests::workloads(filters, deleted, page)).await
    }

    /// All items of a list. One whose pages lead nowhere is an error: half of a list answers no question.
    async fn pages<L: List>(&self, request: impl Fn(Page) -> ApiRequest) -> Result<Vec<L>, Error> {
        let mut page = Page::first(PAGE_LIMIT);
        let mut items = Vec::new();
        for _ in 0..MOST_PAGES {
            let (found, next) = L::split(self.send(&request(page)).await?);
            items.extend(found);
            match next.map(u32::try_from) {
                None | Some(Ok(0)) => return Ok(items),
                Some(Ok(offset)) if offset > page.offset => page = page.from(offset),
                Some(_) => break,
            }
        }
        Err(odd(&request(page), "is a list without an end"))
    }
}

/// Types of the API read leniently, so that some other JSON reads as a workload of which nothing is known.
fn names_no_workload(request: &ApiRequest) -> Error {
    odd(request, "names no workload")
}

fn odd(request: &ApiRequest, problem: &str) -> Error {
    Error::OddAnswer {
        call: format!("{} {}", request.method.as_str(), request.path),
        status: StatusCode::OK,
        problem: problem.to_owned(),
        text: String::new(),
    }
}

/// An item that the API lists page by page.
trait List: Sized {
    type Page: DeserializeOwned;

    /// The items of a page, and the offset of the next one.
    fn split(page: Self::Page) -> (Vec<Self>, Option<i64>);
}

impl List for Project {
    type Page = ProjectList;

    fn split(page: ProjectList) -> (Vec<Self>, Option<i64>) {
        (page.projects, page.next)
    }
}

impl List for Workload {
    type Page = WorkloadList;

    fn split(page: WorkloadList) -> (Vec<Self>, Option<i64>) {
        (page.workloads, page.next)
    }
}
