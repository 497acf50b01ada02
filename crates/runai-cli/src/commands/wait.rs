//! `runai-step wait`: follows existing workloads to their end.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt as _, Shared};
use runai_api::phase::Stage;
use runai_api::wire::Workload;
use runai_client::lifecycle::WaitPolicy;
use runai_client::{Event, Progress, Receipt, ReceiptList, Submitted, one_line};

use crate::args::WaitArgs;
use crate::commands::workloads::find;
use crate::config::connect::{self, Connection};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::interrupts::Interrupts;
use crate::progress::{Rejection, Reporter as _, TerminalReporter};
use crate::runtime::block_on;
use crate::tracking::{OnInterrupt, Plan, Source, Target, Tracker};

/// Workloads that are looked up at the same time.
const CONCURRENCY: usize = 8;

/// Follows workloads to their end.
pub(crate) fn wait(args: &WaitArgs) -> Result<Exit, Failure> {
    let connection = Connection::open(&args.remote.config, &args.remote.connect, args.watch.overrides())?;
    let plan = Plan {
        max_starting: CONCURRENCY,
        max_active: usize::MAX,
        follow: true,
        on_interrupt: OnInterrupt::Leave,
        summarize: false,
        resume_cancel: args.resume_cancel,
    };
    block_on(async {
        let mut interrupts = Interrupts::listen();
        let mut reporter = TerminalReporter::new(args.remote.format, args.ids.len() > 1);
        let source = Waiting::new(args, &connection);
        let tracked = Tracker::new(&connection, &source, plan, &mut interrupts, &mut reporter).run().await;
        reporter.close();
        Ok(tracked.exit)
    })
}

/// The workloads to wait for.
struct Waiting<'a> {
    args: &'a WaitArgs,
    connection: Connection,
    /// Read once, when the first workload is looked up.
    receipts: Shared<BoxFuture<'static, Arc<HashMap<String, Receipt>>>>,
}

impl<'a> Waiting<'a> {
    fn new(args: &'a WaitArgs, connection: &Connection) -> Self {
        let read = receipts(connection.clone()).boxed().shared();
        Self { args, connection: connection.clone(), receipts: read }
    }
}

impl Source for Waiting<'_> {
    fn len(&self) -> usize {
        self.args.ids.len()
    }

    fn label(&self, item: usize) -> &str {
        &self.args.ids[item]
    }

    fn start(&self, item: usize) -> BoxFuture<'static, Result<Target, Rejection>> {
        let selector = self.args.ids[item].clone();
        let connection = self.connection.clone();
        let receipts = self.receipts.clone();
        let timeouts = Timeouts::of(self.args);
        Box::pin(async move {
            let receipts = receipts.await;
            let mut policy = connect::policy(None, &connection.settings);
            timeouts.apply(&mut policy);
            // Right after a submission, the control plane may not list the workload yet, but the receipt has its id.
            if let Some(mut receipt) = submitted_receipt(&receipts, &selector) {
                timeouts.apply(&mut receipt.policy);
                let (submitted, phase) = (of_receipt(&receipt), None);
                let receipt = Some(receipt);
                return Ok(Target { submitted, receipt, policy, phase, submitted_to: None, hints: Vec::new() });
            }
            let workload = match connection.with_timeout(find(&connection, &selector)).await {
                Ok(workload) => workload,
                Err(failure) => {
                    return Err(Rejection {
                        file: None,
                        name: selector,
                        failure,
                        several: false,
                        excerpts: Vec::new(),
                    });
                }
            };
            let mut receipt = receipts.get(&workload.id).cloned();
            if let Some(receipt) = &mut receipt {
                timeouts.apply(&mut receipt.policy);
            }
            Ok(target(workload, receipt, policy))
        })
    }

    fn outlives_command(&self) -> bool {
        true
    }

    fn left_while_starting(&self, _: usize) -> Option<String> {
        None
    }
}

/// Returns the receipt of a workload with this id or this unique name, if it has not ended.
fn submitted_receipt(receipts: &HashMap<String, Receipt>, selector: &str) -> Option<Receipt> {
    let mut found = receipts.iter().filter(|(id, receipt)| *id == selector || receipt.name == selector);
    let (_, receipt) = found.next()?;
    let is_alone = found.next().is_none();
    (is_alone && matches!(receipt.progress, Progress::Submitted { .. })).then(|| receipt.clone())
}

fn of_receipt(receipt: &Receipt) -> Submitted {
    let mut submitted = Submitted::default();
    receipt.workload_id().unwrap_or_default().clone_into(&mut submitted.workload_id);
    submitted.name.clone_from(&receipt.name);
    submitted.project_id.clone_from(&receipt.project_id);
    submitted.cluster_id.clone_from(&receipt.cluster_id);
    submitted.already_existed = true;
    submitted
}

fn target(workload: Workload, receipt: Option<Receipt>, policy: WaitPolicy) -> Target {
    let stage = Stage::of_phase(&workload.phase);
    let submitted = Submitted::existing(&workload);
    let phase = Event::Phase { phase: workload.phase, stage, node_pools: workload.current_node_pools };
    Target { submitted, receipt, policy, phase: Some(phase), submitted_to: None, hints: Vec::new() }
}

/// Returns the receipts of this control plane by workload id. They contain the timeouts of workloads.
async fn receipts(connection: Connection) -> Arc<HashMap<String, Receipt>> {
    let Some(store) = &connection.receipts else { return Arc::default() };
    let ReceiptList { receipts, unreadable, .. } = match store.list().await {
        Ok(list) => list,
        Err(problem) => {
            crate::output::warning(&format!(
                "cannot read receipts, so only timeouts from flags apply: {}",
                one_line(&problem)
            ));
            return Arc::default();
        }
    };
    for problem in unreadable {
        crate::output::warning(&format!("{}; timeouts of its workload do not apply", one_line(&problem)));
    }
    let base_url = connection.client().base_url();
    let ours = receipts.into_iter().filter(|receipt| receipt.base_url == base_url);
    Arc::new(ours.filter_map(|receipt| Some((receipt.workload_id()?.to_owned(), receipt))).collect())
}

/// The timeouts of flags.
#[derive(Clone, Copy)]
struct Timeouts {
    pending: Option<Duration>,
    running: Option<Duration>,
}

impl Timeouts {
    fn of(args: &WaitArgs) -> Self {
        Self { pending: args.pending_timeout, running: args.workload_timeout }
    }

    fn apply(self, policy: &mut WaitPolicy) {
        policy.pending_timeout = self.pending.or(policy.pending_timeout);
        policy.workload_timeout = self.running.or(policy.workload_timeout);
    }
}
