//! A step to the request that will be sent.
//!
//! The body equals what ZenML 0.98.0 with runapy 1.224.0 sends for the same input, members that are `null` or empty left
//! out, but for the differences that ARCHITECTURE.md lists. Members that the SDK fills with a default of its own
//! (`exclude: false`, the `readOnly` of NFS and HostPath mounts, …) are part of it.

use serde::{Deserialize, Serialize};

use crate::command;
use crate::name::{SUBMISSION_LABEL, SubmissionId, workload_name};
use crate::request::ApiRequest;
use crate::resolve::Step;
use crate::settings::{
    AccessModes, ClaimInfo, ConfigMapMount, ExternalUrl, HostPathMount, NfsMount, Port, PvcMount, S3Mount, SecretMount,
    SecurityContext, StepSettings, Toleration, TolerationEffect,
};
use crate::wire::{self, GpuRequestType};

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
    /// The body of the request that creates the workload. With a submission the workload's name ends with its id, and a
    /// label carries it.
    #[must_use]
    pub fn render(&self, context: &Context, submission: Option<&SubmissionId>) -> wire::TrainingCreationRequest {
        let or = |value: Option<&str>, placeholder: &str| value.unwrap_or(placeholder).to_owned();
        let name = match (&context.name, self.name(), submission) {
            (Some(name), _, _) => name.clone(),
            (None, None, None) => "<name>".to_owned(),
            (None, base, _) => workload_name(base, submission),
        };
        let settings = self.settings();
        let mut spec = spec(settings);
        spec.image = Some(or(context.image.as_deref().or(self.image()), "<image>"));
        if let Some(tokens) = context.command.as_deref().or(self.command()) {
            let (command, args) = command::split(tokens);
            (spec.command, spec.args) = (Some(command), args);
        }
        spec.environment_variables = self.environment_variables(context);
        spec.image_pull_secrets = self.image_pull_secret().map(image_pull_secret).into_iter().collect();
        if let Some(id) = submission {
            spec.labels.push(label(SUBMISSION_LABEL, id.as_str()));
        }
        wire::TrainingCreationRequest {
            name,
            use_given_name_as_prefix: Some(false),
            project_id: or(context.project_id.as_deref(), "<project-id>"),
            cluster_id: or(context.cluster_id.as_deref(), "<cluster-id>"),
            template_id: settings.workload_template_id.clone(),
            spec,
        }
    }

    /// The request that creates the workload: what the client sends, and what a preview shows.
    #[must_use]
    pub fn request(&self, context: &Context, submission: Option<&SubmissionId>) -> ApiRequest {
        wire::requests::create_training(&self.render(context, submission))
    }

    fn environment_variables(&self, context: &Context) -> Vec<wire::EnvironmentVariable> {
        let own = self.environment().iter().filter(|(name, _)| !context.environment.contains_key(*name));
        let all = own.chain(context.environment.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let variable = |(name, value): (&str, &str)| wire::EnvironmentVariable {
            name: Some(name.to_owned()),
            value: Some(value.to_owned()),
            ..Default::default()
        };
        all.map(variable).collect()
    }
}

fn spec(settings: &StepSettings) -> wire::TrainingSpec {
    let annotations = settings.annotations.iter().flat_map(|annotations| &annotations.0);
    let labels = settings.labels.iter().flat_map(|labels| &labels.0);
    wire::TrainingSpec {
        annotations: annotations.map(|(name, value)| annotation(name, value)).collect(),
        backoff_limit: settings.backoff_limit,
        completions: settings.completions,
        compute: Some(compute(settings)),
        exposed_urls: all(settings.external_urls.as_ref(), exposed_url),
        labels: labels.map(|(name, value)| label(name, value)).collect(),
        node_pools: settings.node_pools.clone().unwrap_or_default(),
        node_type: settings.node_type.clone(),
        parallelism: settings.parallelism,
        ports: all(settings.ports.as_ref(), port),
        preemptibility: settings.preemptibility,
        priority_class: settings.priority_class.clone(),
        security: settings
            .security_context
            .as_ref()
            .map(security)
            .filter(|security| *security != wire::Security::default()),
        storage: Some(storage(settings)).filter(|storage| !storage.is_empty()),
        terminate_after_preemption: settings.terminate_after_preemption,
        termination_grace_period_seconds: settings.termination_grace_period_seconds,
        tolerations: all(settings.tolerations.as_ref(), toleration),
        working_dir: settings.working_dir.clone(),
        ..Default::default()
    }
}

/// The API wants the GPU sharing fields "if and only if" their kind of request is made; the peer always sends a portion.
fn compute(settings: &StepSettings) -> wire::Compute {
    let shared = settings.gpu_devices_request > 0;
    let portion = shared && settings.gpu_request_type == GpuRequestType::Portion;
    let memory = shared && settings.gpu_request_type == GpuRequestType::Memory;
    let text = |memory: &crate::settings::Memory| memory.as_str().to_owned();
    let resources = settings.extended_resources.iter().flat_map(|resources| &resources.0);
    wire::Compute {
        cpu_core_limit: settings.cpu_core_limit,
        cpu_core_request: Some(settings.cpu_core_request),
        cpu_memory_limit: settings.cpu_memory_limit.as_ref().map(text),
        cpu_memory_request: Some(text(&settings.cpu_memory_request)),
        extended_resources: resources
            .map(|(resource, quantity)| wire::ExtendedResource {
                resource: Some(resource.clone()),
                quantity: Some(quantity.clone()),
                exclude: None,
            })
            .collect(),
        gpu_devices_request: Some(settings.gpu_devices_request),
        gpu_memory_limit: settings.gpu_memory_limit.as_ref().filter(|_| memory).map(text),
        gpu_memory_request: settings.gpu_memory_request.as_ref().filter(|_| memory).map(text),
        gpu_portion_limit: settings.gpu_portion_limit.filter(|_| portion),
        gpu_portion_request: portion.then_some(settings.gpu_portion_request),
        gpu_request_type: shared.then_some(settings.gpu_request_type),
        large_shm_request: Some(settings.large_shm_request),
    }
}

fn all<T, W>(items: Option<&Vec<T>>, convert: fn(&T) -> W) -> Vec<W> {
    items.into_iter().flatten().map(convert).collect()
}

fn annotation(name: &str, value: &str) -> wire::Annotation {
    wire::Annotation { name: Some(name.to_owned()), value: Some(value.to_owned()), exclude: Some(false) }
}

fn label(name: &str, value: &str) -> wire::Label {
    wire::Label { name: Some(name.to_owned()), value: Some(value.to_owned()), exclude: None }
}

fn image_pull_secret(name: &str) -> wire::ImagePullSecret {
    wire::ImagePullSecret { name: Some(name.to_owned()), user_credential: Some(false), exclude: Some(false) }
}

fn toleration(toleration: &Toleration) -> wire::Toleration {
    wire::Toleration {
        key: toleration.key.clone(),
        operator: toleration.operator,
        value: toleration.value.clone(),
        effect: toleration.effect.map(|effect| match effect {
            TolerationEffect::NoExecute => wire::TolerationEffect::NoExecute,
            TolerationEffect::NoSchedule => wire::TolerationEffect::NoSchedule,
            TolerationEffect::PreferNoSchedule => wire::TolerationEffect::PreferNoSchedule,
        }),
        name: toleration.name.clone(),
        exclude: toleration.exclude,
        seconds: None,
    }
}

fn port(port: &Port) -> wire::Port {
    wire::Port {
        container: Some(port.container),
        service_type: port.service_type,
        external: port.external,
        tool_type: port.tool_type.clone(),
        tool_name: port.tool_name.clone(),
        name: port.name.clone(),
        exclude: port.exclude.or(Some(false)),
    }
}

fn exposed_url(url: &ExternalUrl) -> wire::ExposedUrl {
    wire::ExposedUrl {
        container: Some(url.container),
        url: url.url.clone(),
        authorization_type: url.authorization_type,
        authorized_users: url.authorized_users.clone().unwrap_or_default(),
        authorized_groups: url.authorized_groups.clone().unwrap_or_default(),
        tool_type: url.tool_type.clone(),
        tool_name: url.tool_name.clone(),
        name: url.name.clone(),
        exclude: url.exclude,
    }
}

fn security(context: &SecurityContext) -> wire::Security {
    let groups = context.supplemental_groups.as_ref();
    wire::Security {
        allow_privilege_escalation: context.allow_privilege_escalation,
        capabilities: context.capabilities.clone().unwrap_or_default(),
        host_ipc: context.host_ipc,
        host_network: context.host_network,
        read_only_root_filesystem: context.read_only_root_filesystem,
        run_as_gid: context.run_as_gid,
        run_as_non_root: context.run_as_non_root,
        run_as_uid: context.run_as_uid,
        seccomp_profile_type: context.seccomp_profile_type,
        // The peer's separator; the API's own documentation says commas.
        supplemental_groups: groups.map(|groups| groups.iter().map(i64::to_string).collect::<Vec<_>>().join(";")),
        uid_gid_source: context.uid_gid_source,
    }
}

fn storage(settings: &StepSettings) -> wire::Storage {
    wire::Storage {
        config_map_volume: all(settings.config_map_mounts.as_ref(), config_map),
        host_path: all(settings.host_path_mounts.as_ref(), host_path),
        nfs: all(settings.nfs_mounts.as_ref(), nfs),
        pvc: all(settings.pvc_mounts.as_ref(), pvc),
        s3: all(settings.s3_mounts.as_ref(), s3),
        secret_volume: all(settings.secret_mounts.as_ref(), secret),
        ..Default::default()
    }
}

fn pvc(mount: &PvcMount) -> wire::Pvc {
    wire::Pvc {
        path: Some(mount.path.to_string()),
        existing_pvc: Some(mount.existing_pvc),
        claim_name: mount.claim_name.clone(),
        read_only: mount.read_only.or(Some(false)),
        ephemeral: mount.ephemeral.or(Some(false)),
        claim_info: mount.claim_info.as_ref().map(claim_info).filter(|claim| *claim != wire::ClaimInfo::default()),
        data_sharing: mount.data_sharing.or(Some(false)),
        name: mount.name.clone(),
        exclude: mount.exclude.or(Some(false)),
    }
}

fn claim_info(claim: &ClaimInfo) -> wire::ClaimInfo {
    let attributes = claim.added_attr_values.iter().flatten();
    wire::ClaimInfo {
        size: claim.size.as_ref().map(ToString::to_string),
        storage_class: claim.storage_class.as_ref().map(ToString::to_string),
        access_modes: claim
            .access_modes
            .as_ref()
            .map(access_modes)
            .filter(|modes| *modes != wire::AccessModes::default()),
        volume_mode: claim.volume_mode,
        added_attr_values: attributes
            .map(|attribute| wire::ClaimAttribute {
                key: Some(attribute.key.to_string()),
                value: attribute.value.clone(),
            })
            .collect(),
    }
}

fn access_modes(modes: &AccessModes) -> wire::AccessModes {
    wire::AccessModes {
        read_write_once: modes.read_write_once,
        read_only_many: modes.read_only_many,
        read_write_many: modes.read_write_many,
    }
}

fn config_map(mount: &ConfigMapMount) -> wire::ConfigMapVolume {
    wire::ConfigMapVolume {
        config_map: Some(mount.config_map.to_string()),
        mount_path: Some(mount.mount_path.to_string()),
        sub_path: mount.sub_path.clone(),
        default_mode: mount.default_mode.as_ref().map(ToString::to_string),
        name: mount.name.clone(),
        exclude: mount.exclude.or(Some(false)),
    }
}

fn secret(mount: &SecretMount) -> wire::SecretVolume {
    wire::SecretVolume {
        secret: Some(mount.secret.clone()),
        mount_path: Some(mount.mount_path.to_string()),
        default_mode: mount.default_mode.as_ref().map(ToString::to_string),
        name: mount.name.clone(),
        exclude: mount.exclude.or(Some(false)),
    }
}

fn nfs(mount: &NfsMount) -> wire::Nfs {
    wire::Nfs {
        server: Some(mount.server.clone()),
        path: Some(mount.path.clone()),
        mount_path: Some(mount.mount_path.to_string()),
        read_only: mount.read_only.or(Some(true)),
        name: mount.name.clone(),
        exclude: mount.exclude.or(Some(false)),
    }
}

fn s3(mount: &S3Mount) -> wire::S3 {
    wire::S3 {
        bucket: Some(mount.bucket.clone()),
        path: Some(mount.path.to_string()),
        url: mount.url.clone(),
        access_key_secret: mount.access_key_secret.as_ref().map(ToString::to_string),
        secret_key_of_access_key_id: mount.secret_key_of_access_key_id.clone(),
        secret_key_of_secret_key: mount.secret_key_of_secret_key.clone(),
        name: mount.name.clone(),
        exclude: mount.exclude.or(Some(false)),
    }
}

fn host_path(mount: &HostPathMount) -> wire::HostPath {
    wire::HostPath {
        path: Some(mount.path.to_string()),
        mount_path: Some(mount.mount_path.to_string()),
        read_only: mount.read_only.or(Some(true)),
        mount_propagation: mount.mount_propagation,
        name: mount.name.clone(),
        exclude: mount.exclude.or(Some(false)),
    }
}
