//! The program's own launch against a control plane that is as hostile as the worst installation: `run`, `submit` and
//! `submit --wait` in memory and in paused time, with interrupts and kills at random moments.
//!
//! A round is one control plane with one seed. Each of its commands has several steps. A user repeats a command with its
//! run ids until every step has ended. `RUNAI_CAMPAIGN` says how many steps there are.

mod check;
mod user;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::OpenOptions;
use std::io::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use runai_client::{Client, StepOperator};
use runai_sim::{Endpoint, Fault, FaultKind, LateAnswer, Simulator};
use runai_spec::wire::Workload;
use serde_json::json;
use tokio::time::{Instant, sleep};

use self::check::check;
use self::user::{Command, Told};
use crate::campaign::{Fate, InMemory, MemoryStore};

/// Steps of one control plane.
const STEPS_A_ROUND: usize = 50;
/// Steps of one command.
const STEPS_A_COMMAND: usize = 5;
/// Stands in every environment, and in nothing that may be shown.
const CANARY: &str = "canary-7d20e9b3";

/// Steps of a campaign. `cargo xtask test` runs the default.
fn runs() -> usize {
    std::env::var("RUNAI_CAMPAIGN").ok().and_then(|runs| runs.parse().ok()).unwrap_or(50)
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

/// A control plane, and what is known about it.
struct Lab {
    sim: Simulator,
    receipts: Arc<MemoryStore>,
    began: (Instant, Timestamp),
    /// When each workload name was first sent.
    first_sends: Arc<Mutex<HashMap<String, Instant>>>,
}

impl Lab {
    fn new() -> Self {
        let sim = Simulator::builder().token_lifetime(Duration::from_mins(5)).in_memory().unwrap();
        Self { sim, receipts: Arc::default(), began: (Instant::now(), Timestamp::now()), first_sends: Arc::default() }
    }

    /// What the simulator's clock showed at a moment.
    fn sim_time(&self, moment: Instant) -> Timestamp {
        let (began, shown) = self.began;
        shown.checked_add(SignedDuration::try_from(moment - began).unwrap()).unwrap()
    }

    /// A process's operator.
    fn operator(&self) -> StepOperator {
        let first_sends = Arc::clone(&self.first_sends);
        let transport = InMemory::new(&self.sim, move |request| {
            if request.method == http::Method::POST && request.url.path() == "/api/v1/workloads/trainings" {
                let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
                let name = body["name"].as_str().unwrap().to_owned();
                first_sends.lock().unwrap().entry(name).or_insert_with(Instant::now);
            }
            Fate::Arrives
        });
        let client = Client::builder("http://localhost")
            .credentials(self.sim.client_id(), self.sim.client_secret())
            .transport(transport)
            .build()
            .unwrap();
        StepOperator::new(client, self.sim.project())
    }
}

/// A round that is over.
struct Played {
    lab: Lab,
    told: Vec<(Command, Told)>,
    live: Vec<Workload>,
    gone: Vec<Workload>,
    /// Workloads that hung in Stopping until somebody deleted them.
    freed: HashSet<String>,
}

/// Plays the commands of one control plane that has `faults`, to the end.
async fn play(faults: Vec<Fault>, commands: Vec<Command>) -> Played {
    let lab = Lab::new();
    for fault in faults {
        lab.sim.add_fault(fault);
    }
    let mut freed = HashSet::new();
    let users = join_all(commands.into_iter().map(|command| async {
        let told = command.use_it(&lab).await;
        (command, told)
    }));
    let told = tokio::select! {
        told = users => told,
        () = free_stuck(&lab, &mut freed) => unreachable!("it never ends"),
    };
    lab.sim.clear_faults();
    // Everything that is late has happened by then.
    sleep(Duration::from_mins(10)).await;
    let client = lab.operator().client().clone();
    let live = client.workloads(&[], false).await.unwrap();
    let gone = client.workloads(&[], true).await.unwrap();
    Played { lab, told, live, gone, freed }
}

/// Somebody who deletes workloads that hang in Stopping, once the hostile time is over: a waiter waits for ever.
async fn free_stuck(lab: &Lab, freed: &mut HashSet<String>) {
    sleep(Duration::from_mins(45)).await;
    lab.sim.clear_faults();
    let good = lab.operator();
    loop {
        for workload in good.client().workloads(&[], false).await.unwrap() {
            if workload.phase == "Stopping" && freed.insert(workload.id.clone()) {
                good.delete(&workload.id).await.unwrap();
            }
        }
        sleep(Duration::from_mins(10)).await;
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

async fn campaign(name: &str, first_seed: u64, faults: fn(u64) -> Vec<Fault>) -> Figures {
    let all = runs();
    let mut figures = Figures::default();
    for bad in BAD {
        figures.add(bad, 0);
    }
    let only: Option<u64> = std::env::var("RUNAI_CAMPAIGN_SEED").ok().and_then(|seed| seed.parse().ok());
    for round in 0..all.div_ceil(STEPS_A_ROUND) {
        let seed = first_seed + round as u64;
        if only.is_some_and(|only| only != seed) {
            continue;
        }
        let mut dice = fastrand::Rng::with_seed(seed);
        let steps: Vec<usize> = (0..STEPS_A_ROUND.min(all - round * STEPS_A_ROUND)).collect();
        let commands = steps.chunks(STEPS_A_COMMAND).map(|steps| Command::random(&mut dice, steps)).collect();
        let mut played = play(faults(seed), commands).await;
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

/// Submissions that take effect so late that they are sent again, where names are not unique.
fn late(seed: u64) -> Vec<Fault> {
    let late = FaultKind::LateEffect { answer: LateAnswer::Status(504), delay: 60.0, jitter: 140.0 };
    let mut faults = Fault::hostile(seed);
    faults.push(Fault::new(late).at(Endpoint::Submit).by_chance(0.5, seed));
    faults.push(Fault::new(FaultKind::DuplicateNames { visible_after: None }).at(Endpoint::Submit));
    faults
}

#[tokio::test(start_paused = true)]
async fn launch_keeps_its_promises_under_a_hostile_control_plane() {
    let figures = campaign("launch", 3_000_000, Fault::hostile).await;
    for happened in ["interrupts", "processes that died", "commands repeated", "submissions sent again"] {
        assert!(figures.get(happened) > 0, "no {happened}");
    }
}

#[tokio::test(start_paused = true)]
async fn launch_reports_every_duplicate_where_effects_are_late_and_names_are_not_unique() {
    let figures = campaign("launch duplicates", 4_000_000, late).await;
    assert!(figures.get("doubled and reported") > 0, "nothing was doubled");
}
