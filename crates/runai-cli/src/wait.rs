//! `runai-step wait`: workloads that are there already, followed to their end.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use futures_util::stream::{self, StreamExt as _};
use runai_client::{FleetEvent, Progress, Receipt, Submitted};
use runai_spec::wait::{WaitPolicy, WaitState};
use runai_spec::wire::Workload;

use crate::args::WaitArgs;
use crate::board::Board;
use crate::connect::{self, Connection};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::flight::{Flying, end};
use crate::follow::Follower;
use crate::runtime::block_on;
use crate::signals::Signals;
use crate::workloads::find;

/// Workloads that are looked up at the same time.
const AT_ONCE: usize = 8;

/// Follows workloads to their end.
pub(crate) fn wait(args: &WaitArgs) -> Result<Exit, Failure> {
    let connection = Connection::open(&args.reach.config, &args.reach.connect, args.watch.given())?;
    block_on(follow(args, &connection))
}

async fn follow(args: &WaitArgs, connection: &Connection) -> Result<Exit, Failure> {
    let mut signals = Signals::listen();
    let found: Vec<Result<Workload, Failure>> =
        stream::iter(&args.ids).map(|word| connection.soon(find(connection, word))).buffered(AT_ONCE).collect().await;
    let receipts = receipts(connection).await;
    let mut board = Board::new(args.reach.format, args.ids.len() > 1);
    let mut follower = Follower::start(connection.client().clone(), connection.receipts.clone());
    let mut exits: Vec<Option<Exit>> = vec![None; found.len()];
    let mut flying: HashMap<String, Flying> = HashMap::new();
    // One that is named twice is followed once.
    let mut same: HashMap<String, Vec<usize>> = HashMap::new();
    for (at, workload) in found.into_iter().enumerate() {
        match workload {
            Ok(workload) => {
                let (id, name) = (workload.id.clone(), workload.name.clone());
                let places = same.entry(id.clone()).or_default();
                places.push(at);
                if places.len() > 1 {
                    continue;
                }
                let receipt = receipts.get(&id).cloned();
                board.watch(&id, &name);
                follower.follow(submitted(&workload), with_flags(receipt, args), policy(args, connection));
                flying.insert(id, Flying { at, name, since: Instant::now() });
            }
            Err(failure) => exits[at] = Some(board.fail(&failure)),
        }
    }
    while !flying.is_empty() {
        tokio::select! {
            biased;
            () = signals.next() => {
                for flown in flying.values() {
                    board.say(&flown.goes_on());
                }
                board.close();
                return Ok(Exit::Interrupted);
            }
            event = follower.next() => match event {
                FleetEvent::OutageBegan { error } => board.outage(Ok(&error)),
                FleetEvent::OutageEnded { lasted } => board.outage(Err(lasted)),
                FleetEvent::Refused { error, workload_id } => {
                    let exit = board.fail(&Failure::from(&error));
                    flying.retain(|id, flown| {
                        let is_meant = workload_id.as_ref().is_none_or(|workload_id| workload_id == id);
                        if is_meant {
                            exits[flown.at] = Some(exit);
                        }
                        !is_meant
                    });
                }
                FleetEvent::Workload { event: runai_client::Event::Ended { outcome }, workload_id } => {
                    if let Some(flown) = flying.remove(&workload_id) {
                        let operator = connection.operator.clone();
                        let (id, Flying { at, name, .. }, end) = end(operator, workload_id, flown, outcome).await;
                        board.ended(&id, &name, &end);
                        for place in same.remove(&id).unwrap_or_else(|| vec![at]) {
                            exits[place] = Some(outcome.into());
                        }
                    }
                }
                FleetEvent::Workload { event, workload_id } => board.event(&workload_id, &event),
                _ => {}
            },
        }
    }
    board.close();
    Ok(Exit::first_failure(exits.into_iter().flatten()))
}

/// The receipts of this control plane, by their workloads. Without them everything goes on, but for the timeouts.
async fn receipts(connection: &Connection) -> HashMap<String, Receipt> {
    let Some(store) = &connection.receipts else { return HashMap::new() };
    let receipts = match store.all().await {
        Ok(receipts) => receipts,
        Err(problem) => {
            crate::output::say(&format!("receipts cannot be read, so no timeouts are known: {problem}"));
            return HashMap::new();
        }
    };
    let base_url = connection.client().base_url();
    let ours = receipts.into_iter().filter(|receipt| receipt.base_url == base_url);
    ours.filter_map(|receipt| Some((receipt.workload_id()?.to_owned(), receipt))).collect()
}

/// The receipt, with the rules that flags change.
fn with_flags(receipt: Option<Receipt>, args: &WaitArgs) -> Option<Receipt> {
    let mut receipt = receipt?;
    if let Progress::Ended { workload_id, .. } = &receipt.progress {
        // What was decided about it is done: someone who resumed it since must not see it stopped again.
        receipt.progress = Progress::Submitted { workload_id: workload_id.clone() };
        receipt.wait = WaitState::default();
    }
    let WaitPolicy { pending_timeout, workload_timeout, .. } = &mut receipt.policy;
    *pending_timeout = seconds(args.pending_timeout).or(*pending_timeout);
    *workload_timeout = seconds(args.workload_timeout).or(*workload_timeout);
    Some(receipt)
}

/// How a workload without a receipt is waited for.
fn policy(args: &WaitArgs, connection: &Connection) -> WaitPolicy {
    WaitPolicy {
        pending_timeout: seconds(args.pending_timeout),
        workload_timeout: seconds(args.workload_timeout),
        ..connect::policy(None, &connection.settings)
    }
}

fn seconds(seconds: Option<u64>) -> Option<Duration> {
    seconds.map(Duration::from_secs)
}

/// A workload that is no submission of ours, as the fleet takes it.
fn submitted(workload: &Workload) -> Submitted {
    Submitted {
        workload_id: workload.id.clone(),
        name: workload.name.clone(),
        project_id: workload.project_id.clone(),
        cluster_id: workload.cluster_id.clone(),
        submission_id: String::new(),
        adopted: true,
        unrecorded: None,
    }
}
