//! Places of settings, as programs that read settings name them.

/// A place in a step file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingPlace {
    /// As people write it: `settings.pvc_mounts[0].path`.
    pub path: String,
    /// As a JSON pointer into the file: `/settings/pvc_mounts/0/path`.
    pub pointer: String,
}

impl SettingPlace {
    /// The place that a JSON pointer names.
    #[must_use]
    pub fn new(pointer: &str) -> Self {
        let mut path = String::new();
        for segment in pointer.split('/').skip(1) {
            if segment.parse::<usize>().is_ok() {
                path.push('[');
                path.push_str(segment);
                path.push(']');
            } else {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(&segment.replace("~1", "/").replace("~0", "~"));
            }
        }
        Self { path, pointer: pointer.to_owned() }
    }
}
