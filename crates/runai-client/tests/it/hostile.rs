//! The fleet against a control plane that is as hostile as the worst installation: every fault of the simulator's
//! preset mixed at random, processes that die, in memory and in paused time.
//!
//! A round is one control plane with one seed; its faults begin in the first quarter of an hour. How many runs there
//! are, `RUNAI_CAMPAIGN` says, as for the other campaigns.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use jiff::Timestamp;
use runai_client::{
    DUPLICATE_WINDOW, Error, Event, Fleet, FleetEvent, Progress, ReceiptStore, StepOperator, Submitted,
};
use runai_sim::{Fault, Simulator};
use runai_spec::wait::{Outcome, WaitPolicy};
use runai_spec::wire::{TrainingCreationRequest, Workload};
use tokio::time::{Instant, sleep, timeout};

use crate::campaign::{figure, runs, write_down};
use crate::network::{Fate, MemoryStore, client, operator, request};

/// Runs of one control plane.
const RUNS_A_ROUND: usize = 50;

/// Stands in every environment, and in nothing that may be shown.
const CANARY: &str = "canary-4f1c0b7e";

/// A step on its way: what is sent, when, and by which rules it is waited for.
struct Run {
    request: TrainingCreationRequest,
    policy: WaitPolicy,
    starts: Duration,
    /// How it may end.
    ends: Vec<Outcome>,
}

/// What became of the runs of one control plane.
#[derive(Default)]
struct Round {
    deaths: usize,
    ambiguous: usize,
    outages: usize,
    /// Names of submissions that were reported to exist twice.
    reported: HashSet<String>,
    /// Whatever was written for people.
    words: Vec<String>,
}

/// Runs everything to its end in one process after the other, each of which dies at some moment.
async fn process_runs(
    sim: &Simulator,
    store: &Arc<MemoryStore>,
    runs: &[Run],
    dice: &mut fastrand::Rng,
    patience: Duration,
) -> Round {
    let mut round = Round::default();
    let begun = Instant::now();
    let mut settled: HashSet<usize> = HashSet::new();
    loop {
        let lifetime = Duration::from_secs(dice.u64(30..600));
        let operator = StepOperator::new(client(sim, |_| Fate::Arrives), sim.project())
            .receipts(Arc::clone(store) as Arc<dyn ReceiptStore>);
        let died = timeout(lifetime, process(&operator, store, runs, begun, &mut settled, &mut round)).await.is_err();
        if !died {
            return round;
        }
        round.deaths += 1;
        assert!(begun.elapsed() < patience, "{} of {} runs are settled", settled.len(), runs.len());
    }
}

/// One process: resumes from the receipts, submits what is not submitted, follows everything to its end.
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
                    match operator.attach_or_submit(&run.request).await {
                        Ok(submitted) => return (index, Ok(submitted)),
                        Err(error @ Error::AlreadyDeleted { .. }) => return (index, Err(error)),
                        // Whoever is told that it is not known, or not possible now, repeats the command.
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
        // Its workload was deleted meanwhile: by `delete_on_failure`, or by nobody, and then the counts below show it.
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

/// A control plane with everything wrong, and its runs.
async fn hostile_round(
    seed: u64,
    runs: impl FnOnce(&mut fastrand::Rng, &runai_client::Placement) -> Vec<Run>,
) -> Played {
    let sim = Simulator::builder().token_lifetime(Duration::from_mins(5)).in_memory().unwrap();
    let mut dice = fastrand::Rng::with_seed(seed);
    let placement = operator(&sim).prepare().await.unwrap();
    let runs = runs(&mut dice, &placement);
    for fault in Fault::hostile(seed) {
        sim.add_fault(fault);
    }
    let store = Arc::<MemoryStore>::default();
    let mut freed = HashSet::new();
    let round = tokio::select! {
        round = process_runs(&sim, &store, &runs, &mut dice, Duration::from_hours(24)) => round,
        () = free_stuck(&sim, &mut freed) => unreachable!("it never ends"),
    };
    sim.clear_faults();
    // What comes late has come by then.
    sleep(Duration::from_mins(10)).await;
    let good = operator(&sim);
    let live = good.client().workloads(&[], false).await.unwrap();
    let gone = good.client().workloads(&[], true).await.unwrap();
    let shown = round.words.iter().filter(|words| words.contains(CANARY)).count();
    Played { store, runs, round, live, gone, freed, shown, operator: good }
}

/// Somebody who deletes workloads that hang in Stopping, once the hostile time is over: a waiter waits for ever.
async fn free_stuck(sim: &Simulator, freed: &mut HashSet<String>) {
    sleep(Duration::from_mins(45)).await;
    sim.clear_faults();
    let good = operator(sim);
    loop {
        for workload in good.client().workloads(&[], false).await.unwrap() {
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
    /// Those that hung in Stopping until somebody deleted them.
    freed: HashSet<String>,
    /// Texts in which a value of somebody's environment stood.
    shown: usize,
    operator: StepOperator,
}

/// The figures of a campaign, by their names in the table.
#[derive(Default)]
struct Figures {
    counts: BTreeMap<&'static str, usize>,
    /// What is wrong, for the message of the test.
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

    fn write(&self, campaign: &str) {
        let figures: Vec<(&str, f64)> = self.counts.iter().map(|(name, count)| (*name, figure(*count))).collect();
        write_down(campaign, &figures);
    }
}

fn seconds(text: &str) -> i64 {
    text.parse::<Timestamp>().unwrap().as_second()
}

/// Counts submissions that became several workloads, by whether that was reported.
async fn count_doubled(played: &Played, figures: &mut Figures) {
    let mut by_name: HashMap<&str, Vec<&Workload>> = HashMap::new();
    for workload in played.live.iter().chain(&played.gone) {
        by_name.entry(&workload.name).or_default().push(workload);
    }
    for (name, mut workloads) in by_name {
        if workloads.len() < 2 {
            continue;
        }
        workloads.sort_by(|one, other| one.created_at.cmp(&other.created_at));
        if played.round.reported.contains(name) {
            figures.add("doubled and reported", 1);
            continue;
        }
        // The receipt does not know simulated time: the oldest workload is at least as late as the first send.
        let apart = seconds(&workloads[1].created_at) - seconds(&workloads[0].created_at);
        let run = played.runs.iter().find(|run| run.request.name == name).unwrap();
        let next = played.operator.clone().receipts(Arc::clone(&played.store) as _);
        let found = next.attach_or_submit(&run.request).await;
        let is_found = found.as_ref().is_ok_and(|submitted| !submitted.duplicates.is_empty());
        if apart > i64::try_from(DUPLICATE_WINDOW.as_secs()).unwrap() {
            figures.add("doubled by an effect beyond the window", 1);
        } else if is_found {
            figures.add("doubled and reported by the next command", 1);
        } else {
            figures.complaints.push(format!("{name}: {workloads:#?} {found:?}"));
            figures.add("doubled and not reported", 1);
        }
    }
}

fn rounds() -> impl Iterator<Item = (u64, usize)> {
    let all = runs();
    (0..all.div_ceil(RUNS_A_ROUND))
        .map(move |round| (1_000 + round as u64, RUNS_A_ROUND.min(all - round * RUNS_A_ROUND)))
}

#[tokio::test(start_paused = true)]
async fn a_fleet_neither_loses_nor_doubles_a_submission_under_a_hostile_control_plane() {
    let mut figures = Figures::default();
    for (seed, count) in rounds() {
        let played = hostile_round(seed, |dice, placement| {
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
        figures.add("healthy jobs suspended or deleted", touched);
    }
    figures.write("hostile submissions");
    let bad = [
        "doubled and not reported",
        "lost",
        "wrong outcomes",
        "healthy jobs suspended or deleted",
        "values of an environment shown",
    ];
    assert_eq!(bad.map(|name| (name, figures.get(name))), bad.map(|name| (name, 0)), "{:#?}", figures.complaints);
    assert!(figures.get("processes that died") > figures.get("runs") / 50, "nobody died");
}

#[tokio::test(start_paused = true)]
async fn a_fleet_ends_every_wait_right_under_a_hostile_control_plane() {
    let mut figures = Figures::default();
    for (seed, count) in rounds() {
        let played = hostile_round(seed + 500_000, |dice, placement| {
            (0..count).map(|run| waiting_run(dice, placement, run)).collect()
        })
        .await;
        figures.round(&played);
        count_doubled(&played, &mut figures).await;
        check_ends(&played, &mut figures);
    }
    figures.write("hostile waits");
    let bad = [
        "doubled and not reported",
        "lost",
        "wrong outcomes",
        "suspended or deleted without a reason",
        "values of an environment shown",
    ];
    assert_eq!(bad.map(|name| (name, figures.get(name))), bad.map(|name| (name, 0)), "{:#?}", figures.complaints);
}

/// A run that keeps to its timeouts, exceeds them, or has none.
fn waiting_run(dice: &mut fastrand::Rng, placement: &runai_client::Placement, run: usize) -> Run {
    let (pending, running) = (dice.u64(..300), dice.u64(1..1800));
    let (result, natural) = [
        ("Completed", Outcome::Succeeded),
        ("Completed", Outcome::Succeeded),
        ("Failed", Outcome::Failed),
        ("Stopped", Outcome::Stopped),
    ][dice.usize(..4)];
    let mut policy = WaitPolicy { delete_on_failure: dice.bool(), ..WaitPolicy::default() };
    let mut ends = vec![natural];
    match dice.u32(..3) {
        0 => {
            policy.pending_timeout = Some(Duration::from_secs(pending + 60));
            policy.workload_timeout = Some(Duration::from_secs(running + 60));
        }
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
        ("TOKEN", CANARY),
    ];
    Run {
        request: request(placement, &run.to_string(), &variables),
        policy,
        starts: Duration::from_secs(dice.u64(..600)),
        ends,
    }
}

/// Holds how each run ended, and what became of its workload, against what may be.
fn check_ends(played: &Played, figures: &mut Figures) {
    let live: HashMap<&str, &Workload> = played.live.iter().map(|it| (it.id.as_str(), it)).collect();
    let gone: HashSet<&str> = played.gone.iter().map(|it| it.id.as_str()).collect();
    for run in &played.runs {
        let receipt = played.store.of(run.request.spec.labels[0].value.as_deref().unwrap());
        let Some(Progress::Ended { outcome, workload_id }) = receipt.map(|it| it.progress) else {
            figures.add("lost", 1);
            continue;
        };
        let deletes = run.policy.delete_on_failure && outcome.is_cleaned_up();
        let is_right = run.ends.contains(&outcome);
        figures.add("wrong outcomes", usize::from(!is_right));
        if !is_right {
            figures.complaints.push(format!("{}: {outcome}, not {:?}", run.request.name, run.ends));
        }
        let is_touched = match live.get(workload_id.as_str()) {
            _ if played.freed.contains(&workload_id) => false,
            None if gone.contains(workload_id.as_str()) => !deletes,
            None => {
                figures.add("lost", 1);
                false
            }
            Some(workload) => match outcome {
                Outcome::Succeeded => workload.phase != "Completed",
                Outcome::Failed => workload.phase != "Failed",
                _ => workload.phase != "Stopped",
            },
        };
        if is_touched {
            let phase = live.get(workload_id.as_str()).map(|it| &it.phase);
            figures.complaints.push(format!("{}: {outcome}, {phase:?}", run.request.name));
        }
        figures.add("suspended or deleted without a reason", usize::from(is_touched));
        figures.add(
            match outcome {
                Outcome::WorkloadTimeout => "ended: workload timeout",
                Outcome::Succeeded => "ended: succeeded",
                Outcome::Failed => "ended: failed",
                Outcome::Stopped => "ended: stopped",
                _ => "ended otherwise",
            },
            1,
        );
    }
}
