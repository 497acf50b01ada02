use runai_client::{Error, StepOperator};
use serde_json::{Value, json};

use crate::script::{Reply, Script};

const PROJECTS: &str = "GET /api/v1/org-unit/projects";
const CLUSTERS: &str = "GET /api/v1/clusters";

fn project(id: &str, name: &str, cluster_id: &str) -> Value {
    json!({"id": id, "name": name, "clusterId": cluster_id})
}

fn page(projects: &[Value], next: Option<i64>) -> Reply {
    Reply::json(200, &json!({"projects": projects, "next": next}))
}

fn clusters() -> Reply {
    Reply::json(200, &json!([{"uuid": "u1", "name": "dgx"}, {"uuid": "u2", "name": "cloud"}]))
}

#[tokio::test(start_paused = true)]
async fn finds_project_on_any_page() {
    let script = Script::new();
    let query = "filterBy=name%3D%3Dvision";
    script
        .expect(&format!("{PROJECTS}?{query}&offset=0&limit=500"), page(&[project("1", "vision-2", "u1")], Some(500)))
        .expect(&format!("{PROJECTS}?{query}&offset=500&limit=500"), page(&[project("2", "vision", "u2")], None));
    let placement = StepOperator::new(script.client(), "vision").prepare().await.unwrap();
    assert_eq!((placement.project_id.as_str(), placement.cluster_id.as_str()), ("2", "u2"));
    assert_eq!(placement.cluster_name, None);
}

#[tokio::test(start_paused = true)]
async fn checks_configured_cluster() {
    let script = Script::new();
    let found = || page(&[project("2", "vision", "u2")], None);
    script.expect(PROJECTS, found()).expect(CLUSTERS, clusters());
    let operator = StepOperator::new(script.client(), "vision");
    let placement = operator.clone().cluster_name("cloud").prepare().await.unwrap();
    assert_eq!(placement.cluster_name.as_deref(), Some("cloud"));

    script.expect(PROJECTS, found()).expect(CLUSTERS, clusters());
    operator.clone().cluster_name("u2").prepare().await.unwrap();

    script.expect(PROJECTS, found()).expect(CLUSTERS, clusters());
    let error = operator.cluster_name("dgx").prepare().await.unwrap_err();
    assert!(error.is_refused());
    assert_eq!(error.to_string(), "project `vision` is in cluster `cloud`, but `cluster_name` is `dgx`");
    assert!(error.hint().is_some());
}

#[tokio::test(start_paused = true)]
async fn ambiguous_project_needs_cluster() {
    let script = Script::new();
    let twice = || page(&[project("1", "vision", "u1"), project("2", "vision", "u2")], None);
    script.expect(PROJECTS, twice());
    let operator = StepOperator::new(script.client(), "vision");
    let error = operator.prepare().await.unwrap_err();
    assert!(matches!(error, Error::ProjectAmbiguous { .. }), "{error:?}");
    assert_eq!(error.to_string(), "project `vision` exists in several clusters: `u1`, `u2`");

    script.expect(PROJECTS, twice()).expect(CLUSTERS, clusters());
    assert_eq!(operator.cluster_name("dgx").prepare().await.unwrap().project_id, "1");
}

#[tokio::test(start_paused = true)]
async fn suggests_similar_projects() {
    let script = Script::new();
    let all = [project("1", "speech", "u1"), project("2", "visions", "u1"), project("3", "vision-test", "u1")];
    script
        .expect(&format!("{PROJECTS}?filterBy=name%3D%3DVision&offset=0&limit=500"), page(&[], None))
        .expect(&format!("{PROJECTS}?offset=0&limit=500"), page(&all, None));
    let error = StepOperator::new(script.client(), "Vision").prepare().await.unwrap_err();
    assert!(error.is_not_found());
    assert_eq!(error.hint().as_deref(), Some("did you mean `visions`, `vision-test`?"));

    script.expect(PROJECTS, page(&[], None)).expect(PROJECTS, Reply::error(403, "no"));
    let error = StepOperator::new(script.client(), "Vision").prepare().await.unwrap_err();
    assert!(error.is_not_found() && error.hint().unwrap().contains("permission"), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn rejects_endless_list() {
    let script = Script::new();
    script.expect(PROJECTS, page(&[], Some(500))).expect(PROJECTS, page(&[], Some(500)));
    let error = StepOperator::new(script.client(), "vision").prepare().await.unwrap_err();
    assert!(matches!(error, Error::UnexpectedResponse { .. }), "{error:?}");
}
