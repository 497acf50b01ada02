//! `runai-step status`, `list` and `events`.

use std::fmt::Write as _;

use futures_util::stream::{self, StreamExt as _};
use runai_api::wire::{Event, Workload};
use runai_client::ListParams;
use serde_json::json;

use crate::args::{EventsArgs, ListArgs, StatusArgs};
use crate::commands::workloads::{WorkloadSummary, find};
use crate::config::connect::Connection;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::output::time;
use crate::runtime::block_on;
use crate::tracking::warnings;

/// Workloads that are requested at the same time.
const CONCURRENCY: usize = 8;

/// Shows workload status.
pub(crate) fn status(args: &StatusArgs) -> Result<Exit, Failure> {
    let connection = Connection::open(&args.remote.config, &args.remote.connect, Vec::new())?;
    block_on(async {
        let found: Vec<_> = stream::iter(&args.ids)
            .map(|selector| async {
                let workload = connection.with_timeout(find(&connection, selector)).await?;
                let warnings = match workload.phase.as_str() {
                    "Failed" | "Pending" | "Initializing" => warnings(connection.client(), &workload.id).await,
                    _ => Vec::new(),
                };
                Ok::<_, Failure>((WorkloadSummary::from(workload), warnings))
            })
            .buffered(CONCURRENCY)
            .collect()
            .await;
        let mut lines = Vec::new();
        let mut exits = Vec::new();
        for one in found {
            match one {
                Ok(line) => lines.push(line),
                Err(failure) => exits.push(failure.report()),
            }
        }
        let workloads: Vec<_> = lines.iter().map(|(line, _)| line).collect();
        let printed = output::result(args.remote.format, &json!({"workloads": workloads}), || {
            let blocks: Vec<_> = lines.iter().map(|(line, warnings)| details(line, warnings)).collect();
            if blocks.is_empty() { Ok(()) } else { output::line(blocks.join("\n").trim_end()) }
        });
        exits.push(output::exit_of(&printed));
        Ok(Exit::first_failure(exits))
    })
}

fn details(line: &WorkloadSummary, warnings: &[String]) -> String {
    let mut text = format!("{}\n", line.name);
    let mut row = |name: &str, value: &str| {
        let _ = writeln!(text, "  {name:<11}{value}");
    };
    row("id", &line.id);
    row("phase", &line.phase);
    if let Some(reason) = &line.reason {
        row("reason", reason);
    }
    for warning in warnings.iter().filter(|warning| line.reason.as_ref() != Some(warning)) {
        row("warning", warning);
    }
    if let Some(project) = &line.project {
        row("project", project);
    }
    if !line.node_pools.is_empty() {
        row("node pools", &line.node_pools.join(", "));
    }
    row("created", &format!("{} ({} ago)", line.created_at, time::ago(&line.created_at)));
    if let Some(completed) = &line.completed_at {
        row("completed", &format!("{completed} ({} ago)", time::ago(completed)));
    }
    for (name, seconds) in [("pending", line.pending_seconds), ("running", line.running_seconds)] {
        if let Some(seconds) = seconds.and_then(|seconds| u64::try_from(seconds).ok()) {
            row(name, &time::rough(std::time::Duration::from_secs(seconds)));
        }
    }
    for url in &line.urls {
        row("url", url);
    }
    text
}

/// Lists workloads, newest first.
pub(crate) fn list(args: &ListArgs) -> Result<Exit, Failure> {
    let connection = Connection::open(&args.remote.config, &args.remote.connect, Vec::new())?;
    block_on(async {
        let project = if args.all_projects { None } else { Some(connection.placement().await?.project_id) };
        let mut params = ListParams::default().deleted(args.deleted).newest_first();
        if let Some(id) = project {
            params = params.equals("projectId", &id);
        }
        if let Some(phase) = &args.phase {
            params = params.equals("phase", phase);
        }
        if let Some(name) = &args.name {
            params = params.starts_with("name", name);
        }
        let listed = connection.client().list_workloads(&params).take(args.limit);
        let lines = connection.with_timeout(async {
            let workloads: Vec<Result<Workload, _>> = listed.collect().await;
            Ok(workloads.into_iter().collect::<Result<Vec<_>, _>>()?)
        });
        let lines: Vec<WorkloadSummary> = lines.await?.into_iter().map(WorkloadSummary::from).collect();
        let printed = output::result(args.remote.format, &json!({"workloads": lines}), || {
            if lines.is_empty() {
                output::status("no workloads");
                return Ok(());
            }
            output::line(&output::table(
                ["NAME", "PHASE", "AGE", "RUNNING", "NODE POOLS", "PROJECT", "ID"],
                lines.iter().map(table_row),
            ))
        });
        Ok(output::exit_of(&printed))
    })
}

fn table_row(line: &WorkloadSummary) -> [String; 7] {
    let running = line.running_seconds.and_then(|seconds| u64::try_from(seconds).ok());
    [
        line.name.clone(),
        line.phase.clone(),
        time::ago(&line.created_at),
        running.map(|seconds| time::rough(std::time::Duration::from_secs(seconds))).unwrap_or_default(),
        line.node_pools.join(","),
        line.project.clone().unwrap_or_default(),
        line.id.clone(),
    ]
}

/// Shows the events of a workload, newest last.
pub(crate) fn events(args: &EventsArgs) -> Result<Exit, Failure> {
    let connection = Connection::open(&args.remote.config, &args.remote.connect, Vec::new())?;
    block_on(async {
        let events = connection
            .with_timeout(async {
                let workload = find(&connection, &args.id).await?;
                let events: Vec<Result<Event, _>> = connection
                    .client()
                    .list_events(&workload.id, &ListParams::default())
                    .take(args.limit)
                    .collect()
                    .await;
                Ok(events.into_iter().collect::<Result<Vec<_>, _>>()?)
            })
            .await?;
        let events: Vec<Event> = events.into_iter().rev().collect();
        let objects: Vec<_> = events
            .iter()
            .map(|event| {
                let object = event.involved_object.as_ref();
                json!({
                    "at": event.created_at,
                    "type": event.kind,
                    "reason": event.reason,
                    "object": object.map(|object| json!({"kind": object.kind, "name": object.name})),
                    "message": event.message,
                })
            })
            .collect();
        let printed = output::result(args.remote.format, &json!({"events": objects}), || {
            if events.is_empty() {
                output::status("no events");
                return Ok(());
            }
            output::line(&output::table(
                ["AGE", "TYPE", "REASON", "MESSAGE"],
                events.iter().map(|event| {
                    [
                        time::ago(&event.created_at),
                        event.kind.clone(),
                        event.reason.clone().unwrap_or_default(),
                        event.message.clone(),
                    ]
                }),
            ))
        });
        Ok(output::exit_of(&printed))
    })
}
