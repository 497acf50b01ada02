//! Security settings of the container.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::list;

/// `spec.security`: user, group and privileges of the container.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Security {
    /// Whether a process may gain more privileges than its parent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_privilege_escalation: Option<bool>,
    /// Linux capabilities added to those of the container runtime.
    #[serde(deserialize_with = "list", skip_serializing_if = "Vec::is_empty")]
    pub capabilities: Vec<Capability>,
    /// Whether the container shares the host's inter-process communication.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_ipc: Option<bool>,
    /// Whether the container shares the host's network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_network: Option<bool>,
    /// Whether the root file system cannot be written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_only_root_filesystem: Option<bool>,
    /// Group id of the entry point; with `uidGidSource: custom`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_as_gid: Option<i64>,
    /// Whether the container must not run as root.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_as_non_root: Option<bool>,
    /// User id of the entry point; with `uidGidSource: custom`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_as_uid: Option<i64>,
    /// The seccomp profile of the container.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seccomp_profile_type: Option<SeccompProfileType>,
    /// Further group ids in one string; the API's documentation separates them with commas, runapy with semicolons.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supplemental_groups: Option<String>,
    /// Where user and group ids come from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid_gid_source: Option<UidGidSource>,
}

impl Security {
    /// Returns whether all members are missing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The seccomp profile of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum SeccompProfileType {
    /// A profile on the node; Run:ai does not support it yet.
    Localhost,
    /// The default profile of the container runtime.
    RuntimeDefault,
    /// No profile.
    Unconfined,
}

/// Where a container's user and group ids come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum UidGidSource {
    /// From `runAsUid` and `runAsGid`.
    Custom,
    /// From the identity provider's token of the submitting user.
    FromIdpToken,
    /// From the image.
    FromTheImage,
}

/// A Linux capability, see `capabilities(7)`; without its `CAP_` prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Capability {
    /// Change the rules of kernel auditing.
    AuditControl,
    /// Read the audit log.
    AuditRead,
    /// Write to the audit log.
    AuditWrite,
    /// Keep the system from suspending.
    BlockSuspend,
    /// Change the owner of any file.
    Chown,
    /// Read, write and execute any file.
    DacOverride,
    /// Read any file, search any directory.
    DacReadSearch,
    /// Act as the owner of any file.
    Fowner,
    /// Keep set-user-ID and set-group-ID bits.
    Fsetid,
    /// Lock memory.
    IpcLock,
    /// Use any System V IPC object.
    IpcOwner,
    /// Send signals to any process.
    Kill,
    /// Lease any file.
    Lease,
    /// Make files immutable or append-only.
    LinuxImmutable,
    /// Change the mandatory access control.
    MacAdmin,
    /// Override the mandatory access control.
    MacOverride,
    /// Create device files.
    Mknod,
    /// Configure the network.
    NetAdmin,
    /// Listen on ports below 1024.
    NetBindService,
    /// Broadcast and listen to multicast.
    NetBroadcast,
    /// Use raw sockets.
    NetRaw,
    /// Set capabilities of files.
    Setfcap,
    /// Change group ids.
    Setgid,
    /// Pass on and drop capabilities.
    Setpcap,
    /// Change user ids.
    Setuid,
    /// Administer the system; close to everything.
    SysAdmin,
    /// Reboot.
    SysBoot,
    /// Change the root directory.
    SysChroot,
    /// Load kernel modules.
    SysModule,
    /// Change priorities and CPU affinity.
    SysNice,
    /// Switch process accounting.
    SysPacct,
    /// Trace any process.
    SysPtrace,
    /// Use raw I/O ports.
    SysRawio,
    /// Exceed resource limits.
    SysResource,
    /// Set the clock.
    SysTime,
    /// Configure terminals.
    SysTtyConfig,
    /// Read and clear the kernel's log.
    Syslog,
    /// Wake the system with a timer.
    WakeAlarm,
}
