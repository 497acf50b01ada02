//! Campaigns of the fleet against a hostile control plane: all faults of the simulator's preset, mixed at random, and
//! processes that die. In memory, with paused time.
//!
//! A round is one control plane with one seed; its faults begin in the first 15 min. `RUNAI_CAMPAIGN` is the number of
//! runs.

mod waits;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use jiff::{SignedDuration, Timestamp};
use runai_api::wire::{TrainingCreationRequest, Workload};
use runai_client::lifecycle::{Outcome, WaitPolicy};
use runai_client::transport::Request;
use runai_client::{
    DUPLICATE_WINDOW, Error, Event, Fleet, FleetEvent, ListParams, Progress, ReceiptStore, StepOperator, Submitted,
};
use runai_sim::{Endpoint, Fault, FaultKind, LateAnswer, Simulator};
use tokio::time::{Instant, sleep, timeout};

use self::waits::{check_ends, waiting_run};
use crate::campaign::{figure, record_figures, runs};
use crate::network::{Fate, MemoryStore, client, operator, request, submission_of};

/// Runs of one control plane.
const RUNS_A_ROUND: usize = 50;

/// A secret in every environment, which must never be shown.
const CANARY: &str = "canary-4f1c0b7e";

/// A run: its request, start time and wait policy.
struct Run {
    request: TrainingCreationRequest,
    policy: WaitPolicy,
    starts: Duration,
    /// The allowed outcomes.
    ends: Vec<Outcome>,
}

/// The results of the runs of one control plane.
#[derive(Default)]
struct Round {
    deaths: usize,
    ambiguous: usize,
    outages: usize,
    /// When each name was first sent, on the simulator's clock.
    first_sends: Arc<Mutex<HashMap<String, Timestamp>>>,
    /// Names of submissions with reported duplicates.
    reported: HashSet<String>,
    /// All messages.
    words: Vec<String>,
}

/// Runs everything to its end in consecutive processes that die at random times.
async fn process_runs(
    sim: &Simulator,
    store: &Arc<MemoryStore>,
    runs: &[Run],
    dice: &mut fastrand::Rng,
    patience: Duration,
) -> Round {
    let mut round = Round::default();
    let (begun, shown) = (Instant::now(), Timestamp::now());
    let mut settled: HashSet<usize> = HashSet::new();
    loop {
        let lifetime = Duration::from_secs(dice.u64(30..600));
        let first_sends = Arc::clone(&round.first_sends);
        let note = move |sent: &Request| {
            if *sent.method() == http::Method::POST && sent.uri().path() == "/api/v1/workloads/trainings" {
                let request: TrainingCreationRequest = serde_json::from_slice(sent.body()).unwrap();
                let now = shown.checked_add(SignedDuration::try_from(begun.elapsed()).unwrap()).unwrap();
                first_sends.lock().unwrap().entry(request.name).or_insert(now);
            }
            Fate::Arrives
        };
        let operator =
            StepOperator::new(client(sim, note), sim.project()).receipts(Arc::clone(store) as Arc<dyn ReceiptStore>);
        let died = timeout(lifetime, process(&operator, store, runs, begun, &mut settled, &mut round)).await.is_err();
        if !died {
            return round;
        }
        round.deaths += 1;
        assert!(begun.elapsed() < patience, "{} of {} runs are settled", settled.len(), runs.len());
    }
}

/// A process: resumes from the receipts, submits the rest and follows all workloads to their end.
async fn process(
    operator: &StepOperator,
    store: &Arc<MemoryStore>,
    runs: &[Run],
    begun: Instant,
    settled: &mut HashSet<usize>,
    round: &mut Round,
) {
    let (mut fleet, _) = Fleet::resume(operator.client().clone(), Arc::clone(store) as _).await.unwrap();
    let known: HashMap<String, Progress> =
        store.list().await.unwrap().receipts.into_iter().map(|it| (it.name.clone(), it.progress)).collect();
    let mut submissions = FuturesUnordered::new();
    for (index, run) in runs.iter().enumerate() {
        if let Some(Progress::Ended { .. } | Progress::Submitted { .. }) = known.get(&run.request.name) {
        } else {
            let operator = operator.clone().wait_policy(run.policy.clone());
            submissions.push(async move {
                sleep(run.starts.saturating_sub(begun.elapsed())).await;
                loop {
                    match operator.attach_or_submit(&submission_of(&run.request)).await {
                        Ok(submitted) => return (index, Ok(submitted)),
                        Err(error @ Error::AlreadyDeleted { .. }) => return (index, Err(error)),
                        // Repeat after unconfirmed and temporary errors.
                        Err(error) => {
                            assert!(!shows_canary(&error), "{error:?}");
                            sleep(Duration::from_secs(20)).await;
                        }
                    }
                }
            });
        }
    }
    while !submissions.is_empty() || !fleet.is_empty() {
        tokio::select! {
            Some((index, result)) = submissions.next(), if !submissions.is_empty() => {
                settled.insert(index);
                take_submission(&mut fleet, store, result, &runs[index], round);
            }
            Some(event) = fleet.next(), if !fleet.is_empty() => take_event(store, &event, round),
        }
    }
}

fn shows_canary(error: &Error) -> bool {
    format!("{error} {error:?} {:?}", error.hint()).contains(CANARY)
}

fn take_submission(
    fleet: &mut Fleet,
    store: &Arc<MemoryStore>,
    result: Result<Submitted, Error>,
    run: &Run,
    round: &mut Round,
) {
    match result {
        Ok(submitted) => {
            round.ambiguous += usize::from(submitted.already_existed);
            if !submitted.duplicates.is_empty() {
                round.reported.insert(submitted.name.clone());
            }
            round.words.push(format!("{submitted:?}"));
            match store.of(&submitted.submission_id) {
                Some(receipt) => assert!(fleet.follow_submitted(&submitted, receipt), "{submitted:?}"),
                None => fleet.follow(&submitted, run.policy.clone()),
            }
        }
        // Deleted by `delete_on_failure`; the counts below show any other deletion.
        Err(error) => {
            round.words.push(format!("{error} {error:?} {:?}", error.hint()));
        }
    }
}

fn take_event(store: &Arc<MemoryStore>, event: &FleetEvent, round: &mut Round) {
    round.words.push(format!("{event:?}"));
    match event {
        FleetEvent::OutageBegan { error, .. } | FleetEvent::Refused { error, .. } => {
            round.outages += 1;
            round.words.push(format!("{error} {:?}", error.hint()));
        }
        FleetEvent::Workload { event: Event::Duplicate { .. }, workload_id } => {
            let receipts = store.all_now();
            let name = receipts.iter().find(|it| it.workload_id() == Some(workload_id)).map(|it| it.name.clone());
            round.reported.extend(name);
        }
        _ => {}
    }
}

/// A hostile control plane and its runs.
async fn hostile_round(
    seed: u64,
    faults: Vec<Fault>,
    runs: impl FnOnce(&mut fastrand::Rng, &runai_client::Placement) -> Vec<Run>,
) -> Played {
    let sim = Simulator::builder().token_lifetime(Duration::from_mins(5)).in_memory().unwrap();
    let mut dice = fastrand::Rng::with_seed(seed);
    let placement = operator(&sim).prepare().await.unwrap();
    let runs = runs(&mut dice, &placement);
    for fault in faults {
        sim.add_fault(fault);
    }
    let store = Arc::<MemoryStore>::default();
    let mut freed = HashSet::new();
    let round = tokio::select! {
        round = process_runs(&sim, &store, &runs, &mut dice, Duration::from_hours(24)) => round,
        () = free_stuck(&sim, &mut freed) => unreachable!("it never ends"),
    };
    sim.clear_faults();
    // Late effects have happened by then.
    sleep(Duration::from_mins(10)).await;
    let good = operator(&sim);
    let live = good.client().workloads(&ListParams::default()).await.unwrap();
    let gone = good.client().workloads(&ListParams::default().deleted(true)).await.unwrap();
    let shown = round.words.iter().filter(|words| words.contains(CANARY)).count();
    Played { store, runs, round, live, gone, freed, shown, operator: good }
}

/// Deletes workloads that hang in Stopping after the faults end, because a waiter waits without limit.
async fn free_stuck(sim: &Simulator, freed: &mut HashSet<String>) {
    sleep(Duration::from_mins(45)).await;
    sim.clear_faults();
    let good = operator(sim);
    loop {
        for workload in good.client().workloads(&ListParams::default()).await.unwrap() {
            if workload.phase == "Stopping" && freed.insert(workload.id.clone()) {
                good.delete(&workload.id).await.unwrap();
            }
        }
        sleep(Duration::from_mins(10)).await;
    }
}

struct Played {
    store: Arc<MemoryStore>,
    runs: Vec<Run>,
    round: Round,
    live: Vec<Workload>,
    gone: Vec<Workload>,
    /// Workloads that hung in Stopping and were deleted.
    freed: HashSet<String>,
    /// Messages that contain an environment value.
    shown: usize,
    operator: StepOperator,
}

/// Figures that must be 0.
const BAD: [&str; 5] = [
    "doubled and not reported",
    "lost",
    "suspended or deleted without a reason",
    "values of an environment shown",
    "wrong outcomes",
];

/// The figures of a campaign, by name.
#[derive(Default)]
struct Figures {
    counts: BTreeMap<&'static str, usize>,
    /// The violations, for the test's message.
    complaints: Vec<String>,
}

impl Figures {
    fn add(&mut self, name: &'static str, count: usize) {
        *self.counts.entry(name).or_default() += count;
    }

    fn get(&self, name: &str) -> usize {
        self.counts.get(name).copied().unwrap_or_default()
    }

    fn round(&mut self, played: &Played) {
        self.add("runs", played.runs.len());
        self.add("processes that died", played.round.deaths);
        self.add("submissions found by looking them up", played.round.ambiguous);
        self.add("outages reported", played.round.outages);
        self.add("values of an environment shown", played.shown);
    }

    /// Panics if there are violations.
    fn hold(&self) {
        assert_eq!(BAD.map(|name| (name, self.get(name))), BAD.map(|name| (name, 0)), "{:#?}", self.complaints);
    }

    fn write(&self, campaign: &str) {
        let figures: Vec<(&str, f64)> = self.counts.iter().map(|(name, count)| (*name, figure(*count))).collect();
        record_figures(campaign, &figures);
    }
}

/// Counts submissions with several workloads, reported and not.
async fn count_doubled(played: &Played, figures: &mut Figures) {
    let mut by_name: HashMap<&str, Vec<&Workload>> = HashMap::new();
    for workload in played.live.iter().chain(&played.gone) {
        by_name.entry(&workload.name).or_default().push(workload);
    }
    for (name, workloads) in by_name {
        if workloads.len() < 2 {
            continue;
        }
        if played.round.reported.contains(name) {
            figures.add("doubled and reported", 1);
            continue;
        }
        let first_send = played.round.first_sends.lock().unwrap()[name];
        let in_time = |it: &&&Workload| {
            let created: Timestamp = it.created_at.parse().unwrap();
            created.duration_since(first_send) <= SignedDuration::try_from(DUPLICATE_WINDOW).unwrap()
        };
        if workloads.iter().filter(in_time).count() < 2 {
            figures.add("doubled by an effect beyond the window", 1);
            continue;
        }
        let run = played.runs.iter().find(|run| run.request.name == name).unwrap();
        let next = played.operator.clone().receipts(Arc::clone(&played.store) as _);
        let found = next.attach_or_submit(&submission_of(&run.request)).await;
        let is_found = found.as_ref().is_ok_and(|submitted| !submitted.duplicates.is_empty());
        if is_found {
            figures.add("doubled and reported by the next command", 1);
        } else {
            let complaint = format!("{name}, first sent {first_send}: {workloads:#?} {found:?}");
            figures.complaints.push(complaint);
            figures.add("doubled and not reported", 1);
        }
    }
}

fn rounds() -> impl Iterator<Item = (u64, usize)> {
    let all = runs();
    (0..all.div_ceil(RUNS_A_ROUND))
        .map(move |round| (1_000 + round as u64, RUNS_A_ROUND.min(all - round * RUNS_A_ROUND)))
}

/// Submissions that take effect after the resend, without unique names.
fn late(seed: u64) -> Vec<Fault> {
    let late = FaultKind::LateEffect { answer: LateAnswer::Status(504), delay: 60.0, jitter: 140.0 };
    let mut faults = Fault::hostile(seed);
    faults.push(Fault::new(late).at(Endpoint::Submit).by_chance(0.5, seed));
    faults.push(Fault::new(FaultKind::DuplicateNames { visible_after: None }).at(Endpoint::Submit));
    faults
}

async fn submissions(campaign: &str, first_seed: u64, faults: fn(u64) -> Vec<Fault>) -> Figures {
    let mut figures = Figures::default();
    for bad in BAD {
        figures.add(bad, 0);
    }
    for (seed, count) in rounds() {
        let seed = seed + first_seed;
        let played = hostile_round(seed, faults(seed), |dice, placement| {
            (0..count)
                .map(|run| Run {
                    request: request(
                        placement,
                        &run.to_string(),
                        &[("RUNAI_SIM_RUNNING", &dice.u64(300..5_000).to_string()), ("TOKEN", CANARY)],
                    ),
                    policy: WaitPolicy::default(),
                    starts: Duration::from_secs(dice.u64(..840)),
                    ends: vec![Outcome::Succeeded],
                })
                .collect()
        })
        .await;
        figures.round(&played);
        count_doubled(&played, &mut figures).await;
        for run in &played.runs {
            let found: Vec<_> = played.live.iter().filter(|it| it.name == run.request.name).collect();
            let submission = run.request.spec.labels[0].value.as_deref().unwrap();
            let receipt = played.store.of(submission);
            let is_ours = receipt.as_ref().is_some_and(|receipt| {
                found.iter().any(|workload| Some(workload.id.as_str()) == receipt.workload_id())
            });
            let ended = receipt.map(|it| it.progress);
            let is_success = matches!(&ended, Some(Progress::Ended { outcome, .. }) if run.ends.contains(outcome));
            figures.add("lost", usize::from(!is_ours));
            figures.add("wrong outcomes", usize::from(is_ours && !is_success));
        }
        let touched = played.gone.len() + played.live.iter().filter(|it| it.phase != "Completed").count();
        figures.add("suspended or deleted without a reason", touched);
    }
    figures.write(campaign);
    figures.hold();
    figures
}

#[tokio::test(start_paused = true)]
async fn submissions_survive_hostile_control_plane() {
    let figures = submissions("hostile submissions", 0, Fault::hostile).await;
    assert!(figures.get("processes that died") > figures.get("runs") / 50, "nobody died");
}

#[tokio::test(start_paused = true)]
async fn reports_duplicates_after_late_effects() {
    let figures = submissions("hostile duplicates", 1_000_000, late).await;
    assert!(figures.get("doubled and reported") > 0, "nothing was doubled");
}

#[tokio::test(start_paused = true)]
async fn waits_survive_hostile_control_plane() {
    let mut figures = Figures::default();
    for bad in BAD {
        figures.add(bad, 0);
    }
    for (seed, count) in rounds() {
        let seed = seed + 500_000;
        let played = hostile_round(seed, Fault::hostile(seed), |dice, placement| {
            (0..count).map(|run| waiting_run(dice, placement, run)).collect()
        })
        .await;
        figures.round(&played);
        count_doubled(&played, &mut figures).await;
        check_ends(&played, &mut figures);
    }
    figures.write("hostile waits");
    figures.hold();
}
