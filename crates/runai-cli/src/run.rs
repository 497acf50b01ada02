//! `runai-step run`

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use runai_client::{Client, Error, Event, StepOperator, Watch};
use runai_sim::{Exec, Output, Simulator, Stream};
use runai_spec::name::SubmissionId;
use runai_spec::settings::OperatorSettings;
use runai_spec::wait::{Outcome, StopReason, WaitPolicy};
use runai_spec::wire::TrainingCreationRequest;
use runai_spec::{Context, Step};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::UnboundedReceiver;

use crate::args::RunArgs;
use crate::exit::Exit;
use crate::output;
use crate::sources::with_step;

/// Longest time between two looks at a local run: nobody else is kept busy by them.
const LOCAL_INTERVAL: Duration = Duration::from_millis(100);

/// Runs a step on a simulated control plane and follows it to its end.
pub(crate) fn run(args: &RunArgs) -> Exit {
    with_step(&args.file, &args.sources, args.step.as_deref(), |resolution, step| {
        if step.image().is_none() || step.command().is_none() {
            return output::usage(
                "the file does not say what to run\nhint: write a step file, with `image` and `command` beside the settings",
            );
        }
        let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
            Ok(runtime) => runtime,
            Err(problem) => return output::usage(&format!("cannot start: {problem}")),
        };
        let operator = resolution.operator().cloned().unwrap_or_default();
        runtime.block_on(local(step, &operator, args.name.clone(), &folder(&args.file)))
    })
}

/// The folder that the file is in; the working directory for standard input.
fn folder(file: &Path) -> PathBuf {
    let parent = if file == Path::new("-") { None } else { file.parent() };
    parent.filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned()
}

async fn local(step: &Step, operator: &OperatorSettings, name: Option<String>, folder: &Path) -> Exit {
    let simulator = match Simulator::builder().exec(Exec::in_directory(folder)).start().await {
        Ok(simulator) => simulator,
        Err(problem) => return output::usage(&format!("cannot simulate a control plane: {problem}")),
    };
    say(&format!("simulated control plane at {}", simulator.base_url()));
    let output = simulator.take_output();
    let end = submit_and_follow(step, operator, name, &simulator, output).await;
    if let Some(mounts) = simulator.mounts() {
        say(&format!("volumes are folders under {}", mounts.display()));
    }
    match end {
        Ok(Some(outcome)) => {
            simulator.stop().await;
            outcome.into()
        }
        Ok(None) => {
            simulator.kill().await;
            Exit::Interrupted
        }
        Err(error) => {
            simulator.stop().await;
            refuse(&error)
        }
    }
}

/// How the workload ended; nothing, if the user left before it had.
async fn submit_and_follow(
    step: &Step,
    settings: &OperatorSettings,
    name: Option<String>,
    simulator: &Simulator,
    output: Option<UnboundedReceiver<Output>>,
) -> Result<Option<Outcome>, Error> {
    let client = Client::builder(simulator.base_url())
        .credentials(simulator.client_id(), simulator.client_secret().to_owned())
        .build()?;
    let operator = StepOperator::new(client, simulator.project());
    let placement = operator.prepare().await?;
    let context = Context {
        name,
        project_id: Some(placement.project_id),
        cluster_id: Some(placement.cluster_id),
        ..Context::default()
    };
    let submission = SubmissionId::new(&placement.project_name, &uuid::Uuid::new_v4().to_string());
    let request: TrainingCreationRequest = step.render(&context, Some(&submission));
    let began = Instant::now();
    let submitted = operator.submit(&request).await?;
    say(&format!("submitted {} to project {}", submitted.name, placement.project_name));
    let mut watch = operator.watch(&submitted.workload_id, policy(step, settings));
    let Some(outcome) = follow(&mut watch, output).await? else { return Ok(None) };
    let why = operator.status(&submitted.workload_id).await.ok().and_then(|workload| workload.phase_message);
    say(&sum_up(&submitted.name, outcome, began.elapsed(), why.as_deref()));
    Ok(Some(outcome))
}

fn policy(step: &Step, operator: &OperatorSettings) -> WaitPolicy {
    let seconds =
        |seconds: Option<i64>| seconds.and_then(|seconds| u64::try_from(seconds).ok()).map(Duration::from_secs);
    let interval = Duration::try_from_secs_f64(operator.monitoring_interval).unwrap_or(LOCAL_INTERVAL);
    WaitPolicy {
        pending_timeout: seconds(step.settings().pending_timeout),
        workload_timeout: seconds(step.settings().workload_timeout),
        delete_on_failure: operator.delete_on_failure,
        monitoring_interval: interval.min(LOCAL_INTERVAL),
    }
}

/// Shows phases and output until the end. Ctrl-C stops the workload; a second one leaves at once, without an outcome.
async fn follow(watch: &mut Watch, output: Option<UnboundedReceiver<Output>>) -> Result<Option<Outcome>, Error> {
    let mut output = output;
    let mut signals = Signals::listen();
    let mut interrupted = false;
    loop {
        tokio::select! {
            biased;
            line = next_line(&mut output) => match line {
                Some(line) => print(&line),
                None => output = None,
            },
            () = signals.next() => {
                if interrupted {
                    say("left before the workload had stopped; its command is killed");
                    return Ok(None);
                }
                interrupted = true;
                watch.cancel();
            }
            event = watch.next() => match event? {
                Some(event) => show(&event),
                None => break,
            },
        }
    }
    while let Some(Ok(line)) = output.as_mut().map(UnboundedReceiver::try_recv) {
        print(&line);
    }
    Ok(watch.outcome())
}

/// The next line of output; never, once there will be none.
async fn next_line(output: &mut Option<UnboundedReceiver<Output>>) -> Option<Output> {
    match output {
        Some(output) => output.recv().await,
        None => std::future::pending().await,
    }
}

/// Ctrl-C, and the signal with which other programs end this one. Listened to all the time, so that none is missed.
struct Signals {
    interrupt: Option<Signal>,
    terminate: Option<Signal>,
}

impl Signals {
    fn listen() -> Self {
        Self { interrupt: signal(SignalKind::interrupt()).ok(), terminate: signal(SignalKind::terminate()).ok() }
    }

    /// The next one; never, where none can be listened to.
    async fn next(&mut self) {
        async fn received(signal: &mut Option<Signal>) {
            if let Some(signal) = signal
                && signal.recv().await.is_some()
            {
                return;
            }
            std::future::pending::<()>().await;
        }
        tokio::select! {
            () = received(&mut self.interrupt) => {}
            () = received(&mut self.terminate) => {}
        }
    }
}

fn show(event: &Event) {
    match event {
        Event::CleanupFailed { error } => say(&format!("could not delete the workload: {error}")),
        Event::Deleting { .. } => say("deleting the workload, as `delete_on_failure` asks"),
        Event::OutageBegan { error } => {
            say(&format!("lost sight of the control plane ({error}); the workload goes on"));
        }
        Event::OutageEnded { lasted } => say(&format!("the control plane is back after {:.0} s", lasted.as_secs_f64())),
        Event::Phase { phase, .. } => say(phase),
        Event::Suspending { why: StopReason::Cancelled } => {
            say("interrupted: suspending the workload; Ctrl-C again leaves at once");
        }
        Event::Suspending { why: StopReason::PendingTimeout } => {
            say("suspending the workload, which was queued longer than `pending_timeout`");
        }
        Event::Suspending { why: StopReason::WorkloadTimeout } => {
            say("suspending the workload, which ran longer than `workload_timeout`");
        }
        Event::Waiting { reason } => say(&format!("waiting: {reason}")),
        // The end is summed up with what is known about it.
        _ => {}
    }
}

fn sum_up(name: &str, outcome: Outcome, took: Duration, why: Option<&str>) -> String {
    let how = match outcome {
        Outcome::Cancelled => "was suspended".to_owned(),
        Outcome::Failed => match why.filter(|why| !why.is_empty()) {
            Some(why) => format!("failed: {why}"),
            None => "failed".to_owned(),
        },
        Outcome::PendingTimeout => "was queued too long and is suspended".to_owned(),
        Outcome::Stopped => "was stopped by someone else".to_owned(),
        Outcome::Succeeded => "succeeded".to_owned(),
        Outcome::Vanished => "vanished".to_owned(),
        Outcome::WorkloadTimeout => "ran too long and is suspended".to_owned(),
    };
    format!("{name} {how} ({:.1} s)", took.as_secs_f64())
}

fn refuse(error: &Error) -> Exit {
    match error.hint() {
        Some(hint) => output::error(&format!("{error}\nhint: {hint}")),
        None => output::error(&error.to_string()),
    }
    error.into()
}

fn print(line: &Output) {
    let _ = match line.stream {
        Stream::Stdout => output::line(&line.line),
        Stream::Stderr => writeln!(anstream::stderr(), "{}", line.line),
    };
}

/// Says on standard error how it goes.
fn say(text: &str) {
    let _ = writeln!(anstream::stderr(), "· {text}");
}
