//! `runai-step run` and `runai-step submit`: steps on their way to a cluster, and to their end.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use runai_client::{Client, Error, FleetEvent, Placement, Receipt, Submitted, setting_of};
use runai_sim::{Exec, Output, Simulator};
use runai_spec::Report;
use runai_spec::wait::WaitPolicy;
use runai_spec::wire::{TrainingCreationRequest, requests};
use serde_json::json;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::sleep;

use crate::args::{LaunchArgs, ResultFormat, RunArgs, SubmitArgs};
use crate::board::{Board, End};
use crate::connect::{self, Connection};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::flight::{Flying, end};
use crate::follow::Follower;
use crate::input::Input;
use crate::output::{self, Checked};
use crate::runtime::block_on;
use crate::signals::{Hangup, Signals};
use crate::steps::{One, Steps, folder};
use crate::time;

/// Longest time between two looks at a local run: nobody else is kept busy by them.
const LOCAL_INTERVAL: Duration = Duration::from_millis(100);
/// Pauses between attempts to find out what became of a submission.
const UNCONFIRMED_PAUSES: [Duration; 3] = [Duration::from_secs(2), Duration::from_secs(10), Duration::from_secs(30)];

/// `runai-step run`
pub(crate) fn run(args: &RunArgs) -> Result<Exit, Failure> {
    let steps = Steps::read(&args.launch, args.local)?;
    let plan = Plan {
        at_once: args.jobs.map_or(usize::MAX, usize::from),
        follows: !args.detach,
        cancels: true,
        format: args.launch.format,
        run_id: args.launch.run_id.clone(),
    };
    block_on(async {
        if args.local {
            return local(steps, plan, args).await;
        }
        remote(steps, plan, &args.launch).await
    })
}

/// `runai-step submit`
pub(crate) fn submit(args: &SubmitArgs) -> Result<Exit, Failure> {
    let steps = Steps::read(&args.launch, false)?;
    let plan = Plan {
        at_once: usize::from(args.jobs),
        follows: args.wait,
        cancels: false,
        format: args.launch.format,
        run_id: args.launch.run_id.clone(),
    };
    block_on(remote(steps, plan, &args.launch))
}

/// How steps are launched.
struct Plan {
    /// Most steps at a time: until they have ended if they are followed, else until they are submitted.
    at_once: usize,
    follows: bool,
    /// Whether an interrupt stops the workloads.
    cancels: bool,
    format: ResultFormat,
    run_id: Option<String>,
}

async fn remote(steps: Steps, plan: Plan, args: &LaunchArgs) -> Result<Exit, Failure> {
    let Steps { all, settings, operator_file } = steps;
    let connection = Connection::new(settings, operator_file.as_ref(), &args.connect)?;
    let placement = connection.placement().await?;
    if args.dry_run {
        return Ok(dry_run(&all, &plan, &placement, connection.client().base_url()));
    }
    let mut board = Board::new(plan.format, all.len() > 1);
    let exit = Launch::new(all, plan, connection, placement, None).drive(&mut board).await;
    board.close();
    Ok(exit)
}

/// Runs steps on a simulated control plane that really runs their commands.
async fn local(steps: Steps, plan: Plan, args: &RunArgs) -> Result<Exit, Failure> {
    let mut hangup = Hangup::listen();
    let exec = Exec::in_directory(folder(&args.launch.files)?).inherit_env(args.inherit_env);
    let simulator = Simulator::builder()
        .exec(exec)
        .start()
        .await
        .map_err(|problem| Failure::usage(format!("cannot simulate a control plane: {problem}")))?;
    let mut board = Board::new(plan.format, steps.all.len() > 1);
    board.say(&format!("simulated control plane at {}", simulator.base_url()));
    let client = Client::builder(simulator.base_url())
        .credentials(simulator.client_id(), simulator.client_secret().to_owned())
        .build()?;
    let connection = Connection::local(client, simulator.project(), steps.settings);
    let placement = connection.placement().await?;
    if args.launch.dry_run {
        let exit = dry_run(&steps.all, &plan, &placement, simulator.base_url());
        simulator.stop().await;
        return Ok(exit);
    }
    let mut launch = Launch::new(steps.all, plan, connection, placement, simulator.take_output());
    let hung_up = tokio::select! {
        exit = launch.drive(&mut board) => Err(exit),
        () = hangup.next() => Ok(()),
    };
    let exit = hung_up.map_or_else(
        |exit| exit,
        |()| {
            launch.left = true;
            Exit::Interrupted
        },
    );
    if let Some(mounts) = simulator.mounts() {
        board.say(&format!("volumes are folders under {}", mounts.display()));
    }
    board.close();
    if launch.left {
        simulator.kill().await;
    } else {
        simulator.stop().await;
    }
    Ok(exit)
}

/// Prints what would be sent.
fn dry_run(steps: &[One], plan: &Plan, placement: &Placement, base_url: &str) -> Exit {
    for one in steps {
        let (request, _) = one.request(placement, plan.run_id.as_deref());
        let request = requests::create_training(&request);
        let printed = match plan.format {
            ResultFormat::Human => output::line(&request.to_curl(Some(base_url))),
            format => output::item(format, &request),
        };
        if printed.is_err() {
            return output::exit_of(&printed);
        }
    }
    Exit::Success
}

/// Steps on their way.
struct Launch {
    steps: Vec<One>,
    plan: Plan,
    connection: Connection,
    placement: Placement,
    /// What local commands print.
    lines: Option<UnboundedReceiver<Output>>,
    /// How each step went, once it is known.
    exits: Vec<Option<Exit>>,
    /// What a table at the end shows of each.
    rows: BTreeMap<usize, [String; 4]>,
    /// Whether it was left before everything had ended.
    left: bool,
}

/// What came of a submission.
struct Sent {
    at: usize,
    request: TrainingCreationRequest,
    run_id: String,
    result: Result<(Submitted, Option<Receipt>), Error>,
}

impl Launch {
    fn new(
        steps: Vec<One>,
        plan: Plan,
        connection: Connection,
        placement: Placement,
        lines: Option<UnboundedReceiver<Output>>,
    ) -> Self {
        let exits = vec![None; steps.len()];
        Self { steps, plan, connection, placement, lines, exits, rows: BTreeMap::new(), left: false }
    }

    /// Submits everything and, if that is the plan, follows it to its end.
    async fn drive(&mut self, board: &mut Board) -> Exit {
        let mut signals = Signals::listen();
        let mut follower = Follower::start(self.connection.client().clone(), self.connection.receipts.clone());
        let mut waiting: VecDeque<usize> = (0..self.steps.len()).collect();
        let mut sending: FuturesUnordered<BoxFuture<'static, Sent>> = FuturesUnordered::new();
        let mut flying: HashMap<String, Flying> = HashMap::new();
        let mut ending: FuturesUnordered<BoxFuture<'static, (String, Flying, End)>> = FuturesUnordered::new();
        let mut interrupted = false;
        loop {
            while !interrupted
                && sending.len() + flying.len() + ending.len() < self.plan.at_once
                && let Some(at) = waiting.pop_front()
            {
                sending.push(self.send(at));
            }
            if sending.is_empty() && flying.is_empty() && ending.is_empty() {
                break;
            }
            tokio::select! {
                biased;
                () = signals.next() => {
                    if interrupted || !self.plan.cancels {
                        self.leave(&flying, !sending.is_empty(), board);
                        return Exit::Interrupted;
                    }
                    interrupted = true;
                    waiting.clear();
                    if flying.is_empty() {
                        board.say("interrupted: what is submitted will be suspended; Ctrl-C again leaves at once");
                    }
                    follower.cancel_all();
                }
                Some(sent) = sending.next(), if !sending.is_empty() => {
                    if let Some((submitted, receipt)) = self.sent(sent, board, &mut flying) {
                        let policy = self.policy(flying[&submitted.workload_id].at);
                        follower.follow(submitted, receipt, policy);
                    }
                }
                Some((id, flown, end)) = ending.next(), if !ending.is_empty() => {
                    self.print_waiting_lines(board);
                    self.ended(&id, &flown, &end, board);
                }
                event = follower.next() => match event {
                    FleetEvent::OutageBegan { error } => board.outage(Ok(&error)),
                    FleetEvent::OutageEnded { lasted } => board.outage(Err(lasted)),
                    FleetEvent::Refused { error, workload_id } => {
                        self.refused(&error, workload_id, &mut flying, board);
                    }
                    FleetEvent::Workload { event: runai_client::Event::Ended { outcome }, workload_id } => {
                        if let Some(flown) = flying.remove(&workload_id) {
                            ending.push(Box::pin(end(self.connection.operator.clone(), workload_id, flown, outcome)));
                        }
                    }
                    FleetEvent::Workload { event, workload_id } => board.event(&workload_id, &event),
                    _ => {}
                },
                line = next_line(&mut self.lines) => match line {
                    Some(line) => board.output(&line),
                    None => self.lines = None,
                },
            }
        }
        self.print_waiting_lines(board);
        if self.steps.len() > 1 && self.plan.follows && self.plan.format == ResultFormat::Human && !output::is_quiet() {
            board.close();
            let _ = std::io::Write::write_all(
                &mut anstream::stderr(),
                format!(
                    "\n{}\n",
                    output::table(
                        ["STEP", "WORKLOAD", "OUTCOME", "TIME"],
                        std::mem::take(&mut self.rows).into_values()
                    )
                )
                .as_bytes(),
            );
        }
        let exits = self.exits.iter().map(|exit| exit.unwrap_or(Exit::Interrupted));
        Exit::first_failure(exits)
    }

    fn policy(&self, at: usize) -> WaitPolicy {
        let policy = connect::policy(Some(self.steps[at].step.settings()), &self.connection.settings);
        if self.connection.is_local() {
            return WaitPolicy { monitoring_interval: policy.monitoring_interval.min(LOCAL_INTERVAL), ..policy };
        }
        policy
    }

    /// Submits a step.
    fn send(&self, at: usize) -> BoxFuture<'static, Sent> {
        let (request, run_id) = self.steps[at].request(&self.placement, self.plan.run_id.as_deref());
        let operator = self.connection.operator.clone().wait_policy(self.policy(at));
        // Someone who wants to see the end can wait for its beginning.
        let patient = self.plan.follows;
        let again = self.plan.run_id.is_some();
        Box::pin(async move {
            let mut result =
                if again { operator.attach_or_submit(&request).await } else { operator.submit(&request).await };
            let mut pauses = UNCONFIRMED_PAUSES.into_iter().chain(std::iter::repeat(UNCONFIRMED_PAUSES[2]));
            while patient && matches!(&result, Err(Error::Unconfirmed { source, .. }) if source.is_unreachable()) {
                sleep(pauses.next().unwrap_or(UNCONFIRMED_PAUSES[2])).await;
                result = operator.attach_or_submit(&request).await;
            }
            let result = match result {
                Ok(submitted) => {
                    let receipt = operator.receipt_of(&submitted).await;
                    Ok((submitted, receipt))
                }
                Err(error) => Err(error),
            };
            Sent { at, request, run_id, result }
        })
    }

    /// Takes what came of a submission; gives what is to be followed.
    fn sent(
        &mut self,
        sent: Sent,
        board: &mut Board,
        flying: &mut HashMap<String, Flying>,
    ) -> Option<(Submitted, Option<Receipt>)> {
        let Sent { at, request, run_id, result } = sent;
        let file = self.steps[at].file.name.clone();
        let (submitted, receipt) = match result {
            Ok(submitted) => submitted,
            Err(error) => {
                let exit = self.not_submitted(at, &request, &run_id, &error, board);
                self.exits[at] = Some(exit);
                self.rows.insert(at, [file, request.name, "not submitted".to_owned(), String::new()]);
                return None;
            }
        };
        board.submitted(&file, &submitted, &self.placement.project_name);
        let Submitted { workload_id, name, .. } = &submitted;
        if !self.plan.follows {
            self.exits[at] = Some(Exit::Success);
            if self.plan.format == ResultFormat::Human {
                let _ = output::line(workload_id);
            }
            return None;
        }
        if !self.connection.is_local() && self.rows.len() + flying.len() == 0 {
            let url = self.connection.client().base_url();
            let project = &self.placement.project_name;
            let shown = if self.steps.len() > 1 { "NAME" } else { name };
            board.say(&format!("logs: runai training standard logs {shown} --project {project} --follow"));
            board.say(&format!("console: {url}"));
        }
        board.watch(workload_id, name);
        flying.insert(workload_id.clone(), Flying { at, name: name.clone(), since: Instant::now() });
        Some((submitted, receipt))
    }

    /// Tells why a step was not submitted, at the place in its file where that is to be blamed.
    fn not_submitted(
        &self,
        at: usize,
        request: &TrainingCreationRequest,
        run_id: &str,
        error: &Error,
        board: &Board,
    ) -> Exit {
        let One { file, .. } = &self.steps[at];
        let mut failure = Failure::from(error);
        if self.plan.format != ResultFormat::Human {
            let object = json!({"event": "refused", "file": file.name, "name": request.name, "error": failure.message});
            let _ = output::item(self.plan.format, &object);
        }
        if let Error::Unconfirmed { .. } = error {
            failure = failure.hint(format!(
                "the same file with `--run-id {run_id}` attaches to `{}` if it was submitted, and submits it if not",
                request.name
            ));
        }
        if self.steps.len() > 1 {
            failure = failure.about(&file.name);
        }
        let exit = board.fail(&failure);
        let excerpts = refused_settings(file, request, error);
        if !excerpts.is_empty() {
            let _ = output::human::eprint(&excerpts);
        }
        exit
    }

    fn ended(&mut self, id: &str, flown: &Flying, end: &End, board: &mut Board) {
        let Flying { at, name, .. } = flown;
        board.ended(id, name, end);
        self.exits[*at] = Some(end.outcome.into());
        let file = self.steps[*at].file.name.clone();
        self.rows.insert(*at, [file, name.clone(), end.outcome.to_string(), time::precise(end.took)]);
    }

    /// Looking is refused, for a reason that waiting does not mend.
    fn refused(
        &mut self,
        error: &Error,
        workload_id: Option<String>,
        flying: &mut HashMap<String, Flying>,
        board: &Board,
    ) {
        let gone: Vec<String> = match workload_id {
            Some(id) => vec![id],
            None => flying.keys().cloned().collect(),
        };
        let failure = Failure::from(error);
        let exit = board.fail(&failure);
        for id in gone {
            if let Some(Flying { at, name, .. }) = flying.remove(&id) {
                board.say(&format!("{name} is not followed any more; `runai-step wait {name}` goes on"));
                self.exits[at] = Some(exit);
                let file = self.steps[at].file.name.clone();
                self.rows.insert(at, [file, name, "out of sight".to_owned(), String::new()]);
            }
        }
    }

    /// Says what goes on without us.
    fn leave(&mut self, flying: &HashMap<String, Flying>, is_sending: bool, board: &mut Board) {
        self.left = true;
        board.close();
        if self.connection.is_local() {
            return board.say("left before the workload had stopped; its command is killed");
        }
        for flown in flying.values() {
            board.say(&flown.goes_on());
        }
        if is_sending {
            board.say("whether the rest was submitted is not known: `runai-step list` shows it");
        }
    }

    fn print_waiting_lines(&mut self, board: &Board) {
        while let Some(Ok(line)) = self.lines.as_mut().map(UnboundedReceiver::try_recv) {
            board.output(&line);
        }
    }
}

/// The next line of output; never, once there will be none.
async fn next_line(lines: &mut Option<UnboundedReceiver<Output>>) -> Option<Output> {
    match lines {
        Some(lines) => lines.recv().await,
        None => std::future::pending().await,
    }
}

/// The places in the file that the control plane refuses, as excerpts.
fn refused_settings(file: &Input, request: &TrainingCreationRequest, error: &Error) -> Vec<Checked> {
    let (at, issues) = match error {
        Error::Api(error) => {
            let issues = error.issues.iter();
            (None, issues.map(|issue| (issue.field.as_str(), issue.details.clone())).collect::<Vec<_>>())
        }
        Error::DifferentSpec { at, .. } => (Some(at.as_str()), Vec::new()),
        _ => return Vec::new(),
    };
    let different = at.map(|at| (at, "differs from what was submitted under this run id".to_owned()));
    let Ok(source) = file.source() else { return Vec::new() };
    let diagnostics = issues.into_iter().chain(different).filter_map(|(field, details)| {
        let place = setting_of(field, request)?;
        source.diagnose(&place.pointer, "refused", format!("`{}`: {details}", place.path), None)
    });
    let diagnostics: Vec<_> = diagnostics.collect();
    if diagnostics.is_empty() {
        return Vec::new();
    }
    let report = Report { ok: false, diagnostics };
    vec![Checked { path: file.name.clone(), report, shown: source.shown().into_owned() }]
}
