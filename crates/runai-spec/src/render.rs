//! A step to the request that will be sent.
//!
//! The body equals what ZenML 0.98.0 with runapy 1.224.0 sends for the same input, members that are `null` or empty left
//! out, but for the differences that ARCHITECTURE.md lists. Members that the SDK fills with a default of its own
//! (`exclude: false`, the `readOnly` of NFS and HostPath mounts, …) are part of it.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::command;
use crate::name::{SUBMISSION_LABEL, SubmissionId, workload_name};
use crate::print::Tree;
use crate::request::ApiRequest;
use crate::resolve::Step;
use crate::settings::fields::ToTree;
use crate::settings::{
    AccessModes, ClaimInfo, ConfigMapMount, ExternalUrl, HostPathMount, NfsMount, Port, PvcMount, S3Mount, SecretMount,
    SecurityContext, StepSettings, Toleration,
};
use crate::wire::requests;
use crate::wire::{GpuRequestType, TrainingCreationRequest};

/// What a request needs beside the step. What is missing shows as `<name>`, `<image>`, `<project-id>` or `<cluster-id>`
/// in a preview; sending needs it all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Context {
    /// Name of the workload, sent exactly as it is. Without it one is built from the step's name.
    pub name: Option<String>,
    /// Image, in place of the step's.
    pub image: Option<String>,
    /// Command, in place of the step's.
    pub command: Option<Vec<String>>,
    /// Environment variables beside the step's; they win.
    pub environment: indexmap::IndexMap<String, String>,
    /// Id of the project.
    pub project_id: Option<String>,
    /// Id of the cluster, a UUID.
    pub cluster_id: Option<String>,
}

impl Step {
    /// The body of the request that creates the workload, as the text that is sent. With a submission the workload's name
    /// ends with its id, and a label carries it.
    #[must_use]
    pub fn body(&self, context: &Context, submission: Option<&SubmissionId>) -> String {
        self.tree(context, submission).to_json()
    }

    /// The same body in the API's types.
    #[must_use]
    pub fn render(&self, context: &Context, submission: Option<&SubmissionId>) -> TrainingCreationRequest {
        let body = serde_json::Value::from(&self.tree(context, submission));
        serde_json::from_value(body)
            .unwrap_or_else(|error| unreachable!("the body is made of the API's words: {error}"))
    }

    /// The request that creates the workload: what the client sends, and what a preview shows.
    #[must_use]
    pub fn request(&self, context: &Context, submission: Option<&SubmissionId>) -> ApiRequest {
        requests::create().json((&self.tree(context, submission)).into())
    }

    /// The request as a `curl` command; see [`ApiRequest::to_curl`].
    #[must_use]
    pub fn curl(&self, context: &Context, base_url: Option<&str>) -> String {
        requests::create().curl(base_url, Some(&self.tree(context, None).to_json_pretty()))
    }

    /// The request as its parts: `method`, `path` and `body`.
    #[must_use]
    pub fn request_tree<'s>(&'s self, context: &'s Context) -> Tree<'s> {
        let request = requests::create();
        Tree::Map(vec![
            ("method".into(), request.method.as_str().into()),
            ("path".into(), request.path.into()),
            ("body".into(), self.tree(context, None)),
        ])
    }

    /// The same body as [`Self::body`], with texts that are borrowed where they stand.
    #[must_use]
    pub fn tree<'s>(&'s self, context: &'s Context, submission: Option<&'s SubmissionId>) -> Tree<'s> {
        let settings = self.settings();
        let name: Cow<'_, str> = match (&context.name, self.name(), submission) {
            (Some(name), _, _) => name.into(),
            (None, None, None) => "<name>".into(),
            (None, base, _) => workload_name(base, submission).into(),
        };
        let mut body = Object::default();
        body.put_tree("clusterId", context.cluster_id.as_deref().unwrap_or("<cluster-id>"));
        body.put_tree("name", Tree::Text(name));
        body.put_tree("projectId", context.project_id.as_deref().unwrap_or("<project-id>"));
        body.put_tree("spec", self.spec(context, submission));
        body.put("templateId", &settings.workload_template_id);
        body.put_tree("useGivenNameAsPrefix", false);
        body.into()
    }

    fn spec<'s>(&'s self, context: &'s Context, submission: Option<&'s SubmissionId>) -> Tree<'s> {
        let settings = self.settings();
        let annotations = settings.annotations.iter().flat_map(|annotations| &annotations.0);
        let labels = settings.labels.iter().flat_map(|labels| &labels.0);
        let labels = labels.map(|(name, value)| pair(name, value, None));
        let submission = submission.map(|id| pair(SUBMISSION_LABEL, id.as_str(), None));
        let tokens = context.command.as_deref().or(self.command());
        let (command, args) = tokens.map(command::split).map_or((None, None), |(command, args)| (Some(command), args));
        let own = self.environment().iter().filter(|(name, _)| !context.environment.contains_key(*name));
        let environment = own.chain(context.environment.iter().map(|(name, value)| (name.as_str(), value.as_str())));

        let mut spec = Object::default();
        spec.put_tree("annotations", list(annotations.map(|(name, value)| pair(name, value, Some(false)))));
        spec.put_tree("args", args);
        spec.put("backoffLimit", &settings.backoff_limit);
        spec.put_tree("command", command);
        spec.put("completions", &settings.completions);
        spec.put_tree("compute", compute(settings));
        spec.put_tree("environmentVariables", list(environment.map(|(name, value)| pair(name, value, None))));
        spec.put_tree("exposedUrls", all(settings.external_urls.as_ref(), exposed_url));
        spec.put_tree("image", context.image.as_deref().or(self.image()).unwrap_or("<image>"));
        spec.put_tree("imagePullSecrets", list(self.image_pull_secret().map(image_pull_secret)));
        spec.put_tree("labels", list(labels.chain(submission)));
        spec.put("nodePools", &settings.node_pools);
        spec.put("nodeType", &settings.node_type);
        spec.put("parallelism", &settings.parallelism);
        spec.put_tree("ports", all(settings.ports.as_ref(), port));
        spec.put("preemptibility", &settings.preemptibility);
        spec.put("priorityClass", &settings.priority_class);
        spec.put_tree("security", settings.security_context.as_ref().map(security));
        spec.put_tree("storage", storage(settings));
        spec.put("terminateAfterPreemption", &settings.terminate_after_preemption);
        spec.put("terminationGracePeriodSeconds", &settings.termination_grace_period_seconds);
        spec.put_tree("tolerations", all(settings.tolerations.as_ref(), toleration));
        spec.put("workingDir", &settings.working_dir);
        spec.into()
    }
}

/// An object of the body, its members in the order of the alphabet. What is null, or has no parts, is left out.
struct Object<'s>(Vec<(Cow<'s, str>, Tree<'s>)>);

/// Room for as many members saves most objects from growing.
const USUAL_MEMBERS: usize = 8;

impl Default for Object<'_> {
    fn default() -> Self {
        Self(Vec::with_capacity(USUAL_MEMBERS))
    }
}

impl<'s> Object<'s> {
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    fn put(&mut self, member: &'static str, value: &'s dyn ToTree) {
        self.put_tree(member, value.tree());
    }

    fn put_tree(&mut self, member: &'static str, value: impl Into<Tree<'s>>) {
        let value = value.into();
        if !value.is_empty() {
            self.0.push((Cow::Borrowed(member), value));
        }
    }
}

impl<'s> From<Object<'s>> for Tree<'s> {
    fn from(object: Object<'s>) -> Self {
        Self::Map(object.0)
    }
}

fn list<'s>(items: impl IntoIterator<Item = Tree<'s>>) -> Tree<'s> {
    Tree::List(items.into_iter().collect())
}

fn all<'s, T>(items: Option<&'s Vec<T>>, convert: fn(&'s T) -> Tree<'s>) -> Tree<'s> {
    list(items.into_iter().flatten().map(convert))
}

/// A label, an annotation or a variable of the environment.
fn pair<'s>(name: &'s str, value: &'s str, exclude: Option<bool>) -> Tree<'s> {
    let mut pair = Object::default();
    pair.put_tree("exclude", exclude);
    pair.put_tree("name", name);
    pair.put_tree("value", value);
    pair.into()
}

fn image_pull_secret(name: &str) -> Tree<'_> {
    let mut secret = Object::default();
    secret.put_tree("exclude", false);
    secret.put_tree("name", name);
    secret.put_tree("userCredential", false);
    secret.into()
}

/// The API wants the GPU sharing fields "if and only if" their kind of request is made; the peer always sends a portion.
fn compute(settings: &StepSettings) -> Tree<'_> {
    let shared = settings.gpu_devices_request > 0;
    let portion = shared && settings.gpu_request_type == GpuRequestType::Portion;
    let memory = shared && settings.gpu_request_type == GpuRequestType::Memory;
    let resources = settings.extended_resources.iter().flat_map(|resources| &resources.0);
    let mut compute = Object::default();
    compute.put("cpuCoreLimit", &settings.cpu_core_limit);
    compute.put("cpuCoreRequest", &settings.cpu_core_request);
    compute.put("cpuMemoryLimit", &settings.cpu_memory_limit);
    compute.put("cpuMemoryRequest", &settings.cpu_memory_request);
    compute.put_tree("extendedResources", list(resources.map(extended_resource)));
    compute.put("gpuDevicesRequest", &settings.gpu_devices_request);
    compute.put_tree("gpuMemoryLimit", settings.gpu_memory_limit.as_ref().filter(|_| memory).map(ToTree::tree));
    compute.put_tree("gpuMemoryRequest", settings.gpu_memory_request.as_ref().filter(|_| memory).map(ToTree::tree));
    compute.put_tree("gpuPortionLimit", settings.gpu_portion_limit.filter(|_| portion));
    compute.put_tree("gpuPortionRequest", portion.then_some(settings.gpu_portion_request));
    compute.put_tree("gpuRequestType", shared.then(|| settings.gpu_request_type.tree()));
    compute.put("largeShmRequest", &settings.large_shm_request);
    compute.into()
}

fn extended_resource<'s>((resource, quantity): (&'s String, &'s String)) -> Tree<'s> {
    let mut object = Object::default();
    object.put("quantity", quantity);
    object.put("resource", resource);
    object.into()
}

fn toleration(toleration: &Toleration) -> Tree<'_> {
    let mut object = Object::default();
    object.put("effect", &toleration.effect);
    object.put("exclude", &toleration.exclude);
    object.put("key", &toleration.key);
    object.put("name", &toleration.name);
    object.put("operator", &toleration.operator);
    object.put("value", &toleration.value);
    object.into()
}

fn port(port: &Port) -> Tree<'_> {
    let mut object = Object::default();
    object.put("container", &port.container);
    object.put_tree("exclude", port.exclude.unwrap_or(false));
    object.put("external", &port.external);
    object.put("name", &port.name);
    object.put("serviceType", &port.service_type);
    object.put("toolName", &port.tool_name);
    object.put("toolType", &port.tool_type);
    object.into()
}

fn exposed_url(url: &ExternalUrl) -> Tree<'_> {
    let mut object = Object::default();
    object.put("authorizationType", &url.authorization_type);
    object.put("authorizedGroups", &url.authorized_groups);
    object.put("authorizedUsers", &url.authorized_users);
    object.put("container", &url.container);
    object.put("exclude", &url.exclude);
    object.put("name", &url.name);
    object.put("toolName", &url.tool_name);
    object.put("toolType", &url.tool_type);
    object.put("url", &url.url);
    object.into()
}

fn security(context: &SecurityContext) -> Tree<'_> {
    let groups = context.supplemental_groups.as_ref();
    let mut object = Object::default();
    object.put("allowPrivilegeEscalation", &context.allow_privilege_escalation);
    object.put("capabilities", &context.capabilities);
    object.put("hostIpc", &context.host_ipc);
    object.put("hostNetwork", &context.host_network);
    object.put("readOnlyRootFilesystem", &context.read_only_root_filesystem);
    object.put("runAsGid", &context.run_as_gid);
    object.put("runAsNonRoot", &context.run_as_non_root);
    object.put("runAsUid", &context.run_as_uid);
    object.put("seccompProfileType", &context.seccomp_profile_type);
    // The peer's separator; the API's own documentation says commas.
    let groups = groups.map(|groups| groups.iter().map(i64::to_string).collect::<Vec<_>>().join(";"));
    object.put_tree("supplementalGroups", groups);
    object.put("uidGidSource", &context.uid_gid_source);
    object.into()
}

fn storage(settings: &StepSettings) -> Tree<'_> {
    let mut object = Object::default();
    object.put_tree("configMapVolume", all(settings.config_map_mounts.as_ref(), config_map));
    object.put_tree("hostPath", all(settings.host_path_mounts.as_ref(), host_path));
    object.put_tree("nfs", all(settings.nfs_mounts.as_ref(), nfs));
    object.put_tree("pvc", all(settings.pvc_mounts.as_ref(), pvc));
    object.put_tree("s3", all(settings.s3_mounts.as_ref(), s3));
    object.put_tree("secretVolume", all(settings.secret_mounts.as_ref(), secret));
    object.into()
}

fn pvc(mount: &PvcMount) -> Tree<'_> {
    let mut object = Object::default();
    object.put_tree("claimInfo", mount.claim_info.as_ref().map(claim_info));
    object.put("claimName", &mount.claim_name);
    object.put_tree("dataSharing", mount.data_sharing.unwrap_or(false));
    object.put_tree("ephemeral", mount.ephemeral.unwrap_or(false));
    object.put_tree("exclude", mount.exclude.unwrap_or(false));
    object.put("existingPvc", &mount.existing_pvc);
    object.put("name", &mount.name);
    object.put("path", &mount.path);
    object.put_tree("readOnly", mount.read_only.unwrap_or(false));
    object.into()
}

fn claim_info(claim: &ClaimInfo) -> Tree<'_> {
    let attributes = claim.added_attr_values.iter().flatten();
    let mut object = Object::default();
    object.put_tree("accessModes", claim.access_modes.as_ref().map(access_modes));
    object.put_tree("addedAttrValues", list(attributes.map(ToTree::tree)));
    object.put("size", &claim.size);
    object.put("storageClass", &claim.storage_class);
    object.put("volumeMode", &claim.volume_mode);
    object.into()
}

fn access_modes(modes: &AccessModes) -> Tree<'_> {
    let mut object = Object::default();
    object.put("readOnlyMany", &modes.read_only_many);
    object.put("readWriteMany", &modes.read_write_many);
    object.put("readWriteOnce", &modes.read_write_once);
    object.into()
}

fn config_map(mount: &ConfigMapMount) -> Tree<'_> {
    let mut object = Object::default();
    object.put("configMap", &mount.config_map);
    object.put("defaultMode", &mount.default_mode);
    object.put_tree("exclude", mount.exclude.unwrap_or(false));
    object.put("mountPath", &mount.mount_path);
    object.put("name", &mount.name);
    object.put("subPath", &mount.sub_path);
    object.into()
}

fn secret(mount: &SecretMount) -> Tree<'_> {
    let mut object = Object::default();
    object.put("defaultMode", &mount.default_mode);
    object.put_tree("exclude", mount.exclude.unwrap_or(false));
    object.put("mountPath", &mount.mount_path);
    object.put("name", &mount.name);
    object.put("secret", &mount.secret);
    object.into()
}

fn nfs(mount: &NfsMount) -> Tree<'_> {
    let mut object = Object::default();
    object.put_tree("exclude", mount.exclude.unwrap_or(false));
    object.put("mountPath", &mount.mount_path);
    object.put("name", &mount.name);
    object.put("path", &mount.path);
    object.put_tree("readOnly", mount.read_only.unwrap_or(true));
    object.put("server", &mount.server);
    object.into()
}

fn s3(mount: &S3Mount) -> Tree<'_> {
    let mut object = Object::default();
    object.put("accessKeySecret", &mount.access_key_secret);
    object.put("bucket", &mount.bucket);
    object.put_tree("exclude", mount.exclude.unwrap_or(false));
    object.put("name", &mount.name);
    object.put("path", &mount.path);
    object.put("secretKeyOfAccessKeyId", &mount.secret_key_of_access_key_id);
    object.put("secretKeyOfSecretKey", &mount.secret_key_of_secret_key);
    object.put("url", &mount.url);
    object.into()
}

fn host_path(mount: &HostPathMount) -> Tree<'_> {
    let mut object = Object::default();
    object.put_tree("exclude", mount.exclude.unwrap_or(false));
    object.put("mountPath", &mount.mount_path);
    object.put("mountPropagation", &mount.mount_propagation);
    object.put("name", &mount.name);
    object.put("path", &mount.path);
    object.put_tree("readOnly", mount.read_only.unwrap_or(true));
    object.into()
}
