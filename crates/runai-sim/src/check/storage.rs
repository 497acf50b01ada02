//! Validates mounts.

use std::collections::HashSet;

use runai_api::wire::{Pvc, Storage};

use super::Issues;

pub(super) fn storage_rules(storage: &Storage, issues: &mut Issues) {
    let mut mounts = Mounts { issues, paths: HashSet::new() };
    for (index, it) in storage.config_map_volume.iter().enumerate().filter(|(_, it)| it.exclude != Some(true)) {
        let path = format!("storage.configMapVolume[{index}]");
        mounts.issues.object(format!("{path}.configMap"), it.config_map.as_ref());
        mounts.mode(format!("{path}.defaultMode"), it.default_mode.as_ref());
        mounts.mount(format!("{path}.mountPath"), it.mount_path.as_ref());
    }
    for (index, it) in storage.data_volume.iter().enumerate().filter(|(_, it)| it.exclude != Some(true)) {
        let path = format!("storage.dataVolume[{index}]");
        mounts.issues.text(format!("{path}.id"), it.id.as_ref());
        mounts.mount(format!("{path}.mountPath"), it.mount_path.as_ref());
    }
    for (index, it) in storage.empty_dir_volume.iter().enumerate().filter(|(_, it)| it.exclude != Some(true)) {
        let path = format!("storage.emptyDirVolume[{index}]");
        mounts.issues.quantity(format!("{path}.sizeLimit"), it.size_limit.as_ref());
        mounts.mount(format!("{path}.path"), it.path.as_ref());
    }
    for (index, it) in storage.git.iter().enumerate().filter(|(_, it)| it.exclude != Some(true)) {
        let path = format!("storage.git[{index}]");
        mounts.issues.text(format!("{path}.repository"), it.repository.as_ref());
        mounts.mount(format!("{path}.path"), it.path.as_ref());
    }
    for (index, it) in storage.host_path.iter().enumerate().filter(|(_, it)| it.exclude != Some(true)) {
        let path = format!("storage.hostPath[{index}]");
        mounts.issues.text(format!("{path}.path"), it.path.as_ref());
        mounts.mount(format!("{path}.mountPath"), it.mount_path.as_ref());
    }
    for (index, it) in storage.nfs.iter().enumerate().filter(|(_, it)| it.exclude != Some(true)) {
        let path = format!("storage.nfs[{index}]");
        mounts.issues.text(format!("{path}.path"), it.path.as_ref());
        mounts.issues.text(format!("{path}.server"), it.server.as_ref());
        mounts.mount(format!("{path}.mountPath"), it.mount_path.as_ref());
    }
    for (index, it) in storage.pvc.iter().enumerate().filter(|(_, it)| it.exclude != Some(true)) {
        let path = format!("storage.pvc[{index}]");
        claim(&path, it, mounts.issues);
        mounts.mount(format!("{path}.path"), it.path.as_ref());
    }
    for (index, it) in storage.s3.iter().enumerate().filter(|(_, it)| it.exclude != Some(true)) {
        let path = format!("storage.s3[{index}]");
        mounts.issues.text(format!("{path}.bucket"), it.bucket.as_ref());
        mounts.mount(format!("{path}.path"), it.path.as_ref());
    }
    for (index, it) in storage.secret_volume.iter().enumerate().filter(|(_, it)| it.exclude != Some(true)) {
        let path = format!("storage.secretVolume[{index}]");
        mounts.issues.text(format!("{path}.secret"), it.secret.as_ref());
        mounts.mode(format!("{path}.defaultMode"), it.default_mode.as_ref());
        mounts.mount(format!("{path}.mountPath"), it.mount_path.as_ref());
    }
}

fn claim(path: &str, pvc: &Pvc, issues: &mut Issues) {
    if let Some(name) = pvc.claim_name.as_ref().filter(|name| name.chars().count() > 63) {
        issues.max(format!("{path}.claimName"), format!("`{name}` is longer than 63 characters"));
    }
    if pvc.existing_pvc == Some(true) {
        return;
    }
    let size = pvc.claim_info.as_ref().and_then(|info| info.size.as_ref());
    if size.is_none() {
        issues.required(format!("{path}.claimInfo.size"));
    }
    issues.quantity(format!("{path}.claimInfo.size"), size);
}

/// Mount paths, which must be unique in a container.
struct Mounts<'a> {
    issues: &'a mut Issues,
    paths: HashSet<String>,
}

impl Mounts<'_> {
    fn mount(&mut self, field: String, path: Option<&String>) {
        match path.filter(|path| !path.is_empty()) {
            None => self.issues.required(field),
            Some(path) if !self.paths.insert(path.clone()) => {
                self.issues.add(field, format!("duplicate mount path `{path}`"));
            }
            Some(_) => {}
        }
    }

    fn mode(&mut self, field: String, mode: Option<&String>) {
        let octal =
            |mode: &str| mode.len() == 4 && mode.starts_with('0') && mode.bytes().all(|it| (b'0'..=b'7').contains(&it));
        if let Some(mode) = mode.filter(|mode| !octal(mode)) {
            self.issues.add(field, format!("invalid file mode `{mode}`: use four octal digits"));
        }
    }
}
