//! Compares the reports to users with the state of the control plane.

use jiff::{SignedDuration, Timestamp};
use runai_api::wire::Workload;
use runai_cli::testing::{CampaignReport, ReportEvent, launch};
use runai_client::DUPLICATE_WINDOW;
use runai_client::lifecycle::Outcome;

use super::user::{Command, Observed, Step, code_of};
use super::{CANARY, CompletedRound, Figures};

pub(super) async fn check(played: &mut CompletedRound, figures: &mut Figures) {
    let commands = std::mem::take(&mut played.observed);
    for (command, observed) in &commands {
        count(command, observed, figures);
        for (step, exit) in command.steps.iter().zip(&observed.exits) {
            check_step(played, command, observed, step, *exit, figures);
            check_doubled(played, observed, step, figures).await;
        }
    }
}

fn records(observed: &Observed) -> impl Iterator<Item = &ReportEvent> {
    observed.reports.iter().flat_map(|report| &report.records)
}

fn count(command: &Command, observed: &Observed, figures: &mut Figures) {
    figures.add("steps submitted and followed", command.steps.len());
    figures.add("commands", 1);
    figures.add("commands repeated", observed.attempts - 1);
    figures.add("commands that met no answer before the first submission", observed.failures.len());
    figures.add("interrupts", observed.interrupts);
    for report in &observed.reports {
        figures.add("processes that died", usize::from(report.exit_code == CampaignReport::KILLED));
        if report.exit_code == 101 {
            figures.complain("bugs of the program", &format!("{:#?}", report.records));
        }
        let first = report.exit_codes.iter().map(|code| code.unwrap_or(130)).find(|code| *code != 0).unwrap_or(0);
        let is_left = report.records.iter().any(|it| matches!(it, ReportEvent::Interrupted(_)));
        let is_right = match report.exit_code {
            130 if is_left => true,
            CampaignReport::KILLED => true,
            code => code == first,
        };
        if !is_right {
            figures.complain("exit codes that do not match the end", &format!("{report:#?}"));
        }
    }
    let texts = observed.reports.iter().flat_map(|report| &report.texts).chain(&observed.failures);
    for text in texts.filter(|text| text.contains(CANARY)) {
        figures.complain("values of an environment shown", text);
    }
    for record in records(observed) {
        match record {
            ReportEvent::Resent(_) => figures.add("submissions sent again", 1),
            ReportEvent::Submitted { already_existed: true, .. } => {
                figures.add("submissions found by looking them up", 1);
            }
            ReportEvent::Outage(true) => figures.add("outages reported", 1),
            ReportEvent::Left { cancel_requested: true, .. } => figures.add("cancels left unconfirmed", 1),
            ReportEvent::StoredCancel(_) => figures.add("stored cancels named", 1),
            _ => {}
        }
    }
}

fn of_step<'a>(workloads: &'a [Workload], step: &Step) -> Vec<&'a Workload> {
    workloads.iter().filter(|it| it.name.starts_with(&step.prefix())).collect()
}

/// Checks the outcome of a step and its workloads.
fn check_step(
    played: &CompletedRound,
    command: &Command,
    observed: &Observed,
    step: &Step,
    exit: Option<u8>,
    figures: &mut Figures,
) {
    let (live, gone) = (of_step(&played.live, step), of_step(&played.gone, step));
    let failures = &observed.failures;
    let about = |what: &str| {
        let phases: Vec<_> = live.iter().map(|it| (&it.id, &it.phase)).collect();
        let gone: Vec<_> = gone.iter().map(|it| &it.id).collect();
        let observed: Vec<_> = records(observed).map(|record| format!("{record:?}")).collect();
        format!(
            "{}: {what}, exit {exit:?}, live {phases:?}, gone {gone:?}, of {}; observed {}, failures {}",
            step.prefix(),
            step.text.replace('\n', " "),
            observed.join("; "),
            failures.join("; "),
        )
    };
    let (Some(code), false) = (exit, live.is_empty() && gone.is_empty()) else {
        return figures.complain("lost", &about("no end"));
    };
    let is_freed = live.iter().chain(&gone).any(|it| played.freed.contains(&it.id));
    // An interrupt may suspend the workload even long after the command has ended.
    let cancelled = records(observed).any(|record| *record == ReportEvent::Interrupted(true));
    let outcome = records(observed).find_map(|record| match record {
        ReportEvent::Ended { name, outcome } if name.starts_with(&step.prefix()) => Some(*outcome),
        _ => None,
    });
    let Some(outcome) = outcome else {
        // Rejected as deleted: an earlier attempt reported the end.
        let is_right = command.deletes && !gone.is_empty() || is_freed;
        if !is_right {
            figures.complain("suspended or deleted without a reason", &about("deleted"));
        }
        return figures.add("ended: deleted as asked, in an attempt that was left", 1);
    };
    figures.add(figure_of(outcome), 1);
    if code != code_of(outcome) {
        figures.complain("exit codes that do not match the end", &about(&outcome.to_string()));
    }
    let may_be_timeout = step.exceeds && outcome == Outcome::WorkloadTimeout;
    let may_be_cancelled = cancelled && matches!(outcome, Outcome::Cancelled | Outcome::Stopped);
    // A workload that stayed in Stopping was deleted after its suspension.
    let may_be_freed = is_freed && (step.exceeds || cancelled);
    if outcome != step.natural && !may_be_timeout && !may_be_cancelled && !may_be_freed {
        figures.complain("wrong outcomes", &about(&outcome.to_string()));
    }
    let deletes = command.deletes && outcome.is_cleaned_up();
    let may_be_gone = is_freed || deletes;
    let is_touched = live.iter().any(|it| !may_be_in(it, step, cancelled)) || !gone.is_empty() && !may_be_gone;
    if is_touched {
        figures.complain("suspended or deleted without a reason", &about(&outcome.to_string()));
    }
}

const fn figure_of(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Succeeded => "ended: succeeded",
        Outcome::Failed => "ended: failed",
        Outcome::Stopped => "ended: stopped",
        Outcome::Cancelled => "ended: cancelled by an interrupt",
        Outcome::WorkloadTimeout => "ended: workload timeout",
        _ => "ended otherwise",
    }
}

/// Whether a workload that exists is in the phase in which it ends by itself, or was suspended for a reason.
fn may_be_in(workload: &Workload, step: &Step, cancelled: bool) -> bool {
    let natural = match step.natural {
        Outcome::Succeeded => "Completed",
        Outcome::Failed => "Failed",
        _ => "Stopped",
    };
    workload.phase == natural || workload.phase == "Stopped" && (step.exceeds || cancelled)
}

/// Counts a submission that became several workloads, by whether that was reported.
async fn check_doubled(played: &CompletedRound, observed: &Observed, step: &Step, figures: &mut Figures) {
    let mut all = of_step(&played.live, step);
    all.extend(of_step(&played.gone, step));
    if all.len() < 2 {
        return;
    }
    let is_reported = |records: &[ReportEvent]| {
        records
            .iter()
            .any(|record| matches!(record, ReportEvent::Duplicated { name } if name.starts_with(&step.prefix())))
    };
    if observed.reports.iter().any(|report| is_reported(&report.records)) {
        return figures.add("doubled and reported", 1);
    }
    let lab = &played.lab;
    let created = |it: &Workload| it.created_at.parse::<Timestamp>().unwrap();
    // Unknown over sockets. The first effect is later, so this check is stricter.
    let first_send = lab.first_sends.lock().unwrap().get(&all[0].name).map(|sent| lab.sim_time(*sent));
    let first_send = first_send.unwrap_or_else(|| all.iter().map(|it| created(it)).min().unwrap());
    // The API has a resolution of 1 s.
    let late =
        |it: &&&Workload| created(it).duration_since(first_send) > SignedDuration::try_from(DUPLICATE_WINDOW).unwrap();
    let in_time = all.iter().filter(|it| !late(it)).count();
    if in_time < 2 {
        return figures.add("doubled by an effect beyond the window", 1);
    }
    let (_interrupts, receiver) = tokio::sync::mpsc::unbounded_channel();
    let next = launch(super::user::next_command(lab, step), receiver).await;
    if next.as_ref().is_ok_and(|report| is_reported(&report.records)) {
        return figures.add("doubled and reported by the next command", 1);
    }
    let complaint = format!("{all:#?} first sent {first_send}: {:#?} {next:#?}", records(observed).collect::<Vec<_>>());
    figures.complain("doubled and not reported", &complaint);
}
