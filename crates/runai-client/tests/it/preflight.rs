//! Findings of a preflight.

use std::time::Duration;

use runai_api::permissions::Permissions;
use runai_api::wire::TrainingCreationRequest;
use runai_client::transport::{Request, Response, Transport, TransportError, TransportErrorKind};
use runai_client::{BoxFuture, Check, Client, Preflight, PreflightSubject, StepOperator, Verdict};
use runai_sim::{Node, Policy, Project, Quota, Role, Simulator, Template};
use runai_spec::permissions::permissions;
use runai_spec::{Context, Resolver, Source, setting_of};
use runai_syntax::Format;
use serde_json::json;

use crate::network::{Fate, InMemory, client, operator};

const TEMPLATE: &str = "550e8400-e29b-41d4-a716-446655440000";

fn step(settings: &str) -> (TrainingCreationRequest, Permissions) {
    let text = format!("image: python:3.12\ncommand: [python]\nsettings: {{{settings}}}\n");
    let resolution = Resolver::new(Source { name: "step", text: &text, format: Format::Yaml }).resolve();
    let step = resolution.step().unwrap_or_else(|| panic!("{:?}", resolution.diagnostics()));
    (step.render(&Context::default()), permissions(&resolution))
}

/// Returns the subject of a preflight of `request`.
pub(crate) fn subject(request: &TrainingCreationRequest) -> PreflightSubject<'_> {
    PreflightSubject::new(request, &setting_of)
}

async fn preflight(operator: &StepOperator, settings: &str) -> Preflight {
    let (request, permissions) = step(settings);
    let found = operator.preflight(Some(subject(&request)), Some(&permissions)).await;
    for finding in &found.findings {
        assert!(finding.verdict != Verdict::Fail || finding.hint.is_some(), "{finding:?}");
    }
    found
}

#[track_caller]
fn has(found: &Preflight, check: Check, verdict: Verdict, words: &str) {
    let fits = |finding: &&runai_client::PreflightFinding| {
        finding.check == check && finding.verdict == verdict && finding.message.contains(words)
    };
    assert!(found.findings.iter().any(|finding| fits(&finding)), "{check} {verdict:?} `{words}` is not in {found:#?}");
}

#[tokio::test(start_paused = true)]
async fn passes_valid_step() {
    let sim = Simulator::builder().role(Role::AiPractitioner, ["sim-project"]).in_memory().unwrap();
    let found = preflight(&operator(&sim), "node_pools: [default], gpu_portion_request: 0.5").await;
    assert!(found.passed() && found.placement.is_some(), "{found:#?}");
    for check in [
        Check::Connectivity,
        Check::Credentials,
        Check::Project,
        Check::Cluster,
        Check::NodePools,
        Check::Quota,
        Check::Policy,
        Check::Permissions,
    ] {
        has(&found, check, Verdict::Pass, "");
    }
    let written = serde_json::to_value(&found).unwrap();
    assert_eq!(written["findings"][0]["check"], "reach");
}

#[tokio::test(start_paused = true)]
async fn minimal_role_passes_without_policy() {
    let sim = Simulator::builder().role(Role::LeastPrivilege, ["sim-project"]).in_memory().unwrap();
    let found = preflight(&operator(&sim), "").await;
    assert!(found.passed(), "{found:#?}");
    has(&found, Check::Policy, Verdict::Unknown, "lacks permission to view policies");
}

#[tokio::test(start_paused = true)]
async fn reports_all_problems() {
    let node = |pool: &str| Node { node_pool: pool.into(), ..Node::default() };
    let quota = Quota { gpus: Some(2.0), gpu_limit: Some(4.0), ..Quota::default() };
    let sim = Simulator::builder()
        .nodes([node("a100"), node("h100")])
        .projects_with_quotas([Project::named("vision").quota("a100", quota)])
        .policy(Policy {
            defaults: json!({}),
            rules: json!({"compute": {"cpuCoreRequest": {"max": 4}}, "priorityClass": {"options": [{"value": "low"}]}}),
        })
        .template(Template { id: TEMPLATE.into(), name: "small".into(), spec: json!({}) })
        .in_memory()
        .unwrap();
    let operator = StepOperator::new(client(&sim, |_| Fate::Arrives), "vision");

    let found = preflight(&operator, "node_pools: [a10, a100]").await;
    has(&found, Check::NodePools, Verdict::Fail, "`a10` does not exist");
    has(&found, Check::NodePools, Verdict::Pass, "`a100`");
    let finding = found.findings.iter().find(|finding| finding.verdict == Verdict::Fail).unwrap();
    assert_eq!(finding.pointer.as_deref(), Some("/settings/node_pools"));
    assert!(finding.hint.as_deref().unwrap().contains("`a100`"), "{finding:?}");

    let found = preflight(&operator, "node_pools: [a100], gpu_devices_request: 8").await;
    has(&found, Check::Quota, Verdict::Fail, "requests 8 GPUs, the project's limit is 4");
    let found = preflight(&operator, "node_pools: [a100], gpu_devices_request: 3").await;
    has(&found, Check::Quota, Verdict::Warn, "requests 3 GPUs, the project's quota is 2");
    let found =
        preflight(&operator, "node_pools: [a100], gpu_devices_request: 3, preemptibility: non-preemptible").await;
    has(&found, Check::Quota, Verdict::Fail, "non-preemptible");
    let found = preflight(&operator, "gpu_devices_request: 8, node_pools: [h100]").await;
    has(&found, Check::Quota, Verdict::Pass, "");
    let found = preflight(&operator, "gpu_request_type: memory, gpu_memory_request: 8Gi").await;
    has(&found, Check::Quota, Verdict::Unknown, "memory");
    let settings = "gpu_request_type: memory, gpu_memory_request: 8Gi, cpu_memory_request: 2T, node_pools: [a100]";
    let found = preflight(&operator, settings).await;
    has(&found, Check::Quota, Verdict::Warn, "requests 2000 GB of memory, the project's quota is 1099.51");

    let found = preflight(&operator, "cpu_core_request: 8, priority_class: high").await;
    has(&found, Check::Policy, Verdict::Fail, "rule `max` of the tenant's policy");
    has(&found, Check::Policy, Verdict::Fail, "`priorityClass`");
    let pointers: Vec<_> = found.findings.iter().filter_map(|finding| finding.pointer.as_deref()).collect();
    assert!(pointers.contains(&"/settings/cpu_core_request") && pointers.contains(&"/settings/priority_class"));

    let found = preflight(&operator, &format!("workload_template_id: {TEMPLATE}")).await;
    has(&found, Check::Template, Verdict::Pass, "`small`");
    let found = preflight(&operator, &format!("workload_template_id: {}", TEMPLATE.replace('5', "6"))).await;
    has(&found, Check::Template, Verdict::Fail, "does not exist");
}

#[tokio::test(start_paused = true)]
async fn reports_insufficient_role() {
    let sim = Simulator::builder().role(Role::MlEngineer, ["sim-project"]).in_memory().unwrap();
    let found = preflight(&operator(&sim), "").await;
    for verb in ["Create", "Edit"] {
        has(&found, Check::Permissions, Verdict::Fail, &format!("Trainings → {verb}"));
    }
    let sim =
        Simulator::builder().projects(["mine", "theirs"]).role(Role::AiPractitioner, ["theirs"]).in_memory().unwrap();
    let found = StepOperator::new(client(&sim, |_| Fate::Arrives), "mine").preflight(None, None).await;
    has(&found, Check::Project, Verdict::Fail, "`mine` does not exist or is not visible");
    assert!(found.error.unwrap().is_not_found());
}

#[tokio::test(start_paused = true)]
async fn stops_after_fatal_error() {
    struct Failing(TransportErrorKind);
    impl Transport for Failing {
        fn send<'a>(&'a self, _: &'a Request, _: Duration) -> BoxFuture<'a, Result<Response, TransportError>> {
            Box::pin(async { Err(TransportError::not_sent(self.0, "as the test says")) })
        }
    }
    for (failure, words) in [
        (TransportErrorKind::Connect, "cannot connect"),
        (TransportErrorKind::Tls, "cannot establish a TLS connection"),
    ] {
        let client = Client::builder("https://runai.test").credentials("id", "secret").transport(Failing(failure));
        let found = StepOperator::new(client.build().unwrap(), "vision").preflight(None, None).await;
        has(&found, Check::Connectivity, Verdict::Fail, words);
        assert!(found.findings.len() == 1 && found.error.unwrap().is_unreachable());
    }

    let sim = Simulator::builder().in_memory().unwrap();
    let wrong = Client::builder("http://localhost")
        .credentials(sim.client_id(), "not the secret")
        .transport(InMemory::new(&sim, |_| Fate::Arrives))
        .build()
        .unwrap();
    let found = StepOperator::new(wrong, sim.project()).preflight(None, None).await;
    has(&found, Check::Connectivity, Verdict::Pass, "responds");
    has(&found, Check::Credentials, Verdict::Fail, "refused the credentials");

    let page = client(&sim, |_| Fate::MeetsAPage(200));
    let found = StepOperator::new(page, sim.project()).preflight(None, None).await;
    has(&found, Check::Connectivity, Verdict::Fail, "");
    let other = StepOperator::new(client(&sim, |_| Fate::Arrives), sim.project()).cluster_name("elsewhere");
    let found = other.preflight(None, None).await;
    has(&found, Check::Project, Verdict::Fail, "`elsewhere`");
}
