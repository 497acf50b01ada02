//! Tests against the simulator: in memory with paused time, and over sockets with real commands.

use std::time::Duration;

use runai_client::lifecycle::{Outcome, WaitPolicy};
use runai_client::{Client, Error, Event, StepOperator, Submitted};
use runai_sim::{Exec, Simulator};
use tokio::time::Instant;

use crate::network::{Fate, InMemory, operator, request, submission_of};

async fn submit(operator: &StepOperator, variables: &[(&str, &str)]) -> Submitted {
    let placement = operator.prepare().await.unwrap();
    operator.submit(&submission_of(&request(&placement, "run", variables))).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn follows_step() {
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
async fn timeouts_match_simulator() {
    let policy = WaitPolicy::default()
        .pending_timeout(Duration::from_mins(5))
        .workload_timeout(Duration::from_mins(10))
        .delete_on_failure(true)
        .monitoring_interval(Duration::from_mins(30));
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
async fn cancels_resumes_and_deletes() {
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
async fn attaches_same_file_only() {
    let sim = Simulator::builder().in_memory().unwrap();
    let operator = operator(&sim);
    let placement = operator.prepare().await.unwrap();
    let first = operator.attach_or_submit(&submission_of(&request(&placement, "run", &[]))).await.unwrap();
    let second = operator.attach_or_submit(&submission_of(&request(&placement, "run", &[]))).await.unwrap();
    assert_eq!((first.already_existed, second.already_existed), (false, true));
    assert_eq!(first.workload_id, second.workload_id);
    let mut other = request(&placement, "run", &[]);
    other.spec.image = Some("python:2.7".into());
    let error = operator.attach_or_submit(&submission_of(&other)).await.unwrap_err();
    assert!(matches!(error, Error::DifferentSpec { .. }), "{error:?}");

    operator.delete(&first.workload_id).await.unwrap();
    operator.watch(&first.workload_id, WaitPolicy::default()).run(|_| {}).await.unwrap();
    let error = operator.attach_or_submit(&submission_of(&request(&placement, "run", &[]))).await.unwrap_err();
    assert!(matches!(error, Error::AlreadyDeleted { .. }), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn wrong_secret_is_auth_error() {
    let sim = Simulator::builder().in_memory().unwrap();
    let client = Client::builder("http://localhost")
        .credentials(sim.client_id(), "not the secret")
        .transport(InMemory::new(&sim, |_| Fate::Arrives))
        .build()
        .unwrap();
    let error = StepOperator::new(client, sim.project()).prepare().await.unwrap_err();
    assert!(matches!(error, Error::CredentialsRefused { .. }), "{error:?}");
}

#[tokio::test]
async fn runs_command_over_sockets() {
    let directory = tempfile::tempdir().unwrap();
    let sim = Simulator::builder().exec(Exec::in_directory(directory.path())).start().await.unwrap();
    let client = Client::builder(sim.base_url()).credentials(sim.client_id(), sim.client_secret()).build().unwrap();
    let operator = StepOperator::new(client, sim.project());
    let placement = operator.prepare().await.unwrap();
    let policy = WaitPolicy::default().monitoring_interval(Duration::from_millis(100));
    for (run, command, outcome) in
        [("good", "echo done > made", Outcome::Succeeded), ("bad", "exit 3", Outcome::Failed)]
    {
        let mut request = request(&placement, run, &[]);
        request.spec.command = Some("sh -c".into());
        request.spec.args = Some(format!("'{command}'"));
        let submitted = operator.submit(&submission_of(&request)).await.unwrap();
        let mut watch = operator.watch(submitted.workload_id, policy.clone());
        assert_eq!(watch.run(|_| {}).await.unwrap(), outcome);
    }
    assert_eq!(std::fs::read_to_string(directory.path().join("made")).unwrap(), "done\n");

    let mut request = request(&placement, "long", &[]);
    request.spec.command = Some("sleep 600".into());
    let submitted = operator.submit(&submission_of(&request)).await.unwrap();
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
