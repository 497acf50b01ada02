//! `runai-step simulate`

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use runai_sim::{Exec, Output, Scenario, Simulator, StartError, Stream};
use serde::Serialize;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::UnboundedReceiver;

use crate::args::SimulateArgs;
use crate::exit::Exit;
use crate::interrupts::Hangup;
use crate::output;

/// Serves a simulated control plane until it is stopped.
pub(crate) fn simulate(args: &SimulateArgs) -> Exit {
    let scenario = match args.scenario.as_deref().map(scenario).transpose() {
        Ok(scenario) => scenario.unwrap_or_default(),
        Err(problem) => return output::usage(&problem),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(problem) => return output::usage(&format!("cannot start: {problem}")),
    };
    runtime.block_on(serve(args, scenario))
}

/// What programs read from standard output to reach it.
#[derive(Serialize)]
struct Reached<'a> {
    base_url: &'a str,
    client_id: &'a str,
    client_secret: &'a str,
    project: &'a str,
    cluster: &'a str,
}

async fn serve(args: &SimulateArgs, scenario: Scenario) -> Exit {
    let address = SocketAddr::new(args.host, args.port);
    let mut builder = Simulator::builder().bind(address).speed(args.speed).scenario(scenario);
    if args.strict {
        builder = builder.strict(true);
    }
    if args.exec {
        builder = builder.exec(Exec::in_directory(".").inherit_env(args.inherit_env));
    }
    let simulator = match builder.start().await {
        Ok(simulator) => simulator,
        Err(problem @ StartError::AddressInUse { .. }) => {
            return output::usage(&format!("{problem}\nhint: choose another one with `--port`, or leave it out"));
        }
        Err(problem) => return output::usage(&described(&problem)),
    };
    if !args.host.is_loopback() {
        let what = if args.exec { "use it and run commands here" } else { "use it" };
        output::say(&format!("listens on {}: everyone who reaches this machine can {what}", args.host));
    }
    let lines = simulator.take_output();
    // Before anyone can know that it serves, and so end it.
    let mut stop = match Stop::listen() {
        Ok(stop) => stop,
        Err(problem) => return output::usage(&format!("cannot listen for the signals that stop it: {problem}")),
    };
    let reached = Reached {
        base_url: simulator.base_url(),
        client_id: simulator.client_id(),
        client_secret: simulator.client_secret(),
        project: simulator.project(),
        cluster: simulator.cluster(),
    };
    if output::json(&reached).is_err() {
        // Nobody would know where it is.
        simulator.stop().await;
        return Exit::Usage;
    }
    output::say(&format!("look at it at {} · Ctrl-C stops it", simulator.page_url()));
    let printer = lines.map(|lines| tokio::spawn(print(lines)));
    stop.asked().await;
    let mounts = simulator.mounts();
    simulator.stop().await;
    if let Some(printer) = printer {
        // The last lines of commands that were ended; one that keeps its pipe open is not waited for.
        let _ = tokio::time::timeout(LAST_LINES, printer).await;
    }
    if let Some(mounts) = mounts {
        output::say(&format!("volumes are kept under {}", mounts.display()));
    }
    Exit::Success
}

/// The signals that stop it: Ctrl-C, Ctrl-\, the end of its terminal, and that of other programs.
struct Stop {
    hangup: Hangup,
    interrupt: Signal,
    terminate: Signal,
}

impl Stop {
    fn listen() -> io::Result<Self> {
        Ok(Self {
            hangup: Hangup::listen(),
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn asked(&mut self) {
        tokio::select! {
            () = self.hangup.next() => {}
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

fn scenario(path: &Path) -> Result<Scenario, String> {
    let text = std::fs::read_to_string(path).map_err(|problem| format!("cannot read {}: {problem}", path.display()))?;
    let is_toml = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("toml"));
    let scenario = if is_toml { Scenario::from_toml(&text) } else { Scenario::from_json(&text) };
    scenario.map_err(|problem| format!("{}: {problem}", path.display()))
}

fn described(problem: &StartError) -> String {
    match std::error::Error::source(problem) {
        Some(source) => format!("{problem}: {source}"),
        None => problem.to_string(),
    }
}

/// Standard output is for the one line: what commands print goes to standard error, with the name of the workload.
async fn print(mut lines: UnboundedReceiver<Output>) {
    while let Some(Output { workload, stream, line }) = lines.recv().await {
        let mark = if stream == Stream::Stderr { "!" } else { "|" };
        let _ = writeln!(anstream::stderr(), "{workload} {mark} {line}");
    }
}

const LAST_LINES: Duration = Duration::from_secs(1);
