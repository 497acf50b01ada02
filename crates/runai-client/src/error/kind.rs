//! The kinds of errors.

use http::StatusCode;

use super::{Error, PLAIN_HTTP};

/// The kind of an error, for programs that act on it.
///
/// The predicates of [`Error`], such as [`Error::is_unreachable`], cover several kinds each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The configuration or the request is invalid; nothing was sent.
    Configuration,
    /// The name or the submission belongs to another workload.
    Conflict,
    /// The base URL uses plain `http` to a remote host, and [`allow_http`](crate::ClientBuilder::allow_http) is not
    /// set.
    InsecureUrl,
    /// The requested resource does not exist or has been deleted.
    NotFound,
    /// The credentials lack a permission.
    PermissionDenied,
    /// The control plane rate-limited the request for longer than the client waits.
    RateLimited,
    /// The control plane understood and refused the request.
    Refused,
    /// The control plane accepts none of the credentials.
    Unauthenticated,
    /// It is not known whether a submission became a workload.
    Unconfirmed,
    /// The response is not one that the API describes; another server may have responded.
    UnexpectedResponse,
    /// The control plane does not respond, or reports an internal error.
    Unreachable,
}

impl Error {
    /// Returns the kind of the error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::BaseUrl { problem, .. } if *problem == PLAIN_HTTP => ErrorKind::InsecureUrl,
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
            | Self::UnreadableCredentials { .. } => ErrorKind::Configuration,
            Self::TokenProvider { source } if source.is_temporary() => ErrorKind::Unreachable,
            Self::CredentialsRefused { .. }
            | Self::TokenCommand { .. }
            | Self::TokenProvider { .. }
            | Self::TokenRefused { .. } => ErrorKind::Unauthenticated,
            Self::AlreadyDeleted { .. } | Self::ProjectNotFound { .. } => ErrorKind::NotFound,
            Self::ClusterMismatch { .. } | Self::ProjectAmbiguous { .. } => ErrorKind::Refused,
            Self::DifferentSpec { .. } | Self::NameTaken { .. } => ErrorKind::Conflict,
            Self::Unconfirmed { .. } | Self::UnprovenDeletion { .. } => ErrorKind::Unconfirmed,
            Self::Transport { .. } => ErrorKind::Unreachable,
            Self::UnexpectedResponse { .. } => ErrorKind::UnexpectedResponse,
            Self::Api(error) => match error.status {
                StatusCode::UNAUTHORIZED => ErrorKind::Unauthenticated,
                StatusCode::FORBIDDEN => ErrorKind::PermissionDenied,
                StatusCode::TOO_MANY_REQUESTS => ErrorKind::RateLimited,
                _ if self.is_not_found() => ErrorKind::NotFound,
                status if status.is_redirection() => ErrorKind::UnexpectedResponse,
                status if error.is_foreign() && !status.is_server_error() => ErrorKind::UnexpectedResponse,
                _ if self.is_unreachable() => ErrorKind::Unreachable,
                StatusCode::CONFLICT => ErrorKind::Conflict,
                _ => ErrorKind::Refused,
            },
        }
    }
}
