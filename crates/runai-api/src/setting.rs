//! Locations of settings in a step file.

/// A location in a step file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingPlace {
    /// The path for display, such as `settings.pvc_mounts[0].path`.
    pub path: String,
    /// The JSON pointer, such as `/settings/pvc_mounts/0/path`.
    pub pointer: String,
}

impl SettingPlace {
    /// Returns the location of a JSON pointer.
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
