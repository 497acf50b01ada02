//! Shared application state of the endpoints: control plane state, clock, tokens, faults and processes.

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
    api::{ApiError, Effect},
    clock::Clock,
    exec::Runner,
    faults::{Fault, FaultKind, Faults, Injection},
    keys::random_key,
    state::{ProcessCommand, State},
    tokens::Tokens,
    world::Account,
};

pub(crate) struct App {
    pub(crate) accounts: Vec<Arc<Account>>,
    pub(crate) clock: Clock,
    /// The key of the page and of the paths below `/sim`; only with [`Exec`](crate::Exec).
    pub(crate) control_key: Option<String>,
    /// Whether to reject requests whose `Host` is not a loopback name.
    pub(crate) loopback_only: AtomicBool,
    /// Roles created through the API.
    pub(crate) roles: Mutex<Vec<Value>>,
    pub(crate) runner: Option<Arc<Runner>>,
    pub(crate) token_lifetime: Duration,
    pub(crate) tokens: Tokens,
    /// Wakes the driver, because the next event may have changed.
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

    /// Returns the service account with this client id.
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

    /// Returns the faults that apply to a request.
    pub(crate) fn inject(&self, method: &str, path: &str) -> Vec<Injection> {
        self.faults().inject(method, path, self.clock.now())
    }

    /// Advances simulated time.
    pub(crate) fn skip(self: &Arc<Self>, time: Duration) {
        self.clock.skip(time);
        self.with_state(|_, _| {});
    }

    /// Advances the state to now, calls `change`, and executes the resulting process commands.
    pub(crate) fn with_state<T>(self: &Arc<Self>, change: impl FnOnce(&mut State, Timestamp) -> T) -> T {
        let value = self.step(change);
        self.changed.notify_one();
        value
    }

    /// Applies `change` now, or schedules it and returns `accepted`.
    pub(crate) fn effect<T>(
        self: &Arc<Self>,
        effect: Effect,
        accepted: T,
        change: impl FnOnce(&mut State, Timestamp) -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        self.with_state(|state, now| match effect {
            Effect::At(due) => {
                // A late change that fails has no effect and no response.
                state.at(due, Box::new(move |state, at| drop(change(state, at))));
                Ok(accepted)
            }
            Effect::Never | Effect::Now => change(state, now),
        })
    }

    /// Advances the state when events are due. Only processes need this; otherwise each request advances the state.
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

    /// Returns the folder of mounted volumes, once it exists.
    pub(crate) fn mounts(&self) -> Option<PathBuf> {
        self.runner.as_ref()?.mounts()
    }

    fn faults(&self) -> std::sync::MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn step<T>(self: &Arc<Self>, change: impl FnOnce(&mut State, Timestamp) -> T) -> T {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // Read the clock under the lock, so that time is monotonic for the state.
        let now = self.clock.now();
        state.advance(now);
        let value = change(&mut state, now);
        // Execute under the lock, so that a stop never overtakes its start.
        for command in state.take_commands() {
            self.execute(command);
        }
        value
    }

    fn execute(self: &Arc<Self>, command: ProcessCommand) {
        let Some(runner) = &self.runner else { return };
        match command {
            ProcessCommand::Start(launch) => {
                let app = Arc::clone(self);
                let noted = Arc::clone(self);
                let pod = launch.pod.clone();
                let note = move |reason, text| noted.with_state(|state, now| state.note_pod(&pod, reason, text, now));
                runner.start(launch, note, move |pod, end| {
                    app.with_state(|state, now| state.pod_ended(&pod, end, now));
                });
            }
            ProcessCommand::Stop(pod) => runner.stop(&pod),
            ProcessCommand::CleanUp(workload) => runner.clean_up(&workload),
        }
    }
}
