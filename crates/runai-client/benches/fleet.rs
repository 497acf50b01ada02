//! Measures a fleet of workloads over sockets: requests per interval, memory and CPU time of this process, compared
//! with one poll per workload; and the rate of submissions, compared with runapy.
//!
//! Prints one line of JSON per figure. A separate process simulates the control plane. `RUNAI_PEER_PYTHON` is a Python
//! interpreter with runapy; without it that comparison is skipped.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark panics on errors and prints its results")]

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::stream::{self, StreamExt as _};
use runai_api::Submission;
use runai_api::name::{SUBMISSION_LABEL, SubmissionId, workload_name};
use runai_api::wire::{Compute, EnvironmentVariable, Label, TrainingCreationRequest, TrainingSpec};
use runai_client::lifecycle::WaitPolicy;
use runai_client::transport::{HttpTransport, Request, Response, Transport, TransportError};
use runai_client::{BoxFuture, Client, Fleet, FleetEvent, StepOperator};
use runai_sim::{Node, Simulator};
use serde_json::json;

const WORKLOADS: usize = 10_000;
const CONCURRENCY: usize = 50;
const FOLLOWED: Duration = Duration::from_secs(95);

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.iter().any(|argument| argument == "--serve") {
        return serve();
    }
    // `cargo test --all-targets` only checks that it builds.
    if !arguments.iter().any(|argument| argument == "--bench") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(measure());
}

fn serve() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        // Enough nodes to run all workloads at once.
        let nodes = (0..100).map(|_| Node { cpu_cores: 1000.0, memory: 1e15, ..Node::default() });
        let sim = Simulator::builder().nodes(nodes).start().await.unwrap();
        println!(
            "{}",
            json!({"url": sim.base_url(), "id": sim.client_id(), "secret": sim.client_secret(), "project": sim.project()})
        );
        std::future::pending::<()>().await;
    });
}

/// The simulator's process; killed on drop.
struct Server(Child, serde_json::Value);

impl Server {
    fn start() -> Self {
        let mut child =
            Command::new(std::env::current_exe().unwrap()).arg("--serve").stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let facts = serde_json::from_str(&line).unwrap();
        Self(child, facts)
    }

    fn fact(&self, name: &str) -> String {
        self.1[name].as_str().unwrap().to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

struct Counting {
    transport: HttpTransport,
    requests: Arc<AtomicU64>,
}

impl Transport for Counting {
    fn send<'a>(&'a self, request: &'a Request, timeout: Duration) -> BoxFuture<'a, Result<Response, TransportError>> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.transport.send(request, timeout)
    }
}

async fn measure() {
    let server = Server::start();
    let requests = Arc::new(AtomicU64::new(0));
    let url = server.fact("url");
    let transport = HttpTransport::new(&url.parse().unwrap(), Duration::from_secs(5)).unwrap();
    let client = Client::builder(&url)
        .credentials(server.fact("id"), server.fact("secret"))
        .transport(Counting { transport, requests: Arc::clone(&requests) })
        .build()
        .unwrap();
    let operator = StepOperator::new(client.clone(), server.fact("project"));
    let placement = operator.prepare().await.unwrap();

    let begun = (Instant::now(), cpu());
    let trainings: Vec<_> = (0..WORKLOADS).map(|run| training(run, &placement)).collect();
    let submitted: Vec<_> = operator
        .submit_all(trainings.iter().filter_map(Submission::of), CONCURRENCY)
        .map(|(_, result)| result.unwrap())
        .collect()
        .await;
    let rate = per_second(WORKLOADS, begun.0.elapsed());
    println!(
        "{}",
        json!({"figure": "submissions", "count": WORKLOADS, "at_once": CONCURRENCY, "per_second": rate, "cpu_seconds": cpu() - begun.1})
    );
    if let Some(python) = std::env::var_os("RUNAI_PEER_PYTHON") {
        let output = Command::new(python)
            .args(["-c", PEER, &url, &server.fact("id"), &server.fact("secret")])
            .args([&placement.project_id, &placement.cluster_id])
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        print!("{}{}", String::from_utf8_lossy(&output.stdout), errors.lines().last().unwrap_or_default());
    }

    let before = resident();
    let mut fleet = Fleet::new(client.clone());
    for one in &submitted {
        fleet.follow(one, WaitPolicy::default());
    }
    let begun = (Instant::now(), cpu(), requests.load(Ordering::Relaxed));
    let mut peak = resident();
    let mut seen = 0_u64;
    while let Ok(event) = tokio::time::timeout(FOLLOWED.saturating_sub(begun.0.elapsed()), fleet.next()).await {
        seen += u64::from(matches!(event, Some(FleetEvent::Workload { .. })));
        if seen.is_multiple_of(1000) {
            peak = peak.max(resident());
        }
    }
    peak = peak.max(resident());
    let asked = requests.load(Ordering::Relaxed) - begun.2;
    let intervals = FOLLOWED.as_secs_f64() / 30.0;
    println!(
        "{}",
        json!({
            "figure": "fleet", "workloads": fleet.len(), "seconds": FOLLOWED.as_secs(), "requests": asked,
            "requests_per_30s": round(asked, intervals), "cpu_seconds": cpu() - begun.1, "rss_mb": peak / 1024,
            "rss_mb_before": before / 1024,
        })
    );

    let begun = (Instant::now(), cpu(), requests.load(Ordering::Relaxed));
    stream::iter(&submitted)
        .for_each_concurrent(CONCURRENCY, |one| {
            let client = &client;
            async move { assert!(client.workload(&one.workload_id).await.is_ok()) }
        })
        .await;
    println!(
        "{}",
        json!({
            "figure": "one poll for each, once", "requests": requests.load(Ordering::Relaxed) - begun.2,
            "seconds": begun.0.elapsed().as_secs_f64(), "cpu_seconds": cpu() - begun.1,
        })
    );
}

fn training(run: usize, placement: &runai_client::Placement) -> TrainingCreationRequest {
    let id = SubmissionId::new("http://localhost", &placement.project_id, &run.to_string());
    TrainingCreationRequest {
        name: workload_name(Some("fit"), Some(&id)),
        project_id: placement.project_id.clone(),
        cluster_id: placement.cluster_id.clone(),
        spec: TrainingSpec {
            image: Some("python:3.12".into()),
            compute: Some(Compute { cpu_core_request: Some(0.1), ..Compute::default() }),
            environment_variables: vec![EnvironmentVariable::literal("RUNAI_SIM_RUNNING", "3600")],
            labels: vec![Label { name: Some(SUBMISSION_LABEL.into()), value: Some(id.as_str().into()), exclude: None }],
            ..TrainingSpec::default()
        },
        ..TrainingCreationRequest::default()
    }
}

/// Kilobytes of memory that this process holds.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse().unwrap_or(0)
}

/// Seconds of CPU time that this process has used; Linux counts hundredths.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |index: usize| fields.get(index).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}

fn per_second(count: usize, time: Duration) -> f64 {
    round(count as u64, time.as_secs_f64())
}

#[expect(clippy::cast_precision_loss, reason = "counts of a benchmark are small")]
fn round(count: u64, by: f64) -> f64 {
    (count as f64 / by * 10.0).round() / 10.0
}

/// As many submissions at once, by the Run:ai SDK.
const PEER: &str = r#"
import json, sys, time, concurrent.futures as futures
from runai.configuration import Configuration
from runai.api_client import ApiClient
from runai.runai_client import RunaiClient
import runai.models as models
url, client_id, secret, project, cluster = sys.argv[1:]
client = RunaiClient(ApiClient(Configuration(client_id=client_id, client_secret=secret, runai_base_url=url)))
def submit(number):
    client.workloads.trainings.create_training1(training_creation_request=models.TrainingCreationRequest(
        name=f"peer-{number}", project_id=project, cluster_id=cluster,
        spec=models.TrainingSpecSpec(image="python:3.12", compute=models.SupersetSpecAllOfCompute(cpu_core_request=0.1))))
submit(0)
count = 500
begun = time.perf_counter()
with futures.ThreadPoolExecutor(50) as pool:
    list(pool.map(submit, range(1, count + 1)))
print(json.dumps({"figure": "submissions by runapy", "count": count, "at_once": 50,
                  "per_second": round(count / (time.perf_counter() - begun), 1)}))
"#;
