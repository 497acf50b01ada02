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
    /// Where the user and group of the container's processes come from.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-api" = "uidGidSource"))]
    pub uid_gid_source: Option<UidGidSource>,

    /// User id to run as; with `uid_gid_source: custom`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[validate(range(min = 0))]
    #[schemars(extend("examples" = [1000], "x-api" = "runAsUid"))]
    pub run_as_uid: Option<i64>,

    /// Group id to run as; with `uid_gid_source: custom`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[validate(range(min = 0))]
    #[schemars(extend("examples" = [1000], "x-api" = "runAsGid"))]
    pub run_as_gid: Option<i64>,

    /// Whether a container that would run as root is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-api" = "runAsNonRoot"))]
    pub run_as_non_root: Option<bool>,

    /// Further group ids of the container's processes. Sent joined with semicolons, as the Python peer does.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(inner(range(min = 0)), extend("examples" = [[1000, 2000]], "x-api" = "supplementalGroups"))]
    pub supplemental_groups: Option<Vec<i64>>,

    /// Which system calls the container may make.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-api" = "seccompProfileType"))]
    pub seccomp_profile_type: Option<SeccompProfileType>,

    /// Linux capabilities to add, without their `CAP_` prefix.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = [["NET_ADMIN"]], "x-api" = "capabilities"))]
    pub capabilities: Option<Vec<Capability>>,

    /// Whether a process may gain more privileges than its parent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-api" = "allowPrivilegeEscalation"))]
    pub allow_privilege_escalation: Option<bool>,

    /// Whether the container's root file system can only be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-api" = "readOnlyRootFilesystem"))]
    pub read_only_root_filesystem: Option<bool>,

    /// Whether the container shares the node's inter-process communication.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-api" = "hostIpc"))]
    pub host_ipc: Option<bool>,

    /// Whether the container shares the node's network.
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
