//! `cargo xtask bench`: benchmarks the core and the program against ZenML and runapy, in one run on one machine.
//!
//! Times of different machines are not comparable, and machines are rarely idle. The results are therefore ratios: core
//! and reference implementation alternate, and each turn gives one ratio. Slow results are not failures.

use std::{
    collections::BTreeMap,
    env,
    ffi::OsString,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::Instant,
};

use anyhow::{Context, Result, anyhow, bail};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    following,
    process::{self, cargo, command},
    reference, web, workspace,
};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Also write the results to `docs/benchmarks.md`
    #[arg(long)]
    write: bool,
    /// Benchmark only the browser editor
    #[arg(long)]
    page: bool,
}

#[derive(clap::Args)]
pub(crate) struct Measure {
    /// The program and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<OsString>,
}

const EXAMPLE: &str = "examples/advanced.runai.yaml";
const REFERENCE: &str = "tests/bench/reference.py";
const PAGE: &str = "docs/benchmarks.md";
/// Rounds of core and reference implementation, in one process each.
const ROUNDS: usize = 5;
/// Pairs of whole processes.
const PAIRS: usize = 15;

/// Runs the benchmarks and prints the page.
pub(crate) fn run(args: &Args) -> Result<()> {
    let path = workspace::root().join(PAGE);
    let page = if args.page {
        let before = fs::read_to_string(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
        replace_section(&before, &web::bench()?)
    } else {
        everything()?
    };
    println!("\n{page}");
    if args.write {
        fs::write(&path, page).with_context(|| format!("cannot write `{}`", path.display()))?;
        println!("wrote {PAGE}");
    }
    Ok(())
}

/// Replaces the section with the same title, or appends the section.
fn replace_section(page: &str, section: &str) -> String {
    let title = section.trim_start().lines().next().unwrap_or_default();
    let Some(start) = page.find(&format!("\n{title}\n")) else { return format!("{page}{section}") };
    let end = page[start + 1..].find("\n## ").map_or(page.len(), |next| start + 1 + next);
    format!("{}{section}{}", &page[..start], &page[end..])
}

fn everything() -> Result<String> {
    let machine = Machine::detect()?;
    let python = reference::python()?;
    let target = workspace::target_dir()?;
    process::run(cargo().args(["build", "--release", "--package", "runai-cli"]))?;
    let program = target.join("release").join("runai-step").with_extension(env::consts::EXE_EXTENSION);

    let times = Times(target.join("criterion"));
    let mut rounds = Vec::new();
    for round in 1..=ROUNDS {
        println!("round {round} of {ROUNDS}");
        let reference = reference(&python)?;
        times.measure(&["^body/", "--warm-up-time", "1", "--measurement-time", "2"])?;
        rounds.push(Round { json: times.median("body/json")?, yaml: times.median("body/yaml")?, reference });
    }
    times.measure(&["^(check|cold|mounts)/"])?;
    let memory = memory()?;
    let processes = processes(&program, &python)?;

    let version = process::output(command(&program).arg("--version"))?;
    let mut page = head(&machine, &version, &rounds);
    page += &example(&rounds, &times)?;
    page += &whole_processes(&processes);
    page += &growth(&times, &memory)?;
    page += &memory_of_example(&memory)?;
    page += &following::section(&program)?;
    page += &simulator()?;
    page += &client(&python)?;
    page += &web::bench()?;
    Ok(page)
}

struct Machine {
    cpu: String,
    cores: usize,
    /// Load average of the last minute.
    load: Option<f64>,
    rustc: String,
}

impl Machine {
    fn detect() -> Result<Self> {
        let cpu = fs::read_to_string("/proc/cpuinfo").ok().and_then(|info| {
            let line = info.lines().find(|line| line.starts_with("model name"))?;
            line.split_once(':').map(|(_, model)| model.trim().to_owned())
        });
        let load = fs::read_to_string("/proc/loadavg").ok();
        Ok(Self {
            cpu: cpu.unwrap_or_else(|| env::consts::ARCH.to_owned()),
            cores: thread::available_parallelism()?.get(),
            load: load.and_then(|load| load.split(' ').next()?.parse().ok()),
            rustc: process::output(command(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into())).arg("--version"))?,
        })
    }
}

fn reference(python: &Path) -> Result<Reference> {
    let output = process::output(reference_command(python, "time")?.arg(EXAMPLE))?;
    serde_json::from_str(&output).with_context(|| format!("`{REFERENCE}` printed `{output}`"))
}

fn reference_command(python: &Path, action: &str) -> Result<Command> {
    let mut reference = command(python);
    // Do not use the user's ZenML configuration.
    reference.env("ZENML_CONFIG_PATH", workspace::target_dir()?.join("reference").join("config"));
    reference.args(["-B", REFERENCE, action]);
    Ok(reference)
}

/// Criterion's results: medians in nanoseconds.
struct Times(PathBuf);

impl Times {
    /// Runs the benchmarks that criterion's arguments select.
    fn measure(&self, selection: &[&str]) -> Result<()> {
        let mut bench = cargo();
        bench.env("CRITERION_HOME", &self.0).args(["bench", "--package", "runai-spec", "--bench", "time"]);
        process::run(bench.args(["--", "--noplot", "--quiet"]).args(selection))
    }

    fn median(&self, case: &str) -> Result<f64> {
        let file = self.0.join(case).join("new/estimates.json");
        let text = fs::read_to_string(&file).with_context(|| format!("cannot read `{}`", file.display()))?;
        let estimates: Value = serde_json::from_str(&text)?;
        estimates["median"]["point_estimate"].as_f64().ok_or_else(|| anyhow!("missing median in `{}`", file.display()))
    }
}

/// Times of one round, in nanoseconds.
struct Round {
    json: f64,
    yaml: f64,
    reference: Reference,
}

/// Output of `tests/bench/reference.py`: times in nanoseconds.
#[derive(Deserialize)]
struct Reference {
    /// From a dictionary to the body.
    dict: f64,
    /// From a YAML text to the body.
    yaml: f64,
    versions: BTreeMap<String, String>,
}

/// Memory use for one text, in bytes.
#[derive(Deserialize)]
struct Memory {
    case: String,
    bytes: f64,
    allocations: f64,
    peak: f64,
}

fn memory() -> Result<BTreeMap<String, Memory>> {
    let lines = process::output(cargo().args(["bench", "--quiet", "--package", "runai-spec", "--bench", "memory"]))?;
    let cases = lines.lines().map(|line| {
        let memory: Memory = serde_json::from_str(line).with_context(|| format!("the benchmark printed `{line}`"))?;
        Ok((memory.case.clone(), memory))
    });
    cases.collect()
}

/// Resource usage of processes: times in nanoseconds, memory in bytes.
#[derive(Default)]
pub(crate) struct Usage {
    pub(crate) wall: Vec<f64>,
    pub(crate) cpu: Vec<f64>,
    pub(crate) peak: Vec<f64>,
}

impl Usage {
    pub(crate) fn add(&mut self, program: &Command) -> Result<()> {
        let mut measure = command(env::current_exe()?);
        measure.arg("measure").arg(program.get_program()).args(program.get_args());
        measure.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let usage: Value = serde_json::from_str(&process::output(&mut measure)?)?;
        for (list, key) in [(&mut self.wall, "wall"), (&mut self.cpu, "cpu"), (&mut self.peak, "peak")] {
            list.push(usage[key].as_f64().ok_or_else(|| anyhow!("missing `{key}` in the output of `measure`"))?);
        }
        Ok(())
    }
}

/// Runs the program and the reference implementation alternately.
fn processes(program: &Path, python: &Path) -> Result<[Usage; 2]> {
    println!("running {PAIRS} pairs of processes");
    let mut check = command(program);
    check.args(["check", EXAMPLE]);
    let mut validate = reference_command(python, "check")?;
    validate.arg(EXAMPLE);
    let (mut core, mut reference) = (Usage::default(), Usage::default());
    // Warm the file system cache.
    Usage::default().add(&check)?;
    Usage::default().add(&validate)?;
    for _ in 0..PAIRS {
        core.add(&check)?;
        reference.add(&validate)?;
    }
    Ok([core, reference])
}

/// Runs a program and prints its wall time and CPU time in nanoseconds and its peak memory in bytes.
///
/// A separate process, because the system only reports the highest peak of all children.
#[cfg(unix)]
pub(crate) fn measure(program: &Measure) -> Result<()> {
    use nix::sys::{
        resource::{UsageWho, getrusage},
        time::TimeValLike as _,
    };

    let Some((name, args)) = program.command.split_first() else { bail!("missing program") };
    let start = Instant::now();
    let mut child = Command::new(name);
    let status = child.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    let wall = u64::try_from(start.elapsed().as_nanos())?;
    if !status.success() {
        bail!("`{}` failed with {status}", name.display());
    }
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let cpu = (usage.user_time() + usage.system_time()).num_nanoseconds();
    let unit = if cfg!(target_vendor = "apple") { 1 } else { 1024 };
    println!("{}", json!({"wall": wall, "cpu": cpu, "peak": usage.max_rss() * unit}));
    Ok(())
}

/// Other systems have no safe API for a child's resource usage.
#[cfg(not(unix))]
pub(crate) fn measure(_: &Measure) -> Result<()> {
    bail!("processes can be measured only on Unix")
}

fn head(machine: &Machine, version: &str, rounds: &[Round]) -> String {
    let Machine { cpu, cores, rustc, .. } = machine;
    let load = machine.load.map_or_else(String::new, |load| {
        let shared = if load >= 1.0 { "shared with other work: " } else { "" };
        format!(", {shared}load average {load:.1} at the start")
    });
    let versions = rounds.first().into_iter().flat_map(|round| &round.reference.versions);
    let versions: Vec<_> = versions.map(|(name, version)| format!("{name} {version}")).collect();
    format!(
        "# Benchmarks

`cargo xtask bench --write` generates this page. Figures are medians. Compare them only with figures of this page, not with
those of another machine.

* Machine: {cpu}, {cores} cores{load}
* Core: {version}, {rustc}, release profile
* Reference: {}
",
        versions.join(", ")
    )
}

fn example(rounds: &[Round], times: &Times) -> Result<String> {
    let of = |figure: &dyn Fn(&Round) -> f64| median(&rounds.iter().map(figure).collect::<Vec<_>>());
    let [json, yaml, dict, reference_yaml] = [
        of(&|round| round.json),
        of(&|round| round.yaml),
        of(&|round| round.reference.dict),
        of(&|round| round.reference.yaml),
    ]
    .map(duration);
    let times_json = of(&|round| round.reference.dict / round.json);
    let times_yaml = of(&|round| round.reference.yaml / round.yaml);
    let mut page = format!(
        "
## From text to body

One step with most settings ([`{EXAMPLE}`](../{EXAMPLE})), repeatedly in one process. Core and
ZenML alternated for {ROUNDS} rounds. ZenML's time includes its settings class, its building of the request, and `to_json`.

| core | time | ZenML | time | speedup |
|---|--:|---|--:|--:|
| JSON text to body | {json} | dict to body | {dict} | {times_json:.1} |
| YAML text to body | {yaml} | YAML text (PyYAML's `CSafeLoader`) to body | {reference_yaml} | {times_yaml:.1} |
"
    );
    for (case, name) in [
        ("body/toml", "TOML text to body"),
        ("check/json", "check of a JSON text"),
        ("check/yaml", "check of a YAML text"),
        ("check/toml", "check of a TOML text"),
        ("cold/json", "JSON text to body, first in a process"),
    ] {
        writeln!(page, "| {name} | {} | | | |", duration(times.median(case)?))?;
    }
    Ok(page)
}

fn whole_processes([core, reference]: &[Usage; 2]) -> String {
    let row = |name: &str, show: fn(f64) -> String, figures: fn(&Usage) -> &[f64]| {
        let ratios: Vec<_> = figures(core).iter().zip(figures(reference)).map(|(own, other)| other / own).collect();
        let [own, other] = [core, reference].map(|usage| show(median(figures(usage))));
        format!("| {name} | {own} | {other} | {:.0} |\n", median(&ratios))
    };
    format!(
        "
## Whole processes

`runai-step check` of that file, and a Python process that imports ZenML's settings class, reads the file and validates
it, {PAIRS} times each.

| | `runai-step check` | ZenML | ratio |
|---|--:|--:|--:|
{}{}{}",
        row("wall time", duration, |usage| &usage.wall),
        row("CPU time", duration, |usage| &usage.cpu),
        row("peak memory", size, |usage| &usage.peak),
    )
}

fn growth(times: &Times, memory: &BTreeMap<String, Memory>) -> Result<String> {
    let mut page = String::from(
        "
## Growth

YAML text to body for a step with many mounts.

| mounts | text size | time | per mount | peak memory | memory / text | allocations per mount |
|--:|--:|--:|--:|--:|--:|--:|
",
    );
    for count in [10, 100, 1_000, 10_000_u32] {
        let case = format!("mounts/{count}");
        let time = times.median(&case)?;
        let memory = memory.get(&case).context("missing mounts in the output of `memory`")?;
        writeln!(
            page,
            "| {count} | {} | {} | {} | {} | {:.1} | {:.0} |",
            size(memory.bytes),
            duration(time),
            duration(time / f64::from(count)),
            size(memory.peak),
            memory.peak / memory.bytes,
            memory.allocations / f64::from(count),
        )?;
    }
    Ok(page)
}

fn memory_of_example(memory: &BTreeMap<String, Memory>) -> Result<String> {
    let mut page = String::from(
        "
## Memory of the example

| text | size | peak memory | memory / text | allocations |
|---|--:|--:|--:|--:|
",
    );
    for (case, name) in [("body/json", "JSON"), ("body/yaml", "YAML"), ("body/toml", "TOML")] {
        let Memory { bytes, peak, allocations, .. } =
            memory.get(case).context("missing texts in the output of `memory`")?;
        writeln!(page, "| {name} | {} | {} | {:.1} | {allocations} |", size(*bytes), size(*peak), peak / bytes)?;
    }
    Ok(page)
}

/// Runs the simulator's benchmark and returns its section.
fn simulator() -> Result<String> {
    let output = process::output(cargo().args(["bench", "--quiet", "--package", "runai-sim", "--bench", "load"]))?;
    let mut page = String::from(
        "
## The simulator

The simulator runs 10,000 workloads; client and server share the cores.

| | |
|---|--:|
",
    );
    for line in output.lines() {
        let figure: Figure = serde_json::from_str(line).with_context(|| format!("`load` printed `{line}`"))?;
        let name = &figure.figure;
        match figure.value {
            FigureValue::Each { workloads, micros_each } => {
                writeln!(page, "| {name}, {workloads} workloads | {micros_each} µs each |")?;
            }
            FigureValue::Latency { per_second, p50_micros, p99_micros } => {
                let [p50, p99] = [p50_micros, p99_micros].map(|micros| duration(micros * 1e3));
                writeln!(page, "| {name}, {per_second} per second | p50 {p50}, p99 {p99} |")?;
            }
            FigureValue::Memory { megabytes } => writeln!(page, "| {name} | {megabytes} MB |")?,
        }
    }
    Ok(page)
}

/// One line of the simulator's benchmark.
#[derive(Deserialize)]
struct Figure {
    figure: String,
    #[serde(flatten)]
    value: FigureValue,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum FigureValue {
    Each { workloads: u64, micros_each: f64 },
    Latency { per_second: f64, p50_micros: f64, p99_micros: f64 },
    Memory { megabytes: f64 },
}

/// Runs the client's benchmark and returns its section.
fn client(python: &Path) -> Result<String> {
    println!("waiting for 10000 workloads for 90 s");
    let mut bench = cargo();
    bench.args(["bench", "--quiet", "--package", "runai-client", "--bench", "fleet"]);
    let output = process::output(bench.env("RUNAI_PEER_PYTHON", python))?;
    client_section(&output)
}

fn client_section(output: &str) -> Result<String> {
    let line = |line: &str| serde_json::from_str(line).with_context(|| format!("`fleet` printed `{line}`"));
    let figures: BTreeMap<String, Value> = output
        .lines()
        .map(|text| {
            let figure: Value = line(text)?;
            Ok((figure["figure"].as_str().unwrap_or_default().to_owned(), figure))
        })
        .collect::<Result<_>>()?;
    let of = |figure: &str, key: &str| {
        let value = figures.get(figure).and_then(|it| it[key].as_f64());
        value.ok_or_else(|| anyhow!("missing `{key}` of `{figure}` in the output of `fleet`"))
    };
    let (own, runapy) = (of("submissions", "per_second")?, of("submissions by runapy", "per_second")?);
    let (list, single) = ("fleet", "one poll for each, once");
    let intervals = of(list, "seconds")? / 30.0;
    Ok(format!(
        "
## The client

{} workloads in the simulator, a separate process on the same cores, over sockets.

| submissions, {} concurrent | per second |
|---|--:|
| runai-client | {own:.0} |
| runapy, same number of threads | {runapy:.0} |
| speedup | {:.1} |

| waiting for {} workloads, per 30 s | one fleet | one poll per workload |
|---|--:|--:|
| requests | {:.0} | {:.0} |
| CPU time | {} | {} |

The waiting process uses {} MB of memory, of which {} MB were in use before the wait.
",
        of("submissions", "count")?,
        of("submissions", "at_once")?,
        own / runapy,
        of(list, "workloads")?,
        of(list, "requests_per_30s")?,
        of(single, "requests")?,
        duration(of(list, "cpu_seconds")? / intervals * 1e9),
        duration(of(single, "cpu_seconds")? * 1e9),
        of(list, "rss_mb")?,
        of(list, "rss_mb_before")?,
    ))
}

pub(crate) fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Formats nanoseconds with a suitable unit.
pub(crate) fn duration(nanos: f64) -> String {
    match nanos {
        ..1e4 => format!("{:.1} µs", nanos / 1e3),
        ..1e6 => format!("{:.0} µs", nanos / 1e3),
        ..1e7 => format!("{:.1} ms", nanos / 1e6),
        ..1e9 => format!("{:.0} ms", nanos / 1e6),
        _ => format!("{:.1} s", nanos / 1e9),
    }
}

/// Formats bytes with a suitable unit.
pub(crate) fn size(bytes: f64) -> String {
    match bytes {
        ..1e4 => format!("{:.1} kB", bytes / 1e3),
        ..1e6 => format!("{:.0} kB", bytes / 1e3),
        _ => format!("{:.1} MB", bytes / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_figures() {
        assert_eq!([12.4e3, 999.0, 2.56e6, 3.1e9].map(duration), ["12 µs", "1.0 µs", "2.6 ms", "3.1 s"]);
        assert_eq!([1_660.0, 26_165.0, 14_346_317.0].map(size), ["1.7 kB", "26 kB", "14.3 MB"]);
    }

    #[test]
    fn names_missing_figure() {
        let lines = [
            json!({"figure": "submissions", "count": 10_000, "at_once": 50, "per_second": 3000.0}),
            json!({"figure": "submissions by runapy", "per_second": 300.0}),
            json!({
                "figure": "fleet", "workloads": 10_000, "seconds": 90, "requests_per_30s": 66.6, "cpu_seconds": 3.0,
                "rss_mb": 40, "rss_mb_before": 30
            }),
            json!({"figure": "one poll for each, once", "requests": 10_000, "cpu_seconds": 6.0}),
        ]
        .map(|line| line.to_string());
        let page = client_section(&lines.join("\n")).unwrap();
        assert!(page.contains("| speedup | 10.0 |") && page.contains("| CPU time | 1.0 s | 6.0 s |"), "{page}");
        let error = client_section(&lines[..2].join("\n")).unwrap_err();
        assert!(error.to_string().contains("`fleet`"), "{error}");
    }

    #[test]
    fn replaces_section() {
        let page = "# Title\n\n## One\n\nold\n\n## Two\n\ntwo\n";
        assert_eq!(replace_section(page, "\n## One\n\nnew\n"), "# Title\n\n## One\n\nnew\n\n## Two\n\ntwo\n");
        assert_eq!(replace_section(page, "\n## Two\n\nnew\n"), "# Title\n\n## One\n\nold\n\n## Two\n\nnew\n");
        assert_eq!(replace_section(page, "\n## New\n\n3\n"), format!("{page}\n## New\n\n3\n"));
    }

    #[test]
    fn median_ignores_outliers() {
        assert_eq!(median(&[1.0, 900.0, 2.0]).to_string(), "2");
    }
}
