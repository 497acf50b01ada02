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

use crate::args::{ActionArgs, CancelArgs, DeleteArgs, ResultFormat, ResumeArgs};
use crate::commands::workloads::{about, find};
use crate::config::connect::Connection;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::interrupts::Interrupts;
use crate::output;
use crate::runtime::block_on;

/// Interval between two polls of a workload that is being suspended or deleted.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// Resends a suspension without effect after this time: the request may be lost.
const RESEND_AFTER: Duration = Duration::from_secs(30);

/// An action on workloads.
#[derive(Clone, Copy)]
enum Action {
    Cancel { timeout: Option<Duration> },
    Delete { wait: bool },
    Resume,
}

/// Suspends workloads and waits for confirmation.
pub(crate) fn cancel(args: &CancelArgs) -> Result<Exit, Failure> {
    run(Action::Cancel { timeout: args.timeout }, &args.action)
}

/// Deletes workloads.
pub(crate) fn delete(args: &DeleteArgs) -> Result<Exit, Failure> {
    run(Action::Delete { wait: args.wait }, &args.action)
}

/// Resumes suspended workloads.
pub(crate) fn resume(args: &ResumeArgs) -> Result<Exit, Failure> {
    run(Action::Resume, &args.action)
}

fn run(action: Action, args: &ActionArgs) -> Result<Exit, Failure> {
    let connection = Connection::open(&args.remote.config, &args.remote.connect, Vec::new())?;
    block_on(async {
        let mut interrupts = Interrupts::listen();
        let all = join_all(args.ids.iter().map(|selector| action.apply(selector, args, &connection)));
        let all = async { Ok::<_, Failure>(all.await) };
        let done = interrupts.guard(all, "requests already sent may still take effect").await?;
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
        let printed = output::result(args.remote.format, &json!({"workloads": results}), human);
        exits.push(output::exit_of(&printed));
        Ok(Exit::first_failure(exits))
    })
}

impl Action {
    async fn apply(self, selector: &str, args: &ActionArgs, connection: &Connection) -> Result<Value, Failure> {
        let workload = connection.with_timeout(find(connection, selector)).await?;
        let Workload { id, name, .. } = &workload;
        let client = connection.client();
        if args.dry_run {
            let request = self.request(&workload);
            let request = match args.remote.format {
                ResultFormat::Human => Value::String(request.to_curl(Some(client.base_url()))),
                _ => serde_json::to_value(&request).unwrap_or_default(),
            };
            return Ok(json!({"id": id, "name": name, "request": request}));
        }
        let (outcome, message) = match self {
            Self::Cancel { timeout } => {
                let outcome = suspend(client, &workload, timeout).await.map_err(|failure| failure.about(selector))?;
                let message = match outcome {
                    Outcome::Failed => format!("{name} has already failed"),
                    Outcome::Succeeded => format!("{name} has already succeeded"),
                    _ => format!("{name} is suspended; `runai-step resume {name}` resumes it"),
                };
                (serde_json::to_value(outcome).unwrap_or_default(), message)
            }
            Self::Delete { wait } => {
                let deleted = client.delete_workload(&workload).await;
                check_accepted(client, &workload, deleted).await.map_err(|failure| failure.about(selector))?;
                if wait {
                    wait_for_deletion(client, id).await.map_err(|error| about(selector, &error))?;
                    (json!("deleted"), format!("{name} is deleted"))
                } else {
                    (json!("deleting"), format!("{name} is being deleted"))
                }
            }
            Self::Resume => {
                let resumed = client.resume_workload(&workload).await;
                check_accepted(client, &workload, resumed).await.map_err(|failure| failure.about(selector))?;
                (json!("resuming"), format!("{name} is being resumed; `runai-step wait {name}` follows it"))
            }
        };
        Ok(json!({"id": id, "name": name, "outcome": outcome, "message": message}))
    }

    fn request(self, workload: &Workload) -> ApiRequest {
        match self {
            Self::Cancel { .. } => requests::suspend_workload(&workload.kind, &workload.id),
            Self::Delete { .. } => requests::delete_workload(&workload.kind, &workload.id),
            Self::Resume => requests::resume_workload(&workload.kind, &workload.id),
        }
    }
}

/// Checks the response to an action on a workload that exists.
///
/// "Not found" for an existing workload is a rejection: the control plane may not support the action for its type.
async fn check_accepted(client: &Client, workload: &Workload, response: Result<(), Error>) -> Result<(), Failure> {
    let Err(error) = response else { return Ok(()) };
    let is_live =
        error.is_not_found() && client.workload(&workload.id).await.is_ok_and(|workload| workload.deleted_at.is_none());
    let failure = Failure::from(error);
    if !is_live {
        return Err(failure);
    }
    let kind = if workload.kind.is_empty() { "unknown" } else { &workload.kind };
    let message = format!("action rejected for a workload of type `{kind}`: {}", failure.message);
    Err(Failure::new(Exit::Refused, message).hint("use the web interface of the control plane for this workload"))
}

/// Suspends a workload and waits for confirmation, at most for `limit`. Returns how the workload ended.
async fn suspend(client: &Client, workload: &Workload, limit: Option<Duration>) -> Result<Outcome, Failure> {
    if let Some(outcome) = outcome_of(workload) {
        return Ok(outcome);
    }
    check_accepted(client, workload, client.suspend_workload(workload).await).await?;
    let confirmation = wait_for_end(client, workload);
    let Some(limit) = limit else { return confirmation.await };
    timeout(limit, confirmation).await.unwrap_or_else(|_| {
        let seconds = limit.as_secs_f64();
        let message =
            format!("suspension accepted but not confirmed within {seconds} s; the workload may still be running");
        Err(Failure::new(Exit::TimedOut, message)
            .hint(format!("check with `runai-step status {0}`, or repeat `runai-step cancel {0}`", workload.name)))
    })
}

/// Polls until the workload has ended.
async fn wait_for_end(client: &Client, workload: &Workload) -> Result<Outcome, Failure> {
    let mut requested = Instant::now();
    loop {
        match client.workload(&workload.id).await {
            Ok(now) if now.deleted_at.is_some() => return Err(deleted_meanwhile()),
            Ok(now) => {
                if let Some(outcome) = outcome_of(&now) {
                    return Ok(outcome);
                }
                if requested.elapsed() >= RESEND_AFTER && Stage::of_phase(&now.phase) != Stage::Ending {
                    requested = Instant::now();
                    check_accepted(client, workload, client.suspend_workload(workload).await).await?;
                }
            }
            Err(error) if error.is_not_found() => return Err(deleted_meanwhile()),
            Err(error) if error.is_unreachable() => {
                let failure = Failure::from(error);
                let message = format!("suspension accepted but not confirmed: {}", failure.message);
                return Err(Failure { message, ..failure });
            }
            Err(error) => return Err(error.into()),
        }
        sleep(POLL_INTERVAL).await;
    }
}

fn deleted_meanwhile() -> Failure {
    Failure::new(Exit::NotFound, "the workload was deleted by someone else")
}

/// Returns how a workload ended, as `cancel` reports it, or `None` if it has not.
fn outcome_of(workload: &Workload) -> Option<Outcome> {
    match Stage::of_phase(&workload.phase) {
        Stage::Failed => Some(Outcome::Failed),
        Stage::Stopped => Some(Outcome::Cancelled),
        Stage::Succeeded => Some(Outcome::Succeeded),
        _ => None,
    }
}

/// Waits until a workload is deleted. Retries while the control plane is unreachable.
async fn wait_for_deletion(client: &Client, id: &str) -> Result<(), Error> {
    loop {
        match client.workload(id).await {
            Err(error) if error.is_not_found() => return Ok(()),
            Err(error) if !error.is_unreachable() => return Err(error),
            Ok(workload) if workload.deleted_at.is_some() => return Ok(()),
            _ => sleep(POLL_INTERVAL).await,
        }
    }
}
