//! Submits one step with a receipt, follows it, and cancels it on Ctrl-C.
//!
//! Run it a second time, or after it was killed: it attaches to the same workload.
//!
//! ```sh
//! RUNAI_BASE_URL=https://org.run.ai RUNAI_CLIENT_ID=… RUNAI_CLIENT_SECRET=… RUNAI_PROJECT_NAME=vision \
//!     cargo run -p runai-client --example submit -- nightly-1
//! ```
#![expect(clippy::print_stdout, reason = "an example prints its results")]

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use runai_client::lifecycle::WaitPolicy;
use runai_client::{Client, Event, ReceiptDirectory, StepOperator};
use runai_spec::{Context, Resolver, Source};
use runai_syntax::Format;

const STEP: &str = "image: python:3.12-slim\ncommand: [python, -c, print(7)]\nsettings: {gpu_devices_request: 0}\n";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let variable = |name: &str| std::env::var(name).map_err(|_| format!("{name} is not set"));
    let run_id = std::env::args().nth(1).ok_or("usage: submit RUN_ID")?;
    let client = Client::builder(variable("RUNAI_BASE_URL")?)
        .credentials(variable("RUNAI_CLIENT_ID")?, variable("RUNAI_CLIENT_SECRET")?)
        .build()?;
    let policy = WaitPolicy::default().pending_timeout(Duration::from_mins(15));
    let operator = StepOperator::new(client, variable("RUNAI_PROJECT_NAME")?)
        .receipts(Arc::new(ReceiptDirectory::new("receipts")))
        .wait_policy(policy.clone());

    let resolution = Resolver::new(Source { name: "step", text: STEP, format: Format::Yaml }).resolve();
    let step = resolution.step().ok_or("the step has errors")?;
    let placement = operator.prepare().await?;
    let submission = operator.submission_id(&placement, &run_id);
    let context = Context {
        project_id: Some(placement.project_id),
        cluster_id: Some(placement.cluster_id),
        submission_id: Some(submission),
        ..Context::default()
    };
    let submitted = operator.attach_or_submit(&step.submission(&context)).await?;
    println!("{} ({})", submitted.name, if submitted.already_existed { "attached" } else { "submitted" });

    let mut watch = operator.watch(submitted.workload_id, policy);
    loop {
        tokio::select! {
            event = watch.next() => match event? {
                Some(Event::Ended { outcome }) => println!("{outcome}"),
                Some(event) => println!("{event:?}"),
                None => return Ok(()),
            },
            _ = tokio::signal::ctrl_c() => watch.cancel(),
        }
    }
}
