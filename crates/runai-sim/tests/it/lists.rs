use axum::http::StatusCode;
use runai_sim::Simulator;
use serde_json::{Value, json};

use crate::{Api, pass, training};

async fn names(api: &Api, target: &str) -> Vec<String> {
    let body = api.get(target).await;
    let list = body.as_object().unwrap().values().find_map(Value::as_array).unwrap();
    list.iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn lists_projects() {
    let api = Api::of(Simulator::builder().projects(["vision", "speech", "Vision-2", "text"])).await;
    let path = "/api/v1/org-unit/projects";
    assert_eq!(names(&api, path).await, ["vision", "speech", "Vision-2", "text"]);
    assert_eq!(names(&api, &format!("{path}?filterBy=name%3D%3Dvision")).await, ["vision"]);
    assert_eq!(names(&api, &format!("{path}?filterBy=name==visio")).await, Vec::<String>::new());
    assert_eq!(names(&api, &format!("{path}?search=VISION")).await, ["vision", "Vision-2"]);
    assert_eq!(
        names(&api, &format!("{path}?sortBy=name&sortOrder=desc")).await,
        ["vision", "text", "speech", "Vision-2"]
    );

    let first = api.get(&format!("{path}?limit=3")).await;
    assert_eq!((first["projects"].as_array().unwrap().len(), &first["next"]), (3, &json!(3)));
    let last = api.get(&format!("{path}?limit=3&offset=3")).await;
    assert_eq!((last["projects"].as_array().unwrap().len(), last.get("next")), (1, None));
    let beyond = api.get(&format!("{path}?offset=9")).await;
    assert_eq!(beyond, json!({"projects": []}));
}

#[tokio::test(start_paused = true)]
async fn filters_workloads() {
    let api = Api::of(Simulator::builder().projects(["vision", "speech"])).await;
    api.submit("fit-a", &[("RUNAI_SIM_RESULT", "Failed")], json!({})).await;
    pass(60.0).await;
    api.submit("fit-b", &[("RUNAI_SIM_RUNNING", "100")], json!({})).await;
    api.submit("eval", &[("RUNAI_SIM_PENDING", "100")], json!({})).await;
    pass(10.0).await;
    let path = "/api/v1/workloads";
    assert_eq!(names(&api, path).await, ["fit-a", "fit-b", "eval"]);
    for (filter, expected) in [
        ("name==fit-b", &["fit-b"][..]),
        ("name=^fit", &["fit-a", "fit-b"]),
        ("name=$b", &["fit-b"]),
        ("name=@it-", &["fit-a", "fit-b"]),
        ("name!@it-", &["eval"]),
        ("name!=eval", &["fit-a", "fit-b"]),
        ("projectId==1,phase==Running", &["fit-b"]),
        ("projectId==2", &[]),
        ("phase==Failed", &["fit-a"]),
        ("createdAt>=2026-11-23T10:01:00Z", &["fit-b", "eval"]),
        ("createdAt==2026-11-23T10:00:00Z", &["fit-a"]),
        ("totalPendingTimeSeconds>=9", &["eval"]),
        ("completedAt<=2027-01-01T00:00:00Z", &["fit-a"]),
        ("projectName==vision,type==Training,submittedBy==sim-client", &["fit-a", "fit-b", "eval"]),
    ] {
        let encoded = filter.replace('^', "%5E").replace('<', "%3C").replace('>', "%3E");
        assert_eq!(names(&api, &format!("{path}?filterBy={encoded}")).await, expected, "{filter}");
    }
    assert_eq!(names(&api, &format!("{path}?filterBy=name=%5Efit&limit=1&offset=1")).await, ["fit-b"]);
    assert_eq!(names(&api, &format!("{path}?sortBy=createdAt&sortOrder=desc&limit=1")).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn filters_by_name() {
    let api = Api::of(Simulator::builder().projects(["vision", "speech"])).await;
    let mut ids = Vec::new();
    for project in ["1", "2"] {
        let mut body = training("fit", &[], &json!({}));
        body["projectId"] = json!(project);
        let answer = api.call("POST /api/v1/workloads/trainings", body).await.expect(StatusCode::ACCEPTED);
        ids.push(answer["workloadId"].as_str().unwrap().to_owned());
    }
    api.submit("fit-2", &[], json!({})).await;
    let found = async |query: &str| names(&api, &format!("/api/v1/workloads?{query}")).await.len();
    assert_eq!((found("filterBy=name==fit").await, found("filterBy=name==fit,projectId==2").await), (2, 1));
    assert_eq!((found("filterBy=name==fi").await, found("filterBy=name!=fit").await), (0, 1));
    api.ask("delete", &ids[0]).await;
    pass(1.0).await;
    assert_eq!((found("filterBy=name==fit").await, found("filterBy=name==fit&deleted=true").await), (1, 1));
}

#[tokio::test]
async fn accepts_empty_query_parameters() {
    let api = Api::new().await;
    api.submit("fit", &[], json!({})).await;
    for query in ["filterBy=", "search=", "filterBy=&search=", "offset=-1", "offset=-2147483648"] {
        assert_eq!(names(&api, &format!("/api/v1/workloads?{query}")).await, ["fit"], "{query}");
    }
}

#[tokio::test]
async fn rejects_invalid_queries() {
    let api = Api::new().await;
    for (query, words) in [
        ("limit=0", "must be 1 to 500"),
        ("limit=501", "must be 1 to 500"),
        ("limit=many", "invalid `limit` `many`"),
        ("offset=2147483648", "invalid `offset` `2147483648`"),
        ("deleted=yes", "invalid `deleted` `yes`"),
        ("sortOrder=up", "must be asc or desc"),
        ("sortBy=luck", "cannot filter or sort by `luck`"),
        ("filterBy=name", "invalid filter `name`"),
        ("filterBy=name==", "invalid filter `name==`"),
        ("filterBy===x", "invalid filter `==x`"),
        ("filterBy=id==x", "cannot filter or sort by `id`"),
        ("filterBy=name==a&filterBy=name==b", "duplicate field"),
    ] {
        let answer = api.call(&format!("GET /api/v1/workloads?{query}"), Value::Null).await;
        let message = answer.refused(StatusCode::BAD_REQUEST);
        assert!(message.contains(words), "{query}: {message}");
    }
}
