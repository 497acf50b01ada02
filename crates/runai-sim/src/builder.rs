//! A simulator that is not started yet.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::{Arc, atomic::Ordering},
    time::{Duration, SystemTime},
};

use jiff::Timestamp;
use tokio::net::TcpListener;

use crate::{
    Server, Simulator,
    app::App,
    clock::Clock,
    exec::{Exec, Runner},
    faults::Fault,
    keys::random_key,
    roles::Role,
    state::{ClusterFacts, Setup, State},
    world::{Account, Behaviour, ExistingWorkload, Node, Policy, Project, Scenario, Template, WorkloadError},
};

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
    workloads: Vec<ExistingWorkload>,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            accounts: vec![Account {
                client_id: "sim-client".to_owned(),
                client_secret: CONSTANT_SECRET.to_owned(),
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
            workloads: Vec::new(),
        }
    }
}

impl Builder {
    /// Really runs commands.
    ///
    /// The secret of the first service account is then random; those of further accounts must have at least 24
    /// characters. Whoever knows a secret can run commands as the simulator's user.
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

    /// Adds faults from the start, such as [`Fault::hostile`].
    #[must_use]
    pub fn faults(mut self, faults: impl IntoIterator<Item = Fault>) -> Self {
        self.faults.extend(faults);
        self
    }

    /// Adds a workload of another user from the start.
    #[must_use]
    pub fn workload(mut self, workload: ExistingWorkload) -> Self {
        self.workloads.push(workload);
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
        self.faults.extend(scenario.hostile.into_iter().flat_map(Fault::hostile));
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
        self.workloads.extend(scenario.workloads);
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
        simulator.server = Some(Server::start(listener, simulator.router()));
        Ok(simulator)
    }

    /// Starts it without a socket: only its [`router`](Simulator::router) can be called, its base URL leads nowhere.
    ///
    /// # Errors
    /// What was built makes no sense.
    ///
    /// # Panics
    /// With [`exec`](Self::exec), outside a tokio runtime.
    pub fn in_memory(mut self) -> Result<Simulator, StartError> {
        if !(self.speed > 0.0 && self.speed <= TOP_SPEED) {
            return Err(StartError::Speed { speed: self.speed });
        }
        let Some(project) = self.projects.first().map(|project| project.name.clone()) else {
            return Err(StartError::NoProject);
        };
        if let Some(exec) = self.exec.as_ref().filter(|exec| !exec.directory().is_dir()) {
            return Err(StartError::NoDirectory { directory: exec.directory().to_owned() });
        }
        if self.exec.is_some() {
            let own = &mut self.accounts[0].client_secret;
            if own == CONSTANT_SECRET {
                *own = random_key();
            }
            if let Some(weak) = self.accounts.iter().find(|account| account.client_secret.len() < SHORTEST_SECRET) {
                return Err(StartError::WeakSecret { client_id: weak.client_id.clone() });
            }
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
        for workload in self.workloads {
            app.with_state(|state, now| state.place(workload, now))?;
        }
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
    /// Commands really run, and the secret of an account could be guessed.
    #[error(
        "the client secret of the account `{client_id}` has fewer than {SHORTEST_SECRET} characters: whoever guesses it \
         runs commands as you; give the account a longer, random secret"
    )]
    WeakSecret {
        /// The client id of the account.
        client_id: String,
    },
    /// A workload that exists from the start is not possible.
    #[error(transparent)]
    Workload(#[from] WorkloadError),
}

/// The secret of the first service account where nothing really runs.
const CONSTANT_SECRET: &str = "sim-secret-not-real";

/// The fewest characters of a secret where commands really run.
const SHORTEST_SECRET: usize = 24;

const CLUSTER_UUID: &str = "5100cafe-0000-4000-8000-000000000001";

const TOP_SPEED: f64 = 1e6;
