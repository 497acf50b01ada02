//! Compares the core with ZenML's settings classes and building of the request, and with the SDK's models.
//!
//! Documents are generated from a seed and read from `cases/`; each goes through `runai-spec` and through `reference.py`.
//! Verdicts and bodies must agree, except for the differences in `docs/conformance.md`: exactly one entry explains each
//! disagreement, and each entry explains at least one. `cargo xtask conformance` creates the Python environment and runs
//! this program.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "prints its results")]

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
    reference::Reference,
};

mod bodies;
mod case;
mod compare;
mod differences;
mod generate;
mod reference;
mod runs;
mod shape;
mod shrink;
mod values;
mod written;

/// Compare the core with ZenML and runapy
#[derive(Parser)]
struct Args {
    /// Python interpreter with ZenML and runapy
    #[arg(long)]
    python: PathBuf,

    /// Folder for ZenML's files and failing cases
    #[arg(long)]
    scratch: PathBuf,

    /// Documents to generate
    #[arg(long, default_value_t = 6000)]
    cases: usize,

    /// ZenML run configurations to generate
    #[arg(long, default_value_t = 3000)]
    runs: usize,

    /// Seed of the generated documents
    #[arg(long, default_value_t = 7)]
    seed: u64,
}

/// Failing cases to minimize and print; the rest is only counted.
const MAX_PRINTED: usize = 10;

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
    fs::create_dir_all(&args.scratch).with_context(|| format!("cannot create `{}`", args.scratch.display()))?;
    let mut reference = Reference::start(&args.python, &own.join("reference.py"), &args.scratch.join("zenml"))?;
    let answers = reference.ask(&cases)?;

    let mut counts = [0_usize; DIFFERENCES.len()];
    let mut failures: Vec<(&Case, String)> = Vec::new();
    let mut tally = Tally::default();
    let mut bodies = Vec::new();
    for (case, answer) in cases.iter().zip(&answers) {
        let core = case.run_core();
        tally.add(case, core.body.is_some(), answer.body.is_some());
        for disagreement in compare::compare(case, &core, answer) {
            match differences::explanations(&disagreement).as_slice() {
                [entry] => counts[*entry] += 1,
                _ => failures.push((case, disagreement.sort())),
            }
        }
        bodies.extend(core.body);
    }

    let runs = runs::compare(args.seed, args.runs, &mut reference, &mut counts)?;
    tally.print(args.seed);
    println!(
        "{} run configurations; the core accepts {}, ZenML accepts {}; {} step bodies compared",
        runs.asked, runs.core, runs.reference, runs.bodies
    );
    println!("disagreements by entry:");
    for (difference, count) in DIFFERENCES.iter().zip(counts) {
        println!("{count:>7}  {}", difference.id);
    }
    let (asked, accepted) = bodies::compare(&bodies, &mut reference)?;
    println!("{asked} valid and invalid bodies; the schema and the SDK's models accept {accepted}");
    println!("total time: {:.1} s", start.elapsed().as_secs_f32());
    let unneeded: Vec<&str> =
        DIFFERENCES.iter().zip(counts).filter(|(_, count)| *count == 0).map(|(entry, _)| entry.id).collect();
    report(&failures, &mut reference, args)?;
    if !unneeded.is_empty() {
        bail!("unused entries of `docs/conformance.md`: {}", unneeded.join(", "));
    }
    Ok(())
}

/// Minimizes and prints one case per kind of failure.
fn report(failures: &[(&Case, String)], reference: &mut Reference, args: &Args) -> Result<()> {
    let mut sorts: Vec<&str> = failures.iter().map(|(_, sort)| sort.as_str()).collect();
    sorts.sort_unstable();
    sorts.dedup();
    for (index, sort) in sorts.iter().take(MAX_PRINTED).enumerate() {
        let Some((case, _)) = failures.iter().find(|(_, of)| of == sort) else { continue };
        let count = failures.iter().filter(|(_, of)| of == sort).count();
        let (small, lines) = shrink::shrink(case, sort, reference)?;
        let file = args.scratch.join(format!("failure-{index}.json"));
        fs::write(&file, small.shown() + "\n").with_context(|| format!("cannot write `{}`", file.display()))?;
        println!("\n{count} × {sort}, for example {}\n  {}", file.display(), small.shown());
        for line in lines {
            println!("  {line}");
        }
    }
    if !sorts.is_empty() {
        bail!(
            "{} disagreements of {} kinds without exactly one entry in `docs/conformance.md`",
            failures.len(),
            sorts.len()
        );
    }
    Ok(())
}

/// Counts of cases and verdicts.
#[derive(Default)]
struct Tally {
    /// By kind: cases, accepted by the core, accepted by ZenML.
    kinds: [[usize; 3]; 4],
    written: usize,
    broken: usize,
}

impl Tally {
    fn add(&mut self, case: &Case, core: bool, reference: bool) {
        let row = &mut self.kinds[match case.kind {
            CaseKind::Settings => 0,
            CaseKind::Step => 1,
            CaseKind::Operator => 2,
            CaseKind::Merged => 3,
            CaseKind::Run => return,
        }];
        for (cell, counts) in row.iter_mut().zip([true, core, reference]) {
            *cell += usize::from(counts);
        }
        self.written += usize::from(case.intent == Intent::Written);
        self.broken += usize::from(case.intent == Intent::Broken);
    }

    fn print(&self, seed: u64) {
        println!("{:<10} {:>7} {:>12} {:>13}", "", "cases", "core accepts", "ZenML accepts");
        let names = ["settings", "step", "operator", "merged"];
        for (name, [cases, core, reference]) in names.iter().zip(self.kinds) {
            println!("{name:<10} {cases:>7} {core:>12} {reference:>13}");
        }
        let sum = |column: usize| self.kinds.iter().map(|row| row[column]).sum::<usize>();
        println!("{:<10} {:>7} {:>12} {:>13}", "all", sum(0), sum(1), sum(2));
        println!("seed {seed}; {} written by hand, {} with one error", self.written, self.broken);
    }
}
