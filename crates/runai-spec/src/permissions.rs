//! What a service account has to be allowed for given settings, and the smallest role that allows it.
//!
//! The table of the reference: a few operations for every step, and one more for each setting that refers to something
//! that Run:ai manages.

use runai_syntax::Tree;
use serde::Serialize;

use crate::resolve::{Resolution, Step};

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

/// What the steps of `resolution` need, and the operator file under them.
///
/// Of several steps the needs are put together. A document with errors is not looked at more closely: what every step
/// needs is still said.
///
/// ```
/// use runai_spec::{Resolver, Source, permissions::permissions};
/// use runai_syntax::Format;
/// let source = Source { name: "step", text: "node_pools: [a100]\n", format: Format::Yaml };
/// let needed = permissions(&Resolver::new(source).resolve());
/// assert!(needed.needed.iter().any(|one| one.entity == "Node pools minimal"));
/// assert_eq!((needed.roles[0].name, needed.scope), ("AI practitioner", "project"));
/// ```
#[must_use]
pub fn permissions(resolution: &Resolution<'_>) -> Permissions {
    let named = resolution.step_names().filter_map(|name| resolution.step_named(name));
    let steps: Vec<&Step> = resolution.step().into_iter().chain(named).collect();
    let operator = resolution.operator();
    let uses = |setting: &'static str, used: fn(&Step) -> bool| steps.iter().any(|step| used(step)).then_some(setting);

    let always = |operation, entity, action| Permission { entity, action, operation, setting: None };
    let mut needed = vec![
        always("Resolve the project by its name", "Projects", Action::View),
        always("Resolve the cluster", "Clusters minimal", Action::View),
        always("Submit the workload", "Trainings", Action::Create),
        always("Follow the workload", "Trainings", Action::View),
        always("Read the workload's phase", "Workloads", Action::View),
        always("Suspend on cancel or timeout", "Trainings", Action::Edit),
    ];
    let delete = operator.is_some_and(|operator| operator.delete_on_failure).then_some("delete_on_failure");
    let private_buckets = |step: &Step| {
        step.settings().s3_mounts.iter().flatten().any(|mount| {
            mount.access_key_secret.is_some()
                || mount.secret_key_of_access_key_id.is_some()
                || mount.secret_key_of_secret_key.is_some()
        })
    };
    let further = [
        (delete, "Delete a failed workload", "Trainings", Action::Delete),
        (
            uses("node_pools", |step| step.settings().node_pools.as_ref().is_some_and(|pools| !pools.is_empty())),
            "Resolve the node pools",
            "Node pools minimal",
            Action::View,
        ),
        (
            uses("workload_template_id", |step| step.settings().workload_template_id.is_some()),
            "Use the workload template",
            TEMPLATES,
            Action::View,
        ),
        (uses("s3_mounts", private_buckets), "Use the credentials of the bucket", CREDENTIALS, Action::View),
    ];
    for (setting, operation, entity, action) in further {
        if setting.is_some() {
            needed.push(Permission { entity, action, operation, setting });
        }
    }

    let uncertain: Vec<_> =
        needed.iter().map(|one| one.entity).filter(|entity| [TEMPLATES, CREDENTIALS].contains(entity)).collect();
    let role = |name, versions| Role { name, versions, uncertain: uncertain.clone() };
    Permissions {
        needed,
        scope: "project",
        project: operator.and_then(|operator| operator.project_name.clone()),
        roles: vec![role("AI practitioner", "2.24 and newer"), role("L1 researcher", "2.23 and older")],
    }
}

/// What the reference does not count among the permissions of the roles.
const TEMPLATES: &str = "Templates";
const CREDENTIALS: &str = "Credentials and data sources";

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

    /// The body of `POST /api/v2/authorization/roles` that makes a role with no more than these permissions.
    ///
    /// `id_of` gives the id of a permission set by its name, from `GET /api/v1/authorization/permission-sets`; without
    /// one its place shows as `<id of NAME>`.
    #[must_use]
    pub fn role_request(&self, name: &str, id_of: impl Fn(&str) -> Option<String>) -> serde_json::Value {
        (&self.role(name, id_of)).into()
    }

    /// The same body as a tree.
    #[must_use]
    pub fn role<'n>(&self, name: &'n str, id_of: impl Fn(&str) -> Option<String>) -> Tree<'n> {
        let set = |set: PermissionSet| {
            let id = id_of(set.name).unwrap_or_else(|| format!("<id of {}>", set.name));
            Tree::Map(vec![("id".into(), id.into()), ("name".into(), set.name.into())])
        };
        Tree::Map(vec![
            ("name".into(), name.into()),
            ("description".into(), "What runai-step needs to submit, follow and suspend trainings".into()),
            ("permissionSets".into(), self.sets().into_iter().map(set).collect()),
        ])
    }
}

#[cfg(test)]
mod tests {
    use runai_syntax::Format;

    use super::*;
    use crate::{Resolver, Source};

    fn of(text: &str, operator: &str) -> Permissions {
        let source = |name, text| Source { name, text, format: Format::Yaml };
        permissions(&Resolver::new(source("step", text)).operator(source("operator", operator)).resolve())
    }

    /// Entities and actions that a setting asks for.
    fn asked_for(found: &Permissions) -> Vec<(&'static str, &'static str)> {
        let asked = found.needed.iter().filter_map(|one| Some((one.setting?, one.entity)));
        asked.collect()
    }

    #[test]
    fn every_step_needs_the_same_few() {
        let found = of("{}", "{project_name: vision}");
        assert_eq!(asked_for(&found), []);
        assert_eq!(found.needed.len(), 6);
        assert_eq!(found.project.as_deref(), Some("vision"));
        assert!(found.needed.iter().all(|one| one.action != Action::Delete));
        assert!(found.roles.iter().all(|role| role.uncertain.is_empty()));
    }

    #[test]
    fn settings_ask_for_more() {
        let cases = [
            ("{node_pools: [a]}", "{}", vec![("node_pools", "Node pools minimal")]),
            ("{node_pools: []}", "{}", vec![]),
            (
                "{workload_template_id: 550e8400-e29b-41d4-a716-446655440000}",
                "{}",
                vec![("workload_template_id", TEMPLATES)],
            ),
            ("{s3_mounts: [{bucket: b, path: /b}]}", "{}", vec![]),
            ("{s3_mounts: [{bucket: b, path: /b, access_key_secret: s}]}", "{}", vec![("s3_mounts", CREDENTIALS)]),
            ("{}", "{delete_on_failure: true}", vec![("delete_on_failure", "Trainings")]),
            ("{}", "{node_pools: [a]}", vec![("node_pools", "Node pools minimal")]),
            (
                "{steps: {a: {settings: {step_operator: {node_pools: [p]}}}, b: {settings: {step_operator: {}}}}}",
                "{}",
                vec![("node_pools", "Node pools minimal")],
            ),
        ];
        for (text, operator, expected) in cases {
            assert_eq!(asked_for(&of(text, operator)), expected, "{text} {operator}");
        }
    }

    #[test]
    fn an_operator_file_alone_speaks_for_itself() {
        let source = Source { name: "o", text: "project_name: p\ndelete_on_failure: true\n", format: Format::Yaml };
        let found = permissions(&Resolver::new(source).resolve());
        assert_eq!(asked_for(&found), [("delete_on_failure", "Trainings")]);
    }

    #[test]
    fn a_role_of_ones_own_has_the_sets_and_nothing_else() {
        let found = of("{workload_template_id: 550e8400-e29b-41d4-a716-446655440000}", "{}");
        let role = found.role_request("runai-step", |name| (name == "templatesReadAccess").then(|| "7".to_owned()));
        assert_eq!(
            role["permissionSets"],
            serde_json::json!([
                {"id": "<id of workloadReadAccess>", "name": "workloadReadAccess"},
                {"id": "<id of trainingEditAccess>", "name": "trainingEditAccess"},
                {"id": "7", "name": "templatesReadAccess"},
            ])
        );
        let covered: usize = found.sets().iter().map(|set| set.covers.len()).sum();
        assert_eq!(covered, found.needed.len());
    }
}
