//! The client's errors, grouped by whose fault they are.

mod api;
mod cause;
mod hint;
mod kind;

use http::StatusCode;
use runai_api::name::SUBMISSION_LABEL;

pub use self::api::{ApiError, MAX_ERROR_TEXT};
pub(crate) use self::api::{error_body, is_api_error, truncate};
pub use self::cause::{Cause, one_line};
pub use self::kind::ErrorKind;
use crate::auth::{TokenError, TokenOrigin};
use crate::name_conflict;
use crate::transport::{SetupError, TransportError};

/// The error of a call.
///
/// Messages are fragments without a final period and never contain a secret: credentials, tokens and the values of a
/// submission's environment are redacted in all text that a server sends. Bodies of 2xx responses are never quoted, so
/// the decoder's error is not a source either. [`Error::kind`] classifies an error, [`Error::hint`] returns what to do
/// about it, and [`one_line`] includes the messages of its sources.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    // Configuration errors.
    /// The base URL is invalid.
    #[error("base URL `{url}` {problem}")]
    BaseUrl {
        /// The URL, without user information.
        url: String,
        /// What is invalid.
        problem: &'static str,
        /// The error of the parser, if the URL does not parse.
        source: Option<Cause>,
    },
    /// The value of `Accept` is not a valid header value.
    #[error("invalid `Accept` header `{0}`")]
    Accept(String),
    /// A credential is empty.
    #[error("{0} is empty")]
    EmptyCredential(&'static str),
    /// The configured token is invalid.
    #[error("the configured token {0}")]
    Token(&'static str),
    /// The credentials cannot be read.
    #[error("cannot read {place}")]
    UnreadableCredentials {
        /// Description of the credentials, with the path of a file.
        place: String,
        /// The underlying error.
        source: Cause,
    },
    /// The URL of the proxy is invalid.
    #[error("proxy `{url}` {problem}")]
    Proxy {
        /// The URL, without user information.
        url: String,
        /// What is invalid.
        problem: &'static str,
        /// The error of the parser, if the URL does not parse.
        source: Option<Cause>,
    },
    /// A timeout is zero or contradicts another one.
    #[error("`{option}` {problem}")]
    Timeout {
        /// The option of the builder.
        option: &'static str,
        /// What is invalid.
        problem: &'static str,
    },
    /// The builder has no transport, and this crate was built without the feature `client`.
    #[error("no transport: pass one to the builder, or enable the feature `client`")]
    NoTransport,
    /// TLS cannot be set up on this machine.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// An id would change the path of the request.
    #[error("invalid request path `{0}`")]
    Path(String),
    /// The request lacks the label that identifies a submission.
    #[error("the request has no label `{SUBMISSION_LABEL}`")]
    NoSubmissionId,

    // Authentication errors.
    /// The token endpoint refused the credentials.
    #[error("the control plane refused the credentials: {status}{}{reason}", separator(.reason))]
    CredentialsRefused {
        /// The HTTP status.
        status: StatusCode,
        /// The token endpoint's message.
        reason: String,
    },
    /// The token command printed no valid token. Its output is not part of the error.
    #[error("token command `{program}` {problem}")]
    TokenCommand {
        /// The program's name, without its arguments.
        program: String,
        /// What went wrong.
        problem: String,
        /// The error of the operating system, if it reported one.
        source: Option<Cause>,
    },
    /// The token provider returned an error.
    #[error("the token provider returned no token")]
    TokenProvider {
        /// The provider's error.
        source: TokenError,
    },
    /// The control plane refused a token, and there is no other one to try.
    #[error("`{call}`: the control plane refused {origin}{}{reason}", separator(.reason))]
    TokenRefused {
        /// Method and path of the request.
        call: String,
        /// The source of the token.
        origin: TokenOrigin,
        /// The control plane's message.
        reason: String,
    },

    // Missing and mismatched resources.
    /// No project has this name.
    #[error("project `{name}` does not exist or is not visible to these credentials")]
    ProjectNotFound {
        /// The requested name.
        name: String,
        /// The most similar names of visible projects.
        nearest: Vec<String>,
    },
    /// Several projects have this name, in different clusters.
    #[error("project `{name}` exists in several clusters: {}", list(.clusters))]
    ProjectAmbiguous {
        /// The requested name.
        name: String,
        /// The UUIDs of the projects' clusters.
        clusters: Vec<String>,
    },
    /// The project is not in the configured cluster.
    #[error("project `{project}` is in cluster `{cluster}`, but `cluster_name` is `{configured}`")]
    ClusterMismatch {
        /// The project's name.
        project: String,
        /// The name of the project's cluster, or its UUID if the name is not visible.
        cluster: String,
        /// The configured cluster.
        configured: String,
    },

    // Refused requests.
    /// A response with an error status.
    #[error(transparent)]
    Api(Box<ApiError>),
    /// The name is taken by a workload of another submission, or of none.
    #[error(
        "name `{name}` of submission `{submission_id}` is taken by workload {workload_id}{}",
        .other.as_ref().map_or_else(String::new, |other| format!(" of submission `{other}`"))
    )]
    NameTaken {
        /// The name.
        name: String,
        /// The workload that has it.
        workload_id: String,
        /// The submission of that workload, if it has one.
        other: Option<String>,
        /// The submission that was refused.
        submission_id: String,
    },
    /// This submission was sent before with a different spec.
    #[error(
        "submission `{submission_id}` already exists as workload {workload_id} (`{name}`) with a different `{at}`{}",
        sources(.stored_source.as_deref(), .source_name.as_deref())
    )]
    DifferentSpec {
        /// The workload's name.
        name: String,
        /// The workload.
        workload_id: String,
        /// JSON pointer to the difference, in the request's spec.
        at: &'static str,
        /// The submission.
        submission_id: String,
        /// The source of the earlier request, such as a file name, if its receipt contains it.
        stored_source: Option<Box<str>>,
        /// The source of this request.
        source_name: Option<Box<str>>,
    },
    /// The workload of this submission has been deleted.
    #[error("workload {workload_id} (`{name}`) of submission `{submission_id}` has been deleted")]
    AlreadyDeleted {
        /// The workload's name.
        name: String,
        /// The workload.
        workload_id: String,
        /// The submission.
        submission_id: String,
    },

    /// A request of this submission may have arrived, and a workload with its chosen name has been deleted. Nothing
    /// proves whether that workload belonged to the submission.
    #[error("cannot tell whether deleted workload {workload_id} (`{name}`) belonged to submission `{submission_id}`")]
    UnprovenDeletion {
        /// The workload's name.
        name: String,
        /// The deleted workload.
        workload_id: String,
        /// The submission.
        submission_id: String,
    },

    // Errors of the network or the control plane.
    /// There is no response.
    #[error("no response to `{call}`")]
    Transport {
        /// Method and path of the request.
        call: String,
        /// The error of the transport.
        source: TransportError,
    },
    /// The response is not one that the API describes.
    #[error("the response to `{call}` ({status}) {problem}")]
    UnexpectedResponse {
        /// Method and path of the request.
        call: String,
        /// The HTTP status.
        status: StatusCode,
        /// A description of the response that does not quote its body.
        problem: String,
    },
    /// The client cannot determine whether a submission became a workload.
    #[error("cannot confirm whether `{name}` was submitted")]
    Unconfirmed {
        /// The workload's name.
        name: String,
        /// The error of the last request.
        source: Box<Error>,
    },
}

impl Error {
    /// Returns whether the configuration is invalid; nothing was sent.
    #[must_use]
    pub fn is_configuration(&self) -> bool {
        matches!(self.kind(), ErrorKind::Configuration | ErrorKind::InsecureUrl)
    }

    /// Returns whether the credentials were refused or lack a permission.
    #[must_use]
    pub fn is_auth(&self) -> bool {
        match self {
            Self::CredentialsRefused { .. } | Self::TokenCommand { .. } | Self::TokenRefused { .. } => true,
            Self::TokenProvider { source } => !source.is_temporary(),
            Self::Unconfirmed { source, .. } => source.is_auth(),
            _ => matches!(self.status(), Some(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)),
        }
    }

    /// Returns whether the requested resource does not exist or has been deleted.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::ProjectNotFound { .. } | Self::AlreadyDeleted { .. })
            || matches!(self, Self::Api(error) if is_gone(error.status) && !error.is_foreign())
    }

    /// Returns whether the control plane understood and refused the request. Sending it again does not help.
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

    /// Returns whether the control plane is unreachable: no response, a response of something else, or one that reports
    /// an internal error or overload. Trying again later may help.
    #[must_use]
    pub fn is_unreachable(&self) -> bool {
        match self {
            Self::Transport { .. } | Self::UnexpectedResponse { .. } => true,
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

    /// Returns whether the API itself reported this, with its error body or by the responses to several requests. False
    /// for responses of proxies and other servers, for unexpected responses, and without a response.
    ///
    /// Also false for refused credentials and tokens: see [`Error::is_auth`].
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

    /// Returns whether a request that changes something may have taken effect despite this error.
    ///
    /// A refused connection, a 429, a 401, a 407 and a 4xx with the API's error body (except 408) rule it out. A 5xx, a
    /// redirect, a proxy's page and an unexpected 2xx do not.
    #[must_use]
    pub fn may_have_taken_effect(&self) -> bool {
        // If the token request failed, the request itself was not sent.
        let is_not_token_request = |call: &str| !TOKEN_CALLS.contains(&call);
        match self {
            Self::Transport { call, source } => source.may_have_been_sent() && is_not_token_request(call),
            Self::UnexpectedResponse { call, .. } => is_not_token_request(call),
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
                !is_refusal && is_not_token_request(&error.call)
            }
            _ => false,
        }
    }

    /// Returns whether the whole control plane is unreachable: it refuses connections or issues no tokens.
    pub(crate) fn is_control_plane_outage(&self) -> bool {
        match self {
            Self::Transport { call, source } => !source.may_have_been_sent() || call.ends_with("/token"),
            Self::UnexpectedResponse { call, .. } => call.ends_with("/token"),
            Self::Api(error) => error.call.ends_with("/token"),
            Self::CredentialsRefused { .. } => true,
            _ => false,
        }
    }

    /// Returns the HTTP status of an [`Error::Api`].
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Api(error) => Some(error.status),
            _ => None,
        }
    }

    /// Returns whether the base URL has no token endpoint.
    pub(crate) const fn is_no_token_endpoint(&self) -> bool {
        matches!(self, Self::CredentialsRefused { status, .. } if is_missing(*status))
    }

    /// Returns whether this is a final result of a submission: it has no live workload.
    pub(crate) const fn settles_submission(&self) -> bool {
        matches!(
            self,
            Self::AlreadyDeleted { .. }
                | Self::DifferentSpec { .. }
                | Self::NameTaken { .. }
                | Self::UnprovenDeletion { .. }
        )
    }

    /// Returns whether the control plane reported that the name is taken.
    ///
    /// The API does not document a status for it: control planes return 409, or 400 with various messages.
    pub(crate) fn is_name_conflict(&self) -> bool {
        let Self::Api(error) = self else { return false };
        match error.status {
            StatusCode::CONFLICT => true,
            StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => {
                name_conflict::reports_taken_name(&error.message, error.details.as_deref(), &error.issues)
            }
            _ => false,
        }
    }
}

/// The problem with a base URL over plain HTTP.
pub(crate) const PLAIN_HTTP: &str = "uses plain `http` to a remote host";

/// Returns whether a server without this endpoint returns `status`.
pub(crate) const fn is_missing(status: StatusCode) -> bool {
    matches!(status, StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED)
}

/// Calls of the token endpoints.
const TOKEN_CALLS: [&str; 2] = ["POST /api/v1/token", "POST /api/v2/token"];

const fn is_gone(status: StatusCode) -> bool {
    matches!(status, StatusCode::NOT_FOUND | StatusCode::GONE)
}

const fn is_denial(status: StatusCode) -> bool {
    matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
}

fn sources(stored: Option<&str>, new: Option<&str>) -> String {
    match (stored, new) {
        (Some(stored), Some(new)) => format!(": it was submitted from `{stored}`, not `{new}`"),
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
