//! Renders a step to the request that submits it.
//!
//! The body equals that of ZenML 0.98.0 with runapy 1.224.0, without members that are `null` or empty, except for the
//! differences in ARCHITECTURE.md. It includes the SDK's defaults (`exclude: false`, `readOnly` of NFS and HostPath mounts, …).

use std::borrow::Cow;

use runai_api::name::{SUBMISSION_LABEL, SubmissionId, workload_name};
use runai_api::request::ApiRequest;
use runai_api::wire::requests;
use runai_api::wire::{GpuRequestType, TrainingCreationRequest};
use runai_api::{Submission, command};
use runai_syntax::Tree;
use runai_syntax::emit::json::{self, Writer};
use serde::{Deserialize, Serialize};

use crate::resolve::Step;
use crate::settings::fields::ToTree;
use crate::settings::{
    AccessModes, ClaimInfo, ConfigMapMount, ExternalUrl, HostPathMount, NfsMount, Port, PvcMount, S3Mount, SecretMount,
    SecurityContext, StepSettings, Toleration,
};

/// The parts of a request that the step does not contain. Missing parts are rendered as `<name>`, `<image>`, `<project-id>`
/// and `<cluster-id>`; submitting requires all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Context {
    /// The name of the workload, which is sent unchanged. Default: derived from the step's name.
    pub name: Option<String>,
    /// Overrides the step's image.
    pub image: Option<String>,
    /// Overrides the step's command.
    pub command: Option<Vec<String>>,
    /// Environment variables, which override the step's.
    pub environment: indexmap::IndexMap<String, String>,
    /// The id of the project.
    pub project_id: Option<String>,
    /// The id of the cluster, a UUID.
    pub cluster_id: Option<String>,
    /// The id of the submission. It is added as a label, and to a derived name.
    #[serde(skip)]
    pub submission_id: Option<SubmissionId>,
}

/// Placeholders of unknown ids.
const CLUSTER_ID: &str = "<cluster-id>";
const PROJECT_ID: &str = "<project-id>";

impl Step {
    /// Returns the body of the request that creates the workload. Previews show the same bytes that are sent.
    #[must_use]
    pub fn body(&self, context: &Context) -> String {
        let name: Cow<'_, str> = match (&context.name, self.name(), &context.submission_id) {
            (Some(name), _, _) => name.into(),
            (None, None, None) => "<name>".into(),
            (None, base, submission) => workload_name(base, submission.as_ref()).into(),
        };
        self.write(context, &name)
    }

    /// Returns the body with the metadata that a client needs. It can be submitted if the context is complete.
    #[must_use]
    pub fn submission(&self, context: &Context) -> Submission {
        let name = match &context.name {
            Some(name) => name.clone(),
            None => workload_name(self.name(), context.submission_id.as_ref()),
        };
        let id = context.submission_id.as_ref().map_or("", SubmissionId::as_str);
        let (project, cluster) = (context.project_id.as_deref(), context.cluster_id.as_deref());
        let body = self.write(context, &name);
        Submission::new(name, project.unwrap_or(PROJECT_ID), cluster.unwrap_or(CLUSTER_ID), id, body)
    }

    /// Returns the body in the API's types.
    #[must_use]
    pub fn render(&self, context: &Context) -> TrainingCreationRequest {
        serde_json::from_str(&self.body(context))
            .unwrap_or_else(|error| unreachable!("the body has the API's type: {error}"))
    }

    /// Returns the request that creates the workload.
    #[must_use]
    pub fn request(&self, context: &Context) -> ApiRequest {
        requests::create().body(self.body(context))
    }

    /// Returns the request as a `curl` command; see [`ApiRequest::to_curl`].
    #[must_use]
    pub fn curl(&self, context: &Context, base_url: Option<&str>) -> String {
        self.request(context).to_curl(base_url)
    }

    /// Returns the request as a map of `method`, `path` and `body`.
    #[must_use]
    pub fn request_tree(&self, context: &Context) -> Tree<'static> {
        let request = requests::create();
        Tree::Map(vec![
            ("method".into(), request.method.as_str().into()),
            ("path".into(), request.path.into()),
            ("body".into(), parts(&self.body(context)).into_owned()),
        ])
    }

    fn write(&self, context: &Context, name: &str) -> String {
        let mut body = Body(Writer::new(json::PRETTY, ""));
        body.0.open('{');
        body.put("clusterId", context.cluster_id.as_deref().unwrap_or(CLUSTER_ID));
        body.put("name", name);
        body.put("projectId", context.project_id.as_deref().unwrap_or(PROJECT_ID));
        body.object("spec", self, |spec, step| step.spec(spec, context));
        body.set("templateId", &self.settings().workload_template_id);
        body.put("useGivenNameAsPrefix", false);
        body.0.close('}');
        body.0.into_text()
    }

    fn spec(&self, spec: &mut Body, context: &Context) {
        let settings = self.settings();
        let annotations = settings.annotations.iter().flat_map(|annotations| &annotations.0);
        let labels = settings.labels.iter().flat_map(|labels| &labels.0);
        let labels = labels.map(|(name, value)| (name.as_str(), value.as_str()));
        let labels = labels.chain(context.submission_id.iter().map(|id| (SUBMISSION_LABEL, id.as_str())));
        let tokens = context.command.as_deref().or(self.command());
        let (command, args) = tokens.map(command::split).map_or((None, None), |(command, args)| (Some(command), args));
        let own = self.environment().iter().filter(|(name, _)| !context.environment.contains_key(*name));
        let environment = own.chain(context.environment.iter().map(|(name, value)| (name.as_str(), value.as_str())));

        spec.list("annotations", annotations, annotation);
        spec.put("args", args);
        spec.set("backoffLimit", &settings.backoff_limit);
        spec.put("command", command);
        spec.set("completions", &settings.completions);
        spec.object("compute", settings, compute);
        spec.list("environmentVariables", environment, pair);
        spec.list("exposedUrls", settings.external_urls.iter().flatten(), exposed_url);
        spec.put("image", context.image.as_deref().or(self.image()).unwrap_or("<image>"));
        spec.list("imagePullSecrets", self.image_pull_secret(), image_pull_secret);
        spec.list("labels", labels, pair);
        spec.set("nodePools", &settings.node_pools);
        spec.set("nodeType", &settings.node_type);
        spec.set("parallelism", &settings.parallelism);
        spec.list("ports", settings.ports.iter().flatten(), port);
        spec.set("preemptibility", &settings.preemptibility);
        spec.set("priorityClass", &settings.priority_class);
        spec.object("security", &settings.security_context, security);
        spec.object("storage", settings, storage);
        spec.set("terminateAfterPreemption", &settings.terminate_after_preemption);
        spec.set("terminationGracePeriodSeconds", &settings.termination_grace_period_seconds);
        spec.list("tolerations", settings.tolerations.iter().flatten(), toleration);
        spec.set("workingDir", &settings.working_dir);
    }
}

/// Parses a body.
pub(crate) fn parts(body: &str) -> Tree<'_> {
    Tree::from_json(body).unwrap_or_else(|error| unreachable!("the body is JSON: {error}"))
}

/// Writes a body. Members of an object must be written in alphabetical order; null and empty members are omitted.
struct Body(Writer<'static>);

impl Body {
    /// Writes the value of a setting.
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    fn set(&mut self, member: &'static str, setting: &dyn ToTree) {
        self.put(member, setting.tree());
    }

    fn put<'v>(&mut self, member: &'static str, value: impl Into<Tree<'v>>) {
        let value = value.into();
        if !value.is_empty() {
            self.0.member(member);
            self.0.value(&value);
        }
    }

    /// Writes an object, whose members `write` writes.
    fn object<'v, T: 'v>(
        &mut self,
        member: &'static str,
        of: impl Into<Option<&'v T>>,
        write: impl FnOnce(&mut Self, &T),
    ) {
        let start = self.0.member(member);
        self.0.open('{');
        if let Some(of) = of.into() {
            write(self, of);
        }
        self.0.close_member('}', start);
    }

    /// Writes a list of objects, whose members `write` writes.
    fn list<T>(&mut self, member: &'static str, items: impl IntoIterator<Item = T>, write: impl Fn(&mut Self, T)) {
        let start = self.0.member(member);
        self.0.open('[');
        for item in items {
            self.0.part();
            self.0.open('{');
            write(self, item);
            self.0.close('}');
        }
        self.0.close_member(']', start);
    }
}

/// Writes a label or environment variable.
fn pair(body: &mut Body, (name, value): (&str, &str)) {
    body.put("name", name);
    body.put("value", value);
}

fn annotation(body: &mut Body, (name, value): (&String, &String)) {
    body.put("exclude", false);
    pair(body, (name, value));
}

fn image_pull_secret(body: &mut Body, name: &str) {
    body.put("exclude", false);
    body.put("name", name);
    body.put("userCredential", false);
}

/// The API accepts GPU sharing fields "if and only if" the request type matches. ZenML always sends the portion.
fn compute(body: &mut Body, settings: &StepSettings) {
    let shared = settings.gpu_devices_request > 0;
    let portion = shared && settings.gpu_request_type == GpuRequestType::Portion;
    let memory = shared && settings.gpu_request_type == GpuRequestType::Memory;
    let resources = settings.extended_resources.iter().flat_map(|resources| &resources.0);
    body.set("cpuCoreLimit", &settings.cpu_core_limit);
    body.set("cpuCoreRequest", &settings.cpu_core_request);
    body.set("cpuMemoryLimit", &settings.cpu_memory_limit);
    body.set("cpuMemoryRequest", &settings.cpu_memory_request);
    body.list("extendedResources", resources, extended_resource);
    body.set("gpuDevicesRequest", &settings.gpu_devices_request);
    body.put("gpuMemoryLimit", settings.gpu_memory_limit.as_ref().filter(|_| memory).map(ToTree::tree));
    body.put("gpuMemoryRequest", settings.gpu_memory_request.as_ref().filter(|_| memory).map(ToTree::tree));
    body.put("gpuPortionLimit", settings.gpu_portion_limit.filter(|_| portion));
    body.put("gpuPortionRequest", portion.then_some(settings.gpu_portion_request));
    body.put("gpuRequestType", shared.then(|| settings.gpu_request_type.tree()));
    body.set("largeShmRequest", &settings.large_shm_request);
}

fn extended_resource(body: &mut Body, (resource, quantity): (&String, &String)) {
    body.set("quantity", quantity);
    body.set("resource", resource);
}

fn toleration(body: &mut Body, toleration: &Toleration) {
    body.set("effect", &toleration.effect);
    body.set("exclude", &toleration.exclude);
    body.set("key", &toleration.key);
    body.set("name", &toleration.name);
    body.set("operator", &toleration.operator);
    body.set("value", &toleration.value);
}

fn port(body: &mut Body, port: &Port) {
    body.set("container", &port.container);
    body.put("exclude", port.exclude.unwrap_or(false));
    body.set("external", &port.external);
    body.set("name", &port.name);
    body.set("serviceType", &port.service_type);
    body.set("toolName", &port.tool_name);
    body.set("toolType", &port.tool_type);
}

fn exposed_url(body: &mut Body, url: &ExternalUrl) {
    body.set("authorizationType", &url.authorization_type);
    body.set("authorizedGroups", &url.authorized_groups);
    body.set("authorizedUsers", &url.authorized_users);
    body.set("container", &url.container);
    body.set("exclude", &url.exclude);
    body.set("name", &url.name);
    body.set("toolName", &url.tool_name);
    body.set("toolType", &url.tool_type);
    body.set("url", &url.url);
}

fn security(body: &mut Body, context: &SecurityContext) {
    body.set("allowPrivilegeEscalation", &context.allow_privilege_escalation);
    body.set("capabilities", &context.capabilities);
    body.set("hostIpc", &context.host_ipc);
    body.set("hostNetwork", &context.host_network);
    body.set("readOnlyRootFilesystem", &context.read_only_root_filesystem);
    body.set("runAsGid", &context.run_as_gid);
    body.set("runAsNonRoot", &context.run_as_non_root);
    body.set("runAsUid", &context.run_as_uid);
    body.set("seccompProfileType", &context.seccomp_profile_type);
    // ZenML's separator; the API's documentation says commas.
    let groups = context
        .supplemental_groups
        .as_ref()
        .map(|groups| groups.iter().map(i64::to_string).collect::<Vec<_>>().join(";"));
    body.put("supplementalGroups", groups);
    body.set("uidGidSource", &context.uid_gid_source);
}

fn storage(body: &mut Body, settings: &StepSettings) {
    body.list("configMapVolume", settings.config_map_mounts.iter().flatten(), config_map);
    body.list("hostPath", settings.host_path_mounts.iter().flatten(), host_path);
    body.list("nfs", settings.nfs_mounts.iter().flatten(), nfs);
    body.list("pvc", settings.pvc_mounts.iter().flatten(), pvc);
    body.list("s3", settings.s3_mounts.iter().flatten(), s3);
    body.list("secretVolume", settings.secret_mounts.iter().flatten(), secret);
}

fn pvc(body: &mut Body, mount: &PvcMount) {
    body.object("claimInfo", &mount.claim_info, claim_info);
    body.set("claimName", &mount.claim_name);
    body.put("dataSharing", mount.data_sharing.unwrap_or(false));
    body.put("ephemeral", mount.ephemeral.unwrap_or(false));
    body.put("exclude", mount.exclude.unwrap_or(false));
    body.set("existingPvc", &mount.existing_pvc);
    body.set("name", &mount.name);
    body.set("path", &mount.path);
    body.put("readOnly", mount.read_only.unwrap_or(false));
}

fn claim_info(body: &mut Body, claim: &ClaimInfo) {
    body.object("accessModes", &claim.access_modes, access_modes);
    body.set("addedAttrValues", &claim.added_attr_values);
    body.set("size", &claim.size);
    body.set("storageClass", &claim.storage_class);
    body.set("volumeMode", &claim.volume_mode);
}

fn access_modes(body: &mut Body, modes: &AccessModes) {
    body.set("readOnlyMany", &modes.read_only_many);
    body.set("readWriteMany", &modes.read_write_many);
    body.set("readWriteOnce", &modes.read_write_once);
}

fn config_map(body: &mut Body, mount: &ConfigMapMount) {
    body.set("configMap", &mount.config_map);
    body.set("defaultMode", &mount.default_mode);
    body.put("exclude", mount.exclude.unwrap_or(false));
    body.set("mountPath", &mount.mount_path);
    body.set("name", &mount.name);
    body.set("subPath", &mount.sub_path);
}

fn secret(body: &mut Body, mount: &SecretMount) {
    body.set("defaultMode", &mount.default_mode);
    body.put("exclude", mount.exclude.unwrap_or(false));
    body.set("mountPath", &mount.mount_path);
    body.set("name", &mount.name);
    body.set("secret", &mount.secret);
}

fn nfs(body: &mut Body, mount: &NfsMount) {
    body.put("exclude", mount.exclude.unwrap_or(false));
    body.set("mountPath", &mount.mount_path);
    body.set("name", &mount.name);
    body.set("path", &mount.path);
    body.put("readOnly", mount.read_only.unwrap_or(true));
    body.set("server", &mount.server);
}

fn s3(body: &mut Body, mount: &S3Mount) {
    body.set("accessKeySecret", &mount.access_key_secret);
    body.set("bucket", &mount.bucket);
    body.put("exclude", mount.exclude.unwrap_or(false));
    body.set("name", &mount.name);
    body.set("path", &mount.path);
    body.set("secretKeyOfAccessKeyId", &mount.secret_key_of_access_key_id);
    body.set("secretKeyOfSecretKey", &mount.secret_key_of_secret_key);
    body.set("url", &mount.url);
}

fn host_path(body: &mut Body, mount: &HostPathMount) {
    body.put("exclude", mount.exclude.unwrap_or(false));
    body.set("mountPath", &mount.mount_path);
    body.set("mountPropagation", &mount.mount_propagation);
    body.set("name", &mount.name);
    body.set("path", &mount.path);
    body.put("readOnly", mount.read_only.unwrap_or(true));
}
