//! The endpoints against the simulator, and invalid lists.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _};
use runai_api::wire::Workload;
use runai_client::{BatchAction, Error, ListParams};
use runai_sim::{Policy, Role, Simulator, Template};
use runai_spec::permissions::permissions;
use runai_spec::{Resolver, Source};
use runai_syntax::Format;
use serde_json::json;

use crate::network::{operator, request, submission_of};
use crate::script::{Reply, Script, answering};

#[tokio::test(start_paused = true)]
async fn reads_all_simulator_resources() {
    let template = Template {
        id: "550e8400-e29b-41d4-a716-446655440000".into(),
        name: "small".into(),
        spec: json!({"compute": {"cpuCoreRequest": 1}}),
    };
    let policy = Policy { defaults: json!({}), rules: json!({"compute": {"gpuDevicesRequest": {"max": 4}}}) };
    let sim = Simulator::builder().template(template).policy(policy).in_memory().unwrap();
    let operator = operator(&sim);
    let client = operator.client();
    let placement = operator.prepare().await.unwrap();
    let mut ids = Vec::new();
    for run in 0..7 {
        let request = request(&placement, &run.to_string(), &[("RUNAI_SIM_RUNNING", "600")]);
        ids.push(operator.submit(&submission_of(&request)).await.unwrap().workload_id);
    }
    tokio::time::sleep(Duration::from_mins(1)).await;

    let params = ListParams::default().starts_with("name", "fit-").page_size(3);
    let listed: Vec<_> = client.list_workloads(&params).try_collect().await.unwrap();
    assert_eq!(listed.len(), 7);
    let projects: Vec<_> = client.list_projects(&ListParams::default()).try_collect().await.unwrap();
    assert_eq!(projects[0].name, sim.project());
    assert_eq!(client.project(&projects[0].id).await.unwrap().id, placement.project_id);
    assert_eq!(client.cluster(&placement.cluster_id).await.unwrap().name, sim.cluster());
    assert_eq!(client.node_pools(&placement.cluster_id).await.unwrap()[0].name, "default");

    let events: Vec<_> = client.list_events(&ids[0], &ListParams::default()).try_collect().await.unwrap();
    assert!(events.iter().all(|event| !event.message.is_empty()));
    let history: Vec<_> = client.list_history(&ids[0], &ListParams::default()).try_collect().await.unwrap();
    assert!(history.iter().any(|record| record.spec.phase_update.is_some()), "{history:?}");

    let result = client.batch(BatchAction::Suspend, &ids[..3]).await.unwrap();
    assert_eq!((result.succeeded.len(), result.failed.len()), (3, 0));
    let unknown = "00000000-0000-4000-8000-000000000000".to_owned();
    let result = client.batch(BatchAction::Delete, &[ids[3].clone(), unknown.clone()]).await.unwrap();
    assert_eq!((result.succeeded.len(), result.failed[0].id == unknown, result.failed[0].code), (1, true, 404));

    assert_eq!(client.template("550e8400-e29b-41d4-a716-446655440000").await.unwrap().meta.name, "small");
    let policy = client.effective_policy(&placement.project_id).await.unwrap();
    let violations = policy.violations(&json!({"compute": {"gpuDevicesRequest": 8}}));
    assert_eq!((violations[0].rule, violations[0].source.to_string()), ("max", "the tenant's policy".into()));

    assert!(client.permissions().await.unwrap().iter().any(|one| one.resource_type == "trainings"));
    assert_eq!(client.access_rules().await.unwrap()[0].scope_type, "tenant");
    assert!(client.roles().await.unwrap().iter().any(|role| role.name == "AI practitioner"));
    let sets = client.permission_sets().await.unwrap();
    let id_of = |name: &str| sets.iter().find(|set| set.name == name).map(|set| set.id.clone());
    let source = Source { name: "step", text: "{}", format: Format::Yaml };
    let role = permissions(&Resolver::new(source).resolve()).role_request("runai-step", id_of);
    assert_eq!(client.create_role(&role).await.unwrap().name, "runai-step");
    assert!(client.create_role(&role).await.unwrap_err().is_refused());
}

#[tokio::test(start_paused = true)]
async fn reports_missing_permissions() {
    let sim = Simulator::builder().role(Role::LeastPrivilege, [] as [&str; 0]).in_memory().unwrap();
    let operator = operator(&sim);
    let project = operator.prepare().await.unwrap().project_id;
    assert!(operator.client().effective_policy(&project).await.unwrap_err().is_auth());
    assert!(operator.client().roles().await.unwrap_err().is_auth());
    assert!(operator.client().template("x").await.unwrap_err().is_auth());
}

#[tokio::test(start_paused = true)]
async fn requests_pages_on_demand() {
    let script = Script::new();
    let page = |next: Option<u32>| {
        let workloads: Vec<_> = (0..2).map(|index| json!({"id": format!("w{index}")})).collect();
        Reply::json(200, &json!({"workloads": workloads, "next": next}))
    };
    script.expect("GET /api/v1/workloads?offset=0&limit=500", page(Some(500)));
    let client = script.client();
    let mut list = Box::pin(client.list_workloads(&ListParams::default()));
    for _ in 0..2 {
        list.next().await.unwrap().unwrap();
    }
    script.expect("GET /api/v1/workloads?offset=500&limit=500", page(None));
    assert_eq!(list.next().await.unwrap().unwrap().id, "w0");
    assert_eq!(list.count().await, 1);
}

#[tokio::test(start_paused = true)]
async fn rejects_endless_list() {
    for next in [json!(500), json!(0.0), json!(-1), json!(1_u64 << 40)] {
        let asked = AtomicUsize::new(0);
        let reply = json!({"workloads": [{"id": "w"}], "next": next});
        let client = answering(move |sent| {
            if sent.line.ends_with("/token") {
                return Reply::token();
            }
            assert!(asked.fetch_add(1, Ordering::Relaxed) < 10);
            Reply::json(200, &reply)
        });
        let error = client.workloads(&ListParams::default()).await.unwrap_err();
        assert!(matches!(error, Error::UnexpectedResponse { .. }), "{error:?}");
    }
    // A list that always has a next page.
    let asked = AtomicUsize::new(0);
    let client = answering(move |sent| {
        if sent.line.ends_with("/token") {
            return Reply::token();
        }
        let page = asked.fetch_add(1, Ordering::Relaxed) + 1;
        Reply::json(200, &json!({"projects": [{"id": "1"}], "next": page * 500}))
    });
    let error = client.projects(&ListParams::default()).await.unwrap_err();
    assert!(error.to_string().contains("endless list"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn accepts_nulls_and_unknown_members() {
    let odd = json!([{"resourceType": null, "actions": null, "displayName": 7, "later": []}]);
    let script = Script::new();
    script
        .expect(
            "GET /api/v1/authorization/permissions",
            Reply::json(200, &json!([{"resourceType": null, "actions": null, "x": 1}])),
        )
        .expect(
            "GET /api/v1/authorization/me/access-rules",
            Reply::json(200, &json!({"accessRules": {"accessRules": [null, {"roleName": null}]}})),
        )
        .expect("GET /api/v2/policy/trainings", Reply::json(200, &json!(null)))
        .expect("GET /api/v1/workload-templates/trainings/a%2Fb", Reply::json(200, &json!({"meta": null})))
        .expect("GET /api/v2/authorization/roles", Reply::json(200, &json!([{"id": 7, "name": null}])))
        .expect("GET /api/v1/authorization/permissions", Reply::json(200, &odd));
    let client = script.client();
    assert_eq!(client.permissions().await.unwrap()[0].actions, [] as [&str; 0]);
    assert_eq!(client.access_rules().await.unwrap()[0].role_name, "");
    assert!(client.effective_policy("7").await.unwrap().violations(&json!({})).is_empty());
    assert_eq!(client.template("a/b").await.unwrap().meta.id, "");
    assert_eq!(client.roles().await.unwrap()[0].id, "7");
    assert!(client.permissions().await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn skips_invalid_items() {
    let script = Script::new();
    let page = json!({"workloads": [{"id": "a"}, {"id": {"later": 1}}, "x", {"id": "b"}], "next": 500});
    script
        .expect("GET /api/v1/workloads", Reply::json(200, &page))
        .expect("GET /api/v1/workloads?offset=500&limit=500", Reply::json(200, &json!({"workloads": [7]})))
        .expect("GET /api/v1/org-unit/projects", Reply::json(200, &json!({"projects": [{"id": 7}, {"id": "7"}]})))
        .expect("GET /api/v1/clusters", Reply::json(200, &json!([7, {"uuid": "u"}])));
    let client = script.client();
    let ids: Vec<_> =
        client.workloads(&ListParams::default()).await.unwrap().into_iter().map(|workload| workload.id).collect();
    assert_eq!(ids, ["a", "b"]);
    assert_eq!(client.projects(&ListParams::default()).await.unwrap().len(), 1);
    assert_eq!(client.clusters().await.unwrap()[0].uuid, "u");
}

#[tokio::test(start_paused = true)]
async fn rejects_response_without_list() {
    for body in [json!({}), json!({"workloads": null}), json!({"message": "ok"}), json!([]), json!(null)] {
        let script = Script::new();
        script.expect("GET /api/v1/workloads", Reply::json(200, &body));
        let error = script.client().workloads(&ListParams::default()).await.unwrap_err();
        assert!(matches!(error, Error::UnexpectedResponse { .. }), "{body}: {error:?}");
    }
    for body in [json!({}), json!({"accessRules": null}), json!({"accessRules": {}})] {
        let script = Script::new();
        script.expect("GET /api/v1/authorization/me/access-rules", Reply::json(200, &body));
        assert!(
            matches!(script.client().access_rules().await.unwrap_err(), Error::UnexpectedResponse { .. }),
            "{body}"
        );
    }
}

fn workload(kind: &str) -> Workload {
    Workload { id: "w".into(), kind: kind.into(), ..Workload::default() }
}

#[tokio::test(start_paused = true)]
async fn actions_depend_on_workload_type() {
    let script = Script::new();
    let batch = "POST /api/v1/workloads/batch";
    let accepted = || Reply::json(202, &json!({"code": 202, "message": "accepted"}));
    script
        .expect("POST /api/v1/workloads/trainings/w/suspend", accepted())
        .expect("POST /api/v1/workloads/workspaces/w/resume", accepted())
        .expect("DELETE /api/v1/workloads/distributed/w", accepted())
        .expect(batch, Reply::json(200, &json!({"id": "b", "succeeded": ["w"]})))
        .expect(
            batch,
            Reply::json(200, &json!({"id": "b", "failed": [{"id": "w", "code": 403, "message": "not yours"}]})),
        )
        .expect(batch, Reply::json(200, &json!({"id": "b", "failed": [{"id": "w", "code": 0, "message": "odd"}]})))
        .expect(batch, Reply::json(200, &json!({"id": "b", "failed": [], "succeeded": ["other"]})));
    let client = script.client();
    client.suspend_workload(&workload("Training")).await.unwrap();
    client.resume_workload(&workload("Workspace")).await.unwrap();
    client.delete_workload(&workload("Distributed")).await.unwrap();
    client.suspend_workload(&workload("Inference")).await.unwrap();
    assert_eq!(script.sent()[4].line, batch, "{}", script.sent()[4].line);
    let body: serde_json::Value = serde_json::from_str(&script.sent()[4].body).unwrap();
    assert_eq!(body, json!({"ids": ["w"], "action": "suspend"}));

    let error = client.delete_workload(&workload("Inference")).await.unwrap_err();
    assert!(error.is_auth() && error.is_from_api() && error.to_string().contains("not yours"), "{error}");
    let error = client.resume_workload(&workload("runai-job")).await.unwrap_err();
    assert!(error.is_refused() && error.to_string().contains("odd"), "{error}");
    let error = client.resume_workload(&workload("runai-job")).await.unwrap_err();
    assert!(matches!(error, Error::UnexpectedResponse { .. }), "{error:?}");
    // An empty id would address all workloads.
    let empty = Workload { id: String::new(), ..workload("Inference") };
    assert!(matches!(client.delete_workload(&empty).await.unwrap_err(), Error::Path(_)));
}
