//! `runai-step run` and `runai-step submit`: submit steps and wait for their end.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use runai_api::Submission;
use runai_client::lifecycle::WaitPolicy;
use runai_client::{Client, Error, Placement, Receipt, StepOperator, SubmitEvent, Submitted};
use runai_sim::{Exec, Output, Simulator};
use runai_spec::Report;
use runai_spec::setting_of;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::args::{LaunchArgs, ResultFormat, RunArgs, SubmitArgs};
use crate::commands::orphans;
use crate::commands::steps::{LaunchStep, Steps, folder};
use crate::config::connect::{self, Connection};
use crate::config::input::Input;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::interrupts::{Hangup, Interrupts};
use crate::output::secrets::scrub;
use crate::output::{self, CheckedFile};
use crate::progress::{Rejection, Reporter, TerminalReporter};
use crate::runtime::block_on;
use crate::tracking::{OnInterrupt, Plan, Source, Target, Tracked, Tracker};

/// Longest interval between two polls of a local run, whose server has no other clients.
const LOCAL_INTERVAL: Duration = Duration::from_millis(100);

/// `runai-step run`
pub(crate) fn run(args: &RunArgs) -> Result<Exit, Failure> {
    let steps = Steps::read(&args.launch, args.local)?;
    let jobs = args.jobs.map_or(usize::MAX, usize::from);
    let plan = Plan {
        max_starting: jobs,
        max_active: jobs,
        follow: !args.detach,
        on_interrupt: args.on_interrupt,
        summarize: true,
        resume_cancel: false,
    };
    block_on(async {
        let mut interrupts = Interrupts::listen();
        if args.local {
            return local(steps, plan, args, &mut interrupts).await;
        }
        remote(steps, plan, &args.launch, &mut interrupts).await
    })
}

/// `runai-step submit`
pub(crate) fn submit(args: &SubmitArgs) -> Result<Exit, Failure> {
    let steps = Steps::read(&args.launch, false)?;
    let jobs = usize::from(args.jobs);
    let plan = Plan {
        max_starting: jobs,
        max_active: jobs,
        follow: args.wait,
        on_interrupt: OnInterrupt::Leave,
        summarize: true,
        resume_cancel: false,
    };
    block_on(async { remote(steps, plan, &args.launch, &mut Interrupts::listen()).await })
}

/// Consequence of an interrupt before the first submission.
const NOTHING_SUBMITTED: &str = "nothing was submitted";

async fn remote(steps: Steps, plan: Plan, args: &LaunchArgs, interrupts: &mut Interrupts) -> Result<Exit, Failure> {
    let Steps { mut all, settings, operator_file } = steps;
    let connection = Connection::new(settings, operator_file.as_ref(), &args.connect)?.settle_time(args.settle_time);
    let placement = interrupts.guard(connection.placement(), NOTHING_SUBMITTED).await?;
    if args.dry_run {
        return Ok(dry_run(&all, args.format, &placement, &connection.operator));
    }
    let mut reporter = TerminalReporter::new(args.format, all.len() > 1);
    orphans::resume(&mut all, &connection.operator, &placement, interrupts, &mut reporter).await?;
    let launch = Launch::new(all, connection, placement);
    let tracked = launch.drive(plan, interrupts, &mut reporter, None).await;
    reporter.close();
    Ok(tracked.exit)
}

/// Runs steps on a simulator that runs their commands as local processes.
async fn local(steps: Steps, plan: Plan, args: &RunArgs, interrupts: &mut Interrupts) -> Result<Exit, Failure> {
    let mut hangup = Hangup::listen();
    let format = args.launch.format;
    let exec = Exec::in_directory(folder(&args.launch.files)?).inherit_env(args.inherit_env);
    let simulator = Simulator::builder()
        .exec(exec)
        .start()
        .await
        .map_err(|problem| Failure::usage(format!("cannot start the simulator: {problem}")))?;
    let mut reporter = TerminalReporter::new(format, steps.all.len() > 1);
    reporter.status(&format!("simulated control plane at {}", simulator.base_url()));
    let client = Client::builder(simulator.base_url())
        .credentials(simulator.client_id(), simulator.client_secret().to_owned())
        .build()?;
    let connection = Connection::local(client, simulator.project(), steps.settings);
    let placement = interrupts.guard(connection.placement(), NOTHING_SUBMITTED).await?;
    if args.launch.dry_run {
        let exit = dry_run(&steps.all, format, &placement, &connection.operator);
        simulator.stop().await;
        return Ok(exit);
    }
    let launch = Launch::new(steps.all, connection, placement);
    let drive = launch.drive(plan, interrupts, &mut reporter, simulator.take_output());
    let (exit, left) = tokio::select! {
        Tracked { exit, left, .. } = drive => (exit, left),
        () = hangup.next() => (Exit::Interrupted, true),
    };
    if let Some(mounts) = simulator.mounts() {
        reporter.status(&format!("mounted volumes are folders under {}", mounts.display()));
    }
    reporter.close();
    if left {
        output::status("interrupted before the workload stopped; its command is killed");
        simulator.kill().await;
    } else {
        simulator.stop().await;
    }
    Ok(exit)
}

/// Prints the requests without sending them.
fn dry_run(steps: &[LaunchStep], format: ResultFormat, placement: &Placement, operator: &StepOperator) -> Exit {
    let base_url = operator.client().base_url();
    for step in steps {
        let (submission, _) = step.submission(operator, placement);
        let request = submission.request();
        let printed = match format {
            ResultFormat::Human => output::line(&request.to_curl(Some(base_url))),
            format => output::item(format, &request),
        };
        if printed.is_err() {
            return output::exit_of(&printed);
        }
    }
    Exit::Success
}

/// Steps and the control plane that they are submitted to.
pub(crate) struct Launch {
    steps: Vec<Arc<LaunchStep>>,
    connection: Connection,
    placement: Placement,
    /// Receives the events of submissions.
    submit_events: Option<UnboundedSender<SubmitEvent>>,
}

impl Launch {
    pub(crate) fn new(steps: Vec<LaunchStep>, connection: Connection, placement: Placement) -> Self {
        let steps = steps.into_iter().map(Arc::new).collect();
        Self { steps, connection, placement, submit_events: None }
    }

    /// Submits the steps and, if `plan` says so, follows them to their end.
    pub(crate) async fn drive(
        mut self,
        plan: Plan,
        interrupts: &mut Interrupts,
        reporter: &mut dyn Reporter,
        lines: Option<UnboundedReceiver<Output>>,
    ) -> Tracked {
        let (sender, events) = unbounded_channel();
        self.submit_events = Some(sender);
        let tracker = Tracker::new(&self.connection, &self, plan, interrupts, reporter);
        tracker.output(lines).submit_events(events).run().await
    }

    fn policy(&self, step: &LaunchStep) -> WaitPolicy {
        let policy = connect::policy(Some(step.step.settings()), &self.connection.settings);
        if self.connection.is_local() {
            let interval = policy.monitoring_interval.min(LOCAL_INTERVAL);
            return policy.monitoring_interval(interval);
        }
        policy
    }

    /// Returns hints on how to inspect a workload.
    fn hints(&self, name: &str) -> Vec<String> {
        if self.connection.is_local() {
            return Vec::new();
        }
        let project = &self.placement.project_name;
        let shown = if self.steps.len() > 1 { "NAME" } else { name };
        vec![
            format!("logs: runai training standard logs {shown} --project {project} --follow"),
            format!("console: {}", self.connection.client().base_url()),
        ]
    }
}

impl Source for Launch {
    fn len(&self) -> usize {
        self.steps.len()
    }

    fn label(&self, item: usize) -> &str {
        &self.steps[item].file.name
    }

    fn start(&self, item: usize) -> BoxFuture<'static, Result<Target, Rejection>> {
        let step = Arc::clone(&self.steps[item]);
        let (submission, run_id) = step.submission(&self.connection.operator, &self.placement);
        let policy = self.policy(&step);
        let events = self.submit_events.clone();
        let operator = self.connection.operator.clone().wait_policy(policy.clone());
        let operator = operator.run_id(&run_id).source(&step.file.name).on_submit_event(move |event| {
            if let Some(events) = &events {
                // Fails only after the command has ended.
                let _ = events.send(event);
            }
        });
        let several = self.steps.len() > 1;
        let project = self.placement.project_name.clone();
        let hints = self.hints(&submission.name);
        Box::pin(async move {
            match submit_once(&operator, &submission, step.run_id.is_some()).await {
                Ok((submitted, receipt)) => {
                    Ok(Target { submitted, receipt, policy, phase: None, submitted_to: Some(project), hints })
                }
                Err(error) => Err(rejection(&step, &submission, &run_id, &error, several)),
            }
        })
    }

    fn outlives_command(&self) -> bool {
        !self.connection.is_local()
    }

    fn left_while_starting(&self, item: usize) -> Option<String> {
        if self.connection.is_local() {
            return None;
        }
        let step = &self.steps[item];
        let file = &step.file.name;
        let next = match &step.run_id {
            Some(run_id) => format!("repeat the command with `--run-id {run_id}` to attach to the workload"),
            None => "check with `runai-step receipts recover`".to_owned(),
        };
        Some(format!("submission of {file} is unconfirmed; the workload may be running\nhint: {next}"))
    }
}

/// Submits a step, or attaches to its existing workload.
async fn submit_once(
    operator: &StepOperator,
    submission: &Submission,
    again: bool,
) -> Result<(Submitted, Option<Receipt>), Error> {
    let submitted =
        if again { operator.attach_or_submit(submission).await? } else { operator.submit(submission).await? };
    let receipt = operator.receipt_of(&submitted).await;
    Ok((submitted, receipt))
}

/// Returns why a step was not submitted, with excerpts of the settings that caused it.
fn rejection(step: &LaunchStep, submission: &Submission, run_id: &str, error: &Error, several: bool) -> Rejection {
    let mut failure = Failure::from(error);
    if let Error::Unconfirmed { .. } = error {
        failure = failure.hint(format!(
            "repeat the command with `--run-id {run_id}`: it attaches to `{}` if that exists, or submits it",
            submission.name
        ));
    }
    let excerpts = rejected_settings(&step.file, submission, error);
    Rejection { file: Some(step.file.name.clone()), name: submission.name.clone(), failure, several, excerpts }
}

/// Returns excerpts of the settings that the control plane rejects.
fn rejected_settings(file: &Input, submission: &Submission, error: &Error) -> Vec<CheckedFile> {
    let (at, issues) = match error {
        Error::Api(error) => {
            let issues = error.issues.iter();
            (None, issues.map(|issue| (issue.field.as_str(), issue.details.clone())).collect::<Vec<_>>())
        }
        Error::DifferentSpec { at, .. } => (Some(*at), Vec::new()),
        _ => return Vec::new(),
    };
    let different = at.map(|at| (at, "differs from the step submitted with this run id".to_owned()));
    let (Ok(source), Some(request)) = (file.source(), submission.training()) else { return Vec::new() };
    let diagnostics = issues.into_iter().chain(different).filter_map(|(field, details)| {
        let place = setting_of(field, &request)?;
        source.diagnose(&place.pointer, "refused", format!("`{}`: {}", place.path, scrub(&details)), None)
    });
    let diagnostics: Vec<_> = diagnostics.collect();
    if diagnostics.is_empty() {
        return Vec::new();
    }
    let report = Report { ok: false, diagnostics };
    vec![CheckedFile { path: file.name.clone(), report, shown: source.shown().into_owned() }]
}
