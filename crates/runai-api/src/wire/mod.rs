//! Bodies of the Run:ai REST API of control plane 2.24.
//!
//! Request bodies ([`TrainingCreationRequest`] and its members) use enums. Responses keep phases, states and other
//! values as strings, because a newer control plane may add values.
//!
//! All types follow the same conventions. A missing member is `None` or an empty list, and is omitted from the JSON. A
//! null counts as missing, also for a list and inside one. Unknown members are ignored. Timestamps are the API's
//! RFC 3339 strings.
//!
//! ```
//! use runai_api::wire::{TrainingCreationRequest, requests};
//!
//! let body = r#"{"name": "fit", "projectId": "1", "clusterId": "c", "spec": {"image": "python:3.12", "labels": null}}"#;
//! let training: TrainingCreationRequest = serde_json::from_str(body)?;
//! assert_eq!(training.spec.image.as_deref(), Some("python:3.12"));
//! assert_eq!(requests::create_training(&training).path, "/api/v1/workloads/trainings");
//! # Ok::<(), serde_json::Error>(())
//! ```

mod compute;
mod environment;
mod error;
mod list;
mod network;
mod organization;
mod pattern;
pub mod requests;
mod scheduling;
mod security;
mod storage;
mod token;
mod training;
mod workload;

use serde::{Deserialize, Deserializer};

pub use self::{
    compute::{Compute, ExtendedResource, GpuRequestType},
    environment::{
        EnvironmentVariable, EnvironmentVariableConfigMap, EnvironmentVariablePodFieldRef, EnvironmentVariableSecret,
        EnvironmentVariableUserCredential,
    },
    error::{ComplianceIssue, ErrorBody, HttpResponse},
    network::{
        AuthorizationType, ExposedUrl, Port, PortServiceType, Probe, ProbeHandler, ProbeHttpGet, ProbeScheme, Probes,
        RelatedUrl,
    },
    organization::{
        Cluster, ClusterStatus, NodePool, NodePoolList, Project, ProjectEffective, ProjectList, ProjectNodePool,
        ProjectResources, ProjectStatus, ProjectTotals, QuotaStatus, QuotaUse, ResourceQuota,
    },
    scheduling::{
        MatchExpression, MatchExpressionOperator, NodeAffinityRequired, NodeSelectorTerm, PodAffinity, PodAffinityType,
        Preemptibility, Toleration, TolerationEffect, TolerationOperator,
    },
    security::{Capability, SeccompProfileType, Security, UidGidSource},
    storage::{
        AccessModes, ClaimAttribute, ClaimInfo, ConfigMapVolume, DataVolume, EmptyDirVolume, Git,
        GitAuthenticationMethod, GitSecretRef, HostPath, MountPropagation, Nfs, Pvc, S3, SecretVolume, Storage,
        VolumeMode,
    },
    token::{OAuthError, OAuthTokenRequest, OAuthTokenResponse, TokenRequest, TokenResponse},
    training::{
        Annotation, ImagePullPolicy, ImagePullSecret, Label, RestartPolicy, Training, TrainingCreationRequest,
        TrainingSpec,
    },
    workload::{
        ActionsSupport, AllocatedResources, Condition, Event, EventList, HistoryList, HistoryMeta, HistoryRecord,
        HistorySpec, InvolvedObject, PendingSchedulingMessage, PhaseUpdate, RequestedPods, RequestedResources,
        ResourceCores, ResourceQuantity, Workload, WorkloadList,
    },
};

/// Deserializes a list that may be null or contain nulls.
fn list<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let items = Option::<Vec<Option<T>>>::deserialize(deserializer)?;
    Ok(items.into_iter().flatten().flatten().collect())
}

/// Deserializes a nullable value; null becomes the type's default.
pub(crate) fn nullable<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// Returns a body with every member of [`TrainingCreationRequest`].
    fn everything() -> Value {
        serde_json::from_str(include_str!("every-member.json")).unwrap()
    }

    #[test]
    fn round_trips_full_body() {
        let body = everything();
        let request: TrainingCreationRequest = serde_json::from_value(body.clone()).unwrap();
        assert_eq!(serde_json::to_value(&request).unwrap(), body);
    }

    #[test]
    fn full_body_has_all_members() {
        let schema = schemars::schema_for!(TrainingCreationRequest);
        let missing = missing_members(schema.as_value(), schema.as_value(), &[everything()], "");
        assert_eq!(missing, Vec::<String>::new());
    }

    /// Returns paths of members in `schema` that none of `values` has.
    fn missing_members(root: &Value, schema: &Value, values: &[Value], path: &str) -> Vec<String> {
        if let Some(name) = schema["$ref"].as_str() {
            return missing_members(root, &root["$defs"][name.trim_start_matches("#/$defs/")], values, path);
        }
        if let Some(choices) = schema["anyOf"].as_array() {
            return choices.iter().flat_map(|choice| missing_members(root, choice, values, path)).collect();
        }
        if schema["items"].is_object() {
            let items: Vec<Value> = values.iter().filter_map(Value::as_array).flatten().cloned().collect();
            return missing_members(root, &schema["items"], &items, path);
        }
        let mut missing = Vec::new();
        for (name, member) in schema["properties"].as_object().into_iter().flatten() {
            let path = format!("{path}/{name}");
            let values: Vec<Value> = values.iter().filter_map(|value| value.get(name)).cloned().collect();
            if values.is_empty() {
                missing.push(path);
            } else {
                missing.extend(missing_members(root, member, &values, &path));
            }
        }
        missing
    }

    #[test]
    fn enums_match_api() {
        let schema = schemars::schema_for!(TrainingCreationRequest);
        let mut words = Vec::new();
        for (name, definition) in schema.as_value()["$defs"].as_object().unwrap() {
            let choices = definition["oneOf"].as_array().into_iter().flatten();
            let choices: Vec<&str> = choices.filter_map(|choice| choice["const"].as_str()).collect();
            if !choices.is_empty() {
                words.push(format!("{name}: {}", choices.join(" ")));
            }
        }
        words.sort();
        assert_eq!(
            words,
            [
                "AuthorizationType: authenticatedUsers authorizedGroups authorizedUsers",
                "Capability: AUDIT_CONTROL AUDIT_READ AUDIT_WRITE BLOCK_SUSPEND CHOWN DAC_OVERRIDE DAC_READ_SEARCH \
                 FOWNER FSETID IPC_LOCK IPC_OWNER KILL LEASE LINUX_IMMUTABLE MAC_ADMIN MAC_OVERRIDE MKNOD NET_ADMIN \
                 NET_BIND_SERVICE NET_BROADCAST NET_RAW SETFCAP SETGID SETPCAP SETUID SYS_ADMIN SYS_BOOT SYS_CHROOT \
                 SYS_MODULE SYS_NICE SYS_PACCT SYS_PTRACE SYS_RAWIO SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG SYSLOG \
                 WAKE_ALARM",
                "GitAuthenticationMethod: password ssh-key",
                "GpuRequestType: memory portion",
                "ImagePullPolicy: Always IfNotPresent Never",
                "MatchExpressionOperator: DoesNotExist Exists Gt In Lt NotIn",
                "MountPropagation: HostToContainer None",
                "PodAffinityType: Preferred Required",
                "PortServiceType: ClusterIP LoadBalancer NodePort",
                "Preemptibility: non-preemptible preemptible semi-preemptible",
                "ProbeScheme: HTTP HTTPS",
                "RestartPolicy: Always Never OnFailure",
                "SeccompProfileType: Localhost RuntimeDefault Unconfined",
                "TolerationEffect: Any NoExecute NoSchedule PreferNoSchedule",
                "TolerationOperator: Equal Exists",
                "UidGidSource: custom fromIdpToken fromTheImage",
                "VolumeMode: Block Filesystem",
            ]
        );
    }

    #[test]
    fn accepts_nulls_and_unknown_members() {
        let request: TrainingCreationRequest = serde_json::from_value(json!({
            "name": "fit",
            "projectId": "1",
            "clusterId": null,
            "templateId": null,
            "addedLater": {"x": 1},
            "spec": {
                "compute": null,
                "labels": null,
                "nodePools": [null, "a"],
                "storage": {"pvc": [null, {"path": "/c", "addedLater": true}], "nfs": null},
                "tolerations": [{"key": null, "operator": "Exists"}]
            }
        }))
        .unwrap();
        assert_eq!(
            serde_json::to_value(&request).unwrap(),
            json!({
                "clusterId": "",
                "name": "fit",
                "projectId": "1",
                "spec": {
                    "nodePools": ["a"],
                    "storage": {"pvc": [{"path": "/c"}]},
                    "tolerations": [{"operator": "Exists"}]
                }
            })
        );
    }

    #[test]
    fn detects_empty_objects() {
        assert!(Compute::default().is_empty() && Security::default().is_empty() && Storage::default().is_empty());
        assert!(!Compute { large_shm_request: Some(false), ..Compute::default() }.is_empty());
    }

    #[test]
    fn accepts_unknown_enum_values() {
        let training: Training = serde_json::from_value(json!({
            "name": "fit",
            "actualPhase": "Hibernating",
            "departmentId": null,
            "spec": {"image": "i", "preemptibility": "half-preemptible"}
        }))
        .unwrap();
        assert_eq!(training.actual_phase.as_deref(), Some("Hibernating"));
        assert!(training.spec().is_err());
        assert_eq!(Training::default().spec().unwrap(), TrainingSpec::default());

        let list: WorkloadList = serde_json::from_value(json!({
            "workloads": [null, {
                "id": "u",
                "phase": "Hibernating",
                "conditions": null,
                "environmentVariables": null,
                "pendingSchedulingMessages": null,
                "phaseReason": "OutOfLuck",
                "type": "Training",
                "totalRunningTimeSeconds": 7
            }]
        }))
        .unwrap();
        assert_eq!((list.next, list.workloads.len()), (None, 1));
        assert_eq!(list.workloads[0].total_running_time_seconds, Some(7));
    }

    #[test]
    fn parses_error_bodies() {
        let body: ErrorBody = serde_json::from_value(json!({
            "code": 400,
            "message": "refused",
            "complianceIssues": [{"field": "compute.gpuDevicesRequest", "details": "too many", "rule": "max"}]
        }))
        .unwrap();
        assert_eq!(body.compliance_issues[0].field, "compute.gpuDevicesRequest");
        let body: ErrorBody =
            serde_json::from_value(json!({"code": 404, "message": "no", "complianceIssues": null})).unwrap();
        assert_eq!((body.code, body.compliance_issues.len()), (404, 0));
    }
}
