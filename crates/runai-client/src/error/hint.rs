//! What to do about an error.

use http::StatusCode;

use super::{Error, PLAIN_HTTP, list};
use crate::auth::TokenOrigin;
use crate::transport::Failure;

impl Error {
    /// Returns what to do about the error, as one sentence without a final period.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::BaseUrl { problem, .. } if *problem == PLAIN_HTTP => {
                "credentials would cross the network in clear text; use `https`, or allow `http` explicitly".into()
            }
            Self::BaseUrl { .. } => "a base URL looks like `https://org.run.ai`".into(),
            Self::Setup(_) => {
                "install the system's root certificates (`ca-certificates`), or name them with `SSL_CERT_FILE`".into()
            }
            Self::CredentialsRefused { .. } if self.is_no_token_endpoint() => {
                "nothing at this base URL issues tokens; is it the address of a Run:ai control plane?".into()
            }
            Self::TokenCommand { .. } => {
                "run the command in a shell: it must end within 10 s and print one line, the token, and nothing else; \
                 you may have to log in again"
                    .into()
            }
            Self::TokenRefused { origin: TokenOrigin::Command, .. } => {
                "log in again, so that the token command prints a token that is valid".into()
            }
            Self::TokenRefused { origin: TokenOrigin::Fixed, .. } => {
                "the token may have expired, or be another control plane's; get a new one".into()
            }
            Self::TokenRefused { origin: TokenOrigin::Provider, .. } => {
                "the tokens of the provider may be another control plane's".into()
            }
            Self::UnreadableCredentials { .. } => "check the path, and that this user may read it".into(),
            Self::CredentialsRefused { .. } | Self::TokenRefused { .. } => {
                "check client id and client secret, and that the service account still exists; a regenerated secret \
                 replaces the old one at once"
                    .into()
            }
            Self::ProjectNotFound { nearest, .. } if nearest.is_empty() => {
                "the service account needs permission to view projects, in the scope of this project".into()
            }
            Self::ProjectNotFound { nearest, .. } => format!("did you mean {}?", list(nearest)),
            Self::ProjectAmbiguous { .. } => "set `cluster_name` to the cluster of the project that is meant".into(),
            Self::ClusterMismatch { cluster, .. } => {
                format!("set `cluster_name` to `{cluster}`, leave it out, or choose another project")
            }
            Self::NameTaken { .. } => "choose another name".into(),
            Self::DifferentSpec { .. } => "another file needs another run id".into(),
            Self::AlreadyDeleted { .. } => "to run it once more, use another run id".into(),
            Self::UnprovenDeletion { .. } => "if it did not run, submit it under another run id or name".into(),
            Self::Unconfirmed { name, .. } => {
                format!("the same submission can be sent again: it attaches to `{name}` if that exists")
            }
            Self::NoAnswer { source, .. } => match source.failure() {
                Failure::Tls => {
                    "the certificate must be for this host, and of an authority that this machine trusts; install the \
                                 authority's certificate, or name a file with it in `SSL_CERT_FILE`"
                        .into()
                }
                Failure::Connect | Failure::Timeout => {
                    "check the base URL, the network and the proxy settings (`HTTPS_PROXY`, `NO_PROXY`)".into()
                }
                Failure::BodyTooLong | Failure::Interrupted => return None,
            },
            Self::OddAnswer { .. } => {
                "is the base URL the address of a Run:ai control plane, and is no login page or proxy in between?"
                    .into()
            }
            Self::Api(error) => match error.status {
                StatusCode::FORBIDDEN => {
                    "the service account lacks a permission; it needs to view projects and clusters, and to view, \
                     create and edit trainings, in the scope of the project"
                        .into()
                }
                StatusCode::TOO_MANY_REQUESTS => "the control plane is busy; try again later".into(),
                status if status.is_redirection() => match &error.location {
                    Some(location) => format!("redirects are not followed; is `{location}` the base URL?"),
                    None => "redirects are not followed; check the base URL".into(),
                },
                _ => return None,
            },
            Self::Proxy { .. } => "a proxy looks like `http://proxy.example.com:3128`".into(),
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
