//! What a service account has to be allowed, and the smallest role that allows it.

use serde::Serialize;

/// What is done with a thing of the control plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Look at it.
    View,
    /// Make one.
    Create,
    /// Change it; suspending a workload counts as a change.
    Edit,
    /// Remove it.
    Delete,
}

impl Action {
    /// The word for it in the control plane.
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

/// One thing that the service account has to be allowed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Permission {
    /// The thing, as the control plane calls it: `Trainings`.
    pub entity: &'static str,
    /// What is done with it.
    pub action: Action,
    /// What it is done for.
    pub operation: &'static str,
    /// The setting that asks for it; none if every step needs it.
    pub setting: Option<&'static str>,
}

/// A predefined role that is enough.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Role {
    /// Name of the role.
    pub name: &'static str,
    /// Versions of the control plane that have it.
    pub versions: &'static str,
    /// What is not certain to be part of it, to look at in the control plane.
    pub uncertain: Vec<&'static str>,
}

/// A set of permissions that roles are made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PermissionSet {
    /// Its name; its id is the control plane's, and looked up by this name.
    pub name: &'static str,
    /// What it is there for.
    pub covers: Vec<Permission>,
}

/// All that the service account has to be allowed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Permissions {
    /// What it has to be allowed, most basic first.
    pub needed: Vec<Permission>,
    /// Where: always `project`, so that nothing outside the project can be touched.
    pub scope: &'static str,
    /// Name of the project, if the operator file says it.
    pub project: Option<String>,
    /// The smallest predefined roles, newest version first.
    pub roles: Vec<Role>,
}

/// The entity of workload templates, which the reference does not count among the permissions of the roles.
pub const TEMPLATES: &str = "Templates";
/// The entity of credentials and data sources, which the reference does not count among them either.
pub const CREDENTIALS: &str = "Credentials and data sources";

impl Permissions {
    /// The permission sets of a role of one's own, from version 2.24.
    ///
    /// Sets come in two sizes, reading and everything: creating and suspending trainings takes the one that also deletes.
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

    /// The body of `POST /api/v2/authorization/roles` that creates a role with no more than these permissions.
    ///
    /// `id_of` returns the id of a permission set by its name, from `GET /api/v1/authorization/permission-sets`; without
    /// one its id shows as `<id of NAME>`.
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
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: &'static str,
    /// The permission sets that it grants.
    pub permission_sets: Vec<PermissionSetId>,
}

/// A permission set of the control plane.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PermissionSetId {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: &'static str,
}
