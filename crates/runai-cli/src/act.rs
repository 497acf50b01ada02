//! `runai-step cancel`, `resume` and `delete`: what is done to workloads.

use std::time::Duration;

use futures_util::future::join_all;
use runai_client::{Client, Error};
use runai_spec::request::ApiRequest;
use runai_spec::wait::Outcome;
use runai_spec::wire::{Workload, requests};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::args::{ActArgs, CancelArgs, DeleteArgs, ResultFormat, ResumeArgs};
use crate::connect::Connection;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::runtime::block_on;
use crate::signals::Signals;
use crate::workloads::{about, find};

/// Between two looks at a workload that is being deleted.
const GONE_INTERVAL: Duration = Duration::from_secs(1);

/// What is done.
#[derive(Clone, Copy)]
enum Act {
    Cancel,
    Delete { wait: bool },
    Resume,
}

/// Stops workloads, and waits until they have stopped.
pub(crate) fn cancel(args: &CancelArgs) -> Result<Exit, Failure> {
    act(Act::Cancel, &args.act)
}

/// Deletes workloads.
pub(crate) fn delete(args: &DeleteArgs) -> Result<Exit, Failure> {
    act(Act::Delete { wait: args.wait }, &args.act)
}

/// Lets stopped workloads run again.
pub(crate) fn resume(args: &ResumeArgs) -> Result<Exit, Failure> {
    act(Act::Resume, &args.act)
}

fn act(act: Act, args: &ActArgs) -> Result<Exit, Failure> {
    let connection = Connection::open(&args.reach.config, &args.reach.connect, Vec::new())?;
    block_on(async {
        let mut signals = Signals::listen();
        let all = join_all(args.ids.iter().map(|word| act.on(word, args, &connection)));
        let done = tokio::select! {
            done = all => done,
            () = signals.next() => {
                return Err(Failure::new(Exit::Interrupted, "interrupted; what was asked for may happen all the same"));
            }
        };
        let mut exits = Vec::new();
        let mut results = Vec::new();
        for one in done {
            match one {
                Ok(result) => results.push(result),
                Err(failure) => exits.push(failure.tell()),
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

impl Act {
    async fn on(self, word: &str, args: &ActArgs, connection: &Connection) -> Result<Value, Failure> {
        let workload = connection.soon(find(connection, word)).await?;
        let Workload { id, name, .. } = &workload;
        let client = connection.client();
        let refused = |error: Error| about(word, &error);
        if args.dry_run {
            let request = self.request(id);
            let request = match args.reach.format {
                ResultFormat::Human => Value::String(request.to_curl(Some(client.base_url()))),
                _ => serde_json::to_value(&request).unwrap_or_default(),
            };
            return Ok(json!({"id": id, "name": name, "request": request}));
        }
        let (word, message) = match self {
            Self::Cancel => {
                let outcome = connection.operator.cancel(id).await.map_err(refused)?;
                let message = match outcome {
                    Outcome::Cancelled => format!("{name} has stopped; `runai-step resume {name}` lets it run again"),
                    Outcome::Failed => format!("{name} had failed already"),
                    Outcome::Stopped => format!("{name} had stopped already"),
                    Outcome::Succeeded => format!("{name} had succeeded already"),
                    other => format!("{name}: {other}"),
                };
                if outcome == Outcome::Vanished {
                    return Err(Failure::new(Exit::NotFound, format!("{name} vanished: someone deleted it meanwhile")));
                }
                (serde_json::to_value(outcome).unwrap_or_default(), message)
            }
            Self::Delete { wait } => {
                client.delete(id).await.map_err(refused)?;
                if wait {
                    gone(client, id).await.map_err(refused)?;
                    (json!("deleted"), format!("{name} is deleted"))
                } else {
                    (json!("deleting"), format!("{name} is being deleted"))
                }
            }
            Self::Resume => {
                client.resume(id).await.map_err(refused)?;
                (json!("resuming"), format!("{name} is being resumed; `runai-step wait {name}` follows it"))
            }
        };
        Ok(json!({"id": id, "name": name, "outcome": word, "message": message}))
    }

    fn request(self, id: &str) -> ApiRequest {
        match self {
            Self::Cancel => requests::suspend_training(id),
            Self::Delete { .. } => requests::delete_training(id),
            Self::Resume => requests::resume_training(id),
        }
    }
}

/// Waits until a workload is not there any more. A control plane that is out of sight is asked again.
async fn gone(client: &Client, id: &str) -> Result<(), Error> {
    loop {
        match client.workload(id).await {
            Err(error) if error.is_not_found() => return Ok(()),
            Err(error) if !error.is_unreachable() => return Err(error),
            Ok(workload) if workload.deleted_at.is_some() => return Ok(()),
            _ => sleep(GONE_INTERVAL).await,
        }
    }
}
