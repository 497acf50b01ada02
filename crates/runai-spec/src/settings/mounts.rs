//! Storage that is mounted in the container.

use runai_api::wire::{MountPropagation, VolumeMode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use validator::Validate;

use super::fields::fields;
use super::{AbsolutePath, AttributeKey, FileMode, ObjectName, Quantity};

/// A mount of a persistent volume claim.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct PvcMount {
    /// Absolute path of the mount in the container, unique among all mounts.
    #[schemars(extend("examples" = ["/mnt/data"], "x-api" = "path"))]
    pub path: AbsolutePath,

    /// Whether the claim exists (`true`) or is created for the workload (`false`).
    #[serde(default = "yes")]
    #[schemars(extend("x-api" = "existingPvc"))]
    pub existing_pvc: bool,

    /// Name of the claim, 1 to 63 characters. Default for new claims: a generated name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(length(min = 1, max = 63))]
    #[schemars(extend("examples" = ["training-datasets"], "x-api" = "claimName"))]
    pub claim_name: Option<String>,

    /// Whether the mount is read-only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-api" = "readOnly"))]
    pub read_only: Option<bool>,

    /// Whether the claim and its data are deleted when the workload ends or is suspended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-api" = "ephemeral"))]
    pub ephemeral: Option<bool>,

    /// Description of a new claim, with `existing_pvc: false`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(nested)]
    #[schemars(extend("examples" = [{"size": "50Gi", "storage_class": "fast"}], "x-api" = "claimInfo"))]
    pub claim_info: Option<ClaimInfo>,

    /// Whether all projects of the scope share the data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-api" = "dataSharing"))]
    pub data_sharing: Option<bool>,

    /// Name by which a policy can refer to this mount.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(length(min = 1))]
    #[schemars(extend("x-api" = "name"))]
    pub name: Option<String>,

    /// Whether to exclude the mount of this name that a policy adds by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-api" = "exclude"))]
    pub exclude: Option<bool>,
}

fields!(PvcMount {
    path,
    existing_pvc = true,
    claim_name,
    read_only,
    ephemeral,
    claim_info,
    data_sharing,
    name,
    exclude,
});

/// A persistent volume claim that is created for the workload. Keys may also be written as in the API.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(default, deny_unknown_fields)]
pub struct ClaimInfo {
    /// Size of the volume as a Kubernetes quantity: `50Gi`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["50Gi"], "x-api" = "size", "x-unit" = "bytes"))]
    pub size: Option<Quantity>,

    /// Storage class of the volume. Default: the cluster's.
    #[serde(alias = "storageClass", skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["fast"], "x-api" = "storageClass", "x-alias" = "storageClass"))]
    pub storage_class: Option<ObjectName>,

    /// Access modes of the volume.
    #[serde(alias = "accessModes", skip_serializing_if = "Option::is_none")]
    #[validate(nested)]
    #[schemars(extend("examples" = [{"read_write_many": true}], "x-api" = "accessModes", "x-alias" = "accessModes"))]
    pub access_modes: Option<AccessModes>,

    /// Whether the volume is a file system (the default) or a raw block device.
    #[serde(alias = "volumeMode", skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-api" = "volumeMode", "x-alias" = "volumeMode"))]
    pub volume_mode: Option<VolumeMode>,

    /// Annotations that the storage class requires.
    #[serde(alias = "addedAttrValues", skip_serializing_if = "Option::is_none")]
    #[validate(nested)]
    #[schemars(extend(
        "examples" = [[{"key": "dnsname", "value": "files.example.com"}]],
        "x-api" = "addedAttrValues",
        "x-alias" = "addedAttrValues",
    ))]
    pub added_attr_values: Option<Vec<AddedAttribute>>,
}

fields!(ClaimInfo {
    size,
    storage_class | "storageClass",
    access_modes | "accessModes",
    volume_mode | "volumeMode",
    added_attr_values | "addedAttrValues",
});

/// Access modes of a new volume. For a mode that is `null`, the cluster's default applies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct AccessModes {
    /// Read and write on one node.
    #[serde(alias = "readWriteOnce", default = "some_yes")]
    #[schemars(extend("x-api" = "readWriteOnce", "x-alias" = "readWriteOnce"))]
    pub read_write_once: Option<bool>,

    /// Read on many nodes.
    #[serde(alias = "readOnlyMany", default = "some_no")]
    #[schemars(extend("x-api" = "readOnlyMany", "x-alias" = "readOnlyMany"))]
    pub read_only_many: Option<bool>,

    /// Read and write on many nodes.
    #[serde(alias = "readWriteMany", default = "some_no")]
    #[schemars(extend("x-api" = "readWriteMany", "x-alias" = "readWriteMany"))]
    pub read_write_many: Option<bool>,
}

fields!(AccessModes keeps null {
    read_write_once | "readWriteOnce" = Some(true),
    read_only_many | "readOnlyMany" = Some(false),
    read_write_many | "readWriteMany" = Some(false),
});

/// An annotation of a new claim.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct AddedAttribute {
    /// Key of the annotation: 1 to 63 letters, digits, `-`, `_` and `.`, starting and ending with a letter or digit.
    #[schemars(extend("examples" = ["dnsname"], "x-api" = "key"))]
    pub key: AttributeKey,

    /// Value of the annotation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-api" = "value"))]
    pub value: Option<String>,
}

fields!(AddedAttribute { key, value });

/// A mount of a `ConfigMap` as files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct ConfigMapMount {
    /// Name of the existing `ConfigMap`.
    #[schemars(extend("examples" = ["training-config"], "x-api" = "configMap"))]
    pub config_map: ObjectName,

    /// Absolute path of the mount in the container, unique among all mounts.
    #[schemars(extend("examples" = ["/etc/training"], "x-api" = "mountPath"))]
    pub mount_path: AbsolutePath,

    /// Path in the `ConfigMap` to mount instead of its root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(length(min = 1))]
    #[schemars(extend("x-api" = "subPath"))]
    pub sub_path: Option<String>,

    /// Permissions of the files as four octal digits in quotes: `"0644"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["0644"], "x-api" = "defaultMode"))]
    pub default_mode: Option<FileMode>,

    /// Name by which a policy can refer to this mount.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(length(min = 1))]
    #[schemars(extend("x-api" = "name"))]
    pub name: Option<String>,

    /// Whether to exclude the mount of this name that a policy adds by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-api" = "exclude"))]
    pub exclude: Option<bool>,
}

fields!(ConfigMapMount { config_map, mount_path, sub_path, default_mode, name, exclude });

/// A mount of a Secret as files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct SecretMount {
    /// Name of the existing Secret.
    #[validate(length(min = 1))]
    #[schemars(extend("examples" = ["hf-token"], "x-api" = "secret"))]
    pub secret: String,

    /// Absolute path of the mount in the container, unique among all mounts.
    #[schemars(extend("examples" = ["/etc/secrets"], "x-api" = "mountPath"))]
    pub mount_path: AbsolutePath,

    /// Permissions of the files as four octal digits in quotes: `"0400"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["0400"], "x-api" = "defaultMode"))]
    pub default_mode: Option<FileMode>,

    /// Name by which a policy can refer to this mount.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(length(min = 1))]
    #[schemars(extend("x-api" = "name"))]
    pub name: Option<String>,

    /// Whether to exclude the mount of this name that a policy adds by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-api" = "exclude"))]
    pub exclude: Option<bool>,
}

fields!(SecretMount { secret, mount_path, default_mode, name, exclude });

/// A mount of an NFS export.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct NfsMount {
    /// Host name or address of the NFS server.
    #[validate(length(min = 1))]
    #[schemars(extend("examples" = ["nfs.example.com"], "x-api" = "server"))]
    pub server: String,

    /// Exported path on the server.
    #[validate(length(min = 1))]
    #[schemars(extend("examples" = ["/exports/data"], "x-api" = "path"))]
    pub path: String,

    /// Absolute path of the mount in the container, unique among all mounts.
    #[schemars(extend("examples" = ["/mnt/nfs"], "x-api" = "mountPath"))]
    pub mount_path: AbsolutePath,

    /// Whether the mount is read-only; the API's default is `true`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-api" = "readOnly"))]
    pub read_only: Option<bool>,

    /// Name by which a policy can refer to this mount.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(length(min = 1))]
    #[schemars(extend("x-api" = "name"))]
    pub name: Option<String>,

    /// Whether to exclude the mount of this name that a policy adds by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-api" = "exclude"))]
    pub exclude: Option<bool>,
}

fields!(NfsMount { server, path, mount_path, read_only, name, exclude });

/// A mount of an S3 bucket.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct S3Mount {
    /// Name of the bucket.
    #[validate(length(min = 1))]
    #[schemars(extend("examples" = ["my-bucket"], "x-api" = "bucket"))]
    pub bucket: String,

    /// Absolute path of the mount in the container, unique among all mounts.
    #[schemars(extend("examples" = ["/mnt/s3"], "x-api" = "path"))]
    pub path: AbsolutePath,

    /// URL of the S3 service. Default: Amazon's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(length(min = 1))]
    #[schemars(extend("examples" = ["https://s3.example.com"], "x-api" = "url"))]
    pub url: Option<String>,

    /// Name of the Secret with the credentials of a private bucket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["s3-credentials"], "x-api" = "accessKeySecret"))]
    pub access_key_secret: Option<ObjectName>,

    /// Key of the access key id in the Secret; the API's default is `AccessKeyId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(length(min = 1))]
    #[schemars(extend("examples" = ["AccessKeyId"], "x-api" = "secretKeyOfAccessKeyId"))]
    pub secret_key_of_access_key_id: Option<String>,

    /// Key of the secret key in the Secret; the API's default is `SecretKey`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(length(min = 1))]
    #[schemars(extend("examples" = ["SecretKey"], "x-api" = "secretKeyOfSecretKey"))]
    pub secret_key_of_secret_key: Option<String>,

    /// Name by which a policy can refer to this mount.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(length(min = 1))]
    #[schemars(extend("x-api" = "name"))]
    pub name: Option<String>,

    /// Whether to exclude the mount of this name that a policy adds by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-api" = "exclude"))]
    pub exclude: Option<bool>,
}

fields!(S3Mount {
    bucket,
    path,
    url,
    access_key_secret,
    secret_key_of_access_key_id,
    secret_key_of_secret_key,
    name,
    exclude,
});

/// A mount of a directory of the node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct HostPathMount {
    /// Absolute path of the directory on the node.
    #[schemars(extend("examples" = ["/var/data"], "x-api" = "path"))]
    pub path: AbsolutePath,

    /// Absolute path of the mount in the container, unique among all mounts.
    #[schemars(extend("examples" = ["/mnt/host"], "x-api" = "mountPath"))]
    pub mount_path: AbsolutePath,

    /// Whether the mount is read-only; the API's default is `true`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-api" = "readOnly"))]
    pub read_only: Option<bool>,

    /// Whether later mounts of the node below this directory appear in the container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-api" = "mountPropagation"))]
    pub mount_propagation: Option<MountPropagation>,

    /// Name by which a policy can refer to this mount.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(length(min = 1))]
    #[schemars(extend("x-api" = "name"))]
    pub name: Option<String>,

    /// Whether to exclude the mount of this name that a policy adds by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-api" = "exclude"))]
    pub exclude: Option<bool>,
}

fields!(HostPathMount { path, mount_path, read_only, mount_propagation, name, exclude });

fn yes() -> bool {
    true
}

#[expect(clippy::unnecessary_wraps, reason = "serde wants the type of the field")]
fn some_yes() -> Option<bool> {
    Some(true)
}

#[expect(clippy::unnecessary_wraps, reason = "serde wants the type of the field")]
fn some_no() -> Option<bool> {
    Some(false)
}
