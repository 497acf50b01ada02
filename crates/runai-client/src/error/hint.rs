//! Hints: what to do about an error.

use http::StatusCode;

use super::{Error, PLAIN_HTTP, list};
use crate::auth::TokenOrigin;
use crate::transport::TransportErrorKind;

impl Error {
    /// Returns what to do about the error, in the imperative and without a final period.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::BaseUrl { problem, .. } if *problem == PLAIN_HTTP => {
                "use `https`: plain `http` sends credentials in clear text; or allow `http` explicitly".into()
            }
            Self::BaseUrl { .. } => "write the base URL as `https://org.run.ai`".into(),
            Self::Setup(_) => {
                "install the system's root certificates (`ca-certificates`), or set `SSL_CERT_FILE`".into()
            }
            Self::CredentialsRefused { .. } if self.is_no_token_endpoint() => {
                "check that the base URL is that of a Run:ai control plane: it has no token endpoint".into()
            }
            Self::TokenCommand { .. } => {
                "run the command in a shell: it must print only the token, on one line, within 10 s; you may have to \
                 log in again"
                    .into()
            }
            Self::TokenRefused { origin: TokenOrigin::Command, .. } => {
                "log in again, so that the token command prints a valid token".into()
            }
            Self::TokenRefused { origin: TokenOrigin::Fixed, .. } => {
                "get a new token: this one may have expired, or belong to another control plane".into()
            }
            Self::TokenRefused { origin: TokenOrigin::Provider, .. } => {
                "check that the provider issues tokens for this control plane".into()
            }
            Self::UnreadableCredentials { .. } => "check the path, and that the current user can read it".into(),
            Self::CredentialsRefused { .. } | Self::TokenRefused { .. } => {
                "check the client id, the client secret and that the service account exists; regenerating a secret \
                 revokes the old one immediately"
                    .into()
            }
            Self::ProjectNotFound { nearest, .. } if nearest.is_empty() => {
                "check the name, and grant the service account permission to view projects in this scope".into()
            }
            Self::ProjectNotFound { nearest, .. } => format!("did you mean {}?", list(nearest)),
            Self::ProjectAmbiguous { .. } => "set `cluster_name` to the cluster of the intended project".into(),
            Self::ClusterMismatch { cluster, .. } => {
                format!("set `cluster_name` to `{cluster}`, remove it, or choose another project")
            }
            Self::NameTaken { .. } => "choose another name".into(),
            Self::DifferentSpec { .. } => "use another run id for another file".into(),
            Self::AlreadyDeleted { .. } => "use another run id to run it again".into(),
            Self::UnprovenDeletion { .. } => "if it did not run, submit it under another run id or name".into(),
            Self::Unconfirmed { name, .. } => {
                format!("repeat the submission: it attaches to `{name}` if that exists")
            }
            Self::Transport { source, .. } => match source.kind() {
                TransportErrorKind::Tls => {
                    "check that the certificate is valid for this host and issued by a trusted authority; install the \
                                 authority's certificate, or set `SSL_CERT_FILE` to a file that contains it"
                        .into()
                }
                TransportErrorKind::Connect | TransportErrorKind::Timeout => {
                    "check the base URL, the network and the proxy settings (`HTTPS_PROXY`, `NO_PROXY`)".into()
                }
                TransportErrorKind::BodyTooLong | TransportErrorKind::Interrupted => return None,
            },
            Self::UnexpectedResponse { .. } => {
                "check that the base URL is that of a Run:ai control plane, and that no proxy or login page responds instead"
                    .into()
            }
            Self::Api(error) => match error.status {
                StatusCode::FORBIDDEN => {
                    "grant the service account permission to view projects and clusters, and to view, create and edit \
                     trainings, in the scope of the project"
                        .into()
                }
                StatusCode::TOO_MANY_REQUESTS => "try again later: the control plane is busy".into(),
                status if status.is_redirection() => match &error.location {
                    Some(location) => format!("check whether `{location}` is the base URL: redirects are not followed"),
                    None => "check the base URL: redirects are not followed".into(),
                },
                _ => return None,
            },
            Self::Proxy { .. } => "write the proxy as `http://proxy.example.com:3128`".into(),
            Self::Accept(_)
            | Self::EmptyCredential(_)
            | Self::NoSubmissionId
            | Self::NoTransport
            | Self::Path(_)
            | Self::Timeout { .. }
            | Self::Token(_)
            | Self::TokenProvider { .. } => return None,
        })
    }
}
