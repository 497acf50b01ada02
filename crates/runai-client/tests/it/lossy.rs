//! Submissions over sockets, in real time, through a proxy that cuts, delays, duplicates and corrupts bytes.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use runai_client::lifecycle::{Outcome, WaitPolicy};
use runai_client::{Client, Error, Fleet, ListParams, RetryPolicy, StepOperator};
use runai_sim::Simulator;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

use crate::campaign::{figure, record_figures, runs};
use crate::network::{followed_by, request, submission_of};

/// Longer than any request takes, and short enough for a test in real time.
pub(crate) const SETTLE_TIME: Duration = Duration::from_millis(1500);

/// The fault of a connection, after a number of bytes in one direction.
#[derive(Clone, Copy, Debug)]
enum Harm {
    CutAnswer(usize),
    CutRequest(usize),
    DelayAnswer(Duration),
    DoubleRequest,
    Nothing,
    SpoilAnswer(usize),
}

/// Counts of faults.
#[derive(Default)]
pub(crate) struct Harmed {
    connections: AtomicUsize,
    cut: AtomicUsize,
    delayed: AtomicUsize,
    doubled: AtomicUsize,
    spoiled: AtomicUsize,
}

impl Harmed {
    fn count(&self, harm: Harm) {
        self.connections.fetch_add(1, Ordering::Relaxed);
        let counter = match harm {
            Harm::CutAnswer(_) | Harm::CutRequest(_) => &self.cut,
            Harm::DelayAnswer(_) => &self.delayed,
            Harm::DoubleRequest => &self.doubled,
            Harm::Nothing => return,
            Harm::SpoilAnswer(_) => &self.spoiled,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn figures(&self) -> [(&'static str, f64); 5] {
        [
            ("connections", &self.connections),
            ("cut during a request or a response", &self.cut),
            ("delayed, some beyond the request timeout", &self.delayed),
            ("sent twice by the proxy", &self.doubled),
            ("with a corrupted byte in the response", &self.spoiled),
        ]
        .map(|(name, counter)| (name, figure(counter.load(Ordering::Relaxed))))
    }
}

/// Forwards connections to `target`; returns its address and counts faults.
pub(crate) async fn proxy(target: String, seed: u64) -> (String, Arc<Harmed>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let harmed = Arc::<Harmed>::default();
    let counts = Arc::clone(&harmed);
    let dice = Mutex::new(fastrand::Rng::with_seed(seed));
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            let harm = {
                let mut dice = dice.lock().unwrap();
                match dice.u32(..10) {
                    0 | 1 => Harm::CutAnswer(dice.usize(..600)),
                    2 => Harm::CutRequest(dice.usize(..600)),
                    3 => Harm::DelayAnswer(Duration::from_millis(dice.u64(..1_500))),
                    4 => Harm::DoubleRequest,
                    5 => Harm::SpoilAnswer(dice.usize(..400)),
                    _ => Harm::Nothing,
                }
            };
            counts.count(harm);
            let target = target.clone();
            tokio::spawn(async move {
                if let Ok(far) = TcpStream::connect(&target).await {
                    pass(near, far, harm, &target).await;
                }
            });
        }
    });
    (address, harmed)
}

async fn pass(near: TcpStream, far: TcpStream, harm: Harm, target: &str) {
    let (mut near_read, mut near_write) = near.into_split();
    let (mut far_read, mut far_write) = far.into_split();
    let requests = async {
        let mut buffer = vec![0; 16 << 10];
        let mut passed = 0;
        while let Ok(count @ 1..) = near_read.read(&mut buffer).await {
            let bytes = &buffer[..count];
            if let Harm::CutRequest(at) = harm {
                let left = at.saturating_sub(passed);
                if left < count {
                    let _ = far_write.write_all(&bytes[..left]).await;
                    return;
                }
            }
            passed += count;
            // Send the request twice, like a proxy that retries.
            if matches!(harm, Harm::DoubleRequest)
                && bytes.starts_with(b"POST /api/v1/workloads/trainings ")
                && let Ok(mut again) = TcpStream::connect(target).await
            {
                let _ = again.write_all(bytes).await;
                let _ = again.read(&mut [0; 4096]).await;
            }
            if far_write.write_all(bytes).await.is_err() {
                return;
            }
        }
    };
    let answers = async {
        let mut buffer = vec![0; 16 << 10];
        let mut passed = 0;
        while let Ok(count @ 1..) = far_read.read(&mut buffer).await {
            let bytes = &mut buffer[..count];
            match harm {
                Harm::CutAnswer(at) if at.saturating_sub(passed) < count => {
                    let _ = near_write.write_all(&bytes[..at.saturating_sub(passed)]).await;
                    return;
                }
                Harm::DelayAnswer(delay) => sleep(delay).await,
                // Without TLS another letter in an id is undetectable; an invalid byte is detected.
                Harm::SpoilAnswer(at) if (passed..passed + count).contains(&at) => bytes[at - passed] = 1,
                _ => {}
            }
            passed += count;
            if near_write.write_all(bytes).await.is_err() {
                return;
            }
        }
    };
    // The side that ends first ends both.
    tokio::select! {
        () = requests => {}
        () = answers => {}
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn submits_once_over_lossy_network() {
    // Real time is slower than paused time.
    let count = (runs() / 10).max(60);
    let sim = Simulator::builder().start().await.unwrap();
    let target = sim.base_url().trim_start_matches("http://").to_owned();
    let (address, harmed) = proxy(target, 7).await;
    let retry = RetryPolicy::default().initial_backoff(Duration::from_millis(10));
    let client = |url: &str| {
        Client::builder(url)
            .credentials(sim.client_id(), sim.client_secret().to_owned())
            .retry_policy(retry)
            .request_timeout(Duration::from_secs(1))
            .build()
            .unwrap()
    };
    let good = StepOperator::new(client(sim.base_url()), sim.project());
    let placement = good.prepare().await.unwrap();
    let tasks: Vec<_> = (0..count)
        .map(|run| {
            // Separate connections, so that many have faults.
            let operator = StepOperator::new(client(&address), sim.project()).settle_time(SETTLE_TIME);
            let request = request(&placement, &run.to_string(), &[("RUNAI_SIM_RUNNING", "0.5")]);
            let policy = WaitPolicy::default()
                .delete_on_failure(true)
                .workload_timeout(Duration::from_mins(10))
                .monitoring_interval(Duration::from_millis(200));
            tokio::spawn(async move {
                let mut result = operator.submit(&submission_of(&request)).await;
                while result.as_ref().is_err_and(Error::is_unreachable) {
                    result = operator.attach_or_submit(&submission_of(&request)).await;
                }
                let submitted = result.unwrap();
                let mut fleet = Fleet::new(operator.client().clone());
                fleet.follow(&submitted, policy);
                let outcome = followed_by(fleet, &submitted.workload_id).await;
                (submitted.workload_id, outcome)
            })
        })
        .collect();
    let mut ids = Vec::new();
    let mut wrong = 0;
    for run in tasks {
        let (id, outcome) = run.await.unwrap();
        wrong += usize::from(outcome != Outcome::Succeeded);
        ids.push(id);
    }
    ids.sort();
    let mut listed: Vec<_> = good
        .client()
        .workloads(&ListParams::default())
        .await
        .unwrap()
        .into_iter()
        .map(|workload| workload.id)
        .collect();
    listed.sort();
    let lost = ids.iter().filter(|id| listed.binary_search(id).is_err()).count();
    let doubled = listed.len() - (ids.len() - lost);
    let mut figures = vec![("runs", figure(count))];
    figures.extend(harmed.figures());
    figures.extend([
        ("doubled", figure(doubled)),
        ("lost", figure(lost)),
        ("outcomes that are not `succeeded`", figure(wrong)),
    ]);
    record_figures("sockets", &figures);
    assert_eq!((doubled, lost, wrong), (0, 0, 0));
    assert!(harmed.figures().iter().all(|(_, count)| *count > 0.0), "{:?}", harmed.figures());
    sim.stop().await;
}
