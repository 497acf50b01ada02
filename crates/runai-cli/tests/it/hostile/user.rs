//! A simulated user who runs a command, interrupts it, and repeats it until every step has ended.

use std::sync::Arc;
use std::time::Duration;

use runai_cli::testing::{Campaign, CampaignReport, CampaignStep, ReportEvent, launch};
use runai_client::ReceiptStore;
use runai_client::lifecycle::Outcome;
use tokio::sync::mpsc::unbounded_channel;
use tokio::time::{Instant, sleep};

use super::{CANARY, Lab, Setting};

/// Maximum number of attempts. More indicate a bug.
const MAX_ATTEMPTS: usize = 200;
/// Time between two attempts.
const PAUSE: Duration = Duration::from_secs(20);

/// A step of a command.
pub(super) struct Step {
    pub(super) number: usize,
    pub(super) text: String,
    run_id: Option<String>,
    /// Final phase of its workload without interrupts.
    pub(super) natural: Outcome,
    /// A `workload_timeout` that it exceeds.
    pub(super) exceeds: bool,
}

impl Step {
    fn random(setting: Setting, dice: &mut fastrand::Rng, number: usize, run_id: Option<String>) -> Self {
        let mut seconds = |range| setting.scaled(Duration::from_secs(dice.u64(range))).as_secs();
        let (pending, running) = (seconds(0..300), seconds(1..1800).max(1));
        let (result, natural) = [
            ("Completed", Outcome::Succeeded),
            ("Completed", Outcome::Succeeded),
            ("Failed", Outcome::Failed),
            ("Stopped", Outcome::Stopped),
        ][dice.usize(..4)];
        let kind = dice.u32(..3);
        let settings = match kind {
            0 => format!(", pending_timeout: {}, workload_timeout: {}", pending + 60, running + 60),
            1 => format!(", workload_timeout: {}", (running / 2).max(1)),
            _ => String::new(),
        };
        let text = format!(
            "name: fit-{number}\nimage: a\ncommand: [b]\nsettings: {{gpu_devices_request: 0, cpu_core_request: 0.1, \
             cpu_memory_request: 1M{settings}}}\nenvironment:\n  \
             RUNAI_SIM_PENDING: {pending}\n  RUNAI_SIM_RUNNING: {running}\n  RUNAI_SIM_RESULT: {result}\n  \
             TOKEN: {CANARY}\n"
        );
        Self { number, text, run_id, natural, exceeds: kind == 1 }
    }

    /// Prefix of the names of its workloads.
    pub(super) fn prefix(&self) -> String {
        format!("fit-{}-", self.number)
    }
}

/// A command.
pub(super) struct Command {
    pub(super) steps: Vec<Step>,
    pub(super) deletes: bool,
    /// Whether an interrupt suspends workloads, as in `run`.
    pub(super) interrupt_cancels: bool,
    /// Whether the first attempt is `submit` without `--wait`.
    submits_first: bool,
    jobs: usize,
    starts: Duration,
    /// Of each attempt: when the user interrupts it, and when it is killed. Later attempts are left alone.
    disturbances: Vec<(Vec<Duration>, Option<Duration>)>,
}

/// The reports of all attempts.
#[derive(Default)]
pub(super) struct Observed {
    pub(super) attempts: usize,
    /// Exit code of each step.
    pub(super) exits: Vec<Option<u8>>,
    pub(super) reports: Vec<CampaignReport>,
    /// Failures before the first submission.
    pub(super) failures: Vec<String>,
    pub(super) interrupts: usize,
}

impl Command {
    pub(super) fn random(setting: Setting, dice: &mut fastrand::Rng, steps: &[usize]) -> Self {
        let run = dice.u32(..3) > 0;
        let steps = steps
            .iter()
            .map(|number| Step::random(setting, dice, *number, run.then(|| format!("nightly-{number}"))))
            .collect::<Vec<_>>();
        let mut disturbances = Vec::new();
        for _ in 0..dice.usize(..4) {
            let first = setting.scaled(Duration::from_secs(dice.u64(1..900)));
            disturbances.push(match dice.u32(..3) {
                0 => (vec![first], None),
                1 => (vec![first, first + setting.scaled(Duration::from_millis(dice.u64(..60_000)))], None),
                // Without a run id, repeating a killed command submits again.
                _ if run => (Vec::new(), Some(first)),
                _ => (Vec::new(), None),
            });
        }
        Self {
            jobs: dice.usize(1..=steps.len()),
            steps,
            deletes: dice.bool(),
            interrupt_cancels: dice.bool(),
            submits_first: dice.u32(..4) == 0,
            starts: setting.scaled(Duration::from_secs(dice.u64(..600))),
            disturbances,
        }
    }

    /// Repeats the command until every step has ended.
    pub(super) async fn run(&self, lab: &Lab) -> Observed {
        sleep(self.starts).await;
        let mut observed = Observed { exits: vec![None; self.steps.len()], ..Observed::default() };
        let mut follow = !self.submits_first;
        while observed.exits.iter().any(Option::is_none) && observed.attempts < MAX_ATTEMPTS {
            let open: Vec<usize> = (0..self.steps.len()).filter(|step| observed.exits[*step].is_none()).collect();
            let disturbance = self.disturbances.get(observed.attempts).cloned().unwrap_or_default();
            observed.attempts += 1;
            match self.attempt(lab, &open, follow, disturbance, &mut observed.interrupts).await {
                Ok(report) => {
                    for (step, code) in open.iter().zip(&report.exit_codes) {
                        observed.exits[*step] = final_code(&report, &self.steps[*step], *code).filter(|_| follow);
                    }
                    follow |= report.exit_codes.iter().all(|code| *code == Some(0));
                    observed.reports.push(report);
                }
                Err(failure) => {
                    assert!(!failure.contains("has errors"), "{failure}");
                    observed.failures.push(failure);
                }
            }
            sleep(lab.setting.scaled(PAUSE)).await;
        }
        observed
    }

    async fn attempt(
        &self,
        lab: &Lab,
        open: &[usize],
        follow: bool,
        (interrupts, killed_after): (Vec<Duration>, Option<Duration>),
        interrupted: &mut usize,
    ) -> Result<CampaignReport, String> {
        let campaign = Campaign {
            steps: open.iter().map(|step| launched(lab, &self.steps[*step])).collect(),
            jobs: self.jobs,
            follow,
            interrupt_cancels: self.interrupt_cancels && follow,
            delete_on_failure: self.deletes,
            killed_after,
            ..next_command(lab, &self.steps[0])
        };
        let (sender, receiver) = unbounded_channel();
        let began = Instant::now();
        let disturb = async {
            for moment in interrupts {
                sleep(moment.saturating_sub(began.elapsed())).await;
                *interrupted += 1;
                let _ = sender.send(());
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            report = launch(campaign, receiver) => report,
            () = disturb => unreachable!("it never ends"),
        }
    }
}

/// `submit` with a step that was submitted before.
pub(super) fn next_command(lab: &Lab, step: &Step) -> Campaign {
    Campaign {
        operator: lab.operator(),
        receipts: Some(Arc::clone(&lab.receipts) as Arc<dyn ReceiptStore>),
        monitoring_interval: 10.0 * lab.setting.scale,
        steps: vec![launched(lab, step)],
        jobs: 1,
        follow: false,
        interrupt_cancels: false,
        delete_on_failure: false,
        killed_after: None,
    }
}

/// Returns a step with the run id that hints of earlier attempts contain, if any.
fn launched(lab: &Lab, step: &Step) -> CampaignStep {
    let run_id = step.run_id.clone().or_else(|| {
        let receipts = lab.receipts.all_now();
        receipts.into_iter().find(|receipt| receipt.name.starts_with(&step.prefix()))?.run_id
    });
    CampaignStep { file: format!("fit-{}.runai.yaml", step.number), text: step.text.clone(), run_id }
}

/// Returns the exit code of a step that has ended.
fn final_code(report: &CampaignReport, step: &Step, code: Option<u8>) -> Option<u8> {
    let end = report.records.iter().find_map(|record| match record {
        ReportEvent::Ended { name, outcome } if name.starts_with(&step.prefix()) => Some(*outcome),
        _ => None,
    });
    // An earlier attempt ended before it could report the end.
    let is_gone = |record: &ReportEvent| matches!(record, ReportEvent::Rejected(text) if text.contains(&step.prefix()) && text.contains("deleted"));
    match end {
        // An end also counts if the command was killed later.
        Some(outcome) => Some(code.unwrap_or(code_of(outcome))),
        None => code.filter(|code| *code == 4 && report.records.iter().any(is_gone)),
    }
}

/// Returns the exit code of an outcome.
pub(super) const fn code_of(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Succeeded => 0,
        Outcome::Vanished => 4,
        Outcome::PendingTimeout | Outcome::WorkloadTimeout => 8,
        Outcome::Stopped => 9,
        Outcome::Cancelled => 130,
        _ => 7,
    }
}
