//! The loop that follows workloads. `run`, `submit` and `wait` differ in how an item becomes a workload.
//!
//! The operator with its transport, the reporter and the interrupts are arguments, so tests can run the loop in memory
//! with tokio's clock paused.

mod active;
mod fleet_task;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use clap::ValueEnum;
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use runai_client::lifecycle::{SuspendReason, WaitPolicy, WaitState};
use runai_client::{Error, Event, FleetEvent, Progress, Receipt, StepOperator, SubmitEvent, Submitted};
use runai_sim::Output;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::Instant;

use self::active::end;
pub(crate) use self::active::{ActiveWorkload, End, warnings};
use self::fleet_task::FleetTask;
pub(crate) use self::fleet_task::panic_message;
use crate::config::connect::Connection;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::interrupts::Interrupts;
use crate::output::time;
use crate::progress::{Interruption, Rejection, Reporter};

/// The effect of an interrupt on running workloads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnInterrupt {
    // Suspend them and wait for confirmation.
    Cancel,
    // Leave them running.
    Leave,
}

/// How items are tracked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// Maximum number of items that are started at the same time.
    pub(crate) max_starting: usize,
    /// Maximum number of items that have started and not ended.
    pub(crate) max_active: usize,
    /// Whether workloads are followed to their end.
    pub(crate) follow: bool,
    pub(crate) on_interrupt: OnInterrupt,
    /// Whether to print a final table for several items.
    pub(crate) summarize: bool,
    /// Whether to complete cancels that an earlier command stored.
    pub(crate) resume_cancel: bool,
}

/// A source of workloads.
pub(crate) trait Source: Sync {
    /// Returns the number of items.
    fn len(&self) -> usize;

    /// Returns the label of an item: its file or id.
    fn label(&self, item: usize) -> &str;

    /// Submits the item, or looks it up.
    fn start(&self, item: usize) -> BoxFuture<'static, Result<Target, Rejection>>;

    /// Whether workloads continue to run when the command ends.
    fn outlives_command(&self) -> bool;

    /// Returns a warning about an item that is left while it is starting.
    fn left_while_starting(&self, item: usize) -> Option<String>;
}

/// A workload to follow.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) submitted: Submitted,
    pub(crate) receipt: Option<Receipt>,
    /// The wait policy without a receipt.
    pub(crate) policy: WaitPolicy,
    /// Its current phase, if known.
    pub(crate) phase: Option<Event>,
    /// The project, if this command submitted the workload.
    pub(crate) submitted_to: Option<String>,
    /// Hints on how to inspect it, shown once per command.
    pub(crate) hints: Vec<String>,
}

/// The result of tracking.
#[derive(Clone, Debug)]
pub(crate) struct Tracked {
    pub(crate) exit: Exit,
    /// Exit code of each item; `None` if the command ended first.
    pub(crate) exits: Vec<Option<Exit>>,
    /// Whether the command ended before its workloads.
    pub(crate) left: bool,
}

/// Items that become workloads and are followed.
pub(crate) struct Tracker<'a> {
    operator: StepOperator,
    source: &'a dyn Source,
    plan: Plan,
    interrupts: &'a mut Interrupts,
    reporter: &'a mut dyn Reporter,
    /// Output of local commands.
    lines: Option<UnboundedReceiver<Output>>,
    /// Events of submissions.
    submit_events: Option<UnboundedReceiver<SubmitEvent>>,
    fleet: FleetTask,
    active: HashMap<String, ActiveWorkload>,
    /// Items that are being started.
    starting: Vec<usize>,
    waiting: VecDeque<usize>,
    exits: Vec<Option<Exit>>,
    rows: BTreeMap<usize, [String; 4]>,
    gave_hints: bool,
    /// Whether an interrupt has requested the suspension of the workloads.
    cancelled: bool,
}

type Starting = FuturesUnordered<BoxFuture<'static, (usize, Result<Target, Rejection>)>>;
type Ending = FuturesUnordered<BoxFuture<'static, (String, ActiveWorkload, End)>>;

impl<'a> Tracker<'a> {
    pub(crate) fn new(
        connection: &Connection,
        source: &'a dyn Source,
        plan: Plan,
        interrupts: &'a mut Interrupts,
        reporter: &'a mut dyn Reporter,
    ) -> Self {
        Self {
            fleet: FleetTask::start(connection.client().clone(), connection.receipts.clone()),
            operator: connection.operator.clone(),
            source,
            plan,
            interrupts,
            reporter,
            lines: None,
            submit_events: None,
            active: HashMap::new(),
            starting: Vec::new(),
            waiting: (0..source.len()).collect(),
            exits: vec![None; source.len()],
            rows: BTreeMap::new(),
            gave_hints: false,
            cancelled: false,
        }
    }

    /// Also reports the output of local commands.
    pub(crate) fn output(self, lines: Option<UnboundedReceiver<Output>>) -> Self {
        Self { lines, ..self }
    }

    /// Also reports events of submissions.
    pub(crate) fn submit_events(self, events: UnboundedReceiver<SubmitEvent>) -> Self {
        Self { submit_events: Some(events), ..self }
    }

    /// Starts every item and, if the plan says so, follows it to its end.
    pub(crate) async fn run(mut self) -> Tracked {
        let mut starting = Starting::new();
        let mut ending = Ending::new();
        loop {
            self.start_more(&mut starting, ending.len());
            if starting.is_empty() && self.active.is_empty() && ending.is_empty() {
                break;
            }
            tokio::select! {
                biased;
                () = self.interrupts.next() => {
                    if self.cancelled || self.plan.on_interrupt == OnInterrupt::Leave {
                        return self.leave();
                    }
                    self.cancel();
                }
                Some((item, started)) = starting.next(), if !starting.is_empty() => self.started(item, started),
                Some((id, workload, end)) = ending.next(), if !ending.is_empty() => {
                    self.print_pending_lines();
                    self.ended(&id, &workload, &end);
                }
                event = self.fleet.next() => match event {
                    Ok(event) => self.event(event, &mut ending),
                    Err(failure) => return self.fail(&failure),
                },
                event = next_of(&mut self.submit_events) => match event {
                    Some(event) => self.reporter.submission(&event),
                    None => self.submit_events = None,
                },
                line = next_of(&mut self.lines) => match line {
                    Some(line) => self.reporter.output(&line),
                    None => self.lines = None,
                },
            }
        }
        self.print_pending_lines();
        self.summarize();
        let exit = Exit::first_failure(self.exits.iter().map(|exit| exit.unwrap_or(Exit::Interrupted)));
        Tracked { exit, exits: self.exits, left: false }
    }

    fn start_more(&mut self, starting: &mut Starting, ending: usize) {
        while !self.cancelled
            && starting.len() < self.plan.max_starting
            && starting.len() + self.active.len() + ending < self.plan.max_active
            && let Some(item) = self.waiting.pop_front()
        {
            let start = self.source.start(item);
            self.starting.push(item);
            starting.push(Box::pin(async move { (item, start.await) }));
        }
    }

    fn started(&mut self, item: usize, started: Result<Target, Rejection>) {
        self.starting.retain(|one| *one != item);
        let label = self.source.label(item).to_owned();
        let target = match started {
            Ok(target) => target,
            Err(rejection) => {
                self.exits[item] = Some(self.reporter.rejected(&rejection));
                self.rows.insert(item, [label, rejection.name, "not submitted".to_owned(), String::new()]);
                return;
            }
        };
        let Target { submitted, receipt, policy, phase, submitted_to, hints } = target;
        if let Some(project) = submitted_to {
            self.reporter.submitted(&label, &submitted, &project);
        }
        if !self.plan.follow {
            self.exits[item] = Some(Exit::Success);
            self.warn_of_duplicate(&submitted.name, submitted.duplicate_may_appear_for());
            return self.reporter.result_id(&submitted.workload_id);
        }
        if !std::mem::replace(&mut self.gave_hints, true) {
            for hint in &hints {
                self.reporter.status(hint);
            }
        }
        let (id, name) = (submitted.workload_id.clone(), submitted.name.clone());
        if let Some(workload) = self.active.get_mut(&id) {
            // Follow a workload once, even if it was named twice.
            return workload.items.push(item);
        }
        let duplicate_until = submitted.duplicate_may_appear_for().map(|left| Instant::now() + left);
        self.reporter.watch(&id, &name);
        let receipt = self.reset_receipt(receipt, &id, &name);
        if let Some(phase) = phase {
            self.reporter.event(&id, &phase);
        }
        self.fleet.follow(submitted, receipt, policy);
        if self.cancelled {
            self.fleet.cancel_all();
        }
        self.active.insert(id, ActiveWorkload { items: vec![item], name, since: Instant::now(), duplicate_until });
    }

    /// Resets the parts of a receipt that belong to earlier commands.
    fn reset_receipt(&mut self, receipt: Option<Receipt>, id: &str, name: &str) -> Option<Receipt> {
        let mut receipt = receipt?;
        if let Progress::Ended { workload_id, .. } = &receipt.progress {
            // The user may have resumed the workload, so an executed decision must not suspend it again.
            receipt.progress = Progress::Submitted { workload_id: workload_id.clone() };
            receipt.wait = WaitState::default();
        }
        // Drop an unconfirmed cancel of an earlier command, because the user may have resumed the workload. Keep
        // timeouts, which are settings.
        if receipt.wait.suspending() == Some(SuspendReason::Cancelled) {
            self.reporter.stored_cancel(id, name, self.plan.resume_cancel);
            if !self.plan.resume_cancel {
                receipt.wait.discard_suspend();
            }
        }
        Some(receipt)
    }

    fn event(&mut self, event: FleetEvent, ending: &mut Ending) {
        match event {
            FleetEvent::OutageBegan { scope, error } => self.reporter.outage_began(&scope, &error),
            FleetEvent::OutageEnded { scope, lasted } => self.reporter.outage_ended(&scope, lasted),
            FleetEvent::PollingIndividually { project_id } => self.reporter.polling_singly(&project_id),
            FleetEvent::Refused { error, workload_ids } => self.refused(&error, workload_ids),
            FleetEvent::Workload { event: Event::Ended { outcome }, workload_id } => {
                if let Some(workload) = self.active.remove(&workload_id) {
                    ending.push(Box::pin(end(self.operator.clone(), workload_id, workload, outcome)));
                }
            }
            FleetEvent::Workload { event, workload_id } => self.reporter.event(&workload_id, &event),
            _ => {}
        }
    }

    fn ended(&mut self, id: &str, workload: &ActiveWorkload, end: &End) {
        self.reporter.ended(id, &workload.name, end);
        let left = workload.duplicate_until.map(|until| until.saturating_duration_since(Instant::now()));
        self.warn_of_duplicate(&workload.name, left);
        for item in &workload.items {
            self.exits[*item] = Some(end.outcome.into());
            let label = self.source.label(*item).to_owned();
            let row = [label, workload.name.clone(), end.outcome.to_string(), time::precise(end.took)];
            self.rows.insert(*item, row);
        }
    }

    /// Warns that a duplicate of a submission may appear within `left`.
    fn warn_of_duplicate(&mut self, name: &str, left: Option<Duration>) {
        let Some(left) = left.filter(|left| !left.is_zero()) else { return };
        let left = time::rough(left);
        self.reporter.warn(&format!(
            "{name} was sent more than once; a duplicate may appear within {left}\nhint: check with `runai-step list --name \
             {name}`"
        ));
    }

    /// Handles a permanent rejection of polls.
    fn refused(&mut self, error: &Error, ids: Vec<String>) {
        let exit = self.reporter.fail(&Failure::from(error));
        for id in ids {
            self.lose(&id, exit);
        }
    }

    /// Stops following a workload that has not ended.
    fn lose(&mut self, id: &str, exit: Exit) {
        let Some(ActiveWorkload { items, name, .. }) = self.active.remove(id) else { return };
        if self.source.outlives_command() {
            self.reporter.left(id, &name, self.cancelled);
        }
        for item in items {
            self.exits[item] = Some(exit);
            let label = self.source.label(item).to_owned();
            self.rows.insert(item, [label, name.clone(), "unknown".to_owned(), String::new()]);
        }
    }

    /// Suspends all workloads and starts no more items.
    fn cancel(&mut self) {
        self.cancelled = true;
        self.waiting.clear();
        let mut names: Vec<_> = self.active.values().map(|workload| workload.name.clone()).collect();
        names.sort();
        self.reporter.interrupted(&Interruption::Suspend { names, in_flight: self.starting.len() });
        self.fleet.cancel_all();
    }

    /// Ends the command before its workloads.
    fn leave(mut self) -> Tracked {
        self.reporter.close();
        if !self.cancelled {
            self.reporter.interrupted(&Interruption::Leave);
        }
        let mut active: Vec<_> = std::mem::take(&mut self.active).into_iter().collect();
        active.sort_by(|(_, one), (_, other)| one.items.cmp(&other.items));
        for (id, workload) in active.into_iter().filter(|_| self.source.outlives_command()) {
            self.reporter.left(&id, &workload.name, self.cancelled);
        }
        for item in std::mem::take(&mut self.starting) {
            if let Some(text) = self.source.left_while_starting(item) {
                self.reporter.warn(&text);
            }
        }
        if !self.waiting.is_empty() && self.plan.follow {
            self.reporter.status(&format!("not started: {}", self.waiting.len()));
        }
        Tracked { exit: Exit::Interrupted, exits: self.exits, left: true }
    }

    /// Ends the command because of a bug.
    fn fail(mut self, failure: &Failure) -> Tracked {
        self.reporter.close();
        let exit = self.reporter.fail(failure);
        let ids: Vec<_> = self.active.keys().cloned().collect();
        for id in ids {
            self.lose(&id, exit);
        }
        Tracked { exit, exits: self.exits, left: true }
    }

    fn summarize(&mut self) {
        if self.source.len() > 1 && self.plan.follow && self.plan.summarize {
            self.reporter.summary(std::mem::take(&mut self.rows).into_values().collect());
        }
    }

    fn print_pending_lines(&mut self) {
        while let Some(Ok(line)) = self.lines.as_mut().map(UnboundedReceiver::try_recv) {
            self.reporter.output(&line);
        }
    }
}

/// Receives the next message; waits forever without a receiver.
async fn next_of<T>(receiver: &mut Option<UnboundedReceiver<T>>) -> Option<T> {
    match receiver {
        Some(receiver) => receiver.recv().await,
        None => std::future::pending().await,
    }
}
