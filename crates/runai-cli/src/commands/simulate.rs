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
        Err(problem) => return output::usage(&format!("cannot start the async runtime: {problem}")),
    };
    runtime.block_on(serve(args, scenario))
}

/// The line on stdout with which programs connect.
#[derive(Serialize)]
struct ConnectionInfo<'a> {
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
            return output::usage(&format!("{problem}\nhint: choose another port with `--port`, or omit `--port`"));
        }
        Err(problem) => return output::usage(&with_cause(&problem)),
    };
    if !args.host.is_loopback() {
        let what = if args.exec { "use it and run commands on this machine" } else { "use it" };
        output::status(&format!("listening on {}: everyone who reaches this address can {what}", args.host));
    }
    let lines = simulator.take_output();
    // Listen before the address is printed, so that no signal is missed.
    let mut stop = match Stop::listen() {
        Ok(stop) => stop,
        Err(problem) => return output::usage(&format!("cannot listen for signals: {problem}")),
    };
    let info = ConnectionInfo {
        base_url: simulator.base_url(),
        client_id: simulator.client_id(),
        client_secret: simulator.client_secret(),
        project: simulator.project(),
        cluster: simulator.cluster(),
    };
    if output::json(&info).is_err() {
        // Nobody can connect without the address.
        simulator.stop().await;
        return Exit::Usage;
    }
    output::status(&format!("page: {} (Ctrl-C stops the simulator)", simulator.page_url()));
    let printer = lines.map(|lines| tokio::spawn(print_output(lines)));
    stop.requested().await;
    let mounts = simulator.mounts();
    simulator.stop().await;
    if let Some(printer) = printer {
        // Print the last lines of killed commands, even if one keeps its pipe open.
        let _ = tokio::time::timeout(OUTPUT_TIMEOUT, printer).await;
    }
    if let Some(mounts) = mounts {
        output::status(&format!("mounted volumes are kept under {}", mounts.display()));
    }
    Exit::Success
}

/// The signals that stop the simulator: SIGINT, SIGQUIT, SIGHUP and SIGTERM.
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

    async fn requested(&mut self) {
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

fn with_cause(problem: &StartError) -> String {
    match std::error::Error::source(problem) {
        Some(source) => format!("{problem}: {source}"),
        None => problem.to_string(),
    }
}

/// Prints the output of commands to stderr, prefixed with the workload name. Stdout is for the connection line only.
async fn print_output(mut lines: UnboundedReceiver<Output>) {
    while let Some(Output { workload, stream, line }) = lines.recv().await {
        let mark = if stream == Stream::Stderr { "!" } else { "|" };
        let _ = writeln!(anstream::stderr(), "{workload} {mark} {line}");
    }
}

const OUTPUT_TIMEOUT: Duration = Duration::from_secs(1);
