//! Security options of the container.

use runai_api::wire::{Capability, SeccompProfileType, UidGidSource};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use validator::Validate;

use super::fields::fields;

/// User, groups, capabilities and other security options of the container.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(default, deny_unknown_fields)]
pub struct SecurityContext {
    /// Source of the user and group ids of the container's processes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-api" = "uidGidSource"))]
    pub uid_gid_source: Option<UidGidSource>,

    /// User id to run as. Requires `uid_gid_source: custom`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[validate(range(min = 0))]
    #[schemars(extend("examples" = [1000], "x-api" = "runAsUid"))]
    pub run_as_uid: Option<i64>,

    /// Group id to run as. Requires `uid_gid_source: custom`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[validate(range(min = 0))]
    #[schemars(extend("examples" = [1000], "x-api" = "runAsGid"))]
    pub run_as_gid: Option<i64>,

    /// Whether to reject a container that would run as root.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-api" = "runAsNonRoot"))]
    pub run_as_non_root: Option<bool>,

    /// Supplemental group ids of the container's processes. They are sent as one string, joined with semicolons.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(inner(range(min = 0)), extend("examples" = [[1000, 2000]], "x-api" = "supplementalGroups"))]
    pub supplemental_groups: Option<Vec<i64>>,

    /// Seccomp profile, which restricts the container's system calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-api" = "seccompProfileType"))]
    pub seccomp_profile_type: Option<SeccompProfileType>,

    /// Linux capabilities to add, without the prefix `CAP_`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = [["NET_ADMIN"]], "x-api" = "capabilities"))]
    pub capabilities: Option<Vec<Capability>>,

    /// Whether a process may gain more privileges than its parent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-api" = "allowPrivilegeEscalation"))]
    pub allow_privilege_escalation: Option<bool>,

    /// Whether the container's root file system is read-only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-api" = "readOnlyRootFilesystem"))]
    pub read_only_root_filesystem: Option<bool>,

    /// Whether the container uses the node's IPC namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-api" = "hostIpc"))]
    pub host_ipc: Option<bool>,

    /// Whether the container uses the node's network.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-api" = "hostNetwork"))]
    pub host_network: Option<bool>,
}

fields!(SecurityContext {
    uid_gid_source,
    run_as_uid,
    run_as_gid,
    run_as_non_root,
    supplemental_groups,
    seccomp_profile_type,
    capabilities,
    allow_privilege_escalation,
    read_only_root_filesystem,
    host_ipc,
    host_network,
});
