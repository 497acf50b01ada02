//! The requests that a client makes, as values.
//!
//! Tokens are not here: their bodies hold credentials, which a value that can be printed must not.

use serde::Serialize;
use serde_json::json;

use super::TrainingCreationRequest;
pub use super::list::{ListParams, SortOrder};
use crate::request::{ApiRequest, encode_component};

/// The most items that the API gives on one page.
pub const PAGE_LIMIT: u32 = 500;

/// Submits a training workload.
#[must_use]
pub fn create_training(training: &TrainingCreationRequest) -> ApiRequest {
    create().body(serde_json::to_vec(training).unwrap_or_default())
}

/// The same, still without its body.
#[must_use]
pub fn create() -> ApiRequest {
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
    act_on(TRAININGS, workload_id, "/suspend")
}

/// Resumes a suspended training workload.
#[must_use]
pub fn resume_training(workload_id: &str) -> ApiRequest {
    act_on(TRAININGS, workload_id, "/resume")
}

/// Deletes a training workload.
#[must_use]
pub fn delete_training(workload_id: &str) -> ApiRequest {
    ApiRequest::delete(item(TRAININGS, workload_id))
}

/// Suspends a workload of type `kind`, as [`Workload::kind`](super::Workload::kind) gives it.
///
/// Trainings, workspaces and distributed trainings have an endpoint for it; any other type is a batch of one, whose
/// answer must be read for the result.
#[must_use]
pub fn suspend_workload(kind: &str, workload_id: &str) -> ApiRequest {
    match collection_of(kind) {
        Some(collection) => act_on(collection, workload_id, "/suspend"),
        None => batch(BatchAction::Suspend, &[workload_id]),
    }
}

/// Resumes a suspended workload of type `kind`; see [`suspend_workload`].
#[must_use]
pub fn resume_workload(kind: &str, workload_id: &str) -> ApiRequest {
    match collection_of(kind) {
        Some(collection) => act_on(collection, workload_id, "/resume"),
        None => batch(BatchAction::Resume, &[workload_id]),
    }
}

/// Deletes a workload of type `kind`; see [`suspend_workload`].
#[must_use]
pub fn delete_workload(kind: &str, workload_id: &str) -> ApiRequest {
    match collection_of(kind) {
        Some(collection) => ApiRequest::delete(item(collection, workload_id)),
        None => batch(BatchAction::Delete, &[workload_id]),
    }
}

/// Suspends, resumes or deletes up to 100 workloads of any type.
#[must_use]
pub fn batch<I: AsRef<str>>(action: BatchAction, workload_ids: &[I]) -> ApiRequest {
    let ids: Vec<&str> = workload_ids.iter().map(AsRef::as_ref).collect();
    ApiRequest::post(BATCH).json(&json!({"ids": ids, "action": action})).idempotent(true)
}

/// The action of a [`batch`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum BatchAction {
    /// Remove the workloads.
    Delete,
    /// Resume suspended workloads.
    Resume,
    /// End the workloads' pods and keep their entries.
    Suspend,
}

/// Reads one workload, of any type, with its phase and times.
#[must_use]
pub fn workload(workload_id: &str) -> ApiRequest {
    ApiRequest::get(item(WORKLOADS, workload_id))
}

/// Reads a page of a workload's events, the newest first.
#[must_use]
pub fn workload_events(workload_id: &str, params: &ListParams) -> ApiRequest {
    params.apply(ApiRequest::get(item(WORKLOADS, workload_id) + "/events"))
}

/// Reads a page of a workload's history: events and changes of phase.
#[must_use]
pub fn workload_history(workload_id: &str, params: &ListParams) -> ApiRequest {
    params.apply(ApiRequest::get(item(WORKLOADS, workload_id) + "/history"))
}

/// Reads a page of the workloads of any type.
#[must_use]
pub fn workloads(params: &ListParams) -> ApiRequest {
    params.apply(ApiRequest::get(WORKLOADS))
}

/// Reads a page of the projects that can be seen.
#[must_use]
pub fn projects(params: &ListParams) -> ApiRequest {
    params.apply(ApiRequest::get(PROJECTS))
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

/// Reads a page of node pools. Those of one cluster have its UUID as `clusterId`.
#[must_use]
pub fn node_pools(params: &ListParams) -> ApiRequest {
    params.apply(ApiRequest::get(NODE_POOLS))
}

/// Which part of a list is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
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
}

impl Default for Page {
    fn default() -> Self {
        Self::first(PAGE_LIMIT)
    }
}

const BATCH: &str = "/api/v1/workloads/batch";
const CLUSTERS: &str = "/api/v1/clusters";
const DISTRIBUTED: &str = "/api/v1/workloads/distributed";
const NODE_POOLS: &str = "/api/v1/node-pools";
const PROJECTS: &str = "/api/v1/org-unit/projects";
const TRAININGS: &str = "/api/v1/workloads/trainings";
const WORKLOADS: &str = "/api/v1/workloads";
const WORKSPACES: &str = "/api/v1/workloads/workspaces";

/// Where workloads of a type are suspended, resumed and deleted, if they have endpoints for all three.
fn collection_of(kind: &str) -> Option<&'static str> {
    [("Distributed", DISTRIBUTED), ("Training", TRAININGS), ("Workspace", WORKSPACES)]
        .into_iter()
        .find_map(|(name, collection)| kind.eq_ignore_ascii_case(name).then_some(collection))
}

/// A second suspension or resumption has no further effect.
fn act_on(collection: &str, workload_id: &str, action: &str) -> ApiRequest {
    ApiRequest::post(item(collection, workload_id) + action).idempotent(true)
}

fn item(collection: &str, id: &str) -> String {
    format!("{collection}/{}", encode_component(id))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::wire::TrainingSpec;

    #[test]
    fn each_request_has_its_method_and_target() {
        let page = &ListParams::default().page_size(50);
        for (request, line) in [
            (training("a b/c"), "GET /api/v1/workloads/trainings/a%20b%2Fc"),
            (suspend_training("1"), "POST /api/v1/workloads/trainings/1/suspend"),
            (resume_training("1"), "POST /api/v1/workloads/trainings/1/resume"),
            (delete_training("1"), "DELETE /api/v1/workloads/trainings/1"),
            (workload("1"), "GET /api/v1/workloads/1"),
            (workload_events("1", page), "GET /api/v1/workloads/1/events?offset=0&limit=50"),
            (
                workload_history("1", &ListParams::default().page(Page::first(50).from(50))),
                "GET /api/v1/workloads/1/history?offset=50&limit=50",
            ),
            (workloads(&ListParams::default().deleted(true)), "GET /api/v1/workloads?deleted=true&offset=0&limit=500"),
            (
                workloads(&page.clone().equals("projectId", "7").starts_with("name", "fit-")),
                "GET /api/v1/workloads?filterBy=projectId%3D%3D7%2Cname%3D%5Efit-&offset=0&limit=50",
            ),
            (
                projects(&page.clone().equals("name", "ML research")),
                "GET /api/v1/org-unit/projects?filterBy=name%3D%3DML%20research&offset=0&limit=50",
            ),
            (projects(page), "GET /api/v1/org-unit/projects?offset=0&limit=50"),
            (project("7"), "GET /api/v1/org-unit/projects/7"),
            (clusters(), "GET /api/v1/clusters"),
            (cluster("u"), "GET /api/v1/clusters/u"),
            (
                node_pools(&page.clone().equals("clusterId", "u")),
                "GET /api/v1/node-pools?filterBy=clusterId%3D%3Du&offset=0&limit=50",
            ),
        ] {
            assert_eq!(format!("{} {}", request.method.as_str(), request.target()), line);
            assert_eq!(request.body, None);
        }
    }

    #[test]
    fn actions_follow_the_type_of_the_workload() {
        let line = |request: ApiRequest| {
            assert!(request.is_idempotent, "{request:?}");
            (format!("{} {}", request.method.as_str(), request.target()), request.value())
        };
        for (kind, collection) in
            [("Training", "trainings"), ("Workspace", "workspaces"), ("distributed", "distributed")]
        {
            let path = format!("/api/v1/workloads/{collection}/a%2Fb");
            assert_eq!(line(suspend_workload(kind, "a/b")), (format!("POST {path}/suspend"), None));
            assert_eq!(line(resume_workload(kind, "a/b")), (format!("POST {path}/resume"), None));
            assert_eq!(line(delete_workload(kind, "a/b")), (format!("DELETE {path}"), None));
        }
        for kind in ["Inference", "DistributedInference", "runai-job", ""] {
            let batch = |action: &str| {
                ("POST /api/v1/workloads/batch".to_owned(), Some(json!({"ids": ["w"], "action": action})))
            };
            assert_eq!(line(suspend_workload(kind, "w")), batch("suspend"));
            assert_eq!(line(resume_workload(kind, "w")), batch("resume"));
            assert_eq!(line(delete_workload(kind, "w")), batch("delete"));
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
            request.value(),
            Some(json!({"clusterId": "u", "name": "fit", "projectId": "7", "spec": {"image": "python:3.12"}}))
        );
    }
}
