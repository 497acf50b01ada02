//! The requests of a client, as values.
//!
//! Token requests are not included: their bodies contain credentials, and these values can be printed.

use serde::Serialize;
use serde_json::json;

use super::TrainingCreationRequest;
pub use super::list::{ListParams, SortOrder};
use crate::request::{ApiRequest, encode_component};

/// Maximum number of items per page.
pub const PAGE_LIMIT: u32 = 500;

/// Submits a training workload.
#[must_use]
pub fn create_training(training: &TrainingCreationRequest) -> ApiRequest {
    create().body(serde_json::to_vec(training).unwrap_or_default())
}

/// Submits a training workload; the caller sets the body.
#[must_use]
pub fn create() -> ApiRequest {
    ApiRequest::post(TRAININGS)
}

/// Reads a training workload with its specification.
#[must_use]
pub fn training(workload_id: &str) -> ApiRequest {
    ApiRequest::get(item(TRAININGS, workload_id))
}

/// Suspends a training workload: its pods end, its record remains.
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

/// Suspends a workload of type `kind`; see [`Workload::kind`](super::Workload::kind).
///
/// Trainings, workspaces and distributed trainings have their own endpoint. Any other type is a batch of one, whose
/// response contains the result.
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
    /// Delete the workloads.
    Delete,
    /// Resume suspended workloads.
    Resume,
    /// Suspend the workloads: their pods end, their records remain.
    Suspend,
}

/// Reads a workload of any type, with its phase and times.
#[must_use]
pub fn workload(workload_id: &str) -> ApiRequest {
    ApiRequest::get(item(WORKLOADS, workload_id))
}

/// Reads a page of a workload's events, newest first.
#[must_use]
pub fn workload_events(workload_id: &str, params: &ListParams) -> ApiRequest {
    params.apply(ApiRequest::get(item(WORKLOADS, workload_id) + "/events"))
}

/// Reads a page of a workload's history: events and phase changes.
#[must_use]
pub fn workload_history(workload_id: &str, params: &ListParams) -> ApiRequest {
    params.apply(ApiRequest::get(item(WORKLOADS, workload_id) + "/history"))
}

/// Reads a page of workloads of any type.
#[must_use]
pub fn workloads(params: &ListParams) -> ApiRequest {
    params.apply(ApiRequest::get(WORKLOADS))
}

/// Reads a page of visible projects.
#[must_use]
pub fn projects(params: &ListParams) -> ApiRequest {
    params.apply(ApiRequest::get(PROJECTS))
}

/// Reads a project.
#[must_use]
pub fn project(project_id: &str) -> ApiRequest {
    ApiRequest::get(item(PROJECTS, project_id))
}

/// Reads all clusters, without pages.
#[must_use]
pub fn clusters() -> ApiRequest {
    ApiRequest::get(CLUSTERS)
}

/// Reads a cluster.
#[must_use]
pub fn cluster(uuid: &str) -> ApiRequest {
    ApiRequest::get(item(CLUSTERS, uuid))
}

/// Reads a page of node pools. Filter by `clusterId` for those of a cluster.
#[must_use]
pub fn node_pools(params: &ListParams) -> ApiRequest {
    params.apply(ApiRequest::get(NODE_POOLS))
}

/// A page of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Page {
    /// Number of items to skip.
    pub offset: u32,
    /// Number of items, 1 to [`PAGE_LIMIT`].
    pub limit: u32,
}

impl Page {
    /// Returns the first page, of at most `limit` items.
    #[must_use]
    pub const fn first(limit: u32) -> Self {
        Self { offset: 0, limit }
    }

    /// Returns the page that starts at `offset`, such as a response's `next`.
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

/// Returns the collection of a workload type, if it has endpoints to suspend, resume and delete.
fn collection_of(kind: &str) -> Option<&'static str> {
    [("Distributed", DISTRIBUTED), ("Training", TRAININGS), ("Workspace", WORKSPACES)]
        .into_iter()
        .find_map(|(name, collection)| kind.eq_ignore_ascii_case(name).then_some(collection))
}

/// Returns the request of an action. Suspend and resume are idempotent.
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
    fn requests_have_method_and_target() {
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
    fn actions_depend_on_workload_type() {
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
    fn create_body_has_only_given_members() {
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
