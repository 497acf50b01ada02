//! What an error means, as one word.

use http::StatusCode;

use super::{Error, PLAIN_HTTP};

/// What an error means, for programs that act on it.
///
/// The predicates of [`Error`], such as [`Error::is_unreachable`], are coarser: each covers several kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The client or the request was set up wrongly; nothing was sent.
    Configuration,
    /// The name, or the submission, belongs to another workload.
    Conflict,
    /// The base URL uses plain `http` to another machine, which the builder does not
    /// [allow](crate::ClientBuilder::allow_http).
    InsecureUrl,
    /// What was asked for does not exist, or no longer.
    NotFound,
    /// The credentials do not permit it.
    PermissionDenied,
    /// A rate limit refused the request for longer than the client waits.
    RateLimited,
    /// The control plane understood the request and will not do it.
    Refused,
    /// There are no credentials that the control plane accepts.
    Unauthenticated,
    /// It is not known whether a submission is, or was, a workload.
    Unconfirmed,
    /// Something that is not the API answered, or the answer is not what the API describes.
    UnexpectedResponse,
    /// The control plane does not answer, or does not work.
    Unreachable,
}

impl Error {
    /// Classifies the error.
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
            Self::NoAnswer { .. } => ErrorKind::Unreachable,
            Self::OddAnswer { .. } => ErrorKind::UnexpectedResponse,
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
