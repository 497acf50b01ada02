//! Volumes of a workload.
//!
//! In every list `name` identifies the item for policy rules, and `exclude` excludes an item of the policy's defaults.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{list, pattern};

/// `spec.storage`: the volumes of the container.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Storage {
    /// `ConfigMap`s, mounted as files.
    #[serde(deserialize_with = "list", skip_serializing_if = "Vec::is_empty")]
    pub config_map_volume: Vec<ConfigMapVolume>,
    /// Run:ai data volumes.
    #[serde(deserialize_with = "list", skip_serializing_if = "Vec::is_empty")]
    pub data_volume: Vec<DataVolume>,
    /// Empty directories that live as long as the pod.
    #[serde(deserialize_with = "list", skip_serializing_if = "Vec::is_empty")]
    pub empty_dir_volume: Vec<EmptyDirVolume>,
    /// Git repositories, cloned before the start.
    #[serde(deserialize_with = "list", skip_serializing_if = "Vec::is_empty")]
    pub git: Vec<Git>,
    /// Directories of the node.
    #[serde(deserialize_with = "list", skip_serializing_if = "Vec::is_empty")]
    pub host_path: Vec<HostPath>,
    /// NFS exports.
    #[serde(deserialize_with = "list", skip_serializing_if = "Vec::is_empty")]
    pub nfs: Vec<Nfs>,
    /// Persistent volume claims.
    #[serde(deserialize_with = "list", skip_serializing_if = "Vec::is_empty")]
    pub pvc: Vec<Pvc>,
    /// S3 buckets.
    #[serde(deserialize_with = "list", skip_serializing_if = "Vec::is_empty")]
    pub s3: Vec<S3>,
    /// Secrets, mounted as files.
    #[serde(deserialize_with = "list", skip_serializing_if = "Vec::is_empty")]
    pub secret_volume: Vec<SecretVolume>,
}

impl Storage {
    /// Returns whether there are no volumes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A `ConfigMap`, mounted as files.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ConfigMapVolume {
    /// The `ConfigMap`'s name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1), regex(pattern = pattern::OBJECT_NAME))]
    pub config_map: Option<String>,
    /// Mode of the files: four octal digits, the first of them 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = pattern::FILE_MODE))]
    pub default_mode: Option<String>,
    /// Excludes the item of the policy's defaults.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude: Option<bool>,
    /// Path inside the container.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub mount_path: Option<String>,
    /// Identifies the item for policy rules.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub name: Option<String>,
    /// The path inside the volume to mount.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub sub_path: Option<String>,
}

/// A Run:ai data volume.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct DataVolume {
    /// Excludes the item of the policy's defaults.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude: Option<bool>,
    /// The data volume's UUID.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Path inside the container.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mount_path: Option<String>,
}

/// An empty directory that lives as long as the pod.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct EmptyDirVolume {
    /// Excludes the item of the policy's defaults.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude: Option<bool>,
    /// `Memory` for a memory-backed directory; the default is one on disk.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub medium: Option<String>,
    /// Identifies the item for policy rules.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub name: Option<String>,
    /// Path inside the container.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub path: Option<String>,
    /// Maximum size, a Kubernetes quantity.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = pattern::QUANTITY))]
    pub size_limit: Option<String>,
}

/// A Git repository, cloned before the start.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Git {
    /// The branch to check out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub branch: Option<String>,
    /// Excludes the item of the policy's defaults.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude: Option<bool>,
    /// Identifies the item for policy rules.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub name: Option<String>,
    /// Name of the Secret with the credentials; deprecated by the API in favour of `secretRef`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub password_secret: Option<String>,
    /// Path inside the container.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub path: Option<String>,
    /// URL of the repository.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub repository: Option<String>,
    /// The revision to check out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub revision: Option<String>,
    /// Key of the password in `passwordSecret`; deprecated by the API.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub secret_key_of_password: Option<String>,
    /// Key of the user name in `passwordSecret`; deprecated by the API.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub secret_key_of_user: Option<String>,
    /// The Secret with the credentials of a private repository.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<GitSecretRef>,
}

/// The Secret with the credentials of a private Git repository.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct GitSecretRef {
    /// How to authenticate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authentication_method: Option<GitAuthenticationMethod>,
    /// The Secret's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub name: Option<String>,
    /// Key of the password in the Secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub secret_key_of_password: Option<String>,
    /// Key of the user name in the Secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub secret_key_of_user: Option<String>,
}

/// How to authenticate to a Git server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum GitAuthenticationMethod {
    /// User name and password.
    Password,
    /// An SSH private key.
    SshKey,
}

/// A directory of the node.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct HostPath {
    /// Excludes the item of the policy's defaults.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude: Option<bool>,
    /// Path inside the container.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub mount_path: Option<String>,
    /// Whether later mounts on the node appear in the container.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mount_propagation: Option<MountPropagation>,
    /// Identifies the item for policy rules.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub name: Option<String>,
    /// Path on the node.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub path: Option<String>,
    /// Whether the mount is read-only; the default is true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_only: Option<bool>,
}

/// Whether later mounts on the node appear in the container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum MountPropagation {
    /// Later mounts appear.
    HostToContainer,
    /// Later mounts do not appear.
    None,
}

/// An NFS export.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Nfs {
    /// Excludes the item of the policy's defaults.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude: Option<bool>,
    /// Path inside the container.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub mount_path: Option<String>,
    /// Identifies the item for policy rules.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub name: Option<String>,
    /// The exported path on the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub path: Option<String>,
    /// Whether the mount is read-only; the default is true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_only: Option<bool>,
    /// Host name or address of the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub server: Option<String>,
}

/// A persistent volume claim, existing or to be created.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Pvc {
    /// The specification of a new claim; not for an existing one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claim_info: Option<ClaimInfo>,
    /// The claim's name, at most 63 characters; the API generates one for a new claim.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub claim_name: Option<String>,
    /// Whether all projects of the scope can use the data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_sharing: Option<bool>,
    /// Whether the claim, with its data, is deleted when the workload stops.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ephemeral: Option<bool>,
    /// Excludes the item of the policy's defaults.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude: Option<bool>,
    /// Whether the claim must exist already; the default is false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub existing_pvc: Option<bool>,
    /// Identifies the item for policy rules.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub name: Option<String>,
    /// Path inside the container.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub path: Option<String>,
    /// Whether the mount is read-only; the default is false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_only: Option<bool>,
}

/// The specification of a new persistent volume claim.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ClaimInfo {
    /// The access modes of the volume.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_modes: Option<AccessModes>,
    /// Annotations of the claim; the storage class decides which are allowed.
    #[serde(deserialize_with = "list", skip_serializing_if = "Vec::is_empty")]
    pub added_attr_values: Vec<ClaimAttribute>,
    /// The volume's size, a Kubernetes quantity; required for a new claim.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = pattern::QUANTITY))]
    pub size: Option<String>,
    /// The storage class; the default is the cluster's.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1), regex(pattern = pattern::OBJECT_NAME))]
    pub storage_class: Option<String>,
    /// The volume mode; the default is a file system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volume_mode: Option<VolumeMode>,
}

/// The access modes of a volume.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct AccessModes {
    /// Read-only by many nodes; the default is false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_only_many: Option<bool>,
    /// Read-write by many nodes; the default is false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_write_many: Option<bool>,
    /// Read-write by one node; the default is true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_write_once: Option<bool>,
}

/// An annotation of a new persistent volume claim.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ClaimAttribute {
    /// The annotation's key.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63), regex(pattern = pattern::ATTRIBUTE_KEY))]
    pub key: Option<String>,
    /// The annotation's value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// The volume mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum VolumeMode {
    /// A block device.
    Block,
    /// A file system.
    Filesystem,
}

/// An S3 bucket.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct S3 {
    /// Name of the Secret with the credentials of a private bucket.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1), regex(pattern = pattern::OBJECT_NAME))]
    pub access_key_secret: Option<String>,
    /// The bucket's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub bucket: Option<String>,
    /// Excludes the item of the policy's defaults.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude: Option<bool>,
    /// Identifies the item for policy rules.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub name: Option<String>,
    /// Path inside the container.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub path: Option<String>,
    /// Key of the access key id in the Secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub secret_key_of_access_key_id: Option<String>,
    /// Key of the secret key in the Secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub secret_key_of_secret_key: Option<String>,
    /// URL of the service; the default is Amazon's.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub url: Option<String>,
}

/// A Secret, mounted as files.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct SecretVolume {
    /// Mode of the files: four octal digits, the first of them 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = pattern::FILE_MODE))]
    pub default_mode: Option<String>,
    /// Excludes the item of the policy's defaults.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude: Option<bool>,
    /// Path inside the container.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub mount_path: Option<String>,
    /// Identifies the item for policy rules.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub name: Option<String>,
    /// The Secret's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub secret: Option<String>,
}
