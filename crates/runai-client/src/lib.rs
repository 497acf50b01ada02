//! A client of NVIDIA Run:ai's control plane that submits training workloads, follows and cancels them, and never
//! loses, doubles or kills a job.
//!
//! It sends what [`runai_spec`] describes: requests are [values](runai_spec::request::ApiRequest), and how a step ends
//! is decided by [`runai_spec::wait`]. It knows no settings files and prints nothing. Receipts on disk are the
//! program's; the values for them ([`Placement`], [`Submitted`], [`WaitState`](runai_spec::wait::WaitState)) serialise
//! and hold no secrets.
//!
//! - [`Client`] has the credentials, gets and renews the token, and sends requests: again where that is harmless,
//!   never where it is not.
//! - [`StepOperator`] resolves project and cluster, submits once, follows, cancels.
//! - [`Watch`] is one workload being followed, as a sequence of [`Event`]s.
//! - [`transport::Transport`] is where bytes leave; tests answer there in memory.
//!
//! There is no global state: no crypto provider is installed, no environment variable read, except for the system's
//! proxy settings and root certificates, which are the platform's.
//!
//! ```no_run
//! use runai_client::{Client, Event, StepOperator};
//! use runai_spec::wait::{Outcome, WaitPolicy};
//! use runai_spec::wire::TrainingCreationRequest;
//!
//! # async fn run(mut request: TrainingCreationRequest, secret: String) -> Result<(), runai_client::Error> {
//! let client = Client::builder("https://org.run.ai").credentials("trainer", secret).build()?;
//! let operator = StepOperator::new(client, "vision").cluster_name("dgx");
//!
//! let placement = operator.prepare().await?;
//! request.project_id = placement.project_id;
//! request.cluster_id = placement.cluster_id;
//! let submitted = operator.submit(&request).await?;
//!
//! let mut watch = operator.watch(submitted.workload_id, WaitPolicy::default());
//! while let Some(event) = watch.next().await? {
//!     if let Event::Ended { outcome } = event {
//!         assert_eq!(outcome, Outcome::Succeeded);
//!     }
//! }
//! # Ok(())
//! # }
//! ```

mod agreement;
mod auth;
mod client;
mod delivery;
mod endpoints;
mod error;
mod operator;
mod retry;
mod time;
pub mod transport;
mod watch;

pub use secrecy::SecretString;

pub use crate::{
    auth::{RENEW_AHEAD, UNSTATED_LIFETIME},
    client::{Client, ClientBuilder, DEFAULT_CONNECT_TIMEOUT, DEFAULT_REQUEST_TIMEOUT},
    endpoints::MOST_PAGES,
    error::{ApiError, Error, KEPT_TEXT},
    operator::{MOST_SENDS, Placement, StepOperator, Submitted},
    retry::RetryPolicy,
    watch::{AUTH_PATIENCE, Event, Watch},
};
