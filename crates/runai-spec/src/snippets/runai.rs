//! The command of the official CLI: `runai training standard submit`.

use runai_api::command::{shell_join, shell_quote};
use runai_syntax::{Format, Tree};

use super::Snippet;
use crate::render::Context;
use crate::resolve::Step;

/// The flags of a command, and notes about settings without flags.
#[derive(Default)]
struct Flags {
    flags: Vec<String>,
    notes: Vec<String>,
}

impl Flags {
    fn add(&mut self, name: &str, value: Option<&Tree<'_>>) {
        if let Some(value) = value {
            self.flags.push(format!("--{name} {}", shell_quote(&text(value))));
        }
    }

    /// Adds the flag once per item of a list.
    fn each(&mut self, name: &str, items: Option<&Tree<'_>>, of: fn(&Tree<'_>) -> String) {
        for item in items.into_iter().flat_map(Tree::items) {
            self.flags.push(format!("--{name} {}", shell_quote(&of(item))));
        }
    }

    /// Adds a flag without a value.
    fn set(&mut self, name: &str, on: Option<&Tree<'_>>) {
        if is(on, true) {
            self.flags.push(format!("--{name}"));
        }
    }

    /// Adds a flag whose value consists of parts, each with the member of `item` that it comes from. Boolean parts have no
    /// value.
    fn parts(&mut self, name: &str, item: &Tree<'_>, parts: &[(&str, &str)]) {
        let mut written: Vec<String> = Vec::new();
        for (part, member) in parts {
            match at(item, member) {
                // The CLI's `readwrite` is the inverse of the API's `readOnly`.
                Some(Tree::Bool(value)) if *value != (*part == "readwrite") => written.push((*part).to_owned()),
                Some(Tree::Bool(_)) | None => {}
                Some(value) => match text(value) {
                    text if text.is_empty() => written.push((*part).to_owned()),
                    text => written.push(format!("{part}={text}")),
                },
            }
        }
        if written.iter().any(|part| part.contains(',')) {
            self.notes.push(format!("a value of `--{name}` contains a comma, which the CLI treats as a separator"));
        }
        self.flags.push(format!("--{name} {}", shell_quote(&written.join(","))));
    }

    fn none_for(&mut self, setting: &str, used: bool) {
        if used {
            self.notes.push(format!("there is no flag for `{setting}`"));
        }
    }
}

/// Returns the command that submits the step, with the flags of version 2.24 and newer.
pub(super) fn submit(step: &Step, context: &Context, body: &Tree<'_>) -> Snippet {
    let none = Tree::Null;
    let spec = body.get("spec").unwrap_or(&none);
    let mut all = Flags::default();
    all.add("project", Some(&"<project>".into()));
    all.add("image", spec.get("image"));
    for variable in items(spec, "environmentVariables") {
        // The long flag has different names in different versions.
        all.flags.push(format!("-e {}", shell_quote(&pair(variable))));
    }
    if let Some(compute) = spec.get("compute") {
        self::compute(compute, &mut all);
    }
    scheduling(spec, &mut all);
    if let Some(storage) = spec.get("storage") {
        self::storage(storage, &mut all);
    }
    if let Some(security) = spec.get("security") {
        self::security(security, &mut all);
    }
    network(spec, &mut all);
    all.add("backoff-limit", spec.get("backoffLimit"));
    let grace = spec.get("terminationGracePeriodSeconds");
    all.add("termination-grace-period", grace.map(|seconds| format!("{}s", text(seconds)).into()).as_ref());
    all.add("working-dir", spec.get("workingDir"));
    all.add("parallelism", spec.get("parallelism"));
    all.add("runs", spec.get("completions"));
    all.each("label", spec.get("labels"), pair);
    all.each("annotation", spec.get("annotations"), pair);
    all.none_for("terminate_after_preemption", spec.get("terminateAfterPreemption").is_some());
    all.none_for("image_pull_secret_name", spec.get("imagePullSecrets").is_some());
    all.none_for("workload_timeout", step.settings().workload_timeout.is_some());
    all.none_for("pending_timeout", step.settings().pending_timeout.is_some());
    if body.get("templateId").is_some() {
        all.notes.push("`--template` requires the template's name instead of its id".to_owned());
    }

    let name = body.get("name").map(text).unwrap_or_default();
    let mut text = format!("runai training standard submit {}", shell_quote(&name));
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

fn pair(item: &Tree<'_>) -> String {
    let text = |member| item.get(member).map(text).unwrap_or_default();
    format!("{}={}", text("name"), text("value"))
}

/// Formats a value for a flag.
fn text(value: &Tree<'_>) -> String {
    match value {
        Tree::Text(text) => text.to_string(),
        Tree::Float(value, _) => value.to_string(),
        Tree::List(items) => items.iter().map(text).collect::<Vec<_>>().join(":"),
        other => other.word(Format::Json).unwrap_or_default().into_owned(),
    }
}

/// Returns the value at a path of members.
fn at<'v, 's>(value: &'v Tree<'s>, path: &str) -> Option<&'v Tree<'s>> {
    path.split('/').try_fold(value, Tree::get)
}

fn items<'v, 's>(value: &'v Tree<'s>, member: &str) -> &'v [Tree<'s>] {
    value.get(member).map(Tree::items).unwrap_or_default()
}

fn is(value: Option<&Tree<'_>>, on: bool) -> bool {
    matches!(value, Some(Tree::Bool(value)) if *value == on)
}

fn compute(compute: &Tree<'_>, all: &mut Flags) {
    match compute.get("gpuDevicesRequest") {
        Some(Tree::Int(0)) => all.notes.push("without `--gpu-devices-request`, no GPU is requested".to_owned()),
        devices => all.add("gpu-devices-request", devices),
    }
    // A whole device needs no portion.
    let whole = compute.get("gpuRequestType").and_then(Tree::as_str) == Some("portion")
        && compute.get("gpuPortionRequest").and_then(Tree::as_f64).is_some_and(|portion| portion >= 1.0)
        && compute.get("gpuPortionLimit").is_none();
    if !whole {
        all.add("gpu-request-type", compute.get("gpuRequestType"));
        all.add("gpu-portion-request", compute.get("gpuPortionRequest"));
        all.add("gpu-portion-limit", compute.get("gpuPortionLimit"));
    }
    for (flag, member) in [
        ("gpu-memory-request", "gpuMemoryRequest"),
        ("gpu-memory-limit", "gpuMemoryLimit"),
        ("cpu-core-request", "cpuCoreRequest"),
        ("cpu-core-limit", "cpuCoreLimit"),
        ("cpu-memory-request", "cpuMemoryRequest"),
        ("cpu-memory-limit", "cpuMemoryLimit"),
    ] {
        all.add(flag, compute.get(member));
    }
    all.set("large-shm", compute.get("largeShmRequest"));
    all.each("extended-resource", compute.get("extendedResources"), |resource| {
        let text = |member| resource.get(member).map(text).unwrap_or_default();
        format!("{}={}", text("resource"), text("quantity"))
    });
}

fn scheduling(spec: &Tree<'_>, all: &mut Flags) {
    all.each("node-pools", spec.get("nodePools"), text);
    all.add("node-type", spec.get("nodeType"));
    all.add("preemptibility", spec.get("preemptibility"));
    all.add("priority", spec.get("priorityClass"));
    for toleration in items(spec, "tolerations") {
        let parts = [("operator", "operator"), ("key", "key"), ("value", "value"), ("effect", "effect")];
        all.parts("toleration", toleration, &parts);
        all.none_for("tolerations.exclude", is(toleration.get("exclude"), true));
    }
}

fn storage(storage: &Tree<'_>, all: &mut Flags) {
    for pvc in items(storage, "pvc") {
        if is(pvc.get("existingPvc"), true) {
            all.parts("existing-pvc", pvc, &[("claimname", "claimName"), ("path", "path")]);
            all.none_for("pvc_mounts.read_only", is(pvc.get("readOnly"), true));
            continue;
        }
        let parts = [
            ("claimname", "claimName"),
            ("storageclass", "claimInfo/storageClass"),
            ("size", "claimInfo/size"),
            ("path", "path"),
            ("accessmode-rwo", "claimInfo/accessModes/readWriteOnce"),
            ("accessmode-rom", "claimInfo/accessModes/readOnlyMany"),
            ("accessmode-rwm", "claimInfo/accessModes/readWriteMany"),
            ("ro", "readOnly"),
            ("ephemeral", "ephemeral"),
        ];
        all.parts("new-pvc", pvc, &parts);
        all.none_for("pvc_mounts.claim_info.added_attr_values", at(pvc, "claimInfo/addedAttrValues").is_some());
    }
    for map in items(storage, "configMapVolume") {
        let parts =
            [("name", "configMap"), ("path", "mountPath"), ("subpath", "subPath"), ("default-mode", "defaultMode")];
        all.parts("configmap-map-volume", map, &parts);
    }
    for secret in items(storage, "secretVolume") {
        all.parts("secret-volume", secret, &[("path", "mountPath"), ("name", "secret")]);
        all.none_for("secret_mounts.default_mode", secret.get("defaultMode").is_some());
    }
    for nfs in items(storage, "nfs") {
        let parts = [("path", "path"), ("server", "server"), ("mountpath", "mountPath"), ("readwrite", "readOnly")];
        all.parts("nfs", nfs, &parts);
    }
    for s3 in items(storage, "s3") {
        let parts = [
            ("name", "name"),
            ("bucket", "bucket"),
            ("path", "path"),
            ("accesskey", "accessKeySecret"),
            ("url", "url"),
        ];
        all.parts("s3", s3, &parts);
        all.none_for("s3_mounts.secret_key_of_access_key_id", s3.get("secretKeyOfAccessKeyId").is_some());
        all.none_for("s3_mounts.secret_key_of_secret_key", s3.get("secretKeyOfSecretKey").is_some());
    }
    for host in items(storage, "hostPath") {
        let parts = [
            ("path", "path"),
            ("mount", "mountPath"),
            ("mount-propagation", "mountPropagation"),
            ("readwrite", "readOnly"),
        ];
        all.parts("host-path", host, &parts);
    }
}

fn security(security: &Tree<'_>, all: &mut Flags) {
    // The ids' flags imply the source `custom`.
    let source = security.get("uidGidSource");
    all.add("user-group-source", source.filter(|source| source.as_str() != Some("custom")));
    all.add("run-as-uid", security.get("runAsUid"));
    all.add("run-as-gid", security.get("runAsGid"));
    all.set("run-as-non-root", security.get("runAsNonRoot"));
    let groups = security.get("supplementalGroups").map(|groups| text(groups).replace(';', ",").into());
    all.add("supplemental-groups", groups.as_ref());
    all.add("seccomp-profile", security.get("seccompProfileType"));
    all.each("capability", security.get("capabilities"), text);
    all.set("allow-privilege-escalation", security.get("allowPrivilegeEscalation"));
    all.set("host-ipc", security.get("hostIpc"));
    all.set("host-network", security.get("hostNetwork"));
    all.none_for("security_context.read_only_root_filesystem", security.get("readOnlyRootFilesystem").is_some());
}

fn network(spec: &Tree<'_>, all: &mut Flags) {
    for port in items(spec, "ports") {
        let parts = [("service-type", "serviceType"), ("container", "container"), ("external", "external")];
        all.parts("port", port, &parts);
        all.none_for("ports.tool_type", port.get("toolType").is_some());
    }
    for url in items(spec, "exposedUrls") {
        let parts = [
            ("container", "container"),
            ("url", "url"),
            ("authusers", "authorizedUsers"),
            ("authgroups", "authorizedGroups"),
        ];
        all.parts("external-url", url, &parts);
        let by_list = url.get("authorizedUsers").is_some() || url.get("authorizedGroups").is_some();
        all.none_for("external_urls.authorization_type", url.get("authorizationType").is_some() && !by_list);
    }
}
