//! Settings without effect, by the same conditions as the rules about ignored settings.

use serde::Serialize;

use runai_api::wire::{GpuRequestType, UidGidSource};

use crate::settings::StepSettings;

/// A setting that has no effect because of other settings, whether it is set or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Inactive {
    /// JSON pointer of the setting, from the map of settings.
    pub path: String,
    /// The reason, to follow the setting's name: ``has no effect with `gpu_devices_request: 0` and is not sent``.
    pub because: String,
}

/// Returns the settings that have no effect because of `settings`.
///
/// ```
/// use runai_spec::inactive::inactive;
/// use runai_spec::settings::StepSettings;
/// let found = inactive(&StepSettings { gpu_devices_request: 0, ..StepSettings::default() });
/// assert_eq!(found[0].path, "/gpu_request_type");
/// assert_eq!(found[0].because, "has no effect with `gpu_devices_request: 0` and is not sent");
/// ```
#[must_use]
pub fn inactive(settings: &StepSettings) -> Vec<Inactive> {
    let unsent = unsent_gpu_settings(settings);
    let unsent = unsent.keys.iter().map(|key| Inactive { path: format!("/{key}"), because: unsent.because() });
    let ids = unused_ids(settings).iter().map(|key| Inactive {
        path: format!("/security_context/{key}"),
        because: "has no effect without `uid_gid_source: custom`".to_owned(),
    });
    unsent.chain(ids).collect()
}

/// GPU settings that are not sent, and the setting that excludes them.
pub(crate) struct UnsentSettings {
    pub(crate) keys: Vec<&'static str>,
    /// The name of the setting that excludes them.
    pub(crate) decided_by: &'static str,
    /// Its value.
    pub(crate) value: &'static str,
}

impl UnsentSettings {
    pub(crate) fn because(&self) -> String {
        format!("has no effect with `{}: {}` and is not sent", self.decided_by, self.value)
    }
}

pub(crate) const PORTION_SETTINGS: [&str; 2] = ["gpu_portion_request", "gpu_portion_limit"];
pub(crate) const MEMORY_SETTINGS: [&str; 2] = ["gpu_memory_request", "gpu_memory_limit"];

/// Returns the GPU settings that the GPU request type excludes.
pub(crate) fn unsent_gpu_settings(settings: &StepSettings) -> UnsentSettings {
    let (keys, decided_by, value) = if settings.gpu_devices_request == 0 {
        let all = [&["gpu_request_type"][..], &PORTION_SETTINGS, &MEMORY_SETTINGS].concat();
        (all, "gpu_devices_request", "0")
    } else if settings.gpu_request_type == GpuRequestType::Memory {
        (PORTION_SETTINGS.to_vec(), "gpu_request_type", "memory")
    } else {
        (MEMORY_SETTINGS.to_vec(), "gpu_request_type", "portion")
    };
    UnsentSettings { keys, decided_by, value }
}

/// Returns the user and group id settings that `uid_gid_source` disables.
pub(crate) fn unused_ids(settings: &StepSettings) -> &'static [&'static str] {
    let source = settings.security_context.as_ref().and_then(|context| context.uid_gid_source);
    if source == Some(UidGidSource::Custom) { &[] } else { &["run_as_uid", "run_as_gid"] }
}
