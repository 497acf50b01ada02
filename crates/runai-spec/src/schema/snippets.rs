//! Snippets, which editors offer as completions.
//!
//! `^` makes the rest of the string a number or boolean, `${1:…}` is a placeholder.

use super::{Schema, below, from_template};

/// Adds snippets to the schema of a step's settings, and to the items of its lists.
pub(super) fn add_to_settings(settings: &mut Schema) {
    settings.set("defaultSnippets", from_template(SETTINGS, &[]));
    for (list, body) in from_template(ITEMS, &[]).entries() {
        below(settings, &["properties", list, "items"]).set("defaultSnippets", body.clone());
    }
}

const SETTINGS: &str = r#"[
    {"label": "half a GPU", "description": "Shares a GPU with other workloads.", "body": {"gpu_portion_request": "^${1:0.5}"}},
    {
        "label": "GPU memory with burst",
        "description": "Guarantees GPU memory, and uses more if the device is idle.",
        "body": {"gpu_request_type": "memory", "gpu_memory_request": "${1:20Gi}", "gpu_memory_limit": "${2:40Gi}"}
    },
    {
        "label": "CPU only",
        "description": "Requests no GPU.",
        "body": {"gpu_devices_request": 0, "cpu_core_request": "^${1:4}", "cpu_memory_request": "${2:16G}"}
    },
    {
        "label": "existing PVC",
        "description": "Mounts an existing claim.",
        "body": {"pvc_mounts": [
            {"claim_name": "${1:training-datasets}", "path": "${2:/mnt/data}", "read_only": "^${3:true}"}
        ]}
    },
    {
        "label": "new PVC",
        "description": "Creates a claim for the workload, and mounts it.",
        "body": {"pvc_mounts": [
            {
                "path": "${1:/mnt/scratch}",
                "existing_pvc": false,
                "claim_info": {"size": "${2:50Gi}", "storage_class": "${3:fast}"}
            }
        ]}
    },
    {
        "label": "NFS mount",
        "description": "Mounts an export of an NFS server.",
        "body": {"nfs_mounts": [
            {"server": "${1:nfs.example.com}", "path": "${2:/exports/data}", "mount_path": "${3:/mnt/nfs}"}
        ]}
    },
    {
        "label": "Secret as files",
        "description": "Mounts a Kubernetes Secret.",
        "body": {"secret_mounts": [{"secret": "${1:hf-token}", "mount_path": "${2:/etc/secrets}"}]}
    },
    {
        "label": "debug port with URL",
        "description": "Exposes a port with a URL for authenticated users.",
        "body": {
            "ports": [{"container": "^${1:5678}"}],
            "external_urls": [{"container": "^${1:5678}", "authorization_type": "authenticatedUsers"}]
        }
    }
]"#;

const ITEMS: &str = r#"{
    "pvc_mounts": [
        {
            "label": "existing PVC",
            "description": "Mounts an existing claim.",
            "body": {"claim_name": "${1:training-datasets}", "path": "${2:/mnt/data}", "read_only": "^${3:true}"}
        },
        {
            "label": "new PVC",
            "description": "Creates a claim for the workload, and mounts it.",
            "body": {
                "path": "${1:/mnt/scratch}",
                "existing_pvc": false,
                "claim_info": {"size": "${2:50Gi}", "storage_class": "${3:fast}"}
            }
        }
    ],
    "nfs_mounts": [
        {
            "label": "NFS mount",
            "description": "Mounts an export of an NFS server.",
            "body": {"server": "${1:nfs.example.com}", "path": "${2:/exports/data}", "mount_path": "${3:/mnt/nfs}"}
        }
    ],
    "secret_mounts": [
        {
            "label": "Secret as files",
            "description": "Mounts a Kubernetes Secret.",
            "body": {"secret": "${1:hf-token}", "mount_path": "${2:/etc/secrets}"}
        }
    ],
    "ports": [
        {"label": "debug port", "description": "Exposes a port of the container.", "body": {"container": "^${1:5678}"}}
    ]
}"#;
