//! Runs the program's launch without a process: with any transport, interrupts from a channel, and progress as records.
//! Only for tests and campaigns of this repository; it may change at any time.

use std::collections::HashMap;
use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use runai_client::lifecycle::Outcome;
use runai_client::{Error, Event, OutageScope, ReceiptStore, StepOperator, SubmitEvent, Submitted};
use runai_sim::Output;
use runai_spec::settings::OperatorSettings;
use runai_spec::{Context, Resolver};
use runai_syntax::Format;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::timeout;

use crate::commands::launch::Launch;
use crate::commands::steps::LaunchStep;
use crate::config::connect::Connection;
use crate::config::input::Input;
use crate::config::sources::choose;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::interrupts::Interrupts;
use crate::progress::{Interruption, Rejection, Reporter};
use crate::tracking::{End, OnInterrupt, Plan, Tracked};

/// A launch of steps, as `runai-step run` does it.
#[derive(Debug)]
pub struct Campaign {
    /// The project's operator, on any transport.
    pub operator: StepOperator,
    /// The store of receipts.
    pub receipts: Option<Arc<dyn ReceiptStore>>,
    /// Seconds between two polls while nothing changes.
    pub monitoring_interval: f64,
    /// The steps.
    pub steps: Vec<CampaignStep>,
    /// Maximum number of steps at the same time.
    pub jobs: usize,
    /// Whether workloads are followed to their end.
    pub follow: bool,
    /// Whether an interrupt suspends the workloads.
    pub interrupt_cancels: bool,
    /// The operator's `delete_on_failure`.
    pub delete_on_failure: bool,
    /// Kills the process this long after the first submission.
    pub killed_after: Option<Duration>,
}

/// A step of a [`Campaign`].
#[derive(Clone, Debug)]
pub struct CampaignStep {
    /// Name of its file, whose ending selects the format.
    pub file: String,
    /// Text of its file.
    pub text: String,
    /// The value of `--run-id`.
    pub run_id: Option<String>,
}

/// The result of a [`Campaign`].
#[derive(Clone, Debug)]
pub struct CampaignReport {
    /// The exit code of the command; [`CampaignReport::KILLED`] if it was killed.
    pub exit_code: u8,
    /// The exit code of each step; `None` if the command ended first.
    pub exit_codes: Vec<Option<u8>>,
    /// All reports, in order.
    pub records: Vec<ReportEvent>,
    /// All texts and values passed to the reporter. Values are in their debug form, which shows more than the program
    /// prints.
    pub texts: Vec<String>,
}

impl CampaignReport {
    /// The exit code that shells show for a process that was killed.
    pub const KILLED: u8 = 137;
}

/// A report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReportEvent {
    /// A submission created several workloads.
    Duplicated {
        /// Their name.
        name: String,
    },
    /// A workload ended.
    Ended {
        /// Its name.
        name: String,
        /// How it ended.
        outcome: Outcome,
    },
    /// The command failed as a whole.
    Failed(String),
    /// The user interrupted; whether the workloads are suspended.
    Interrupted(bool),
    /// The command stopped following a workload before it ended.
    Left {
        /// Its name.
        name: String,
        /// Whether its suspension was requested and is unconfirmed.
        cancel_requested: bool,
    },
    /// The control plane became unreachable, or reachable again.
    Outage(bool),
    /// A workload changed its phase, or had it when the command attached.
    Phase(String),
    /// A step was not submitted.
    Rejected(String),
    /// A submission was sent again; the workload's name.
    Resent(String),
    /// A stored cancel was found; whether it is completed.
    StoredCancel(bool),
    /// A step was submitted, or attached to its workload.
    Submitted {
        /// Its name.
        name: String,
        /// Whether it existed before.
        already_existed: bool,
    },
    /// A warning.
    Warned(String),
}

/// Runs a campaign to its end. Each message of `interrupts` is one Ctrl-C.
///
/// # Errors
/// The project cannot be resolved, or a step has errors.
pub async fn launch(campaign: Campaign, interrupts: UnboundedReceiver<()>) -> Result<CampaignReport, String> {
    let Campaign { operator, receipts, monitoring_interval, steps, jobs, follow, .. } = campaign;
    let Campaign { interrupt_cancels, delete_on_failure, killed_after, .. } = campaign;
    let message = |failure: Failure| failure.message;
    let settings = OperatorSettings { monitoring_interval, delete_on_failure, ..OperatorSettings::default() };
    let connection = Connection::over(operator, receipts, settings);
    let placement = connection.placement().await.map_err(message)?;
    let steps = steps.into_iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let plan = Plan {
        max_starting: jobs,
        max_active: jobs,
        follow,
        on_interrupt: if interrupt_cancels { OnInterrupt::Cancel } else { OnInterrupt::Leave },
        summarize: true,
        resume_cancel: false,
    };
    let mut recorder = Recorder::default();
    let count = steps.len();
    let mut interrupts = Interrupts::from_channel(interrupts);
    let drive = Launch::new(steps, connection, placement).drive(plan, &mut interrupts, &mut recorder, None);
    let tracked = match killed_after {
        Some(time) => timeout(time, drive).await.ok(),
        None => Some(drive.await),
    };
    let (exit_code, exit_codes) = match tracked {
        Some(Tracked { exit, exits, .. }) => {
            (exit as u8, exits.into_iter().map(|exit| exit.map(|exit| exit as u8)).collect())
        }
        None => (CampaignReport::KILLED, vec![None; count]),
    };
    let Recorder { records, texts, .. } = recorder;
    Ok(CampaignReport { exit_code, exit_codes, records, texts })
}

fn read(step: CampaignStep) -> Result<LaunchStep, String> {
    let CampaignStep { file, text, run_id } = step;
    let file = Input { format: Format::of_path(&file), name: file, text: Ok(text), found_upward: false };
    let source = file.source().map_err(|failure| failure.message)?;
    let resolution = Resolver::new(source).resolve();
    if resolution.has_errors() {
        return Err(format!("invalid step in `{}`: {:?}", file.name, resolution.reports()));
    }
    let step = choose(&resolution, None).map_err(|failure| failure.message)?.clone();
    drop(resolution);
    Ok(LaunchStep { file, step, run_id, context: Context::default() })
}

/// Records all reports.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    pub(crate) records: Vec<ReportEvent>,
    texts: Vec<String>,
    /// Names of followed workloads, by id.
    names: HashMap<String, String>,
}

impl Recorder {
    fn record_text(&mut self, text: impl Display) {
        self.texts.push(text.to_string());
    }

    fn record_failure(&mut self, failure: &Failure) {
        self.record_text(format_args!("{} {:?}", failure.message, failure.hint));
    }

    fn record(&mut self, record: ReportEvent) {
        self.records.push(record);
    }
}

impl Reporter for Recorder {
    fn status(&mut self, text: &str) {
        self.record_text(text);
    }

    fn warn(&mut self, text: &str) {
        self.record_text(text);
        self.record(ReportEvent::Warned(text.to_owned()));
    }

    fn fail(&mut self, failure: &Failure) -> Exit {
        self.record_failure(failure);
        self.record(ReportEvent::Failed(failure.message.clone()));
        failure.exit
    }

    fn rejected(&mut self, rejection: &Rejection) -> Exit {
        self.record_failure(&rejection.failure);
        for excerpt in &rejection.excerpts {
            self.record_text(format_args!("{} {:?}", excerpt.shown, excerpt.report));
        }
        self.record(ReportEvent::Rejected(rejection.failure.message.clone()));
        rejection.failure.exit
    }

    fn submitted(&mut self, file: &str, submitted: &Submitted, project: &str) {
        self.record_text(format_args!("{file} {submitted:?} {project}"));
        let name = submitted.name.clone();
        if !submitted.duplicates.is_empty() || submitted.duplicate_of.is_some() {
            self.record(ReportEvent::Duplicated { name: name.clone() });
        }
        self.record(ReportEvent::Submitted { name, already_existed: submitted.already_existed });
    }

    fn submission(&mut self, event: &SubmitEvent) {
        if let SubmitEvent::Ambiguous { error, .. } = event {
            self.record_text(error);
        }
        self.record_text(format_args!("{event:?}"));
        if let SubmitEvent::Resending { name } = event {
            self.record(ReportEvent::Resent(name.clone()));
        }
    }

    fn result_id(&mut self, workload_id: &str) {
        self.record_text(workload_id);
    }

    fn watch(&mut self, workload_id: &str, name: &str) {
        self.names.insert(workload_id.to_owned(), name.to_owned());
    }

    fn event(&mut self, workload_id: &str, event: &Event) {
        self.record_text(format_args!("{event:?}"));
        match event {
            Event::CleanupFailed { error } | Event::OutageBegan { error } => self.record_text(error),
            Event::Duplicate { .. } => {
                let name = self.names.get(workload_id).cloned().unwrap_or_default();
                self.record(ReportEvent::Duplicated { name });
            }
            Event::Phase { phase, .. } => self.record(ReportEvent::Phase(phase.clone())),
            _ => {}
        }
    }

    fn outage_began(&mut self, scope: &OutageScope, error: &Error) {
        self.record_text(format_args!("{scope} {error} {error:?}"));
        self.record(ReportEvent::Outage(true));
    }

    fn outage_ended(&mut self, _: &OutageScope, _: Duration) {
        self.record(ReportEvent::Outage(false));
    }

    fn polling_singly(&mut self, _: &str) {}

    fn ended(&mut self, _: &str, name: &str, end: &End) {
        self.record_text(format_args!("{end:?}"));
        self.record(ReportEvent::Ended { name: name.to_owned(), outcome: end.outcome });
    }

    fn stored_cancel(&mut self, _: &str, _: &str, resumed: bool) {
        self.record(ReportEvent::StoredCancel(resumed));
    }

    fn interrupted(&mut self, interruption: &Interruption) {
        self.record(ReportEvent::Interrupted(matches!(interruption, Interruption::Suspend { .. })));
    }

    fn left(&mut self, _: &str, name: &str, cancel_requested: bool) {
        self.record(ReportEvent::Left { name: name.to_owned(), cancel_requested });
    }

    fn output(&mut self, output: &Output) {
        self.record_text(&output.line);
    }

    fn summary(&mut self, rows: Vec<[String; 4]>) {
        self.record_text(format_args!("{rows:?}"));
    }

    fn close(&mut self) {}
}
