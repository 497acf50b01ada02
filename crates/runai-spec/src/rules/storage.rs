//! Rules of mounts.

use std::borrow::Cow;
use std::fmt;

use rustc_hash::{FxBuildHasher, FxHashMap};

use super::{Example, RuleContext, rules};
use crate::diagnostic::Tag;
use crate::fix::Applicability::{DisplayOnly, Unsafe};
use crate::settings::StepSettings;

rules! {
    /// Two mounts have the same path in the container. Kubernetes rejects the pod.
    DUPLICATE_MOUNT_PATH {
        code: "duplicate-mount-path",
        severity: Error,
        summary: "duplicate mount path",
        valid: Example::Yaml("pvc_mounts:\n  - {claim_name: a, path: /a}\n  - {claim_name: b, path: /b}\n"),
        invalid: Example::Yaml("pvc_mounts:\n  - {claim_name: a, path: /data}\n  - {claim_name: b, path: /data}\n"),
    }

    /// Two mount paths differ only in slashes, so they are the same path in the container. Either mount may hide the other.
    SIMILAR_MOUNT_PATHS {
        code: "similar-mount-paths",
        severity: Warning,
        summary: "mount paths that differ only in slashes",
        valid: Example::Yaml("pvc_mounts:\n  - {claim_name: a, path: /a}\n  - {claim_name: b, path: /b}\n"),
        invalid: Example::Yaml("pvc_mounts:\n  - {claim_name: a, path: /data}\n  - {claim_name: b, path: /data/}\n"),
    }

    /// A HostPath mount requires nodes with that directory, and can expose other users' data. Many clusters forbid it.
    HOST_PATH_MOUNT {
        code: "host-path-mount",
        severity: Warning,
        summary: "mount of a node's directory",
        valid: Example::Yaml("pvc_mounts:\n  - {claim_name: data, path: /data}\n"),
        invalid: Example::Yaml("host_path_mounts:\n  - {path: /var/data, mount_path: /data}\n"),
    }

    /// Every process in the container can read a mounted Secret. Check that the project may use it.
    SECRET_MOUNT {
        code: "secret-mount",
        severity: Warning,
        summary: "mount of a Secret",
        valid: Example::Yaml("config_map_mounts:\n  - {config_map: config, mount_path: /etc/config}\n"),
        invalid: Example::Yaml("secret_mounts:\n  - {secret: token, mount_path: /etc/token}\n"),
    }

    /// An ephemeral claim is deleted with its data when the workload completes, is suspended, times out or is cancelled.
    EPHEMERAL_PVC {
        code: "ephemeral-pvc",
        severity: Warning,
        summary: "claim that is deleted with the workload",
        valid: Example::Yaml("pvc_mounts:\n  - {claim_name: data, path: /data}\n"),
        invalid: Example::Yaml("pvc_mounts:\n  - {claim_name: data, path: /data, ephemeral: true}\n"),
    }

    /// A new claim needs a size.
    NEW_PVC_WITHOUT_SIZE {
        code: "new-pvc-without-size",
        severity: Warning,
        summary: "new claim without a size",
        valid: Example::Yaml("pvc_mounts:\n  - {path: /data, existing_pvc: false, claim_info: {size: 10Gi}}\n"),
        invalid: Example::Yaml("pvc_mounts:\n  - {path: /data, existing_pvc: false}\n"),
    }

    /// `claim_info` describes a new claim and is not valid for an existing one. Write `existing_pvc: false` to create a
    /// claim.
    CLAIM_INFO_OF_EXISTING_PVC {
        code: "claim-info-of-existing-pvc",
        severity: Warning,
        summary: "`claim_info` of an existing claim",
        valid: Example::Yaml("pvc_mounts:\n  - {claim_name: data, path: /data}\n"),
        invalid: Example::Yaml("pvc_mounts:\n  - {claim_name: data, path: /data, claim_info: {size: 10Gi}}\n"),
    }

    /// A mount of an existing claim (the default) needs `claim_name`.
    EXISTING_PVC_WITHOUT_NAME {
        code: "existing-pvc-without-name",
        severity: Warning,
        summary: "existing claim without a name",
        valid: Example::Yaml("pvc_mounts:\n  - {claim_name: data, path: /data}\n"),
        invalid: Example::Yaml("pvc_mounts:\n  - {path: /data}\n"),
    }

    /// NFS servers export absolute paths.
    RELATIVE_NFS_EXPORT {
        code: "relative-nfs-export",
        severity: Warning,
        summary: "relative path of an NFS export",
        valid: Example::Yaml("nfs_mounts:\n  - {server: nfs.example.com, path: /exports, mount_path: /mnt/nfs}\n"),
        invalid: Example::Yaml("nfs_mounts:\n  - {server: nfs.example.com, path: exports, mount_path: /mnt/nfs}\n"),
    }
}

pub(crate) fn check(settings: &StepSettings, context: &mut RuleContext<'_, '_>) {
    mount_paths(settings, context);
    claims(settings, context);
    for index in 0..settings.host_path_mounts.as_ref().map_or(0, Vec::len) {
        if !context.item_is_invalid(format_args!("host_path_mounts/{index}")) {
            context
                .report(
                    &HOST_PATH_MOUNT,
                    format_args!("host_path_mounts/{index}"),
                    format!("`host_path_mounts[{index}]` mounts a directory of the node"),
                )
                .with_help("use a claim (`pvc_mounts`), or check that the cluster allows HostPath mounts")
                .with_removal(&format!("host_path_mounts/{index}"), DisplayOnly);
        }
    }
    for index in 0..settings.secret_mounts.as_ref().map_or(0, Vec::len) {
        if !context.item_is_invalid(format_args!("secret_mounts/{index}")) {
            context
                .report(
                    &SECRET_MOUNT,
                    format_args!("secret_mounts/{index}"),
                    format!("`secret_mounts[{index}]` exposes a Secret to every process in the container"),
                )
                .with_help("check that the project may use it")
                .with_removal(&format!("secret_mounts/{index}"), DisplayOnly);
        }
    }
    for (index, mount) in settings.nfs_mounts.iter().flatten().enumerate() {
        if mount.path.starts_with('/') || context.item_is_invalid(format_args!("nfs_mounts/{index}")) {
            continue;
        }
        let path = format!("nfs_mounts/{index}/path");
        if !context.is_invalid(&[&path]) {
            context
                .report(
                    &RELATIVE_NFS_EXPORT,
                    &path,
                    format!("`nfs_mounts[{index}].path` is `{}`, not an absolute path", mount.path),
                )
                .with_help(format!("write `/{}`", mount.path))
                .with_value(&path, format!("/{}", mount.path), Unsafe);
        }
    }
}

fn mount_paths(settings: &StepSettings, context: &mut RuleContext<'_, '_>) {
    let mounts = mounts(settings);
    let mut exact: FxHashMap<&str, usize> = FxHashMap::with_capacity_and_hasher(mounts.len(), FxBuildHasher);
    let mut folded: FxHashMap<Cow<'_, str>, usize> = FxHashMap::with_capacity_and_hasher(mounts.len(), FxBuildHasher);
    for (number, mount) in mounts.iter().enumerate() {
        if context.is_invalid(&[mount]) || context.item_is_invalid(format_args!("{}/{}", mount.list, mount.index)) {
            continue;
        }
        if let Some(first) = exact.get(mount.path) {
            let pointer = mount.to_string();
            let origin = context.origin(&mounts[*first].to_string(), &pointer);
            let message = format!(
                "`{}` is `{}`, which is already the path of `{}`{origin}",
                mount.key,
                mount.path,
                mounts[*first].name()
            );
            context
                .report(&DUPLICATE_MOUNT_PATH, &pointer, message)
                .with_help("use a different path for each mount")
                .with_related(&mounts[*first].to_string(), format!("`{}` is mounted here first", mount.path))
                .with_removal(&format!("{}/{}", mount.list, mount.index), Unsafe);
            continue;
        }
        exact.insert(mount.path, number);
        let fold = fold(mount.path);
        if let Some(first) = folded.get(&fold) {
            let first = &mounts[*first];
            let message =
                format!("`{}` is `{}`, the same path as `{}` of `{}`", mount.key, mount.path, first.path, first.name());
            context
                .report(&SIMILAR_MOUNT_PATHS, mount, message)
                .with_help("use a different path for each mount")
                .with_related(&first.to_string(), format!("`{}` is mounted here", first.path))
                .with_removal(&format!("{}/{}", mount.list, mount.index), Unsafe);
        } else {
            folded.insert(fold, number);
        }
    }
}

/// A mount of any kind.
struct Mount<'s> {
    list: &'static str,
    index: usize,
    key: &'static str,
    path: &'s str,
}

/// The rules' path of the mount path.
impl fmt::Display for Mount<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.list, self.index, self.key)
    }
}

impl Mount<'_> {
    fn name(&self) -> String {
        format!("{}[{}]", self.list, self.index)
    }
}

/// Returns all mounts, in ZenML's order.
fn mounts(settings: &StepSettings) -> Vec<Mount<'_>> {
    macro_rules! of {
        ($($list:ident.$key:ident),+) => {{
            let mut mounts = Vec::new();
            $(mounts.extend(settings.$list.iter().flatten().enumerate().map(|(index, mount)| Mount {
                list: stringify!($list),
                index,
                key: stringify!($key),
                path: mount.$key.as_str(),
            }));)+
            mounts
        }};
    }
    of!(
        pvc_mounts.path,
        config_map_mounts.mount_path,
        secret_mounts.mount_path,
        nfs_mounts.mount_path,
        s3_mounts.path,
        host_path_mounts.mount_path
    )
}

/// Returns the path without repeated, leading or trailing slashes.
fn fold(path: &str) -> Cow<'_, str> {
    let path = path.trim_matches('/');
    if path.as_bytes().windows(2).any(|pair| pair == b"//") {
        path.split('/').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/").into()
    } else {
        path.into()
    }
}

fn claims(settings: &StepSettings, context: &mut RuleContext<'_, '_>) {
    for (index, mount) in settings.pvc_mounts.iter().flatten().enumerate() {
        if context.item_is_invalid(format_args!("pvc_mounts/{index}")) {
            continue;
        }
        if mount.ephemeral == Some(true) {
            context
                .report(
                    &EPHEMERAL_PVC,
                    format_args!("pvc_mounts/{index}/ephemeral"),
                    format!("`pvc_mounts[{index}]` is deleted with its data when the workload stops"),
                )
                .with_help("copy results elsewhere before the step ends, or leave `ephemeral` out")
                .with_removal(&format!("pvc_mounts/{index}/ephemeral"), DisplayOnly);
        }
        if context.is_invalid(&[format_args!("pvc_mounts/{index}/existing_pvc")]) {
            continue;
        }
        if mount.existing_pvc {
            if mount.claim_info.is_some() {
                context
                    .report(
                        &CLAIM_INFO_OF_EXISTING_PVC,
                        format_args!("pvc_mounts/{index}/claim_info"),
                        format!("`pvc_mounts[{index}]` is an existing claim, but has a `claim_info`"),
                    )
                    .with_help("remove it, or write `existing_pvc: false` to create the claim")
                    .with_tag(Tag::Unnecessary)
                    .with_removal(&format!("pvc_mounts/{index}/claim_info"), Unsafe)
                    .with_value(&format!("pvc_mounts/{index}/existing_pvc"), false, Unsafe);
            }
            if mount.claim_name.is_none() && !context.is_invalid(&[format_args!("pvc_mounts/{index}/claim_name")]) {
                context
                    .report(
                        &EXISTING_PVC_WITHOUT_NAME,
                        format_args!("pvc_mounts/{index}"),
                        format!("`pvc_mounts[{index}]` is an existing claim, but has no `claim_name`"),
                    )
                    .with_help("add `claim_name`, or write `existing_pvc: false` to create a claim")
                    .with_value(&format!("pvc_mounts/{index}/claim_name"), "my-claim", DisplayOnly)
                    .with_value(&format!("pvc_mounts/{index}/existing_pvc"), false, DisplayOnly);
            }
        } else if mount.claim_info.as_ref().is_none_or(|claim| claim.size.is_none())
            && !context.is_invalid(&[format_args!("pvc_mounts/{index}/claim_info")])
        {
            context
                .report(
                    &NEW_PVC_WITHOUT_SIZE,
                    format_args!("pvc_mounts/{index}"),
                    format!("`pvc_mounts[{index}]` creates a claim without a size"),
                )
                .with_help("add `claim_info: {size: 50Gi}`")
                .with_value(&format!("pvc_mounts/{index}/claim_info/size"), "50Gi", DisplayOnly);
        }
    }
}
