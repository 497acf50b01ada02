//! The simulator as its endpoints see it: state, time, tokens, faults and processes together.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, atomic::AtomicBool},
    time::Duration,
};

use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::Notify;

use crate::{
    api::{Effect, Refusal},
    clock::Clock,
    exec::Runner,
    faults::{Fault, FaultKind, Faults, Injection},
    keys::random_key,
    state::{Order, State},
    tokens::Tokens,
    world::Account,
};

pub(crate) struct App {
    pub(crate) accounts: Vec<Arc<Account>>,
    pub(crate) clock: Clock,
    /// The key of the page and of the paths below `/sim`, where commands really run.
    pub(crate) control_key: Option<String>,
    /// Whether only requests count that name this machine's loopback address as their host.
    pub(crate) loopback_only: AtomicBool,
    /// Roles that were made here.
    pub(crate) roles: Mutex<Vec<Value>>,
    pub(crate) runner: Option<Arc<Runner>>,
    pub(crate) token_lifetime: Duration,
    pub(crate) tokens: Tokens,
    /// Tells the driver that the next event may be another one.
    changed: Notify,
    faults: Mutex<Faults>,
    state: Mutex<State>,
}

impl App {
    pub(crate) fn new(
        clock: Clock,
        accounts: Vec<Account>,
        token_lifetime: Duration,
        state: State,
        runner: Option<Arc<Runner>>,
    ) -> Self {
        Self {
            accounts: accounts.into_iter().map(Arc::new).collect(),
            changed: Notify::new(),
            clock,
            control_key: runner.is_some().then(random_key),
            faults: Mutex::default(),
            loopback_only: AtomicBool::new(false),
            roles: Mutex::default(),
            runner,
            state: Mutex::new(state),
            token_lifetime,
            tokens: Tokens::new(),
        }
    }

    /// The service account with this id.
    pub(crate) fn account(&self, client_id: &str) -> Option<&Arc<Account>> {
        self.accounts.iter().find(|account| account.client_id == client_id)
    }

    pub(crate) fn add_fault(self: &Arc<Self>, fault: Fault) {
        if let FaultKind::Lag { seconds } = fault.kind {
            let reach = Duration::try_from_secs_f64(seconds).unwrap_or_default();
            self.with_state(|state, _| state.keep_versions(reach));
        }
        self.faults().add(fault, self.clock.now());
    }

    pub(crate) fn clear_faults(&self) {
        self.faults().clear();
    }

    pub(crate) fn list_faults(&self) -> Vec<Fault> {
        self.faults().list()
    }

    pub(crate) fn applied_faults(&self) -> BTreeMap<&'static str, u64> {
        self.faults().applied()
    }

    /// What goes wrong with a request.
    pub(crate) fn inject(&self, method: &str, path: &str) -> Vec<Injection> {
        self.faults().inject(method, path, self.clock.now())
    }

    /// Lets simulated time pass at once.
    pub(crate) fn skip(self: &Arc<Self>, time: Duration) {
        self.clock.skip(time);
        self.with_state(|_, _| {});
    }

    /// Brings the state up to now, lets `change` look at it or change it, and carries out what follows from that.
    pub(crate) fn with_state<T>(self: &Arc<Self>, change: impl FnOnce(&mut State, Timestamp) -> T) -> T {
        let value = self.step(change);
        self.changed.notify_one();
        value
    }

    /// Carries out `change` now, or later as if it was asked for then; `accepted` is the answer meanwhile.
    pub(crate) fn effect<T>(
        self: &Arc<Self>,
        effect: Effect,
        accepted: T,
        change: impl FnOnce(&mut State, Timestamp) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        self.with_state(|state, now| match effect {
            Effect::At(due) => {
                // What is refused by then changes nothing, and nobody hears of it.
                state.at(due, Box::new(move |state, at| drop(change(state, at))));
                Ok(accepted)
            }
            Effect::Never | Effect::Now => change(state, now),
        })
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

    /// The folder that volumes are mapped to, once there is one.
    pub(crate) fn mounts(&self) -> Option<PathBuf> {
        self.runner.as_ref()?.mounts()
    }

    fn faults(&self) -> std::sync::MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
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
                let noted = Arc::clone(self);
                let pod = order.pod.clone();
                let note = move |reason, text| noted.with_state(|state, now| state.note_pod(&pod, reason, text, now));
                runner.start(order, note, move |pod, end| {
                    app.with_state(|state, now| state.pod_ended(&pod, end, now));
                });
            }
            Order::Stop(pod) => runner.stop(&pod),
            Order::TidyUp(workload) => runner.tidy_up(&workload),
        }
    }
}
