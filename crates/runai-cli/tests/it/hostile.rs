//! Campaign of `run`, `submit` and `submit --wait` against a hostile control plane, with interrupts and kills at random
//! times. Runs in memory with time paused, and over sockets in real time with shortened durations.
//!
//! A round is one control plane with one seed. Each of its commands has several steps. A user repeats a command with
//! its run ids until every step has ended. `RUNAI_CAMPAIGN` sets the number of steps.

mod check;
mod user;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::OpenOptions;
use std::io::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt as _};
use jiff::{SignedDuration, Timestamp};
use runai_api::wire::Workload;
use runai_client::{Client, DEFAULT_SETTLE_TIME, ListParams, StepOperator};
use runai_sim::{Endpoint, Fault, FaultKind, LateAnswer, Simulator};
use serde_json::json;
use tokio::time::{Instant, sleep};

use self::check::check;
use self::user::{Command, Observed};
use crate::campaign::{Fate, InMemory, MemoryStore};

/// Steps per control plane.
const STEPS_A_ROUND: usize = 50;
/// Steps per command.
const STEPS_A_COMMAND: usize = 5;
/// A value in every environment that must not be shown.
const CANARY: &str = "canary-7d20e9b3";

/// Steps of a campaign. `cargo xtask test` runs the default.
fn runs() -> usize {
    std::env::var("RUNAI_CAMPAIGN").ok().and_then(|runs| runs.parse().ok()).unwrap_or(50)
}

/// The mode of a campaign.
#[derive(Clone, Copy)]
struct Setting {
    /// Whether requests go through sockets, in real time.
    sockets: bool,
    /// Factor of durations.
    scale: f64,
}

const IN_MEMORY: Setting = Setting { sockets: false, scale: 1.0 };
/// 90 s of settling become 1.5 s, and effects are up to 2 s late.
const OVER_SOCKETS: Setting = Setting { sockets: true, scale: 1.0 / 60.0 };

impl Setting {
    fn scaled(self, duration: Duration) -> Duration {
        duration.mul_f64(self.scale)
    }

    /// Scales the durations of a fault. Clocks that are off by hours and limits by rate stay as they are.
    fn scaled_fault(self, mut fault: Fault) -> Fault {
        let scale = |seconds: &mut f64| *seconds *= self.scale;
        fault.from.iter_mut().chain(&mut fault.seconds).for_each(scale);
        match &mut fault.kind {
            FaultKind::DuplicateNames { visible_after: Some(seconds) }
            | FaultKind::Lag { seconds }
            | FaultKind::Latency { seconds } => scale(seconds),
            FaultKind::HeavyTail { longest, .. } => scale(longest),
            FaultKind::LateEffect { delay, jitter, .. } => [delay, jitter].into_iter().for_each(scale),
            _ => {}
        }
        fault
    }
}

/// The figures of a campaign, by their names in the table.
#[derive(Default)]
struct Figures {
    counts: BTreeMap<&'static str, usize>,
    /// Violations, for the message of the test.
    complaints: Vec<String>,
}

impl Figures {
    fn add(&mut self, name: &'static str, count: usize) {
        *self.counts.entry(name).or_default() += count;
    }

    fn get(&self, name: &str) -> usize {
        self.counts.get(name).copied().unwrap_or_default()
    }

    fn complain(&mut self, name: &'static str, complaint: &str) {
        self.add(name, 1);
        self.complaints.push(format!("{name}: {complaint}"));
    }

    /// Appends the figures to the file of `cargo xtask faults`.
    fn write(&self, campaign: &str) {
        let Some(path) = std::env::var_os("RUNAI_CAMPAIGN_FIGURES") else { return };
        let line = json!({"campaign": campaign, "figures": self.counts.iter().collect::<Vec<_>>()});
        let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
        writeln!(file, "{line}").unwrap();
    }
}

/// A control plane and its observations.
struct Lab {
    setting: Setting,
    sim: Simulator,
    receipts: Arc<MemoryStore>,
    began: (Instant, Timestamp),
    /// When each workload name was first sent.
    first_sends: Arc<Mutex<HashMap<String, Instant>>>,
}

impl Lab {
    async fn new(setting: Setting) -> Self {
        let builder = Simulator::builder().token_lifetime(setting.scaled(Duration::from_mins(5)));
        let sim = if setting.sockets { builder.start().await } else { builder.in_memory() }.unwrap();
        Self {
            setting,
            sim,
            receipts: Arc::default(),
            began: (Instant::now(), Timestamp::now()),
            first_sends: Arc::default(),
        }
    }

    /// Returns the simulated time at a point in real time.
    fn sim_time(&self, moment: Instant) -> Timestamp {
        let (began, shown) = self.began;
        shown.checked_add(SignedDuration::try_from(moment - began).unwrap()).unwrap()
    }

    /// Returns the operator of a process.
    fn operator(&self) -> StepOperator {
        let credentials = |url: &str| Client::builder(url).credentials(self.sim.client_id(), self.sim.client_secret());
        let client = if self.setting.sockets {
            // Longer than any request without a fault on a busy machine.
            credentials(self.sim.base_url()).request_timeout(Duration::from_secs(1)).no_proxy()
        } else {
            let first_sends = Arc::clone(&self.first_sends);
            let transport = InMemory::new(&self.sim, move |request| {
                if *request.method() == http::Method::POST && request.uri().path() == "/api/v1/workloads/trainings" {
                    let body: serde_json::Value = serde_json::from_slice(request.body()).unwrap();
                    let name = body["name"].as_str().unwrap().to_owned();
                    first_sends.lock().unwrap().entry(name).or_insert_with(Instant::now);
                }
                Fate::Arrives
            });
            credentials("http://localhost").transport(transport)
        };
        let settle_time = self.setting.scaled(DEFAULT_SETTLE_TIME);
        StepOperator::new(client.build().unwrap(), self.sim.project()).settle_time(settle_time)
    }
}

/// A completed round.
struct CompletedRound {
    lab: Lab,
    observed: Vec<(Command, Observed)>,
    live: Vec<Workload>,
    gone: Vec<Workload>,
    /// Workloads that stayed in Stopping until they were deleted.
    freed: HashSet<String>,
}

/// Runs all commands of a control plane with `faults` to their end.
async fn play(setting: Setting, faults: Vec<Fault>, commands: Vec<Command>) -> CompletedRound {
    let lab = Lab::new(setting).await;
    for fault in faults {
        lab.sim.add_fault(setting.scaled_fault(fault));
    }
    let mut freed = HashSet::new();
    let users = join_all(commands.into_iter().map(|command| async {
        let observed = command.run(&lab).await;
        (command, observed)
    }));
    let observed = tokio::select! {
        observed = users => observed,
        () = free_stuck(&lab, &mut freed) => unreachable!("it never ends"),
    };
    lab.sim.clear_faults();
    // All late effects have happened by then.
    sleep(setting.scaled(Duration::from_mins(10))).await;
    let client = lab.operator().client().clone();
    let live = client.workloads(&ListParams::default()).await.unwrap();
    let gone = client.workloads(&ListParams::default().deleted(true)).await.unwrap();
    CompletedRound { lab, observed, live, gone, freed }
}

/// Deletes workloads that stay in Stopping after the faults have ended, because `wait` would never end.
async fn free_stuck(lab: &Lab, freed: &mut HashSet<String>) {
    sleep(lab.setting.scaled(Duration::from_mins(45))).await;
    lab.sim.clear_faults();
    let good = lab.operator();
    loop {
        for workload in good.client().workloads(&ListParams::default()).await.unwrap() {
            if workload.phase == "Stopping" && freed.insert(workload.id.clone()) {
                good.delete(&workload.id).await.unwrap();
            }
        }
        sleep(lab.setting.scaled(Duration::from_mins(10))).await;
    }
}

const BAD: [&str; 7] = [
    "bugs of the program",
    "doubled and not reported",
    "exit codes that do not match the end",
    "lost",
    "suspended or deleted without a reason",
    "values of an environment shown",
    "wrong outcomes",
];

async fn campaign(name: &str, setting: Setting, all: usize, first_seed: u64, faults: fn(u64) -> Vec<Fault>) -> Figures {
    let mut figures = Figures::default();
    for bad in BAD {
        figures.add(bad, 0);
    }
    let only: Option<u64> = std::env::var("RUNAI_CAMPAIGN_SEED").ok().and_then(|seed| seed.parse().ok());
    let rounds = (0..all.div_ceil(STEPS_A_ROUND)).filter_map(|round| {
        let seed = first_seed + round as u64;
        let steps = STEPS_A_ROUND.min(all - round * STEPS_A_ROUND);
        only.is_none_or(|only| only == seed).then_some((seed, steps))
    });
    let rounds = rounds.map(|(seed, steps)| async move {
        let mut dice = fastrand::Rng::with_seed(seed);
        let steps: Vec<usize> = (0..steps).collect();
        let commands = steps.chunks(STEPS_A_COMMAND).map(|steps| Command::random(setting, &mut dice, steps)).collect();
        (seed, play(setting, faults(seed), commands).await)
    });
    // In real time, a round mostly waits.
    let mut rounds = stream::iter(rounds).buffered(if setting.sockets { 5 } else { 1 });
    while let Some((seed, mut played)) = rounds.next().await {
        let before = figures.complaints.len();
        check(&mut played, &mut figures).await;
        for complaint in &mut figures.complaints[before..] {
            complaint.insert_str(0, &format!("seed {seed}, "));
        }
    }
    figures.write(name);
    assert_eq!(BAD.map(|name| (name, figures.get(name))), BAD.map(|name| (name, 0)), "{:#?}", figures.complaints);
    figures
}

/// Submissions with non-unique names that take effect so late that they are resent.
fn late(seed: u64) -> Vec<Fault> {
    let late = FaultKind::LateEffect { answer: LateAnswer::Status(504), delay: 60.0, jitter: 140.0 };
    let mut faults = Fault::hostile(seed);
    faults.push(Fault::new(late).at(Endpoint::Submit).by_chance(0.5, seed));
    faults.push(Fault::new(FaultKind::DuplicateNames { visible_after: None }).at(Endpoint::Submit));
    faults
}

#[tokio::test(start_paused = true)]
async fn survives_hostile_control_plane() {
    let figures = campaign("launch", IN_MEMORY, runs(), 3_000_000, Fault::hostile).await;
    for happened in ["interrupts", "processes that died", "commands repeated", "submissions sent again"] {
        assert!(figures.get(happened) > 0, "no {happened}");
    }
}

#[tokio::test(start_paused = true)]
async fn reports_every_duplicate() {
    let figures = campaign("launch duplicates", IN_MEMORY, runs(), 4_000_000, late).await;
    assert!(figures.get("doubled and reported") > 0, "nothing was doubled");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn survives_hostile_sockets() {
    // Real time is more expensive than simulated time.
    let figures = campaign("launch sockets", OVER_SOCKETS, (runs() / 10).max(20), 5_000_000, Fault::hostile).await;
    for happened in ["commands repeated", "outages reported"] {
        assert!(figures.get(happened) > 0, "no {happened}");
    }
}
