//! Everything that can go wrong, by whose fault it is.

mod api;
mod cause;
mod hint;
mod kind;

use http::StatusCode;
use runai_api::name::SUBMISSION_LABEL;

pub use self::api::{ApiError, KEPT_TEXT};
pub(crate) use self::api::{cut, error_body, is_api_error};
pub use self::cause::{Cause, one_line};
pub use self::kind::ErrorKind;
use crate::auth::{TokenError, TokenOrigin};
use crate::name_conflict;
use crate::transport::{SetupError, TransportError};

/// Anything that keeps a call from giving what was asked for.
///
/// Messages are fragments without a final period that never hold a secret: credentials, tokens and the values of a
/// submission's environment are redacted in all text of the other side. Bodies of answers with a 2xx status
/// are never quoted, so that the decoder's error is not a source either. [`Error::kind`] classifies an error,
/// [`Error::hint`] says what to do, and [`one_line`] includes the messages of its sources.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    // The fault of whoever configured the client.
    /// The base URL cannot be used.
    #[error("base URL `{url}` {problem}")]
    BaseUrl {
        /// The URL, without user information.
        url: String,
        /// What is wrong with it.
        problem: &'static str,
        /// The error of the parser, if the URL does not parse.
        source: Option<Cause>,
    },
    /// The value of `Accept` is no header value.
    #[error("`{0}` cannot be the value of an `Accept` header")]
    Accept(String),
    /// A credential cannot be used.
    #[error("{0} is empty")]
    EmptyCredential(&'static str),
    /// The given token cannot be used.
    #[error("the given token {0}")]
    Token(&'static str),
    /// The credentials cannot be read from where they are.
    #[error("cannot read {place}")]
    UnreadableCredentials {
        /// The credentials, with the path of a file.
        place: String,
        /// Why not.
        source: Cause,
    },
    /// The URL of the proxy cannot be used.
    #[error("proxy `{url}` {problem}")]
    Proxy {
        /// The URL, without user information.
        url: String,
        /// What is wrong with it.
        problem: &'static str,
        /// The error of the parser, if the URL does not parse.
        source: Option<Cause>,
    },
    /// A timeout cannot be met, or contradicts another.
    #[error("`{option}` {problem}")]
    Timeout {
        /// The option of the builder.
        option: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The builder was given no transport, and this crate was built without one.
    #[error("no transport: give the builder one, or enable the feature `client`")]
    NoTransport,
    /// TLS cannot be set up on this machine.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// An id would make the request go elsewhere.
    #[error("`{0}` cannot be part of a request's path")]
    Path(String),
    /// The request lacks the label that a submission is recognised by.
    #[error("the request has no label `{SUBMISSION_LABEL}`")]
    NoSubmissionId,

    // The fault of the credentials.
    /// The token endpoint refused the credentials.
    #[error("the control plane refused the credentials: {status}{}{reason}", separator(.reason))]
    CredentialsRefused {
        /// The HTTP status.
        status: StatusCode,
        /// What the token endpoint wrote.
        reason: String,
    },
    /// The token command gave no token. Its output is not part of the error.
    #[error("token command `{program}` {problem}")]
    TokenCommand {
        /// The program's name, without its arguments.
        program: String,
        /// What went wrong.
        problem: String,
        /// The error of the operating system, if it reported one.
        source: Option<Cause>,
    },
    /// The token provider gave no token.
    #[error("the token provider has no token")]
    TokenProvider {
        /// The provider's error.
        source: TokenError,
    },
    /// A token was refused, and there is no other.
    #[error("`{call}` was refused with {origin}{}{reason}", separator(.reason))]
    TokenRefused {
        /// Method and path of the request.
        call: String,
        /// Where the token comes from.
        origin: TokenOrigin,
        /// What the control plane wrote.
        reason: String,
    },

    // What was asked for does not exist, or is not the one that was meant.
    /// No project has this name.
    #[error("project `{name}` does not exist, or cannot be seen with these credentials")]
    ProjectNotFound {
        /// The name that was looked for.
        name: String,
        /// The names of visible projects that come nearest.
        nearest: Vec<String>,
    },
    /// Several projects have this name, in different clusters.
    #[error("project `{name}` exists {} times, in clusters {}", .clusters.len(), list(.clusters))]
    ProjectAmbiguous {
        /// The name that was looked for.
        name: String,
        /// The UUIDs of the clusters that the projects live in.
        clusters: Vec<String>,
    },
    /// The project does not live in the cluster that was configured.
    #[error("project `{project}` is in cluster `{cluster}`, but `cluster_name` is `{configured}`")]
    ClusterMismatch {
        /// The project's name.
        project: String,
        /// The name of the project's cluster, or its UUID where the name cannot be seen.
        cluster: String,
        /// The cluster that was configured.
        configured: String,
    },

    // The control plane said no.
    /// An answer with an error status.
    #[error(transparent)]
    Api(Box<ApiError>),
    /// The name is taken by a workload that is not this submission's.
    #[error(
        "`{name}` is taken by workload {workload_id} of {}; this is submission `{submission_id}`",
        .other.as_ref().map_or_else(|| "another origin".to_owned(), |other| format!("submission `{other}`"))
    )]
    NameTaken {
        /// The name.
        name: String,
        /// The workload that has it.
        workload_id: String,
        /// The submission that the workload belongs to, if it belongs to any.
        other: Option<String>,
        /// The submission that was refused.
        submission_id: String,
    },
    /// This submission was sent before, with another content.
    #[error(
        "submission `{submission_id}` is workload {workload_id} (`{name}`) already, with another value at `{at}`{}",
        sources(.stored_source.as_deref(), .source_name.as_deref())
    )]
    DifferentSpec {
        /// The workload's name.
        name: String,
        /// The workload.
        workload_id: String,
        /// Where the specs differ, as a JSON pointer into the request's spec.
        at: &'static str,
        /// The submission.
        submission_id: String,
        /// Where the earlier request came from, such as a file's name, if its receipt says so.
        stored_source: Option<Box<str>>,
        /// Where this request comes from.
        source_name: Option<Box<str>>,
    },
    /// This submission was sent before, and its workload has been deleted since.
    #[error("submission `{submission_id}` was workload {workload_id} (`{name}`), which has been deleted")]
    AlreadyDeleted {
        /// The workload's name.
        name: String,
        /// The workload.
        workload_id: String,
        /// The submission.
        submission_id: String,
    },

    /// A request of this submission may have arrived, and a workload of its chosen name has been deleted: nothing is left
    /// that proves whether it was this one.
    #[error(
        "submission `{submission_id}` may have been workload {workload_id} (`{name}`), which has been deleted; nothing is \
         left that could prove it"
    )]
    UnprovenDeletion {
        /// The workload's name.
        name: String,
        /// The workload that was deleted.
        workload_id: String,
        /// The submission.
        submission_id: String,
    },

    // The fault of the network, or of the control plane.
    /// No answer came.
    #[error("no answer to `{call}`")]
    NoAnswer {
        /// Method and path of the request.
        call: String,
        /// Why not.
        source: TransportError,
    },
    /// An answer came that is not the API's.
    #[error("the answer to `{call}` ({status}) {problem}")]
    OddAnswer {
        /// Method and path of the request.
        call: String,
        /// The HTTP status.
        status: StatusCode,
        /// A description of the answer that does not quote its body.
        problem: String,
    },
    /// A submission may or may not have become a workload, and it cannot be found out.
    #[error("`{name}` may or may not have been submitted")]
    Unconfirmed {
        /// The workload's name.
        name: String,
        /// Why it is not known.
        source: Box<Error>,
    },
}

impl Error {
    /// Whether the client was set up wrongly; nothing was sent.
    #[must_use]
    pub const fn is_configuration(&self) -> bool {
        matches!(
            self,
            Self::Accept(_)
                | Self::BaseUrl { .. }
                | Self::EmptyCredential(_)
                | Self::NoSubmissionId
                | Self::NoTransport
                | Self::Path(_)
                | Self::Proxy { .. }
                | Self::Setup(_)
                | Self::Timeout { .. }
                | Self::Token(_)
                | Self::UnreadableCredentials { .. }
        )
    }

    /// Whether the credentials were refused, or do not permit what was asked.
    #[must_use]
    pub fn is_auth(&self) -> bool {
        match self {
            Self::CredentialsRefused { .. } | Self::TokenCommand { .. } | Self::TokenRefused { .. } => true,
            Self::TokenProvider { source } => !source.is_temporary(),
            Self::Unconfirmed { source, .. } => source.is_auth(),
            _ => matches!(self.status(), Some(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)),
        }
    }

    /// Whether what was asked for does not exist, or no longer.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::ProjectNotFound { .. } | Self::AlreadyDeleted { .. })
            || matches!(self, Self::Api(error) if is_gone(error.status) && !error.is_foreign())
    }

    /// Whether the control plane understood the request and will not do it; sending it again changes nothing.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        match self {
            Self::ProjectAmbiguous { .. }
            | Self::ClusterMismatch { .. }
            | Self::NameTaken { .. }
            | Self::DifferentSpec { .. }
            | Self::UnprovenDeletion { .. } => true,
            Self::Api(_) => !(self.is_auth() || self.is_not_found() || self.is_unreachable()),
            _ => false,
        }
    }

    /// Whether the control plane could not be asked: no answer, an answer that is not its own, or one that says that
    /// it does not work or is too busy. Trying again later may help.
    #[must_use]
    pub fn is_unreachable(&self) -> bool {
        match self {
            Self::NoAnswer { .. } | Self::OddAnswer { .. } => true,
            Self::TokenProvider { source } => source.is_temporary(),
            Self::Unconfirmed { source, .. } => !source.is_auth(),
            Self::Api(error) => {
                matches!(error.status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS)
                    || (error.status.is_server_error() && error.status != StatusCode::NOT_IMPLEMENTED)
                    || (error.is_foreign() && !is_denial(error.status))
            }
            _ => false,
        }
    }

    /// Whether the API itself reported this, with its error body or by answers that lead to this conclusion. False for
    /// answers of proxies and other servers, for odd answers, and without an answer.
    ///
    /// False for refused credentials and tokens too: see [`Error::is_auth`].
    #[must_use]
    pub fn is_from_api(&self) -> bool {
        match self {
            Self::Api(error) => error.from_api,
            Self::AlreadyDeleted { .. }
            | Self::ClusterMismatch { .. }
            | Self::DifferentSpec { .. }
            | Self::NameTaken { .. }
            | Self::ProjectAmbiguous { .. }
            | Self::ProjectNotFound { .. } => true,
            _ => false,
        }
    }

    /// Whether a request that changes something may have taken effect although this error came of it.
    ///
    /// A refused connection, a 429, a 401, a 407 and a 4xx with the API's error body (except 408) rule it out. A 5xx, a
    /// redirect, a proxy's page and an odd 2xx do not.
    #[must_use]
    pub fn may_have_taken_effect(&self) -> bool {
        // Without a token nothing else was sent.
        let is_more_than_a_token = |call: &str| !TOKEN_CALLS.contains(&call);
        match self {
            Self::NoAnswer { call, source } => source.may_have_been_sent() && is_more_than_a_token(call),
            Self::OddAnswer { call, .. } => is_more_than_a_token(call),
            Self::Unconfirmed { .. } => true,
            Self::Api(error) => {
                let is_refusal = match error.status {
                    // A 401 and a 407 come before any effect.
                    StatusCode::PROXY_AUTHENTICATION_REQUIRED
                    | StatusCode::TOO_MANY_REQUESTS
                    | StatusCode::UNAUTHORIZED => true,
                    StatusCode::REQUEST_TIMEOUT => false,
                    status => status.is_client_error() && error.from_api,
                };
                !is_refusal && is_more_than_a_token(&error.call)
            }
            _ => false,
        }
    }

    /// Whether no project of the control plane can be seen: nobody listens, or nothing issues tokens.
    pub(crate) fn is_whole_control_plane(&self) -> bool {
        match self {
            Self::NoAnswer { call, source } => !source.may_have_been_sent() || call.ends_with("/token"),
            Self::OddAnswer { call, .. } => call.ends_with("/token"),
            Self::Api(error) => error.call.ends_with("/token"),
            Self::CredentialsRefused { .. } => true,
            _ => false,
        }
    }

    /// The status of an error that the API answered with.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Api(error) => Some(error.status),
            _ => None,
        }
    }

    /// Whether the credentials were refused because nothing issues tokens there.
    pub(crate) const fn is_no_token_endpoint(&self) -> bool {
        matches!(self, Self::CredentialsRefused { status, .. } if is_missing(*status))
    }

    /// Whether this says for certain what became of a submission, and that it is no workload of ours that lives.
    pub(crate) const fn settles_a_submission(&self) -> bool {
        matches!(
            self,
            Self::AlreadyDeleted { .. }
                | Self::DifferentSpec { .. }
                | Self::NameTaken { .. }
                | Self::UnprovenDeletion { .. }
        )
    }

    /// Whether this says that a workload of the same name exists.
    ///
    /// The API documents no status for it: 409 has been seen, and a 400 with various words.
    pub(crate) fn says_name_exists(&self) -> bool {
        let Self::Api(error) = self else { return false };
        match error.status {
            StatusCode::CONFLICT => true,
            StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => {
                name_conflict::is_about_the_name(&error.message, error.details.as_deref(), &error.issues)
            }
            _ => false,
        }
    }
}

/// Why a base URL over plain HTTP is refused.
pub(crate) const PLAIN_HTTP: &str = "uses plain `http` to another machine";

/// The statuses of a server that has no such endpoint.
pub(crate) const fn is_missing(status: StatusCode) -> bool {
    matches!(status, StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED)
}

/// The calls that get a token.
const TOKEN_CALLS: [&str; 2] = ["POST /api/v1/token", "POST /api/v2/token"];

const fn is_gone(status: StatusCode) -> bool {
    matches!(status, StatusCode::NOT_FOUND | StatusCode::GONE)
}

const fn is_denial(status: StatusCode) -> bool {
    matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
}

fn sources(stored: Option<&str>, new: Option<&str>) -> String {
    match (stored, new) {
        (Some(stored), Some(new)) => format!(": it was submitted from `{stored}`, and this is `{new}`"),
        (Some(stored), None) => format!(": it was submitted from `{stored}`"),
        (None, _) => String::new(),
    }
}

fn separator(text: &str) -> &'static str {
    if text.is_empty() { "" } else { ": " }
}

fn list(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
