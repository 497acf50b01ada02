//! Follows workloads in a background task, so that printing and interrupts never delay a poll.

use std::any::Any;
use std::sync::Arc;

use runai_client::lifecycle::WaitPolicy;
use runai_client::{Client, Fleet, FleetEvent, Receipt, ReceiptStore, Submitted};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::{JoinError, JoinHandle};

use crate::exit::Exit;
use crate::failure::Failure;

/// The task that follows workloads. Dropping it stops polling; the workloads continue to run.
pub(crate) struct FleetTask {
    commands: UnboundedSender<Command>,
    events: UnboundedReceiver<FleetEvent>,
    task: JoinHandle<()>,
}

enum Command {
    CancelAll,
    Follow(Box<Submitted>, WaitPolicy),
    FollowReceipt(Box<Submitted>, Box<Receipt>),
}

impl FleetTask {
    pub(crate) fn start(client: Client, receipts: Option<Arc<dyn ReceiptStore>>) -> Self {
        let (commands, received) = unbounded_channel();
        let (sender, events) = unbounded_channel();
        let fleet = Fleet::new(client);
        let fleet = match receipts {
            Some(receipts) => fleet.receipts(receipts),
            None => fleet,
        };
        let task = tokio::spawn(follow(fleet, received, sender));
        Self { commands, events, task }
    }

    /// Follows a workload with the policy of its receipt, or with `policy` if it has none.
    pub(crate) fn follow(&self, submitted: Submitted, receipt: Option<Receipt>, policy: WaitPolicy) {
        let command = match receipt {
            Some(receipt) => Command::FollowReceipt(Box::new(submitted), Box::new(receipt)),
            None => Command::Follow(Box::new(submitted), policy),
        };
        // The task ends early only if it panicked, which `next` reports.
        let _ = self.commands.send(command);
    }

    /// Suspends all workloads, including those added later.
    pub(crate) fn cancel_all(&self) {
        let _ = self.commands.send(Command::CancelAll);
    }

    /// Waits for the next event.
    ///
    /// # Errors
    /// The task has panicked: no further event can come.
    pub(crate) async fn next(&mut self) -> Result<FleetEvent, Failure> {
        match self.events.recv().await {
            Some(event) => Ok(event),
            None => Err(internal((&mut self.task).await)),
        }
    }
}

impl Drop for FleetTask {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn internal(ended: Result<(), JoinError>) -> Failure {
    let why = match ended.map_err(JoinError::try_into_panic) {
        Err(Ok(panic)) => panic_message(&*panic),
        _ => "it ended early".to_owned(),
    };
    Failure::internal(&format!("the task that follows workloads failed: {why}"))
}

/// Returns the message of a panic.
pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "it panicked".to_owned())
}

async fn follow(mut fleet: Fleet, mut commands: UnboundedReceiver<Command>, events: UnboundedSender<FleetEvent>) {
    let mut cancelled = false;
    let mut idle = true;
    loop {
        tokio::select! {
            biased;
            command = commands.recv() => {
                let Some(command) = command else { return };
                idle = false;
                match command {
                    Command::CancelAll => cancelled = true,
                    Command::Follow(submitted, policy) => fleet.follow(&submitted, policy),
                    Command::FollowReceipt(submitted, receipt) => {
                        // For an earlier submission, the elapsed times are unknown.
                        if submitted.submission_id.is_empty() {
                            fleet.follow_receipt(*receipt);
                        } else {
                            fleet.follow_submitted(&submitted, *receipt);
                        }
                    }
                }
                if cancelled {
                    fleet.cancel_all();
                }
            }
            event = fleet.next(), if !idle => match event {
                Some(event) => {
                    if events.send(event).is_err() {
                        return;
                    }
                }
                None => idle = true,
            }
        }
    }
}

impl Failure {
    /// A bug of this program.
    pub(crate) fn internal(message: &str) -> Self {
        Self::new(Exit::Internal, format!("internal error: {message}"))
            .hint("workloads continue to run; please report this bug with the output of the command with `-vv`")
    }
}
