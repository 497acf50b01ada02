//! The core held against its peers: ZenML's own settings classes and its own building of the request, and the SDK's models.
//!
//! Documents are generated from a seed and read from `cases/`; each goes through `runai-spec` and through `peer.py`.
//! Verdicts and bodies have to agree, but for what `docs/conformance.md` lists: every disagreement has exactly one entry
//! there that explains it, and every entry explains some. `cargo xtask conformance` makes the peers' environment and runs
//! this.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a test program talks to the person who runs it")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

use anyhow::{Context, Result, bail};
use clap::Parser;

use crate::{
    case::{Case, CaseKind, Intent},
    differences::DIFFERENCES,
    peer::Peer,
};

mod bodies;
mod case;
mod compare;
mod differences;
mod generate;
mod peer;
mod runs;
mod shape;
mod shrink;
mod values;
mod written;

/// Hold the core against its Python peers
#[derive(Parser)]
struct Args {
    /// A Python that has the peers
    #[arg(long)]
    python: PathBuf,

    /// Folder for what the peers write, and for failing cases
    #[arg(long)]
    scratch: PathBuf,

    /// Documents to generate
    #[arg(long, default_value_t = 6000)]
    cases: usize,

    /// Run configurations of ZenML to generate
    #[arg(long, default_value_t = 3000)]
    runs: usize,

    /// Seed of the generated documents
    #[arg(long, default_value_t = 7)]
    seed: u64,
}

/// Failing cases that are shrunk and shown; the rest is only counted.
const SHOWN: usize = 10;

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<()> {
    let start = Instant::now();
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    let table = own.join("../../docs/conformance.md");
    differences::check_table(&table)?;

    let mut cases = written::read(&own.join("cases"))?;
    cases.extend(generate::generate(args.seed, args.cases));
    fs::create_dir_all(&args.scratch).with_context(|| format!("cannot make `{}`", args.scratch.display()))?;
    let mut peer = Peer::start(&args.python, &own.join("peer.py"), &args.scratch.join("zenml"))?;
    let answers = peer.ask(&cases)?;

    let mut counts = [0_usize; DIFFERENCES.len()];
    let mut failures: Vec<(&Case, String)> = Vec::new();
    let mut tally = Tally::default();
    let mut bodies = Vec::new();
    for (case, answer) in cases.iter().zip(&answers) {
        let ours = case.ask_us();
        tally.add(case, ours.body.is_some(), answer.body.is_some());
        for disagreement in compare::compare(case, &ours, answer) {
            match differences::explanations(&disagreement).as_slice() {
                [entry] => counts[*entry] += 1,
                _ => failures.push((case, disagreement.sort())),
            }
        }
        bodies.extend(ours.body);
    }

    let runs = runs::compare(args.seed, args.runs, &mut peer, &mut counts)?;
    tally.print(args.seed);
    println!(
        "{} run configurations, of which we accept {} and the peer {}; {} bodies of steps",
        runs.asked, runs.ours, runs.peers, runs.bodies
    );
    println!("differences that the table explains:");
    for (difference, count) in DIFFERENCES.iter().zip(counts) {
        println!("{count:>7}  {}", difference.id);
    }
    let (asked, accepted) = bodies::compare(&bodies, &mut peer)?;
    println!("{asked} bodies, whole and broken, of which the schema and the SDK's models accept {accepted}");
    println!("in {:.1} s", start.elapsed().as_secs_f32());
    let unneeded: Vec<&str> =
        DIFFERENCES.iter().zip(counts).filter(|(_, count)| *count == 0).map(|(entry, _)| entry.id).collect();
    report(&failures, &mut peer, args)?;
    if !unneeded.is_empty() {
        bail!("no case needs these entries of `docs/conformance.md` any more: {}", unneeded.join(", "));
    }
    Ok(())
}

/// Shrinks and shows one case of each sort of failure.
fn report(failures: &[(&Case, String)], peer: &mut Peer, args: &Args) -> Result<()> {
    let mut sorts: Vec<&str> = failures.iter().map(|(_, sort)| sort.as_str()).collect();
    sorts.sort_unstable();
    sorts.dedup();
    for (index, sort) in sorts.iter().take(SHOWN).enumerate() {
        let Some((case, _)) = failures.iter().find(|(_, of)| of == sort) else { continue };
        let count = failures.iter().filter(|(_, of)| of == sort).count();
        let (small, words) = shrink::shrink(case, sort, peer)?;
        let file = args.scratch.join(format!("failure-{index}.json"));
        fs::write(&file, small.shown() + "\n").with_context(|| format!("cannot write `{}`", file.display()))?;
        println!("\n{count} × {sort}, as in {}\n  {}", file.display(), small.shown());
        for word in words {
            println!("  {word}");
        }
    }
    if !sorts.is_empty() {
        bail!(
            "{} disagreements of {} sorts have not exactly one entry in `docs/conformance.md` that explains them",
            failures.len(),
            sorts.len()
        );
    }
    Ok(())
}

/// How many cases there were, and what became of them.
#[derive(Default)]
struct Tally {
    /// By kind: cases, accepted by us, accepted by the peer.
    kinds: [[usize; 3]; 4],
    written: usize,
    broken: usize,
}

impl Tally {
    fn add(&mut self, case: &Case, ours: bool, peers: bool) {
        let row = &mut self.kinds[match case.kind {
            CaseKind::Settings => 0,
            CaseKind::Step => 1,
            CaseKind::Operator => 2,
            CaseKind::Merged => 3,
            CaseKind::Run => return,
        }];
        for (cell, counts) in row.iter_mut().zip([true, ours, peers]) {
            *cell += usize::from(counts);
        }
        self.written += usize::from(case.intent == Intent::Written);
        self.broken += usize::from(case.intent == Intent::Broken);
    }

    fn print(&self, seed: u64) {
        println!("{:<10} {:>7} {:>12} {:>13}", "", "cases", "we accept", "peer accepts");
        let names = ["settings", "step", "operator", "merged"];
        for (name, [cases, ours, peers]) in names.iter().zip(self.kinds) {
            println!("{name:<10} {cases:>7} {ours:>12} {peers:>13}");
        }
        let sum = |column: usize| self.kinds.iter().map(|row| row[column]).sum::<usize>();
        println!("{:<10} {:>7} {:>12} {:>13}", "all", sum(0), sum(1), sum(2));
        println!("seed {seed}; {} written by hand, {} broken in one way", self.written, self.broken);
    }
}
