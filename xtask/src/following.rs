//! Benchmarks the program's start and waiting for many workloads, as part of `cargo xtask bench`.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::{
    bench::{self, Usage},
    process::{self, command},
    workspace,
};

const WORKLOADS: usize = 1_000;
/// Duration of each workload in seconds.
const RUNNING: u32 = 60;
const STARTS: usize = 15;

/// A scenario with one node that fits all workloads.
const SCENARIO: &str = "[[nodes]]\nname = \"large\"\ncpuCores = 10000\nmemory = \"100000Gi\"\n";
const STEP: &str =
    "image: a\ncommand: [b]\nsettings: {gpu_devices_request: 0, cpu_core_request: 0.1, cpu_memory_request: 1M}\n";

/// A simulator process that is killed on drop.
struct Simulator(Child);

impl Drop for Simulator {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The simulator's address and credentials.
#[derive(Deserialize)]
struct Connection {
    base_url: String,
    client_id: String,
    client_secret: String,
    project: String,
}

/// Runs the benchmark and returns its section of the page.
pub(crate) fn section(program: &Path) -> Result<String> {
    let mut start = Usage::default();
    for _ in 0..STARTS {
        start.add(command(program).arg("--help"))?;
    }
    let follow = follow(program)?;
    let share = follow.cpu[0] / follow.wall[0] * 100.0;
    Ok(format!(
        "
## The program

`runai-step --help`, run {STARTS} times, and `runai-step wait` for {WORKLOADS} workloads that run for {RUNNING} s in the simulator.

| | wall time | CPU time | peak memory |
|---|--:|--:|--:|
| `--help` | {} | {} | {} |
| `wait`, {WORKLOADS} workloads | {} | {} ({share:.1} % of a core) | {} |
",
        bench::duration(bench::median(&start.wall)),
        bench::duration(bench::median(&start.cpu)),
        bench::size(bench::median(&start.peak)),
        bench::duration(follow.wall[0]),
        bench::duration(follow.cpu[0]),
        bench::size(follow.peak[0]),
    ))
}

fn follow(program: &Path) -> Result<Usage> {
    println!("waiting for {WORKLOADS} workloads");
    let folder = workspace::target_dir()?.join("bench");
    workspace::remove_folder(&folder)?;
    fs::create_dir_all(&folder).with_context(|| format!("cannot create `{}`", folder.display()))?;
    fs::write(folder.join("scenario.toml"), SCENARIO)?;
    fs::write(folder.join("step.yaml"), STEP)?;
    let mut simulate = command(program);
    simulate.arg("simulate").arg("--scenario").arg(folder.join("scenario.toml"));
    let child = simulate.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().context("cannot start the simulator")?;
    let mut simulator = Simulator(child);
    let mut line = String::new();
    BufReader::new(simulator.0.stdout.take().context("no output from the simulator")?).read_line(&mut line)?;
    let connection: Connection =
        serde_json::from_str(&line).with_context(|| format!("the simulator printed `{line}`"))?;
    let connected = |mut command: Command| {
        command
            .env("RUNAI_BASE_URL", &connection.base_url)
            .env("RUNAI_CLIENT_ID", &connection.client_id)
            .env("RUNAI_CLIENT_SECRET", &connection.client_secret)
            .env("RUNAI_PROJECT_NAME", &connection.project)
            // Keep receipts of this run out of the user's folder.
            .env("XDG_STATE_HOME", &folder);
        command
    };
    let mut submit = connected(command(program));
    submit.args(["submit", "--quiet", "--jobs", "50", "--set", &format!("environment.RUNAI_SIM_RUNNING={RUNNING}")]);
    submit.args(std::iter::repeat_n(folder.join("step.yaml"), WORKLOADS));
    let ids = process::output(&mut submit)?;
    let mut wait = connected(command(program));
    wait.args(["wait", "--quiet"]).args(ids.lines());
    let mut usage = Usage::default();
    usage.add(&wait)?;
    Ok(usage)
}
