//! Validates submissions.
//!
//! The rules come from the API description and from Kubernetes' validation of pods. Fields are named by their path in
//! the spec with indexes of list items: `compute.gpuDevicesRequest`, `ports[0].container`.

mod names;
mod storage;

use runai_api::wire::{
    ComplianceIssue, Compute, EnvironmentVariable, ExposedUrl, GpuRequestType, SeccompProfileType, Toleration,
    TolerationEffect, TolerationOperator, TrainingCreationRequest, TrainingSpec,
};
use serde_json::Value;
use uuid::Uuid;

use self::{
    names::{is_label_key, is_label_value},
    storage::storage_rules,
};
use crate::{
    scheduler::quantity,
    state::{State, priority},
};

pub(crate) use self::names::{NAME_LENGTH, SUFFIX_LENGTH, is_object_name, is_workload_name};

/// Returns all errors of a submission after template and policy are applied.
pub(crate) fn submission(request: &TrainingCreationRequest, state: &State) -> Vec<ComplianceIssue> {
    let mut issues = Issues::default();
    let longest =
        if request.use_given_name_as_prefix == Some(true) { NAME_LENGTH - SUFFIX_LENGTH } else { NAME_LENGTH };
    if !is_workload_name(&request.name, longest) {
        let details = format!(
            "invalid name `{}`: use 1 to {longest} lowercase letters, digits and dashes, starting with a letter and not \
             ending with a dash",
            request.name
        );
        issues.add("name", details);
    }
    if state.project(&request.project_id).is_none() {
        issues.add("projectId", format!("unknown project with the id `{}`", request.project_id));
    }
    if Uuid::parse_str(&request.cluster_id).is_err() {
        issues.add("clusterId", format!("`{}` is not a UUID", request.cluster_id));
    } else if request.cluster_id != state.cluster().uuid {
        issues.add("clusterId", format!("unknown cluster with the id `{}`", request.cluster_id));
    }
    let spec = &request.spec;
    // With `Exec`, images are ignored, and templates exist on the real control plane only.
    if spec.image.is_none() && !(state.exec() && request.template_id.is_some()) {
        issues.required("image");
    }
    training(spec, &mut issues);
    issues.0
}

/// Returns warnings about accepted values that the API description leaves undefined, and that a real control plane may
/// reject.
///
/// `sent` is the raw body, `known` the part that the wire types decoded.
pub(crate) fn warnings(
    request: &TrainingCreationRequest,
    sent: &Value,
    known: &Value,
    state: &State,
) -> Vec<ComplianceIssue> {
    let mut warnings = Issues::default();
    let spec = &request.spec;
    if let Some(compute) = &spec.compute {
        compute_warnings(compute, &mut warnings);
    }
    if let Some(security) = &spec.security {
        if security.seccomp_profile_type == Some(SeccompProfileType::Localhost) {
            warnings.add("security.seccompProfileType", "`Localhost` is not supported yet");
        }
        if let Some(groups) = security.supplemental_groups.as_ref().filter(|groups| groups.contains(';')) {
            warnings.add("security.supplementalGroups", format!("`{groups}` uses semicolons instead of commas"));
        }
    }
    if let Some(class) = spec.priority_class.as_deref().filter(|class| !class.is_empty() && priority(class).is_none()) {
        warnings.add("priorityClass", format!("`{class}` is not a predefined priority class"));
    }
    for (index, pool) in spec.node_pools.iter().enumerate().filter(|(_, pool)| !state.pools().contains(pool)) {
        warnings.add(format!("nodePools[{index}]"), format!("unknown node pool `{pool}`"));
    }
    if let Some(node_type) = spec.node_type.as_ref().filter(|it| !it.is_empty() && !state.has_node_type(it)) {
        warnings.add("nodeType", format!("no node of type `{node_type}`"));
    }
    unknown_members(sent, known, "", &mut warnings);
    warnings.0
}

fn compute_warnings(compute: &Compute, warnings: &mut Issues) {
    let portion = compute.gpu_portion_request.is_some() || compute.gpu_portion_limit.is_some();
    let memory = compute.gpu_memory_request.is_some() || compute.gpu_memory_limit.is_some();
    let devices = compute.gpu_devices_request;
    if devices == Some(0) && (portion || memory || compute.gpu_request_type.is_some()) {
        return warnings.add("compute.gpuRequestType", "has no effect without a GPU request");
    }
    if compute.gpu_request_type != Some(GpuRequestType::Portion) && portion {
        warnings.add("compute.gpuPortionRequest", "requires the request type `portion`");
    }
    if compute.gpu_request_type != Some(GpuRequestType::Memory) && memory {
        warnings.add("compute.gpuMemoryRequest", "requires the request type `memory`");
    }
    if compute.gpu_request_type == Some(GpuRequestType::Memory) && devices.is_some_and(|devices| devices > 1) {
        warnings.add("compute.gpuRequestType", "`memory` requires a single device");
    }
}

/// Warns about unknown members, except null or empty ones.
fn unknown_members(sent: &Value, known: &Value, path: &str, warnings: &mut Issues) {
    let is_empty = |value: &Value| match value {
        Value::Null => true,
        Value::Array(items) => items.iter().all(Value::is_null),
        Value::Object(members) => members.is_empty(),
        _ => false,
    };
    match (sent, known) {
        (Value::Object(sent), Value::Object(known)) => {
            for (key, value) in sent.iter().filter(|(_, value)| !is_empty(value)) {
                let path = if path.is_empty() || path == "spec" { key.clone() } else { format!("{path}.{key}") };
                match known.get(key) {
                    None => warnings.add(path, "unknown member"),
                    Some(known) => unknown_members(value, known, &path, warnings),
                }
            }
        }
        (Value::Array(sent), Value::Array(known)) => {
            let sent = sent.iter().enumerate().filter(|(_, item)| !item.is_null());
            for ((index, sent), known) in sent.zip(known) {
                unknown_members(sent, known, &format!("{path}[{index}]"), warnings);
            }
        }
        _ => {}
    }
}

#[derive(Default)]
struct Issues(Vec<ComplianceIssue>);

impl Issues {
    fn add(&mut self, field: impl Into<String>, details: impl Into<String>) {
        self.push(field, details, None);
    }

    fn required(&mut self, field: impl Into<String>) {
        self.push(field, "is required", Some("required"));
    }

    fn min(&mut self, field: impl Into<String>, details: impl Into<String>) {
        self.push(field, details, Some("min"));
    }

    fn max(&mut self, field: impl Into<String>, details: impl Into<String>) {
        self.push(field, details, Some("max"));
    }

    /// Rejects a missing or empty text.
    fn text(&mut self, field: impl Into<String>, text: Option<&String>) {
        if text.is_none_or(String::is_empty) {
            self.required(field);
        }
    }

    /// Rejects an empty text; a missing one is valid.
    fn not_empty(&mut self, field: &str, text: Option<&String>) {
        if text.is_some_and(String::is_empty) {
            self.add(field, "must not be empty");
        }
    }

    fn at_least(&mut self, field: impl Into<String>, value: Option<i64>, minimum: i64) {
        if let Some(value) = value.filter(|value| *value < minimum) {
            self.min(field, format!("{value} is less than {minimum}"));
        }
    }

    fn port(&mut self, field: impl Into<String>, port: Option<i64>) {
        if let Some(port) = port.filter(|port| !(1..=65535).contains(port)) {
            let rule = if port < 1 { "min" } else { "max" };
            self.push(field, format!("invalid port {port}: must be 1 to 65535"), Some(rule));
        }
    }

    /// Returns the value of a quantity, or rejects the text.
    fn quantity(&mut self, field: impl Into<String>, text: Option<&String>) -> Option<f64> {
        let text = text?;
        let amount = quantity(text);
        if amount.is_none() {
            self.add(field, format!("invalid quantity `{text}`: use a value such as `4G` or `512Mi`"));
        }
        amount
    }

    /// Rejects an invalid name of a Kubernetes object.
    fn object(&mut self, field: impl Into<String>, name: Option<&String>) {
        match name {
            None => self.required(field),
            Some(name) if !is_object_name(name) => {
                self.add(field, format!("invalid Kubernetes object name `{name}`"));
            }
            Some(_) => {}
        }
    }

    fn push(&mut self, field: impl Into<String>, details: impl Into<String>, rule: Option<&str>) {
        self.0.push(ComplianceIssue { details: details.into(), field: field.into(), rule: rule.map(str::to_owned) });
    }
}

fn training(spec: &TrainingSpec, issues: &mut Issues) {
    issues.not_empty("args", spec.args.as_ref());
    issues.not_empty("command", spec.command.as_ref());
    issues.not_empty("image", spec.image.as_ref());
    issues.not_empty("nodeType", spec.node_type.as_ref());
    issues.not_empty("workingDir", spec.working_dir.as_ref());
    for (field, value, least) in [
        ("autoDeletionTimeAfterCompletionSeconds", spec.auto_deletion_time_after_completion_seconds, 0),
        ("backoffLimit", spec.backoff_limit, 0),
        ("completions", spec.completions, 0),
        ("parallelism", spec.parallelism, 0),
        ("terminationGracePeriodSeconds", spec.termination_grace_period_seconds, 0),
    ] {
        issues.at_least(field, value, least);
    }
    if let Some(pods) = spec.parallelism.filter(|pods| *pods > MAX_PODS) {
        issues.max("parallelism", format!("{pods} is more than {MAX_PODS} pods"));
    }
    if spec.tty == Some(true) && spec.stdin != Some(true) {
        issues.add("tty", "requires `stdin`");
    }
    for (index, annotation) in spec.annotations.iter().enumerate() {
        label_key(&format!("annotations[{index}].name"), annotation.name.as_ref(), issues);
    }
    for (index, label) in spec.labels.iter().enumerate() {
        label_key(&format!("labels[{index}].name"), label.name.as_ref(), issues);
        if let Some(value) = label.value.as_ref().filter(|value| !is_label_value(value)) {
            issues.add(format!("labels[{index}].value"), format!("invalid label value `{value}`"));
        }
    }
    for (index, secret) in spec.image_pull_secrets.iter().enumerate() {
        issues.object(format!("imagePullSecrets[{index}].name"), secret.name.as_ref());
    }
    for (index, variable) in spec.environment_variables.iter().enumerate() {
        environment_variable(&format!("environmentVariables[{index}]"), variable, issues);
    }
    for (index, port) in spec.ports.iter().enumerate().filter(|(_, port)| port.exclude != Some(true)) {
        if port.container.is_none() {
            issues.required(format!("ports[{index}].container"));
        }
        issues.port(format!("ports[{index}].container"), port.container);
        issues.port(format!("ports[{index}].external"), port.external);
    }
    for (index, url) in spec.exposed_urls.iter().enumerate().filter(|(_, url)| url.exclude != Some(true)) {
        exposed_url(&format!("exposedUrls[{index}]"), url, issues);
    }
    for (index, toleration) in spec.tolerations.iter().enumerate().filter(|(_, it)| it.exclude != Some(true)) {
        toleration_rules(&format!("tolerations[{index}]"), toleration, issues);
    }
    if let Some(compute) = &spec.compute {
        compute_rules(compute, issues);
    }
    if let Some(storage) = &spec.storage {
        storage_rules(storage, issues);
    }
    if let Some(security) = &spec.security {
        issues.at_least("security.runAsGid", security.run_as_gid, 0);
        issues.at_least("security.runAsUid", security.run_as_uid, 0);
    }
    if let Some(probe) = spec.probes.as_ref().and_then(|probes| probes.readiness.as_ref()) {
        for (field, value, least) in [
            ("probes.readiness.failureThreshold", probe.failure_threshold, 1),
            ("probes.readiness.initialDelaySeconds", probe.initial_delay_seconds, 0),
            ("probes.readiness.periodSeconds", probe.period_seconds, 1),
            ("probes.readiness.successThreshold", probe.success_threshold, 1),
            ("probes.readiness.timeoutSeconds", probe.timeout_seconds, 1),
        ] {
            issues.at_least(field, value, least);
        }
        match probe.handler.as_ref().map(|handler| handler.http_get.as_ref()) {
            None => issues.required("probes.readiness.handler"),
            Some(get) => issues.port("probes.readiness.handler.httpGet.port", get.and_then(|get| get.port)),
        }
    }
}

fn compute_rules(compute: &Compute, issues: &mut Issues) {
    for (field, request, limit) in [
        ("compute.cpuCore", compute.cpu_core_request, compute.cpu_core_limit),
        ("compute.gpuPortion", compute.gpu_portion_request, compute.gpu_portion_limit),
    ] {
        for (part, value) in [("Request", request), ("Limit", limit)] {
            if let Some(value) = value.filter(|value| *value < 0.0) {
                issues.min(format!("{field}{part}"), format!("{value} is less than 0"));
            }
        }
        limit_rule(field, request, limit, issues);
    }
    for (field, request, limit) in [
        ("compute.cpuMemory", compute.cpu_memory_request.as_ref(), compute.cpu_memory_limit.as_ref()),
        ("compute.gpuMemory", compute.gpu_memory_request.as_ref(), compute.gpu_memory_limit.as_ref()),
    ] {
        let request = issues.quantity(format!("{field}Request"), request);
        let limit = issues.quantity(format!("{field}Limit"), limit);
        limit_rule(field, request, limit, issues);
    }
    for (index, resource) in compute.extended_resources.iter().enumerate() {
        if resource.exclude == Some(true) {
            continue;
        }
        issues.text(format!("compute.extendedResources[{index}].resource"), resource.resource.as_ref());
        issues.text(format!("compute.extendedResources[{index}].quantity"), resource.quantity.as_ref());
        let quantity = resource.quantity.as_ref().filter(|text| !text.is_empty());
        issues.quantity(format!("compute.extendedResources[{index}].quantity"), quantity);
    }
    issues.at_least("compute.gpuDevicesRequest", compute.gpu_devices_request, 0);
    gpu_request_type_rules(compute, issues);
}

/// A request type requires the request of its kind.
///
/// The API description also forbids requests of the other kind, and `memory` for several devices. The behavior of a
/// real control plane is unknown, and the official Python client sends a portion with every request, so these are
/// accepted.
fn gpu_request_type_rules(compute: &Compute, issues: &mut Issues) {
    match compute.gpu_request_type {
        Some(GpuRequestType::Memory) if compute.gpu_memory_request.is_none() => {
            issues.required("compute.gpuMemoryRequest");
        }
        Some(GpuRequestType::Portion) if compute.gpu_portion_request.is_none() => {
            issues.required("compute.gpuPortionRequest");
        }
        _ => {}
    }
    if let Some(portion) = compute.gpu_portion_request.filter(|portion| *portion > 1.0) {
        issues.max("compute.gpuPortionRequest", format!("{portion} is more than 1"));
    }
}

fn limit_rule(field: &str, request: Option<f64>, limit: Option<f64>, issues: &mut Issues) {
    if let (Some(request), Some(limit)) = (request, limit)
        && limit < request
    {
        issues.min(format!("{field}Limit"), "is less than the request");
    }
}

fn environment_variable(path: &str, variable: &EnvironmentVariable, issues: &mut Issues) {
    issues.text(format!("{path}.name"), variable.name.as_ref());
    let sources = [
        variable.value.is_some(),
        variable.config_map.is_some(),
        variable.pod_field_ref.is_some(),
        variable.secret.is_some(),
        variable.user_credential.is_some(),
    ];
    let count = sources.into_iter().filter(|given| *given).count();
    if count > 1 {
        issues.add(path, "has more than one source of its value");
    } else if count == 0 && variable.exclude != Some(true) {
        issues.required(format!("{path}.value"));
    }
    if let Some(config_map) = &variable.config_map {
        issues.object(format!("{path}.configMap.name"), config_map.name.as_ref());
        issues.text(format!("{path}.configMap.key"), config_map.key.as_ref());
    }
    if let Some(secret) = &variable.secret {
        issues.object(format!("{path}.secret.name"), secret.name.as_ref());
        issues.text(format!("{path}.secret.key"), secret.key.as_ref());
    }
    if let Some(field) = &variable.pod_field_ref {
        issues.text(format!("{path}.podFieldRef.path"), field.path.as_ref());
    }
    if let Some(credential) = &variable.user_credential {
        issues.text(format!("{path}.userCredential.name"), credential.name.as_ref());
        issues.text(format!("{path}.userCredential.key"), credential.key.as_ref());
    }
}

fn exposed_url(path: &str, url: &ExposedUrl, issues: &mut Issues) {
    if url.container.is_none() {
        issues.required(format!("{path}.container"));
    }
    issues.port(format!("{path}.container"), url.container);
    if !url.authorized_users.is_empty() && !url.authorized_groups.is_empty() {
        issues.add(format!("{path}.authorizedGroups"), "cannot be combined with `authorizedUsers`");
    }
}

fn toleration_rules(path: &str, toleration: &Toleration, issues: &mut Issues) {
    let exists = toleration.operator == Some(TolerationOperator::Exists);
    if toleration.key.as_ref().is_none_or(String::is_empty) && !exists {
        issues.required(format!("{path}.key"));
    }
    if exists && toleration.value.as_ref().is_some_and(|value| !value.is_empty()) {
        issues.add(format!("{path}.value"), "is not allowed with the operator `Exists`");
    }
    issues.at_least(format!("{path}.seconds"), toleration.seconds, 1);
    if toleration.seconds.is_some() && toleration.effect != Some(TolerationEffect::NoExecute) {
        issues.add(format!("{path}.seconds"), "is only allowed with the effect `NoExecute`");
    }
}

fn label_key(field: &str, key: Option<&String>, issues: &mut Issues) {
    match key {
        None => issues.required(field),
        Some(key) if !is_label_key(key) => issues.add(field, format!("invalid label key `{key}`")),
        Some(_) => {}
    }
}

/// Maximum number of pods of a workload: a limit of the simulator, not of the API.
const MAX_PODS: i64 = 10_000;
