//! Rules of mounts.

use std::borrow::Cow;
use std::fmt;

use rustc_hash::{FxBuildHasher, FxHashMap};

use super::{Example, RuleContext, rules};
use crate::diagnostic::Tag;
use crate::fix::Applicability::{DisplayOnly, Unsafe};
use crate::settings::StepSettings;

rules! {
    /// Two mounts have the same path in the container. Kubernetes refuses the pod.
    DUPLICATE_MOUNT_PATH {
        code: "duplicate-mount-path",
        severity: Error,
        summary: "two mounts have the same path",
        valid: Example::Yaml("pvc_mounts:\n  - {claim_name: a, path: /a}\n  - {claim_name: b, path: /b}\n"),
        invalid: Example::Yaml("pvc_mounts:\n  - {claim_name: a, path: /data}\n  - {claim_name: b, path: /data}\n"),
    }

    /// Two mounts differ only in slashes, so the container sees one path. Which of them wins is open.
    SIMILAR_MOUNT_PATHS {
        code: "similar-mount-paths",
        severity: Warning,
        summary: "two mount paths differ only in slashes",
        valid: Example::Yaml("pvc_mounts:\n  - {claim_name: a, path: /a}\n  - {claim_name: b, path: /b}\n"),
        invalid: Example::Yaml("pvc_mounts:\n  - {claim_name: a, path: /data}\n  - {claim_name: b, path: /data/}\n"),
    }

    /// A folder of the node is mounted. It ties the step to nodes that have the folder, can expose data of others, and
    /// many clusters forbid it.
    HOST_PATH_MOUNT {
        code: "host-path-mount",
        severity: Warning,
        summary: "a folder of the node is mounted",
        valid: Example::Yaml("pvc_mounts:\n  - {claim_name: data, path: /data}\n"),
        invalid: Example::Yaml("host_path_mounts:\n  - {path: /var/data, mount_path: /data}\n"),
    }

    /// A Secret is mounted: everything that runs in the container can read it. Make sure that the project may use it.
    SECRET_MOUNT {
        code: "secret-mount",
        severity: Warning,
        summary: "a Secret is mounted",
        valid: Example::Yaml("config_map_mounts:\n  - {config_map: config, mount_path: /etc/config}\n"),
        invalid: Example::Yaml("secret_mounts:\n  - {secret: token, mount_path: /etc/token}\n"),
    }

    /// An ephemeral claim is deleted with its data when the workload stops: at its end, but also when it is suspended,
    /// times out or is cancelled.
    EPHEMERAL_PVC {
        code: "ephemeral-pvc",
        severity: Warning,
        summary: "a claim is deleted when the workload stops",
        valid: Example::Yaml("pvc_mounts:\n  - {claim_name: data, path: /data}\n"),
        invalid: Example::Yaml("pvc_mounts:\n  - {claim_name: data, path: /data, ephemeral: true}\n"),
    }

    /// A claim that is created needs a size.
    NEW_PVC_WITHOUT_SIZE {
        code: "new-pvc-without-size",
        severity: Warning,
        summary: "a claim to create has no size",
        valid: Example::Yaml("pvc_mounts:\n  - {path: /data, existing_pvc: false, claim_info: {size: 10Gi}}\n"),
        invalid: Example::Yaml("pvc_mounts:\n  - {path: /data, existing_pvc: false}\n"),
    }

    /// `claim_info` describes a claim to create; for one that exists the API does not want it. Write
    /// `existing_pvc: false` to create one.
    CLAIM_INFO_OF_EXISTING_PVC {
        code: "claim-info-of-existing-pvc",
        severity: Warning,
        summary: "an existing claim is described as if it were created",
        valid: Example::Yaml("pvc_mounts:\n  - {claim_name: data, path: /data}\n"),
        invalid: Example::Yaml("pvc_mounts:\n  - {claim_name: data, path: /data, claim_info: {size: 10Gi}}\n"),
    }

    /// A mount of an existing claim (the default) does not say which one.
    EXISTING_PVC_WITHOUT_NAME {
        code: "existing-pvc-without-name",
        severity: Warning,
        summary: "a mount of an existing claim does not name it",
        valid: Example::Yaml("pvc_mounts:\n  - {claim_name: data, path: /data}\n"),
        invalid: Example::Yaml("pvc_mounts:\n  - {path: /data}\n"),
    }

    /// An NFS server exports absolute paths.
    RELATIVE_NFS_EXPORT {
        code: "relative-nfs-export",
        severity: Warning,
        summary: "the path of an NFS export is not absolute",
        valid: Example::Yaml("nfs_mounts:\n  - {server: nfs.example.com, path: /exports, mount_path: /mnt/nfs}\n"),
        invalid: Example::Yaml("nfs_mounts:\n  - {server: nfs.example.com, path: exports, mount_path: /mnt/nfs}\n"),
    }
}

pub(crate) fn check(settings: &StepSettings, context: &mut RuleContext<'_, '_>) {
    mount_paths(settings, context);
    claims(settings, context);
    for index in 0..settings.host_path_mounts.as_ref().map_or(0, Vec::len) {
        if !context.item_broken(format_args!("host_path_mounts/{index}")) {
            context
                .report(
                    &HOST_PATH_MOUNT,
                    format_args!("host_path_mounts/{index}"),
                    format!("`host_path_mounts[{index}]` mounts a folder of the node"),
                )
                .with_help("use a claim (`pvc_mounts`) if you can, or make sure that the cluster allows it")
                .with_removal(&format!("host_path_mounts/{index}"), DisplayOnly);
        }
    }
    for index in 0..settings.secret_mounts.as_ref().map_or(0, Vec::len) {
        if !context.item_broken(format_args!("secret_mounts/{index}")) {
            context
                .report(
                    &SECRET_MOUNT,
                    format_args!("secret_mounts/{index}"),
                    format!("`secret_mounts[{index}]` makes a Secret readable for everything in the container"),
                )
                .with_help("make sure that the project may use it")
                .with_removal(&format!("secret_mounts/{index}"), DisplayOnly);
        }
    }
    for (index, mount) in settings.nfs_mounts.iter().flatten().enumerate() {
        if mount.path.starts_with('/') || context.item_broken(format_args!("nfs_mounts/{index}")) {
            continue;
        }
        let path = format!("nfs_mounts/{index}/path");
        if !context.broken(&[&path]) {
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
        if context.broken(&[mount]) || context.item_broken(format_args!("{}/{}", mount.list, mount.index)) {
            continue;
        }
        if let Some(first) = exact.get(mount.path) {
            let pointer = mount.to_string();
            let origin = context.origin(&mounts[*first].to_string(), &pointer);
            let message = format!(
                "`{}` is `{}`, which is the path of `{}`{origin} already",
                mount.key,
                mount.path,
                mounts[*first].name()
            );
            context
                .report(&DUPLICATE_MOUNT_PATH, &pointer, message)
                .with_help("give each mount a path of its own")
                .with_related(&mounts[*first].to_string(), format!("`{}` is mounted here first", mount.path))
                .with_removal(&format!("{}/{}", mount.list, mount.index), Unsafe);
            continue;
        }
        exact.insert(mount.path, number);
        let fold = fold(mount.path);
        if let Some(first) = folded.get(&fold) {
            let first = &mounts[*first];
            let message = format!(
                "`{}` is `{}`, one path to the container with `{}` of `{}`",
                mount.key,
                mount.path,
                first.path,
                first.name()
            );
            context
                .report(&SIMILAR_MOUNT_PATHS, mount, message)
                .with_help("give each mount a path of its own")
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

/// The path of its path.
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

/// All mounts, in the peer's order.
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

/// The path without doubled slashes and without one at its end.
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
        if context.item_broken(format_args!("pvc_mounts/{index}")) {
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
        if context.broken(&[format_args!("pvc_mounts/{index}/existing_pvc")]) {
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
            if mount.claim_name.is_none() && !context.broken(&[format_args!("pvc_mounts/{index}/claim_name")]) {
                context
                    .report(
                        &EXISTING_PVC_WITHOUT_NAME,
                        format_args!("pvc_mounts/{index}"),
                        format!("`pvc_mounts[{index}]` is an existing claim, but does not say which one"),
                    )
                    .with_help("add `claim_name`, or write `existing_pvc: false` to create a claim")
                    .with_value(&format!("pvc_mounts/{index}/claim_name"), "my-claim", DisplayOnly)
                    .with_value(&format!("pvc_mounts/{index}/existing_pvc"), false, DisplayOnly);
            }
        } else if mount.claim_info.as_ref().is_none_or(|claim| claim.size.is_none())
            && !context.broken(&[format_args!("pvc_mounts/{index}/claim_info")])
        {
            context
                .report(
                    &NEW_PVC_WITHOUT_SIZE,
                    format_args!("pvc_mounts/{index}"),
                    format!("`pvc_mounts[{index}]` creates a claim, but does not say its size"),
                )
                .with_help("add `claim_info: {size: 50Gi}`")
                .with_value(&format!("pvc_mounts/{index}/claim_info/size"), "50Gi", DisplayOnly);
        }
    }
}
