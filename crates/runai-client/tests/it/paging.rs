//! Lists as streams, with all kinds of paging.

use futures_util::{StreamExt as _, TryStreamExt as _};
use runai_api::request::ApiRequest;
use runai_client::Error;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::script::{Reply, Script, answering};

async fn numbers(script: &Script, request: ApiRequest, member: &str) -> Result<Vec<u32>, Error> {
    script.client().items::<u32>(request, member).try_collect().await
}

#[tokio::test(start_paused = true)]
async fn follows_offsets() {
    let request = ApiRequest::get("/api/v1/workloads/pods").query("completed", "true");
    for last in [json!({"pods": [3], "next": null}), json!({"pods": [3], "next": 0}), json!({"pods": [3]})] {
        let script = Script::new();
        script
            .expect("GET /api/v1/workloads/pods?completed=true", Reply::json(200, &json!({"pods": [1, 2], "next": 2})))
            .expect("GET /api/v1/workloads/pods?completed=true&offset=2", Reply::json(200, &last));
        if last.get("next").is_none() {
            // Nothing marks the last page.
            script.expect("GET /api/v1/workloads/pods?completed=true&offset=3", Reply::json(200, &json!({"pods": []})));
        }
        assert_eq!(numbers(&script, request.clone(), "pods").await.unwrap(), [1, 2, 3]);
    }
}

#[tokio::test(start_paused = true)]
async fn ends_with_short_page() {
    // A body that is a list, and one that contains it.
    for (member, list) in
        [("", (|items: &[u32]| json!(items)) as fn(&[u32]) -> Value), ("nodes", |items| json!({"nodes": items}))]
    {
        let script = Script::new();
        let first = ApiRequest::get("/api/v1/nodes").query("limit", "2");
        script
            .expect("GET /api/v1/nodes?limit=2", Reply::json(200, &list(&[1, 2])))
            .expect("GET /api/v1/nodes?limit=2&offset=2", Reply::json(200, &list(&[3, 4])))
            .expect("GET /api/v1/nodes?limit=2&offset=4", Reply::json(200, &list(&[5])));
        assert_eq!(numbers(&script, first, member).await.unwrap(), [1, 2, 3, 4, 5]);

        let script = Script::new();
        let second = ApiRequest::get("/api/v1/nodes").query("offset", "2");
        script
            .expect("GET /api/v1/nodes?offset=2", Reply::json(200, &list(&[3])))
            .expect("GET /api/v1/nodes?offset=3", Reply::json(200, &list(&[])));
        assert_eq!(numbers(&script, second, member).await.unwrap(), [3]);

        // Without either, the list may have no pages.
        let script = Script::new();
        script.expect("GET /api/v1/nodes", Reply::json(200, &list(&[1, 2])));
        assert_eq!(numbers(&script, ApiRequest::get("/api/v1/nodes"), member).await.unwrap(), [1, 2]);
    }
}

#[tokio::test(start_paused = true)]
async fn stops_at_repeated_page() {
    let client = answering(|sent| {
        if sent.line.ends_with("/token") { Reply::token() } else { Reply::json(200, &json!({"nodes": [1, 2]})) }
    });
    let request = ApiRequest::get("/api/v1/nodes").query("limit", "2");
    let nodes: Vec<u32> = client.items::<u32>(request, "nodes").try_collect().await.unwrap();
    assert_eq!(nodes, [1, 2]);
}

#[tokio::test(start_paused = true)]
async fn lists_templates_and_access_rules() {
    let script = Script::new();
    let page = |items: &[u32], next| Reply::json(200, &json!({"entries": items, "pagination": {"nextOffset": next}}));
    script
        .expect("GET /api/v1/workload-templates?limit=2", page(&[1, 2], 2))
        .expect("GET /api/v1/workload-templates?limit=2&offset=2", page(&[], 4));
    let request = ApiRequest::get("/api/v1/workload-templates").query("limit", "2");
    assert_eq!(numbers(&script, request, "entries").await.unwrap(), [1, 2]);

    let script = Script::new();
    let rules = |items: &[u32]| Reply::json(200, &json!({"accessRules": {"accessRules": items, "total": 3}}));
    script
        .expect("GET /api/v1/authorization/me/access-rules?limit=2", rules(&[1, 2]))
        .expect("GET /api/v1/authorization/me/access-rules?limit=2&offset=2", rules(&[3]));
    let request = ApiRequest::get("/api/v1/authorization/me/access-rules").query("limit", "2");
    assert_eq!(numbers(&script, request, "/accessRules/accessRules").await.unwrap(), [1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn skips_invalid_items_on_demand() {
    #[derive(Debug, Deserialize, PartialEq)]
    struct Pod {
        id: String,
    }

    let script = Script::new();
    script.expect("GET /pods", Reply::json(200, &json!({"pods": [{"id": "a"}, {"id": 7}, null], "next": 3})));
    let client = script.client();
    let mut pods = Box::pin(client.items::<Pod>(ApiRequest::get("/pods"), "pods"));
    assert_eq!(pods.next().await.unwrap().unwrap(), Pod { id: "a".into() });
    script.expect("GET /pods?offset=3", Reply::json(200, &json!({"pods": [{"id": "b"}], "next": null})));
    assert_eq!(pods.next().await.unwrap().unwrap(), Pod { id: "b".into() });
    assert!(pods.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn rejects_endless_list() {
    for page in [json!({"pods": [1], "next": -1}), json!({"pods": [1], "next": "x"}), json!({"pods": [1], "next": 5})] {
        let client =
            answering(move |sent| if sent.line.ends_with("/token") { Reply::token() } else { Reply::json(200, &page) });
        let request = ApiRequest::get("/pods").query("offset", "5");
        let error = client.items::<u32>(request, "pods").try_collect::<Vec<_>>().await.unwrap_err();
        assert!(matches!(error, Error::UnexpectedResponse { .. }), "{error:?}");
    }
    for body in [json!({"other": []}), json!({"pods": null}), json!({"pods": {}}), json!(7)] {
        let script = Script::new();
        script.expect("GET /pods", Reply::json(200, &body));
        let error = numbers(&script, ApiRequest::get("/pods"), "pods").await.unwrap_err();
        assert!(error.to_string().ends_with("has no list `/pods`"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn returns_raw_pages() {
    let script = Script::new();
    let first = json!({"audit_logs": [1], "total": 2, "next": 1});
    let last = json!({"audit_logs": [2], "total": 2, "next": null});
    script
        .expect("GET /api/v1/audit/log", Reply::json(200, &first))
        .expect("GET /api/v1/audit/log?offset=1", Reply::json(200, &last));
    let pages: Vec<Value> = script.client().pages(ApiRequest::get("/api/v1/audit/log")).try_collect().await.unwrap();
    assert_eq!(pages, [first, last]);
}
