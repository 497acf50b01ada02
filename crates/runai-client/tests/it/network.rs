//! A transport to the simulator in memory with injected faults, and a receipt store in memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::header::DATE;
use http_body_util::BodyExt as _;
use jiff::fmt::rfc2822::DateTimePrinter;
use jiff::{SignedDuration, Timestamp};
use runai_api::Submission;
use runai_api::name::{SUBMISSION_LABEL, SubmissionId, workload_name};
use runai_api::wire::{EnvironmentVariable, Label, TrainingCreationRequest, TrainingSpec};
use runai_client::lifecycle::Outcome;
use runai_client::transport::{Request, Response, Transport, TransportError, TransportErrorKind};
use runai_client::{
    BoxFuture, Client, Event, Fleet, FleetEvent, Placement, PutResult, Receipt, ReceiptList, ReceiptStore,
    StepOperator, StoreError,
};
use runai_sim::Simulator;
use tokio::sync::Notify;
use tokio::time::timeout;
use tower::ServiceExt as _;

/// The fate of a request.
#[derive(Clone)]
pub(crate) enum Fate {
    AnswerIsCut,
    AnswerIsLost,
    Arrives,
    /// Delayed.
    ArrivesLate(Duration),
    /// The process that sends it dies, before or after it takes effect.
    Dies {
        carried_out: bool,
        death: Arc<Notify>,
    },
    IsLost,
    /// The response's clock is off by this many seconds.
    IsSkewed(i64),
    MeetsAnError(u16),
    MeetsAPage(u16),
    NobodyListens,
}

type Choose = dyn Fn(&Request) -> Fate + Send + Sync;

pub(crate) struct InMemory {
    router: Router,
    fate: Box<Choose>,
}

impl InMemory {
    pub(crate) fn new(sim: &Simulator, fate: impl Fn(&Request) -> Fate + Send + Sync + 'static) -> Self {
        Self { router: sim.router(), fate: Box::new(fate) }
    }
}

impl Transport for InMemory {
    fn send<'a>(&'a self, request: &'a Request, limit: Duration) -> BoxFuture<'a, Result<Response, TransportError>> {
        let fate = (self.fate)(request);
        let router = self.router.clone();
        Box::pin(async move {
            let lost = || TransportError::maybe_sent(TransportErrorKind::Interrupted, "connection reset");
            match &fate {
                Fate::IsLost => return Err(lost()),
                Fate::NobodyListens => {
                    return Err(TransportError::not_sent(TransportErrorKind::Connect, "connection refused"));
                }
                Fate::MeetsAnError(status) => return Ok(answer(*status, r#"{"code": 503, "message": "storm"}"#)),
                Fate::MeetsAPage(status) => return Ok(answer(*status, "<html><h1>please log in</h1></html>")),
                Fate::ArrivesLate(delay) => tokio::time::sleep(*delay).await,
                Fate::Dies { carried_out: false, death } => {
                    death.notify_one();
                    std::future::pending::<()>().await;
                }
                _ => {}
            }
            let Ok(answered) = timeout(limit, call(router, request)).await else {
                return Err(TransportError::maybe_sent(TransportErrorKind::Timeout, "no response"));
            };
            let mut response = answered.ok_or_else(lost)?;
            match fate {
                Fate::AnswerIsLost => return Err(lost()),
                Fate::AnswerIsCut => {
                    let half = response.body().len() / 2;
                    response.body_mut().truncate(half);
                }
                Fate::Dies { death, .. } => {
                    death.notify_one();
                    std::future::pending::<()>().await;
                }
                Fate::IsSkewed(seconds) => skew(&mut response, seconds),
                _ => {}
            }
            Ok(response)
        })
    }
}

/// Returns the submission of a request; without an id if it has no label.
pub(crate) fn submission_of(request: &TrainingCreationRequest) -> Submission {
    let without = || Submission::new(&request.name, &request.project_id, &request.cluster_id, "", "{}");
    Submission::of(request).unwrap_or_else(without)
}

/// Returns the response; `None` if its body is incomplete.
async fn call(router: Router, request: &Request) -> Option<Response> {
    let (parts, body) = router.oneshot(request.clone().map(Body::from)).await.unwrap().into_parts();
    Some(Response::from_parts(parts, body.collect().await.ok()?.to_bytes()))
}

fn answer(status: u16, body: &str) -> Response {
    let mut response = Response::new(body.to_owned().into());
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
    response
}

fn skew(response: &mut Response, seconds: i64) {
    let Some(date) = response.headers().get(DATE).and_then(|date| date.to_str().ok()) else { return };
    let date: Timestamp = jiff::fmt::rfc2822::parse(date).unwrap().timestamp();
    let shown = date.checked_add(SignedDuration::from_secs(seconds)).unwrap();
    let text = DateTimePrinter::new().timestamp_to_rfc9110_string(&shown).unwrap();
    response.headers_mut().insert(DATE, text.parse().unwrap());
}

pub(crate) fn client(sim: &Simulator, fate: impl Fn(&Request) -> Fate + Send + Sync + 'static) -> Client {
    Client::builder("http://localhost")
        .credentials(sim.client_id(), sim.client_secret())
        .transport(InMemory::new(sim, fate))
        .build()
        .unwrap()
}

pub(crate) fn operator(sim: &Simulator) -> StepOperator {
    StepOperator::new(client(sim, |_| Fate::Arrives), sim.project()).cluster_name(sim.cluster())
}

pub(crate) fn request(placement: &Placement, run_id: &str, variables: &[(&str, &str)]) -> TrainingCreationRequest {
    let id = SubmissionId::new("http://localhost", &placement.project_id, run_id);
    let variable = |(name, value): &(&str, &str)| EnvironmentVariable::literal(*name, *value);
    TrainingCreationRequest {
        name: workload_name(Some("fit"), Some(&id)),
        project_id: placement.project_id.clone(),
        cluster_id: placement.cluster_id.clone(),
        spec: TrainingSpec {
            image: Some("python:3.12".into()),
            labels: vec![Label { name: Some(SUBMISSION_LABEL.into()), value: Some(id.as_str().into()), exclude: None }],
            environment_variables: variables.iter().map(variable).collect(),
            ..TrainingSpec::default()
        },
        ..TrainingCreationRequest::default()
    }
}

/// Follows a fleet to the end of one workload, as the program does.
pub(crate) async fn followed_by(mut fleet: Fleet, workload_id: &str) -> Outcome {
    while let Some(event) = fleet.next().await {
        if let FleetEvent::Workload { event: Event::Ended { outcome }, workload_id: ended } = event
            && ended == workload_id
        {
            return outcome;
        }
    }
    panic!("{workload_id} is not followed");
}

/// A receipt store that outlives the processes of a test.
#[derive(Debug, Default)]
pub(crate) struct MemoryStore {
    receipts: Mutex<HashMap<String, Receipt>>,
    broken: bool,
    writes: Mutex<Vec<Receipt>>,
}

impl MemoryStore {
    /// Returns a store that cannot be written.
    pub(crate) fn broken() -> Self {
        Self { broken: true, ..Self::default() }
    }

    /// The receipt of a submission.
    pub(crate) fn of(&self, submission_id: &str) -> Option<Receipt> {
        let receipts = self.receipts.lock().unwrap();
        receipts.values().find(|receipt| receipt.submission_id == submission_id).cloned()
    }

    /// All receipts, at once.
    pub(crate) fn all_now(&self) -> Vec<Receipt> {
        self.receipts.lock().unwrap().values().cloned().collect()
    }

    /// All writes, in order.
    pub(crate) fn writes(&self) -> Vec<Receipt> {
        self.writes.lock().unwrap().clone()
    }
}

impl ReceiptStore for MemoryStore {
    fn put(&self, receipt: Receipt, replaces: Option<String>) -> BoxFuture<'_, Result<PutResult, StoreError>> {
        Box::pin(async move {
            if self.broken {
                return Err(StoreError::new("the disk is full"));
            }
            // Like a real store: a process may die while it waits.
            tokio::task::yield_now().await;
            let mut receipts = self.receipts.lock().unwrap();
            let stored = receipts.get(&receipt.key());
            if stored.map(|stored| &stored.attempt) != replaces.as_ref() {
                return Ok(PutResult::Conflict(stored.cloned().map(Box::new)));
            }
            self.writes.lock().unwrap().push(receipt.clone());
            receipts.insert(receipt.key(), receipt);
            Ok(PutResult::Stored)
        })
    }

    fn find(&self, key: String) -> BoxFuture<'_, Result<Option<Receipt>, StoreError>> {
        Box::pin(async move { Ok(self.receipts.lock().unwrap().get(&key).cloned()) })
    }

    fn remove(&self, key: String, attempt: String) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(async move {
            let mut receipts = self.receipts.lock().unwrap();
            let is_theirs = receipts.get(&key).is_some_and(|stored| stored.attempt == attempt);
            Ok(is_theirs && receipts.remove(&key).is_some())
        })
    }

    fn list(&self) -> BoxFuture<'_, Result<ReceiptList, StoreError>> {
        Box::pin(async move {
            let receipts = self.receipts.lock().unwrap().values().cloned().collect();
            Ok(ReceiptList::new(receipts))
        })
    }
}
