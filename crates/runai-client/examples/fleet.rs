//! Resumes all workloads of another process and follows them to their end.
//!
//! ```sh
//! RUNAI_BASE_URL=https://org.run.ai RUNAI_CLIENT_ID=… RUNAI_CLIENT_SECRET=… RUNAI_PROJECT_NAME=vision \
//!     cargo run -p runai-client --example fleet -- receipts
//! ```
#![expect(clippy::print_stdout, reason = "an example prints its results")]

use std::error::Error;
use std::sync::Arc;

use runai_client::lifecycle::WaitPolicy;
use runai_client::{Client, Event, Fleet, FleetEvent, ReceiptDirectory, ReceiptStore, StepOperator, tally};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let variable = |name: &str| std::env::var(name).map_err(|_| format!("{name} is not set"));
    let directory = std::env::args().nth(1).ok_or("usage: fleet DIRECTORY")?;
    let client = Client::builder(variable("RUNAI_BASE_URL")?)
        .credentials(variable("RUNAI_CLIENT_ID")?, variable("RUNAI_CLIENT_SECRET")?)
        .build()?;
    let store: Arc<dyn ReceiptStore> = Arc::new(ReceiptDirectory::new(directory));
    let operator = StepOperator::new(client.clone(), variable("RUNAI_PROJECT_NAME")?).receipts(Arc::clone(&store));

    let (mut fleet, unsettled) = Fleet::resume(client, store).await?;
    for receipt in unsettled {
        match operator.recover(&receipt).await? {
            Some(submitted) => fleet.follow(&submitted, WaitPolicy::default()),
            None => println!("{} never arrived", receipt.name),
        }
    }
    println!("{} workloads", fleet.len());
    let mut outcomes = Vec::new();
    while let Some(event) = fleet.next().await {
        match event {
            FleetEvent::Workload { workload_id, event: Event::Ended { outcome } } => {
                println!("{workload_id}: {outcome}");
                outcomes.push(outcome);
            }
            FleetEvent::OutageBegan { scope, error } => println!("outage of {scope}: {error}"),
            FleetEvent::OutageEnded { scope, lasted } => println!("outage of {scope} ended after {lasted:.0?}"),
            _ => {}
        }
    }
    for (outcome, count) in tally(outcomes) {
        println!("{count} {outcome}");
    }
    Ok(())
}
