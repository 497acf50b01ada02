//! A control plane that behaves like NVIDIA Run:ai's, for tests, demonstrations and local runs.
//!
//! It answers the REST endpoints that a client of training workloads uses as the API's description (control plane
//! 2.24) says: tokens that expire, projects with filters and pages, clusters, submissions that are checked, phases
//! that follow each other, resources that are counted, suspension and deletion that take their time. Nothing is a
//! canned answer: all endpoints show and change one state. A path that is not simulated is answered with 501 and
//! says so, a method that a path does not know with 405.
//!
//! There is one cluster, with nodes in node pools. GPUs are given out whole, by portions and by memory, device by
//! device; projects have quotas, go over them while nobody else needs what is free, and lose it again to those whose
//! it is; priorities, node types and taints count. The pods of a workload start together. It is no Kubernetes all the
//! same: affinities, extended resources and departments' quotas have no effect, and volumes only with [`Exec`].
//!
//! Service accounts have roles in projects ([`Account`], [`Role`]); templates and a policy are worked into what is
//! submitted ([`Template`], [`Policy`]). What goes wrong can be chosen: for workloads by a [`Behaviour`], between
//! client and control plane by a [`Fault`]. All of it can be built here or read from a file ([`Scenario`]). While it
//! runs, it shows itself on a page at `/` and takes orders below `/sim`:
//!
//! | request | what it does |
//! |---|---|
//! | `GET /sim/state` | what the page shows |
//! | `POST /sim/clock` `{"seconds": 60}` | lets time pass at once |
//! | `GET`, `POST`, `DELETE /sim/faults` | lists, adds, removes faults |
//! | `POST /sim/tokens/expire` `{}` | makes all tokens expire |
//! | `POST /sim/workloads/{id}` `{"do": "fail"}` | lets a running workload `fail`, or `preempt`s it |
//! | `GET /sim/workloads/{id}/output` | the last lines of its command |
//!
//! What a workload does is a script in its environment variables: `RUNAI_SIM_PENDING` is the least number of seconds
//! that it stays Pending (0 when not set), `RUNAI_SIM_RUNNING` the seconds that it runs (1 when not set),
//! `RUNAI_SIM_RESULT` how it ends: `Completed` (when not set), `Failed` or `Stopped`. With [`Exec`] its command really
//! runs instead.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), runai_sim::StartError> {
//! let sim = runai_sim::Simulator::builder().speed(60.0).start().await?;
//! println!("{} {} {}", sim.base_url(), sim.client_id(), sim.client_secret());
//! sim.stop().await;
//! # Ok(())
//! # }
//! ```

mod api;
mod app;
mod check;
mod clock;
mod exec;
mod faults;
mod form;
mod intake;
mod mounts;
mod net;
mod policy;
mod roles;
mod scheduler;
mod script;
mod state;
mod tokens;
mod world;

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::{Arc, atomic::Ordering},
    time::{Duration, SystemTime},
};

use axum::Router;
use jiff::Timestamp;
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::timeout,
};

use crate::{
    app::App,
    clock::Clock,
    exec::{LAST_GRACE, Runner},
    net::{Breakable, Wire},
    state::{ClusterFacts, Setup, State},
};
pub use crate::{
    exec::{Exec, Output, Stream},
    faults::{Fault, FaultKind},
    roles::{Action, Resource, Role},
    world::{Account, Behaviour, End, Node, Policy, Project, Quota, Scenario, ScenarioError, Taint, Template},
};

/// A running control plane.
///
/// [`stop`](Self::stop) ends it in order. When it is dropped instead, it stops serving at once, and its processes are
/// asked to end; those that do not are killed, at the latest when the tokio runtime ends.
pub struct Simulator {
    app: Arc<App>,
    base_url: String,
    cluster: String,
    driver: Option<JoinHandle<()>>,
    project: String,
    server: Option<Server>,
}

struct Server {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Simulator {
    /// A simulator with one project, one node and no command execution, at normal speed, on a free port of this
    /// machine alone.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Where it is reached, such as `http://127.0.0.1:40123`; without a slash at the end.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The client id of its first service account; the id of its first application too.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.app.accounts[0].client_id
    }

    /// The client secret; no secret, it is the same for every simulator.
    #[must_use]
    pub fn client_secret(&self) -> &str {
        &self.app.accounts[0].client_secret
    }

    /// Name of its first project.
    #[must_use]
    pub fn project(&self) -> &str {
        &self.project
    }

    /// Name of its cluster.
    #[must_use]
    pub fn cluster(&self) -> &str {
        &self.cluster
    }

    /// The lines that commands print from now on; `None` without [`Exec`], and the second time.
    ///
    /// Take it before anything is submitted: lines of commands that run already are lost.
    #[must_use]
    pub fn take_output(&self) -> Option<mpsc::UnboundedReceiver<Output>> {
        self.app.runner.as_ref()?.take_output()
    }

    /// Lets simulated time pass at once.
    pub fn advance(&self, time: Duration) {
        self.app.skip(time);
    }

    /// Lets something go wrong from now on.
    pub fn add_fault(&self, fault: Fault) {
        self.app.add_fault(fault);
    }

    /// Lets nothing go wrong any more.
    pub fn clear_faults(&self) {
        self.app.clear_faults();
    }

    /// Makes all tokens expire that were issued so far.
    pub fn expire_tokens(&self) {
        self.app.tokens.expire_all();
    }

    /// The folder that volumes of commands are under, once there are some.
    #[must_use]
    pub fn mounts(&self) -> Option<PathBuf> {
        self.app.mounts()
    }

    /// All endpoints, to be called without a socket.
    pub fn router(&self) -> Router {
        api::router(&self.app)
    }

    /// Stops serving, once the requests at hand are answered, and ends all processes: `SIGTERM`, then `SIGKILL` after
    /// five seconds or the workload's own, shorter grace period.
    pub async fn stop(self) {
        self.end(LAST_GRACE).await;
    }

    /// As [`stop`](Self::stop), for someone who does not wait: kills all processes at once.
    pub async fn kill(self) {
        self.end(Duration::ZERO).await;
    }

    async fn end(mut self, grace: Duration) {
        if let Some(driver) = &self.driver {
            driver.abort();
        }
        if let Some(mut server) = self.server.take() {
            let _ = server.stop.send(());
            if timeout(LAST_REQUESTS, &mut server.task).await.is_err() {
                server.task.abort();
            }
        }
        if let Some(runner) = &self.app.runner {
            runner.end_all(grace).await;
        }
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        if let Some(driver) = &self.driver {
            driver.abort();
        }
        if let Some(server) = &self.server {
            server.task.abort();
        }
        if let Some(runner) = &self.app.runner {
            runner.abandon();
        }
    }
}

/// A simulator that is not started yet.
#[derive(Clone, Debug)]
pub struct Builder {
    accounts: Vec<Account>,
    address: SocketAddr,
    behaviours: Vec<Behaviour>,
    exec: Option<Exec>,
    faults: Vec<Fault>,
    nodes: Vec<Node>,
    policy: Option<Policy>,
    projects: Vec<Project>,
    speed: f64,
    start_time: SystemTime,
    strict: bool,
    templates: Vec<Template>,
    token_lifetime: Duration,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            accounts: vec![Account {
                client_id: "sim-client".to_owned(),
                client_secret: "sim-secret-not-real".to_owned(),
                projects: Vec::new(),
                role: Role::Administrator,
            }],
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            behaviours: Vec::new(),
            exec: None,
            faults: Vec::new(),
            nodes: vec![Node::default()],
            policy: None,
            projects: vec![Project::named("sim-project")],
            speed: 1.0,
            start_time: SystemTime::now(),
            strict: false,
            templates: Vec::new(),
            token_lifetime: Duration::from_hours(1),
        }
    }
}

impl Builder {
    /// Really runs commands.
    #[must_use]
    pub fn exec(mut self, exec: Exec) -> Self {
        self.exec = Some(exec);
        self
    }

    /// How many times as fast as real time simulated time passes; processes and tokens keep to real time.
    #[must_use]
    pub fn speed(mut self, speed: f64) -> Self {
        self.speed = speed;
        self
    }

    /// Where it listens; port 0 for any that is free.
    #[must_use]
    pub fn bind(mut self, address: SocketAddr) -> Self {
        self.address = address;
        self
    }

    /// What its one node has.
    #[must_use]
    pub fn node(self, node: Node) -> Self {
        self.nodes([node])
    }

    /// Its nodes, instead of the one that it has otherwise.
    #[must_use]
    pub fn nodes(mut self, nodes: impl IntoIterator<Item = Node>) -> Self {
        self.nodes = nodes.into_iter().collect();
        self
    }

    /// Its projects, by name, instead of the one that it has otherwise; their ids are `1`, `2`, ….
    #[must_use]
    pub fn projects<T: Into<String>>(self, names: impl IntoIterator<Item = T>) -> Self {
        self.projects_with_quotas(names.into_iter().map(Project::named))
    }

    /// Its projects with their quotas, instead of the one that it has otherwise; their ids are `1`, `2`, ….
    #[must_use]
    pub fn projects_with_quotas(mut self, projects: impl IntoIterator<Item = Project>) -> Self {
        self.projects = projects.into_iter().collect();
        self
    }

    /// A further service account.
    #[must_use]
    pub fn account(mut self, account: Account) -> Self {
        self.accounts.push(account);
        self
    }

    /// What its first service account may do, in these projects or, without any, everywhere.
    #[must_use]
    pub fn role<T: Into<String>>(mut self, role: Role, projects: impl IntoIterator<Item = T>) -> Self {
        self.accounts[0].role = role;
        self.accounts[0].projects = projects.into_iter().map(Into::into).collect();
        self
    }

    /// What happens to workloads whose name fits; the first that fits holds.
    #[must_use]
    pub fn behaviour(mut self, behaviour: Behaviour) -> Self {
        self.behaviours.push(behaviour);
        self
    }

    /// Something that goes wrong from the start.
    #[must_use]
    pub fn fault(mut self, fault: Fault) -> Self {
        self.faults.push(fault);
        self
    }

    /// A workload template.
    #[must_use]
    pub fn template(mut self, template: Template) -> Self {
        self.templates.push(template);
        self
    }

    /// The policy for training workloads.
    #[must_use]
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = Some(policy);
        self
    }

    /// Whether what the API's description leaves open is refused, instead of accepted with a warning event.
    #[must_use]
    pub fn strict(mut self, strict: bool) -> Self {
        self.strict = strict;
        self
    }

    /// All that a scenario says, over what was built before.
    #[must_use]
    pub fn scenario(mut self, scenario: Scenario) -> Self {
        self.accounts.extend(scenario.accounts);
        self.behaviours.extend(scenario.behaviours);
        self.faults.extend(scenario.faults);
        if !scenario.nodes.is_empty() {
            self.nodes = scenario.nodes;
        }
        if !scenario.projects.is_empty() {
            self.projects = scenario.projects;
        }
        self.policy = scenario.policy.or(self.policy);
        self.strict = scenario.strict.unwrap_or(self.strict);
        self.templates.extend(scenario.templates);
        let lifetime = scenario.token_lifetime.and_then(|it| Duration::try_from_secs_f64(it).ok());
        self.token_lifetime = lifetime.unwrap_or(self.token_lifetime);
        self
    }

    /// The time that it shows when it starts, instead of this machine's.
    ///
    /// From there on it follows tokio's clock: where a test pauses that, it pauses the simulator's time too.
    #[must_use]
    pub fn start_time(mut self, time: SystemTime) -> Self {
        self.start_time = time;
        self
    }

    /// How long a token is valid, an hour when not given.
    #[must_use]
    pub fn token_lifetime(mut self, lifetime: Duration) -> Self {
        self.token_lifetime = lifetime;
        self
    }

    /// Starts it on a socket.
    ///
    /// # Errors
    /// The address cannot be listened on, or what was built makes no sense.
    pub async fn start(self) -> Result<Simulator, StartError> {
        let address = self.address;
        let mut simulator = self.in_memory()?;
        let listener = TcpListener::bind(address).await.map_err(|source| match source.kind() {
            io::ErrorKind::AddrInUse => StartError::AddressInUse { address },
            _ => StartError::Listen { address, source },
        })?;
        let address = listener.local_addr().map_err(|source| StartError::Listen { address, source })?;
        simulator.base_url = format!("http://{address}");
        if simulator.app.runner.is_some() && address.ip().is_loopback() {
            simulator.app.loopback_only.store(true, Ordering::Relaxed);
        }
        let (stop, stopped) = oneshot::channel::<()>();
        let service = simulator.router().into_make_service_with_connect_info::<Wire>();
        let serve = axum::serve(Breakable(listener), service).with_graceful_shutdown(async {
            let _ = stopped.await;
        });
        // Serving never gives an error: it goes on when a connection cannot be accepted.
        let task = tokio::spawn(async move { serve.await.unwrap_or_default() });
        simulator.server = Some(Server { stop, task });
        Ok(simulator)
    }

    /// Starts it without a socket: only its [`router`](Simulator::router) can be called, its base URL leads nowhere.
    ///
    /// # Errors
    /// What was built makes no sense.
    ///
    /// # Panics
    /// With [`exec`](Self::exec), outside a tokio runtime.
    pub fn in_memory(self) -> Result<Simulator, StartError> {
        if !(self.speed > 0.0 && self.speed <= TOP_SPEED) {
            return Err(StartError::Speed { speed: self.speed });
        }
        let Some(project) = self.projects.first().map(|project| project.name.clone()) else {
            return Err(StartError::NoProject);
        };
        if let Some(exec) = self.exec.as_ref().filter(|exec| !exec.directory().is_dir()) {
            return Err(StartError::NoDirectory { directory: exec.directory().to_owned() });
        }
        let start = Timestamp::try_from(self.start_time).unwrap_or_default();
        let cluster = ClusterFacts { created_at: start, name: "sim-cluster".into(), uuid: CLUSTER_UUID.into() };
        let cluster_name = cluster.name.clone();
        let runner = self.exec.as_ref().map(|exec| Arc::new(Runner::new(exec)));
        let state = State::new(Setup {
            behaviours: self.behaviours,
            cluster,
            exec: runner.is_some(),
            nodes: self.nodes,
            policy: self.policy,
            projects: self.projects,
            strict: self.strict,
            templates: self.templates,
        });
        let clock = Clock::starting_at(start, self.speed);
        let app = Arc::new(App::new(clock, self.accounts, self.token_lifetime, state, runner));
        for fault in self.faults {
            app.add_fault(fault);
        }
        let driver = app.runner.is_some().then(|| tokio::spawn(Arc::clone(&app).drive()));
        Ok(Simulator {
            app,
            base_url: "http://runai-sim.invalid".to_owned(),
            cluster: cluster_name,
            driver,
            project,
            server: None,
        })
    }
}

/// Why a simulator did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Another program listens there.
    #[error("port {} of {} is in use: choose another one, or 0 for any that is free", address.port(), address.ip())]
    AddressInUse {
        /// Where it was to listen.
        address: SocketAddr,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// Where it was to listen.
        address: SocketAddr,
        /// Why that is not possible.
        source: io::Error,
    },
    /// The directory that commands are to run in is none.
    #[error("`{}` is no directory that commands can run in", directory.display())]
    NoDirectory {
        /// The directory.
        directory: PathBuf,
    },
    /// The list of projects is empty.
    #[error("at least one project is needed")]
    NoProject,
    /// The speed is not positive, or beyond what a clock can show.
    #[error("the speed is {speed}, must be more than 0 and at most {TOP_SPEED}")]
    Speed {
        /// The speed.
        speed: f64,
    },
}

const CLUSTER_UUID: &str = "5100cafe-0000-4000-8000-000000000001";

/// How long requests at hand are waited for when it stops.
const LAST_REQUESTS: Duration = Duration::from_secs(2);

const TOP_SPEED: f64 = 1e6;
