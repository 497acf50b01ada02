//! Ambiguous submissions: resends, and the identity of workloads.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use runai_api::name::SUBMISSION_LABEL;
use runai_api::wire::{Label, TrainingCreationRequest, TrainingSpec};
use runai_client::lifecycle::WaitPolicy;
use runai_client::{
    Client, DUPLICATE_WINDOW, Error, Event, Fleet, FleetEvent, Progress, Receipt, ReceiptStore as _, StepOperator,
    SubmitEvent,
};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::network::{MemoryStore, submission_of};
use crate::script::{Reply, Sent, answering};

const ID: &str = "abcdefghijkl";
const CREATE: &str = "POST /api/v1/workloads/trainings";

fn request(name: &str) -> TrainingCreationRequest {
    TrainingCreationRequest {
        name: name.into(),
        project_id: "7".into(),
        cluster_id: "u1".into(),
        spec: TrainingSpec {
            image: Some("python:3.12".into()),
            command: Some("python".into()),
            labels: vec![Label { name: Some(SUBMISSION_LABEL.into()), value: Some(ID.into()), exclude: None }],
            ..TrainingSpec::default()
        },
        ..TrainingCreationRequest::default()
    }
}

fn generated() -> TrainingCreationRequest {
    request(&format!("fit-{ID}"))
}

/// Id, name, spec, and the second from which it is visible.
type Stored = (String, String, Value, u64);

/// A fake control plane: workloads by id with their specs, and when each becomes visible.
#[derive(Clone, Default)]
struct ControlPlane {
    begun: Option<Instant>,
    workloads: Arc<Mutex<Vec<Stored>>>,
    deleted: Arc<Mutex<Vec<(String, String)>>>,
    creations: Arc<Mutex<Vec<Duration>>>,
    lookups: Arc<AtomicUsize>,
    /// The seconds in which lists fail.
    outage: Arc<Mutex<Option<Range<u64>>>>,
}

impl ControlPlane {
    fn new() -> Self {
        Self { begun: Some(Instant::now()), ..Self::default() }
    }

    fn elapsed(&self) -> Duration {
        self.begun.unwrap().elapsed()
    }

    fn add(&self, id: &str, name: &str, labels: &Value, from: u64) {
        let spec = json!({"image": "python:3.12", "command": "python", "labels": labels});
        self.workloads.lock().unwrap().push((id.into(), name.into(), spec, from));
    }

    fn created_at(&self) -> Vec<Duration> {
        self.creations.lock().unwrap().clone()
    }

    fn read(&self, sent: &Sent) -> Reply {
        let (path, query) = sent.line.split_once('?').unwrap_or((&sent.line, ""));
        let now = self.elapsed().as_secs();
        let workloads = self.workloads.lock().unwrap();
        let live = workloads.iter().filter(|(.., from)| *from <= now);
        if path == "GET /api/v1/workloads" {
            self.lookups.fetch_add(1, Ordering::Relaxed);
            if self.outage.lock().unwrap().as_ref().is_some_and(|outage| outage.contains(&now)) {
                return Reply::error(503, "busy");
            }
            let item = |id: &str, name: &str| json!({"id": id, "name": name, "projectId": "7", "phase": "Running", "type": "Training", "createdAt": id});
            let items: Vec<Value> = if query.contains("deleted=true") {
                self.deleted.lock().unwrap().iter().map(|(id, name)| item(id, name)).collect()
            } else {
                live.map(|(id, name, ..)| item(id, name)).collect()
            };
            return Reply::json(200, &json!({"workloads": items}));
        }
        let id = path.rsplit('/').next().unwrap();
        match live.into_iter().find(|(known, ..)| known == id) {
            Some((id, name, spec, _)) if path.contains("/trainings/") => Reply::json(
                200,
                &json!({"workloadId": id, "name": name, "projectId": "7", "clusterId": "u1", "spec": spec}),
            ),
            Some((id, name, ..)) => Reply::json(
                200,
                &json!({"id": id, "name": name, "projectId": "7", "phase": "Running", "type": "Training"}),
            ),
            None => Reply::error(404, "no such workload"),
        }
    }

    /// A client whose submissions `create` handles, by their number.
    fn client(&self, create: impl Fn(&Self, usize) -> Reply + Send + Sync + 'static) -> Client {
        let plane = self.clone();
        answering(move |sent| match sent.line.as_str() {
            "POST /api/v2/token" => Reply::token(),
            CREATE => {
                let number = {
                    let mut creations = plane.creations.lock().unwrap();
                    creations.push(plane.elapsed());
                    creations.len()
                };
                create(&plane, number)
            }
            _ => plane.read(sent),
        })
    }

    fn operator(&self, create: impl Fn(&Self, usize) -> Reply + Send + Sync + 'static) -> StepOperator {
        StepOperator::new(self.client(create), "vision")
    }
}

fn ours() -> Value {
    json!([{"name": SUBMISSION_LABEL, "value": ID}])
}

fn accepted(id: &str) -> Reply {
    Reply::json(202, &json!({"workloadId": id, "name": format!("fit-{ID}"), "createdAt": "2026-11-27T10:00:00Z"}))
}

#[tokio::test(start_paused = true)]
async fn resends_only_after_settle_time() {
    for first in [
        Reply::Lost,
        Reply::error(500, "oops"),
        Reply::error(501, "not implemented"),
        Reply::text(502, "<html>"),
        Reply::text(200, "<html>please log in</html>"),
        Reply::text(302, ""),
        Reply::text(408, ""),
    ] {
        let plane = ControlPlane::new();
        let again = first.clone();
        let operator = plane.operator(move |_, number| if number == 1 { again.clone() } else { accepted("w2") });
        let submitted = operator.submit(&submission_of(&generated())).await.unwrap();
        assert_eq!(submitted.workload_id, "w2");
        let at = plane.created_at();
        assert!(at.len() == 2 && at[1].checked_sub(at[0]).unwrap().as_secs() >= 90, "{at:?} after {first:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn recognizes_unambiguous_errors() {
    for first in [Reply::Refused, Reply::error(400, "not like this"), Reply::error(403, "no"), Reply::error(422, "no")]
    {
        let plane = ControlPlane::new();
        let reply = first.clone();
        let store = Arc::<MemoryStore>::default();
        let operator = plane.operator(move |_, _| reply.clone()).receipts(Arc::clone(&store) as _);
        let error = operator.submit(&submission_of(&generated())).await.unwrap_err();
        assert!(!error.may_have_taken_effect(), "{error:?}");
        assert!(plane.elapsed() <= Duration::from_secs(15) && plane.lookups.load(Ordering::Relaxed) == 0);
        assert_eq!(store.list().await.unwrap().receipts, []);
    }
}

#[tokio::test(start_paused = true)]
async fn attaches_to_late_effect() {
    for late in [1, 40, 85] {
        let plane = ControlPlane::new();
        let operator = plane.operator(move |plane, _| {
            plane.add("w1", &format!("fit-{ID}"), &ours(), late);
            Reply::error(503, "later")
        });
        let submitted = operator.submit(&submission_of(&generated())).await.unwrap();
        assert!(submitted.already_existed && submitted.workload_id == "w1");
        assert_eq!(plane.created_at().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn reports_configured_settle_time() {
    let plane = ControlPlane::new();
    let told = Arc::new(Mutex::new(Vec::new()));
    let tell = Arc::clone(&told);
    let operator = plane
        .operator(|_, number| if number == 1 { Reply::Lost } else { accepted("w2") })
        .settle_time(Duration::from_secs(7))
        .on_submit_event(move |event| {
            tell.lock().unwrap().push(match event {
                SubmitEvent::Ambiguous { settle_time, .. } => format!("looking for {settle_time:?}"),
                SubmitEvent::Resending { name } => format!("sending {name} again"),
                other => format!("{other:?}"),
            });
        });
    operator.submit(&submission_of(&generated())).await.unwrap();
    assert_eq!(*told.lock().unwrap(), ["looking for 7s".to_owned(), format!("sending fit-{ID} again")]);
    assert!((7..12).contains(&plane.created_at()[1].as_secs()));
}

#[tokio::test(start_paused = true)]
async fn failed_lookups_leave_receipt_unconfirmed() {
    let client = answering(|sent| match sent.line.as_str() {
        "POST /api/v2/token" => Reply::token(),
        CREATE => Reply::Lost,
        _ => Reply::error(503, "starting"),
    });
    let store = Arc::<MemoryStore>::default();
    let operator = StepOperator::new(client, "vision").receipts(Arc::clone(&store) as _);
    let error = operator.submit(&submission_of(&generated())).await.unwrap_err();
    assert!(matches!(error, Error::Unconfirmed { .. }) && error.is_unreachable(), "{error:?}");
    let receipts = store.list().await.unwrap().receipts;
    assert!(matches!(receipts.as_slice(), [Receipt { progress: Progress::Unconfirmed, sends: 1, .. }]), "{receipts:?}");
}

#[tokio::test(start_paused = true)]
async fn last_ambiguous_response_is_unconfirmed() {
    let plane = ControlPlane::new();
    let store = Arc::<MemoryStore>::default();
    let operator = plane.operator(|_, _| Reply::error(503, "for ever")).receipts(Arc::clone(&store) as _);
    let error = operator.submit(&submission_of(&generated())).await.unwrap_err();
    assert!(matches!(error, Error::Unconfirmed { .. }), "{error:?}");
    assert_eq!(plane.created_at().len(), 4);
    assert_eq!(store.of(ID).unwrap().progress, Progress::Unconfirmed);
}

#[tokio::test(start_paused = true)]
async fn refusal_after_ambiguity_keeps_receipt() {
    let plane = ControlPlane::new();
    let store = Arc::<MemoryStore>::default();
    let operator = plane
        .operator(|_, number| if number == 1 { Reply::Lost } else { Reply::error(400, "over quota") })
        .receipts(Arc::clone(&store) as _);
    let error = operator.submit(&submission_of(&generated())).await.unwrap_err();
    assert_eq!(error.status().unwrap().as_u16(), 400);
    assert_eq!(store.of(ID).unwrap().progress, Progress::Unconfirmed);
}

#[tokio::test(start_paused = true)]
async fn counts_sends_of_earlier_attempts() {
    let plane = ControlPlane::new();
    let store = Arc::<MemoryStore>::default();
    let request = generated();
    // A process that died during a send.
    let dying = plane.operator(|_, _| Reply::Hangs).receipts(Arc::clone(&store) as _);
    assert!(tokio::time::timeout(Duration::from_secs(3), dying.submit(&submission_of(&request))).await.is_err());
    assert_eq!(store.of(ID).unwrap().progress, Progress::Sending);

    let next = plane.operator(|_, _| accepted("w2")).receipts(Arc::clone(&store) as _);
    let submitted = next.submit(&submission_of(&request)).await.unwrap();
    let at = plane.created_at();
    assert!(at[1].checked_sub(at[0]).unwrap().as_secs() >= 90, "{at:?}");
    assert_eq!(store.of(ID).unwrap().sends, 2);
    assert!(submitted.duplicate_may_appear_for().is_some_and(|left| left <= DUPLICATE_WINDOW));
}

#[tokio::test(start_paused = true)]
async fn reports_duplicates_by_id() {
    let plane = ControlPlane::new();
    let name = format!("fit-{ID}");
    let operator = plane.operator(move |plane, number| {
        // The first request takes effect long after the resend.
        if number == 1 {
            plane.add("w1", &name, &ours(), 130);
            return Reply::error(503, "later");
        }
        plane.add("w2", &name, &ours(), 0);
        accepted("w2")
    });
    let submitted = operator.submit(&submission_of(&generated())).await.unwrap();
    assert_eq!((submitted.workload_id.as_str(), submitted.duplicates.len()), ("w2", 0));
    assert!(submitted.duplicate_may_appear_for().is_some());
    let mut fleet = Fleet::new(operator.client().clone());
    fleet.follow(&submitted, WaitPolicy::default());
    let duplicate = loop {
        if let FleetEvent::Workload { event: Event::Duplicate { workload_ids }, workload_id } =
            fleet.next().await.unwrap()
        {
            assert_eq!(workload_id, "w2");
            break workload_ids;
        }
    };
    assert_eq!(duplicate, ["w1", "w2"]);
    assert!(plane.elapsed() < DUPLICATE_WINDOW + Duration::from_secs(1), "{:?}", plane.elapsed());
    // The next command of the same run finds both, and attaches to the older one.
    let again = operator.attach_or_submit(&submission_of(&generated())).await.unwrap();
    assert_eq!((again.workload_id.as_str(), again.duplicates.as_slice()), ("w1", &["w2".to_owned()][..]));
}

#[tokio::test(start_paused = true)]
async fn finds_duplicate_despite_failed_lookups() {
    let plane = ControlPlane::new();
    let operator = plane.operator(|plane, number| {
        if number == 1 {
            return Reply::Lost;
        }
        plane.add("w2", &format!("fit-{ID}"), &ours(), 0);
        // The first request takes effect in the window, and lists fail at its end.
        plane.add("w1", &format!("fit-{ID}"), &ours(), 170);
        accepted("w2")
    });
    plane.outage.lock().unwrap().replace(150..400);
    let submitted = operator.submit(&submission_of(&generated())).await.unwrap();
    let mut fleet = Fleet::new(operator.client().clone());
    fleet.follow(&submitted, WaitPolicy::default());
    let duplicate = loop {
        if let FleetEvent::Workload { event: Event::Duplicate { workload_ids }, .. } = fleet.next().await.unwrap() {
            break workload_ids;
        }
    };
    assert_eq!(duplicate, ["w1", "w2"]);
    assert!(plane.elapsed() < Duration::from_secs(450), "{:?}", plane.elapsed());
}

#[tokio::test(start_paused = true)]
async fn reports_duplicate_of_deleted_workload() {
    let plane = ControlPlane::new();
    let store = Arc::<MemoryStore>::default();
    let name = format!("fit-{ID}");
    let operator = plane.operator(|_, _| accepted("w1")).receipts(Arc::clone(&store) as _);
    plane.add("w1", &name, &ours(), 0);
    assert_eq!(operator.submit(&submission_of(&generated())).await.unwrap().duplicate_of, None);
    plane.workloads.lock().unwrap().clear();
    plane.deleted.lock().unwrap().push(("w1".into(), name.clone()));
    plane.add("w2", &name, &ours(), 0);
    let again = operator.attach_or_submit(&submission_of(&generated())).await.unwrap();
    assert_eq!((again.workload_id.as_str(), again.duplicate_of.as_deref()), ("w2", Some("w1")));
}

#[tokio::test(start_paused = true)]
async fn generated_name_identifies_submission() {
    for labels in [json!([]), json!(null), json!([{"name": SUBMISSION_LABEL, "value": "*****"}])] {
        let plane = ControlPlane::new();
        plane.add("w1", &format!("fit-{ID}"), &labels, 0);
        let submitted = plane.operator(|_, _| Reply::Lost).submit(&submission_of(&generated())).await.unwrap();
        assert_eq!(submitted.workload_id, "w1");
        assert_eq!(submitted.differences, ["/labels/0"]);
    }
    // A custom name proves nothing.
    let plane = ControlPlane::new();
    plane.add("w1", "chosen", &json!([]), 0);
    let store = Arc::<MemoryStore>::default();
    let operator = plane.operator(|_, _| Reply::Lost).receipts(Arc::clone(&store) as _);
    let error = operator.submit(&submission_of(&request("chosen"))).await.unwrap_err();
    assert!(matches!(error, Error::NameTaken { other: None, .. }), "{error:?}");
    assert_eq!(store.of(ID).unwrap().progress, Progress::Unconfirmed);
    let plane = ControlPlane::new();
    plane.add("w1", "chosen", &ours(), 0);
    assert!(
        plane.operator(|_, _| Reply::Lost).submit(&submission_of(&request("chosen"))).await.unwrap().already_existed
    );
}

#[tokio::test(start_paused = true)]
async fn rejects_other_file_with_same_run() {
    let plane = ControlPlane::new();
    let store = Arc::<MemoryStore>::default();
    let operator = |source: &str| {
        let name = format!("fit-{ID}");
        plane
            .operator(move |plane, _| {
                plane.add("w1", &name, &ours(), 0);
                accepted("w1")
            })
            .receipts(Arc::clone(&store) as _)
            .source(source)
    };
    operator("train.yaml").submit(&submission_of(&generated())).await.unwrap();
    let mut other = generated();
    other.spec.args = Some("--epochs 3".into());
    let error = operator("eval.yaml").submit(&submission_of(&other)).await.unwrap_err();
    let text = error.to_string();
    assert!(error.is_refused() && text.contains("`train.yaml`") && text.contains("`eval.yaml`"), "{text}");
    // Other differences are reported only.
    let mut tuned = generated();
    tuned.spec.node_pools = vec!["a100".into()];
    assert_eq!(operator("train.yaml").submit(&submission_of(&tuned)).await.unwrap().differences, ["/nodePools/0"]);
}

#[tokio::test(start_paused = true)]
async fn custom_name_of_deleted_training_is_unproven() {
    let plane = ControlPlane::new();
    let store = Arc::<MemoryStore>::default();
    let dying = plane.operator(|_, _| Reply::Hangs).receipts(Arc::clone(&store) as _);
    assert!(
        tokio::time::timeout(Duration::from_secs(3), dying.submit(&submission_of(&request("chosen")))).await.is_err()
    );
    plane.deleted.lock().unwrap().push(("w1".into(), "chosen".into()));
    let next = plane.operator(|_, _| accepted("w2")).receipts(Arc::clone(&store) as _);
    let error = next.submit(&submission_of(&request("chosen"))).await.unwrap_err();
    assert!(matches!(error, Error::UnprovenDeletion { .. }), "{error:?}");
    assert_eq!(plane.created_at().len(), 1);
    // A generated one identifies the submission.
    let plane = ControlPlane::new();
    plane.deleted.lock().unwrap().push(("w1".into(), format!("fit-{ID}")));
    let error = plane.operator(|_, _| Reply::Lost).attach_or_submit(&submission_of(&generated())).await.unwrap_err();
    assert!(matches!(error, Error::AlreadyDeleted { .. }), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn resolves_all_name_conflicts() {
    for conflict in [
        Reply::error(409, "conflict"),
        Reply::error(400, "workload with name 'fit' already exists in this project"),
        Reply::error(400, "the name is in use"),
        Reply::error(400, "duplicate workload name"),
    ] {
        let plane = ControlPlane::new();
        plane.add("w1", &format!("fit-{ID}"), &ours(), 0);
        let reply = conflict.clone();
        let submitted = plane.operator(move |_, _| reply.clone()).submit(&submission_of(&generated())).await.unwrap();
        assert!(submitted.already_existed, "{conflict:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn waits_for_lagging_training() {
    let plane = ControlPlane::new();
    plane.add("w1", &format!("fit-{ID}"), &ours(), 0);
    let inner = plane.clone();
    let client = answering(move |sent| match sent.line.as_str() {
        "POST /api/v2/token" => Reply::token(),
        CREATE => Reply::Lost,
        line if line.contains("/trainings/") && inner.elapsed() < Duration::from_secs(30) => {
            Reply::error(404, "no such training")
        }
        _ => inner.read(sent),
    });
    let submitted = StepOperator::new(client, "vision").submit(&submission_of(&generated())).await.unwrap();
    assert!(submitted.already_existed && plane.elapsed() >= Duration::from_secs(30));
}

#[tokio::test(start_paused = true)]
async fn attaches_by_receipt_in_outage() {
    let plane = ControlPlane::new();
    let store = Arc::<MemoryStore>::default();
    let name = format!("fit-{ID}");
    let operator = plane
        .operator(move |plane, _| {
            plane.add("w1", &name, &ours(), 0);
            accepted("w1")
        })
        .receipts(Arc::clone(&store) as _);
    operator.submit(&submission_of(&generated())).await.unwrap();
    let blind = answering(|sent| match sent.line.as_str() {
        "POST /api/v2/token" => Reply::token(),
        _ => Reply::error(503, "starting"),
    });
    let blind = StepOperator::new(blind, "vision").receipts(Arc::clone(&store) as _);
    assert_eq!(blind.submit(&submission_of(&generated())).await.unwrap().workload_id, "w1");
    // The file may be another one.
    let mut other = generated();
    other.spec.image = Some("python:2.7".into());
    assert!(blind.submit(&submission_of(&other)).await.unwrap_err().is_unreachable());
}

#[tokio::test(start_paused = true)]
async fn replaced_receipt_is_not_overwritten() {
    let plane = ControlPlane::new();
    let store = Arc::<MemoryStore>::default();
    // The first one is refused after the second one has replaced the receipt and succeeded.
    let slow = answering(|sent| match sent.line.as_str() {
        "POST /api/v2/token" => Reply::token(),
        _ => Reply::Hangs,
    });
    let slow = StepOperator::new(slow, "vision").receipts(Arc::clone(&store) as _);
    let request_of_first = generated();
    let first = tokio::spawn(async move { slow.submit(&submission_of(&request_of_first)).await });
    tokio::time::sleep(Duration::from_secs(1)).await;
    let name = format!("fit-{ID}");
    let second = plane
        .operator(move |plane, _| {
            plane.add("w2", &name, &ours(), 0);
            accepted("w2")
        })
        .receipts(Arc::clone(&store) as _);
    let submitted = second.submit(&submission_of(&generated())).await.unwrap();
    let _ = first.await.unwrap();
    assert_eq!(store.of(ID).unwrap().workload_id(), Some(submitted.workload_id.as_str()));
}

#[tokio::test(start_paused = true)]
async fn finds_orphan_of_dead_process() {
    let plane = ControlPlane::new();
    let store = Arc::<MemoryStore>::default();
    let dying = plane.operator(|_, _| Reply::Hangs).receipts(Arc::clone(&store) as _).run_id("random-1");
    assert!(tokio::time::timeout(Duration::from_secs(3), dying.submit(&submission_of(&generated()))).await.is_err());
    // The same request with another run id, and thus another name.
    let mut again = request("fit-zzzzzzzzzzzz");
    again.spec.labels[0].value = Some("zzzzzzzzzzzz".into());
    let next = plane.operator(|_, _| accepted("w2")).receipts(Arc::clone(&store) as _);
    let orphans = next.orphans(&submission_of(&again)).await;
    assert_eq!(orphans.iter().map(|it| it.run_id.as_deref()).collect::<Vec<_>>(), [Some("random-1")]);
    again.spec.image = Some("python:2.7".into());
    assert_eq!(next.orphans(&submission_of(&again)).await, []);
}
