//! The requests that a client makes, as values.
//!
//! Tokens are not here: their bodies hold credentials, which a value that can be printed must not.

use super::TrainingCreationRequest;
use crate::request::{ApiRequest, encode_component};

/// The most items that the API gives on one page.
pub const PAGE_LIMIT: u32 = 500;

/// Submits a training workload.
#[must_use]
pub fn create_training(training: &TrainingCreationRequest) -> ApiRequest {
    create().json(serde_json::to_value(training).unwrap_or_default())
}

/// The same, still without its body.
pub(crate) fn create() -> ApiRequest {
    ApiRequest::post(TRAININGS)
}

/// Reads a training workload with its specification.
#[must_use]
pub fn training(workload_id: &str) -> ApiRequest {
    ApiRequest::get(item(TRAININGS, workload_id))
}

/// Suspends a training workload: its pods end, its entry stays.
#[must_use]
pub fn suspend_training(workload_id: &str) -> ApiRequest {
    ApiRequest::post(item(TRAININGS, workload_id) + "/suspend")
}

/// Resumes a suspended training workload.
#[must_use]
pub fn resume_training(workload_id: &str) -> ApiRequest {
    ApiRequest::post(item(TRAININGS, workload_id) + "/resume")
}

/// Deletes a training workload.
#[must_use]
pub fn delete_training(workload_id: &str) -> ApiRequest {
    ApiRequest::delete(item(TRAININGS, workload_id))
}

/// Reads one workload, of any type, with its phase and times.
#[must_use]
pub fn workload(workload_id: &str) -> ApiRequest {
    ApiRequest::get(item(WORKLOADS, workload_id))
}

/// Reads a page of a workload's events, the newest first.
#[must_use]
pub fn workload_events(workload_id: &str, page: Page) -> ApiRequest {
    page.of(ApiRequest::get(item(WORKLOADS, workload_id) + "/events"))
}

/// Reads a page of a workload's history: events and changes of phase.
#[must_use]
pub fn workload_history(workload_id: &str, page: Page) -> ApiRequest {
    page.of(ApiRequest::get(item(WORKLOADS, workload_id) + "/history"))
}

/// Reads a page of the workloads that pass every one of `filters`, live ones or deleted ones.
#[must_use]
pub fn workloads(filters: &[Filter<'_>], deleted: bool, page: Page) -> ApiRequest {
    let request = filtered(ApiRequest::get(WORKLOADS), filters);
    page.of(if deleted { request.query("deleted", "true") } else { request })
}

/// Reads a page of the projects whose name equals `name`; compare names again, a filter is a hint.
#[must_use]
pub fn projects_named(name: &str, page: Page) -> ApiRequest {
    page.of(filtered(ApiRequest::get(PROJECTS), &[Filter::Equals("name", name)]))
}

/// Reads a page of all projects that can be seen.
#[must_use]
pub fn projects(page: Page) -> ApiRequest {
    page.of(ApiRequest::get(PROJECTS))
}

/// Reads one project.
#[must_use]
pub fn project(project_id: &str) -> ApiRequest {
    ApiRequest::get(item(PROJECTS, project_id))
}

/// Reads all clusters; there are no pages.
#[must_use]
pub fn clusters() -> ApiRequest {
    ApiRequest::get(CLUSTERS)
}

/// Reads one cluster.
#[must_use]
pub fn cluster(uuid: &str) -> ApiRequest {
    ApiRequest::get(item(CLUSTERS, uuid))
}

/// Reads a page of the node pools of one cluster.
#[must_use]
pub fn node_pools(cluster_id: &str, page: Page) -> ApiRequest {
    page.of(filtered(ApiRequest::get(NODE_POOLS), &[Filter::Equals("clusterId", cluster_id)]))
}

/// A condition on a member of the listed items; the API's operators that are needed here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter<'a> {
    /// The member equals the text.
    Equals(&'static str, &'a str),
    /// The member starts with the text.
    StartsWith(&'static str, &'a str),
}

impl Filter<'_> {
    fn text(&self) -> String {
        match self {
            Self::Equals(member, text) => format!("{member}=={text}"),
            Self::StartsWith(member, text) => format!("{member}=^{text}"),
        }
    }
}

/// Which part of a list is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// How many items to skip.
    pub offset: u32,
    /// How many items to give, 1 to [`PAGE_LIMIT`].
    pub limit: u32,
}

impl Page {
    /// The first page, of at most `limit` items.
    #[must_use]
    pub const fn first(limit: u32) -> Self {
        Self { offset: 0, limit }
    }

    /// The page from `offset` on, such as an answer's `next`.
    #[must_use]
    pub const fn from(self, offset: u32) -> Self {
        Self { offset, ..self }
    }

    fn of(self, request: ApiRequest) -> ApiRequest {
        request.query("offset", self.offset.to_string()).query("limit", self.limit.to_string())
    }
}

impl Default for Page {
    fn default() -> Self {
        Self::first(PAGE_LIMIT)
    }
}

const CLUSTERS: &str = "/api/v1/clusters";
const NODE_POOLS: &str = "/api/v1/node-pools";
const PROJECTS: &str = "/api/v1/org-unit/projects";
const TRAININGS: &str = "/api/v1/workloads/trainings";
const WORKLOADS: &str = "/api/v1/workloads";

fn item(collection: &str, id: &str) -> String {
    format!("{collection}/{}", encode_component(id))
}

/// All filters go into one parameter, separated by commas (`explode: false` in the API's description).
fn filtered(request: ApiRequest, filters: &[Filter<'_>]) -> ApiRequest {
    if filters.is_empty() {
        return request;
    }
    request.query("filterBy", filters.iter().map(Filter::text).collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::wire::TrainingSpec;

    #[test]
    fn each_request_has_its_method_and_target() {
        let page = Page::first(50);
        for (request, line) in [
            (training("a b/c"), "GET /api/v1/workloads/trainings/a%20b%2Fc"),
            (suspend_training("1"), "POST /api/v1/workloads/trainings/1/suspend"),
            (resume_training("1"), "POST /api/v1/workloads/trainings/1/resume"),
            (delete_training("1"), "DELETE /api/v1/workloads/trainings/1"),
            (workload("1"), "GET /api/v1/workloads/1"),
            (workload_events("1", page), "GET /api/v1/workloads/1/events?offset=0&limit=50"),
            (workload_history("1", page.from(50)), "GET /api/v1/workloads/1/history?offset=50&limit=50"),
            (workloads(&[], true, Page::default()), "GET /api/v1/workloads?deleted=true&offset=0&limit=500"),
            (
                workloads(&[Filter::Equals("projectId", "7"), Filter::StartsWith("name", "fit-")], false, page),
                "GET /api/v1/workloads?filterBy=projectId%3D%3D7%2Cname%3D%5Efit-&offset=0&limit=50",
            ),
            (
                projects_named("ML research", page),
                "GET /api/v1/org-unit/projects?filterBy=name%3D%3DML%20research&offset=0&limit=50",
            ),
            (projects(page), "GET /api/v1/org-unit/projects?offset=0&limit=50"),
            (project("7"), "GET /api/v1/org-unit/projects/7"),
            (clusters(), "GET /api/v1/clusters"),
            (cluster("u"), "GET /api/v1/clusters/u"),
            (node_pools("u", page), "GET /api/v1/node-pools?filterBy=clusterId%3D%3Du&offset=0&limit=50"),
        ] {
            assert_eq!(format!("{} {}", request.method.as_str(), request.target()), line);
            assert_eq!(request.body, None);
        }
    }

    #[test]
    fn a_submission_carries_what_was_given_and_nothing_else() {
        let training = TrainingCreationRequest {
            name: "fit".into(),
            project_id: "7".into(),
            cluster_id: "u".into(),
            spec: TrainingSpec { image: Some("python:3.12".into()), ..TrainingSpec::default() },
            ..TrainingCreationRequest::default()
        };
        let request = create_training(&training);
        assert_eq!(request.method.as_str(), "POST");
        assert_eq!(request.target(), "/api/v1/workloads/trainings");
        assert_eq!(
            request.body,
            Some(json!({"clusterId": "u", "name": "fit", "projectId": "7", "spec": {"image": "python:3.12"}}))
        );
    }
}
