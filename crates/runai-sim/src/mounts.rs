//! Volumes of local processes: each volume is a folder, and paths into it are rewritten.
//!
//! A local process has no separate file system. Its volumes are folders under one root. Words of its command and values
//! of its variables that are paths into a mount are rewritten to paths into the folder.

use std::{
    fs::{self, DirBuilder},
    io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use runai_api::wire::{Storage, TrainingSpec};

/// The volumes of a workload, longest mount path first.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Mounts(Vec<Mount>);

/// A volume.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Mount {
    /// Its folder, relative to the root.
    pub(crate) folder: PathBuf,
    pub(crate) kind: &'static str,
    /// The mount path.
    pub(crate) path: String,
}

impl Mounts {
    /// Returns the volumes of a workload. Ephemeral volumes are in a folder of the workload.
    pub(crate) fn new(spec: &TrainingSpec, workload_id: &str) -> Self {
        let nothing = Storage::default();
        let storage = spec.storage.as_ref().unwrap_or(&nothing);
        let mut mounts = Vec::new();
        let mut add = |kind: &'static str, path: Option<&String>, folder: PathBuf, excluded: Option<bool>| {
            if let Some(path) = path.filter(|_| excluded != Some(true)) {
                let trimmed = path.trim_end_matches('/');
                if !trimmed.is_empty() {
                    mounts.push(Mount { folder, kind, path: trimmed.to_owned() });
                }
            }
        };
        let own = |name: String| Path::new(EPHEMERAL).join(plain(workload_id)).join(name);
        let named =
            |kind: &str, name: &Option<String>| Path::new(kind).join(plain(name.as_deref().unwrap_or_default()));
        for it in &storage.config_map_volume {
            let mut folder = named("config-map", &it.config_map);
            folder.extend(it.sub_path.iter().flat_map(|path| parts(path)));
            add("ConfigMap", it.mount_path.as_ref(), folder, it.exclude);
        }
        for it in &storage.data_volume {
            add("data volume", it.mount_path.as_ref(), named("data-volume", &it.id), it.exclude);
        }
        for (index, it) in storage.empty_dir_volume.iter().enumerate() {
            add("emptyDir", it.path.as_ref(), own(format!("empty-dir-{index}")), it.exclude);
        }
        for (index, it) in storage.git.iter().enumerate() {
            add("git", it.path.as_ref(), own(format!("git-{index}")), it.exclude);
        }
        for it in &storage.host_path {
            let folder = Path::new("host-path").join(below(it.path.as_deref()));
            add("hostPath", it.mount_path.as_ref(), folder, it.exclude);
        }
        for it in &storage.nfs {
            let folder = named("nfs", &it.server).join(below(it.path.as_deref()));
            add("NFS", it.mount_path.as_ref(), folder, it.exclude);
        }
        for (index, it) in storage.pvc.iter().enumerate() {
            let kept = it.claim_name.is_some() && it.ephemeral != Some(true);
            let folder = if kept { named("pvc", &it.claim_name) } else { own(format!("pvc-{index}")) };
            add("PVC", it.path.as_ref(), folder, it.exclude);
        }
        for it in &storage.s3 {
            add("S3", it.path.as_ref(), named("s3", &it.bucket), it.exclude);
        }
        for it in &storage.secret_volume {
            add("Secret", it.mount_path.as_ref(), named("secret", &it.secret), it.exclude);
        }
        mounts.sort_by_key(|mount| std::cmp::Reverse(mount.path.len()));
        Self(mounts)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Mount> {
        self.0.iter()
    }

    /// Creates all missing folders.
    pub(crate) fn make(&self, root: &Path) -> io::Result<()> {
        // A `subPath` of a ConfigMap may be an existing file.
        let missing = self.0.iter().map(|mount| root.join(&mount.folder)).filter(|folder| !folder.exists());
        missing.into_iter().try_for_each(fs::create_dir_all)
    }

    /// Rewrites a path into a mount, at the start of `word` or after its first `=`.
    pub(crate) fn rewrite(&self, root: &Path, word: &str) -> String {
        if let Some(path) = self.path(root, word) {
            return path;
        }
        match word.split_once('=') {
            Some((name, value)) => self.path(root, value).map(|path| format!("{name}={path}")),
            None => None,
        }
        .unwrap_or_else(|| word.to_owned())
    }

    fn path(&self, root: &Path, text: &str) -> Option<String> {
        self.0.iter().find_map(|mount| {
            let rest = text.strip_prefix(&mount.path)?;
            let inside = rest.is_empty() || rest.starts_with('/');
            inside.then(|| format!("{}{rest}", root.join(&mount.folder).display()))
        })
    }
}

/// Creates the root with access for its owner only.
pub(crate) fn make_root(root: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(root)
}

/// Deletes the ephemeral volumes of a workload.
pub(crate) fn clean_up(root: &Path, workload_id: &str) {
    // Fails if the workload has no ephemeral volume.
    let _ = fs::remove_dir_all(root.join(EPHEMERAL).join(plain(workload_id)));
}

/// Returns the sanitized components of a path, without `..`.
fn parts(path: &str) -> impl Iterator<Item = String> {
    path.split('/').filter(|part| !part.is_empty()).map(plain)
}

fn below(path: Option<&str>) -> PathBuf {
    parts(path.unwrap_or_default()).collect()
}

/// Sanitizes a path component: no separators and no `..`.
fn plain(name: &str) -> String {
    let name: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' }).collect();
    if name.is_empty() || name.chars().all(|c| c == '.') { "_".repeat(name.len().max(1)) } else { name }
}

const EPHEMERAL: &str = "of-workloads";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn mounts() -> Mounts {
        let spec = serde_json::from_value(json!({"storage": {
            "pvc": [{"claimName": "data", "path": "/mnt/data/"}, {"path": "/mnt/data/cache", "ephemeral": true}],
            "nfs": [{"server": "nfs.example.com", "path": "/exports/../a", "mountPath": "/nfs"}],
            "configMapVolume": [{"configMap": "..", "mountPath": "/etc/train", "subPath": "a.toml"}],
            "s3": [{"bucket": "b", "path": "/s3", "exclude": true}]
        }}));
        Mounts::new(&spec.unwrap(), "id")
    }

    #[test]
    fn folders_stay_under_the_root() {
        let mounts = mounts();
        let folders: Vec<_> = mounts.iter().map(|it| (it.path.as_str(), it.folder.to_str().unwrap())).collect();
        assert_eq!(
            folders,
            [
                ("/mnt/data/cache", "of-workloads/id/pvc-1"),
                ("/etc/train", "config-map/__/a.toml"),
                ("/mnt/data", "pvc/data"),
                ("/nfs", "nfs/nfs.example.com/exports/__/a"),
            ]
        );
    }

    #[test]
    fn rewrites_paths_into_mounts() {
        let (mounts, root) = (mounts(), Path::new("/r"));
        for (word, expected) in [
            ("/mnt/data", "/r/pvc/data"),
            ("/mnt/data/x.csv", "/r/pvc/data/x.csv"),
            ("/mnt/data/cache/y", "/r/of-workloads/id/pvc-1/y"),
            ("/mnt/database", "/mnt/database"),
            ("--data=/mnt/data/x", "--data=/r/pvc/data/x"),
            ("x/mnt/data", "x/mnt/data"),
            ("plain", "plain"),
        ] {
            assert_eq!(mounts.rewrite(root, word), expected);
        }
    }
}
