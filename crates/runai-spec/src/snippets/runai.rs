//! The official command line: `runai training standard submit`.

use super::Snippet;
use crate::command::{shell_join, shell_quote};
use crate::render::Context;
use crate::resolve::Step;
use crate::ser::to_value;
use crate::wire::{GpuRequestType, TrainingSpec};

/// The flags of a command, and what there are no flags for.
#[derive(Default)]
struct Flags {
    flags: Vec<String>,
    notes: Vec<String>,
}

impl Flags {
    fn add(&mut self, name: &str, value: Option<impl ToString>) {
        if let Some(value) = value {
            self.flags.push(format!("--{name} {}", shell_quote(&value.to_string())));
        }
    }

    /// A flag without a value.
    fn set(&mut self, name: &str, on: Option<bool>) {
        if on == Some(true) {
            self.flags.push(format!("--{name}"));
        }
    }

    /// A flag whose value is made of parts.
    fn parts(&mut self, name: &str, parts: &[(&str, Option<String>)]) {
        let parts: Vec<String> = parts
            .iter()
            .filter_map(|(key, value)| {
                let value = value.as_ref()?;
                Some(if value.is_empty() { (*key).to_owned() } else { format!("{key}={value}") })
            })
            .collect();
        if parts.iter().any(|part| part.contains(',')) {
            self.notes
                .push(format!("a value of `--{name}` holds a comma, which the command line takes for a separator"));
        }
        self.flags.push(format!("--{name} {}", shell_quote(&parts.join(","))));
    }

    fn none_for(&mut self, setting: &str, used: bool) {
        if used {
            self.notes.push(format!("there is no flag for `{setting}`"));
        }
    }
}

/// The command that submits the step. Flags are those of version 2.24 and newer.
pub(super) fn submit(step: &Step, context: &Context) -> Snippet {
    let body = step.render(context, None);
    let spec = &body.spec;
    let mut all = Flags::default();
    all.add("project", Some("<project>"));
    all.add("image", spec.image.as_deref());
    for variable in &spec.environment_variables {
        let (name, value) =
            (variable.name.as_deref().unwrap_or_default(), variable.value.as_deref().unwrap_or_default());
        // The short flag, because its long name has changed between versions.
        all.flags.push(format!("-e {}", shell_quote(&format!("{name}={value}"))));
    }
    compute(spec, &mut all);
    scheduling(spec, &mut all);
    storage(spec, &mut all);
    security(spec, &mut all);
    network(spec, &mut all);
    all.add("backoff-limit", spec.backoff_limit);
    all.add("termination-grace-period", spec.termination_grace_period_seconds.map(|seconds| format!("{seconds}s")));
    all.add("working-dir", spec.working_dir.as_deref());
    all.add("parallelism", spec.parallelism);
    all.add("runs", spec.completions);
    for label in &spec.labels {
        all.add("label", Some(pair(label.name.as_deref(), label.value.as_deref())));
    }
    for annotation in &spec.annotations {
        all.add("annotation", Some(pair(annotation.name.as_deref(), annotation.value.as_deref())));
    }
    all.none_for("terminate_after_preemption", spec.terminate_after_preemption.is_some());
    all.none_for("image_pull_secret_name", !spec.image_pull_secrets.is_empty());
    all.none_for("workload_timeout", step.settings().workload_timeout.is_some());
    all.none_for("pending_timeout", step.settings().pending_timeout.is_some());
    if body.template_id.is_some() {
        all.notes.push("`--template` takes the name of a template, not its id".to_owned());
    }

    let mut text = format!("runai training standard submit {}", shell_quote(&body.name));
    for flag in &all.flags {
        text.push_str(" \\\n  ");
        text.push_str(flag);
    }
    if let Some(tokens) = context.command.as_deref().or(step.command()) {
        text.push_str(" \\\n  --command -- ");
        text.push_str(&shell_join(tokens));
    }
    all.notes.insert(0, "replace `<project>` by the name of the project".to_owned());
    Snippet { id: "runai", title: "runai CLI", language: "shell", text, notes: all.notes }
}

fn pair(name: Option<&str>, value: Option<&str>) -> String {
    format!("{}={}", name.unwrap_or_default(), value.unwrap_or_default())
}

/// The word that the API has for a value, which the command line takes too.
fn word(value: impl serde::Serialize) -> Option<String> {
    to_value(&value).as_str().map(str::to_owned)
}

/// A part without a value, if it is on.
fn switch(on: Option<bool>) -> Option<String> {
    (on == Some(true)).then(String::new)
}

fn compute(spec: &TrainingSpec, all: &mut Flags) {
    let Some(compute) = &spec.compute else { return };
    all.add("gpu-devices-request", compute.gpu_devices_request.filter(|devices| *devices > 0));
    if compute.gpu_devices_request == Some(0) {
        all.notes.push("without `--gpu-devices-request` no GPU is asked for".to_owned());
    }
    // A whole device needs no portion.
    let whole = compute.gpu_request_type == Some(GpuRequestType::Portion)
        && compute.gpu_portion_request.is_some_and(|portion| portion >= 1.0)
        && compute.gpu_portion_limit.is_none();
    if !whole {
        all.add("gpu-request-type", compute.gpu_request_type.and_then(word));
        all.add("gpu-portion-request", compute.gpu_portion_request);
        all.add("gpu-portion-limit", compute.gpu_portion_limit);
    }
    all.add("gpu-memory-request", compute.gpu_memory_request.as_deref());
    all.add("gpu-memory-limit", compute.gpu_memory_limit.as_deref());
    all.add("cpu-core-request", compute.cpu_core_request);
    all.add("cpu-core-limit", compute.cpu_core_limit);
    all.add("cpu-memory-request", compute.cpu_memory_request.as_deref());
    all.add("cpu-memory-limit", compute.cpu_memory_limit.as_deref());
    all.set("large-shm", compute.large_shm_request);
    for resource in &compute.extended_resources {
        all.add("extended-resource", Some(pair(resource.resource.as_deref(), resource.quantity.as_deref())));
    }
}

fn scheduling(spec: &TrainingSpec, all: &mut Flags) {
    for pool in &spec.node_pools {
        all.add("node-pools", Some(pool));
    }
    all.add("node-type", spec.node_type.as_deref());
    all.add("preemptibility", spec.preemptibility.and_then(word));
    all.add("priority", spec.priority_class.as_deref());
    for toleration in &spec.tolerations {
        let parts = [
            ("operator", toleration.operator.and_then(word)),
            ("key", toleration.key.clone()),
            ("value", toleration.value.clone()),
            ("effect", toleration.effect.and_then(word)),
        ];
        all.parts("toleration", &parts);
        all.none_for("tolerations.exclude", toleration.exclude == Some(true));
    }
}

fn storage(spec: &TrainingSpec, all: &mut Flags) {
    let Some(storage) = &spec.storage else { return };
    for pvc in &storage.pvc {
        let (name, path) = (("claimname", pvc.claim_name.clone()), ("path", pvc.path.clone()));
        if pvc.existing_pvc == Some(true) {
            all.parts("existing-pvc", &[name, path]);
            all.none_for("pvc_mounts.read_only", pvc.read_only == Some(true));
            continue;
        }
        let claim = pvc.claim_info.clone().unwrap_or_default();
        let modes = claim.access_modes.clone().unwrap_or_default();
        let parts = [
            name,
            ("storageclass", claim.storage_class.clone()),
            ("size", claim.size.clone()),
            path,
            ("accessmode-rwo", switch(modes.read_write_once)),
            ("accessmode-rom", switch(modes.read_only_many)),
            ("accessmode-rwm", switch(modes.read_write_many)),
            ("ro", switch(pvc.read_only)),
            ("ephemeral", switch(pvc.ephemeral)),
        ];
        all.parts("new-pvc", &parts);
        all.none_for("pvc_mounts.claim_info.added_attr_values", !claim.added_attr_values.is_empty());
    }
    for map in &storage.config_map_volume {
        let parts = [
            ("name", map.config_map.clone()),
            ("path", map.mount_path.clone()),
            ("subpath", map.sub_path.clone()),
            ("default-mode", map.default_mode.clone()),
        ];
        all.parts("configmap-map-volume", &parts);
    }
    for secret in &storage.secret_volume {
        all.parts("secret-volume", &[("path", secret.mount_path.clone()), ("name", secret.secret.clone())]);
        all.none_for("secret_mounts.default_mode", secret.default_mode.is_some());
    }
    for nfs in &storage.nfs {
        let parts = [
            ("path", nfs.path.clone()),
            ("server", nfs.server.clone()),
            ("mountpath", nfs.mount_path.clone()),
            ("readwrite", switch(nfs.read_only.map(|read_only| !read_only))),
        ];
        all.parts("nfs", &parts);
    }
    for s3 in &storage.s3 {
        let parts = [
            ("name", s3.name.clone()),
            ("bucket", s3.bucket.clone()),
            ("path", s3.path.clone()),
            ("accesskey", s3.access_key_secret.clone()),
            ("url", s3.url.clone()),
        ];
        all.parts("s3", &parts);
        all.none_for("s3_mounts.secret_key_of_access_key_id", s3.secret_key_of_access_key_id.is_some());
        all.none_for("s3_mounts.secret_key_of_secret_key", s3.secret_key_of_secret_key.is_some());
    }
    for host in &storage.host_path {
        let parts = [
            ("path", host.path.clone()),
            ("mount", host.mount_path.clone()),
            ("mount-propagation", host.mount_propagation.and_then(word)),
            ("readwrite", switch(host.read_only.map(|read_only| !read_only))),
        ];
        all.parts("host-path", &parts);
    }
}

fn security(spec: &TrainingSpec, all: &mut Flags) {
    let Some(security) = &spec.security else { return };
    let source = security.uid_gid_source.and_then(word);
    // Explicit ids are what makes the source custom.
    all.add("user-group-source", source.filter(|source| source != "custom"));
    all.add("run-as-uid", security.run_as_uid);
    all.add("run-as-gid", security.run_as_gid);
    all.set("run-as-non-root", security.run_as_non_root);
    all.add("supplemental-groups", security.supplemental_groups.as_ref().map(|groups| groups.replace(';', ",")));
    all.add("seccomp-profile", security.seccomp_profile_type.and_then(word));
    for capability in &security.capabilities {
        all.add("capability", word(capability));
    }
    all.set("allow-privilege-escalation", security.allow_privilege_escalation);
    all.set("host-ipc", security.host_ipc);
    all.set("host-network", security.host_network);
    all.none_for("security_context.read_only_root_filesystem", security.read_only_root_filesystem.is_some());
}

fn network(spec: &TrainingSpec, all: &mut Flags) {
    for port in &spec.ports {
        let parts = [
            ("service-type", port.service_type.and_then(word)),
            ("container", port.container.map(|port| port.to_string())),
            ("external", port.external.map(|port| port.to_string())),
        ];
        all.parts("port", &parts);
        all.none_for("ports.tool_type", port.tool_type.is_some());
    }
    for url in &spec.exposed_urls {
        let list = |names: &[String]| (!names.is_empty()).then(|| names.join(":"));
        let parts = [
            ("container", url.container.map(|port| port.to_string())),
            ("url", url.url.clone()),
            ("authusers", list(&url.authorized_users)),
            ("authgroups", list(&url.authorized_groups)),
        ];
        all.parts("external-url", &parts);
        let by_list = !url.authorized_users.is_empty() || !url.authorized_groups.is_empty();
        all.none_for("external_urls.authorization_type", url.authorization_type.is_some() && !by_list);
    }
}
