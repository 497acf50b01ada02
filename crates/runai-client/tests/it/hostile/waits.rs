//! Runs with random wait policies and their allowed outcomes.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use runai_api::wire::Workload;
use runai_client::Progress;
use runai_client::lifecycle::{Outcome, WaitPolicy};

use super::{CANARY, Figures, Played, Run};
use crate::network::request;

/// A run that stays within its timeouts, exceeds them, or has none.
pub(super) fn waiting_run(dice: &mut fastrand::Rng, placement: &runai_client::Placement, run: usize) -> Run {
    let (pending, running) = (dice.u64(..300), dice.u64(1..1800));
    let (result, natural) = [
        ("Completed", Outcome::Succeeded),
        ("Completed", Outcome::Succeeded),
        ("Failed", Outcome::Failed),
        ("Stopped", Outcome::Stopped),
    ][dice.usize(..4)];
    let mut policy = WaitPolicy::default().delete_on_failure(dice.bool());
    let mut ends = vec![natural];
    match dice.u32(..3) {
        0 => {
            policy.pending_timeout = Some(Duration::from_secs(pending + 60));
            policy.workload_timeout = Some(Duration::from_secs(running + 60));
        }
        1 => {
            policy.workload_timeout = Some(Duration::from_secs(running / 2));
            ends.push(Outcome::WorkloadTimeout);
        }
        _ => {}
    }
    let (pending, running) = (pending.to_string(), running.to_string());
    let variables = [
        ("RUNAI_SIM_PENDING", pending.as_str()),
        ("RUNAI_SIM_RUNNING", &running),
        ("RUNAI_SIM_RESULT", result),
        ("TOKEN", CANARY),
    ];
    Run {
        request: request(placement, &run.to_string(), &variables),
        policy,
        starts: Duration::from_secs(dice.u64(..600)),
        ends,
    }
}

/// Checks the outcome of each run and the state of its workload.
pub(super) fn check_ends(played: &Played, figures: &mut Figures) {
    let live: HashMap<&str, &Workload> = played.live.iter().map(|it| (it.id.as_str(), it)).collect();
    let gone: HashSet<&str> = played.gone.iter().map(|it| it.id.as_str()).collect();
    for run in &played.runs {
        let receipt = played.store.of(run.request.spec.labels[0].value.as_deref().unwrap());
        let Some(Progress::Ended { outcome, workload_id }) = receipt.map(|it| it.progress) else {
            figures.add("lost", 1);
            continue;
        };
        let deletes = run.policy.delete_on_failure && outcome.is_cleaned_up();
        let is_right = run.ends.contains(&outcome);
        figures.add("wrong outcomes", usize::from(!is_right));
        if !is_right {
            figures.complaints.push(format!("{}: {outcome}, not {:?}", run.request.name, run.ends));
        }
        let is_touched = match live.get(workload_id.as_str()) {
            _ if played.freed.contains(&workload_id) => false,
            None if gone.contains(workload_id.as_str()) => !deletes,
            None => {
                figures.add("lost", 1);
                false
            }
            Some(workload) => match outcome {
                Outcome::Succeeded => workload.phase != "Completed",
                Outcome::Failed => workload.phase != "Failed",
                _ => workload.phase != "Stopped",
            },
        };
        if is_touched {
            let phase = live.get(workload_id.as_str()).map(|it| &it.phase);
            figures.complaints.push(format!("{}: {outcome}, {phase:?}", run.request.name));
        }
        figures.add("suspended or deleted without a reason", usize::from(is_touched));
        figures.add(
            match outcome {
                Outcome::WorkloadTimeout => "ended: workload timeout",
                Outcome::Succeeded => "ended: succeeded",
                Outcome::Failed => "ended: failed",
                Outcome::Stopped => "ended: stopped",
                _ => "ended otherwise",
            },
            1,
        );
    }
}
