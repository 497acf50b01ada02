//! The usual beginnings, which editors offer for completion.

use serde_json::{Value as Json, json};

/// Adds the beginnings to the schema of a step's settings, and to the lists that they go into.
pub(super) fn add_to_settings(settings: &mut Json) {
    settings["defaultSnippets"] = json!([
        snippet("half a GPU", "Shares a GPU with another step.", json!({"gpu_portion_request": "^${1:0.5}"})),
        snippet(
            "GPU memory with burst",
            "A guaranteed amount of GPU memory, and more while nobody else wants it.",
            json!({
                "gpu_request_type": "memory",
                "gpu_memory_request": "${1:20Gi}",
                "gpu_memory_limit": "${2:40Gi}",
            }),
        ),
        snippet(
            "CPU only",
            "No GPU.",
            json!({
                "gpu_devices_request": 0,
                "cpu_core_request": "^${1:4}",
                "cpu_memory_request": "${2:16G}",
            }),
        ),
        snippet("existing PVC", "Mounts a claim that exists.", json!({"pvc_mounts": [existing_pvc()]})),
        snippet("new PVC", "Creates a claim for the workload, and mounts it.", json!({"pvc_mounts": [new_pvc()]})),
        snippet("NFS mount", "Mounts an export of an NFS server.", json!({"nfs_mounts": [nfs()]})),
        snippet("Secret as files", "Mounts a Kubernetes Secret.", json!({"secret_mounts": [secret()]})),
        snippet(
            "debug port with URL",
            "A port of the container with a URL that only signed-in users may open.",
            json!({
                "ports": [{"container": "^${1:5678}"}],
                "external_urls": [{"container": "^${1:5678}", "authorization_type": "authenticatedUsers"}],
            }),
        ),
    ]);
    for (list, snippets) in [
        (
            "pvc_mounts",
            json!([
                snippet("existing PVC", "Mounts a claim that exists.", existing_pvc()),
                snippet("new PVC", "Creates a claim for the workload, and mounts it.", new_pvc()),
            ]),
        ),
        ("nfs_mounts", json!([snippet("NFS mount", "Mounts an export of an NFS server.", nfs())])),
        ("secret_mounts", json!([snippet("Secret as files", "Mounts a Kubernetes Secret.", secret())])),
        ("ports", json!([snippet("debug port", "A port of the container.", json!({"container": "^${1:5678}"}))])),
    ] {
        settings["properties"][list]["items"]["defaultSnippets"] = snippets;
    }
}

/// A `^` makes a number of what stands behind it, a `${1:…}` is a place to type in.
#[expect(clippy::needless_pass_by_value, reason = "bodies are written where they are passed")]
fn snippet(label: &str, description: &str, body: Json) -> Json {
    json!({"label": label, "description": description, "body": body})
}

fn existing_pvc() -> Json {
    json!({"claim_name": "${1:training-datasets}", "path": "${2:/mnt/data}", "read_only": "^${3:true}"})
}

fn new_pvc() -> Json {
    json!({
        "path": "${1:/mnt/scratch}",
        "existing_pvc": false,
        "claim_info": {"size": "${2:50Gi}", "storage_class": "${3:fast}"},
    })
}

fn nfs() -> Json {
    json!({"server": "${1:nfs.example.com}", "path": "${2:/exports/data}", "mount_path": "${3:/mnt/nfs}"})
}

fn secret() -> Json {
    json!({"secret": "${1:hf-token}", "mount_path": "${2:/etc/secrets}"})
}
