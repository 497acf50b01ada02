//! Roles and permissions.
//!
//! The predefined roles follow the tables of the Run:ai documentation, restricted to simulated resources. A custom role
//! is a list of permissions.

use serde::Deserialize;

use crate::world::Account;

/// Resource types of the API that are simulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Resource {
    /// Clusters ("Clusters minimal": names and ids).
    Cluster,
    /// Inference workloads.
    Inferences,
    /// Node pools ("Node pools minimal": names).
    Nodepools,
    /// Policies.
    Policies,
    /// Projects.
    Project,
    /// Roles.
    Roles,
    /// Workload templates.
    Templates,
    /// Training workloads.
    Trainings,
    /// Workloads of any type.
    Workloads,
    /// Workspaces.
    Workspaces,
}

impl Resource {
    /// Returns the name in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cluster => "cluster",
            Self::Inferences => "inferences",
            Self::Nodepools => "nodepools",
            Self::Policies => "policies",
            Self::Project => "project",
            Self::Roles => "roles",
            Self::Templates => "templates",
            Self::Trainings => "trainings",
            Self::Workloads => "workloads",
            Self::Workspaces => "workspaces",
        }
    }

    pub(crate) const fn display_name(self) -> &'static str {
        match self {
            Self::Cluster => "Clusters",
            Self::Inferences => "Inferences",
            Self::Nodepools => "Node pools",
            Self::Policies => "Policies",
            Self::Project => "Projects",
            Self::Roles => "Roles",
            Self::Templates => "Templates",
            Self::Trainings => "Trainings",
            Self::Workloads => "Workloads",
            Self::Workspaces => "Workspaces",
        }
    }

    pub(crate) const fn group(self) -> &'static str {
        match self {
            Self::Project => "organization",
            Self::Cluster | Self::Nodepools => "physical-resource",
            Self::Roles => "iam",
            Self::Inferences | Self::Policies | Self::Trainings | Self::Workloads | Self::Workspaces => "workload",
            Self::Templates => "workload-asset",
        }
    }
}

/// An action on a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Create.
    Create,
    /// Read.
    Read,
    /// Update, which includes suspending and resuming.
    Update,
    /// Delete.
    Delete,
}

impl Action {
    /// Returns the name in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Delete => "delete",
            Self::Read => "read",
            Self::Update => "update",
        }
    }
}

/// A role.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Role {
    /// All permissions.
    #[default]
    Administrator,
    /// `AI practitioner`, from 2.24 on.
    AiPractitioner,
    /// A custom role.
    Custom(Vec<(Resource, Vec<Action>)>),
    /// `L1 researcher`, until 2.23.
    L1Researcher,
    /// `L2 researcher`, until 2.23. It differs from `L1 researcher` only in dashboards, which are not simulated.
    L2Researcher,
    /// Only the permissions for submitting, following and suspending, without deleting.
    LeastPrivilege,
    /// `ML engineer`, until 2.23: inference workloads instead of trainings.
    MlEngineer,
}

impl Role {
    /// Returns the display name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Administrator => "System administrator",
            Self::AiPractitioner => "AI practitioner",
            Self::Custom(_) => "Custom role",
            Self::L1Researcher => "L1 researcher",
            Self::L2Researcher => "L2 researcher",
            Self::LeastPrivilege => "Least privilege",
            Self::MlEngineer => "ML engineer",
        }
    }

    /// Returns all permissions.
    #[must_use]
    pub fn permissions(&self) -> Vec<(Resource, Vec<Action>)> {
        use Resource as R;
        let all = || vec![Action::Read, Action::Update, Action::Create, Action::Delete];
        let read = || vec![Action::Read];
        match self {
            Self::Administrator => [
                R::Cluster,
                R::Inferences,
                R::Nodepools,
                R::Policies,
                R::Project,
                R::Roles,
                R::Templates,
                R::Trainings,
                R::Workloads,
                R::Workspaces,
            ]
            .map(|resource| (resource, all()))
            .to_vec(),
            Self::AiPractitioner => vec![
                (R::Cluster, read()),
                (R::Inferences, all()),
                (R::Nodepools, read()),
                (R::Policies, read()),
                (R::Project, read()),
                (R::Templates, all()),
                (R::Trainings, all()),
                (R::Workloads, all()),
                (R::Workspaces, all()),
            ],
            Self::L1Researcher | Self::L2Researcher => vec![
                (R::Cluster, read()),
                (R::Nodepools, read()),
                (R::Policies, read()),
                (R::Project, read()),
                (R::Templates, all()),
                (R::Trainings, all()),
                (R::Workloads, all()),
                (R::Workspaces, all()),
            ],
            Self::LeastPrivilege => vec![
                (R::Cluster, read()),
                (R::Nodepools, read()),
                (R::Project, read()),
                (R::Trainings, vec![Action::Read, Action::Create, Action::Update]),
                (R::Workloads, read()),
            ],
            Self::MlEngineer => vec![
                (R::Cluster, read()),
                (R::Inferences, all()),
                (R::Nodepools, read()),
                (R::Project, read()),
                (R::Workloads, read()),
            ],
            Self::Custom(permissions) => permissions.clone(),
        }
    }

    /// Whether it allows `action` on `resource`.
    #[must_use]
    pub fn allows(&self, resource: Resource, action: Action) -> bool {
        self.permissions().iter().any(|(held, actions)| *held == resource && actions.contains(&action))
    }
}

impl Account {
    /// Whether it has its role in the project with this name.
    pub(crate) fn has_access_to(&self, project: &str) -> bool {
        self.projects.is_empty() || self.projects.iter().any(|it| it == project)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the step operator does, by role.
    #[test]
    fn roles_match_documentation() {
        let may = |role: &Role| {
            let trainings = |action| role.allows(Resource::Trainings, action);
            [Action::Create, Action::Read, Action::Update, Action::Delete].map(trainings)
        };
        assert_eq!(may(&Role::AiPractitioner), [true; 4]);
        assert_eq!(may(&Role::L1Researcher), [true; 4]);
        assert_eq!(may(&Role::L2Researcher), [true; 4]);
        assert_eq!(may(&Role::LeastPrivilege), [true, true, true, false]);
        assert_eq!(may(&Role::MlEngineer), [false; 4]);
        for role in [Role::AiPractitioner, Role::L1Researcher, Role::LeastPrivilege, Role::MlEngineer] {
            for resource in [Resource::Project, Resource::Cluster, Resource::Workloads, Resource::Nodepools] {
                assert!(role.allows(resource, Action::Read), "{role:?} {resource:?}");
            }
            assert!(!role.allows(Resource::Roles, Action::Read));
        }
        assert!(!Role::LeastPrivilege.allows(Resource::Policies, Action::Read));
        let own = Role::Custom(vec![(Resource::Trainings, vec![Action::Read])]);
        assert_eq!(may(&own), [false, true, false, false]);
    }
}
