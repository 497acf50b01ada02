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
//! | `POST /sim/faults` `{"hostile": 7}` | adds [`Fault::hostile`] with this seed |
//! | `POST /sim/tokens/expire` `{}` | makes all tokens expire |
//! | `POST /sim/workloads/{id}` `{"do": "fail"}` | lets a running workload `fail`, or `preempt`s it |
//! | `POST /sim/workloads` `{"name": "notes", "type": "workspace"}` | adds a workload of another user ([`ExistingWorkload`]) |
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

mod admission;
mod api;
mod app;
mod builder;
mod check;
mod clock;
mod exec;
mod faults;
mod field_validation;
mod keys;
mod mounts;
mod net;
mod normalization;
mod policy;
mod roles;
mod scheduler;
mod script;
mod state;
mod tokens;
mod world;

use std::{path::PathBuf, sync::Arc, time::Duration};

use axum::Router;
use tokio::{sync::mpsc, task::JoinHandle};

use crate::{app::App, exec::LAST_GRACE, net::Server};
pub use crate::{
    builder::{Builder, StartError},
    exec::{Exec, Output, Stream},
    faults::{ConflictWording, Damage, Endpoint, Fault, FaultKind, LateAnswer, SpecChange, TotalsChange},
    roles::{Action, Resource, Role},
    world::{
        Account, Behaviour, End, ExistingWorkload, Node, Policy, Project, Quota, Scenario, ScenarioError, Taint,
        Template, WorkloadError, WorkloadType,
    },
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

    /// The client secret: the same for every simulator that only scripts workloads, random for each that runs commands.
    #[must_use]
    pub fn client_secret(&self) -> &str {
        &self.app.accounts[0].client_secret
    }

    /// The key of the page and of the paths below `/sim`; `None` without [`Exec`], where they need none.
    ///
    /// It is random for each simulator. A request sends it, or a valid token, as `Authorization: Bearer KEY`.
    #[must_use]
    pub fn control_key(&self) -> Option<&str> {
        self.app.control_key.as_deref()
    }

    /// The address of the page; with [`Exec`] its fragment is the [control key](Self::control_key).
    #[must_use]
    pub fn page_url(&self) -> String {
        match self.control_key() {
            Some(key) => format!("{}/#{key}", self.base_url),
            None => format!("{}/", self.base_url),
        }
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

    /// Adds a workload of another user and returns its id.
    ///
    /// # Errors
    /// The project does not exist, or the name is invalid or taken.
    pub fn add_workload(&self, workload: ExistingWorkload) -> Result<String, WorkloadError> {
        self.app.with_state(|state, now| state.place(workload, now))
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
        if let Some(server) = self.server.take() {
            server.stop(LAST_REQUESTS).await;
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
            server.abort();
        }
        if let Some(runner) = &self.app.runner {
            runner.abandon();
        }
    }
}

/// How long requests at hand are waited for when it stops.
const LAST_REQUESTS: Duration = Duration::from_secs(2);
