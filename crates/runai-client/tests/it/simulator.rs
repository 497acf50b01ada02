//! Against the simulator: in memory with time paused, and over sockets with commands that really run.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http_body_util::BodyExt as _;
use runai_client::transport::{Failure, Request, Response, Sending, Transport, TransportError};
use runai_client::{Client, Error, Event, Placement, StepOperator, Submitted};
use runai_sim::{Exec, Simulator};
use runai_spec::name::{SUBMISSION_LABEL, SubmissionId, workload_name};
use runai_spec::wait::{Outcome, WaitPolicy};
use runai_spec::wire::{EnvironmentVariable, Label, TrainingCreationRequest, TrainingSpec};
use tokio::time::Instant;
use tower::ServiceExt as _;

/// What happens to a request on its way.
#[derive(Clone, Copy, PartialEq)]
enum Fate {
    Arrives,
    AnswerIsLost,
    IsLost,
    MeetsAnError,
}

/// The simulator without a socket, behind a network that does what `fate` says.
struct InMemory<F> {
    router: Router,
    fate: F,
}

impl<F: Fn(&Request) -> Fate + Send + Sync + 'static> Transport for InMemory<F> {
    fn send(&self, request: Request) -> Sending<'_> {
        let fate = (self.fate)(&request);
        let router = self.router.clone();
        Box::pin(async move {
            let Request { method, url, headers, body, .. } = request;
            let lost = || TransportError::maybe_sent(Failure::Interrupted, "connection reset");
            match fate {
                Fate::IsLost => return Err(lost()),
                Fate::MeetsAnError => {
                    let headers = http::HeaderMap::new();
                    return Ok(Response { status: http::StatusCode::SERVICE_UNAVAILABLE, headers, body: Vec::new() });
                }
                Fate::Arrives | Fate::AnswerIsLost => {}
            }
            let mut request = http::Request::new(Body::from(body));
            *request.method_mut() = method;
            *request.uri_mut() = url.as_str().parse().unwrap();
            *request.headers_mut() = headers;
            let (parts, body) = router.oneshot(request).await.unwrap().into_parts();
            let body = body.collect().await.unwrap().to_bytes().to_vec();
            if fate == Fate::AnswerIsLost {
                return Err(lost());
            }
            Ok(Response { status: parts.status, headers: parts.headers, body })
        })
    }
}

fn client(sim: &Simulator, fate: impl Fn(&Request) -> Fate + Send + Sync + 'static) -> Client {
    Client::builder("http://localhost")
        .credentials(sim.client_id(), sim.client_secret())
        .transport(InMemory { router: sim.router(), fate })
        .build()
        .unwrap()
}

fn operator(sim: &Simulator) -> StepOperator {
    StepOperator::new(client(sim, |_| Fate::Arrives), sim.project()).cluster_name(sim.cluster())
}

fn request(placement: &Placement, run_id: &str, variables: &[(&str, &str)]) -> TrainingCreationRequest {
    let id = SubmissionId::new(&placement.project_name, run_id);
    let variable = |(name, value): &(&str, &str)| EnvironmentVariable {
        name: Some((*name).to_owned()),
        value: Some((*value).to_owned()),
        ..EnvironmentVariable::default()
    };
    TrainingCreationRequest {
        name: workload_name(Some("fit"), Some(&id)),
        project_id: placement.project_id.clone(),
        cluster_id: placement.cluster_id.clone(),
        spec: TrainingSpec {
            image: Some("python:3.12".into()),
            labels: vec![Label { name: Some(SUBMISSION_LABEL.into()), value: Some(id.as_str().into()), exclude: None }],
            environment_variables: variables.iter().map(variable).collect(),
            ..TrainingSpec::default()
        },
        ..TrainingCreationRequest::default()
    }
}

async fn submit(operator: &StepOperator, variables: &[(&str, &str)]) -> Submitted {
    let placement = operator.prepare().await.unwrap();
    operator.submit(&request(&placement, "run", variables)).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_step_is_followed_to_its_end() {
    for (result, outcome) in
        [("Completed", Outcome::Succeeded), ("Failed", Outcome::Failed), ("Stopped", Outcome::Stopped)]
    {
        let sim = Simulator::builder().token_lifetime(Duration::from_secs(100)).in_memory().unwrap();
        let operator = operator(&sim);
        let variables = [("RUNAI_SIM_PENDING", "90"), ("RUNAI_SIM_RUNNING", "600"), ("RUNAI_SIM_RESULT", result)];
        let submitted = submit(&operator, &variables).await;
        let mut phases = Vec::new();
        let begun = Instant::now();
        let end = operator
            .watch(submitted.workload_id, WaitPolicy::default())
            .run(|event| {
                if let Event::Phase { phase, .. } = event {
                    phases.push(phase.clone());
                }
            })
            .await
            .unwrap();
        assert_eq!(end, outcome);
        assert!(phases.ends_with(&["Running".into(), result.into()]), "{phases:?}");
        assert!((690..760).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn timeouts_count_what_the_control_plane_counts() {
    let policy = WaitPolicy {
        pending_timeout: Some(Duration::from_mins(5)),
        workload_timeout: Some(Duration::from_mins(10)),
        delete_on_failure: true,
        monitoring_interval: Duration::from_mins(30),
    };
    for (variables, outcome, seconds) in [
        ([("RUNAI_SIM_PENDING", "4000"), ("RUNAI_SIM_RUNNING", "1")], Outcome::PendingTimeout, 300),
        ([("RUNAI_SIM_PENDING", "200"), ("RUNAI_SIM_RUNNING", "4000")], Outcome::WorkloadTimeout, 800),
    ] {
        let sim = Simulator::builder().in_memory().unwrap();
        let operator = operator(&sim);
        let submitted = submit(&operator, &variables).await;
        let begun = Instant::now();
        let mut watch = operator.watch(submitted.workload_id.clone(), policy.clone());
        assert_eq!(watch.run(|_| {}).await.unwrap(), outcome);
        assert!((seconds..seconds + 60).contains(&begun.elapsed().as_secs()), "{outcome}: {:?}", begun.elapsed());
        // `delete_on_failure`, confirmed.
        assert!(operator.status(&submitted.workload_id).await.is_err_and(|error| error.is_not_found()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_workload_has_stopped_and_can_be_resumed_and_deleted() {
    let sim = Simulator::builder().in_memory().unwrap();
    let operator = operator(&sim);
    let id = submit(&operator, &[("RUNAI_SIM_RUNNING", "600")]).await.workload_id;
    assert_eq!(operator.cancel(&id).await.unwrap(), Outcome::Cancelled);
    assert_eq!(operator.status(&id).await.unwrap().phase, "Stopped");
    operator.resume(&id).await.unwrap();
    assert_eq!(operator.watch(&id, WaitPolicy::default()).run(|_| {}).await.unwrap(), Outcome::Succeeded);
    operator.delete(&id).await.unwrap();
    let outcome = operator.watch(&id, WaitPolicy::default()).run(|_| {}).await.unwrap();
    assert!(matches!(outcome, Outcome::Succeeded | Outcome::Vanished), "{outcome}");
}

#[tokio::test(start_paused = true)]
async fn the_same_run_attaches_and_another_content_is_refused() {
    let sim = Simulator::builder().in_memory().unwrap();
    let operator = operator(&sim);
    let placement = operator.prepare().await.unwrap();
    let first = operator.attach_or_submit(&request(&placement, "run", &[])).await.unwrap();
    let second = operator.attach_or_submit(&request(&placement, "run", &[])).await.unwrap();
    assert_eq!((first.adopted, second.adopted), (false, true));
    assert_eq!(first.workload_id, second.workload_id);
    let error = operator.attach_or_submit(&request(&placement, "run", &[("A", "b")])).await.unwrap_err();
    assert!(matches!(error, Error::DifferentSpec { .. }), "{error:?}");

    operator.delete(&first.workload_id).await.unwrap();
    operator.watch(&first.workload_id, WaitPolicy::default()).run(|_| {}).await.unwrap();
    let error = operator.attach_or_submit(&request(&placement, "run", &[])).await.unwrap_err();
    assert!(matches!(error, Error::AlreadyDeleted { .. }), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_wrong_secret_is_an_authentication_error() {
    let sim = Simulator::builder().in_memory().unwrap();
    let client = Client::builder("http://localhost")
        .credentials(sim.client_id(), "not the secret")
        .transport(InMemory { router: sim.router(), fate: |_: &Request| Fate::Arrives })
        .build()
        .unwrap();
    let error = StepOperator::new(client, sim.project()).prepare().await.unwrap_err();
    assert!(matches!(error, Error::CredentialsRefused { .. }), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_bad_network_neither_doubles_nor_loses_a_submission() {
    const RUNS: usize = 300;
    let sim = Arc::new(Simulator::builder().in_memory().unwrap());
    let dice = Mutex::new(fastrand::Rng::with_seed(7));
    let bad = client(&sim, move |request| {
        // The network is as bad for every request but the tokens'.
        let roll = if request.url.path().ends_with("/token") { 99 } else { dice.lock().unwrap().u32(..100) };
        match roll {
            0..30 => Fate::AnswerIsLost,
            30..40 => Fate::IsLost,
            40..50 => Fate::MeetsAnError,
            _ => Fate::Arrives,
        }
    });
    let good = operator(&sim);
    let placement = good.prepare().await.unwrap();
    let operator = StepOperator::new(bad, sim.project());
    let runs: Vec<_> = (0..RUNS)
        .map(|run| {
            let operator = operator.clone();
            let request = request(&placement, &run.to_string(), &[]);
            tokio::spawn(async move {
                // A caller who was told that it is not known goes on with the same request.
                let mut result = operator.submit(&request).await;
                while result.as_ref().is_err_and(Error::is_unreachable) {
                    result = operator.attach_or_submit(&request).await;
                }
                result.unwrap().workload_id
            })
        })
        .collect();
    let mut ids = HashSet::new();
    for run in runs {
        ids.insert(run.await.unwrap());
    }
    assert_eq!(ids.len(), RUNS);
    let listed: HashSet<_> =
        good.client().workloads(&[], false).await.unwrap().into_iter().map(|workload| workload.id).collect();
    assert_eq!(listed, ids);
}

#[tokio::test]
async fn a_command_really_runs_over_sockets() {
    let directory = tempfile::tempdir().unwrap();
    let sim = Simulator::builder().exec(Exec::in_directory(directory.path())).start().await.unwrap();
    let client = Client::builder(sim.base_url()).credentials(sim.client_id(), sim.client_secret()).build().unwrap();
    let operator = StepOperator::new(client, sim.project());
    let placement = operator.prepare().await.unwrap();
    let policy = WaitPolicy { monitoring_interval: Duration::from_millis(100), ..WaitPolicy::default() };
    for (run, command, outcome) in
        [("good", "echo done > made", Outcome::Succeeded), ("bad", "exit 3", Outcome::Failed)]
    {
        let mut request = request(&placement, run, &[]);
        request.spec.command = Some("sh -c".into());
        request.spec.args = Some(format!("'{command}'"));
        let submitted = operator.submit(&request).await.unwrap();
        let mut watch = operator.watch(submitted.workload_id, policy.clone());
        assert_eq!(watch.run(|_| {}).await.unwrap(), outcome);
    }
    assert_eq!(std::fs::read_to_string(directory.path().join("made")).unwrap(), "done\n");

    let mut request = request(&placement, "long", &[]);
    request.spec.command = Some("sleep 600".into());
    let submitted = operator.submit(&request).await.unwrap();
    let mut watch = operator.watch(submitted.workload_id, policy);
    loop {
        if let Some(Event::Phase { phase, .. }) = watch.next().await.unwrap()
            && phase == "Running"
        {
            break;
        }
    }
    watch.cancel();
    assert_eq!(watch.run(|_| {}).await.unwrap(), Outcome::Cancelled);
    sim.stop().await;
}
