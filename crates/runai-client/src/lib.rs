//! A client of NVIDIA Run:ai's control plane: submits training workloads, follows them and cancels them.
//!
//! It submits a job once, follows it through outages, and suspends or deletes it only when the user asked for that. It
//! sends what [`runai_api`] describes: requests are [values](runai_api::request::ApiRequest), and the pure module
//! [`lifecycle`] decides how a step ends. It knows no settings files and prints nothing.
//!
//! - [`Client`] holds the credentials, gets and renews the token, and sends any request of the API. It retries what is
//!   idempotent and waits for rate limits.
//! - [`TokenProvider`] is a source of tokens; client credentials, a [`TokenCommand`] and a fixed token are built in.
//! - [`StepOperator`] resolves project and cluster, submits once, follows and cancels.
//! - [`Watch`] follows one workload, as a sequence of [`Event`]s; a [`Fleet`] follows thousands with one poller.
//! - [`Receipt`] is what another process needs to resume, without secrets; a [`ReceiptStore`], such as a
//!   [`ReceiptDirectory`], keeps it.
//! - [`Preflight`] is what would prevent a step from running.
//! - [`transport::Transport`] is where bytes leave; tests answer there in memory.
//!
//! # Guarantees
//!
//! - An ambiguous submission is looked up, and sent again only after lookups that were answered found nothing for the
//!   [settle time](StepOperator::settle_time). If no lookup is answered, the result is [`Error::Unconfirmed`].
//! - A request that was sent again may still become two workloads. They are reported by id; none is deleted.
//! - Once a workload has been seen, every answer that is not the API speaking about it is an outage, which touches
//!   nothing.
//! - No error and no log shows a credential, a token or a value of a submission's environment.
//!
//! The clock is tokio's, so `tokio::time::pause` controls client and transport in tests. There is no global state:
//! no crypto provider is installed and no environment variable read, except for the system's proxy settings and root
//! certificates.
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
//! // The request carries the label of its submission: see `StepOperator::submission_id`.
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

/// The body of a [`transport`]'s request and answer, of the crate `bytes`.
pub use bytes::Bytes;
/// Methods, headers and statuses: the crate `http`, whose `Request` and `Response` a [`transport`] has.
pub use http;
/// The API's bodies and requests: the crate `runai-api`, in the version of this client.
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

/// The pages that show this crate at work: their examples are tests.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../README.md")]
    struct Readme;
    #[doc = include_str!("../../../docs/client.md")]
    struct Client;
    #[doc = include_str!("../../../docs/simulator.md")]
    struct Simulator;
}
