//! `runai-step snapshot`: names and limits of a control plane as a file, for editors.

use std::fs;

use futures_util::stream::TryStreamExt as _;
use runai_api::policy::EffectivePolicy;
use runai_api::wire::{NodePool, Project};
use runai_client::{Client, Error, ListParams, Template};
use runai_ide::{ClusterFacts, NodePoolFacts, ProjectFacts, QuotaFacts, TemplateFacts};
use runai_spec::PRIORITY_CLASSES;
use serde_json::{Value, json};

use crate::args::SnapshotArgs;
use crate::config::connect::Connection;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::runtime::block_on;

/// Asks for what completion and the policy check need, and writes it.
pub(crate) fn snapshot(args: &SnapshotArgs) -> Result<Exit, Failure> {
    let connection = Connection::open(&args.config, &args.connect, Vec::new())?;
    block_on(async {
        let project = connection.project_name.as_deref();
        let facts = connection.with_timeout(facts(connection.client(), project)).await?;
        let Some(path) = &args.output else { return Ok(output::exit_of(&output::json_pretty(&facts))) };
        let text = serde_json::to_string_pretty(&facts).unwrap_or_default() + "\n";
        fs::write(path, text)
            .map_err(|error| Failure::usage(format!("`{}` cannot be written: {error}", path.display())))?;
        Ok(Exit::Success)
    })
}

/// Projects are needed; what the credentials may not see otherwise is left out.
async fn facts(client: &Client, project: Option<&str>) -> Result<ClusterFacts, Failure> {
    let projects = client.projects(&ListParams::default()).await?;
    let clusters = optional("clusters", client.clusters().await);
    let own = project.and_then(|name| projects.iter().find(|own| own.name == name));
    let mut node_pools = Vec::new();
    for cluster in clusters.iter().filter(|cluster| own.is_none_or(|own| own.cluster_id == cluster.uuid)) {
        node_pools.extend(optional("node pools", client.node_pools(&cluster.uuid).await).into_iter().map(node_pool));
    }
    node_pools.sort_by(|one, other| one.name.cmp(&other.name));
    node_pools.dedup_by(|one, other| one.name == other.name);
    let templates = optional("templates", client.list_templates(&ListParams::default()).try_collect::<Vec<_>>().await);
    let policy = match own {
        Some(own) => optional("policy", client.effective_policy(&own.id).await.map(Some)),
        None => None,
    };
    Ok(ClusterFacts {
        clusters: clusters.into_iter().map(|cluster| cluster.name).collect(),
        projects: projects.into_iter().map(project_facts).collect(),
        node_pools,
        priority_classes: PRIORITY_CLASSES.map(str::to_owned).to_vec(),
        templates: templates.into_iter().filter_map(template).collect(),
        // The API has no list of claims.
        claims: Vec::new(),
        policy: policy.map(without_environment),
    })
}

fn optional<T: Default>(what: &str, answer: Result<T, Error>) -> T {
    answer.unwrap_or_else(|error| {
        output::status(&format!("no {what}: {}", Failure::from(error).message));
        T::default()
    })
}

fn project_facts(project: Project) -> ProjectFacts {
    let quota = |resources: runai_api::wire::ProjectResources| {
        Some(QuotaFacts { node_pool: resources.node_pool?.name?, gpus: resources.gpu.deserved })
    };
    ProjectFacts {
        name: project.name,
        gpu_quota: project.total_resources.and_then(|total| total.gpu_quota),
        quotas: project.resources.into_iter().filter_map(quota).collect(),
    }
}

fn node_pool(pool: NodePool) -> NodePoolFacts {
    NodePoolFacts { name: pool.name, phase: pool.phase }
}

fn template(template: Template) -> Option<TemplateFacts> {
    let meta = template.meta;
    (!meta.id.is_empty()).then_some(TemplateFacts { id: meta.id, name: meta.name })
}

/// The policy without values of environment variables, which may be secrets.
fn without_environment(policy: EffectivePolicy) -> Value {
    let EffectivePolicy { defaults, rules, .. } = policy;
    let mut policy = json!({"defaults": defaults, "rules": rules});
    hide(&mut policy, false);
    policy
}

fn hide(value: &mut Value, in_environment: bool) {
    match value {
        Value::Object(members) => {
            if in_environment {
                members.remove("value");
            }
            for (name, member) in members {
                hide(member, in_environment || name == "environmentVariables");
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| hide(item, in_environment)),
        Value::String(text) if text.contains("://") && text.contains('@') => text.clear(),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_loses_values_of_the_environment_and_credentials() {
        let mut policy = json!({
            "defaults": {
                "environmentVariables": {"instances": [{"name": "HF_TOKEN", "value": "canary"}]},
                "storage": {"git": [{"repository": "https://me:canary@host/a"}]},
                "compute": {"cpuMemoryRequest": "4G"},
            },
            "rules": {"priorityClass": {"options": [{"value": "low"}]}},
        });
        hide(&mut policy, false);
        assert!(!policy.to_string().contains("canary"), "{policy}");
        assert_eq!(policy["defaults"]["environmentVariables"]["instances"][0]["name"], "HF_TOKEN");
        assert_eq!(policy["rules"]["priorityClass"]["options"][0]["value"], "low");
    }
}
