//! From what the control plane names back to what the user wrote.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use runai_api::SettingPlace;
use runai_api::wire::TrainingCreationRequest;
use serde_json::Value;

use crate::schema;

/// The place in a step file that the member `field` of a submission comes from; nothing for members that no file says.
///
/// `field` is what the control plane gives in `complianceIssues`, and [`PolicyViolation::field`](runai_api::policy::PolicyViolation::field): a path
/// inside the spec, such as `compute.gpuDevicesRequest` or `tolerations[1].key`. Lists that are maps in the file
/// (labels, annotations, environment variables) are found by their names in `request`, which is what was sent.
///
/// ```
/// use runai_spec::setting_of;
/// # let request = runai_api::wire::TrainingCreationRequest::default();
/// let place = setting_of("compute.gpuDevicesRequest", &request).unwrap();
/// assert_eq!((place.path.as_str(), place.pointer.as_str()), ("settings.gpu_devices_request", "/settings/gpu_devices_request"));
/// ```
#[must_use]
pub fn setting_of(field: &str, request: &TrainingCreationRequest) -> Option<SettingPlace> {
    let parts = parts(field);
    let parts = match parts.split_first() {
        Some((Part::Name("spec"), rest)) if !rest.is_empty() => rest,
        _ => &parts,
    };
    // The longest beginning that a setting stands behind; what comes after it is part of that setting's value.
    (1..=parts.len()).rev().find_map(|length| place(&parts[..length], request))
}

/// One step of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part<'a> {
    Name(&'a str),
    Index(usize),
}

/// Understands `a.b[0].c`, `a.b.0.c` and `/a/b/0/c`.
fn parts(field: &str) -> Vec<Part<'_>> {
    field
        .split(['.', '/', '[', ']'])
        .filter(|part| !part.is_empty())
        .map(|part| part.parse().map_or(Part::Name(part), Part::Index))
        .collect()
}

fn place(parts: &[Part<'_>], request: &TrainingCreationRequest) -> Option<SettingPlace> {
    let spec = &request.spec;
    let index = match parts.get(1) {
        Some(Part::Index(index)) => Some(*index),
        _ => None,
    };
    let named = |base: &str, name: Option<&String>| match name {
        Some(name) => SettingPlace::new(&format!("{base}/{}", escape(name))),
        None => SettingPlace::new(base),
    };
    let at = index.unwrap_or(usize::MAX);
    match parts.first()? {
        Part::Name("name") => return Some(SettingPlace::new("/name")),
        Part::Name("image") => return Some(SettingPlace::new("/image")),
        Part::Name("command" | "args") => return Some(SettingPlace::new("/command")),
        Part::Name("environmentVariables") => {
            let name = spec.environment_variables.get(at).and_then(|variable| variable.name.as_ref());
            return Some(named("/environment", name));
        }
        Part::Name("labels") => {
            let name = spec.labels.get(at).and_then(|label| label.name.as_ref());
            return Some(named("/settings/labels", name));
        }
        Part::Name("annotations") => {
            let name = spec.annotations.get(at).and_then(|annotation| annotation.name.as_ref());
            return Some(named("/settings/annotations", name));
        }
        _ => {}
    }
    let api: Vec<&str> = parts
        .iter()
        .filter_map(|part| match part {
            Part::Name(name) => Some(*name),
            Part::Index(_) => None,
        })
        .collect();
    let template = PLACES.get(&api.join("."))?;
    // A place has one gap for every list on the way to it, in the same order.
    let mut indexes = parts.iter().filter_map(|part| match part {
        Part::Index(index) => Some(index.to_string()),
        Part::Name(_) => None,
    });
    let mut pointer = String::new();
    for segment in template.split('/').skip(1) {
        let filled = if segment == GAP { indexes.next()? } else { segment.to_owned() };
        pointer.push('/');
        pointer.push_str(&filled);
    }
    Some(SettingPlace::new(&pointer))
}

/// Members of a spec, without the indexes of lists, and the setting behind each, with [`GAP`]s for the indexes.
///
/// From the schema of the settings, where every declaration says which member it becomes: there is no second list.
static PLACES: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| {
    let mut places = BTreeMap::new();
    if let Some(schema) = schema::value("settings") {
        collect(&schema, "/settings", &mut places);
    }
    // Of the operator file, where steps may not say it.
    places.insert("imagePullSecrets".to_owned(), "/image_pull_secret_name".to_owned());
    places
});

fn collect(schema: &Value, pointer: &str, places: &mut BTreeMap<String, String>) {
    if let Some(api) = schema["x-api"].as_str() {
        let member = api.strip_prefix("spec.").unwrap_or(api).replace("[]", "");
        // A setting that is known by two spellings has the first of them.
        places.entry(member).or_insert_with(|| pointer.to_owned());
    }
    if let Some(Value::Object(properties)) = schema.get("properties") {
        for (name, property) in properties {
            collect(property, &format!("{pointer}/{}", escape(name)), places);
        }
    }
    for list in ["items", "anyOf", "oneOf"] {
        match schema.get(list) {
            Some(item @ Value::Object(_)) => collect(item, &format!("{pointer}/{GAP}"), places),
            Some(Value::Array(choices)) => choices.iter().for_each(|choice| collect(choice, pointer, places)),
            _ => {}
        }
    }
}

fn escape(segment: &str) -> String {
    segment.replace('~', "~0").replace('/', "~1")
}

/// Stands for the index of an item. No setting is called so.
const GAP: &str = "#";

#[cfg(test)]
mod tests {
    use runai_api::wire::{EnvironmentVariable, Label, TrainingSpec};

    use super::*;

    #[test]
    fn members_lead_back_to_what_the_user_wrote() {
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
    fn every_setting_that_is_sent_can_be_found() {
        let schema = schema::value("settings").unwrap();
        for (name, property) in schema["properties"].as_object().unwrap() {
            let Some(api) = property["x-api"].as_str() else { continue };
            let field = api.strip_prefix("spec.").unwrap_or(api);
            let place = setting_of(field, &TrainingCreationRequest::default());
            assert_eq!(place.map(|place| place.pointer), Some(format!("/settings/{name}")), "{api}");
        }
    }
}
