//! Load tests: memory of many workloads, requests per second with latency, and scheduling.
//!
//! Prints one line of JSON per figure. The client uses a socket and the same cores as the server.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark that cannot go on must end, and prints")]

use std::time::{Duration, Instant};

use axum::{Router, body::Body, http::Request};
use http_body_util::BodyExt as _;
use runai_sim::{Node, Simulator};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
    time::{MissedTickBehavior, interval},
};
use tower::ServiceExt as _;

const WORKLOADS: usize = 10_000;
const SECONDS: u64 = 5;

fn main() {
    // `cargo test --all-targets` only checks that it builds.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    scheduling();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(load());
}

/// Submissions that wait for few GPUs: twice as many should take twice as long.
fn scheduling() {
    for count in [2_500, 5_000, 10_000] {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        let begun = Instant::now();
        runtime.block_on(async {
            let sim = Simulator::builder()
                .node(Node { gpus: 64, ..Node::default() })
                .token_lifetime(Duration::from_hours(48))
                .in_memory()
                .unwrap();
            let (router, token) = (sim.router(), token_in_memory(&sim).await);
            for number in 0..count {
                in_memory(&router, &token, "/api/v1/workloads/trainings", &training(number, "1", "1")).await;
            }
            sim.advance(Duration::from_hours(24));
            let done = "/api/v1/workloads/count?filterBy=phase==Completed";
            assert_eq!(in_memory(&router, &token, done, &Value::Null).await["count"], count);
        });
        let micros = begun.elapsed().as_micros() / u128::try_from(count).unwrap();
        println!("{}", json!({"figure": "submitted and scheduled", "workloads": count, "micros_each": micros}));
    }
}

async fn load() {
    let before = resident();
    // Enough for all of them to run at the same time.
    let nodes = (0..100).map(|_| Node { cpu_cores: 1000.0, ..Node::default() });
    let sim = Simulator::builder().nodes(nodes).start().await.unwrap();
    let mut client = Client::new(&sim).await;
    let mut ids = Vec::new();
    for number in 0..WORKLOADS {
        let answer = client.call("POST /api/v1/workloads/trainings", &training(number, "0.1", "100000")).await;
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        ids.push(answer["workloadId"].as_str().unwrap().to_owned());
    }
    sim.advance(Duration::from_mins(1));
    client.call("GET /api/v1/workloads/count", &Value::Null).await;
    let megabytes = (resident() - before) / 1_000_000;
    println!("{}", json!({"figure": "memory of live workloads", "workloads": WORKLOADS, "megabytes": megabytes}));

    let mut lists = Client::new(&sim).await;
    let listing = tokio::spawn(async move {
        let line = |number: usize| format!("GET /api/v1/workloads?limit=500&offset={}", number % 20 * 500);
        paced(&mut lists, 50, line).await
    });
    // The requested rate over several connections.
    let mut reading = Vec::new();
    for part in 0..4 {
        let (mut client, ids) = (Client::new(&sim).await, ids.clone());
        reading.push(tokio::spawn(async move {
            let line = move |number: usize| format!("GET /api/v1/workloads/{}", ids[(number * 4 + part) % ids.len()]);
            paced(&mut client, 500, line).await
        }));
    }
    report("lists of 500", listing.await.unwrap());
    let mut times = Vec::new();
    for part in reading {
        times.extend(part.await.unwrap());
    }
    report("single reads", times);
    sim.stop().await;
}

/// Sends `rate` requests per second. Returns their latencies, measured from their scheduled times.
async fn paced(client: &mut Client, rate: u32, line: impl Fn(usize) -> String) -> Vec<Duration> {
    let mut times = Vec::new();
    let mut ticks = interval(Duration::from_secs(1) / rate);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let requests = usize::try_from(u64::from(rate) * SECONDS).unwrap();
    for number in 0..requests {
        let due = ticks.tick().await;
        client.call(&line(number), &Value::Null).await;
        times.push(due.elapsed());
    }
    times
}

fn report(figure: &str, mut times: Vec<Duration>) {
    times.sort();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100].as_micros();
    let rate = times.len() / usize::try_from(SECONDS).unwrap();
    println!("{}", json!({"figure": figure, "per_second": rate, "p50_micros": at(50), "p99_micros": at(99)}));
}

fn training(number: usize, cores: &str, seconds: &str) -> Value {
    json!({
        "name": format!("fit-{number}"),
        "projectId": "1",
        "clusterId": "5100cafe-0000-4000-8000-000000000001",
        "spec": {
            "image": "registry.example.com/team/train:4",
            "command": "python3 -m train",
            "args": "--epochs 10 --data /mnt/data",
            "compute": {"cpuCoreRequest": cores.parse::<f64>().unwrap(), "gpuDevicesRequest": u8::from(cores == "1")},
            "environmentVariables": [
                {"name": "RUNAI_SIM_RUNNING", "value": seconds},
                {"name": "WANDB_MODE", "value": "offline"}
            ],
            "labels": [{"name": "team", "value": "ml"}]
        }
    })
}

/// Resident memory of this process, in bytes.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0 kB");
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or_default() * 1024
}

const FORM: &str = "grant_type=client_credentials&client_id=sim-client&client_secret=sim-secret-not-real";

async fn token_in_memory(sim: &Simulator) -> String {
    let request = Request::post("/api/v2/token").header("content-type", "application/x-www-form-urlencoded");
    let answer = sim.router().oneshot(request.body(Body::from(FORM)).unwrap()).await.unwrap();
    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
    let body: Value = serde_json::from_slice(&bytes).unwrap();
    body["access_token"].as_str().unwrap().to_owned()
}

async fn in_memory(router: &Router, token: &str, path: &str, body: &Value) -> Value {
    let request = Request::builder()
        .method(if body.is_null() { "GET" } else { "POST" })
        .uri(path)
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json");
    let answer = router.clone().oneshot(request.body(Body::from(body.to_string())).unwrap()).await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.status());
    serde_json::from_slice(&answer.into_body().collect().await.unwrap().to_bytes()).unwrap()
}

/// A keep-alive connection.
struct Client {
    stream: BufReader<TcpStream>,
    token: String,
}

impl Client {
    async fn new(sim: &Simulator) -> Self {
        let stream = TcpStream::connect(sim.base_url().strip_prefix("http://").unwrap()).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream: BufReader::new(stream), token: token_in_memory(sim).await }
    }

    async fn call(&mut self, line: &str, body: &Value) -> Vec<u8> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let request = format!(
            "{line} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            self.token,
            body.len()
        );
        self.stream.write_all(request.as_bytes()).await.unwrap();
        let mut length = 0;
        let mut head = String::new();
        loop {
            let start = head.len();
            self.stream.read_line(&mut head).await.unwrap();
            let line = head[start..].trim_end().to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.parse().unwrap();
            }
            if line.is_empty() {
                break;
            }
        }
        assert!(head.starts_with("HTTP/1.1 2"), "{head}");
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await.unwrap();
        body
    }
}
