//! Permissions that a service account needs, and the smallest roles that grant them.

use serde::Serialize;

/// An action on an entity of the control plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// View entities.
    View,
    /// Create entities.
    Create,
    /// Change entities; includes suspending a workload.
    Edit,
    /// Delete entities.
    Delete,
}

impl Action {
    /// Returns the control plane's name of the action.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "Create",
            Self::Delete => "Delete",
            Self::Edit => "Edit",
            Self::View => "View",
        }
    }
}

/// A permission that the service account needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Permission {
    /// The control plane's name of the entity, such as `Trainings`.
    pub entity: &'static str,
    /// The action.
    pub action: Action,
    /// The operation that needs the permission.
    pub operation: &'static str,
    /// The setting that needs the permission; `None` if every step needs it.
    pub setting: Option<&'static str>,
}

/// A predefined role that grants the permissions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Role {
    /// The role's name.
    pub name: &'static str,
    /// The versions of the control plane that have the role.
    pub versions: &'static str,
    /// Permissions that the role may lack; check them in the control plane.
    pub uncertain: Vec<&'static str>,
}

/// A permission set of roles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PermissionSet {
    /// The name, by which the control plane's id is looked up.
    pub name: &'static str,
    /// The needed permissions that the set grants.
    pub covers: Vec<Permission>,
}

/// All permissions that the service account needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Permissions {
    /// The needed permissions, most basic first.
    pub needed: Vec<Permission>,
    /// The scope: always `project`, the narrowest one.
    pub scope: &'static str,
    /// The project's name, if the operator file contains it.
    pub project: Option<String>,
    /// The smallest predefined roles, newest version first.
    pub roles: Vec<Role>,
}

/// The entity of workload templates, which the reference's roles do not list.
pub const TEMPLATES: &str = "Templates";
/// The entity of credentials and data sources, which the reference's roles do not list.
pub const CREDENTIALS: &str = "Credentials and data sources";

impl Permissions {
    /// Returns the permission sets of a custom role, from version 2.24.
    ///
    /// There are sets for read access and for full access: creating and suspending trainings needs the set that also
    /// deletes.
    #[must_use]
    pub fn sets(&self) -> Vec<PermissionSet> {
        let mut sets: Vec<PermissionSet> = Vec::new();
        for one in &self.needed {
            let name = match (one.entity, one.action) {
                ("Trainings", _) => "trainingEditAccess",
                (TEMPLATES, _) => "templatesReadAccess",
                (CREDENTIALS, _) => "dataAndStorageReadAccess",
                _ => "workloadReadAccess",
            };
            match sets.iter_mut().find(|set| set.name == name) {
                Some(set) => set.covers.push(one.clone()),
                None => sets.push(PermissionSet { name, covers: vec![one.clone()] }),
            }
        }
        sets
    }

    /// Returns the body of `POST /api/v2/authorization/roles` that creates a role with these permissions.
    ///
    /// `id_of` returns the id of a permission set by its name, from `GET /api/v1/authorization/permission-sets`. An
    /// unknown id becomes `<id of NAME>`.
    #[must_use]
    pub fn role_request(&self, name: &str, id_of: impl Fn(&str) -> Option<String>) -> RoleCreationRequest {
        let set = |set: PermissionSet| PermissionSetId {
            id: id_of(set.name).unwrap_or_else(|| format!("<id of {}>", set.name)),
            name: set.name,
        };
        RoleCreationRequest {
            name: name.to_owned(),
            description: "What runai-step needs to submit, follow and suspend trainings",
            permission_sets: self.sets().into_iter().map(set).collect(),
        }
    }
}

/// The body of a request that creates a role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RoleCreationRequest {
    /// The role's name.
    pub name: String,
    /// The role's description.
    pub description: &'static str,
    /// The permission sets of the role.
    pub permission_sets: Vec<PermissionSetId>,
}

/// A permission set of the control plane.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PermissionSetId {
    /// The set's id.
    pub id: String,
    /// The set's name.
    pub name: &'static str,
}
