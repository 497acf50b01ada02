//! A client of NVIDIA Run:ai's control plane: submits training workloads, follows them and cancels them.
//!
//! It submits a job once, follows it through outages, and suspends or deletes it only if the user asked for that. It
//! sends the requests of [`runai_api`], which are [values](runai_api::request::ApiRequest). The pure module
//! [`lifecycle`] is the state machine of a wait. The crate reads no settings files and prints nothing.
//!
//! - [`Client`] gets and renews tokens, and sends any request of the API. It retries idempotent requests and waits for
//!   rate limits.
//! - [`TokenProvider`] is a custom source of tokens; client credentials, a [`TokenCommand`] and a fixed token are built
//!   in.
//! - [`StepOperator`] resolves project and cluster, submits once, follows and cancels.
//! - [`Watch`] follows one workload and yields [`Event`]s; a [`Fleet`] follows thousands with one poller.
//! - [`Receipt`] is the state with which another process resumes, without secrets. A [`ReceiptStore`], such as a
//!   [`ReceiptDirectory`], stores it.
//! - [`Preflight`] reports what would prevent a step from running.
//! - [`transport::Transport`] sends HTTP requests; tests implement one in memory.
//!
//! # Guarantees
//!
//! - An ambiguous submission is looked up, and resent only after successful lookups found nothing for the
//!   [settle time](StepOperator::settle_time). If no lookup succeeds, the result is [`Error::Unconfirmed`].
//! - A resent request may still create two workloads. They are reported by id; none is deleted.
//! - After a workload has been seen, every response that is not the API's about it is an outage. An outage never
//!   touches a workload.
//! - Errors and logs contain no credential, no token and no value of a submission's environment.
//!
//! The crate uses tokio's clock, so `tokio::time::pause` controls client and transport in tests. It has no global
//! state: it installs no crypto provider and reads no environment variables, except the system's proxy settings and
//! root certificates.
//!
//! ```no_run
//! use runai_client::api::Submission;
//! use runai_client::api::wire::TrainingCreationRequest;
//! use runai_client::lifecycle::{Outcome, WaitPolicy};
//! use runai_client::{Client, Error, Event, StepOperator};
//!
//! # async fn run(mut request: TrainingCreationRequest, secret: String) -> Result<(), Error> {
//! let client = Client::builder("https://org.run.ai").credentials("trainer", secret).build()?;
//! let operator = StepOperator::new(client, "vision").cluster_name("dgx");
//!
//! let placement = operator.prepare().await?;
//! request.project_id = placement.project_id;
//! request.cluster_id = placement.cluster_id;
//! // The request must have the label of its submission: see `StepOperator::submission_id`.
//! let submission = Submission::of(&request).ok_or(Error::NoSubmissionId)?;
//! let submitted = operator.submit(&submission).await?;
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
pub mod lifecycle;
mod name_conflict;
mod operator;
mod poll;
mod preflight;
mod rate_limit;
mod receipt;
mod record;
mod retry;
mod secrets;
mod sender;
mod spec_diff;
mod submission;
mod time;
mod timer;
mod tracker;
pub mod transport;
mod watch;

/// The body of a [`transport`]'s requests and responses, from the crate `bytes`.
pub use bytes::Bytes;
/// The crate `http`, whose `Request` and `Response` a [`transport`] uses.
pub use http;
/// The crate `runai-api`, in the version of this client.
pub use runai_api as api;
pub use runai_api::wire::requests::{ListParams, SortOrder};
pub use secrecy::SecretString;

pub use crate::{
    auth::{
        AccessToken, ClientCredentials, DEFAULT_TOKEN_LIFETIME, RENEW_BEFORE_EXPIRY, TokenCommand, TokenError,
        TokenOrigin, TokenProvider,
    },
    builder::{ClientBuilder, DEFAULT_REQUEST_TIMEOUT},
    client::{Client, Response},
    directory::ReceiptDirectory,
    endpoints::{
        AccessRule, BatchAction, BatchFailure, BatchResult, GrantedPermission, MAX_PAGES, PermissionSetInfo, RoleInfo,
        Template, TemplateMeta,
    },
    error::{ApiError, Cause, Error, ErrorKind, MAX_ERROR_TEXT, one_line},
    fleet::{Fleet, FleetEvent, OutageScope, tally},
    operator::{Placement, StepOperator, nearest},
    preflight::{Check, Preflight, PreflightFinding, PreflightSubject, SettingOf, Verdict},
    receipt::{AliveMark, BoxFuture, Progress, PutResult, Receipt, ReceiptList, ReceiptStore, StoreError},
    retry::RetryPolicy,
    submission::{DEFAULT_SETTLE_TIME, DUPLICATE_WINDOW, MAX_SUBMIT_ATTEMPTS, SubmitEvent, Submitted},
    watch::{AUTH_GRACE, Event, Watch},
};

/// Documentation pages whose examples run as tests.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../README.md")]
    struct Readme;
    #[doc = include_str!("../../../docs/client.md")]
    struct Client;
    #[doc = include_str!("../../../docs/simulator.md")]
    struct Simulator;
}
