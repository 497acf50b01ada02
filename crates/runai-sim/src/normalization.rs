//! Normalizes specs like a control plane that stores them in another form.

use runai_api::wire::{Storage, TrainingSpec};

use crate::{faults::SpecChange, scheduler::quantity};

/// Returns `spec` with these changes.
pub(crate) fn normalized(spec: &TrainingSpec, changes: &[SpecChange]) -> TrainingSpec {
    let mut spec = spec.clone();
    for change in changes {
        match change {
            SpecChange::Bytes => bytes(&mut spec),
            SpecChange::DroppedLabels => spec.labels.clear(),
            SpecChange::MaskedValues => {
                for variable in &mut spec.environment_variables {
                    if let Some(value) = &mut variable.value {
                        MASK.clone_into(value);
                    }
                }
            }
            SpecChange::Order => reverse(&mut spec),
        }
    }
    spec
}

fn bytes(spec: &mut TrainingSpec) {
    let mut amounts = Vec::new();
    if let Some(compute) = &mut spec.compute {
        amounts.extend([
            &mut compute.cpu_memory_limit,
            &mut compute.cpu_memory_request,
            &mut compute.gpu_memory_limit,
            &mut compute.gpu_memory_request,
        ]);
    }
    if let Some(Storage { empty_dir_volume, pvc, .. }) = &mut spec.storage {
        amounts.extend(empty_dir_volume.iter_mut().map(|volume| &mut volume.size_limit));
        amounts.extend(pvc.iter_mut().filter_map(|pvc| pvc.claim_info.as_mut()).map(|claim| &mut claim.size));
    }
    for text in amounts.into_iter().flatten() {
        if let Some(amount) = quantity(text) {
            *text = format!("{amount:.0}");
        }
    }
}

fn reverse(spec: &mut TrainingSpec) {
    spec.annotations.reverse();
    spec.environment_variables.reverse();
    spec.exposed_urls.reverse();
    spec.image_pull_secrets.reverse();
    spec.labels.reverse();
    spec.ports.reverse();
    spec.related_urls.reverse();
    spec.tolerations.reverse();
    if let Some(storage) = &mut spec.storage {
        storage.empty_dir_volume.reverse();
        storage.host_path.reverse();
        storage.nfs.reverse();
        storage.pvc.reverse();
        storage.secret_volume.reverse();
    }
}

/// Replaces masked values.
const MASK: &str = "*****";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn applies_each_change() {
        let sent = json!({
            "compute": {"cpuMemoryRequest": "1Gi", "gpuMemoryRequest": "500M"},
            "environmentVariables": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
            "labels": [{"name": "team", "value": "ml"}],
            "storage": {"pvc": [{"path": "/data", "claimInfo": {"size": "2k"}}]}
        });
        let spec: TrainingSpec = serde_json::from_value(sent.clone()).unwrap();
        for (change, pointer, expected) in [
            (SpecChange::Bytes, "/compute/cpuMemoryRequest", json!("1073741824")),
            (SpecChange::Bytes, "/compute/gpuMemoryRequest", json!("500000000")),
            (SpecChange::Bytes, "/storage/pvc/0/claimInfo/size", json!("2000")),
            (SpecChange::DroppedLabels, "/labels", json!(null)),
            (SpecChange::MaskedValues, "/environmentVariables/1/value", json!("*****")),
            (SpecChange::Order, "/environmentVariables/0/name", json!("B")),
        ] {
            let shown = serde_json::to_value(normalized(&spec, &[change])).unwrap();
            assert_eq!(shown.pointer(pointer).cloned().unwrap_or_default(), expected, "{change:?} {pointer}");
        }
        assert_eq!(normalized(&spec, &[]), spec);
    }
}
