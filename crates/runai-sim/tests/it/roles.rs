use axum::http::StatusCode;
use runai_sim::{Account, Action, Resource, Role, Simulator};
use serde_json::{Value, json};

use crate::{Api, training};

async fn with_role(role: Role, projects: &[&str]) -> Api {
    Api::of(Simulator::builder().projects(["vision", "speech"]).role(role, projects.iter().copied())).await
}

#[tokio::test]
async fn predefined_roles_have_permissions() {
    for (role, create, delete) in [
        (Role::AiPractitioner, 202, 202),
        (Role::L1Researcher, 202, 202),
        (Role::L2Researcher, 202, 202),
        (Role::LeastPrivilege, 202, 403),
        (Role::MlEngineer, 403, 403),
    ] {
        let api = with_role(role.clone(), &["vision"]).await;
        api.get("/api/v1/org-unit/projects").await;
        api.get("/api/v1/clusters").await;
        api.get("/api/v1/node-pools").await;
        let answer = api.call("POST /api/v1/workloads/trainings", training("fit", &[], &json!({}))).await;
        assert_eq!(answer.status.as_u16(), create, "{role:?}");
        if create == 202 {
            let id = answer.body["workloadId"].as_str().unwrap().to_owned();
            api.workload(&id).await;
            api.ask("suspend", &id).await;
            let gone = api.call(&format!("DELETE /api/v1/workloads/trainings/{id}"), Value::Null).await;
            assert_eq!(gone.status.as_u16(), delete, "{role:?}");
        } else {
            let message = answer.refused(StatusCode::FORBIDDEN);
            assert_eq!(message, "`sim-client` with the role ML engineer has no permission to create trainings");
        }
    }
}

#[tokio::test]
async fn role_is_limited_to_projects() {
    let other = Account {
        client_id: "other".into(),
        client_secret: "not-real".into(),
        projects: vec!["speech".into()],
        role: Role::AiPractitioner,
    };
    let sim = Simulator::builder().projects(["vision", "speech"]).role(Role::AiPractitioner, ["vision"]).account(other);
    let api = Api::of(sim).await;
    let id = api.submit("fit", &[], json!({})).await;

    let projects = api.get("/api/v1/org-unit/projects").await;
    assert_eq!(projects["projects"].as_array().unwrap().len(), 1);
    api.call("GET /api/v1/org-unit/projects/2", Value::Null).await.refused(StatusCode::FORBIDDEN);
    let mut elsewhere = training("fit", &[], &json!({}));
    elsewhere["projectId"] = json!("2");
    let message = api.call("POST /api/v1/workloads/trainings", elsewhere).await.refused(StatusCode::FORBIDDEN);
    assert_eq!(message, "`sim-client` has no role in the project speech");

    let form = "grant_type=client_credentials&client_id=other&client_secret=not-real";
    let other = api.log_in(form).await;
    assert_eq!(other.get("/api/v1/workloads").await, json!({"workloads": []}));
    assert_eq!(other.get("/api/v1/workloads/count").await, json!({"count": 0}));
    for line in [
        format!("GET /api/v1/workloads/{id}"),
        format!("GET /api/v1/workloads/{id}/events"),
        format!("GET /api/v1/workloads/{id}/pods"),
        format!("GET /api/v1/workloads/trainings/{id}"),
        format!("POST /api/v1/workloads/trainings/{id}/suspend"),
        format!("DELETE /api/v1/workloads/trainings/{id}"),
    ] {
        other.call(&line, Value::Null).await.refused(StatusCode::FORBIDDEN);
    }
    let batch = json!({"ids": [id], "action": "delete"});
    let answer = other.call("POST /api/v1/workloads/batch", batch).await.expect(StatusCode::OK);
    assert_eq!((&answer["failed"][0]["code"], &answer["succeeded"]), (&json!(403), &json!([])));
}

#[tokio::test]
async fn any_account_reads_own_permissions() {
    let api = with_role(Role::LeastPrivilege, &["speech"]).await;
    let permissions = api.get("/api/v1/authorization/permissions").await;
    let trainings = permissions.as_array().unwrap().iter().find(|it| it["resourceType"] == "trainings").unwrap();
    assert_eq!(trainings["actions"], json!(["read", "create", "update"]));
    let rules = api.get("/api/v1/authorization/me/access-rules").await;
    let rule = &rules["accessRules"]["accessRules"][0];
    assert_eq!((&rule["scopeType"], &rule["scopeName"]), (&json!("project"), &json!("speech")));
    api.call("GET /api/v2/authorization/roles", Value::Null).await.refused(StatusCode::FORBIDDEN);
    api.call("GET /api/v2/policy/trainings?scope=tenant", Value::Null).await.refused(StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn custom_role_has_listed_permissions() {
    let role = Role::Custom(vec![(Resource::Workloads, vec![Action::Read])]);
    let api = with_role(role, &[]).await;
    api.get("/api/v1/workloads").await;
    api.call("GET /api/v1/clusters", Value::Null).await.refused(StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn creates_role_from_permission_sets() {
    let api = Api::new().await;
    let sets = api.get("/api/v1/authorization/permission-sets").await;
    assert!(sets.as_array().unwrap().iter().any(|set| set["name"] == "workloadReadAccess"));
    let role = json!({"name": "mine", "description": "d", "permissionSets": [{"id": "workloadReadAccess"}]});
    let line = "POST /api/v2/authorization/roles";
    let made = api.call(line, role.clone()).await.expect(StatusCode::CREATED);
    assert_eq!((&made["name"], &made["createdBy"]), (&json!("mine"), &json!("sim-client")));
    api.call(line, role).await.refused(StatusCode::CONFLICT);
    let former = api.get("/api/v1/authorization/roles").await;
    let practitioner = former.as_array().unwrap().iter().find(|role| role["name"] == "AI practitioner").unwrap();
    let trainings = practitioner["permissions"].as_array().unwrap().iter().find(|it| it["resourceType"] == "trainings");
    assert_eq!(trainings.unwrap()["actions"], json!(["read", "update", "create", "delete"]));
    let roles = api.get("/api/v2/authorization/roles").await;
    assert!(roles.as_array().unwrap().iter().any(|role| role["name"] == "mine"));
    let unknown = json!({"name": "other", "permissionSets": [{"id": "everything"}]});
    api.call(line, unknown).await.refused(StatusCode::BAD_REQUEST);
}
