//! Maps members of the request to settings.

use runai_api::SettingPlace;
use runai_api::wire::TrainingCreationRequest;
use runai_syntax::escape;
use serde_json::Value;

use crate::setting_schema::{Kind, OPERATOR_FILE, STEP_FILE, STEP_SETTINGS, SettingSchema};

/// Returns the setting that the member `field` of a submission comes from.
///
/// `field` is what the control plane gives in `complianceIssues`, and [`PolicyViolation::field`](runai_api::policy::PolicyViolation::field): a path
/// inside the spec, such as `compute.gpuDevicesRequest` or `tolerations[1].key`. Lists that are maps in the file
/// (labels, annotations, environment variables) are found by their names in `request`, the submitted request.
///
/// ```
/// use runai_spec::setting_of;
/// # let request = runai_api::wire::TrainingCreationRequest::default();
/// let place = setting_of("compute.gpuDevicesRequest", &request).unwrap();
/// assert_eq!((place.path.as_str(), place.pointer.as_str()), ("settings.gpu_devices_request", "/settings/gpu_devices_request"));
/// ```
#[must_use]
pub fn setting_of(field: &str, request: &TrainingCreationRequest) -> Option<SettingPlace> {
    let mut parts = parts(field);
    // The command is sent as `command` and `args`.
    parts.iter_mut().filter(|part| **part == Part::Name("args")).for_each(|part| *part = Part::Name("command"));
    let parts = match parts.split_first() {
        Some((Part::Name("spec"), rest)) if !rest.is_empty() => rest,
        _ => &parts,
    };
    // The longest prefix that belongs to a setting. The rest of the path is inside the setting's value.
    let spec = serde_json::to_value(&request.spec).unwrap_or_default();
    let pointer = (1..=parts.len()).rev().find_map(|length| place(&parts[..length], &spec))?;
    Some(SettingPlace::new(&pointer))
}

/// A segment of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part<'a> {
    Name(&'a str),
    Index(usize),
}

/// Parses `a.b[0].c`, `a.b.0.c` and `/a/b/0/c`.
fn parts(field: &str) -> Vec<Part<'_>> {
    field
        .split(['.', '/', '[', ']'])
        .filter(|part| !part.is_empty())
        .map(|part| part.parse().map_or(Part::Name(part), Part::Index))
        .collect()
}

/// Returns the pointer of the setting that is sent as the member at `parts`.
fn place(parts: &[Part<'_>], spec: &Value) -> Option<String> {
    let files = [(&STEP_FILE, ""), (&STEP_SETTINGS, "/settings"), (&OPERATOR_FILE, "")];
    files.into_iter().find_map(|(schema, pointer)| in_struct(schema, pointer, parts, spec))
}

/// Returns the same for a struct at `pointer`. `parts` are relative to its member, whose value is `value`.
fn in_struct(schema: &SettingSchema, pointer: &str, parts: &[Part<'_>], value: &Value) -> Option<String> {
    let Kind::Struct(structure) = &schema.kind else { return None };
    structure.fields().iter().find_map(|field| {
        let member = field.api?;
        let (mut rest, mut value) = (parts, value);
        for name in member.strip_prefix("spec.").unwrap_or(member).split('.') {
            rest = rest.strip_prefix(&[Part::Name(name)])?;
            value = &value[name];
        }
        let pointer = format!("{pointer}/{}", escape(field.name));
        match (&field.schema.kind, rest) {
            (_, []) => Some(pointer),
            (Kind::Struct(_), rest) => in_struct(&field.schema, &pointer, rest, value),
            (Kind::List { item, .. }, [Part::Index(index), rest @ ..]) => {
                in_struct(item, &format!("{pointer}/{index}"), rest, &value[index])
            }
            // The API's type is a list of names and values.
            (Kind::Map { .. }, [Part::Index(index)]) => {
                let name = NAME_KEYS.iter().find_map(|key| value[index][key].as_str())?;
                Some(format!("{pointer}/{}", escape(name)))
            }
            _ => None,
        }
    })
}

/// Members that contain the key of a map's entry in the API's lists.
pub(crate) const NAME_KEYS: [&str; 2] = ["name", "resource"];

#[cfg(test)]
mod tests {
    use runai_api::wire::{EnvironmentVariable, Label, TrainingSpec};

    use super::*;
    use crate::schema;

    #[test]
    fn maps_members_to_settings() {
        let label = |name: &str| Label { name: Some(name.to_owned()), ..Label::default() };
        let request = TrainingCreationRequest {
            spec: TrainingSpec {
                labels: vec![label("team"), label("example.com/x")],
                environment_variables: vec![EnvironmentVariable::literal("SEED", "7")],
                ..TrainingSpec::default()
            },
            ..TrainingCreationRequest::default()
        };
        for (field, pointer, path) in [
            ("compute.gpuDevicesRequest", "/settings/gpu_devices_request", "settings.gpu_devices_request"),
            ("spec.compute.cpuMemoryLimit", "/settings/cpu_memory_limit", "settings.cpu_memory_limit"),
            ("nodePools[1]", "/settings/node_pools", "settings.node_pools"),
            ("storage.pvc[0].path", "/settings/pvc_mounts/0/path", "settings.pvc_mounts[0].path"),
            (
                "/storage/pvc/2/claimInfo/size",
                "/settings/pvc_mounts/2/claim_info/size",
                "settings.pvc_mounts[2].claim_info.size",
            ),
            ("storage.hostPath", "/settings/host_path_mounts", "settings.host_path_mounts"),
            ("security.runAsUid", "/settings/security_context/run_as_uid", "settings.security_context.run_as_uid"),
            (
                "exposedUrls.0.authorizedUsers[1]",
                "/settings/external_urls/0/authorized_users",
                "settings.external_urls[0].authorized_users",
            ),
            ("environmentVariables[0].value", "/environment/SEED", "environment.SEED"),
            ("environmentVariables[9]", "/environment", "environment"),
            ("labels[1].value", "/settings/labels/example.com~1x", "settings.labels.example.com/x"),
            ("image", "/image", "image"),
            ("args", "/command", "command"),
            ("name", "/name", "name"),
            ("templateId", "/settings/workload_template_id", "settings.workload_template_id"),
            ("imagePullSecrets[0].name", "/image_pull_secret_name", "image_pull_secret_name"),
        ] {
            let found = setting_of(field, &request);
            assert_eq!(found, Some(SettingPlace { path: path.into(), pointer: pointer.into() }), "{field}");
        }
        for field in ["", "category", "[0]", "spec", "compute", "probes.readiness"] {
            assert_eq!(setting_of(field, &request), None, "{field}");
        }
    }

    #[test]
    fn finds_every_sent_setting() {
        let schema = schema::value("settings").unwrap();
        for (name, property) in schema["properties"].as_object().unwrap() {
            let Some(api) = property["x-api"].as_str() else { continue };
            let field = api.strip_prefix("spec.").unwrap_or(api);
            let place = setting_of(field, &TrainingCreationRequest::default());
            assert_eq!(place.map(|place| place.pointer), Some(format!("/settings/{name}")), "{api}");
        }
    }
}
