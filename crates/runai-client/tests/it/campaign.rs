//! Campaigns of submissions and waits with faults: none is lost or duplicated, and no healthy job is touched.
//!
//! `RUNAI_CAMPAIGN` is the number of runs (default 200). Figures are appended to the file `RUNAI_CAMPAIGN_FIGURES`, if
//! set. `cargo xtask faults` runs long campaigns and generates tables.

use std::collections::{BTreeMap, HashMap};
use std::fs::OpenOptions;
use std::io::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use runai_api::wire::{TrainingCreationRequest, Workload};
use runai_client::lifecycle::{Outcome, WaitPolicy};
use runai_client::transport::Request;
use runai_client::{Error, Fleet, ListParams, Progress, ReceiptStore, StepOperator};
use runai_sim::Simulator;
use serde_json::json;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::network::{Fate, MemoryStore, client, followed_by, operator, request, submission_of};

pub(crate) fn runs() -> usize {
    std::env::var("RUNAI_CAMPAIGN").ok().and_then(|runs| runs.parse().ok()).unwrap_or(100)
}

/// Appends the figures of a campaign, as one line.
pub(crate) fn record_figures(campaign: &str, figures: &[(&str, f64)]) {
    let Some(path) = std::env::var_os("RUNAI_CAMPAIGN_FIGURES") else { return };
    let line = json!({"campaign": campaign, "figures": figures});
    let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
    writeln!(file, "{line}").unwrap();
}

#[expect(clippy::cast_precision_loss, reason = "no campaign counts that far")]
pub(crate) const fn figure(count: usize) -> f64 {
    count as f64
}

/// Fault rates of a network, in percent.
#[derive(Clone, Copy)]
struct Weather {
    answer_lost: u32,
    lost: u32,
    error: u32,
    dies: u32,
    /// Offset of the response's clock, in seconds.
    skew: i64,
    /// Parts of every period in which connections are refused, and in which all responses are errors.
    period: Duration,
    outage: Duration,
    storm: Duration,
}

/// Counts of a campaign's requests, by fault.
#[derive(Default)]
struct Counts {
    requests: AtomicUsize,
    creations: AtomicUsize,
    outage: AtomicUsize,
    responses_lost: AtomicUsize,
    lost: AtomicUsize,
    errors: AtomicUsize,
    deaths: AtomicUsize,
    expiries: AtomicUsize,
}

/// Chooses a fault for every request of a process.
fn fates(
    weather: Weather,
    begun: Instant,
    dice: &Arc<Mutex<fastrand::Rng>>,
    counts: &Arc<Counts>,
    death: &Arc<Notify>,
) -> impl Fn(&Request) -> Fate + Send + Sync + 'static {
    let (dice, counts, death) = (Arc::clone(dice), Arc::clone(counts), Arc::clone(death));
    move |sent| {
        let count = |counter: &AtomicUsize| counter.fetch_add(1, Ordering::Relaxed);
        count(&counts.requests);
        let creates = *sent.method() == http::Method::POST && sent.uri().path() == "/api/v1/workloads/trainings";
        if creates {
            count(&counts.creations);
        }
        // Every period ends with errors, followed by an outage.
        let left = weather.period.as_secs() - begun.elapsed().as_secs() % weather.period.as_secs();
        if left < weather.outage.as_secs() {
            count(&counts.outage);
            return Fate::NobodyListens;
        }
        if left < (weather.outage + weather.storm).as_secs() {
            count(&counts.errors);
            return Fate::MeetsAnError([500, 502, 503, 504][dice.lock().unwrap().usize(..4)]);
        }
        let mut dice = dice.lock().unwrap();
        let mut roll = dice.u32(..100);
        let mut falls = |chance: u32| {
            let hit = roll < chance;
            roll = if hit { u32::MAX } else { roll.wrapping_sub(chance) };
            hit
        };
        if falls(weather.answer_lost) {
            count(&counts.responses_lost);
            if creates || dice.bool() { Fate::AnswerIsLost } else { Fate::AnswerIsCut }
        } else if falls(weather.lost) {
            count(&counts.lost);
            Fate::IsLost
        } else if falls(weather.error) {
            count(&counts.errors);
            if dice.bool() { Fate::MeetsAPage(502) } else { Fate::MeetsAnError(503) }
        } else if falls(weather.dies) {
            count(&counts.deaths);
            Fate::Dies { carried_out: dice.bool(), death: Arc::clone(&death) }
        } else if weather.skew != 0 {
            Fate::IsSkewed(dice.i64(-weather.skew..=weather.skew))
        } else {
            Fate::ArrivesLate(Duration::from_millis(dice.u64(..50)))
        }
    }
}

struct Campaign {
    sim: Arc<Simulator>,
    store: Arc<MemoryStore>,
    weather: Weather,
    begun: Instant,
    dice: Arc<Mutex<fastrand::Rng>>,
    counts: Arc<Counts>,
}

impl Campaign {
    fn new(weather: Weather, seed: u64) -> Self {
        let sim = Simulator::builder().token_lifetime(Duration::from_mins(2)).in_memory().unwrap();
        Self {
            sim: Arc::new(sim),
            store: Arc::default(),
            weather,
            begun: Instant::now(),
            dice: Arc::new(Mutex::new(fastrand::Rng::with_seed(seed))),
            counts: Arc::default(),
        }
    }

    /// A process that dies when notified.
    fn process(&self) -> (StepOperator, Arc<Notify>) {
        let death = Arc::new(Notify::new());
        let fate = fates(self.weather, self.begun, &self.dice, &self.counts, &death);
        let store: Arc<dyn ReceiptStore> = Arc::clone(&self.store) as _;
        (StepOperator::new(client(&self.sim, fate), self.sim.project()).receipts(store), death)
    }

    /// Submits until it succeeds, in several processes, and returns the workload.
    async fn submit(&self, request: &TrainingCreationRequest, policy: &WaitPolicy) -> String {
        let submission = submission_of(request);
        loop {
            let (operator, death) = self.process();
            let operator = operator.wait_policy(policy.clone());
            tokio::select! {
                biased;
                result = operator.submit(&submission) => match result {
                    Ok(submitted) => return submitted.workload_id,
                    // After an unconfirmed result the request is repeated; tokens may expire twice.
                    Err(error)
                        if error.is_unreachable()
                            || matches!(error, Error::TokenRefused { .. } | Error::Unconfirmed { .. }) => {}
                    Err(error) => panic!("{error:?}"),
                },
                () = death.notified() => {}
            }
        }
    }

    /// Waits by the receipt until the end, in several processes.
    async fn wait(&self, key: &str) -> Outcome {
        loop {
            let (operator, death) = self.process();
            let receipt = self.store.find(key.to_owned()).await.unwrap().unwrap();
            if let Progress::Ended { outcome, .. } = receipt.progress {
                return outcome;
            }
            let id = receipt.workload_id().unwrap().to_owned();
            let store: Arc<dyn ReceiptStore> = Arc::clone(&self.store) as _;
            let mut fleet = Fleet::new(operator.client().clone()).receipts(store);
            fleet.follow_receipt(receipt);
            tokio::select! {
                biased;
                outcome = followed_by(fleet, &id) => return outcome,
                () = death.notified() => {}
            }
        }
    }

    fn key(&self, request: &TrainingCreationRequest) -> String {
        self.store.of(request.spec.labels[0].value.as_deref().unwrap()).unwrap().key()
    }

    fn record_figures(&self, campaign: &str, runs: usize, more: &[(&str, usize)]) {
        let Counts { requests, creations, outage, responses_lost, lost, errors, deaths, expiries } = &*self.counts;
        let mut figures = vec![("runs", figure(runs))];
        for (name, counter) in [
            ("requests", requests),
            ("of them submissions", creations),
            ("connections refused in outages", outage),
            ("responses lost or cut after taking effect", responses_lost),
            ("requests lost before", lost),
            ("5xx or a proxy's page", errors),
            ("processes that died during a request", deaths),
            ("forced expiries of all tokens", expiries),
        ] {
            figures.push((name, figure(counter.load(Ordering::Relaxed))));
        }
        figures.push(("simulated hours", (self.begun.elapsed().as_secs_f64() / 360.0).round() / 10.0));
        figures.extend(more.iter().map(|(name, count)| (*name, figure(*count))));
        record_figures(campaign, &figures);
    }
}

#[tokio::test(start_paused = true)]
async fn submits_once_over_bad_network() {
    let runs = runs();
    let weather = Weather {
        answer_lost: 30,
        lost: 10,
        error: 5,
        dies: 5,
        skew: 0,
        period: Duration::from_mins(10),
        outage: Duration::from_secs(20),
        storm: Duration::from_mins(1),
    };
    let campaign = Arc::new(Campaign::new(weather, 7));
    let good = operator(&campaign.sim);
    let placement = good.prepare().await.unwrap();
    let submitted: Vec<_> = (0..runs)
        .map(|run| {
            let campaign = Arc::clone(&campaign);
            let request = request(&placement, &run.to_string(), &[("RUNAI_SIM_RUNNING", "1e8")]);
            tokio::spawn(async move {
                let pause = campaign.dice.lock().unwrap().u64(..1_800_000);
                tokio::time::sleep(Duration::from_millis(pause)).await;
                if pause.is_multiple_of(50) {
                    campaign.counts.expiries.fetch_add(1, Ordering::Relaxed);
                    campaign.sim.expire_tokens();
                }
                let id = campaign.submit(&request, &WaitPolicy::default()).await;
                (request.name, id)
            })
        })
        .collect();
    let mut expected = BTreeMap::new();
    for task in submitted {
        let (name, id) = task.await.unwrap();
        expected.insert(name, id);
    }
    let live = good.client().workloads(&ListParams::default()).await.unwrap();
    let gone = good.client().workloads(&ListParams::default().deleted(true)).await.unwrap();
    // Workloads never end by themselves, so any that are not live were killed.
    let is_alive = |it: &&Workload| ["Creating", "Pending", "Initializing", "Running"].contains(&it.phase.as_str());
    let killed = gone.len() + live.len() - live.iter().filter(is_alive).count();
    let listed: Vec<(String, String)> = live.into_iter().map(|it| (it.name, it.id)).collect();
    let found: BTreeMap<_, _> = listed.iter().cloned().collect();
    let doubled = listed.len() - found.len();
    let lost = expected.iter().filter(|(name, id)| found.get(*name) != Some(id)).count();
    campaign.record_figures("submissions", runs, &[("doubled", doubled), ("lost", lost), ("killed", killed)]);
    assert_eq!((doubled, lost, killed, listed.len()), (0, 0, 0, runs));
    assert!(campaign.counts.deaths.load(Ordering::Relaxed) > runs / 20, "nobody died");
}

/// A workload, its wait policy and its allowed outcomes.
struct Run {
    request: TrainingCreationRequest,
    policy: WaitPolicy,
    ends: Vec<Outcome>,
}

#[tokio::test(start_paused = true)]
async fn waits_survive_long_outages() {
    let runs = runs();
    let weather = Weather {
        answer_lost: 5,
        lost: 3,
        error: 3,
        dies: 1,
        skew: 20,
        period: Duration::from_mins(97),
        outage: Duration::from_mins(57),
        storm: Duration::from_mins(3),
    };
    let campaign = Arc::new(Campaign::new(weather, 11));
    let placement = operator(&campaign.sim).prepare().await.unwrap();
    let mut dice = fastrand::Rng::with_seed(13);
    let runs: Vec<Run> = (0..runs)
        .map(|run| {
            let (pending, running) = (dice.u64(..300), dice.u64(1..7200));
            let result = ["Completed", "Completed", "Failed", "Stopped"][dice.usize(..4)];
            let natural = match result {
                "Completed" => Outcome::Succeeded,
                "Failed" => Outcome::Failed,
                _ => Outcome::Stopped,
            };
            let mut policy = WaitPolicy::default().delete_on_failure(dice.bool());
            let mut ends = vec![natural];
            match dice.u32(..3) {
                // Within its limits, by more than the clock skew.
                0 => {
                    policy.pending_timeout = Some(Duration::from_secs(pending + 120));
                    policy.workload_timeout = Some(Duration::from_secs(running + 120));
                }
                // Beyond them: suspended, unless it ended during an outage.
                1 => {
                    policy.workload_timeout = Some(Duration::from_secs(running / 2));
                    ends.push(Outcome::WorkloadTimeout);
                }
                _ => {}
            }
            let (pending, running) = (pending.to_string(), running.to_string());
            let variables = [
                ("RUNAI_SIM_PENDING", pending.as_str()),
                ("RUNAI_SIM_RUNNING", &running),
                ("RUNAI_SIM_RESULT", result),
            ];
            Run { request: request(&placement, &run.to_string(), &variables), policy, ends }
        })
        .collect();
    let count = runs.len();
    let waits: Vec<_> = runs
        .into_iter()
        .map(|run| {
            let campaign = Arc::clone(&campaign);
            tokio::spawn(async move {
                let id = campaign.submit(&run.request, &run.policy).await;
                let outcome = campaign.wait(&campaign.key(&run.request)).await;
                (id, outcome, run.policy.delete_on_failure, run.ends.contains(&outcome))
            })
        })
        .collect();
    let mut outcomes: HashMap<String, (Outcome, bool)> = HashMap::new();
    let mut wrong = 0;
    for wait in waits {
        let (id, outcome, deletes, is_right) = wait.await.unwrap();
        wrong += usize::from(!is_right);
        outcomes.insert(id, (outcome, deletes));
    }

    let good = operator(&campaign.sim);
    let live = good.client().workloads(&ListParams::default()).await.unwrap();
    let gone = good.client().workloads(&ListParams::default().deleted(true)).await.unwrap();
    assert_eq!((live.len() + gone.len(), outcomes.len()), (count, count));
    let mut touched = 0;
    for workload in &live {
        let (outcome, deletes) = outcomes[&workload.id];
        let phase = match outcome {
            Outcome::Succeeded => "Completed",
            Outcome::Failed => "Failed",
            _ => "Stopped",
        };
        touched += usize::from(workload.phase != phase || (deletes && outcome.is_cleaned_up()));
    }
    for workload in &gone {
        let (outcome, deletes) = outcomes[&workload.id];
        touched += usize::from(!(deletes && outcome.is_cleaned_up()));
    }
    let names = runai_client::tally(outcomes.values().map(|(outcome, _)| *outcome));
    let names: Vec<(String, usize)> =
        names.iter().map(|(outcome, count)| (format!("ended: {outcome}"), *count)).collect();
    let mut figures: Vec<(&str, usize)> = names.iter().map(|(name, count)| (name.as_str(), *count)).collect();
    figures.extend([
        ("deleted by `delete_on_failure`", gone.len()),
        ("wrong outcomes", wrong),
        ("healthy jobs touched", touched),
    ]);
    campaign.record_figures("waits", count, &figures);
    assert_eq!((wrong, touched), (0, 0));
}
