//! Submits a workload to a simulated control plane and follows it to its end:
//! `cargo run -p runai-client --example follow`.
#![expect(clippy::print_stdout, reason = "an example prints its results")]

use std::error::Error;

use futures_util::TryStreamExt as _;
use runai_client::api::Submission;
use runai_client::api::name::SUBMISSION_LABEL;
use runai_client::api::wire::{Label, TrainingCreationRequest, TrainingSpec};
use runai_client::lifecycle::WaitPolicy;
use runai_client::{Client, Event, StepOperator};
use runai_sim::Simulator;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let sim = Simulator::builder().speed(600.0).start().await?;
    let client =
        Client::builder(sim.base_url()).credentials(sim.client_id(), sim.client_secret().to_owned()).build()?;
    let operator = StepOperator::new(client, sim.project());

    let placement = operator.prepare().await?;
    let id = operator.submission_id(&placement, "example").as_str().to_owned();
    let label = Label { name: Some(SUBMISSION_LABEL.to_owned()), value: Some(id.clone()), ..Label::default() };
    let request = TrainingCreationRequest {
        name: format!("example-{id}"),
        project_id: placement.project_id,
        cluster_id: placement.cluster_id,
        spec: TrainingSpec { image: Some("python:3.12".to_owned()), labels: vec![label], ..TrainingSpec::default() },
        ..TrainingCreationRequest::default()
    };
    let submission = Submission::of(&request).ok_or("the request has no label")?;
    let submitted = operator.submit(&submission).await?;

    let mut watch = operator.watch(submitted.workload_id, WaitPolicy::default());
    while let Some(event) = watch.try_next().await? {
        match event {
            Event::Phase { phase, .. } => println!("{}: {phase}", submitted.name),
            Event::Ended { outcome } => println!("{}: {outcome}", submitted.name),
            _ => {}
        }
    }
    sim.stop().await;
    Ok(())
}
