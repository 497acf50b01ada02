//! A simulated NVIDIA Run:ai control plane, for tests, demonstrations and local runs.
//!
//! It implements the REST endpoints that a client of training workloads uses, as the API's description (control plane
//! 2.24) defines them. It issues tokens that expire, validates submissions, allocates resources and simulates phases.
//! All endpoints share one state; there are no canned responses. An unknown path returns 501, an unsupported method
//! 405; both errors name the request.
//!
//! There is one cluster with nodes in node pools. The scheduler assigns whole GPUs, portions and GPU memory, device by
//! device. It implements quotas, over-quota, preemption, priorities, node types and taints. The pods of a workload
//! start together. Affinities, extended resources and quotas of departments have no effect; volumes only with [`Exec`].
//!
//! Service accounts have roles in projects ([`Account`], [`Role`]). Templates and a policy are merged into submissions
//! ([`Template`], [`Policy`]). Workloads of other types and users can exist, too ([`ExistingWorkload`]). A
//! [`Behaviour`] defines how workloads end, a [`Fault`] injects errors into requests. A scenario file
//! can contain all of this ([`Scenario`]). A page at `/` shows the state, and the paths below `/sim` control it:
//!
//! | request | effect |
//! |---|---|
//! | `GET /sim/state` | returns the state shown on the page |
//! | `POST /sim/clock` `{"seconds": 60}` | advances simulated time |
//! | `GET`, `POST`, `DELETE /sim/faults` | lists, adds, removes faults |
//! | `POST /sim/faults` `{"hostile": 7}` | adds [`Fault::hostile`] with this seed |
//! | `POST /sim/tokens/expire` `{}` | expires all tokens |
//! | `POST /sim/workloads/{id}` `{"do": "fail"}` | fails (`fail`) or preempts (`preempt`) a running workload |
//! | `POST /sim/workloads` `{"name": "notes", "type": "workspace"}` | adds a workload of another user ([`ExistingWorkload`]) |
//! | `GET /sim/workloads/{id}/output` | returns the last lines of its command |
//!
//! Environment variables script a workload: `RUNAI_SIM_PENDING` is the minimum number of seconds in the phase Pending
//! (default 0), `RUNAI_SIM_RUNNING` the seconds in the phase Running (default 1), `RUNAI_SIM_RESULT` the final phase:
//! `Completed` (default), `Failed` or `Stopped`. With [`Exec`] its command runs as a local process instead.
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

use crate::{app::App, exec::SHUTDOWN_GRACE, net::Server};
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

/// A running simulated control plane.
///
/// [`stop`](Self::stop) shuts it down gracefully. Dropping it stops the server immediately and terminates its
/// processes; remaining processes are killed, at the latest when the tokio runtime ends.
pub struct Simulator {
    app: Arc<App>,
    base_url: String,
    cluster: String,
    driver: Option<JoinHandle<()>>,
    project: String,
    server: Option<Server>,
}

impl Simulator {
    /// Returns a builder for a simulator with one project, one node and no command execution, at normal speed, on a
    /// free port of the loopback interface.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Returns its base URL without a trailing slash, such as `http://127.0.0.1:40123`.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Returns the client id of its first service account, which is also the id of its first application.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.app.accounts[0].client_id
    }

    /// Returns the client secret: a constant, or a random secret with [`Exec`].
    #[must_use]
    pub fn client_secret(&self) -> &str {
        &self.app.accounts[0].client_secret
    }

    /// Returns the key that the page and the paths below `/sim` require; `None` without [`Exec`].
    ///
    /// The key is random. A request sends it, or a valid token, as `Authorization: Bearer KEY`.
    #[must_use]
    pub fn control_key(&self) -> Option<&str> {
        self.app.control_key.as_deref()
    }

    /// Returns the URL of the page; with [`Exec`] its fragment is the [control key](Self::control_key).
    #[must_use]
    pub fn page_url(&self) -> String {
        match self.control_key() {
            Some(key) => format!("{}/#{key}", self.base_url),
            None => format!("{}/", self.base_url),
        }
    }

    /// Returns the name of its first project.
    #[must_use]
    pub fn project(&self) -> &str {
        &self.project
    }

    /// Returns the name of its cluster.
    #[must_use]
    pub fn cluster(&self) -> &str {
        &self.cluster
    }

    /// Returns a receiver of the lines that commands print; `None` without [`Exec`], or if it was already taken.
    ///
    /// Take it before the first submission: earlier lines are lost.
    #[must_use]
    pub fn take_output(&self) -> Option<mpsc::UnboundedReceiver<Output>> {
        self.app.runner.as_ref()?.take_output()
    }

    /// Advances simulated time.
    pub fn advance(&self, time: Duration) {
        self.app.skip(time);
    }

    /// Adds a workload of another user and returns its id.
    ///
    /// # Errors
    /// The project does not exist, or the name is invalid or taken.
    pub fn add_workload(&self, workload: ExistingWorkload) -> Result<String, WorkloadError> {
        self.app.with_state(|state, now| state.add_existing(workload, now))
    }

    /// Adds a fault.
    pub fn add_fault(&self, fault: Fault) {
        self.app.add_fault(fault);
    }

    /// Returns the number of requests that each kind of fault was applied to, by [`FaultKind::name`].
    #[must_use]
    pub fn applied_faults(&self) -> BTreeMap<&'static str, u64> {
        self.app.applied_faults()
    }

    /// Removes all faults.
    pub fn clear_faults(&self) {
        self.app.clear_faults();
    }

    /// Expires all tokens issued so far.
    pub fn expire_tokens(&self) {
        self.app.tokens.expire_all();
    }

    /// Returns the folder of mounted volumes, or `None` while there are none.
    #[must_use]
    pub fn mounts(&self) -> Option<PathBuf> {
        self.app.mounts()
    }

    /// Returns a router of all endpoints, which needs no socket.
    pub fn router(&self) -> Router {
        api::router(&self.app)
    }

    /// Completes running requests, stops serving, and ends all processes: `SIGTERM`, then `SIGKILL` after 5 s or the
    /// workload's shorter grace period.
    pub async fn stop(self) {
        self.end(SHUTDOWN_GRACE).await;
    }

    /// Like [`stop`](Self::stop), but kills all processes immediately.
    pub async fn kill(self) {
        self.end(Duration::ZERO).await;
    }

    async fn end(mut self, grace: Duration) {
        if let Some(driver) = &self.driver {
            driver.abort();
        }
        if let Some(server) = self.server.take() {
            server.stop(SHUTDOWN_TIMEOUT).await;
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

/// Timeout of running requests at shutdown.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(2);

/// The example of the README is a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
