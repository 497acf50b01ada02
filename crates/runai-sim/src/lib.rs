//! A simulated NVIDIA Run:ai control plane, for tests, demonstrations and local runs.
//!
//! It implements the REST endpoints that a client of training workloads uses, as the API's description (control plane
//! 2.24) defines them. Tokens expire, submissions are validated, resources are counted, and phases follow each other. All
//! endpoints read and change one state; there are no canned answers. A path that is not simulated is answered with 501, a
//! method that a path does not support with 405; both errors name the request.
//!
//! There is one cluster with nodes in node pools. The scheduler assigns whole GPUs, portions and GPU memory, device by
//! device. It implements quotas, over-quota, preemption, priorities, node types and taints. The pods of a workload start
//! together. Affinities, extended resources and quotas of departments have no effect; volumes only with [`Exec`].
//!
//! Service accounts have roles in projects ([`Account`], [`Role`]). Templates and a policy are merged into submissions
//! ([`Template`], [`Policy`]). Workloads of other types and users exist beside trainings ([`ExistingWorkload`]). A
//! [`Behaviour`] defines how workloads end, a [`Fault`] what goes wrong between client and control plane. A scenario file
//! can contain all of this ([`Scenario`]). A page at `/` shows the state, and the paths below `/sim` control it:
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
//! A workload's environment variables script it: `RUNAI_SIM_PENDING` is the least number of seconds in the phase Pending
//! (default 0), `RUNAI_SIM_RUNNING` the seconds in the phase Running (default 1), `RUNAI_SIM_RESULT` the final phase:
//! `Completed` (default), `Failed` or `Stopped`. With [`Exec`] its command really runs instead.
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

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

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

    /// Returns how often faults of each kind were applied to requests so far, by [`FaultKind::name`].
    #[must_use]
    pub fn applied_faults(&self) -> BTreeMap<&'static str, u64> {
        self.app.applied_faults()
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

/// The example of the README is a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
