//! Storage that is mounted into the container.

use runai_api::wire::{MountPropagation, VolumeMode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use validator::Validate;

use super::fields::fields;
use super::{AbsolutePath, AttributeKey, FileMode, ObjectName, Quantity};

/// A persistent volume claim mounted into the container.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct PvcMount {
    /// Where it is mounted in the container; absolute, and used by no other mount.
    #[schemars(extend("examples" = ["/mnt/data"], "x-api" = "path"))]
    pub path: AbsolutePath,

    /// Whether the claim exists already (`true`) or is created for the workload (`false`).
    #[serde(default = "yes")]
    #[schemars(extend("x-api" = "existingPvc"))]
    pub existing_pvc: bool,

    /// Name of the claim, 1 to 63 characters. A claim that is created gets a generated name without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(length(min = 1, max = 63))]
    #[schemars(extend("examples" = ["training-datasets"], "x-api" = "claimName"))]
    pub claim_name: Option<String>,

    /// Whether the container may only read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-api" = "readOnly"))]
    pub read_only: Option<bool>,

    /// Whether the claim and its data are deleted when the workload stops, also when it is suspended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-api" = "ephemeral"))]
    pub ephemeral: Option<bool>,

    /// What to create, with `existing_pvc: false`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(nested)]
    #[schemars(extend("examples" = [{"size": "50Gi", "storage_class": "fast"}], "x-api" = "claimInfo"))]
    pub claim_info: Option<ClaimInfo>,

    /// Whether the data is shared with all projects of the scope.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-api" = "dataSharing"))]
    pub data_sharing: Option<bool>,

    /// Name of this mount, by which a policy of the project can refer to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(length(min = 1))]
    #[schemars(extend("x-api" = "name"))]
    pub name: Option<String>,

    /// Whether to leave out a mount of this name that a policy adds by default.
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

/// A persistent volume claim that is created for the workload. Takes the API's spelling of its keys as well.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(default, deny_unknown_fields)]
pub struct ClaimInfo {
    /// Size of the volume as a Kubernetes quantity: `50Gi`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["50Gi"], "x-api" = "size", "x-unit" = "bytes"))]
    pub size: Option<Quantity>,

    /// Storage class of the volume; the cluster's default without it.
    #[serde(alias = "storageClass", skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["fast"], "x-api" = "storageClass", "x-alias" = "storageClass"))]
    pub storage_class: Option<ObjectName>,

    /// Who may mount the volume, and how.
    #[serde(alias = "accessModes", skip_serializing_if = "Option::is_none")]
    #[validate(nested)]
    #[schemars(extend("examples" = [{"read_write_many": true}], "x-api" = "accessModes", "x-alias" = "accessModes"))]
    pub access_modes: Option<AccessModes>,

    /// Whether the volume is a file system or a raw block device; a file system without it.
    #[serde(alias = "volumeMode", skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-api" = "volumeMode", "x-alias" = "volumeMode"))]
    pub volume_mode: Option<VolumeMode>,

    /// Annotations of the created claim that its storage class asks for.
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

/// Who may mount a created volume. A mode that is `null` is left to the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct AccessModes {
    /// One node, reading and writing.
    #[serde(alias = "readWriteOnce", default = "some_yes")]
    #[schemars(extend("x-api" = "readWriteOnce", "x-alias" = "readWriteOnce"))]
    pub read_write_once: Option<bool>,

    /// Many nodes, only reading.
    #[serde(alias = "readOnlyMany", default = "some_no")]
    #[schemars(extend("x-api" = "readOnlyMany", "x-alias" = "readOnlyMany"))]
    pub read_only_many: Option<bool>,

    /// Many nodes, reading and writing.
    #[serde(alias = "readWriteMany", default = "some_no")]
    #[schemars(extend("x-api" = "readWriteMany", "x-alias" = "readWriteMany"))]
    pub read_write_many: Option<bool>,
}

fields!(AccessModes keeps null {
    read_write_once | "readWriteOnce" = Some(true),
    read_only_many | "readOnlyMany" = Some(false),
    read_write_many | "readWriteMany" = Some(false),
});

/// An annotation of a created claim.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct AddedAttribute {
    /// Key of the annotation, 1 to 63 letters, digits, `-`, `_` and `.`, a letter or digit first and last.
    #[schemars(extend("examples" = ["dnsname"], "x-api" = "key"))]
    pub key: AttributeKey,

    /// Value of the annotation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-api" = "value"))]
    pub value: Option<String>,
}

fields!(AddedAttribute { key, value });

/// A `ConfigMap` mounted as files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct ConfigMapMount {
    /// Name of the existing `ConfigMap`.
    #[schemars(extend("examples" = ["training-config"], "x-api" = "configMap"))]
    pub config_map: ObjectName,

    /// Where it is mounted in the container; absolute, and used by no other mount.
    #[schemars(extend("examples" = ["/etc/training"], "x-api" = "mountPath"))]
    pub mount_path: AbsolutePath,

    /// Path inside the `ConfigMap` to mount instead of its root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(length(min = 1))]
    #[schemars(extend("x-api" = "subPath"))]
    pub sub_path: Option<String>,

    /// Permissions of the files as four octal digits in quotes: `"0644"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["0644"], "x-api" = "defaultMode"))]
    pub default_mode: Option<FileMode>,

    /// Name of this mount, by which a policy of the project can refer to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(length(min = 1))]
    #[schemars(extend("x-api" = "name"))]
    pub name: Option<String>,

    /// Whether to leave out a mount of this name that a policy adds by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-api" = "exclude"))]
    pub exclude: Option<bool>,
}

fields!(ConfigMapMount { config_map, mount_path, sub_path, default_mode, name, exclude });

/// A Secret mounted as files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct SecretMount {
    /// Name of the existing Secret.
    #[validate(length(min = 1))]
    #[schemars(extend("examples" = ["hf-token"], "x-api" = "secret"))]
    pub secret: String,

    /// Where it is mounted in the container; absolute, and used by no other mount.
    #[schemars(extend("examples" = ["/etc/secrets"], "x-api" = "mountPath"))]
    pub mount_path: AbsolutePath,

    /// Permissions of the files as four octal digits in quotes: `"0400"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["0400"], "x-api" = "defaultMode"))]
    pub default_mode: Option<FileMode>,

    /// Name of this mount, by which a policy of the project can refer to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(length(min = 1))]
    #[schemars(extend("x-api" = "name"))]
    pub name: Option<String>,

    /// Whether to leave out a mount of this name that a policy adds by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-api" = "exclude"))]
    pub exclude: Option<bool>,
}

fields!(SecretMount { secret, mount_path, default_mode, name, exclude });

/// An NFS export mounted into the container.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct NfsMount {
    /// Host name or address of the NFS server.
    #[validate(length(min = 1))]
    #[schemars(extend("examples" = ["nfs.example.com"], "x-api" = "server"))]
    pub server: String,

    /// Path that the server exports.
    #[validate(length(min = 1))]
    #[schemars(extend("examples" = ["/exports/data"], "x-api" = "path"))]
    pub path: String,

    /// Where it is mounted in the container; absolute, and used by no other mount.
    #[schemars(extend("examples" = ["/mnt/nfs"], "x-api" = "mountPath"))]
    pub mount_path: AbsolutePath,

    /// Whether the container may only read; the API's default is `true`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-api" = "readOnly"))]
    pub read_only: Option<bool>,

    /// Name of this mount, by which a policy of the project can refer to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(length(min = 1))]
    #[schemars(extend("x-api" = "name"))]
    pub name: Option<String>,

    /// Whether to leave out a mount of this name that a policy adds by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-api" = "exclude"))]
    pub exclude: Option<bool>,
}

fields!(NfsMount { server, path, mount_path, read_only, name, exclude });

/// An S3 bucket mounted into the container.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct S3Mount {
    /// Name of the bucket.
    #[validate(length(min = 1))]
    #[schemars(extend("examples" = ["my-bucket"], "x-api" = "bucket"))]
    pub bucket: String,

    /// Where it is mounted in the container; absolute, and used by no other mount.
    #[schemars(extend("examples" = ["/mnt/s3"], "x-api" = "path"))]
    pub path: AbsolutePath,

    /// URL of the S3 service; Amazon's without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(length(min = 1))]
    #[schemars(extend("examples" = ["https://s3.example.com"], "x-api" = "url"))]
    pub url: Option<String>,

    /// Name of the Secret that holds the credentials of a private bucket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["s3-credentials"], "x-api" = "accessKeySecret"))]
    pub access_key_secret: Option<ObjectName>,

    /// Key of that Secret which holds the access key id; the API's default is `AccessKeyId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(length(min = 1))]
    #[schemars(extend("examples" = ["AccessKeyId"], "x-api" = "secretKeyOfAccessKeyId"))]
    pub secret_key_of_access_key_id: Option<String>,

    /// Key of that Secret which holds the secret key; the API's default is `SecretKey`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(length(min = 1))]
    #[schemars(extend("examples" = ["SecretKey"], "x-api" = "secretKeyOfSecretKey"))]
    pub secret_key_of_secret_key: Option<String>,

    /// Name of this mount, by which a policy of the project can refer to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(length(min = 1))]
    #[schemars(extend("x-api" = "name"))]
    pub name: Option<String>,

    /// Whether to leave out a mount of this name that a policy adds by default.
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

/// A folder of the node mounted into the container.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct HostPathMount {
    /// Folder of the node; absolute.
    #[schemars(extend("examples" = ["/var/data"], "x-api" = "path"))]
    pub path: AbsolutePath,

    /// Where it is mounted in the container; absolute, and used by no other mount.
    #[schemars(extend("examples" = ["/mnt/host"], "x-api" = "mountPath"))]
    pub mount_path: AbsolutePath,

    /// Whether the container may only read; the API's default is `true`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-api" = "readOnly"))]
    pub read_only: Option<bool>,

    /// Whether mounts that the node makes later below this folder are seen in the container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-api" = "mountPropagation"))]
    pub mount_propagation: Option<MountPropagation>,

    /// Name of this mount, by which a policy of the project can refer to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(length(min = 1))]
    #[schemars(extend("x-api" = "name"))]
    pub name: Option<String>,

    /// Whether to leave out a mount of this name that a policy adds by default.
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
