//! Launches in memory with time paused, without processes, sockets or output.

use std::collections::HashMap;
use std::future::pending;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http_body_util::BodyExt as _;
use runai_cli::testing::{Campaign, CampaignReport, CampaignStep, ReportEvent, launch};
use runai_client::lifecycle::Outcome;
use runai_client::transport::{Request, Response, Transport, TransportError, TransportErrorKind};
use runai_client::{
    BoxFuture, Client, ListParams, PutResult, Receipt, ReceiptList, ReceiptStore, StepOperator, StoreError,
};
use runai_sim::Simulator;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::time::{Instant, sleep, timeout};
use tower::ServiceExt as _;

/// The handling of a request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Arrives,
    /// The program panics while sending it.
    IsABug,
    NeverAnswered,
}

type Decide = dyn Fn(&Request) -> Fate + Send + Sync;

/// The simulator's router behind a simulated network.
pub(crate) struct InMemory {
    router: Router,
    fate: Box<Decide>,
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
            let answered = timeout(limit, async {
                match fate {
                    Fate::Arrives => call(router, request).await,
                    Fate::IsABug => panic!("injected"),
                    Fate::NeverAnswered => pending().await,
                }
            });
            answered.await.unwrap_or_else(|_| Err(TransportError::maybe_sent(TransportErrorKind::Timeout, "no answer")))
        })
    }
}

/// Returns the response; an error if its body breaks.
async fn call(router: Router, request: &Request) -> Result<Response, TransportError> {
    let (parts, body) = router.oneshot(request.clone().map(Body::from)).await.unwrap().into_parts();
    let broken = |_| TransportError::maybe_sent(TransportErrorKind::Interrupted, "connection reset");
    Ok(Response::from_parts(parts, body.collect().await.map_err(broken)?.to_bytes()))
}

/// Receipts that outlive a command.
#[derive(Debug, Default)]
pub(crate) struct MemoryStore(Mutex<HashMap<String, Receipt>>);

impl MemoryStore {
    /// All receipts.
    pub(crate) fn all_now(&self) -> Vec<Receipt> {
        self.0.lock().unwrap().values().cloned().collect()
    }
}

impl ReceiptStore for MemoryStore {
    fn put(&self, receipt: Receipt, replaces: Option<String>) -> BoxFuture<'_, Result<PutResult, StoreError>> {
        let mut receipts = self.0.lock().unwrap();
        let stored = receipts.get(&receipt.key());
        let put = if stored.map(|stored| &stored.attempt) == replaces.as_ref() {
            receipts.insert(receipt.key(), receipt);
            PutResult::Stored
        } else {
            PutResult::Conflict(stored.cloned().map(Box::new))
        };
        Box::pin(async { Ok(put) })
    }

    fn find(&self, key: String) -> BoxFuture<'_, Result<Option<Receipt>, StoreError>> {
        let found = self.0.lock().unwrap().get(&key).cloned();
        Box::pin(async { Ok(found) })
    }

    fn remove(&self, key: String, attempt: String) -> BoxFuture<'_, Result<bool, StoreError>> {
        let mut receipts = self.0.lock().unwrap();
        let is_theirs = receipts.get(&key).is_some_and(|stored| stored.attempt == attempt);
        let removed = is_theirs && receipts.remove(&key).is_some();
        Box::pin(async move { Ok(removed) })
    }

    fn list(&self) -> BoxFuture<'_, Result<ReceiptList, StoreError>> {
        let receipts = self.0.lock().unwrap().values().cloned().collect();
        Box::pin(async { Ok(ReceiptList::new(receipts)) })
    }
}

/// A control plane and its successive commands.
pub(crate) struct Lab {
    pub(crate) sim: Simulator,
    pub(crate) receipts: Arc<MemoryStore>,
}

impl Lab {
    pub(crate) fn new() -> Self {
        Self { sim: Simulator::builder().in_memory().unwrap(), receipts: Arc::default() }
    }

    pub(crate) fn campaign(
        &self,
        steps: Vec<CampaignStep>,
        fate: impl Fn(&Request) -> Fate + Send + Sync + 'static,
    ) -> Campaign {
        let client = Client::builder("http://localhost")
            .credentials(self.sim.client_id(), self.sim.client_secret())
            .transport(InMemory::new(&self.sim, fate))
            .build()
            .unwrap();
        Campaign {
            operator: StepOperator::new(client, self.sim.project()),
            receipts: Some(Arc::clone(&self.receipts) as Arc<dyn ReceiptStore>),
            monitoring_interval: 10.0,
            steps,
            jobs: usize::MAX,
            follow: true,
            interrupt_cancels: true,
            delete_on_failure: false,
            killed_after: None,
        }
    }

    async fn phase(&self, campaign: &Campaign, name: &str) -> String {
        let all = campaign.operator.client().workloads(&ListParams::default()).await.unwrap();
        all.into_iter().find(|workload| workload.name == name).unwrap().phase
    }
}

pub(crate) fn step(name: &str, run_id: Option<&str>, seconds: u32) -> CampaignStep {
    CampaignStep {
        file: format!("{name}.runai.yaml"),
        text: format!("name: {name}\nimage: a\ncommand: [b]\nenvironment: {{RUNAI_SIM_RUNNING: {seconds}}}\n"),
        run_id: run_id.map(str::to_owned),
    }
}

pub(crate) fn uninterrupted() -> (UnboundedSender<()>, tokio::sync::mpsc::UnboundedReceiver<()>) {
    unbounded_channel()
}

fn count(report: &CampaignReport, what: impl Fn(&ReportEvent) -> bool) -> usize {
    report.records.iter().filter(|record| what(record)).count()
}

fn left(report: &CampaignReport) -> Vec<bool> {
    let left = report.records.iter().filter_map(|record| match record {
        ReportEvent::Left { cancel_requested, .. } => Some(*cancel_requested),
        _ => None,
    });
    left.collect()
}

#[tokio::test(start_paused = true)]
async fn runs_twenty_steps_in_memory() {
    let lab = Lab::new();
    let steps = (0..20).map(|number| step(&format!("fit-{number}"), None, 600)).collect();
    let (_interrupts, receiver) = uninterrupted();
    let began = Instant::now();
    let report = launch(lab.campaign(steps, |_| Fate::Arrives), receiver).await.unwrap();
    assert_eq!((report.exit_code, report.exit_codes.len()), (0, 20));
    assert!(report.exit_codes.iter().all(|code| *code == Some(0)), "{:?}", report.exit_codes);
    assert_eq!(count(&report, |record| matches!(record, ReportEvent::Submitted { already_existed: false, .. })), 20);
    assert_eq!(count(&report, |record| matches!(record, ReportEvent::Ended { outcome: Outcome::Succeeded, .. })), 20);
    assert!(began.elapsed() >= Duration::from_mins(10), "time is paused, so it passed in the simulator");
}

#[tokio::test(start_paused = true)]
async fn background_panic_fails_command() {
    let lab = Lab::new();
    // Only the background task polls single workloads.
    let fate = |request: &Request| match request.uri().path() {
        path if *request.method() == http::Method::GET && path.starts_with("/api/v1/workloads/") => Fate::IsABug,
        _ => Fate::Arrives,
    };
    let (_interrupts, receiver) = uninterrupted();
    let report = launch(lab.campaign(vec![step("fit", None, 600)], fate), receiver).await.unwrap();
    assert_eq!((report.exit_code, report.exit_codes), (101, vec![Some(101)]));
    let failed = |record: &ReportEvent| matches!(record, ReportEvent::Failed(message) if message.contains("internal error: ") && message.contains("injected"));
    assert!(report.records.iter().any(failed), "{:?}", report.records);
    assert!(report.records.iter().any(|record| matches!(record, ReportEvent::Left { cancel_requested: false, .. })));
}

#[tokio::test(start_paused = true)]
async fn interrupt_during_unanswered_submission() {
    let lab = Lab::new();
    let fate = |request: &Request| match *request.method() {
        http::Method::POST if request.uri().path().ends_with("/trainings") => Fate::NeverAnswered,
        _ => Fate::Arrives,
    };
    let (interrupts, receiver) = uninterrupted();
    let campaign = lab.campaign(vec![step("fit", None, 600)], fate);
    let running = tokio::spawn(launch(campaign, receiver));
    sleep(Duration::from_secs(3)).await;
    let began = Instant::now();
    interrupts.send(()).unwrap();
    interrupts.send(()).unwrap();
    let report = running.await.unwrap().unwrap();
    assert_eq!(report.exit_code, 130);
    // Time is paused, so any wait for the network would be visible.
    assert!(began.elapsed() < Duration::from_millis(100), "{:?}", began.elapsed());
    assert_eq!(report.records[0], ReportEvent::Interrupted(true));
    assert!(
        matches!(&report.records[1], ReportEvent::Warned(text) if text.contains("submission of fit.runai.yaml is unconfirmed")),
        "{:?}",
        report.records
    );
}

#[tokio::test(start_paused = true)]
async fn lost_cancel_is_not_repeated() {
    let lab = Lab::new();
    let outage = Arc::new(AtomicBool::new(false));
    let fate = {
        let outage = Arc::clone(&outage);
        move |_: &Request| if outage.load(Ordering::Relaxed) { Fate::NeverAnswered } else { Fate::Arrives }
    };
    let (interrupts, receiver) = uninterrupted();
    let campaign = lab.campaign(vec![step("fit", Some("nightly"), 3_600)], fate);
    let running = tokio::spawn(launch(campaign, receiver));
    sleep(Duration::from_mins(1)).await;
    outage.store(true, Ordering::Relaxed);
    interrupts.send(()).unwrap();
    sleep(Duration::from_mins(1)).await;
    interrupts.send(()).unwrap();
    let first = running.await.unwrap().unwrap();
    assert_eq!((first.exit_code, left(&first)), (130, vec![true]), "{:?}", first.records);

    // The repeated command reports the stored cancel and the current phase, and follows the workload to its end.
    let (_interrupts, receiver) = uninterrupted();
    let campaign = lab.campaign(vec![step("fit", Some("nightly"), 3_600)], |_| Fate::Arrives);
    let second = launch(campaign, receiver).await.unwrap();
    assert_eq!(second.exit_code, 0, "{:?}", second.records);
    let is_stored_cancel = |record: &ReportEvent| *record == ReportEvent::StoredCancel(false);
    let submitted =
        second.records.iter().position(|record| matches!(record, ReportEvent::Submitted { already_existed: true, .. }));
    assert_eq!(submitted, Some(0), "{:?}", second.records);
    assert_eq!(second.records.iter().position(is_stored_cancel), Some(1), "{:?}", second.records);
    assert_eq!(second.records[2], ReportEvent::Phase("Running".to_owned()), "{:?}", second.records);
}

#[tokio::test(start_paused = true)]
async fn interrupt_leaves_or_suspends() {
    for (interrupt_cancels, phase, left_behind) in [(false, "Running", vec![false]), (true, "Stopped", Vec::new())] {
        let lab = Lab::new();
        let (interrupts, receiver) = uninterrupted();
        let campaign =
            Campaign { interrupt_cancels, ..lab.campaign(vec![step("fit", None, 3_600)], |_| Fate::Arrives) };
        let running = tokio::spawn(launch(campaign, receiver));
        sleep(Duration::from_mins(1)).await;
        interrupts.send(()).unwrap();
        let report = running.await.unwrap().unwrap();
        assert_eq!((report.exit_code, left(&report)), (130, left_behind), "{:?}", report.records);
        let name = report.records.iter().find_map(|record| match record {
            ReportEvent::Submitted { name, .. } => Some(name.clone()),
            _ => None,
        });
        let campaign = lab.campaign(Vec::new(), |_| Fate::Arrives);
        assert_eq!(lab.phase(&campaign, &name.unwrap()).await, phase);
    }
}
