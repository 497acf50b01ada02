use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use runai_api::name::SUBMISSION_LABEL;
use runai_api::wire::{Compute, Label, TrainingCreationRequest, TrainingSpec};
use runai_client::{Client, Error, Placement, Progress, Receipt, ReceiptStore as _, StepOperator, Submitted};
use serde_json::{Value, json};

use crate::network::{MemoryStore, submission_of};
use crate::script::{Reply, Script, answering};

const ID: &str = "abcdefghijkl";
const CREATE: &str = "POST /api/v1/workloads/trainings";
const LIVE: &str = "GET /api/v1/workloads?filterBy=projectId%3D%3D7%2Cname%3D%3Dfit-abcdefghijkl&offset=0&limit=500";
const DELETED: &str =
    "GET /api/v1/workloads?filterBy=projectId%3D%3D7%2Cname%3D%3Dfit-abcdefghijkl&deleted=true&offset=0&limit=500";
const TRAINING: &str = "GET /api/v1/workloads/trainings/w1";

fn request() -> TrainingCreationRequest {
    let label = Label { name: Some(SUBMISSION_LABEL.into()), value: Some(ID.into()), exclude: None };
    TrainingCreationRequest {
        name: format!("fit-{ID}"),
        project_id: "7".into(),
        cluster_id: "u1".into(),
        spec: TrainingSpec {
            image: Some("python:3.12".into()),
            labels: vec![label],
            compute: Some(Compute { gpu_devices_request: Some(1), ..Compute::default() }),
            ..TrainingSpec::default()
        },
        ..TrainingCreationRequest::default()
    }
}

/// The training as the control plane stores it, with additional members.
fn training(submission_id: Option<&str>, image: &str) -> Value {
    let labels: Vec<Value> =
        submission_id.iter().map(|id| json!({"name": SUBMISSION_LABEL, "value": id, "exclude": false})).collect();
    json!({
        "workloadId": "w1", "name": format!("fit-{ID}"), "projectId": "7", "clusterId": "u1", "desiredPhase": "Running",
        "spec": {"image": image, "labels": labels, "compute": {"gpuDevicesRequest": 1}, "category": "Train"},
    })
}

fn listed(names: &[&str]) -> Reply {
    let workloads: Vec<Value> =
        names.iter().map(|name| json!({"id": "w1", "name": name, "projectId": "7", "phase": "Pending"})).collect();
    Reply::json(200, &json!({"workloads": workloads}))
}

fn ours() -> Reply {
    listed(&["fit-abcdefghijkl"])
}

#[test]
fn submission_id_depends_on_placement() {
    let id = |base_url: &str, project_id: &str, run_id: &str| {
        let client = Client::builder(base_url).token("canary-token-8843").build().unwrap();
        let placement = Placement::new(project_id, "vision", "u1");
        StepOperator::new(client, "vision").submission_id(&placement, run_id).as_str().to_owned()
    };
    let first = id("https://one.test", "7", "nightly");
    assert_eq!(first, id("https://one.test/", "7", "nightly"), "the same run is the same submission everywhere");
    for other in [
        id("https://one.test", "8", "nightly"),
        id("https://two.test", "7", "nightly"),
        id("https://one.test", "7", "nightly-2"),
    ] {
        assert_ne!(first, other);
    }
}

async fn submit(script: &Script) -> Result<Submitted, Error> {
    StepOperator::new(script.client(), "vision").submit(&submission_of(&request())).await
}

#[tokio::test(start_paused = true)]
async fn returns_submitted_workload() {
    let script = Script::new();
    script.expect(CREATE, Reply::json(202, &training(Some(ID), "python:3.12")));
    let submitted = submit(&script).await.unwrap();
    assert_eq!((submitted.workload_id.as_str(), submitted.submission_id.as_str()), ("w1", ID));
    assert!(!submitted.already_existed);
    let written = serde_json::to_string(&submitted).unwrap();
    assert_eq!(serde_json::from_str::<Submitted>(&written).unwrap(), submitted);
}

#[tokio::test(start_paused = true)]
async fn attaches_after_ambiguous_response() {
    for reply in [
        Reply::Lost,
        Reply::Hangs,
        Reply::text(502, "<html>"),
        Reply::error(500, "oops"),
        Reply::error(503, "starting"),
        Reply::error(409, "conflict"),
        Reply::error(400, "workload with name 'fit-abcdefghijkl' already exists in this project"),
        Reply::text(202, ""),
        Reply::text(202, r#"{"name": "fit"}"#),
        Reply::text(202, r#"{"workloadId": "w"#),
    ] {
        let script = Script::new();
        script
            .expect(CREATE, reply)
            .expect(LIVE, ours())
            .expect(TRAINING, Reply::json(200, &training(Some(ID), "python:3.12")));
        let submitted = submit(&script).await.unwrap();
        assert!(submitted.already_existed);
        assert_eq!(submitted.workload_id, "w1");
    }
}

#[tokio::test(start_paused = true)]
async fn does_not_resend_after_refusal() {
    for status in [400, 403, 404, 422] {
        let script = Script::new();
        script.expect(CREATE, Reply::error(status, "not like this"));
        let error = submit(&script).await.unwrap_err();
        assert_eq!(error.status().unwrap().as_u16(), status);
    }
}

#[tokio::test(start_paused = true)]
async fn it_may_appear_late() {
    let script = Script::new();
    script
        .expect(CREATE, Reply::Lost)
        .expect(LIVE, listed(&[]))
        .expect(DELETED, listed(&[]))
        .expect(LIVE, ours())
        .expect(TRAINING, Reply::json(200, &training(Some(ID), "python:3.12")));
    assert!(submit(&script).await.unwrap().already_existed);
}

#[tokio::test(start_paused = true)]
async fn rejects_taken_name() {
    for (name, other, words) in [
        ("chosen", None, ""),
        ("chosen", Some("team-b"), " of submission `team-b`"),
        ("fit-abcdefghijkl", Some("zzzzzzzzzzzz"), " of submission `zzzzzzzzzzzz`"),
    ] {
        let client = answering(move |sent| match sent.line.split('?').next().unwrap() {
            "POST /api/v2/token" => Reply::token(),
            CREATE => Reply::error(409, "exists"),
            "GET /api/v1/workloads" => listed(&[name]),
            TRAINING => Reply::json(200, &training(other, "python:3.12")),
            line => panic!("{line}"),
        });
        let request = TrainingCreationRequest { name: name.into(), ..request() };
        let error = StepOperator::new(client, "vision").submit(&submission_of(&request)).await.unwrap_err();
        assert!(error.is_refused());
        assert_eq!(error.to_string(), format!("name `{name}` of submission `{ID}` is taken by workload w1{words}"));
    }
}

#[tokio::test(start_paused = true)]
async fn rejects_name_of_other_type() {
    let script = Script::new();
    let workspace = json!({"id": "w1", "name": format!("fit-{ID}"), "projectId": "7", "type": "Workspace"});
    script
        .expect(CREATE, Reply::error(409, "exists"))
        .expect(LIVE, Reply::json(200, &json!({"workloads": [workspace]})));
    assert!(matches!(submit(&script).await.unwrap_err(), Error::NameTaken { other: None, .. }));
}

#[tokio::test(start_paused = true)]
async fn rejects_different_spec() {
    let script = Script::new();
    script.expect(LIVE, ours()).expect(TRAINING, Reply::json(200, &training(Some(ID), "python:2.7")));
    let error =
        StepOperator::new(script.client(), "vision").attach_or_submit(&submission_of(&request())).await.unwrap_err();
    assert!(error.is_refused());
    assert!(matches!(&error, Error::DifferentSpec { at, .. } if *at == "/image"), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn attaches_or_submits() {
    let script = Script::new();
    let operator = StepOperator::new(script.client(), "vision");
    script.expect(LIVE, ours()).expect(TRAINING, Reply::json(200, &training(Some(ID), "python:3.12")));
    assert!(operator.attach_or_submit(&submission_of(&request())).await.unwrap().already_existed);

    script
        .expect(LIVE, listed(&[]))
        .expect(DELETED, listed(&[]))
        .expect(CREATE, Reply::json(202, &training(Some(ID), "python:3.12")));
    assert!(!operator.attach_or_submit(&submission_of(&request())).await.unwrap().already_existed);
}

#[tokio::test(start_paused = true)]
async fn reports_deleted_workload() {
    for reply in [Reply::error(404, "gone"), Reply::json(200, &training(Some(ID), "python:3.12"))] {
        let script = Script::new();
        script.expect(LIVE, listed(&[])).expect(DELETED, ours()).expect(TRAINING, reply);
        let error = StepOperator::new(script.client(), "vision")
            .attach_or_submit(&submission_of(&request()))
            .await
            .unwrap_err();
        assert!(matches!(error, Error::AlreadyDeleted { .. }) && error.is_not_found(), "{error:?}");
    }
    // A deleted workload of another submission with the same name does not prevent a submission.
    let script = Script::new();
    script
        .expect(LIVE, listed(&[]))
        .expect(DELETED, ours())
        .expect(TRAINING, Reply::json(200, &training(Some("zzzzzzzzzzzz"), "python:3.12")))
        .expect(CREATE, Reply::json(202, &training(Some(ID), "python:3.12")));
    StepOperator::new(script.client(), "vision").attach_or_submit(&submission_of(&request())).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn reports_unconfirmed_submission() {
    let client = answering(|sent| match sent.line.as_str() {
        "POST /api/v2/token" => Reply::token(),
        CREATE => Reply::Lost,
        _ => Reply::error(503, "starting"),
    });
    let error = StepOperator::new(client, "vision").submit(&submission_of(&request())).await.unwrap_err();
    assert!(matches!(&error, Error::Unconfirmed { .. }) && error.is_unreachable() && error.may_have_taken_effect());
    assert!(error.hint().unwrap().contains("attaches"), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn failed_lookup_proves_nothing() {
    // Responses of a proxy during an upgrade, and of a token that was just revoked.
    for status in [400, 403, 404, 501] {
        let client = answering(move |sent| match sent.line.as_str() {
            "POST /api/v2/token" => Reply::token(),
            CREATE => Reply::Lost,
            _ => Reply::error(status, "not now"),
        });
        let store = Arc::<MemoryStore>::default();
        let operator = StepOperator::new(client, "vision").receipts(Arc::clone(&store) as _);
        let error = operator.submit(&submission_of(&request())).await.unwrap_err();
        assert!(matches!(error, Error::Unconfirmed { .. }), "{status}: {error:?}");
        assert_eq!((error.is_auth(), error.is_unreachable()), (status == 403, status != 403), "{status}");
        let receipts = store.list().await.unwrap().receipts;
        assert!(matches!(receipts.as_slice(), [Receipt { progress: Progress::Unconfirmed, .. }]), "{receipts:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn failed_token_request_is_unambiguous() {
    for reply in [Reply::Lost, Reply::error(503, "starting"), Reply::text(200, "<html>")] {
        let client = answering(move |_| reply.clone());
        let store = Arc::<MemoryStore>::default();
        let operator = StepOperator::new(client, "vision").receipts(Arc::clone(&store) as _);
        let error = operator.submit(&submission_of(&request())).await.unwrap_err();
        assert!(error.is_unreachable() && !error.may_have_taken_effect(), "{error:?}");
        assert_eq!(store.list().await.unwrap().receipts, []);
    }
}

#[tokio::test(start_paused = true)]
async fn unlisted_name_may_be_ours() {
    let lost_first = AtomicBool::new(true);
    let client = answering(move |sent| match sent.line.as_str() {
        "POST /api/v2/token" => Reply::token(),
        CREATE if lost_first.swap(false, Ordering::Relaxed) => Reply::Lost,
        CREATE => Reply::error(409, "exists"),
        _ => listed(&[]),
    });
    let store = Arc::<MemoryStore>::default();
    let operator = StepOperator::new(client, "vision").receipts(Arc::clone(&store) as _);
    let error = operator.submit(&submission_of(&request())).await.unwrap_err();
    assert!(matches!(&error, Error::Unconfirmed { source, .. } if source.status().unwrap() == 409), "{error:?}");
    assert_eq!(store.list().await.unwrap().receipts.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn requires_submission_label() {
    let script = Script::new();
    let plain = TrainingCreationRequest { spec: TrainingSpec::default(), ..request() };
    let error = StepOperator::new(script.client(), "vision").submit(&submission_of(&plain)).await.unwrap_err();
    assert!(matches!(error, Error::NoSubmissionId) && error.is_configuration());
    assert!(error.to_string().contains(SUBMISSION_LABEL));
}
