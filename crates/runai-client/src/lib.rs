//! A client of NVIDIA Run:ai's control plane that submits training workloads, follows and cancels them, and never
//! loses, doubles or kills a job.
//!
//! It sends what [`runai_spec`] describes: requests are [values](runai_spec::request::ApiRequest), and how a step ends
//! is decided by [`runai_spec::wait`]. It knows no settings files and prints nothing. What is written down about a
//! submission is a [`Receipt`], which holds no secret; a [`ReceiptStore`] keeps it, such as a [`ReceiptDirectory`].
//!
//! - [`Client`] has the credentials, gets and renews the token, and sends requests: again where that is harmless,
//!   never where it is not.
//! - [`StepOperator`] resolves project and cluster, submits once, follows, cancels.
//! - [`Watch`] is one workload being followed, as a sequence of [`Event`]s.
//! - [`Fleet`] is thousands of workloads being followed with one poller.
//! - [`Preflight`] is what would keep a step from running, found out before.
//! - [`transport::Transport`] is where bytes leave; tests answer there in memory.
//!
//! Time is tokio's: a test that pauses it holds the client's, too.
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

mod auth;
mod builder;
mod client;
mod directory;
mod endpoints;
mod error;
mod fleet;
mod jwt;
mod name_conflict;
mod operator;
mod policy;
mod poll;
mod preflight;
mod rate_limit;
mod receipt;
mod record;
mod retry;
mod secrets;
mod sender;
mod setting;
mod spec_diff;
mod submission;
mod time;
mod tracker;
pub mod transport;
mod watch;

pub use secrecy::SecretString;

pub use crate::{
    auth::{
        AccessToken, ClientCredentials, RENEW_AHEAD, TokenCommand, TokenError, TokenOrigin, TokenProvider,
        UNSTATED_LIFETIME,
    },
    builder::{ClientBuilder, DEFAULT_REQUEST_TIMEOUT},
    client::{Client, Response},
    directory::ReceiptDirectory,
    endpoints::{
        AccessRule, BatchAction, BatchFailure, BatchResult, EffectivePolicy, GrantedPermission, MOST_PAGES,
        PermissionSetInfo, PolicySource, RoleInfo, Template, TemplateMeta,
    },
    error::{ApiError, Error, KEPT_TEXT},
    fleet::{Fleet, FleetEvent, OutageScope, tally},
    operator::{Placement, StepOperator, nearest},
    policy::Breach,
    preflight::{Check, Preflight, PreflightFinding, Verdict},
    receipt::{AliveMark, BoxFuture, Progress, Put, Receipt, ReceiptList, ReceiptStore, StoreError},
    retry::RetryPolicy,
    setting::{SettingPlace, setting_of},
    submission::{DEFAULT_SETTLE_TIME, DUPLICATE_WINDOW, MAX_SUBMIT_ATTEMPTS, SubmitEvent, Submitted},
    watch::{AUTH_GRACE, Event, Watch},
};

/// The pages that show this crate at work: their examples are tests.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../../../docs/client.md")]
    struct Client;
    #[doc = include_str!("../../../docs/simulator.md")]
    struct Simulator;
}
