//! Computes the permissions that a service account needs, and the smallest role that grants them.
//!
//! A few operations are needed for every step, and others for settings that refer to objects of Run:ai.

pub use runai_api::permissions::Permissions;
use runai_api::permissions::{Action, CREDENTIALS, Permission, Role, TEMPLATES};

use crate::resolve::{Resolution, Step};

/// Returns the permissions that the steps of `resolution` and its operator file need.
///
/// The permissions of several steps are combined. For a document with errors, only those that every step needs are returned.
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
    let optional = [
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
    for (setting, operation, entity, action) in optional {
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

#[cfg(test)]
mod tests {
    use runai_syntax::Format;

    use super::*;
    use crate::{Resolver, Source};

    fn of(text: &str, operator: &str) -> Permissions {
        let source = |name, text| Source { name, text, format: Format::Yaml };
        permissions(&Resolver::new(source("step", text)).operator(source("operator", operator)).resolve())
    }

    /// Returns the settings that require a permission, with its entity.
    fn required_by_settings(found: &Permissions) -> Vec<(&'static str, &'static str)> {
        let asked = found.needed.iter().filter_map(|one| Some((one.setting?, one.entity)));
        asked.collect()
    }

    #[test]
    fn returns_basic_permissions() {
        let found = of("{}", "{project_name: vision}");
        assert_eq!(required_by_settings(&found), []);
        assert_eq!(found.needed.len(), 6);
        assert_eq!(found.project.as_deref(), Some("vision"));
        assert!(found.needed.iter().all(|one| one.action != Action::Delete));
        assert!(found.roles.iter().all(|role| role.uncertain.is_empty()));
    }

    #[test]
    fn settings_add_permissions() {
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
            assert_eq!(required_by_settings(&of(text, operator)), expected, "{text} {operator}");
        }
    }

    #[test]
    fn reads_operator_document() {
        let source = Source { name: "o", text: "project_name: p\ndelete_on_failure: true\n", format: Format::Yaml };
        let found = permissions(&Resolver::new(source).resolve());
        assert_eq!(required_by_settings(&found), [("delete_on_failure", "Trainings")]);
    }

    #[test]
    fn custom_role_has_required_sets() {
        let found = of("{workload_template_id: 550e8400-e29b-41d4-a716-446655440000}", "{}");
        let role = serde_json::to_value(
            found.role_request("runai-step", |name| (name == "templatesReadAccess").then(|| "7".to_owned())),
        )
        .unwrap();
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
