//! Detects files of other systems by their keys.

use runai_syntax::{Format, Map, Node, SourceId, Value};

use crate::diagnostic::RawDiagnostic;
use crate::rules::text::SEVERAL_DOCUMENTS;
use crate::syntax::parse;

/// Returns the description of the file, if it belongs to another system.
///
/// Detection uses keys that supported documents never have, so a valid file is never rejected.
pub(crate) fn foreign(root: &Map<'_>) -> Option<&'static str> {
    let text = |key: &str| root.get(key).and_then(Node::as_str);
    let map = |key: &str| root.get(key).and_then(Node::as_map);
    let list = |key: &str| match root.get(key).map(|node| &node.value) {
        Some(Value::List(items)) => Some(items.as_slice()),
        _ => None,
    };
    let has = |keys: &[&str]| keys.iter().all(|key| root.get(key).is_some());
    let any = |keys: &[&str]| keys.iter().any(|key| root.get(key).is_some());
    if let (Some(version), Some(_)) = (text("apiVersion"), text("kind")) {
        let group = version.split('/').next().unwrap_or_default();
        let is_runai = group == "run.ai" || group.ends_with(".run.ai");
        return Some(if is_runai { "a Run:ai custom resource" } else { "a Kubernetes manifest" });
    }
    if map("services").is_some_and(|services| services.0.iter().all(|service| service.value.as_map().is_some())) {
        return Some("a Docker Compose file");
    }
    let dstack = ["dev-environment", "fleet", "gateway", "service", "task", "volume"];
    let is_dstack = any(&[
        "commands",
        "ide",
        "python",
        "nodes",
        "resources",
        "backends",
        "backend",
        "port",
        "fleets",
        "instances",
        "domain",
        "region",
        "ssh_config",
    ]);
    if text("type").is_some_and(|of| dstack.contains(&of)) && is_dstack {
        return Some("a dstack configuration");
    }
    let run = text("run").is_some() || text("setup").is_some();
    if run && any(&["resources", "num_nodes", "file_mounts", "envs", "workdir", "setup", "service"]) {
        return Some("a SkyPilot task");
    }
    if map("jobs").is_some() && any(&["on", "true", "permissions", "name", "env", "defaults", "concurrency"]) {
        return Some("a GitHub workflow");
    }
    let steps = list("steps");
    let step_has = |keys: &[&str]| {
        steps.is_some_and(|steps| {
            steps.iter().filter_map(Node::as_map).any(|step| keys.iter().any(|key| step.get(key).is_some()))
        })
    };
    let is_azure = any(&["trigger", "pool", "stages", "pr", "vmImage", "variables"])
        && (steps.is_some() || list("jobs").is_some() || list("stages").is_some());
    if is_azure || step_has(&["task", "script", "bash", "pwsh", "powershell", "checkout"]) {
        return Some("an Azure pipeline");
    }
    if map("runs").is_some() || step_has(&["uses"]) {
        return Some("a GitHub action");
    }
    if step_has(&["args", "entrypoint", "waitFor"])
        || steps.is_some() && any(&["substitutions", "images", "artifacts", "availableSecrets"])
    {
        return Some("a Cloud Build configuration");
    }
    let wait = |steps: &[Node<'_>]| steps.iter().any(|step| matches!(step.as_str(), Some("wait" | "block")));
    if step_has(&["command", "commands", "label", "wait", "block", "plugins", "agents"]) || steps.is_some_and(wait) {
        return Some("a Buildkite pipeline");
    }
    if has(&["schema", "$graph"]) || any(&["cwlVersion"]) {
        return Some("a CWL workflow");
    }
    steps.map(|_| "a pipeline of another system, with a list of `steps`")
}

/// Returns the description of a file of several documents whose first document belongs to another system, such as
/// Kubernetes manifests. `diagnostic` is at the second document.
pub(crate) fn foreign_first_document(text: &str, diagnostic: &RawDiagnostic) -> Option<&'static str> {
    let first = text.get(..diagnostic.span.start as usize).filter(|_| diagnostic.rule == &SEVERAL_DOCUMENTS)?;
    let root = parse(first, Format::Yaml, SourceId(0)).ok()?;
    root.as_map().and_then(foreign)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<&'static str> {
        foreign(parse(text, Format::Yaml, SourceId(0)).unwrap().as_map().unwrap())
    }

    #[test]
    fn recognizes_other_systems() {
        for (text, name) in [
            ("apiVersion: batch/v1\nkind: Job\nspec: {}\n", "a Kubernetes manifest"),
            ("apiVersion: run.ai/v2alpha1\nkind: TrainingWorkload\nspec: {}\n", "a Run:ai custom resource"),
            ("resources: {accelerators: A100}\nrun: python train.py\n", "a SkyPilot task"),
            ("type: task\nimage: a/b\ncommands: [x]\n", "a dstack configuration"),
            ("services: {web: {image: a/b}}\n", "a Docker Compose file"),
            ("steps:\n  - name: gcr.io/cloud-builders/docker\n    args: [build]\n", "a Cloud Build configuration"),
            ("trigger: [main]\npool: {vmImage: ubuntu-latest}\nsteps:\n  - script: make\n", "an Azure pipeline"),
            ("steps:\n  - label: test\n    command: make\n", "a Buildkite pipeline"),
            ("on: push\njobs: {test: {runs-on: ubuntu-latest}}\n", "a GitHub workflow"),
            ("steps: [a]\n", "a pipeline of another system, with a list of `steps`"),
        ] {
            assert_eq!(found(text), Some(name), "{text}");
        }
    }

    #[test]
    fn accepts_supported_files() {
        for text in [
            "image: a/b\ncommand: [x]\nenvironment: {A: b}\nsettings: {gpu_devices_request: 1}\n",
            "runai_base_url: https://example.com\n",
            "gpu_portion_request: 0.5\n",
            "environment: {A: b}\nsteps: {train: {settings: {step_operator: {}}}}\n",
            "enable_cache: true\ntags: [a]\n",
        ] {
            assert_eq!(found(text), None, "{text}");
        }
    }
}
