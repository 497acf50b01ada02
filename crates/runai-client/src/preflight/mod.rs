//! What would keep a step from running, found out before it is submitted.

mod quota;

use std::fmt;

use http::StatusCode;
use runai_api::SettingPlace;
use runai_api::permissions::{Action, Permission, Permissions};
use runai_api::wire::{Project, TrainingCreationRequest};
use serde::Serialize;

use crate::error::{Error, one_line};
use crate::operator::{Placement, StepOperator, nearest};

/// Returns the setting behind a member of the request, if a setting stands behind it.
///
/// The member is a path in the spec, such as `compute.gpuDevicesRequest`. The program that wrote the request from
/// settings passes it, because this crate knows no settings.
pub type SettingOf<'a> = &'a (dyn Fn(&str, &TrainingCreationRequest) -> Option<SettingPlace> + Sync);

/// What is looked at, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Check {
    /// Whether a control plane answers at the base URL, over a connection that can be trusted.
    Reach,
    /// Whether it takes the credentials.
    Credentials,
    /// Whether the project exists, in the cluster that is configured, and is ready.
    Project,
    /// Whether the project's cluster is connected.
    Cluster,
    /// Whether the node pools exist that the settings name.
    NodePools,
    /// Whether the project is entitled to what the step asks for.
    Quota,
    /// Whether the template exists that the settings name.
    Template,
    /// Whether the project's policy allows what would be sent.
    Policy,
    /// Whether the service account may do all that is needed.
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
            Self::Reach => "control plane",
            Self::Template => "template",
        })
    }
}

/// What came of a [`Check`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Verdict {
    /// As it should be.
    Good,
    /// It cannot be found out, and may be good.
    Unknown,
    /// It will do, perhaps not as it was meant.
    Doubtful,
    /// The step would not run.
    Bad,
}

/// One thing that was found out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PreflightFinding {
    /// What was looked at.
    pub check: Check,
    /// What came of it.
    pub verdict: Verdict,
    /// What was found, as a fragment without a final period.
    pub message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The place in the step file that it is about, as a JSON pointer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
}

/// What a [preflight](StepOperator::preflight) found.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct Preflight {
    /// Everything, in the order in which it was looked at. What could not be looked at any more is not among it.
    pub findings: Vec<PreflightFinding>,
    /// Where workloads go, if that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub placement: Option<Placement>,
    /// The error that kept it from looking at everything, for its predicates.
    #[serde(skip)]
    pub error: Option<Error>,
}

impl Preflight {
    /// Whether nothing bad was found.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.findings.iter().all(|finding| finding.verdict != Verdict::Bad)
    }

    fn find(&mut self, check: Check, verdict: Verdict, message: impl Into<String>) -> &mut PreflightFinding {
        self.findings.push(PreflightFinding { check, verdict, message: message.into(), hint: None, pointer: None });
        let last = self.findings.len() - 1;
        &mut self.findings[last]
    }

    /// What cannot be asked for lack of a permission or of an endpoint may be good all the same.
    fn fail(&mut self, check: Check, error: &Error) {
        let is_missing = error.status().is_some_and(|status| {
            matches!(status, StatusCode::FORBIDDEN | StatusCode::NOT_FOUND | StatusCode::NOT_IMPLEMENTED)
        });
        self.tell(check, if is_missing { Verdict::Unknown } else { Verdict::Bad }, error);
    }

    /// An error says what it is, and what to do.
    fn tell(&mut self, check: Check, verdict: Verdict, error: &Error) {
        let hint = error.hint();
        self.find(check, verdict, one_line(error)).hint = hint;
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

/// The request that a preflight checks, and the settings behind it.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct PreflightSubject<'a> {
    /// The request.
    pub request: &'a TrainingCreationRequest,
    /// Names the settings in what is found.
    pub setting_of: SettingOf<'a>,
}

impl<'a> PreflightSubject<'a> {
    /// Returns the subject of a preflight: a request, and what finds the setting of each of its members.
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
    /// Finds out what would keep a step from running: whether the control plane answers and takes the credentials; and
    /// the project, its cluster, node pools, quota, template and policy, as far as the request of `subject` needs them; and whether
    /// what `permissions` asks for is granted.
    ///
    /// Of the request, the ids of project and cluster do not matter; without one, only the surroundings are looked at.
    /// Nothing is changed. Without a token nothing more can be found out, and without a project only what is allowed.
    pub async fn preflight(
        &self,
        subject: Option<PreflightSubject<'_>>,
        permissions: Option<&Permissions>,
    ) -> Preflight {
        let mut found = Preflight::default();
        if let Err(error) = self.admission(&mut found).await {
            found.error = Some(error);
            return found;
        }
        match self.prepare().await {
            Ok(placement) => {
                self.placed(&placement, subject, &mut found).await;
                found.placement = Some(placement);
            }
            Err(error) => {
                found.tell(Check::Project, Verdict::Bad, &error);
                found.error = Some(error);
            }
        }
        if let Some(permissions) = permissions {
            self.granted(permissions, &mut found).await;
        }
        found
    }

    /// What everything else rests on.
    async fn admission(&self, found: &mut Preflight) -> Result<(), Error> {
        let base_url = self.client.base_url();
        if let Err(error) = self.client.authenticate().await {
            let is_answer = error.is_auth() && !error.is_no_token_endpoint();
            if is_answer {
                found.find(Check::Reach, Verdict::Good, format!("{base_url} answers"));
            }
            found.tell(if is_answer { Check::Credentials } else { Check::Reach }, Verdict::Bad, &error);
            return Err(error);
        }
        let how = if base_url.starts_with("https:") { "over verified TLS" } else { "over plain HTTP" };
        found.find(Check::Reach, Verdict::Good, format!("{base_url} answers, {how}"));
        found.find(Check::Credentials, Verdict::Good, "the service account gets a token");
        Ok(())
    }

    /// What depends on where the workload goes.
    async fn placed(&self, placement: &Placement, subject: Option<PreflightSubject<'_>>, found: &mut Preflight) {
        let Placement { project_name, project_id, cluster_id, cluster_name } = placement;
        let cluster = cluster_name.as_ref().unwrap_or(cluster_id);
        let message = format!("project `{project_name}` has id {project_id}, in cluster {cluster}");
        found.find(Check::Project, Verdict::Good, message);
        let project = match self.client.project(project_id).await {
            Ok(project) => Some(project),
            Err(error) => {
                found.fail(Check::Project, &error);
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
            Err(error) => return found.fail(Check::Cluster, &error),
        };
        let name = &cluster.name;
        let state = cluster.status.as_ref().and_then(|status| status.state.as_deref());
        match state {
            Some("Connected") => found.find(Check::Cluster, Verdict::Good, format!("cluster `{name}` is connected")),
            Some(state @ ("Disconnected" | "WaitingToConnect")) => found
                .find(Check::Cluster, Verdict::Bad, format!("cluster `{name}` is {state}"))
                .hint("workloads start once the cluster is connected again; ask its administrator"),
            Some(state) => found
                .find(Check::Cluster, Verdict::Doubtful, format!("cluster `{name}` is {state}"))
                .hint("ask the cluster's administrator whether workloads start there"),
            None => found.find(Check::Cluster, Verdict::Unknown, format!("the state of cluster `{name}` is not shown")),
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
                found.find(Check::NodePools, Verdict::Good, format!("none named; the project's own: {defaults}"));
            }
            return;
        }
        let pools = match self.client.node_pools(&placement.cluster_id).await {
            Ok(pools) => pools,
            Err(error) => return found.fail(Check::NodePools, &error),
        };
        for (index, name) in wanted.iter().enumerate() {
            let finding = if let Some(pool) = pools.iter().find(|pool| pool.name == *name) {
                match pool.phase.as_deref() {
                    None | Some("Ready") => {
                        found.find(Check::NodePools, Verdict::Good, format!("node pool `{name}` exists"))
                    }
                    Some(phase) => found
                        .find(Check::NodePools, Verdict::Doubtful, format!("node pool `{name}` is {phase}"))
                        .hint("the workload waits until the node pool is ready, or runs in another one that is named"),
                }
            } else {
                let near = nearest(name, pools.iter().map(|pool| pool.name.as_str()));
                let message = format!("node pool `{name}` does not exist in the project's cluster");
                found.find(Check::NodePools, Verdict::Bad, message).hint(if near.is_empty() {
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
                found.find(Check::Template, Verdict::Good, format!("template `{}` exists", template.meta.name))
            }
            Ok(template) => found
                .find(
                    Check::Template,
                    Verdict::Bad,
                    format!(
                        "template `{}` is for workloads of type {}",
                        template.meta.name, template.meta.workload_type
                    ),
                )
                .hint("choose a template for training workloads"),
            Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => found
                .find(Check::Template, Verdict::Bad, format!("template {id} does not exist, or cannot be seen"))
                .hint("take the id of a template for trainings that holds in the scope of the project"),
            Err(error) if error.status() == Some(StatusCode::FORBIDDEN) => found
                .find(Check::Template, Verdict::Bad, "the service account may not view templates")
                .hint("give it Templates → View, or take `workload_template_id` out"),
            Err(error) => return found.fail(Check::Template, &error),
        };
        finding.at("templateId", subject);
    }

    async fn policy(&self, placement: &Placement, subject: PreflightSubject<'_>, found: &mut Preflight) {
        let PreflightSubject { request, setting_of } = subject;
        let policy = match self.client.effective_policy(&placement.project_id).await {
            Ok(policy) => policy,
            Err(error) if error.status() == Some(StatusCode::FORBIDDEN) => {
                let message = "the service account may not view policies";
                found
                    .find(Check::Policy, Verdict::Unknown, message)
                    .hint("nothing more than this check needs Policies → View; the control plane holds the policy against what is sent");
                return;
            }
            Err(error) => return found.fail(Check::Policy, &error),
        };
        // Strings, numbers, lists and structs cannot fail to serialise.
        let violations = policy.violations(&serde_json::to_value(&request.spec).unwrap_or_default());
        if violations.is_empty() {
            found.find(Check::Policy, Verdict::Good, "the project's policy allows what would be sent");
        }
        for violation in violations {
            let message = format!(
                "`{}`: {} (rule `{}` of {})",
                violation.field, violation.details, violation.rule, violation.source
            );
            let place = setting_of(&violation.field, request);
            let finding = found.find(Check::Policy, Verdict::Bad, message);
            finding.hint = Some(match &place {
                Some(place) => format!("change `{}`, or ask whoever keeps the policy", place.path),
                None => "ask whoever keeps the policy".to_owned(),
            });
            finding.pointer = place.map(|place| place.pointer);
        }
    }

    async fn granted(&self, permissions: &Permissions, found: &mut Preflight) {
        let granted = match self.client.permissions().await {
            Ok(granted) => granted,
            Err(error) => return found.fail(Check::Permissions, &error),
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
            // The least views have no name of their own in this answer, and have been used by now.
            let is_sure = permission.action != Action::View;
            let verdict = if is_sure { Verdict::Bad } else { Verdict::Doubtful };
            found
                .find(Check::Permissions, verdict, format!("the service account lacks {what}"))
                .hint(format!("give it the role `{role}` in the scope of project `{}`", self.project_name));
        }
        if missing.is_empty() {
            found.find(Check::Permissions, Verdict::Good, "the service account has all permissions that are needed");
        }
        let Some(placement) = found.placement.clone() else { return };
        let Ok(rules) = self.client.access_rules().await else { return };
        let elsewhere = !rules.is_empty()
            && rules.iter().all(|rule| rule.scope_type == "project" && rule.scope_id != placement.project_id);
        if elsewhere {
            let names: Vec<&str> = rules.iter().map(|rule| rule.scope_name.as_str()).collect();
            found
                .find(
                    Check::Permissions,
                    Verdict::Bad,
                    format!("the service account has roles only in other projects: {}", names.join(", ")),
                )
                .hint(format!("give it a role in the scope of project `{}`", placement.project_name));
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
            found.find(Check::Project, Verdict::Doubtful, message).hint("workloads start once the project is ready");
        }
    }
}

/// What the API calls the things that permissions are about.
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
