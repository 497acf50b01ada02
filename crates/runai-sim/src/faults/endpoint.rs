//! Classifies requests by purpose.

use serde::{Deserialize, Serialize};

/// The purpose of a request, by its method and path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Endpoint {
    /// Suspending, resuming or deleting one or several workloads.
    Action,
    /// One workload: `GET /api/v1/workloads/{id}`.
    Get,
    /// The list of workloads and their count.
    List,
    /// Projects.
    Projects,
    /// Submitting a workload.
    Submit,
    /// Access tokens.
    Token,
    /// One workload with its specification, such as `GET /api/v1/workloads/trainings/{id}`.
    Training,
}

impl Endpoint {
    pub(crate) fn covers(self, method: &str, path: &str) -> bool {
        let is = |wanted: &str| method.eq_ignore_ascii_case(wanted);
        if path.ends_with("/token") {
            return self == Self::Token;
        }
        if path.starts_with("/api/v1/org-unit/projects") {
            return self == Self::Projects;
        }
        let Some(rest) = path.strip_prefix("/api/v1/workloads") else { return false };
        let parts: Vec<&str> = rest.split('/').skip(1).collect();
        let found = match parts[..] {
            [] | ["count"] => is("GET").then_some(Self::List),
            ["batch"] => is("POST").then_some(Self::Action),
            [kind] if TYPES.contains(&kind) => is("POST").then_some(Self::Submit),
            [_] => is("GET").then_some(Self::Get),
            [kind, _] if TYPES.contains(&kind) && is("DELETE") => Some(Self::Action),
            [kind, _] if TYPES.contains(&kind) => is("GET").then_some(Self::Training),
            [kind, _, "resume" | "suspend"] if TYPES.contains(&kind) => is("POST").then_some(Self::Action),
            _ => None,
        };
        found == Some(self)
    }
}

/// The part of a path that names a type of workloads.
const TYPES: [&str; 4] = ["distributed", "inferences", "trainings", "workspaces"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classifies_requests() {
        const ALL: [Endpoint; 7] = [
            Endpoint::Action,
            Endpoint::Get,
            Endpoint::List,
            Endpoint::Projects,
            Endpoint::Submit,
            Endpoint::Token,
            Endpoint::Training,
        ];
        for (line, expected) in [
            ("POST /api/v1/workloads/trainings", Some(Endpoint::Submit)),
            ("GET /api/v1/workloads", Some(Endpoint::List)),
            ("GET /api/v1/workloads/count", Some(Endpoint::List)),
            ("GET /api/v1/workloads/1", Some(Endpoint::Get)),
            ("GET /api/v1/workloads/1/events", None),
            ("GET /api/v1/workloads/trainings/1", Some(Endpoint::Training)),
            ("GET /api/v1/workloads/inferences/1", Some(Endpoint::Training)),
            ("DELETE /api/v1/workloads/distributed/1", Some(Endpoint::Action)),
            ("POST /api/v1/workloads/workspaces/1/suspend", Some(Endpoint::Action)),
            ("POST /api/v1/workloads/batch", Some(Endpoint::Action)),
            ("POST /api/v2/token", Some(Endpoint::Token)),
            ("GET /api/v1/org-unit/projects/1", Some(Endpoint::Projects)),
            ("GET /api/v1/clusters", None),
        ] {
            let (method, path) = line.split_once(' ').unwrap();
            let found: Vec<_> = ALL.into_iter().filter(|it| it.covers(method, path)).collect();
            assert_eq!(found, expected.into_iter().collect::<Vec<_>>(), "{line}");
        }
    }
}
