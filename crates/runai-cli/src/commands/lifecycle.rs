//! `runai-step cancel`, `resume` and `delete`: change the state of workloads.

use std::time::Duration;

use futures_util::future::join_all;
use runai_api::phase::Stage;
use runai_api::request::ApiRequest;
use runai_api::wire::{Workload, requests};
use runai_client::lifecycle::Outcome;
use runai_client::{Client, Error};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

use crate::args::{ActArgs, CancelArgs, DeleteArgs, ResultFormat, ResumeArgs};
use crate::commands::workloads::{about, find};
use crate::config::connect::Connection;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::interrupts::Interrupts;
use crate::output;
use crate::runtime::block_on;

/// Between two polls of a workload that is being suspended or deleted.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// Without effect for so long, a suspension is requested again: the request may have got lost.
const RESEND_AFTER: Duration = Duration::from_secs(30);

/// What is done to workloads.
#[derive(Clone, Copy)]
enum Action {
    Cancel { timeout: Option<Duration> },
    Delete { wait: bool },
    Resume,
}

/// Suspends workloads, and waits until they are suspended.
pub(crate) fn cancel(args: &CancelArgs) -> Result<Exit, Failure> {
    run(Action::Cancel { timeout: args.timeout }, &args.act)
}

/// Deletes workloads.
pub(crate) fn delete(args: &DeleteArgs) -> Result<Exit, Failure> {
    run(Action::Delete { wait: args.wait }, &args.act)
}

/// Resumes suspended workloads.
pub(crate) fn resume(args: &ResumeArgs) -> Result<Exit, Failure> {
    run(Action::Resume, &args.act)
}

fn run(action: Action, args: &ActArgs) -> Result<Exit, Failure> {
    let connection = Connection::open(&args.reach.config, &args.reach.connect, Vec::new())?;
    block_on(async {
        let mut interrupts = Interrupts::listen();
        let all = join_all(args.ids.iter().map(|word| action.apply(word, args, &connection)));
        let all = async { Ok::<_, Failure>(all.await) };
        let done = interrupts.guard(all, "requests that were sent may take effect all the same").await?;
        let mut exits = Vec::new();
        let mut results = Vec::new();
        for one in done {
            match one {
                Ok(result) => results.push(result),
                Err(failure) => exits.push(failure.report()),
            }
        }
        let human = || {
            results.iter().try_for_each(|result| match result["request"].as_str() {
                Some(curl) => output::line(curl),
                None => output::line(result["message"].as_str().unwrap_or_default()),
            })
        };
        let printed = output::result(args.reach.format, &json!({"workloads": results}), human);
        exits.push(output::exit_of(&printed));
        Ok(Exit::first_failure(exits))
    })
}

impl Action {
    async fn apply(self, word: &str, args: &ActArgs, connection: &Connection) -> Result<Value, Failure> {
        let workload = connection.with_timeout(find(connection, word)).await?;
        let Workload { id, name, .. } = &workload;
        let client = connection.client();
        if args.dry_run {
            let request = self.request(&workload);
            let request = match args.reach.format {
                ResultFormat::Human => Value::String(request.to_curl(Some(client.base_url()))),
                _ => serde_json::to_value(&request).unwrap_or_default(),
            };
            return Ok(json!({"id": id, "name": name, "request": request}));
        }
        let (word, message) = match self {
            Self::Cancel { timeout } => {
                let outcome = suspended(client, &workload, timeout).await.map_err(|failure| failure.about(word))?;
                let message = match outcome {
                    Outcome::Failed => format!("{name} had failed already"),
                    Outcome::Succeeded => format!("{name} had succeeded already"),
                    _ => format!("{name} is suspended; `runai-step resume {name}` resumes it"),
                };
                (serde_json::to_value(outcome).unwrap_or_default(), message)
            }
            Self::Delete { wait } => {
                let deleted = client.delete_workload(&workload).await;
                accepted(client, &workload, deleted).await.map_err(|failure| failure.about(word))?;
                if wait {
                    gone(client, id).await.map_err(|error| about(word, &error))?;
                    (json!("deleted"), format!("{name} is deleted"))
                } else {
                    (json!("deleting"), format!("{name} is being deleted"))
                }
            }
            Self::Resume => {
                let resumed = client.resume_workload(&workload).await;
                accepted(client, &workload, resumed).await.map_err(|failure| failure.about(word))?;
                (json!("resuming"), format!("{name} is being resumed; `runai-step wait {name}` follows it"))
            }
        };
        Ok(json!({"id": id, "name": name, "outcome": word, "message": message}))
    }

    fn request(self, workload: &Workload) -> ApiRequest {
        match self {
            Self::Cancel { .. } => requests::suspend_workload(&workload.kind, &workload.id),
            Self::Delete { .. } => requests::delete_workload(&workload.kind, &workload.id),
            Self::Resume => requests::resume_workload(&workload.kind, &workload.id),
        }
    }
}

/// Whether the control plane accepted a request for a workload that it listed.
///
/// "Not found" beside a live workload is a refusal: the control plane may not support the request for its type.
async fn accepted(client: &Client, workload: &Workload, answer: Result<(), Error>) -> Result<(), Failure> {
    let Err(error) = answer else { return Ok(()) };
    let is_live =
        error.is_not_found() && client.workload(&workload.id).await.is_ok_and(|workload| workload.deleted_at.is_none());
    let failure = Failure::from(error);
    if !is_live {
        return Err(failure);
    }
    let kind = if workload.kind.is_empty() { "unknown" } else { &workload.kind };
    let message = format!("the control plane lists the workload, whose type is `{kind}`, and: {}", failure.message);
    Err(Failure::new(Exit::Refused, message).hint("use the control plane's own page for this workload"))
}

/// Suspends a workload and waits for the confirmation, at most for `limit`. Returns how the workload ended.
async fn suspended(client: &Client, workload: &Workload, limit: Option<Duration>) -> Result<Outcome, Failure> {
    if let Some(outcome) = outcome_of(workload) {
        return Ok(outcome);
    }
    accepted(client, workload, client.suspend_workload(workload).await).await?;
    let confirmed = confirmed(client, workload);
    let Some(limit) = limit else { return confirmed.await };
    timeout(limit, confirmed).await.unwrap_or_else(|_| {
        let seconds = limit.as_secs_f64();
        let message = format!(
            "the control plane accepted the suspension and did not confirm it within {seconds} s, so the workload may \
             still run"
        );
        Err(Failure::new(Exit::TimedOut, message).hint(format!(
            "`runai-step status {0}` shows its phase, `runai-step cancel {0}` waits longer",
            workload.name
        )))
    })
}

/// Polls until the workload has come to an end.
async fn confirmed(client: &Client, workload: &Workload) -> Result<Outcome, Failure> {
    let mut requested = Instant::now();
    loop {
        match client.workload(&workload.id).await {
            Ok(now) if now.deleted_at.is_some() => return Err(vanished()),
            Ok(now) => {
                if let Some(outcome) = outcome_of(&now) {
                    return Ok(outcome);
                }
                if requested.elapsed() >= RESEND_AFTER && Stage::of_phase(&now.phase) != Stage::Ending {
                    requested = Instant::now();
                    accepted(client, workload, client.suspend_workload(workload).await).await?;
                }
            }
            Err(error) if error.is_not_found() => return Err(vanished()),
            Err(error) if error.is_unreachable() => {
                let failure = Failure::from(error);
                let message = format!(
                    "the control plane accepted the suspension and cannot be asked whether it took effect: {}",
                    failure.message
                );
                return Err(Failure { message, ..failure });
            }
            Err(error) => return Err(error.into()),
        }
        sleep(POLL_INTERVAL).await;
    }
}

fn vanished() -> Failure {
    Failure::new(Exit::NotFound, "someone deleted the workload meanwhile")
}

/// How a workload ended, as `cancel` reports it; nothing while it has not.
fn outcome_of(workload: &Workload) -> Option<Outcome> {
    match Stage::of_phase(&workload.phase) {
        Stage::Failed => Some(Outcome::Failed),
        Stage::Stopped => Some(Outcome::Cancelled),
        Stage::Succeeded => Some(Outcome::Succeeded),
        _ => None,
    }
}

/// Waits until a workload is deleted. An unreachable control plane is asked again.
async fn gone(client: &Client, id: &str) -> Result<(), Error> {
    loop {
        match client.workload(id).await {
            Err(error) if error.is_not_found() => return Ok(()),
            Err(error) if !error.is_unreachable() => return Err(error),
            Ok(workload) if workload.deleted_at.is_some() => return Ok(()),
            _ => sleep(POLL_INTERVAL).await,
        }
    }
}
