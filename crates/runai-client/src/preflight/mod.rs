//! Preflight: checks that report what would prevent a step from running, before it is submitted.

mod quota;

use std::fmt;

use http::StatusCode;
use runai_api::SettingPlace;
use runai_api::permissions::{Action, Permission, Permissions};
use runai_api::wire::{Project, TrainingCreationRequest};
use serde::Serialize;

use crate::error::{Error, one_line};
use crate::operator::{Placement, StepOperator, nearest};

/// Returns the setting from which a member of the request was rendered, if there is one.
///
/// The member is a path in the spec, such as `compute.gpuDevicesRequest`. The caller provides this function, because
/// this crate does not depend on settings.
pub type SettingOf<'a> = &'a (dyn Fn(&str, &TrainingCreationRequest) -> Option<SettingPlace> + Sync);

/// The checks of a preflight, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Check {
    /// A control plane responds at the base URL, over a trusted connection.
    #[serde(rename = "reach")]
    Connectivity,
    /// The control plane accepts the credentials.
    Credentials,
    /// The project exists in the configured cluster, and is ready.
    Project,
    /// The project's cluster is connected.
    Cluster,
    /// The requested node pools exist.
    NodePools,
    /// The request is within the project's quota.
    Quota,
    /// The requested template exists.
    Template,
    /// The project's policy allows the request.
    Policy,
    /// The service account has all needed permissions.
    Permissions,
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cluster => "cluster",
            Self::Credentials => "credentials",
            Self::NodePools => "node pools",
            Self::Permissions => "permissions",
            Self::Policy => "policy",
            Self::Project => "project",
            Self::Quota => "quota",
            Self::Connectivity => "control plane",
            Self::Template => "template",
        })
    }
}

/// The result of a [`Check`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Verdict {
    /// The check passed.
    #[serde(rename = "good")]
    Pass,
    /// The check could not be performed.
    Unknown,
    /// The step may run late, or not as intended.
    #[serde(rename = "doubtful")]
    Warn,
    /// The step would not run.
    #[serde(rename = "bad")]
    Fail,
}

/// A finding of a preflight.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PreflightFinding {
    /// The check that reported it.
    pub check: Check,
    /// The result of the check.
    pub verdict: Verdict,
    /// The message, as a fragment without a final period.
    pub message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// JSON pointer to the setting in the step file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
}

/// The findings of a [preflight](StepOperator::preflight).
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct Preflight {
    /// The findings, in the order of the checks. Checks after a fatal error are missing.
    pub findings: Vec<PreflightFinding>,
    /// The project and cluster of workloads, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub placement: Option<Placement>,
    /// The error that ended the preflight early, for its predicates.
    #[serde(skip)]
    pub error: Option<Error>,
}

impl Preflight {
    /// Returns whether no check failed.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.findings.iter().all(|finding| finding.verdict != Verdict::Fail)
    }

    fn add(&mut self, check: Check, verdict: Verdict, message: impl Into<String>) -> &mut PreflightFinding {
        self.findings.push(PreflightFinding { check, verdict, message: message.into(), hint: None, pointer: None });
        let last = self.findings.len() - 1;
        &mut self.findings[last]
    }

    /// Adds the error of a check's request. A missing permission or endpoint leaves the result unknown.
    fn add_request_error(&mut self, check: Check, error: &Error) {
        let is_missing = error.status().is_some_and(|status| {
            matches!(status, StatusCode::FORBIDDEN | StatusCode::NOT_FOUND | StatusCode::NOT_IMPLEMENTED)
        });
        self.add_error(check, if is_missing { Verdict::Unknown } else { Verdict::Fail }, error);
    }

    /// Adds an error with its hint.
    fn add_error(&mut self, check: Check, verdict: Verdict, error: &Error) {
        let hint = error.hint();
        self.add(check, verdict, one_line(error)).hint = hint;
    }
}

impl PreflightFinding {
    fn hint(&mut self, hint: impl Into<String>) -> &mut Self {
        self.hint = Some(hint.into());
        self
    }

    fn at(&mut self, field: &str, PreflightSubject { request, setting_of }: PreflightSubject<'_>) {
        self.pointer = setting_of(field, request).map(|place| place.pointer);
    }
}

/// The request that a preflight checks, and the settings from which it was rendered.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct PreflightSubject<'a> {
    /// The request.
    pub request: &'a TrainingCreationRequest,
    /// Returns the setting of a member of the request.
    pub setting_of: SettingOf<'a>,
}

impl<'a> PreflightSubject<'a> {
    /// Returns the subject of a preflight.
    #[must_use]
    pub const fn new(request: &'a TrainingCreationRequest, setting_of: SettingOf<'a>) -> Self {
        Self { request, setting_of }
    }
}

impl fmt::Debug for PreflightSubject<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PreflightSubject").finish_non_exhaustive()
    }
}

impl StepOperator {
    /// Checks what would prevent a step from running, without changing anything.
    ///
    /// Checks the control plane, the credentials, the project and its cluster. With a `subject` also node pools, quota,
    /// template and policy; with `permissions` also whether they are granted. Ignores the project and cluster ids of
    /// the request. Without a token no further check runs, and without a project only that of the permissions.
    pub async fn preflight(
        &self,
        subject: Option<PreflightSubject<'_>>,
        permissions: Option<&Permissions>,
    ) -> Preflight {
        let mut found = Preflight::default();
        if let Err(error) = self.check_access(&mut found).await {
            found.error = Some(error);
            return found;
        }
        match self.prepare().await {
            Ok(placement) => {
                self.check_placement(&placement, subject, &mut found).await;
                found.placement = Some(placement);
            }
            Err(error) => {
                found.add_error(Check::Project, Verdict::Fail, &error);
                found.error = Some(error);
            }
        }
        if let Some(permissions) = permissions {
            self.check_permissions(permissions, &mut found).await;
        }
        found
    }

    /// Checks the control plane and the credentials.
    async fn check_access(&self, found: &mut Preflight) -> Result<(), Error> {
        let base_url = self.client.base_url();
        if let Err(error) = self.client.authenticate().await {
            let is_reachable = error.is_auth() && !error.is_no_token_endpoint();
            if is_reachable {
                found.add(Check::Connectivity, Verdict::Pass, format!("{base_url} responds"));
            }
            found.add_error(if is_reachable { Check::Credentials } else { Check::Connectivity }, Verdict::Fail, &error);
            return Err(error);
        }
        let transport = if base_url.starts_with("https:") { "over verified TLS" } else { "over plain HTTP" };
        found.add(Check::Connectivity, Verdict::Pass, format!("{base_url} responds {transport}"));
        found.add(Check::Credentials, Verdict::Pass, "the control plane accepts the credentials");
        Ok(())
    }

    /// Checks the project, its cluster and what the request needs there.
    async fn check_placement(
        &self,
        placement: &Placement,
        subject: Option<PreflightSubject<'_>>,
        found: &mut Preflight,
    ) {
        let Placement { project_name, project_id, cluster_id, cluster_name } = placement;
        let cluster = cluster_name.as_ref().unwrap_or(cluster_id);
        let message = format!("project `{project_name}` has id {project_id}, in cluster {cluster}");
        found.add(Check::Project, Verdict::Pass, message);
        let project = match self.client.project(project_id).await {
            Ok(project) => Some(project),
            Err(error) => {
                found.add_request_error(Check::Project, &error);
                None
            }
        };
        if let Some(project) = &project {
            project_state(project, found);
        }
        self.cluster_state(placement, found).await;
        if let Some(subject) = subject {
            self.node_pools(placement, project.as_ref(), subject, found).await;
            if let Some(project) = &project {
                quota::check(project, subject, found);
            }
            self.template(subject, found).await;
            self.policy(placement, subject, found).await;
        }
    }

    async fn cluster_state(&self, placement: &Placement, found: &mut Preflight) {
        let cluster = match self.client.cluster(&placement.cluster_id).await {
            Ok(cluster) => cluster,
            Err(error) => return found.add_request_error(Check::Cluster, &error),
        };
        let name = &cluster.name;
        let state = cluster.status.as_ref().and_then(|status| status.state.as_deref());
        match state {
            Some("Connected") => found.add(Check::Cluster, Verdict::Pass, format!("cluster `{name}` is connected")),
            Some(state @ ("Disconnected" | "WaitingToConnect")) => found
                .add(Check::Cluster, Verdict::Fail, format!("cluster `{name}` is {state}"))
                .hint("ask the cluster's administrator: workloads start once the cluster is connected"),
            Some(state) => found
                .add(Check::Cluster, Verdict::Warn, format!("cluster `{name}` is {state}"))
                .hint("ask the cluster's administrator whether workloads start there"),
            None => found.add(Check::Cluster, Verdict::Unknown, format!("the state of cluster `{name}` is unknown")),
        };
    }

    async fn node_pools(
        &self,
        placement: &Placement,
        project: Option<&Project>,
        subject: PreflightSubject<'_>,
        found: &mut Preflight,
    ) {
        let wanted = &subject.request.spec.node_pools;
        if wanted.is_empty() {
            let defaults = project.and_then(|project| Some(project.effective.as_ref()?.default_node_pools.join(", ")));
            if let Some(defaults) = defaults.filter(|defaults| !defaults.is_empty()) {
                found.add(Check::NodePools, Verdict::Pass, format!("none requested (project default: {defaults})"));
            }
            return;
        }
        let pools = match self.client.node_pools(&placement.cluster_id).await {
            Ok(pools) => pools,
            Err(error) => return found.add_request_error(Check::NodePools, &error),
        };
        for (index, name) in wanted.iter().enumerate() {
            let finding = if let Some(pool) = pools.iter().find(|pool| pool.name == *name) {
                match pool.phase.as_deref() {
                    None | Some("Ready") => {
                        found.add(Check::NodePools, Verdict::Pass, format!("node pool `{name}` exists"))
                    }
                    Some(phase) => found
                        .add(Check::NodePools, Verdict::Warn, format!("node pool `{name}` is {phase}"))
                        .hint("wait until the node pool is ready, or request another one"),
                }
            } else {
                let near = nearest(name, pools.iter().map(|pool| pool.name.as_str()));
                let message = format!("node pool `{name}` does not exist in the project's cluster");
                found.add(Check::NodePools, Verdict::Fail, message).hint(if near.is_empty() {
                    "ask the cluster's administrator for the names of its node pools".to_owned()
                } else {
                    format!("did you mean `{}`?", near.join("`, `"))
                })
            };
            finding.at(&format!("nodePools[{index}]"), subject);
        }
    }

    async fn template(&self, subject: PreflightSubject<'_>, found: &mut Preflight) {
        let Some(id) = &subject.request.template_id else { return };
        let finding = match self.client.template(id).await {
            Ok(template) if template.meta.workload_type.is_empty() || template.meta.workload_type == "Training" => {
                found.add(Check::Template, Verdict::Pass, format!("template `{}` exists", template.meta.name))
            }
            Ok(template) => found
                .add(
                    Check::Template,
                    Verdict::Fail,
                    format!(
                        "template `{}` is for workloads of type {}",
                        template.meta.name, template.meta.workload_type
                    ),
                )
                .hint("choose a template for training workloads"),
            Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => found
                .add(Check::Template, Verdict::Fail, format!("template `{id}` does not exist or is not visible"))
                .hint("use the id of a training template in the scope of the project"),
            Err(error) if error.status() == Some(StatusCode::FORBIDDEN) => found
                .add(Check::Template, Verdict::Fail, "the service account lacks permission to view templates")
                .hint("grant it Templates → View, or remove `workload_template_id`"),
            Err(error) => return found.add_request_error(Check::Template, &error),
        };
        finding.at("templateId", subject);
    }

    async fn policy(&self, placement: &Placement, subject: PreflightSubject<'_>, found: &mut Preflight) {
        let PreflightSubject { request, setting_of } = subject;
        let policy = match self.client.effective_policy(&placement.project_id).await {
            Ok(policy) => policy,
            Err(error) if error.status() == Some(StatusCode::FORBIDDEN) => {
                let message = "the service account lacks permission to view policies";
                found
                    .add(Check::Policy, Verdict::Unknown, message)
                    .hint("grant it Policies → View for this check; a submission does not need it");
                return;
            }
            Err(error) => return found.add_request_error(Check::Policy, &error),
        };
        // Strings, numbers, lists and structs always serialize.
        let violations = policy.violations(&serde_json::to_value(&request.spec).unwrap_or_default());
        if violations.is_empty() {
            found.add(Check::Policy, Verdict::Pass, "the project's policy allows the request");
        }
        for violation in violations {
            let message = format!(
                "`{}`: {} (rule `{}` of {})",
                violation.field, violation.details, violation.rule, violation.source
            );
            let place = setting_of(&violation.field, request);
            let finding = found.add(Check::Policy, Verdict::Fail, message);
            finding.hint = Some(match &place {
                Some(place) => format!("change `{}`, or ask the policy's administrator", place.path),
                None => "ask the policy's administrator".to_owned(),
            });
            finding.pointer = place.map(|place| place.pointer);
        }
    }

    async fn check_permissions(&self, permissions: &Permissions, found: &mut Preflight) {
        let granted = match self.client.permissions().await {
            Ok(granted) => granted,
            Err(error) => return found.add_request_error(Check::Permissions, &error),
        };
        let has = |permission: &Permission| {
            let resources = resources(permission.entity);
            let action = action(permission.action);
            granted.iter().any(|one| {
                resources.contains(&one.resource_type.as_str()) && one.actions.iter().any(|granted| granted == action)
            })
        };
        let missing: Vec<&Permission> = permissions.needed.iter().filter(|permission| !has(permission)).collect();
        let role = permissions.roles.first().map_or("AI practitioner", |role| role.name);
        for permission in &missing {
            let Permission { entity, operation, setting, .. } = permission;
            let verb = permission.action.as_str();
            let what = match setting {
                Some(setting) => format!("{entity} → {verb}, for `{setting}`: {operation}"),
                None => format!("{entity} → {verb}: {operation}"),
            };
            // This endpoint does not list minimal views, and earlier checks have used them.
            let is_certain = permission.action != Action::View;
            let verdict = if is_certain { Verdict::Fail } else { Verdict::Warn };
            found
                .add(Check::Permissions, verdict, format!("the service account lacks {what}"))
                .hint(format!("assign it the role `{role}` in the scope of project `{}`", self.project_name));
        }
        if missing.is_empty() {
            found.add(Check::Permissions, Verdict::Pass, "the service account has all needed permissions");
        }
        let Some(placement) = found.placement.clone() else { return };
        let Ok(rules) = self.client.access_rules().await else { return };
        let elsewhere = !rules.is_empty()
            && rules.iter().all(|rule| rule.scope_type == "project" && rule.scope_id != placement.project_id);
        if elsewhere {
            let names: Vec<&str> = rules.iter().map(|rule| rule.scope_name.as_str()).collect();
            found
                .add(
                    Check::Permissions,
                    Verdict::Fail,
                    format!("the service account has roles in other projects only: {}", names.join(", ")),
                )
                .hint(format!("assign it a role in the scope of project `{}`", placement.project_name));
        }
    }
}

fn project_state(project: &Project, found: &mut Preflight) {
    match project.status.phase.as_deref() {
        None | Some("Ready") => {}
        Some(phase) => {
            let why = project.status.phase_message.as_deref().filter(|why| !why.is_empty());
            let message = match why {
                Some(why) => format!("the project is {phase}: {why}"),
                None => format!("the project is {phase}"),
            };
            found
                .add(Check::Project, Verdict::Warn, message)
                .hint("wait until the project is ready: workloads start then");
        }
    }
}

/// Returns the API's resource types of a permission's entity.
fn resources(entity: &str) -> &'static [&'static str] {
    match entity {
        "Clusters minimal" => &["cluster"],
        "Credentials and data sources" => &["credentials", "s3-assets"],
        "Node pools minimal" => &["nodepools"],
        "Projects" => &["project"],
        "Templates" => &["templates"],
        "Trainings" => &["trainings"],
        "Workloads" => &["workloads"],
        _ => &[],
    }
}

fn action(action: Action) -> &'static str {
    match action {
        Action::Create => "create",
        Action::Delete => "delete",
        Action::Edit => "update",
        Action::View => "read",
    }
}
