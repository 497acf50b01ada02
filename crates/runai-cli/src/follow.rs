//! Following workloads in a task of their own, so that nothing that is printed or typed delays a look.

use std::sync::Arc;

use runai_client::{Client, Fleet, FleetEvent, Receipt, ReceiptStore, Submitted};
use runai_spec::wait::WaitPolicy;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

/// Workloads that are being followed. Dropping it stops the looks, and leaves the workloads alone.
pub(crate) struct Follower {
    orders: UnboundedSender<Order>,
    events: UnboundedReceiver<FleetEvent>,
    task: JoinHandle<()>,
}

enum Order {
    CancelAll,
    Follow(Box<Submitted>, WaitPolicy),
    FollowReceipt(Box<Receipt>),
}

impl Follower {
    pub(crate) fn start(client: Client, receipts: Option<Arc<dyn ReceiptStore>>) -> Self {
        let (orders, taken) = unbounded_channel();
        let (told, events) = unbounded_channel();
        let fleet = Fleet::new(client);
        let fleet = match receipts {
            Some(receipts) => fleet.receipts(receipts),
            None => fleet,
        };
        let task = tokio::spawn(follow(fleet, taken, told));
        Self { orders, events, task }
    }

    /// Follows a workload by the rules of its receipt, or by `policy` where there is none.
    pub(crate) fn follow(&self, submitted: Submitted, receipt: Option<Receipt>, policy: WaitPolicy) {
        let order = match receipt {
            Some(receipt) => Order::FollowReceipt(Box::new(receipt)),
            None => Order::Follow(Box::new(submitted), policy),
        };
        let _ = self.orders.send(order);
    }

    /// From now on all workloads are to be stopped, also those that come.
    pub(crate) fn cancel_all(&self) {
        let _ = self.orders.send(Order::CancelAll);
    }

    /// The next event; never, if nothing is followed.
    pub(crate) async fn next(&mut self) -> FleetEvent {
        match self.events.recv().await {
            Some(event) => event,
            None => std::future::pending().await,
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn follow(mut fleet: Fleet, mut orders: UnboundedReceiver<Order>, events: UnboundedSender<FleetEvent>) {
    let mut cancelled = false;
    let mut idle = true;
    loop {
        tokio::select! {
            biased;
            order = orders.recv() => {
                let Some(order) = order else { return };
                idle = false;
                match order {
                    Order::CancelAll => cancelled = true,
                    Order::Follow(submitted, policy) => fleet.follow(&submitted, policy),
                    Order::FollowReceipt(receipt) => {
                        fleet.follow_receipt(*receipt);
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
