//! Configures and starts a simulator.

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

/// Configures and starts a [`Simulator`].
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
    /// Runs commands as local processes.
    ///
    /// Anyone who knows a client secret can run commands as the simulator's user. Therefore, the first service account
    /// gets a random secret, and the secrets of added accounts must have at least 24 characters.
    #[must_use]
    pub fn exec(mut self, exec: Exec) -> Self {
        self.exec = Some(exec);
        self
    }

    /// Sets the speed of simulated time relative to real time: more than 0 and at most 10⁶; 1 by default.
    ///
    /// Processes and tokens use real time.
    #[must_use]
    pub fn speed(mut self, speed: f64) -> Self {
        self.speed = speed;
        self
    }

    /// Sets the address to listen on; port 0 selects a free port.
    #[must_use]
    pub fn bind(mut self, address: SocketAddr) -> Self {
        self.address = address;
        self
    }

    /// Replaces all nodes with this one.
    #[must_use]
    pub fn node(self, node: Node) -> Self {
        self.nodes([node])
    }

    /// Replaces all nodes.
    #[must_use]
    pub fn nodes(mut self, nodes: impl IntoIterator<Item = Node>) -> Self {
        self.nodes = nodes.into_iter().collect();
        self
    }

    /// Replaces all projects with projects with these names; their ids are `1`, `2`, ….
    #[must_use]
    pub fn projects<T: Into<String>>(self, names: impl IntoIterator<Item = T>) -> Self {
        self.projects_with_quotas(names.into_iter().map(Project::named))
    }

    /// Replaces all projects with projects with quotas; their ids are `1`, `2`, ….
    #[must_use]
    pub fn projects_with_quotas(mut self, projects: impl IntoIterator<Item = Project>) -> Self {
        self.projects = projects.into_iter().collect();
        self
    }

    /// Adds a service account.
    #[must_use]
    pub fn account(mut self, account: Account) -> Self {
        self.accounts.push(account);
        self
    }

    /// Sets the role of the first service account, and the names of the projects where it applies: all if empty.
    #[must_use]
    pub fn role<T: Into<String>>(mut self, role: Role, projects: impl IntoIterator<Item = T>) -> Self {
        self.accounts[0].role = role;
        self.accounts[0].projects = projects.into_iter().map(Into::into).collect();
        self
    }

    /// Adds a behaviour of workloads by name; the first matching behaviour applies.
    #[must_use]
    pub fn behaviour(mut self, behaviour: Behaviour) -> Self {
        self.behaviours.push(behaviour);
        self
    }

    /// Adds a fault that is active from the start.
    #[must_use]
    pub fn fault(mut self, fault: Fault) -> Self {
        self.faults.push(fault);
        self
    }

    /// Adds faults that are active from the start, such as [`Fault::hostile`].
    #[must_use]
    pub fn faults(mut self, faults: impl IntoIterator<Item = Fault>) -> Self {
        self.faults.extend(faults);
        self
    }

    /// Adds a workload of another user that exists from the start.
    #[must_use]
    pub fn workload(mut self, workload: ExistingWorkload) -> Self {
        self.workloads.push(workload);
        self
    }

    /// Adds a workload template.
    #[must_use]
    pub fn template(mut self, template: Template) -> Self {
        self.templates.push(template);
        self
    }

    /// Sets the policy for training workloads.
    #[must_use]
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = Some(policy);
        self
    }

    /// Sets whether to reject requests that the API description leaves undefined, instead of adding a warning event.
    #[must_use]
    pub fn strict(mut self, strict: bool) -> Self {
        self.strict = strict;
        self
    }

    /// Applies a scenario: replaces nodes, projects and single values that it sets, and adds to the other lists.
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

    /// Sets the simulated time at the start; the default is the current time.
    ///
    /// The simulated time follows tokio's clock, so `tokio::time::pause()` pauses it, too.
    #[must_use]
    pub fn start_time(mut self, time: SystemTime) -> Self {
        self.start_time = time;
        self
    }

    /// Sets the lifetime of tokens; the default is 1 h.
    #[must_use]
    pub fn token_lifetime(mut self, lifetime: Duration) -> Self {
        self.token_lifetime = lifetime;
        self
    }

    /// Starts the simulator on a socket.
    ///
    /// # Errors
    /// The address cannot be used, or the configuration is invalid.
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

    /// Starts the simulator without a socket: only its [`router`](Simulator::router) can be called.
    ///
    /// # Errors
    /// The configuration is invalid.
    ///
    /// # Panics
    /// Panics with [`exec`](Self::exec) if it is called outside a tokio runtime.
    pub fn in_memory(mut self) -> Result<Simulator, StartError> {
        if !(self.speed > 0.0 && self.speed <= MAX_SPEED) {
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
            if let Some(weak) = self.accounts.iter().find(|account| account.client_secret.len() < MIN_SECRET_LENGTH) {
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
            app.with_state(|state, now| state.add_existing(workload, now))?;
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
    /// Another program uses the port.
    #[error("port {} of {} is in use: choose another port, or 0 for a free one", address.port(), address.ip())]
    AddressInUse {
        /// The address.
        address: SocketAddr,
    },
    /// The address cannot be used.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The cause.
        source: io::Error,
    },
    /// The working directory of commands is not a directory.
    #[error("working directory of commands is not a directory: `{}`", directory.display())]
    NoDirectory {
        /// The directory.
        directory: PathBuf,
    },
    /// The list of projects is empty.
    #[error("at least one project is required")]
    NoProject,
    /// The speed is not positive, or too large.
    #[error("invalid speed {speed}: it must be greater than 0 and at most {MAX_SPEED}")]
    Speed {
        /// The speed.
        speed: f64,
    },
    /// Commands run as local processes, and the secret of an account is too short.
    #[error(
        "client secret of account `{client_id}` has fewer than {MIN_SECRET_LENGTH} characters, and it grants the right to \
         run commands as you; use a longer, random secret"
    )]
    WeakSecret {
        /// The client id of the account.
        client_id: String,
    },
    /// A workload of the scenario is invalid.
    #[error(transparent)]
    Workload(#[from] WorkloadError),
}

/// The secret of the first service account without [`Exec`].
const CONSTANT_SECRET: &str = "sim-secret-not-real";

/// Minimum length of a secret with [`Exec`], in characters.
const MIN_SECRET_LENGTH: usize = 24;

const CLUSTER_UUID: &str = "5100cafe-0000-4000-8000-000000000001";

const MAX_SPEED: f64 = 1e6;
