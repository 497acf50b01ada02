//! The simulator as its endpoints see it: state, time, tokens and processes together.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use tokio::sync::Notify;

use crate::{
    clock::Clock,
    exec::Runner,
    state::{Order, State},
    tokens::Tokens,
};

pub(crate) struct App {
    pub(crate) clock: Clock,
    pub(crate) credentials: Credentials,
    pub(crate) runner: Option<Arc<Runner>>,
    pub(crate) token_lifetime: Duration,
    pub(crate) tokens: Tokens,
    state: Mutex<State>,
    /// Tells the driver that the next event may be another one.
    changed: Notify,
}

/// Of the one service account that there is.
pub(crate) struct Credentials {
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
}

impl App {
    pub(crate) fn new(
        clock: Clock,
        credentials: Credentials,
        token_lifetime: Duration,
        state: State,
        runner: Option<Arc<Runner>>,
    ) -> Self {
        Self {
            clock,
            credentials,
            runner,
            token_lifetime,
            tokens: Tokens::new(),
            state: Mutex::new(state),
            changed: Notify::new(),
        }
    }

    /// Brings the state up to now, lets `change` look at it or change it, and carries out what follows from that.
    pub(crate) fn with_state<T>(self: &Arc<Self>, change: impl FnOnce(&mut State, Timestamp) -> T) -> T {
        let value = self.step(change);
        self.changed.notify_one();
        value
    }

    /// Makes events happen at their time, which processes need; without them it is enough to catch up when asked.
    pub(crate) async fn drive(self: Arc<Self>) {
        loop {
            let due = self.step(|state, _| state.next_due());
            let next = async {
                match due {
                    Some(due) => self.clock.sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = next => {}
                () = self.changed.notified() => {}
            }
        }
    }

    fn step<T>(self: &Arc<Self>, change: impl FnOnce(&mut State, Timestamp) -> T) -> T {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // Read under the lock, so that time never runs backwards for the state.
        let now = self.clock.now();
        state.advance(now);
        let value = change(&mut state, now);
        // Carried out under the lock, so that a stop never overtakes its start.
        for order in state.take_orders() {
            self.carry_out(order);
        }
        value
    }

    fn carry_out(self: &Arc<Self>, order: Order) {
        let Some(runner) = &self.runner else { return };
        match order {
            Order::Start(order) => {
                let app = Arc::clone(self);
                runner.start(order, move |pod, end| app.with_state(|state, now| state.pod_ended(&pod, end, now)));
            }
            Order::Stop(pod) => runner.stop(&pod),
        }
    }
}
